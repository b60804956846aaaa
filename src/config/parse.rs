//! The forms that values may have: addresses, origins, networks, times.

use std::{net::IpAddr, time::Duration};

use ipnet::IpNet;
use url::{Host, Url};

/// Plain http is accepted for this very machine only: anywhere else it would show every credential to the network.
pub(super) fn public_url(value: &str) -> Option<Url> {
    let url = Url::parse(value).ok()?;
    let nobody = url.username().is_empty() && url.password().is_none();
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && nobody;
    let fit = match url.scheme() {
        "https" => url.host().is_some(),
        "http" => is_loopback(url.host()?),
        _ => false,
    };
    (bare && fit).then_some(url)
}

/// Whether it is clear which part of a database's URL is the password: libpq would quote the pieces of others in its errors, and
/// a text of `key=value` pairs is read by libpq alone.
pub(super) fn is_postgres(value: &str) -> bool {
    let Some(rest) = ["postgres://", "postgresql://"].iter().find_map(|scheme| value.strip_prefix(scheme)) else {
        return value.split_once('=').is_some_and(|(name, _)| !name.contains("://"));
    };
    let before_the_query = rest.split('?').next().unwrap_or_default();
    let (authority, path) = before_the_query.split_once('/').unwrap_or((before_the_query, ""));
    authority.matches('@').count() <= 1 && !path.contains('@')
}

/// Whether a host names this very machine: `localhost`, a name below it, or a loopback address.
#[must_use]
pub fn is_loopback(host: Host<&str>) -> bool {
    match host {
        Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// A host's name alone, as a browser writes it.
pub(super) fn host_name(value: &str) -> Option<String> {
    Host::parse(value).ok().map(|host| host.to_string())
}

/// As with the own address: a page that came by plain http may be anybody's.
pub(super) fn origin_of(value: &str) -> Option<String> {
    public_url(value).map(|url| url.origin().ascii_serialization())
}

/// Whether a URL names a Redis that we can reach: by TCP or by a Unix socket, not with TLS.
pub(super) fn is_redis(value: &str) -> bool {
    let scheme = ["redis://", "redis+unix://"].iter().any(|scheme| value.starts_with(scheme));
    scheme && redis::IntoConnectionInfo::into_connection_info(value).is_ok()
}

pub(super) fn network_of(value: &str) -> Option<IpNet> {
    value.parse().ok().or_else(|| value.parse::<IpAddr>().ok().map(IpNet::from))
}

/// A name as it may stand in the claim `aud`.
pub(super) fn audience_of(value: &str) -> Option<String> {
    let is_name = !value.is_empty() && value.len() <= 200 && value.bytes().all(|byte| byte.is_ascii_graphic());
    is_name.then(|| value.to_owned())
}

/// Reads `90`, `90s`, `15m`, `12h` or `14d`, and `800ms`.
#[must_use]
pub fn duration(value: &str) -> Option<Duration> {
    let digits = value.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = match value[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "ms" => return digits.parse().ok().map(Duration::from_millis),
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units_and_no_more_than_they_can_hold() {
        assert_eq!(duration("90"), Some(Duration::from_secs(90)));
        assert_eq!(duration("15m"), Some(Duration::from_mins(15)));
        assert_eq!(duration("14D"), Some(Duration::from_hours(336)));
        assert_eq!(duration("800ms"), Some(Duration::from_millis(800)));
        for value in ["", "m", "ms", "1.5h", "-1s", "1w", "99999999999999999999d", "999999999999999999d"] {
            assert_eq!(duration(value), None, "{value}");
        }
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for value in ["https://doors.example.com", "http://localhost:8080", "http://127.0.0.1", "http://[::1]:1"] {
            assert!(public_url(value).is_some(), "{value}");
        }
        for value in [
            "http://doors.example.com",
            "http://10.0.0.1",
            "ftp://localhost",
            "https://user@x.org",
            "https://:secret@x.org",
            "https://x.org/?q",
            "x.org",
        ] {
            assert!(public_url(value).is_none(), "{value}");
            assert!(origin_of(value).is_none(), "{value}");
        }
    }

    #[test]
    fn of_a_databases_url_it_is_clear_what_the_password_is() {
        for value in [
            "postgres://app:secret@db/doors",
            "postgresql://app@/doors?host=%2Frun%2Fpostgres&port=5432",
            "postgres://db",
            "host=db user=app password='two words'",
            "host=db password=a://b",
            "postgres://db/doors?user=app@corp&sslrootcert=/etc/a@b.pem",
        ] {
            assert!(is_postgres(value), "{value}");
        }
        for value in
            ["postgres://app:abc/def@db/doors", "postgres://app:p@ss@db/doors", "mysql://app@db/x?a=b", "doors"]
        {
            assert!(!is_postgres(value), "{value}");
        }
    }
}
