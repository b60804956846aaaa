//! Which addresses are ours, and whether a request comes from one of our own pages.
//!
//! A browser attaches cookies to requests that other sites make it send. Two headers that no page can forge tell where a
//! request comes from: `Origin` and `Sec-Fetch-Site`. `SameSite` alone is not enough: a sibling host or another port of this
//! host is the same *site*, though another origin (OWASP Cross-Site Request Forgery Prevention).
//!
//! Limit: programs that are no browsers send neither header. They carry no one else's cookies either.

use actix_web::http::header::{HeaderMap, HeaderName, ORIGIN};
use url::{Host, Url};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The address of this application, as people use it.
#[derive(Debug, Clone)]
pub struct Site {
    url: Url,
    origins: Vec<String>,
    hosts: Vec<String>,
    api_origins: Vec<String>,
}

/// What a request's headers say about where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CameFrom {
    /// One of our own pages (or, at the API, an origin that is allowed to).
    Ours,
    /// Another origin.
    Elsewhere,
    /// Not said: no browser, or a very old one.
    Unsaid,
}

impl Site {
    /// Takes the public URL, which [`crate::config`] has checked, and the further origins that may use the API's cookie.
    ///
    /// If it is http on a loopback name, that machine's other names with the same port are ours as well.
    #[must_use]
    pub fn new(url: Url, api_allowed_origins: &[String]) -> Self {
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let mut names = vec![url.host_str().unwrap_or_default().to_owned()];
        let loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        if url.scheme() == "http" && loopback {
            names.extend(["localhost", "127.0.0.1", "[::1]"].map(str::to_owned));
        }
        let hosts: Vec<String> = names.iter().map(|name| format!("{name}{port}")).collect();
        let origins: Vec<String> = hosts.iter().map(|host| format!("{}://{host}", url.scheme())).collect();
        let api_origins = origins.iter().chain(api_allowed_origins).cloned().collect();
        Self { url, origins, hosts, api_origins }
    }

    /// Whether people reach us over https: then cookies are `Secure` and carry the `__Host-` or `__Secure-` prefix.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The public address without a trailing slash, such as `https://doors.example.com`.
    #[must_use]
    pub fn address(&self) -> &str {
        self.url.as_str().trim_end_matches('/')
    }

    /// The public host and port, as they stand in a `Host` header.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.hosts[0]
    }

    /// Whether a `Host` header names us.
    #[must_use]
    pub fn answers_to(&self, host: &str) -> bool {
        let default_port = if self.is_https() { ":443" } else { ":80" };
        let host = host.strip_suffix(default_port).unwrap_or(host);
        self.hosts.iter().any(|ours| ours.eq_ignore_ascii_case(host))
    }

    /// Judges an unsafe request to a page: **both** headers, where present, must speak for us.
    ///
    /// `same-site` is refused (ports and sibling hosts are same-site), and so is `Origin: null`.
    #[must_use]
    pub fn judge_page(&self, headers: &HeaderMap) -> CameFrom {
        let fetch = headers.get(SEC_FETCH_SITE).map(|value| matches!(value.as_bytes(), b"same-origin" | b"none"));
        let origin = headers.get(ORIGIN).map(|value| is_one_of(value.as_bytes(), &self.origins));
        match (fetch, origin) {
            (Some(false), _) | (_, Some(false)) => CameFrom::Elsewhere,
            (None, None) => CameFrom::Unsaid,
            _ => CameFrom::Ours,
        }
    }

    /// Judges a request to the API that a cookie authorises: `Origin` alone decides, and only without it `Sec-Fetch-Site`,
    /// as a page of an allowed origin is cross-site.
    #[must_use]
    pub fn judge_api(&self, headers: &HeaderMap) -> CameFrom {
        if let Some(origin) = headers.get(ORIGIN) {
            return if is_one_of(origin.as_bytes(), &self.api_origins) { CameFrom::Ours } else { CameFrom::Elsewhere };
        }
        match headers.get(SEC_FETCH_SITE).map(actix_web::http::header::HeaderValue::as_bytes) {
            None => CameFrom::Unsaid,
            Some(b"same-origin" | b"none") => CameFrom::Ours,
            Some(_) => CameFrom::Elsewhere,
        }
    }
}

fn is_one_of(origin: &[u8], origins: &[String]) -> bool {
    origins.iter().any(|ours| ours.as_bytes() == origin)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        list.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    fn site(url: &str) -> Site {
        Site::new(url.parse().expect("url"), &["https://app.example.com".to_owned()])
    }

    #[test]
    fn pages_believe_a_request_only_if_both_headers_speak_for_us() {
        let site = site("https://doors.example.com");
        let judge = |list: &[(&'static str, &'static str)]| site.judge_page(&headers(list));
        assert_eq!(judge(&[]), CameFrom::Unsaid);
        assert_eq!(judge(&[("origin", "https://doors.example.com")]), CameFrom::Ours);
        assert_eq!(judge(&[("sec-fetch-site", "same-origin")]), CameFrom::Ours);
        for elsewhere in [
            &[("origin", "null")][..],
            &[("origin", "https://doors.example.com:8443")],
            &[("origin", "http://doors.example.com")],
            &[("origin", "https://app.example.com")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "cross-site"), ("origin", "https://doors.example.com")],
            &[("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")],
        ] {
            assert_eq!(judge(elsewhere), CameFrom::Elsewhere, "{elsewhere:?}");
        }
    }

    #[test]
    fn at_the_api_the_origin_decides_before_the_site() {
        let site = site("https://doors.example.com");
        let judge = |list: &[(&'static str, &'static str)]| site.judge_api(&headers(list));
        assert_eq!(judge(&[]), CameFrom::Unsaid);
        let allowed = [("origin", "https://app.example.com"), ("sec-fetch-site", "same-site")];
        assert_eq!(judge(&allowed), CameFrom::Ours);
        assert_eq!(judge(&[("origin", "null")]), CameFrom::Elsewhere);
        assert_eq!(judge(&[("sec-fetch-site", "same-site")]), CameFrom::Elsewhere);
    }

    #[test]
    fn on_loopback_the_machines_names_are_one_and_elsewhere_not() {
        let local = site("http://127.0.0.1:8080");
        for host in ["127.0.0.1:8080", "localhost:8080", "LOCALHOST:8080", "[::1]:8080"] {
            assert!(local.answers_to(host), "{host}");
        }
        for host in ["127.0.0.1", "localhost:81", "evil.example:8080", "evil.localhost:8080", ""] {
            assert!(!local.answers_to(host), "{host}");
        }
        let public = site("https://doors.example.com");
        assert!(public.answers_to("doors.example.com") && public.answers_to("doors.example.com:443"));
        assert!(!public.answers_to("localhost"));
    }
}
