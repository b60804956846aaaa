//! Every route of the server, read from where the source mounts it: what a test says of "every route" it says of these.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::TestApp;

/// A method and a path as it is mounted, such as `GET /static/{name}`.
pub type Route = (String, String);

/// Whether a path is the API's. One page stands among its addresses.
pub fn is_api(path: &str) -> bool {
    path.starts_with("/api") && path != "/api/docs"
}

/// What OAuth's own RFCs have take a form, where everything else of the API takes JSON.
pub const TAKE_A_FORM: [&str; 2] = ["/api/introspect", "/api/revoke"];

/// Every path, with the methods that the running server says it takes.
pub async fn all(app: &TestApp) -> Vec<Route> {
    let mut routes = Vec::new();
    for path in paths() {
        let answer = app.request("OPTIONS", &filled_in(&path), &[], "").await;
        assert_eq!(answer.status, 204, "{path}: {answer:?}");
        let methods = answer.header("allow").split(", ").filter(|method| !["HEAD", "OPTIONS"].contains(method));
        routes.extend(methods.map(|method| (method.to_owned(), path.clone())));
    }
    assert!(routes.len() > 25, "the source is read wrongly: {routes:?}");
    routes.sort();
    routes
}

/// A path with something in place of its parameters.
pub fn filled_in(path: &str) -> String {
    let style = two_doors::pages::assets::url("style.css").trim_start_matches("/static/");
    path.replace("{name}", style)
        .replace("{code}", "throttled")
        .replace("{event}", "no-such-event")
        .replace("{run}", "0000000000000000")
        .replace("{id}", "00000000-0000-0000-0000-000000000000")
        .replace("{ending}", "after-a-restart-of-the-server")
        .replace("{stop}", "1")
}

/// Every path that the source mounts.
pub fn paths() -> Vec<String> {
    const MOUNTS: [&str; 6] = ["get_only(\"", "post_only(\"", "get_and_post(\"", "route(\"", "resource(\"", "alone(\""];
    let mut paths = Vec::new();
    // What the experiments serve is theirs: on listeners of their own.
    for (_, text) in sources().into_iter().filter(|(file, _)| !file.starts_with("experiments")) {
        // What is mounted inside a scope says so by where it stands.
        let scope = |at: usize| {
            let statement = text[..at].rsplit(';').next().filter(|statement| statement.ends_with(".service("));
            let scope = statement.and_then(|statement| statement.rsplit_once("web::scope(\""));
            scope.and_then(|(_, scope)| scope.split('"').next()).unwrap_or_default()
        };
        for mount in MOUNTS {
            for (at, _) in text.match_indices(mount) {
                let path = text[at + mount.len()..].split('"').next().unwrap_or_default();
                if path.is_empty() || path.starts_with('/') {
                    paths.push(format!("{}{path}", scope(at)));
                }
            }
        }
    }
    paths.sort();
    paths.dedup();
    paths
}

/// Every file of `src`, with its path below it, without what is compiled for unit tests only.
pub fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("src is there") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
                let text = fs::read_to_string(&path).expect("text");
                let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().to_owned();
                files.push((path.strip_prefix(&root).expect("below it").to_path_buf(), text));
            }
        }
    }
    files.sort();
    files
}
