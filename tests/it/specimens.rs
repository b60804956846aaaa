//! What is weak on purpose: that a real browser shows with it what it is there to show, and that it never stands at a real door.
//!
//! Each walk is of headless Chromium through pages that drive themselves. Without one the test says that it was left out.

use std::{collections::BTreeMap, env, path::Path, time::Duration};

use two_doors::experiments::{
    browser::{self, Chromium},
    specimens::{
        Opened, Report, Settings, Specimens, Story, Witnessed,
        hosts::Role,
        report::{Arrival, How, Wait},
    },
};

use crate::support::{Answer, TestApp, binary::Binary, chromium, forge, http, postgres::TestDatabase};

mod weak;

/// Specimens on free ports.
fn specimens() -> Specimens {
    let address = ([127, 0, 0, 1], 0).into();
    let doors = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    Specimens::open(&Settings { address, names: None, https: false, doors }).expect("free ports")
}

/// Lets a browser walk through a story; nothing where there is none.
async fn walk(specimens: &Specimens, story: Story) -> Option<Report> {
    let named = env::var_os("CHROME").filter(|named| !named.is_empty());
    let program = match browser::find(named.as_deref().map(Path::new), env::var_os("PATH").as_deref()) {
        Ok(program) => program,
        Err(missing) => {
            chromium::left_out(&missing.to_string());
            return None;
        }
    };
    let mut opened = specimens.begin(story).expect("few are open");
    let chromium = Chromium::open(&program, &opened.url).await.expect("it starts");
    let report = opened.finished(Duration::from_mins(2), |_| ()).await.unwrap_or_else(|error| panic!("{error}"));
    drop(chromium);
    Some(report)
}

#[actix_web::test]
async fn a_script_in_the_page_reads_all_storage_but_rides_the_cookie_that_it_can_not_read() {
    let specimens = specimens();
    let Some(report) = walk(&specimens, Story::Script).await else { return };
    let Report::Script(report) = report else { panic!("{report:?}") };
    let read = report.read;
    assert!(!read.session_cookie && read.open_cookie, "{read:?}");
    assert!(read.local_storage && read.session_storage && read.indexed_db && read.memory, "{read:?}");
    assert_eq!(report.after_overwriting, ["own"]);
    assert_eq!(report.after_removing, ["own"]);
    assert_eq!(report.after_shadowing, ["planted", "own"], "below a narrower path it comes first");
    assert_eq!(report.after_shadowing_prefixed, ["own"], "a name with __Host- has no narrower path");
    assert_eq!((report.rode, report.transfers), (200, 1));
    assert_eq!(report.replays["cookies"], 401);
    for place in ["local_storage", "session_storage", "indexed_db", "memory"] {
        assert_eq!(report.replays[place], 200, "{place}");
    }
}

fn cookies_of(arrivals: &[Arrival], from: Role, how: How, old: bool) -> Vec<&str> {
    let mut found = arrivals.iter().filter(|arrival| (arrival.from, arrival.how, arrival.old) == (from, how, old));
    found.next().expect("it arrived").cookies.iter().map(String::as_str).collect()
}

#[actix_web::test]
async fn same_site_keeps_other_sites_forms_out_but_not_siblings_and_not_young_cookies_without_it() {
    let (specimens, app) = (specimens(), TestApp::spawn());
    let story = Story::CrossSite { wait: Wait::TenSeconds, door: Some(app.url("")) };
    let Some(report) = walk(&specimens, story).await else { return };
    let Report::CrossSite(report) = report else { panic!("{report:?}") };
    let came = |from, how, old| cookies_of(&report.arrivals, from, how, old);
    assert_eq!(came(Role::Attacker, How::Post, false), ["none", "absent"]);
    assert_eq!(came(Role::Attacker, How::Post, true), ["none"]);
    for old in [false, true] {
        for how in [How::Get, How::Link] {
            assert_eq!(came(Role::Attacker, how, old), ["none", "lax", "absent"]);
        }
        for how in [How::Post, How::Get] {
            assert_eq!(came(Role::Sibling, how, old), ["none", "lax", "strict", "absent"]);
        }
    }
    assert!(report.arrivals.iter().all(|arrival| !arrival.bearer && arrival.old == (arrival.age > 10.0)));
    let told = |from| {
        let attack = report.arrivals.iter().find(|arrival| arrival.from == from && arrival.how == How::Post);
        attack.expect("it arrived").headers["sec-fetch-site"].clone()
    };
    assert_eq!((told(Role::Attacker).as_str(), told(Role::Sibling).as_str()), ("cross-site", "same-site"));
    assert_eq!(report.knocks.len(), 6);
    assert!(report.knocks.iter().all(|knock| !knock.readable), "{:?}", report.knocks);
    for from in [Role::Attacker, Role::Sibling] {
        let mut arrivals = report.arrivals.iter();
        let attack = arrivals.find(|arrival| arrival.from == from && arrival.how == How::Post).expect("it arrived");
        the_real_door_refuses(&app, attack).await;
    }
}

/// The headers that the browser sent with an attack, with the credentials that it would have brought, at the real door.
async fn the_real_door_refuses(app: &TestApp, attack: &Arrival) {
    let mut browser = app.logged_in_browser("victim@example.org").await;
    let client = app.logged_in_client("victim@example.org").await;
    let refresh = format!("refresh={}", client.refresh_token);
    for (path, cookie) in
        [("/logout", browser.cookies()), ("/account/name", browser.cookies()), ("/api/auth/refresh", refresh)]
    {
        let told = attack.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let headers: Vec<_> = told.chain([("cookie", cookie.as_str())]).collect();
        let answer = app.request("POST", path, &headers, "").await;
        assert_eq!(answer.status, 403, "{path} from {:?}: {answer:?}", attack.from);
    }
    assert!(browser.is_logged_in().await);
    assert_eq!(client.redeem().await.status, 200, "nor was the refresh token used up");
}

#[actix_web::test]
async fn a_token_in_a_cookie_and_one_in_memory_fall_to_different_attacks() {
    let specimens = specimens();
    let Some(report) = walk(&specimens, Story::Delivery).await else { return };
    let Report::Delivery { script, cross_site } = report else { panic!("{report:?}") };
    assert!(!script.read.session_cookie && script.read.memory, "{:?}", script.read);
    assert_eq!(script.rode, 200);
    assert!(cross_site.arrivals.iter().all(|arrival| !arrival.bearer));
    assert!(cookies_of(&cross_site.arrivals, Role::Sibling, How::Post, false).contains(&"strict"));
}

fn values(cookies: &BTreeMap<String, Vec<String>>) -> Vec<(&str, Vec<&str>)> {
    cookies.iter().map(|(name, values)| (name.as_str(), values.iter().map(String::as_str).collect())).collect()
}

#[actix_web::test]
async fn secure_cookies_go_over_http_to_this_machine_only_and_siblings_plant_what_has_no_prefix() {
    let specimens = specimens();
    let Some(report) = walk(&specimens, Story::Secure { plain: true }).await else { return };
    let Report::Secure(report) = report else { panic!("{report:?}") };
    assert!(!report.https);
    assert_eq!(
        values(&report.own),
        [("__Host-fixed", vec!["own"]), ("open", vec!["own"]), ("secure", vec!["own"])],
        "loopback counts as secure"
    );
    assert_eq!(
        values(&report.planted),
        [("__Host-fixed", vec!["own"]), ("open", vec!["own", "planted"]), ("secure", vec!["own", "planted"])]
    );
    let plain = report.plain.expect("it knows the name");
    assert_eq!(values(&plain), [("open", vec!["own"])]);
}

#[actix_web::test]
async fn a_session_cookie_works_across_origins_of_one_site_and_not_across_sites() {
    let specimens = specimens();
    let Some(report) = walk(&specimens, Story::CrossOrigin).await else { return };
    let Report::CrossOrigin(report) = report else { panic!("{report:?}") };
    let (same, cross) = (report.same_site, report.cross_site);
    assert_eq!((same.cookies.status, same.bearer.status, same.neither.status), (200, 200, 401));
    assert_eq!(same.cookies.cookies, ["lax", "none", "strict"]);
    assert!(same.bearer.cookies.is_empty());
    assert_eq!((cross.bearer.status, cross.neither.status), (200, 401));
    // Whether `SameSite=None` is depends on what the browser makes of other sites' cookies: this one sends none at all.
    let sent = &cross.cookies.cookies;
    assert!(!sent.iter().any(|kind| kind == "lax" || kind == "strict"), "sent from another site: {sent:?}");
}

#[actix_web::test]
async fn cookies_are_kept_apart_by_host_unless_they_have_a_domain_and_never_by_port() {
    let specimens = specimens();
    let Some(report) = walk(&specimens, Story::Names).await else { return };
    let Report::Names(report) = report else { panic!("{report:?}") };
    assert_eq!(report.at_app.len(), 3);
    assert_eq!(values(&report.at_api), [("domain", vec!["own"])]);
    assert_eq!(
        values(&report.planted),
        [("__Host-fixed", vec!["own"]), ("domain", vec!["own"]), ("host", vec!["own", "planted"])]
    );
    assert_eq!(report.other_port.as_ref(), Some(&report.planted), "a port is no border");
}

/// Walks through the first half of the story as a browser would, then through so many attacks of the second, to the last page.
async fn walk_by_hand(specimens: &Specimens, of_the_second_half: usize) -> Result<Report, String> {
    let story = Story::CrossSite { wait: Wait::TwoMinutes, door: None };
    let mut opened = specimens.begin(story).expect("few are open");
    let run = opened.url.rsplit('/').nth(1).expect("a run").to_owned();
    let waits = get(specimens, "attacker.localhost", &format!("/{run}/6")).await;
    assert!(waits.body.contains(&format!("/{run}/12")), "the way to the end: {}", waits.body);
    let (victim, first_of_second) = ("victim.specimen.localhost", 7);
    assert_eq!(get(specimens, victim, &format!("/{run}/0")).await.status, 200);
    for step in (1..=5).chain(first_of_second..first_of_second + of_the_second_half) {
        assert_eq!(get(specimens, victim, &format!("/{run}/{step}/arrive")).await.status, 200, "{step}");
    }
    assert_eq!(get(specimens, victim, &format!("/{run}/12")).await.status, 200);
    opened.finished(Duration::from_secs(10), |_| ()).await.map_err(|unfinished| unfinished.to_string())
}

#[actix_web::test]
async fn whoever_does_not_wait_gets_a_report_without_the_second_half_and_none_with_a_part_of_it() {
    let specimens = specimens();
    let Ok(Report::CrossSite(report)) = walk_by_hand(&specimens, 0).await else { panic!("no report") };
    assert_eq!((report.wait, report.arrivals.len()), (Wait::No, 5));
    let Ok(Report::CrossSite(report)) = walk_by_hand(&specimens, 5).await else { panic!("no report") };
    assert_eq!((report.wait, report.arrivals.len()), (Wait::TwoMinutes, 10));
    let broken = walk_by_hand(&specimens, 2).await.expect_err("a part of it");
    assert!(broken.contains("opened before the others"), "{broken}");
}

async fn get(specimens: &Specimens, host: &str, path: &str) -> Answer {
    http::send(specimens.address(), "GET", path, &[("host", host)], "").await
}

/// Opens these pages of a story about names with this cookie besides what belongs to the story; gives the exchanges that it
/// told of.
async fn told(specimens: &Specimens, opened: &mut Opened, pages: &[&str], cookie: &str) -> Vec<Witnessed> {
    let run = opened.url.rsplit('/').nth(1).expect("a run").to_owned();
    let visit = async {
        for page in pages {
            let (host, page) = page.split_once('/').expect("a host and a page");
            let (host, path) = (format!("{host}.specimen.localhost"), format!("/{run}/{page}"));
            http::send(specimens.address(), "GET", &path, &[("host", &host), ("cookie", cookie)], "").await;
        }
    };
    let mut told = Vec::new();
    let note = |report: &Report| {
        if let Report::Exchange(seen) = report {
            told.push(Witnessed::clone(seen));
        }
    };
    let ((), report) = tokio::join!(visit, opened.finished(Duration::from_mins(1), note));
    report.unwrap_or_else(|error| panic!("{error}"));
    told
}

#[actix_web::test]
async fn what_comes_is_told_to_the_run_it_belongs_to_with_its_own_cookies_only_and_not_without_end() {
    let specimens = specimens();
    let (mut one, mut other) =
        (specimens.begin(Story::Names).expect("few"), specimens.begin(Story::Names).expect("few"));
    let name = |opened: &Opened| format!("sp-{}-host", &opened.url.rsplit('/').nth(1).expect("a run")[..8]);
    let cookie = format!("session=real; {}=own; {}=own", name(&one), name(&other));
    let pages = ["app/0", "app/1", "api/2", "app/3", "app/4", "app/5"];
    let seen = told(&specimens, &mut one, &pages, &cookie).await;
    assert_eq!(
        seen.iter().map(|one| one.path.as_str()).collect::<Vec<_>>(),
        pages.map(|page| format!("/…/{}", &page[4..]))
    );
    for exchange in &seen {
        assert_eq!((exchange.method.as_str(), exchange.status), ("GET", 200));
        let shown: Vec<_> = exchange.sent.iter().filter(|(name, _)| *name == "Cookie").collect();
        assert_eq!(shown, [&("Cookie", format!("{}=own", name(&one)))], "no other's, and none of the doors'");
    }
    let sets = seen[0].received.iter().filter(|(name, _)| *name == "Set-Cookie").count();
    assert_eq!(sets, 3);

    let pages = [["app/1"; 200].as_slice(), &["api/2", "app/3", "app/4", "app/5"]].concat();
    let seen = told(&specimens, &mut other, &pages, &cookie).await;
    assert!((10..100).contains(&seen.len()), "{}", seen.len());
    assert!(seen.iter().all(|exchange| exchange.path == "/…/1"), "{seen:?}");
}

#[actix_web::test]
async fn specimens_answer_to_their_own_names_only_and_a_run_to_whoever_knows_it() {
    let specimens = specimens();
    let opened = specimens.begin(Story::Names).expect("few are open");
    let (_, path) = opened.url.split_once("//").and_then(|(_, rest)| rest.split_once('/')).expect("a path");
    let path = format!("/{path}");
    assert_eq!(get(&specimens, "app.specimen.localhost", &path).await.status, 200);
    assert_eq!(get(&specimens, "victim.specimen.localhost", &path).await.status, 404, "another host's page");
    for host in ["localhost", "127.0.0.1", "specimen.localhost", "evil.example", "app.specimen.localhost.evil.example"]
    {
        assert_eq!(get(&specimens, host, &path).await.status, 421, "{host}");
    }
    let unknown = format!("/{}/0", "0".repeat(32));
    assert_eq!(get(&specimens, "app.specimen.localhost", &unknown).await.status, 404);
    let page = get(&specimens, "app.specimen.localhost", &path).await;
    assert!(page.body.contains("Deliberately weak") && page.body.contains("<noscript>"), "{}", page.body);
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
}

#[actix_web::test]
async fn anybody_reads_a_token_and_verifies_it_with_the_public_key_and_nobody_forges_one() {
    let (specimens, app) = (specimens(), TestApp::spawn());
    let client = app.logged_in_client("reader@example.org").await;
    let token = client.access_token.clone();
    let jwks = app.client().get("/.well-known/jwks.json").await.json();
    let Some(report) = walk(&specimens, Story::Token { token: token.clone(), jwks }).await else { return };
    let Report::Token(report) = report else { panic!("{report:?}") };
    assert_eq!((&report.header, &report.payload), (&forge::header(&token), &forge::claims(&token)));
    assert!(report.secure_context, "loopback names are");
    assert_eq!((report.verified, report.forged_verified), (Some(true), Some(false)));
    let forged = format!("Bearer {}", report.forged.expect("it was made"));
    let answer = app.request("GET", "/api/me", &[("authorization", &forged)], "").await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "invalid-token"));
    assert_eq!(client.get("/api/me").await.status, 200);
}

#[actix_web::test]
async fn specimens_are_there_in_demo_mode_only_and_never_at_the_doors() {
    let address = ("SPECIMEN_ADDRESS", "127.0.0.1:0");
    assert_eq!(TestApp::with(&[address]).specimens, None, "no setting brings them but demo mode");
    let app = TestApp::with(&[address, ("DEMO_MODE", "on")]);
    let specimens = app.specimens.expect("they are there");
    assert_ne!(specimens, app.address);

    let unknown = format!("/{}/0", "0".repeat(32));
    for path in ["/files/specimen.js", unknown.as_str(), "/login"] {
        let ask = |address, host| async move { http::send(address, "GET", path, &[("host", host)], "").await.status };
        let (door, victim) = (app.address.to_string(), "victim.specimen.localhost");
        assert_eq!(ask(specimens, &door).await, 421, "the doors' name at the specimens: {path}");
        assert_eq!(ask(specimens, "localhost").await, 421, "{path}");
        assert_eq!(ask(app.address, victim).await, 421, "the specimens' name at the doors: {path}");
        let expected = if path == "/login" { 200 } else { 404 };
        assert_eq!(ask(app.address, &door).await, expected, "{path}");
    }
    assert_eq!(
        http::send(specimens, "GET", "/files/specimen.js", &[("host", "victim.specimen.localhost")], "").await.status,
        200
    );
}

#[test]
fn a_door_that_shares_its_cookies_with_specimens_does_not_open() {
    let database = TestDatabase::create();
    let doors = [("SITE_HOST", "app.specimen.localhost"), ("API_HOST", "api.specimen.localhost")];
    let started = Binary::try_serve(database.url(), &[&[("DEMO_MODE", "on")][..], &doors].concat());
    let refusal = started.err().expect("a refusal");
    assert!(refusal.stderr.contains("SPECIMEN_HOSTS can't be used: \"app.specimen.localhost\""), "{refusal:?}");
    assert_eq!(TestApp::with(&doors).specimens, None, "without specimens there is nothing to share");
}
