//! `SERVICES`: the programs that may ask about tokens and follow what ends.
//!
//! A name may stand twice, so that a service's secret can be changed without a gap. Only hashes of name and secret are kept.

use std::{fmt, sync::Arc};

use crate::secrets::{SECRET_MIN_BYTES, same, sha256};

/// The configured services; none by default.
#[derive(Clone, Default)]
pub struct Services(Arc<[Service]>);

#[derive(Clone)]
struct Service {
    name: String,
    pair: [u8; 32],
}

impl Services {
    /// Reads a comma-separated list of `name:secret`; `None` if a name is odd or a secret too short.
    pub(super) fn parse(list: &str) -> Option<Self> {
        let service = |pair: &str| {
            let (name, secret) = pair.split_once(':')?;
            let is_name = (1..=64).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
            let is_secret = secret.len() >= SECRET_MIN_BYTES && secret.bytes().all(|byte| byte.is_ascii_graphic());
            (is_name && is_secret).then(|| Service { name: name.to_owned(), pair: sha256(pair.as_bytes()) })
        };
        list.split(',').map(|pair| service(pair.trim())).collect::<Option<Arc<[_]>>>().map(Self)
    }

    /// With another one besides.
    #[must_use]
    pub fn with(&self, name: &str, secret: &str) -> Self {
        let another = Service { name: name.to_owned(), pair: sha256(format!("{name}:{secret}").as_bytes()) };
        Self(self.0.iter().cloned().chain([another]).collect())
    }

    /// The name of the service that shows this `name:secret`. All are compared, each in the same time.
    #[must_use]
    pub fn find(&self, pair: &[u8]) -> Option<&str> {
        let shown = sha256(pair);
        self.0.iter().fold(None, |found, service| if same(&service.pair, &shown) { Some(&service.name) } else { found })
    }
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|service| format!("{}:[redacted]", service.name))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_known_by_name_and_secret_together_and_never_printed() {
        let (old, new) = ("o".repeat(32), "n".repeat(40));
        let services = Services::parse(&format!("orders:{old}, orders:{new},billing:{old}")).expect("valid");
        let find = |name: &str, secret: &str| services.find(format!("{name}:{secret}").as_bytes());
        assert_eq!(find("orders", &old), Some("orders"));
        assert_eq!(find("orders", &new), Some("orders"));
        assert_eq!(find("billing", &old), Some("billing"));
        for (name, secret) in [("billing", &new), ("orders", &old[1..].to_owned()), ("", &old), ("Orders", &old)] {
            assert_eq!(find(name, secret), None, "{name}");
        }
        let printed = format!("{services:?}");
        assert!(printed.contains("orders") && !printed.contains(&old) && !printed.contains(&new), "{printed}");
    }

    #[test]
    fn a_list_with_an_odd_name_or_a_short_secret_is_refused() {
        let secret = "s".repeat(32);
        for list in ["orders", "orders:short", &format!(":{secret}"), &format!("a b:{secret}"), &format!("a:{secret},")]
        {
            assert!(Services::parse(list).is_none(), "{list}");
        }
    }
}
