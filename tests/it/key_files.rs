//! `TOKEN_KEY_FILES`: instances that share no database, and a file that is not as it must be.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::support::{NAMES, TestApp, app::SECRET, binary, forge};

const ADA: &str = "ada@example.org";

/// Writes a key as `openssl genpkey` does, for its owner alone.
fn write(folder: &Path, name: &str, private: &[u8]) -> String {
    let encoded = STANDARD.encode(private);
    let lines: Vec<&str> =
        encoded.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"));
    let path = folder.join(name);
    fs::write(&path, pem).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("ours");
    path.display().to_string()
}

fn p256() -> Vec<u8> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
    pair.to_pkcs8v1().expect("PKCS #8").as_ref().to_vec()
}

fn ed25519() -> Vec<u8> {
    Ed25519KeyPair::generate().expect("a key").to_pkcs8v1().expect("PKCS #8").as_ref().to_vec()
}

fn rsa(size: KeySize) -> Vec<u8> {
    let pair = RsaKeyPair::generate(size).expect("a key");
    AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).expect("PKCS #8").as_ref().to_vec()
}

#[actix_web::test]
async fn instances_that_share_no_database_accept_one_another_s_tokens_by_their_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let newer = write(folder.path(), "newer.pem", &ed25519());
    let older = write(folder.path(), "older.pem", &p256());
    let files = |list: &[&str]| list.join(",");
    let (old, new) = (files(&[&older, &newer]), files(&[&newer, &older]));
    let first = TestApp::with(&[&[("TOKEN_KEY_FILES", old.as_str())], NAMES].concat());
    let second = TestApp::with(&[&[("TOKEN_KEY_FILES", new.as_str())], NAMES].concat());
    for (app, algorithm, other) in [(&first, "ES256", &second), (&second, "EdDSA", &first)] {
        let mut client = app.logged_in_client(ADA).await;
        assert_eq!(forge::header(&client.access_token)["alg"], algorithm, "the first file signs");
        assert_eq!(client.get("/api/account").await.status, 200);
        client.move_to(other.address);
        assert_eq!(client.get("/api/me").await.status, 200, "both verify");
        assert_eq!(client.get("/api/account").await.status, 401, "but the login is in the other's database");
        let jwks = app.client().get("/.well-known/jwks.json").await;
        assert_eq!(jwks.json()["keys"].as_array().map(Vec::len), Some(2));
        assert!(!jwks.body.contains("\"d\""), "{jwks:?}");
        assert_eq!(app.count("signing_keys"), 0, "and no table is needed");
    }
    let variables = [("DATABASE_URL", first.database.url()), ("SECRETS", SECRET), ("TOKEN_KEY_FILES", &old)];
    let list = binary::run(&["keys", "list"], &variables);
    let lines: Vec<&str> = list.stdout.lines().collect();
    assert!(lines.len() == 2 && lines[0].contains("active") && lines[0].contains("older.pem"), "{list:?}");
    let refused = binary::run(&["keys", "rotate"], &variables);
    assert!(!refused.success && refused.stderr.contains("TOKEN_KEY_FILES"), "{refused:?}");
}

#[test]
fn a_key_file_that_can_not_be_used_stops_the_start_with_one_line_that_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let good = write(folder.path(), "good.pem", &p256());
    let open = write(folder.path(), "open.pem", &p256());
    fs::set_permissions(&open, fs::Permissions::from_mode(0o640)).expect("ours");
    let short = write(folder.path(), "short.pem", &rsa(KeySize::Rsa2048));
    let other = write(folder.path(), "other.pem", b"no key at all");
    let secret = write(folder.path(), "secret.pem", &[]);
    fs::write(&secret, "hunter2hunter2hunter2hunter2hunter2").expect("written");
    let missing = folder.path().join("missing.pem").display().to_string();
    let whole = folder.path().display().to_string();
    for (file, why) in [
        (&open, "chmod 600"),
        (&short, "2048 bits"),
        (&other, "another kind"),
        (&secret, "BEGIN PRIVATE KEY"),
        (&missing, "No such file"),
        (&whole, "no file"),
    ] {
        let list = format!("{good},{file}");
        let refused = binary::run(&["keys", "list"], &[("TOKEN_KEY_FILES", &list), ("HOME", "/nowhere")]);
        let line = refused.stderr.trim_end();
        assert!(!refused.success && line.lines().count() == 1, "{refused:?}");
        assert!(line.contains("TOKEN_KEY_FILES") && line.contains(file.as_str()) && line.contains(why), "{line}");
        assert!(!line.contains("hunter2"), "{line}");
    }
    let strong = write(folder.path(), "strong.pem", &rsa(KeySize::Rsa3072));
    let listed = binary::run(&["keys", "list"], &[("TOKEN_KEY_FILES", &strong), ("HOME", "/nowhere")]);
    assert!(listed.success && listed.stdout.contains("RS256"), "{listed:?}");
}
