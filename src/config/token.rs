//! How long tokens live, what they say, and who may ask about them.

use std::{path::PathBuf, time::Duration};

use jsonwebtoken::Algorithm;
use url::Url;

use super::{
    Services,
    parse::{audience_of, duration},
    reader::{Error, Reader},
};
use crate::secrets::SECRET_MIN_BYTES;

/// How long tokens live, and what they say.
#[derive(Debug, Clone)]
pub struct Token {
    /// `ACCESS_TTL`: an access token's life, and with it the longest a copy outlives log-out.
    pub access: Duration,
    /// `REFRESH_TTL`: a refresh token's life, from its own issue.
    pub refresh: Duration,
    /// `FAMILY_TTL`: a login's life, however often it is refreshed.
    pub family: Duration,
    /// `REFRESH_GRACE`: how long a redeemed refresh token is answered with the same successor; zero switches it off.
    pub grace: Duration,
    /// `SERVICES`: the programs that may ask about tokens and follow what ends.
    pub services: Services,
    /// `MAX_FAMILIES`: how many logins one user may have at once; the next one ends the oldest.
    pub most: u32,
    /// `TOKEN_CHECK=live`: routes that would read the claims only ask the database too.
    pub always_live: bool,
    /// `TOKEN_ALGORITHM`: what new signing keys are made for.
    pub algorithm: Algorithm,
    /// `TOKEN_KEY_FILES`: private keys in files instead of the table; the first one signs.
    pub key_files: Vec<PathBuf>,
    /// `TOKEN_ISSUER`: the claim `iss`; `None` means the API's address.
    pub issuer: Option<String>,
    /// `TOKEN_AUDIENCE`: the claim `aud`; `None` means the API's address and `/api`.
    pub audience: Option<String>,
    /// `AUDIENCES`: other services that tokens may be asked for.
    pub audiences: Vec<String>,
}

impl Token {
    pub(super) fn read(read: &Reader<'_>) -> Result<Self, Error> {
        let uri = "an absolute URI such as https://doors.example.com";
        let parse_uri = |value: &str| Url::parse(value).is_ok().then(|| value.to_owned());
        Ok(Self {
            access: read.ttl("ACCESS_TTL", 15 * 60, Duration::from_secs(5))?,
            refresh: read.ttl("REFRESH_TTL", 14 * 86_400, Duration::from_secs(5))?,
            family: read.ttl("FAMILY_TTL", 90 * 86_400, Duration::from_secs(5))?,
            grace: read.or(
                "REFRESH_GRACE",
                Duration::from_secs(10),
                "a time of at most 1h, such as 10s: as long a copied refresh token is not told from several tabs",
                |value| duration(value).filter(|time| *time <= Duration::from_hours(1)),
            )?,
            services: services(read)?,
            most: read.count("MAX_FAMILIES", 20, 1, 1000)?,
            always_live: read.switch("TOKEN_CHECK", "live", "claims")?.unwrap_or(false),
            algorithm: read.or(
                "TOKEN_ALGORITHM",
                Algorithm::ES256,
                "ES256, EdDSA, RS256 or HS256",
                |value| match value {
                    "HS256" => Some(Algorithm::HS256),
                    "RS256" => Some(Algorithm::RS256),
                    "ES256" => Some(Algorithm::ES256),
                    "EdDSA" => Some(Algorithm::EdDSA),
                    _ => None,
                },
            )?,
            key_files: read.or(
                "TOKEN_KEY_FILES",
                Vec::new(),
                "a comma-separated list of absolute paths, the key that signs first",
                |value| {
                    let files = value.split(',').map(|file| PathBuf::from(file.trim()));
                    files.map(|file| file.is_absolute().then_some(file)).collect()
                },
            )?,
            issuer: read.optional("TOKEN_ISSUER", uri, parse_uri)?,
            audience: read.optional("TOKEN_AUDIENCE", uri, parse_uri)?,
            audiences: read.or(
                "AUDIENCES",
                Vec::new(),
                "a comma-separated list of names or URIs such as orders,https://billing.example.com, without spaces in them",
                |value| value.split(',').map(|name| audience_of(name.trim())).collect(),
            )?,
        })
    }
}

fn services(read: &Reader<'_>) -> Result<Services, Error> {
    let Some(list) = read.text("SERVICES")? else { return Ok(Services::default()) };
    Services::parse(&list).ok_or_else(|| {
        Error(format!(
            "SERVICES can't be used (its value is not shown here): accepted is a comma-separated list of NAME:SECRET, where \
             NAME is made of letters, digits, dots, dashes and underscores, and SECRET is at least {SECRET_MIN_BYTES} bytes, \
             such as `openssl rand -hex 32` prints"
        ))
    })
}

#[cfg(test)]
mod tests {
    use crate::config::tests::{SECRET, config};

    #[test]
    fn services_are_refused_without_their_secrets_being_shown() {
        let error = config(&[("SERVICES", "orders:tooshort-unique")]).expect_err("short");
        assert!(error.starts_with("SERVICES") && error.contains("accepted") && !error.contains("unique"), "{error}");
        let printed = format!("{:?}", config(&[("SERVICES", &format!("orders:{SECRET}"))]).err());
        assert!(!printed.contains("fifty"), "spaces are none of a secret's: {printed}");
    }
}
