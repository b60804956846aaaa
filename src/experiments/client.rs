//! The HTTP client of the experiments: real requests over a real connection, without any convenience.
//!
//! It connects to the address that the server listens on and names the public host of each door, so that a run works behind
//! a proxy as well; it follows no redirect and uses no proxy, as its credentials are for this server alone. Its jar keeps
//! what the server sets, `Secure` or not: the connection never leaves this machine.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::{Duration, Instant},
};

use reqwest::{header, redirect::Policy};

use super::message::{Answered, Request, Shown};
use crate::{accounts::own_client, http::origin::Site, secrets::Secrets};

/// Longer than the server lets any of its own work take.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Where the server is, from the outside.
#[derive(Debug, Clone)]
pub struct Target {
    address: SocketAddr,
    site: Site,
    /// For the mark that exempts from throttling; whoever has no secrets of the server is throttled like anyone.
    secrets: Option<Secrets>,
}

impl Target {
    /// The server that listens at `bound`. A wildcard is no address to connect to: then it is this machine's own.
    #[must_use]
    pub fn new(bound: SocketAddr, site: &Site, secrets: Option<&Secrets>) -> Self {
        let ip = match bound.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        Self { address: (ip, bound.port()).into(), site: site.clone(), secrets: secrets.cloned() }
    }
}

impl Target {
    /// Where to connect to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same server, reached through another address: whoever listens there hands on what comes.
    #[must_use]
    pub fn through(&self, address: SocketAddr) -> Self {
        Self { address, ..self.clone() }
    }

    /// The addresses that people use.
    #[must_use]
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// Whether requests carry the mark of our own client.
    #[must_use]
    pub fn is_exempt(&self) -> bool {
        self.secrets.is_some()
    }

    /// Opens the feed of endings as our own service; `None` if the server knows no such service.
    pub async fn follow_endings(&self) -> Result<Option<reqwest::Response>, Unanswered> {
        let Some(secrets) = &self.secrets else { return Ok(None) };
        let (name, secret) = own_client::service(secrets);
        let failed = |error: reqwest::Error| Unanswered::because("the feed of endings was not answered", &error);
        let http = reqwest::Client::builder().redirect(Policy::none()).no_proxy().build().map_err(failed)?;
        let response = http
            .get(format!("http://{}/api/endings", self.address))
            .header(header::HOST, self.site.api_host())
            .basic_auth(name, Some(secret))
            .send()
            .await
            .map_err(failed)?;
        Ok(response.status().is_success().then_some(response))
    }

    fn host_of(&self, path: &str) -> &str {
        let is_of_api = path.starts_with("/api") || path == "/.well-known/jwks.json";
        if is_of_api { self.site.api_host() } else { self.site.host() }
    }
}

/// No answer came; `text` is for people, the rest was logged.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unanswered(String);

/// A client with connections and a jar of its own. A clone shares its connections and has a copy of the jar.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    target: Target,
    jar: BTreeMap<String, String>,
    keeps_cookies: bool,
}

impl Client {
    /// A client with an empty jar, which calls itself `name`.
    pub fn new(target: &Target, name: &str) -> Result<Self, Unanswered> {
        let http = reqwest::Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .timeout(ANSWER_WITHIN)
            .user_agent(name)
            .build()
            .map_err(|error| Unanswered::because("no HTTP client could be made", &error))?;
        Ok(Self { http, target: target.clone(), jar: BTreeMap::new(), keeps_cookies: true })
    }

    /// The same client as it knocks at another server: with the cookies that it has, and keeping what it is given there.
    pub fn at(&self, target: &Target) -> Result<Self, Unanswered> {
        Ok(Self { jar: self.jar.clone(), ..Self::new(target, "two-doors experiment")? })
    }

    /// The same, for the server at `target`.
    pub fn copied_to(&self, target: &Target, name: &str) -> Result<Self, Unanswered> {
        Ok(Self { target: target.clone(), ..self.copied(name)? })
    }

    /// Another client, with connections of its own and a copy of this one's jar: what a thief makes. It shows the copy as it
    /// is, whatever it is answered.
    pub fn copied(&self, name: &str) -> Result<Self, Unanswered> {
        Ok(Self { jar: self.jar.clone(), keeps_cookies: false, ..Self::new(&self.target, name)? })
    }

    /// Whether it shows a copy of another client's jar.
    #[must_use]
    pub fn is_copy(&self) -> bool {
        !self.keeps_cookies
    }

    /// The value of a cookie in the jar, by the end of its name: over https, names have a prefix.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.jar.iter().find(|(known, _)| known.ends_with(name)).map(|(_, value)| value.as_str())
    }

    /// The same with its whole name, as a `Cookie` header has it.
    #[must_use]
    pub fn named_cookie(&self, name: &str) -> Option<(&str, &str)> {
        let found = self.jar.iter().find(|(known, _)| known.ends_with(name));
        found.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Puts a cookie into the jar.
    pub fn plant(&mut self, name: &str, value: &str) {
        self.jar.insert(name.to_owned(), value.to_owned());
    }

    /// Sends a request, reads the whole answer, and keeps its cookies.
    pub async fn send(&mut self, request: &Request) -> Result<Answered, Unanswered> {
        let answered = self.fetch(request).await?;
        for (name, value, removed) in answered.cookies().filter(|_| self.keeps_cookies) {
            match removed {
                true => self.jar.remove(name),
                false => self.jar.insert(name.to_owned(), value.to_owned()),
            };
        }
        Ok(answered)
    }

    /// Sends a request and reads the whole answer.
    pub async fn fetch(&self, request: &Request) -> Result<Answered, Unanswered> {
        let (mut sent, sent_body) = (self.credential(&request.shown), request.body.encode());
        sent.extend(request.headers.iter().cloned());
        let mut http = self
            .http
            .request(request.method.clone(), format!("http://{}{}", self.target.address, request.path))
            .header(header::HOST, self.target.host_of(&request.path));
        if let Some(secrets) = &self.target.secrets {
            http = http.header(own_client::HEADER, own_client::mark(secrets));
        }
        for (name, value) in &sent {
            http = http.header(*name, value);
        }
        if let Some(media_type) = request.body.media_type() {
            http = http.header(header::CONTENT_TYPE, media_type);
        }
        let what = format!("{} {} was not answered", request.method, request.path);
        let failed = |error: reqwest::Error| Unanswered::because(&what, &error);
        let sent_at = Instant::now();
        let response = http.body(sent_body.clone()).send().await.map_err(failed)?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.text().await.map_err(failed)?;
        Ok(Answered { sent, sent_body, sent_at, answered_at: Instant::now(), status, headers, body })
    }

    fn credential(&self, shown: &Shown) -> Vec<(&'static str, String)> {
        match shown {
            Shown::Cookies if !self.jar.is_empty() => {
                let pairs: Vec<String> = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
                vec![("Cookie", pairs.join("; "))]
            }
            Shown::Cookie(value) => vec![("Cookie", value.clone())],
            Shown::Bearer(token) => vec![("Authorization", format!("Bearer {token}"))],
            Shown::Nothing | Shown::Cookies => Vec::new(),
        }
    }
}

impl Unanswered {
    fn because(what: &str, error: &reqwest::Error) -> Self {
        tracing::warn!(error = error as &dyn std::error::Error, "{what}");
        let within = if error.is_timeout() { format!(" within {} s", ANSWER_WITHIN.as_secs()) } else { String::new() };
        Self(format!("{what}{within}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_is_reached_at_this_machine() {
        let site = Site::new("https://doors.example.com".parse().expect("url"), None, &[]);
        let secrets = Secrets::parse(&"s".repeat(40)).expect("valid");
        let reached =
            |bound: &str| Target::new(bound.parse().expect("address"), &site, Some(&secrets)).address.to_string();
        assert_eq!(reached("0.0.0.0:80"), "127.0.0.1:80");
        assert_eq!(reached("[::]:80"), "[::1]:80");
        assert_eq!(reached("192.0.2.1:80"), "192.0.2.1:80");
    }
}
