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

/// The addresses of this application, as people and programs use it.
///
/// Both doors have one address, unless `SITE_HOST` and `API_HOST` give each a host of its own, with the same scheme and port.
#[derive(Debug, Clone)]
pub struct Site {
    url: Url,
    site: Place,
    api: Option<Place>,
    allowed: Vec<String>,
}

/// A place where a door stands, under as many names as it has.
#[derive(Debug, Clone)]
struct Place {
    /// As they stand in a `Host` header, the public one first.
    hosts: Vec<String>,
    /// The same, as they stand in an `Origin` header.
    origins: Vec<String>,
}

impl Place {
    fn new(url: &Url, names: &[String]) -> Self {
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let hosts: Vec<String> = names.iter().map(|name| format!("{name}{port}")).collect();
        let origins = hosts.iter().map(|host| format!("{}://{host}", url.scheme())).collect();
        Self { hosts, origins }
    }

    fn is_named(&self, host: &str, scheme: &str) -> bool {
        let default_port = if scheme == "https" { ":443" } else { ":80" };
        let host = host.strip_suffix(default_port).unwrap_or(host);
        self.hosts.iter().any(|ours| ours.eq_ignore_ascii_case(host))
    }
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
    /// Takes the public URL and the API's own host, if it has one, both of which [`crate::config`] has checked, and the further
    /// origins that may use the API's cookie.
    ///
    /// With one host for both doors, if that is http on a loopback name, that machine's other names with the same port are ours
    /// as well. With two, a name belongs to one door.
    #[must_use]
    pub fn new(url: Url, api_host: Option<&str>, api_allowed_origins: &[String]) -> Self {
        let mut names = vec![url.host_str().unwrap_or_default().to_owned()];
        let loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        if url.scheme() == "http" && loopback && api_host.is_none() {
            names.extend(["localhost", "127.0.0.1", "[::1]"].map(str::to_owned));
        }
        let site = Place::new(&url, &names);
        let api = api_host.map(|host| Place::new(&url, &[host.to_owned()]));
        Self { url, site, api, allowed: api_allowed_origins.to_vec() }
    }

    /// Whether people reach us over https: then cookies are `Secure` and carry the `__Host-` or `__Secure-` prefix.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The site's address without a trailing slash, such as `https://doors.example.com`.
    #[must_use]
    pub fn address(&self) -> &str {
        self.url.as_str().trim_end_matches('/')
    }

    /// What stands before `/api` in the API's address.
    #[must_use]
    pub fn api_address(&self) -> &str {
        self.api_origin().unwrap_or(self.address())
    }

    /// The API's origin, if it is not the site's.
    #[must_use]
    pub fn api_origin(&self) -> Option<&str> {
        self.api.as_ref().map(|api| api.origins[0].as_str())
    }

    /// The host and port of the site, as they stand in a `Host` header.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.site.hosts[0]
    }

    /// The same of the API.
    #[must_use]
    pub fn api_host(&self) -> &str {
        &self.api().hosts[0]
    }

    fn api(&self) -> &Place {
        self.api.as_ref().unwrap_or(&self.site)
    }

    /// Whether a `Host` header names the site.
    #[must_use]
    pub fn is_site(&self, host: &str) -> bool {
        self.site.is_named(host, self.url.scheme())
    }

    /// Whether a `Host` header names the API.
    #[must_use]
    pub fn is_api(&self, host: &str) -> bool {
        self.api().is_named(host, self.url.scheme())
    }

    /// The names of our hosts, without ports.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let places = [Some(&self.site), self.api.as_ref()];
        let hosts = places.into_iter().flatten().flat_map(|place| &place.origins);
        hosts.filter_map(|origin| Some(Url::parse(origin).ok()?.host_str()?.to_owned())).collect()
    }

    /// Whether a `Host` header names us.
    #[must_use]
    pub fn answers_to(&self, host: &str) -> bool {
        self.is_site(host) || self.is_api(host)
    }

    /// The origins whose pages may read what the API answers (CORS): those that are allowed to, and the site, where the API is
    /// of another origin. A page of the API's own origin needs no leave.
    pub fn readers(&self) -> impl Iterator<Item = &String> {
        let site = self.api.iter().flat_map(|_| &self.site.origins);
        site.chain(&self.allowed)
    }

    /// Whether browsers may take both hosts for one *site*, so that a page of ours has them send the refresh cookie, which is
    /// `SameSite=Strict`. Which domains anybody can register below is a list that we don't have: one in common must at least
    /// have a dot.
    #[must_use]
    pub fn may_be_one_site(&self) -> bool {
        let Some(api) = &self.api else { return true };
        let labels =
            |host: &'_ str| host.split(':').next().unwrap_or_default().split('.').rev().map(str::to_owned).collect();
        let (site, api): (Vec<String>, Vec<String>) = (labels(&self.site.hosts[0]), labels(&api.hosts[0]));
        site.iter().zip(&api).take_while(|(site, api)| site == api).count() >= 2
    }

    /// Judges an unsafe request to a page: **both** headers, where present, must speak for us.
    ///
    /// `same-site` is refused (ports and sibling hosts are same-site), and so is `Origin: null`.
    #[must_use]
    pub fn judge_page(&self, headers: &HeaderMap) -> CameFrom {
        let fetch = headers.get(SEC_FETCH_SITE).map(|value| matches!(value.as_bytes(), b"same-origin" | b"none"));
        let origin = headers.get(ORIGIN).map(|value| is_one_of(value.as_bytes(), &self.site.origins));
        match (fetch, origin) {
            (Some(false), _) | (_, Some(false)) => CameFrom::Elsewhere,
            (None, None) => CameFrom::Unsaid,
            _ => CameFrom::Ours,
        }
    }

    /// Judges a request to the API that a cookie authorises: `Origin` alone decides, and only without it `Sec-Fetch-Site`,
    /// as a page of an allowed origin is cross-site.
    #[must_use]
    // excerpt: judge_api
    pub fn judge_api(&self, headers: &HeaderMap) -> CameFrom {
        if let Some(origin) = headers.get(ORIGIN) {
            let ours = [&self.site.origins, &self.api().origins, &self.allowed];
            let is_ours = ours.iter().any(|origins| is_one_of(origin.as_bytes(), origins));
            return if is_ours { CameFrom::Ours } else { CameFrom::Elsewhere };
        }
        match headers.get(SEC_FETCH_SITE).map(actix_web::http::header::HeaderValue::as_bytes) {
            None => CameFrom::Unsaid,
            Some(b"same-origin" | b"none") => CameFrom::Ours,
            Some(_) => CameFrom::Elsewhere,
        }
    }
    // end excerpt
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
        Site::new(url.parse().expect("url"), None, &["https://app.example.com".to_owned()])
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
    fn with_two_hosts_each_door_has_a_name_and_the_api_listens_to_pages_of_both() {
        let url = "https://app.example.com:8443".parse().expect("url");
        let site = Site::new(url, Some("api.example.com"), &["https://other.example".to_owned()]);
        assert!(site.is_site("app.example.com:8443") && site.is_api("api.example.com:8443"));
        assert!(!site.is_site("api.example.com:8443") && !site.is_api("app.example.com:8443"));
        assert!(!site.answers_to("example.com:8443") && !site.answers_to("api.example.com"));
        assert_eq!(site.api_address(), "https://api.example.com:8443");
        assert_eq!(site.readers().collect::<Vec<_>>(), ["https://app.example.com:8443", "https://other.example"]);
        let (of_site, of_api) = ("https://app.example.com:8443", "https://api.example.com:8443");
        assert_eq!(site.judge_page(&headers(&[("origin", of_site)])), CameFrom::Ours);
        assert_eq!(site.judge_page(&headers(&[("origin", of_api)])), CameFrom::Elsewhere);
        for ours in [of_site, of_api, "https://other.example"] {
            assert_eq!(site.judge_api(&headers(&[("origin", ours)])), CameFrom::Ours, "{ours}");
        }
        assert_eq!(site.judge_api(&headers(&[("origin", "https://example.com:8443")])), CameFrom::Elsewhere);
    }

    #[test]
    fn two_hosts_are_one_site_only_below_a_common_domain() {
        let share = |site: &str, api: &str| {
            Site::new(format!("http://{site}:80").parse().expect("url"), Some(api), &[]).may_be_one_site()
        };
        assert!(share("app.two-doors.localhost", "api.two-doors.localhost"));
        assert!(!share("app.localhost", "api.localhost"));
        assert!(!share("app.example.com", "api.example.org"));
        assert!(share("example.com", "api.example.com"));
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
