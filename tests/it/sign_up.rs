//! Sign-up, at both doors: who is let in, what is asked of them, and what they are told.

use serde_json::json;

use crate::support::{Answer, Browser, Client, PASSWORD, TestApp, html};

const ADA: &str = "ada@example.org";

/// Signs up at the session door; what is refused must give back what was typed, and never the password.
async fn at_the_site(browser: &mut Browser, email: &str, name: &str, password: &str) -> Answer {
    let answer = browser.sign_up(email, name, password).await;
    if answer.status != 303 {
        assert_eq!(html::value(&answer.body, "email").as_deref(), Some(email), "{answer:?}");
        assert_eq!(html::value(&answer.body, "display_name").as_deref(), Some(name), "{answer:?}");
        let input = html::all(&answer.body, "input").into_iter().find(|input| input.get("name") == Some("password"));
        assert_eq!(input.expect("an input").get("value"), None);
        let is_typed_elsewhere = email.contains(password) || name.contains(password);
        assert!(is_typed_elsewhere || password.len() < 8 || !answer.body.contains(password), "{answer:?}");
        assert!(answer.set_cookie("session").is_none(), "{answer:?}");
    }
    answer
}

async fn at_the_api(client: &Client, email: &str, name: &str, password: &str) -> Answer {
    let answer =
        client.post("/api/users", &json!({ "email": email, "display_name": name, "password": password })).await;
    assert!(password.len() < 8 || !answer.body.contains(password), "{answer:?}");
    assert!(answer.set_cookies().is_empty(), "{answer:?}");
    answer
}

/// What a refusal says of each field, at both doors, which must say the same.
async fn advice(app: &TestApp, email: &str, name: &str, password: &str) -> Vec<(String, String)> {
    let page = at_the_site(&mut app.browser(), email, name, password).await;
    assert_eq!(page.status, 422, "{email} {name} {password}: {page:?}");
    let problem = at_the_api(&app.client(), email, name, password).await;
    assert_eq!((problem.status, problem.code().as_str()), (422, "refused-fields"));
    let errors = problem.json()["errors"].as_array().expect("errors").clone();
    let text = |error: &serde_json::Value, name: &str| error[name].as_str().expect("text").to_owned();
    let refused: Vec<_> = errors.iter().map(|error| (text(error, "field"), text(error, "detail"))).collect();
    for (field, detail) in &refused {
        assert_eq!(html::advice(&page.body, field).as_ref(), Some(&format!("Error: {detail}")), "beside the field");
        let input = html::all(&page.body, "input").into_iter().find(|input| input.get("name") == Some(field));
        let input = input.expect("an input");
        assert_eq!(input.get("aria-invalid"), Some("true"));
        assert!(input.get("aria-describedby").is_some_and(|ids| ids.contains(&format!("{field}-error"))));
    }
    let marked = html::all(&page.body, "input").into_iter().filter(|input| input.get("aria-invalid").is_some());
    assert_eq!(marked.count(), refused.len(), "and beside no other");
    assert!(html::text_of(&page.body, "title").starts_with("Error: "));
    refused
}

async fn refused_fields(app: &TestApp, email: &str, name: &str, password: &str) -> Vec<String> {
    advice(app, email, name, password).await.into_iter().map(|(field, _)| field).collect()
}

#[actix_web::test]
async fn nobody_signs_up_at_the_address_of_experiments() {
    let app = TestApp::spawn();
    assert_eq!(refused_fields(&app, "me@Throwaway.invalid", "Ada", PASSWORD).await, ["email"]);
}

#[actix_web::test]
async fn signing_up_at_the_site_logs_in_and_says_welcome() {
    let app = TestApp::spawn();
    let mut browser = app.browser();
    let answer = browser.sign_up(" Ada@Example.org ", " Ada Lovelace ", PASSWORD).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/account"), "{answer:?}");
    let page = browser.get("/account").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("Welcome."), "{page:?}");
    assert!(page.body.contains("Ada@Example.org"), "as it was typed, without the blanks around it");
    assert_eq!(html::value(&page.body, "display_name").as_deref(), Some("Ada Lovelace"));
    assert!(!browser.get("/account").await.body.contains("Welcome."), "once");
    assert_eq!(app.client().log_in(ADA, PASSWORD).await.status, 200, "the account is good at the other door");
}

#[actix_web::test]
async fn signing_up_at_the_site_goes_on_to_where_the_visitor_wanted_to_go() {
    let app = TestApp::spawn();
    let mut browser = app.browser();
    let page = browser.get("/signup?next=/account/session%3Fa%3D1").await;
    assert_eq!(html::value(&page.body, "next").as_deref(), Some("/account/session?a=1"));
    let token = html::value(&page.body, "form_token").expect("a form");
    let fields = [("email", ADA), ("display_name", ""), ("password", PASSWORD), ("next", "/account/session?a=1")];
    let mut fields = fields.to_vec();
    fields.push(("form_token", &token));
    let refused = browser.post_raw("/signup", &fields).await;
    assert_eq!(refused.status, 422);
    assert_eq!(html::value(&refused.body, "next").as_deref(), Some("/account/session?a=1"), "it outlives a mistake");
    fields[1].1 = "Ada";
    let answer = browser.post_raw("/signup", &fields).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/account/session?a=1"));
}

#[actix_web::test]
async fn signing_up_at_the_api_makes_an_account_and_logs_nobody_in() {
    let app = TestApp::spawn();
    let answer = at_the_api(&app.client(), " Ada@Example.org ", " Ada ", PASSWORD).await;
    assert_eq!((answer.status, answer.header("location")), (201, "/api/account"));
    let user = answer.json();
    let mut fields: Vec<_> = user.as_object().expect("an object").keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["display_name", "email", "id", "role"], "no token, and nothing of the password");
    assert_eq!(
        (&user["email"], &user["display_name"], &user["role"]),
        (&json!("Ada@Example.org"), &json!("Ada"), &json!("user"))
    );
    let mut client = app.client();
    assert_eq!(client.log_in(ADA, PASSWORD).await.status, 200);
    let account = client.get(answer.header("location")).await;
    assert_eq!(account.json(), user);
    assert_eq!(app.browser().log_in(ADA, PASSWORD).await.status, 303, "the account is good at the other door");
}

#[actix_web::test]
async fn every_wrong_field_is_named_with_advice_and_only_those() {
    let app = TestApp::spawn();
    let all = advice(&app, "ada", "", "short").await;
    assert_eq!(
        all,
        [
            ("email", "Enter an e-mail address with an @, such as ada@example.com."),
            ("display_name", "Enter the name that others may see."),
            ("password", "Use at least 15 characters; a few words in a row are easy to keep. This one has 5."),
        ]
        .map(|(field, detail)| (field.to_owned(), detail.to_owned()))
    );
    assert_eq!(refused_fields(&app, "ada@", "Ada", PASSWORD).await, ["email"]);
    assert_eq!(refused_fields(&app, ADA, " ", PASSWORD).await, ["display_name"]);
    assert_eq!(refused_fields(&app, ADA, "Ada", "").await, ["password"]);
    assert_eq!(at_the_api(&app.client(), ADA, "Ada", PASSWORD).await.status, 201, "nothing was made by all that");
}

#[actix_web::test]
async fn a_taken_address_is_a_conflict_at_both_doors_however_it_is_written() {
    let app = TestApp::spawn();
    app.sign_up("Åda@exämple.org").await;
    for same in ["Åda@exämple.org", " åDA@EXÄMPLE.ORG", "A\u{30a}da@exa\u{308}mple.org"] {
        let page = at_the_site(&mut app.browser(), same, "Eve", PASSWORD).await;
        assert_eq!(page.status, 409, "{same}: {page:?}");
        assert!(html::advice(&page.body, "email").is_some_and(|advice| advice.contains("has an account already")));
        let problem = at_the_api(&app.client(), same, "Eve", PASSWORD).await;
        assert_eq!((problem.status, problem.code().as_str()), (409, "email-taken"), "{same}");
        assert_eq!(app.client().log_in(same, PASSWORD).await.status, 200, "{same}");
        assert_eq!(app.browser().log_in(same, PASSWORD).await.status, 303, "{same}");
    }
    assert_eq!(at_the_api(&app.client(), "ada@exämple.org", "Eve", PASSWORD).await.status, 201, "another person");
}

#[actix_web::test]
async fn two_sign_ups_at_once_make_one_account() {
    let app = TestApp::spawn();
    let clients: Vec<_> = (0..4).map(|_| app.client()).collect();
    let mut answers: Vec<u16> = Vec::new();
    let body = json!({ "email": ADA, "display_name": "Ada", "password": PASSWORD });
    let requests: Vec<_> = clients
        .into_iter()
        .map(|client| {
            let body = body.clone();
            actix_web::rt::spawn(async move { client.post("/api/users", &body).await.status })
        })
        .collect();
    for request in requests {
        answers.push(request.await.expect("an answer"));
    }
    answers.sort_unstable();
    assert_eq!(answers, [201, 409, 409, 409]);
}

#[actix_web::test]
async fn addresses_that_nobody_can_have_are_refused() {
    let app = TestApp::spawn();
    let long = format!("{}@{}.org", "a".repeat(64), "b".repeat(186));
    for email in [
        "",
        "@",
        "ada@example",
        "ada@.org",
        "a da@example.org",
        "ada@exam ple.org",
        "ada@@example.org",
        "\"a\"@b.org",
        &long,
    ] {
        assert_eq!(refused_fields(&app, email, "Ada", PASSWORD).await, ["email"], "{email}");
    }
    assert_eq!(long.len(), 255);
    let longest = long.replacen('b', "", 1);
    assert_eq!(at_the_api(&app.client(), &longest, "Ada", PASSWORD).await.status, 201, "254 bytes are fine");
}

/// Letters that no dictionary and no pattern shortens.
fn password(characters: usize) -> String {
    let letters = two_doors::secrets::hex(&two_doors::secrets::random::<128>());
    letters.chars().take(characters).collect()
}

#[actix_web::test]
async fn a_password_has_15_to_256_characters() {
    let app = TestApp::spawn();
    for (number, length, fits) in [(0, 14, false), (1, 15, true), (2, 256, true), (3, 257, false)] {
        let password = if length == 257 { format!("{}x", password(256)) } else { password(length) };
        assert_eq!(password.chars().count(), length);
        let (site, api) = (format!("site{number}@example.org"), format!("api{number}@example.org"));
        let at_site = at_the_site(&mut app.browser(), &site, "Ada", &password).await;
        let at_api = at_the_api(&app.client(), &api, "Ada", &password).await;
        assert_eq!((at_site.status, at_api.status), if fits { (303, 201) } else { (422, 422) }, "{length}");
        if fits {
            assert_eq!(app.client().log_in(&site, &password).await.status, 200, "{length}");
            let shorter: String = password.chars().take(length - 1).collect();
            assert_eq!(app.client().log_in(&site, &shorter).await.status, 401, "every character counts");
        }
    }
}

#[actix_web::test]
async fn the_least_length_can_be_configured_and_the_page_names_it() {
    let app = TestApp::with(&[("PASSWORD_MIN_LENGTH", "20")]);
    assert!(app.browser().get("/signup").await.body.contains("At least 20 characters"));
    let advice = advice(&app, ADA, "Ada", &password(19)).await;
    assert!(advice[0].1.starts_with("Use at least 20 characters"), "{advice:?}");
    assert_eq!(at_the_api(&app.client(), ADA, "Ada", &password(20)).await.status, 201);
}

#[actix_web::test]
async fn characters_are_counted_and_compared_in_one_form_of_unicode() {
    let app = TestApp::spawn();
    let base = "marbl\u{e9} \u{f6}tter tr\u{fc}m";
    let decomposed = "marble\u{301} o\u{308}tter tru\u{308}m";
    assert_eq!((base.chars().count(), decomposed.chars().count()), (17, 20));
    let short = ["e\u{301}a", "o\u{308}b", "u\u{308}c", "e\u{301}d", "x9", "y", "z"].concat();
    assert_eq!(short.chars().count(), 16);
    assert!(advice(&app, ADA, "Ada", &short).await[0].1.contains("This one has 12"));
    app.client().post("/api/users", &json!({ "email": ADA, "display_name": "Ada", "password": decomposed })).await;
    for same in [base, decomposed] {
        assert_eq!(app.client().log_in(ADA, same).await.status, 200, "{same}");
        assert_eq!(app.browser().log_in(ADA, same).await.status, 303, "{same}");
    }
    assert_eq!(app.client().log_in(ADA, "marble otter trum").await.status, 401);
}

#[actix_web::test]
async fn any_characters_make_a_password_and_none_are_trimmed() {
    let app = TestApp::spawn();
    let odd = "  <b>\u{1f511} \u{627}\u{644}\u{645}\u{641}\u{62a}\u{627}\u{62d} \t ключ &amp;  ";
    let answer = app.browser().sign_up(ADA, "Ada", odd).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    assert_eq!(app.client().log_in(ADA, odd).await.status, 200);
    assert_eq!(app.client().log_in(ADA, odd.trim()).await.status, 401);
}

#[actix_web::test]
async fn a_password_that_would_be_guessed_soon_is_refused_whatever_its_length() {
    let app = TestApp::spawn();
    for common in [
        "passwordpassword",
        "1234567890123456",
        "aaaaaaaaaaaaaaaaaaaa",
        "qwertyuiopasdfgh",
        "lovelace@example.org",
        "augusta.lovelace",
        "AUGUSTA LOVELACE",
    ] {
        let advice = advice(&app, "lovelace@example.org", "Augusta Lovelace", common).await;
        assert_eq!(advice.len(), 1, "{common}");
        assert!(advice[0].0 == "password" && advice[0].1.contains("would be guessed soon"), "{common}: {advice:?}");
    }
    let composed = "no digits no signs just words";
    assert_eq!(at_the_api(&app.client(), ADA, "Ada", composed).await.status, 201, "there are no rules of composition");
}

#[actix_web::test]
async fn a_name_has_1_to_80_characters_of_any_script_and_none_that_control() {
    let app = TestApp::spawn();
    for (number, name) in
        ["x", &"\u{1f600}".repeat(80), "عمر الخيام", "山田太郎", "👩‍🚀 Ripley", "O'Neill <b>&amp;</b>"].iter().enumerate()
    {
        let email = format!("ada{number}@example.org");
        let answer = at_the_api(&app.client(), &email, name, PASSWORD).await;
        assert_eq!((answer.status, answer.json()["display_name"].as_str()), (201, Some(*name)), "{name}");
    }
    for name in
        ["", " \u{a0} ", &"\u{1f600}".repeat(81), "a\nb", "a\tb", "a\u{7f}b", "a\u{85}b", "a\u{202e}b", "a\u{2066}b"]
    {
        assert_eq!(refused_fields(&app, ADA, name, PASSWORD).await, ["display_name"], "{name:?}");
    }
}

#[actix_web::test]
async fn sign_ups_from_one_address_are_throttled_at_both_doors_together() {
    let app = TestApp::with(&[("THROTTLE_SIGN_UP", "2")]);
    assert_eq!(at_the_api(&app.client(), "one@example.org", "One", PASSWORD).await.status, 201);
    assert_eq!(at_the_site(&mut app.browser(), "two@example.org", "Two", PASSWORD).await.status, 303);
    let problem = at_the_api(&app.client(), "three@example.org", "Three", PASSWORD).await;
    assert_eq!((problem.status, problem.code().as_str()), (429, "throttled"));
    let page = at_the_site(&mut app.browser(), "three@example.org", "Three", PASSWORD).await;
    assert_eq!(page.status, 429, "{page:?}");
    for answer in [&problem, &page] {
        let seconds: u64 = answer.header("retry-after").parse().expect("seconds");
        assert!((3500..=3600).contains(&seconds), "{seconds}");
    }
    assert!(html::text(&page.body).contains("The next one is possible in 60 minutes."), "{page:?}");
    assert_eq!(app.client().log_in("three@example.org", PASSWORD).await.status, 401, "no account was made");
    assert_eq!(app.client().log_in("one@example.org", PASSWORD).await.status, 200, "log-in has budgets of its own");
}

#[actix_web::test]
async fn what_can_not_become_an_account_uses_up_no_budget() {
    let app = TestApp::with(&[("THROTTLE_SIGN_UP", "1")]);
    for _ in 0..3 {
        assert_eq!(at_the_api(&app.client(), "ada", "Ada", PASSWORD).await.status, 422);
        assert_eq!(at_the_api(&app.client(), ADA, "Ada", "too short").await.status, 422);
    }
    assert_eq!(at_the_api(&app.client(), ADA, "Ada", PASSWORD).await.status, 201);
    assert_eq!(at_the_api(&app.client(), ADA, "Ada", PASSWORD).await.status, 429, "asking who is here is throttled");
}
