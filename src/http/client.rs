//! Who is asking: the client's address and what its software calls itself.
//!
//! The address is the socket's peer. Only if that is one of `TRUSTED_PROXIES`, `X-Forwarded-For` is read, from the right,
//! to the first entry that is no trusted proxy: everything left of it is the client's own claim. (Actix's
//! `realip_remote_addr` takes the left-most entry, which anybody can set.)

use std::{
    convert::Infallible,
    future::{Ready, ready},
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{HeaderMap, USER_AGENT},
    web,
};
use ipnet::IpNet;

/// The networks whose `X-Forwarded-For` is believed.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(pub Vec<IpNet>);

/// Who is asking, as far as HTTP can tell.
#[derive(Debug, Clone)]
pub struct Client {
    /// The address that the request came from.
    pub address: IpAddr,
    /// The `User-Agent`, cut to 256 characters; anybody can write anything into it.
    pub user_agent: String,
}

impl Client {
    /// What budgets are counted by: an IPv4 address, or the /64 that one IPv6 subscriber has to themselves.
    #[must_use]
    pub fn network(&self) -> IpAddr {
        match self.address.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
            address @ IpAddr::V4(_) => address,
        }
    }
}

impl FromRequest for Client {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let trusted = request.app_data::<web::Data<TrustedProxies>>().map_or(&[][..], |trusted| &trusted.0);
        let peer = request.peer_addr().map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| peer.ip().to_canonical());
        let user_agent = request.headers().get(USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()));
        let user_agent =
            user_agent.unwrap_or_default().chars().filter(|letter| !letter.is_control()).take(256).collect();
        ready(Ok(Self { address: address(peer, request.headers(), trusted), user_agent }))
    }
}

fn address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    if !is_trusted(&peer) {
        return peer;
    }
    // In bytes: a proxy may have appended to a text of any kind, and each entry is judged by itself.
    let entries = headers.get_all("x-forwarded-for").flat_map(|list| list.as_bytes().split(|byte| *byte == b','));
    let forwarded: Vec<&[u8]> = entries.collect();
    let mut nearest = peer;
    for entry in forwarded.iter().rev() {
        // What can't be read was not written by a proxy of ours: the last one that was is as far as we know.
        let Some(address) = std::str::from_utf8(entry).ok().and_then(|entry| read(entry.trim())) else { break };
        nearest = address.to_canonical();
        if !is_trusted(&nearest) {
            break;
        }
    }
    nearest
}

/// An address; some proxies write its port behind it, some IPv6 in brackets. Else all of their visitors would share one budget.
fn read(entry: &str) -> Option<IpAddr> {
    let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(entry);
    bare.parse().ok().or_else(|| Some(entry.parse::<SocketAddr>().ok()?.ip()))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn seen(peer: &str, forwarded: &[&'static str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(
                HeaderName::from_static("x-forwarded-for"),
                HeaderValue::from_bytes(value.as_bytes()).expect("a value"),
            );
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|network| network.parse().expect("network")).collect();
        address(peer.parse().expect("address"), &headers, &trusted).to_string()
    }

    #[test]
    fn a_stranger_can_not_choose_an_address() {
        assert_eq!(seen("198.51.100.7", &["1.2.3.4"], &[]), "198.51.100.7");
        assert_eq!(seen("198.51.100.7", &["1.2.3.4"], &["10.0.0.0/8"]), "198.51.100.7");
    }

    #[test]
    fn behind_proxies_the_right_most_entry_that_is_no_proxy_counts() {
        let trusted = ["10.0.0.0/8"];
        assert_eq!(seen("10.0.0.1", &["6.6.6.6, 203.0.113.9, 10.0.0.2"], &trusted), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", &["6.6.6.6", "203.0.113.9"], &trusted), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", &["nonsense"], &trusted), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &["\u{e9}, 203.0.113.9"], &trusted), "203.0.113.9");
        for (entry, address) in [
            ("203.0.113.9:4711", "203.0.113.9"),
            ("[2001:db8::9]:4711", "2001:db8::9"),
            ("[2001:db8::9]", "2001:db8::9"),
        ] {
            assert_eq!(seen("10.0.0.1", &["6.6.6.6", entry, "10.0.0.2:80"], &trusted), address);
        }
    }

    #[test]
    fn an_ipv6_subscriber_counts_as_one() {
        let client = |address: &str| Client { address: address.parse().expect("address"), user_agent: String::new() };
        assert_eq!(client("2001:db8::1").network(), client("2001:db8::ffff:2").network());
        assert_ne!(client("2001:db8::1").network(), client("2001:db8:0:1::1").network());
        assert_eq!(client("::ffff:192.0.2.1").network(), client("192.0.2.1").network());
    }
}
