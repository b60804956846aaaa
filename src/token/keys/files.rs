//! `TOKEN_KEY_FILES`: private keys in files, for instances that share no database. The first one signs, all verify.
//!
//! To rotate without a gap, put the new file second, restart every instance, then put it first and restart again. HS256 can't
//! be had this way: a secret that several machines keep in files is one that any of them can sign with.

use std::{fs::File, io::Read as _, os::unix::fs::MetadataExt as _, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jsonwebtoken::Algorithm;
use nix::unistd::geteuid;

use super::{Error, Keyring, Material, material::algorithm_of};

/// Reads every file.
// excerpt: open
pub(super) fn open(files: &[impl AsRef<Path>]) -> Result<Keyring, Error> {
    let keys = files.iter().map(|file| key(file.as_ref())).collect::<Result<Vec<_>, _>>()?;
    let signs = keys.first().map(|key| key.kid.clone());
    Ok(Keyring::new(keys, signs.as_deref(), None, None))
}
// end excerpt

/// The kid and algorithm of every file's key, the one that signs first.
pub fn list(files: &[impl AsRef<Path>]) -> Result<Vec<(String, Algorithm)>, Error> {
    files.iter().map(|file| key(file.as_ref()).map(|key| (key.kid, key.algorithm))).collect()
}

fn key(path: &Path) -> Result<Material, Error> {
    let failed = |reason: String| Error::File(path.display().to_string(), reason);
    let pem = read(path).map_err(failed)?;
    let private = private_of(&pem).ok_or_else(|| {
        failed(
            "it holds no private key in PKCS #8 (`-----BEGIN PRIVATE KEY-----`, as `openssl genpkey` writes it)"
                .to_owned(),
        )
    })?;
    let algorithm = algorithm_of(&private).map_err(failed)?;
    Material::read(algorithm, &private, "").map_err(|error| failed(error.to_string()))
}

/// Looks at the file that is then read, not at what may take its place.
fn read(path: &Path) -> Result<String, String> {
    let mut file = File::open(path).map_err(|error| error.to_string())?;
    let about = file.metadata().map_err(|error| error.to_string())?;
    if !about.is_file() {
        return Err("it is no file".to_owned());
    }
    if about.uid() != geteuid().as_raw() {
        return Err(format!("it belongs to user {}, and must to {}, who runs this", about.uid(), geteuid()));
    }
    if about.mode() & 0o077 != 0 {
        return Err(format!("others may read or write it (mode {:04o}): chmod 600", about.mode() & 0o7777));
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(|error| error.to_string())?;
    Ok(text)
}

fn private_of(pem: &str) -> Option<Vec<u8>> {
    let (_, rest) = pem.split_once("-----BEGIN PRIVATE KEY-----")?;
    let (body, _) = rest.split_once("-----END PRIVATE KEY-----")?;
    STANDARD.decode(body.split_whitespace().collect::<String>()).ok()
}
