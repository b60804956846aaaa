//! Each experiment, run by the program itself as from a shell: its verdict is the one that stands beside it, and nothing is
//! left behind.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use diesel::RunQueryDsl as _;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use two_doors::{
    config::Surroundings,
    experiments::{browser, claims, lab::Instance},
    pages::what_still_works::table::{self, Fate},
};

use crate::support::{
    TestApp,
    app::SECRET,
    binary::{self, Binary, Refusal},
    chromium, folder,
    postgres::TestDatabase,
};

/// Runs experiments against a server, and holds every verdict against the expected one.
fn hold(ids: &[&str]) -> Vec<Value> {
    hold_by(ids, &[])
}

/// The same, with further arguments.
fn hold_by(ids: &[&str], further: &[&str]) -> Vec<Value> {
    let app = TestApp::spawn();
    let folder = temporary();
    let url = app.url("");
    let (arguments, variables) = (
        [&["experiment", "run", "--format", "json", "--at", &url], further, ids].concat(),
        [("TMPDIR", folder.path().to_str().expect("text")), ("SECRETS", SECRET), ("DATABASE_URL", app.database.url())],
    );
    let findings = findings(binary::run(&arguments, &variables));
    assert_eq!(findings.iter().map(|one| one["id"].as_str().expect("an id")).collect::<Vec<_>>(), ids);
    for finding in &findings {
        let experiment = claims::find(finding["id"].as_str().expect("an id")).expect("an experiment");
        let expected = experiment.expected.expect("an experiment that is run").name();
        assert_eq!(finding["stamp"], expected, "{}: {}", experiment.id, finding["condition"]);
    }
    assert_eq!(app.value("SELECT count(*) FROM users WHERE email_folded LIKE '%@throwaway.invalid'"), "0");
    nothing_is_left(folder.path());
    findings
}

/// A folder that the database's user may enter, too.
fn temporary() -> tempfile::TempDir {
    let folder = folder::throwaway("two-doors-runs-");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("ours");
    folder
}

fn findings(ran: Refusal) -> Vec<Value> {
    assert!(ran.success, "{} {}", ran.stdout, ran.stderr);
    serde_json::from_str(&ran.stdout).expect("a list of findings")
}

/// Waits for the instances to end: they do so by themselves, once nobody holds the other end of their pipe.
fn nothing_is_left(folder: &Path) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let left: Vec<_> = fs::read_dir(folder).expect("readable").flatten().map(|entry| entry.path()).collect();
        let processes = processes_of(folder);
        if left.is_empty() && processes.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "left behind: {left:?}, {processes:?}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Every process that names something in a folder in its arguments or its environment.
fn processes_of(folder: &Path) -> Vec<String> {
    let name = folder.to_str().expect("text");
    let of = |path: std::path::PathBuf| fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let processes = fs::read_dir("/proc").expect("Linux").flatten().map(|entry| entry.path());
    processes
        .filter_map(|process| {
            Some(of(process.join("cmdline")).ok()? + &of(process.join("environ")).unwrap_or_default())
        })
        .filter(|text| text.contains(name))
        .collect()
}

#[test]
fn what_a_visitor_may_do_gives_the_expected_verdicts() {
    hold(&["s2", "s5", "t2", "f1"]);
}

#[test]
fn copies_that_are_watched_until_they_die_give_the_expected_verdicts() {
    hold(&["r1", "r2", "r4"]);
}

#[test]
fn rows_and_databases_of_private_instances_give_the_expected_verdicts() {
    hold(&["s1", "s3", "s4", "t1", "f5"]);
}

#[test]
fn rotation_and_stolen_tokens_give_the_expected_verdicts() {
    hold(&["r3", "r7", "r8"]);
}

#[test]
fn roles_give_the_expected_verdicts() {
    hold(&["f3", "f4"]);
}

#[test]
fn planted_and_forged_credentials_give_the_expected_verdicts() {
    hold(&["x8", "x9", "x10", "x12", "c6", "f11"]);
}

#[test]
fn stores_that_go_away_give_the_expected_verdicts() {
    hold(&["x11", "c1"]);
}

#[test]
fn instances_and_services_beside_one_another_give_the_expected_verdicts() {
    hold(&["t5", "c2", "c3", "c4", "f7"]);
}

#[test]
fn what_is_timed_gives_the_expected_verdicts_in_any_build() {
    hold(&["c5", "f6", "f8"]);
}

#[test]
fn the_events_of_a_login_measure_the_table_that_the_site_shows() {
    let findings = hold(&["r5", "r6"]);
    let numbers = findings[1]["numbers"].as_array().expect("numbers");
    assert_eq!(numbers.len(), 10);
    for number in numbers {
        let what = number["label"].as_str().and_then(|label| label.strip_prefix("after ")).expect("an event");
        let row = table::rows().find(|row| row.what == what).unwrap_or_else(|| panic!("the table has no {what}"));
        let value = number["value"].as_str().expect("text");
        let measured: Vec<bool> = value.split("; ").map(|credential| credential.ends_with(": yes")).collect();
        let promised = row.cells.map(|cell| cell.fate() == Fate::Accepted);
        assert_eq!(measured, promised, "{what}: {value}");
    }
}

/// The same, where there is a browser; else it says that it was left out.
fn hold_in_a_browser(ids: &[&str]) -> Vec<Value> {
    let named = env::var_os("CHROME").filter(|named| !named.is_empty());
    match browser::find(named.as_deref().map(Path::new), env::var_os("PATH").as_deref()) {
        Ok(program) => hold_by(ids, &["--require-browser", "--browser", program.to_str().expect("text")]),
        Err(missing) => {
            chromium::left_out(&missing.to_string());
            Vec::new()
        }
    }
}

/// The cards in one column of a finding: method and path, status, whether a second client sent it, and the credentials in
/// these headers.
fn cards(finding: &Value, column: &str, header: &str) -> Vec<(String, u64, bool, Vec<String>)> {
    let rows = finding["rows"].as_array().expect("rows").iter();
    let cards = rows.map(|row| &row["pair"][column]).filter(|card| card.is_object());
    let credentials = |card: &Value| {
        let sent = card["sent"].as_array().expect("lines").iter().filter(|line| line["name"] == header);
        let pieces = sent.flat_map(|line| line["pieces"].as_array().expect("pieces").clone());
        pieces.filter_map(|piece| piece["whole"].as_str().map(str::to_owned)).collect()
    };
    let text = |card: &Value, name: &str| card[name].as_str().expect("text").to_owned();
    let told = |card: &Value| {
        let what = format!("{} {}", text(card, "method"), text(card, "path"));
        (what, card["status"].as_u64().expect("a status"), card["by_thief"] == true, credentials(card))
    };
    cards.map(told).collect()
}

#[test]
fn scripts_and_tokens_in_a_browser_give_the_expected_verdicts_and_what_they_sent_stands_on_cards() {
    let findings = hold_in_a_browser(&["t3", "t4", "x1", "x2", "x3"]);
    let [page, _, session, token, _] = findings.as_slice() else { return };
    let pages = cards(page, "token", "Authorization");
    assert!(pages.iter().any(|(what, status, ..)| what == "GET /…/0" && *status == 200), "{pages:?}");

    let by_cookie = cards(session, "session", "Cookie");
    let ridden = by_cookie.iter().find(|(what, ..)| what == "POST /…/own/transfer").expect("the script's own call");
    assert_eq!((ridden.1, ridden.2, ridden.3.len()), (200, false, 1), "the cookie came along: {ridden:?}");
    let replayed = by_cookie.iter().find(|(what, _, by_thief, _)| what == "GET /…/own/me" && *by_thief);
    let (_, status, _, shown) = replayed.expect("what the script could read");
    assert_eq!((status, shown.len()), (&401, 0), "it had not read that cookie");

    let stolen = cards(token, "token", "Authorization");
    let stolen: Vec<_> = stolen.iter().filter(|(what, _, by_thief, _)| what == "GET /…/own/me" && *by_thief).collect();
    assert_eq!(stolen.len(), 4, "a place each: {stolen:?}");
    assert!(stolen.iter().all(|(_, status, _, shown)| *status == 200 && shown == &stolen[0].3 && shown.len() == 1));
    assert_ne!(stolen[0].3, ridden.3);
}

#[test]
fn forged_requests_in_a_browser_give_the_expected_verdicts() {
    hold_in_a_browser(&["x4", "x5", "x6", "f12"]);
}

#[test]
fn cookies_of_several_hosts_in_a_browser_give_the_expected_verdicts() {
    hold_in_a_browser(&["x7", "c7", "f2"]);
}

#[test]
fn without_a_browser_an_experiment_that_needs_one_says_so_and_is_no_failure_unless_one_is_required() {
    let app = TestApp::spawn();
    let url = app.url("");
    let arguments =
        ["experiment", "run", "x1", "--format", "json", "--at", &url, "--browser", "/nowhere/at/all/chromium"];
    let ran = binary::run(&arguments, &[("SECRETS", SECRET), ("DATABASE_URL", app.database.url())]);
    let findings = findings(ran);
    assert_eq!((&findings[0]["stamp"], &findings[0]["lacks"]), (&"could-not-run".into(), &"browser".into()));
    let required = [&arguments[..], &["--require-browser"]].concat();
    assert!(!binary::run(&required, &[("SECRETS", SECRET), ("DATABASE_URL", app.database.url())]).success);
}

#[test]
fn without_a_server_one_is_started_and_ends_with_the_command() {
    let folder = temporary();
    let variables = [("TMPDIR", folder.path().to_str().expect("text"))];
    let findings = findings(binary::run(&["experiment", "run", "S5", "--format", "json"], &variables));
    assert_eq!(findings[0]["stamp"], "holds", "{}", findings[0]["condition"]);
    nothing_is_left(folder.path());
}

/// Begins to run an experiment, waits for the first instance of its own, and sends a signal; gives the exit code, if it has one.
fn interrupted(signal: Signal, arguments: &[&str], app: &TestApp, folder: &Path) -> Option<i32> {
    let text = folder.to_str().expect("text");
    let variables = [("TMPDIR", text), ("SECRETS", SECRET), ("DATABASE_URL", app.database.url())];
    let mut child =
        binary::command(&[&["experiment", "run"], arguments].concat(), &variables).spawn().expect("it runs");
    let deadline = Instant::now() + Duration::from_mins(1);
    while fs::read_dir(folder).expect("readable").next().is_none() {
        assert!(Instant::now() < deadline, "no instance was started");
        thread::sleep(Duration::from_millis(10));
    }
    kill(Pid::from_raw(i32::try_from(child.id()).expect("pids are small")), signal).expect("it runs");
    child.wait().expect("a child of ours").code()
}

#[test]
fn a_run_that_is_cancelled_cleans_up_and_one_that_is_killed_leaves_no_instance_behind() {
    let (app, folder) = (TestApp::spawn(), temporary());
    let url = app.url("");
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        assert_eq!(interrupted(signal, &["t1", "--at", &url], &app, folder.path()), Some(130));
        assert_eq!(app.value("SELECT count(*) FROM users WHERE email_folded LIKE '%@throwaway.invalid'"), "0");
        nothing_is_left(folder.path());
    }
    assert_eq!(interrupted(Signal::SIGKILL, &["s4"], &app, folder.path()), None);
    nothing_is_left(folder.path());
}

#[actix_web::test]
async fn a_database_counts_as_stopped_only_once_no_process_of_it_can_answer() {
    #[derive(diesel::QueryableByName)]
    struct Backend {
        #[diesel(sql_type = diesel::sql_types::Integer)]
        pid: i32,
    }
    let folder = temporary();
    let program = Some(env!("CARGO_BIN_EXE_two-doors").into());
    let surroundings = Surroundings { temporary: folder.path().into(), program, ..Surroundings::here() };
    let instance = Instance::start(&surroundings, &[]).await.expect("it starts");
    let mut connection = instance.connect().expect("it answers");
    let backend: Backend =
        diesel::sql_query("SELECT pg_backend_pid() AS pid").get_result(&mut connection).expect("its own number");
    // It hears of the end no sooner than it is killed.
    kill(Pid::from_raw(backend.pid), Signal::SIGSTOP).expect("it runs");
    instance.stop_database().await.expect("it stops");
    assert!(!Path::new(&format!("/proc/{}", backend.pid)).exists(), "it could still answer");
    drop(instance);
    nothing_is_left(folder.path());
}

/// The processes that a process started and has not been told the end of.
fn children_of(parent: u32) -> usize {
    let stats = fs::read_dir("/proc").expect("Linux").flatten();
    let stats = stats.filter_map(|process| fs::read_to_string(process.path().join("stat")).ok());
    let is_one = |stat: &String| {
        let fields = stat.rsplit_once(") ").expect("a name").1;
        fields.split(' ').nth(1) == Some(parent.to_string().as_str())
    };
    stats.filter(is_one).count()
}

#[actix_web::test]
async fn instances_that_a_server_started_leave_no_process_behind() {
    let (database, folder) = (TestDatabase::create(), temporary());
    let variables = [("EXPERIMENTS", "on"), ("TMPDIR", folder.path().to_str().expect("text"))];
    let server = Binary::serve(database.url(), &variables);
    let started = server.browser().post_from("/experiments/t5", "/experiments/t5", &[]).await;
    assert_eq!(started.status, 303, "{started:?}");
    let mut browser = server.browser();
    // It ends with the run.
    assert_eq!(browser.get(&format!("{}/events", started.header("location"))).await.status, 200);
    assert!(browser.get("/experiments/t5").await.body.contains("class=\"verdict"));
    let deadline = Instant::now() + Duration::from_secs(30);
    while children_of(server.pid()) > 0 {
        assert!(Instant::now() < deadline, "nobody waits for them");
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 0);
}

#[actix_web::test]
async fn what_sums_up_others_leads_to_them_has_no_verdict_and_is_not_run() {
    let app = TestApp::spawn();
    let [attacks, needs] = ["/experiments/f9", "/experiments/f10"];
    let attacks = app.browser().get(attacks).await.body;
    assert!(attacks.contains("<a href=\"/experiments/x8\">X8</a> (holds)"), "{attacks}");
    let needs = app.browser().get(needs).await.body;
    assert!(needs.contains("<a href=\"/choose\">") && needs.contains("<a href=\"/experiments/c4\">"), "{needs}");
    assert!([attacks, needs].iter().all(|page| !page.contains("class=\"verdict\"") && !page.contains("class=\"run\"")));

    let refused = binary::run(&["experiment", "run", "F9"], &[]);
    assert!(!refused.success && refused.stderr.contains("see /experiments/f9"), "{}", refused.stderr);
}
