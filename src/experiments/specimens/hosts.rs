//! The names that specimens answer to. Cookies know names and no ports, so none of them may be a name of the real doors.
//!
//! `victim.`, `sibling.`, `app.` and `api.` stand below one domain and are one *site* to a browser; `attacker` is another one.
//! Below `localhost` a browser finds them by itself; elsewhere `SPECIMEN_HOSTS` names them and somebody's DNS has to agree.

use std::net::SocketAddr;

use serde::Serialize;

/// Who answers under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The site that is attacked.
    Victim,
    /// Another host of the victim's site.
    Sibling,
    /// A front end.
    App,
    /// The API of that front end, on another host of the same site.
    Api,
    /// Another site.
    Attacker,
    /// A name of no loopback kind, which only a browser that was told so resolves to this machine.
    Plain,
}

/// The roles that have a configurable name, in the order of `SPECIMEN_HOSTS`.
const NAMED: [Role; 5] = [Role::Victim, Role::Sibling, Role::App, Role::Api, Role::Attacker];
/// How many names `SPECIMEN_HOSTS` has.
pub const NAMES: usize = NAMED.len();
const DEFAULT_NAMES: [&str; NAMES] = [
    "victim.specimen.localhost",
    "sibling.specimen.localhost",
    "app.specimen.localhost",
    "api.specimen.localhost",
    "attacker.localhost",
];
/// Below `.test` no name ever exists (RFC 6761, section 6.2).
pub(in crate::experiments) const PLAIN: &str = "plain.specimen.test";

/// Why these names can't be used.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// The first four are not hosts of one site.
    #[error("{0:?} and {1:?} have no domain of their own in common")]
    NoSite(String, String),
    /// The fifth one is.
    #[error("{0:?} is of the same site as {1:?}")]
    NotCross(String, String),
    /// It stands there twice.
    #[error("{0:?} stands there twice")]
    Twice(String),
    /// A real door stands there: cookies of specimens would reach it.
    #[error("{0:?} is a real door's host and would share cookies with them")]
    RealDoor(String),
}

/// The names, and where a browser finds them.
#[derive(Debug, Clone)]
pub struct Hosts {
    names: [String; NAMES],
    common: String,
    scheme: &'static str,
    port: Option<u16>,
    other_port: Option<u16>,
}

impl Hosts {
    /// Takes the configured names, which are reached with `public_scheme` at its own port, or those below `localhost`.
    pub(super) fn new(
        names: Option<&[String; NAMES]>,
        https: bool,
        bound: SocketAddr,
        other: Option<SocketAddr>,
        doors: &[String],
    ) -> Result<Self, Unfit> {
        let is_configured = names.is_some();
        let names = names.cloned().unwrap_or_else(|| DEFAULT_NAMES.map(str::to_owned));
        let common = common_domain(&names)?;
        // Below localhost browsers keep cookies apart from it. Elsewhere a page with a hole could set some for a domain
        // above both.
        let shares =
            |door: &str| is_configured && [&names[0], &names[NAMES - 1]].iter().any(|name| site(name) == site(door));
        let is_ours = |door: &str| {
            names.iter().any(|name| name == door) || door == PLAIN || is_below(door, &common) || shares(door)
        };
        if let Some(door) = doors.iter().find(|door| is_ours(door)) {
            return Err(Unfit::RealDoor(door.clone()));
        }
        let (scheme, port) = match is_configured && https {
            true => ("https", None),
            false => ("http", Some(bound.port())),
        };
        Ok(Self { names, common, scheme, port, other_port: other.filter(|_| !is_configured).map(|other| other.port()) })
    }

    /// What a browser calls this host.
    pub(super) fn origin(&self, role: Role) -> String {
        let name = NAMED.iter().position(|named| *named == role).map_or(PLAIN, |index| &self.names[index]);
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}://{name}{port}", self.scheme)
    }

    /// The same host by another port, if there is one.
    pub(super) fn at_other_port(&self, role: Role) -> Option<String> {
        let origin = self.origin(role);
        let (rest, _) = origin.rsplit_once(':')?;
        self.other_port.map(|port| format!("{rest}:{port}"))
    }

    /// Every origin that is ours, for policies.
    pub(super) fn origins(&self) -> impl Iterator<Item = String> {
        let others = NAMED.iter().filter_map(|role| self.at_other_port(*role));
        NAMED.iter().chain([&Role::Plain]).map(|role| self.origin(*role)).chain(others)
    }

    /// What victim, sibling, app and api stand below.
    pub(super) fn common(&self) -> &str {
        &self.common
    }

    /// Who is meant by a `Host` header. The port may be another one, as it may be a proxy's.
    pub(super) fn role(&self, host: &str) -> Option<Role> {
        let name = host.split(':').next().unwrap_or_default();
        let index = self.names.iter().position(|ours| ours.eq_ignore_ascii_case(name));
        let plain = (name.eq_ignore_ascii_case(PLAIN) && self.port.is_some()).then_some(Role::Plain);
        index.map(|index| NAMED[index]).or(plain)
    }

    /// Whether pages come over https.
    pub(super) fn is_https(&self) -> bool {
        self.scheme == "https"
    }
}

fn is_below(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The last two labels. Under a suffix of two, such as `co.uk`, that is more than a site, and refuses more than it must.
fn site(name: &str) -> Vec<&str> {
    name.rsplitn(3, '.').take(2).collect()
}

/// The domain right above the first four names, which has to have a dot: which domains are open to all is a list that we
/// don't have.
fn common_domain(names: &[String; NAMES]) -> Result<String, Unfit> {
    if let Some(twice) = names.iter().enumerate().find(|(index, name)| names[..*index].contains(name)) {
        return Err(Unfit::Twice(twice.1.clone()));
    }
    let [victim, others @ .., attacker] = names;
    let parent = |name: &str| name.split_once('.').map(|(_, parent)| parent.to_owned());
    let common = parent(victim).filter(|parent| parent.contains('.'));
    let common = common.ok_or_else(|| Unfit::NoSite(victim.clone(), others[0].clone()))?;
    if let Some(stray) = others.iter().find(|name| parent(name).as_ref() != Some(&common)) {
        return Err(Unfit::NoSite(victim.clone(), stray.clone()));
    }
    if site(attacker) == site(victim) {
        return Err(Unfit::NotCross(attacker.clone(), victim.clone()));
    }
    Ok(common)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(names: Option<[&str; NAMES]>, doors: &[&str]) -> Result<Hosts, String> {
        let names = names.map(|names| names.map(str::to_owned));
        let doors: Vec<String> = doors.iter().map(|door| (*door).to_owned()).collect();
        let bound = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Hosts::new(names.as_ref(), true, bound(81), Some(bound(82)), &doors).map_err(|error| error.to_string())
    }

    #[test]
    fn the_names_below_localhost_need_no_configuration() {
        let hosts = hosts(None, &["localhost", "127.0.0.1"]).expect("fit");
        assert_eq!(hosts.origin(Role::Victim), "http://victim.specimen.localhost:81");
        assert_eq!(hosts.at_other_port(Role::App).as_deref(), Some("http://app.specimen.localhost:82"));
        assert_eq!(hosts.common(), "specimen.localhost");
        assert_eq!(hosts.role("ATTACKER.localhost:81"), Some(Role::Attacker));
        assert_eq!(hosts.role("localhost:81"), None);
        assert_eq!(hosts.role("127.0.0.1:81"), None);
    }

    #[test]
    fn names_that_would_prove_nothing_or_reach_a_real_door_are_refused() {
        let fit = ["v.weak.example", "s.weak.example", "a.weak.example", "b.weak.example", "other.test"];
        let with = |index: usize, name: &'static str| {
            let mut names = fit;
            names[index] = name;
            names
        };
        assert_eq!(hosts(Some(fit), &["doors.example"]).expect("fit").origin(Role::Victim), "https://v.weak.example");
        for (names, doors, why) in [
            (with(1, "s.other.example"), "doors.example", "no domain of their own"),
            (with(1, "v.weak.example"), "doors.example", "twice"),
            (with(4, "x.weak.example"), "doors.example", "same site"),
            (fit, "v.weak.example", "real door"),
            (fit, "weak.example", "real door"),
            (fit, "deep.doors.weak.example", "real door"),
            (
                [
                    "v.weak.doors.example",
                    "s.weak.doors.example",
                    "a.weak.doors.example",
                    "b.weak.doors.example",
                    "other.test",
                ],
                "app.doors.example",
                "real door",
            ),
            (with(4, "x.doors.example"), "doors.example", "real door"),
        ] {
            let error = hosts(Some(names), &[doors]).expect_err(why);
            assert!(error.contains(why), "{error}");
        }
        assert!(hosts(None, &["app.specimen.localhost"]).is_err());
        let flat = ["v.localhost", "s.localhost", "a.localhost", "b.localhost", "c.other.localhost"];
        assert!(hosts(Some(flat), &[]).expect_err("no site").contains("no domain"));
    }
}
