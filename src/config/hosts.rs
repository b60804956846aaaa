//! Whether the doors have a host name each.

use url::{Host, Url};

use super::{
    parse::{host_name, is_loopback},
    reader::{Error, Reader},
};

/// A host name for each door; both have the public URL's scheme and port.
#[derive(Debug, Clone)]
pub struct Hosts {
    /// `SITE_HOST`: also the public URL's host.
    pub site: String,
    /// `API_HOST`.
    pub api: String,
}

impl Hosts {
    /// Both hosts or neither; and no credential goes over plain http to another machine.
    pub(super) fn read(read: &Reader<'_>, public_url: Option<&Url>) -> Result<Option<Self>, Error> {
        let accepted = "a host name without scheme and port, such as app.example.com";
        let site = read.optional("SITE_HOST", accepted, host_name)?;
        let api = read.optional("API_HOST", accepted, host_name)?;
        let (site, api) = match (site, api) {
            (None, None) => return Ok(None),
            (Some(site), Some(api)) => (site, api),
            (Some(_), None) => return Err(Error("API_HOST is not set: it must be where SITE_HOST is".to_owned())),
            (None, Some(_)) => return Err(Error("SITE_HOST is not set: it must be where API_HOST is".to_owned())),
        };
        if site == api {
            return Err(Error(format!(
                "API_HOST={api:?} can't be used: accepted is another host name than SITE_HOST's"
            )));
        }
        if let Some(url) = public_url.filter(|url| url.host_str() != Some(&site)) {
            return Err(Error(format!(
                "SITE_HOST={site:?} can't be used: accepted is the host of PUBLIC_URL={:?}, which is the site's address",
                url.as_str()
            )));
        }
        let is_https = public_url.is_some_and(|url| url.scheme() == "https");
        for (name, value) in [("SITE_HOST", &site), ("API_HOST", &api)] {
            if !is_https && !Host::parse(value).is_ok_and(|host| is_loopback(as_ref(&host))) {
                return Err(Error(format!(
                    "{name}={value:?} can't be used: without https in PUBLIC_URL, accepted is a name of this machine, such as \
                     app.two-doors.localhost"
                )));
            }
        }
        Ok(Some(Self { site, api }))
    }
}

fn as_ref(host: &Host) -> Host<&str> {
    match host {
        Host::Domain(name) => Host::Domain(name),
        Host::Ipv4(address) => Host::Ipv4(*address),
        Host::Ipv6(address) => Host::Ipv6(*address),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::tests::config;

    #[test]
    fn two_hosts_are_two_and_the_site_s_is_the_public_one() {
        let hosts = |site, api, url| config(&[("SITE_HOST", site), ("API_HOST", api), ("PUBLIC_URL", url)]);
        let refused = |site, api, url| hosts(site, api, url).expect_err("refused");
        assert!(refused("app.example.com", "", "https://app.example.com").starts_with("API_HOST is not set"));
        assert!(refused("", "api.example.com", "https://app.example.com").starts_with("SITE_HOST is not set"));
        assert!(refused("a.example.com", "A.example.com", "https://a.example.com").contains("another host name"));
        assert!(refused("app.example.com", "api.example.com", "https://example.com").contains("the site's address"));
        assert!(refused("app.example.com", "api.example.com", "").contains("without https"));
        assert!(refused("app.localhost", "api.example.com", "").starts_with("API_HOST"));
        assert!(hosts("app.two-doors.localhost", "api.two-doors.localhost", "").is_ok());
        let both = hosts("app.example.com", "api.example.com", "https://app.example.com:8443").expect("two hosts");
        assert_eq!(both.hosts.map(|hosts| hosts.api).as_deref(), Some("api.example.com"));
    }
}
