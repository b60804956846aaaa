//! The house rules that a compiler does not hold: which room may import which, and what every file owes its reader.
//!
//! Reads the source as text: every `crate::…` path, also inside braces and also of two levels up, is an import of the room that
//! it names.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use crate::support::routes::sources;

/// The rooms with what each may import. What is no room (a leaf) may be imported by all.
const ROOMS: &[(&str, &[&str])] = &[
    ("db", &[]),
    ("accounts", &["db"]),
    ("session", &["accounts", "db"]),
    ("token", &["accounts", "db"]),
    ("everywhere", &["session", "token", "accounts", "db"]),
    // A page shows what an experiment found; how that came about is the experiment's affair.
    ("pages", &["experiments", "everywhere", "session", "accounts", "db"]),
    ("api", &["everywhere", "token", "accounts", "db"]),
    // A client like any other: what it needs of the server goes over HTTP.
    ("experiments", &["db", "accounts"]),
    ("server", &["experiments", "pages", "api", "everywhere", "session", "token", "accounts", "db"]),
    ("shell", &["server", "experiments", "everywhere", "session", "token", "accounts", "db"]),
    ("main", &["shell", "server", "experiments"]),
];

/// What every room may import, with the leaves that each of them may import itself.
const LEAVES: &[(&str, &[&str])] = &[
    ("secrets", &[]),
    ("metrics", &[]),
    ("http", &[]),
    ("telemetry", &["secrets", "metrics"]),
    ("config", &["secrets"]),
];

/// The room that a file belongs to.
fn room_of(file: &Path) -> String {
    let first = file.components().next().expect("a name").as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// Code without comments and without what stands in quotes.
fn code(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The rooms that a text names: after `crate::` or `two_doors::`, alone or in braces.
fn imports(text: &str) -> BTreeSet<String> {
    let text = code(text);
    let mut rooms = BTreeSet::new();
    for root in ["crate::", "two_doors::"] {
        for (at, _) in text.match_indices(root) {
            let rest = &text[at + root.len()..];
            if let Some(group) = rest.strip_prefix('{') {
                rooms.extend(heads(group));
            } else {
                rooms.extend(identifier(rest));
            }
        }
    }
    rooms
}

fn identifier(text: &str) -> Option<String> {
    let name: String = text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
    (!name.is_empty()).then_some(name)
}

/// The first names of a list in braces: `{a::b, c::{d, e}, f}` gives a, c and f.
fn heads(group: &str) -> Vec<String> {
    let (mut heads, mut depth, mut entry) = (Vec::new(), 0, String::new());
    for letter in group.chars() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.extend(identifier(std::mem::take(&mut entry).trim())),
            _ if depth == 0 => entry.push(letter),
            _ => {}
        }
    }
    heads.extend(identifier(entry.trim()));
    heads
}

#[test]
fn imports_are_read_from_every_form_that_they_are_written_in() {
    let text = "use crate::{\n    accounts::{self, User},\n    db, // and session\n};\nuse crate::token::Tokens;\nfn f() { crate::api::x(); two_doors::config::y() }";
    assert_eq!(imports(text).into_iter().collect::<Vec<_>>(), ["accounts", "api", "config", "db", "token"]);
}

#[test]
fn rooms_import_downwards_only_and_the_two_schemes_never_one_another() {
    let leaves: BTreeMap<_, _> = LEAVES.iter().copied().collect();
    let rooms: BTreeMap<_, _> = ROOMS.iter().copied().collect();
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let room = room_of(&file);
        if room == "lib" {
            continue;
        }
        for imported in imports(&text).into_iter().filter(|imported| *imported != room) {
            let is_room = rooms.contains_key(imported.as_str());
            let allowed = match (rooms.get(room.as_str()), leaves.get(room.as_str())) {
                (Some(may), _) => !is_room || may.contains(&imported.as_str()),
                (None, Some(may)) => !is_room && may.contains(&imported.as_str()),
                (None, None) => panic!("{} is in no room that the house knows", file.display()),
            };
            if !allowed {
                wrong.push(format!("{} imports {imported}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nobody_goes_around_the_rules_with_a_path_out_of_the_room() {
    for (file, text) in sources() {
        let depth = file.components().count() - 1 - usize::from(file.ends_with("mod.rs"));
        let up = "super::".repeat(depth + 1);
        assert!(!code(&text).contains(&up), "{} leaves its room with {up}", file.display());
        let is_glob = |line: &str| line.trim_start().starts_with("pub use") && line.contains("::*");
        assert!(!code(&text).lines().any(is_glob), "{} re-exports by a glob", file.display());
    }
}

#[test]
fn both_schemes_have_the_same_verbs_under_the_same_names() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for verb in ["log_in", "authenticate", "renew", "log_out", "record"] {
        for scheme in ["session", "token"] {
            assert!(src.join(scheme).join(format!("{verb}.rs")).is_file(), "src/{scheme}/{verb}.rs");
        }
    }
    for function in ["log_in", "log_out", "log_out_one", "log_out_everywhere"] {
        for scheme in ["session", "token"] {
            let file = if function == "log_in" { "log_in.rs" } else { "log_out.rs" };
            let text = fs::read_to_string(src.join(scheme).join(file)).expect("text");
            assert!(text.contains(&format!("pub fn {function}(")), "src/{scheme}/{file} has no {function}");
        }
    }
}

#[test]
fn only_the_configuration_reads_the_environment() {
    let reading: Vec<PathBuf> = sources()
        .into_iter()
        .filter(|(_, text)| {
            ["env::var", "env::vars", "dotenvy", "env::set_var"].iter().any(|way| code(text).contains(way))
        })
        .map(|(file, _)| file)
        .collect();
    assert!(!reading.is_empty(), "the configuration reads it");
    assert!(reading.iter().all(|file| room_of(file) == "config"), "{reading:?}");
}

#[test]
fn only_the_db_room_waits_for_diesel() {
    for (file, text) in sources() {
        // Passwords are hashed on threads of their own.
        let may = room_of(&file) == "db";
        assert!(may || !code(&text).contains("web::block"), "{} blocks on its own", file.display());
    }
}

#[test]
fn whoever_changes_a_users_row_keeps_its_copies_true() {
    const CHANGES: &[&str] = &[
        "accounts::rename(",
        "accounts::set_password(",
        "accounts::raise_version(",
        "accounts::delete(",
        "everywhere::end_all(",
        "everywhere::end_others(",
        "everywhere::end_families(",
        "everywhere::ban(",
        "everywhere::change_role(",
        "everywhere::log_out_user(",
        "standing::unban(",
    ];
    const WAYS: &[&str] = &["db::transaction(", "db::run(", ".change("];
    let mut changes = 0;
    for (file, text) in sources().into_iter().filter(|(file, _)| ["pages", "api"].contains(&room_of(file).as_str())) {
        let code = code(&text);
        for (at, change) in CHANGES.iter().flat_map(|change| code.match_indices(change)) {
            let way = WAYS.iter().filter_map(|way| Some((code[..at].rfind(way)?, *way))).max();
            assert_eq!(way.map(|(_, way)| way), Some(".change("), "{}: {change}", file.display());
            changes += 1;
        }
    }
    assert!(changes > 5, "changes of users are written otherwise by now");
}

#[test]
fn nothing_outside_of_tests_may_panic_on_what_is_not_there() {
    for (file, text) in sources() {
        for way in [".unwrap()", ".expect(", "panic!(", "todo!(", "unimplemented!(", "dbg!("] {
            assert!(!code(&text).contains(way), "{} has {way}", file.display());
        }
    }
}

#[test]
fn every_module_begins_with_what_it_is_for() {
    for (file, text) in sources().into_iter().filter(|(file, _)| !file.ends_with("schema.rs")) {
        let lines = text.lines().take_while(|line| line.starts_with("//!")).count();
        assert!(lines > 0, "{} does not say what it is for", file.display());
    }
}

#[test]
fn the_shared_pages_know_of_no_scheme_but_their_own() {
    // Not by an import only: a page that set the API's cookie, or an answer of the API that set the session's, would be worse.
    for (file, text) in sources() {
        let foreign: &[&str] = match room_of(&file).as_str() {
            "pages" => &["\"refresh\"", "__Secure-refresh", "AUTHORIZATION"],
            "api" => &["__Host-session", "get_session", "get_identity"],
            _ => &[],
        };
        for word in foreign {
            assert!(!code(&text).contains(word), "{} knows of {word}", file.display());
        }
    }
}

#[test]
fn every_sensitive_form_says_what_it_does_and_nothing_else_claims_to_be_one() {
    let sources = sources();
    let text_of = |file: &str| sources.iter().find(|(path, _)| path.ends_with(file)).map(|(_, text)| text.clone());
    let mounts = text_of("pages/mod.rs").expect("the routes of the site");
    let mut taking = BTreeSet::new();
    for mount in mounts.split("_only(\"").chain(mounts.split("get_and_post(\"")).skip(1) {
        let Some((path, rest)) = mount.split_once('"') else { continue };
        let Some(handler) = rest.split("post().to(").nth(1).and_then(|rest| rest.split(')').next()) else { continue };
        let Some((file, name)) = handler.split_once("::") else { continue };
        let room = format!("pages/{file}");
        let is_in_room = |path: &Path| path.with_extension("") == Path::new(&room) || path.starts_with(&room);
        let texts = sources.iter().filter(|(path, _)| is_in_room(path)).map(|(_, text)| text.as_str());
        let text = texts.collect::<Vec<_>>().concat();
        let signature = text.split(&format!("fn {name}(")).nth(1).and_then(|rest| rest.split("->").next());
        if signature.unwrap_or_else(|| panic!("where is {handler}?")).contains("FreshForm") {
            taking.insert(path.to_owned());
        }
    }
    let named: BTreeSet<_> = two_doors::pages::fresh::ACTIONS.iter().map(|(path, _)| (*path).to_owned()).collect();
    assert_eq!(taking, named);
}
