//! Tokens as instances would sign them whose clocks are off.
//!
//! No process's clock is moved. The instance signs with a key from a file, which the experiment made and keeps a copy of:
//! so it can sign the very claims that another instance would, forty seconds later or earlier.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jsonwebtoken::EncodingKey;

use super::{
    follower::claims,
    stage::{How, Stage},
};
use crate::{
    experiments::{
        client::Target,
        exchange::Door,
        lab::{Run, Stopped, get},
        message::Shown,
    },
    secrets::{hex, random},
};

/// How far a clock may be off here, in seconds.
const SKEW: i64 = 40;
/// What the tokens live: four seconds more than that, so that the end of the one from behind is seen.
pub(super) const TOKEN_SECONDS: u64 = 44;

/// A signing key that the experiment and the instance both hold.
#[derive(Debug)]
pub(super) struct Signer {
    pem: String,
    file: PathBuf,
}

impl Signer {
    /// Makes a key, and a file of it for the instance.
    pub fn new(folder: &Path) -> Result<Self, Stopped> {
        let failed = |_| Stopped::because("no signing key could be made");
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
        let private = pair.to_pkcs8v1().map_err(failed)?;
        let pem =
            format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(private.as_ref()));
        let file = folder.join(format!("two-doors-{}.pem", hex(&random::<8>())));
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&file)
            .and_then(|mut open| open.write_all(pem.as_bytes()));
        written.map_err(|error| Stopped::because(format!("the signing key could not be written: {error}")))?;
        Ok(Self { pem, file })
    }

    /// Where it is, for the instance.
    pub fn file(&self) -> &str {
        self.file.to_str().unwrap_or_default()
    }

    /// What an instance would have signed whose clock is so many seconds ahead.
    fn sign(&self, genuine: &str, seconds: i64) -> Result<String, Stopped> {
        let unreadable = || Stopped::because("the access token can’t be signed again");
        let mut claims = claims(genuine)?;
        for name in ["iat", "nbf", "exp"] {
            claims[name] = (claims[name].as_i64().ok_or_else(unreadable)? + seconds).into();
        }
        let header = jsonwebtoken::decode_header(genuine).map_err(|_| unreadable())?;
        let key = EncodingKey::from_ec_pem(self.pem.as_bytes()).map_err(|_| unreadable())?;
        jsonwebtoken::encode(&header, &claims, &key).map_err(|_| unreadable())
    }
}

impl Drop for Signer {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.file);
    }
}

/// The session, and the same access token as three instances would have signed it.
pub(super) fn copy(run: &mut Run, stage: &mut Stage, there: &Target, signer: &Signer) -> Result<(), Stopped> {
    let thief = stage.owner.browser.copied_to(there, "two-doors with a copy")?;
    let ask = |request| How::Ask(Box::new((thief.clone(), request)));
    let since = run.now();
    stage.add(Door::Session, "session cookie", since, ask(get("/account/me", Shown::Cookies)));
    for (name, seconds) in [
        ("access token of this clock", 0),
        ("access token of a clock 40 s ahead", SKEW),
        ("access token of a clock 40 s behind", -SKEW),
    ] {
        let token = signer.sign(&stage.owner.access_token, seconds)?;
        run.learn(&token);
        stage.add(Door::Token, name, since, ask(get("/api/me", Shown::Bearer(token))));
    }
    Ok(())
}
