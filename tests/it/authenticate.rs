//! Who is asking: at one door whoever a row says, at the other whoever a signature says, and nobody else.

use crate::support::{Answer, PASSWORD, TestApp};

const ADA: &str = "ada@example.org";

mod session {
    use super::*;
    use crate::support::Browser;

    /// Follows a refusal to the log-in page, where the visitor is told why.
    async fn told(browser: &mut Browser) -> String {
        let answer = browser.get("/account/session").await;
        let expected = (303, "/login?next=%2Faccount%2Fsession");
        assert_eq!((answer.status, answer.header("location")), expected, "{answer:?}");
        let page = browser.get("/login").await.body;
        let flash = page.split("<p class=\"notice flash").nth(1).and_then(|rest| rest.split("</p>").next());
        flash.unwrap_or_default().split('>').nth(1).unwrap_or_default().to_owned()
    }

    #[actix_web::test]
    async fn a_visitor_is_sent_to_log_in_without_a_reason() {
        let app = TestApp::spawn();
        assert_eq!(told(&mut app.browser()).await, "");
    }

    #[actix_web::test]
    async fn what_is_not_used_for_too_long_ends_and_says_so() {
        let app = TestApp::spawn();
        let mut browser = app.logged_in_browser(ADA).await;
        app.execute("UPDATE sessions SET seen_at = seen_at - interval '29 minutes'");
        assert!(browser.is_logged_in().await);
        app.execute("UPDATE sessions SET seen_at = seen_at - interval '30 minutes'");
        assert_eq!(told(&mut browser).await, "This login was not used for a while, so it ended. Please log in.");
        assert!(!browser.is_logged_in().await, "and asking did not bring it back");
    }

    #[actix_web::test]
    async fn what_reached_its_greatest_age_ends_however_much_it_is_used() {
        let app = TestApp::spawn();
        let mut browser = app.logged_in_browser(ADA).await;
        app.execute("UPDATE sessions SET absolute_expires_at = clock_timestamp()");
        assert_eq!(told(&mut browser).await, "This login reached its greatest age, so it ended. Please log in.");
    }

    #[actix_web::test]
    async fn a_remembered_login_has_longer_limits_of_its_own() {
        let app = TestApp::spawn();
        app.sign_up(ADA).await;
        let mut browser = app.browser();
        let fields = [("email", ADA), ("password", PASSWORD), ("remember", "on")];
        browser.post_from("/login", "/login", &fields).await;
        app.execute("UPDATE sessions SET seen_at = seen_at - interval '13 days 23 hours'");
        assert!(browser.is_logged_in().await);
        app.execute("UPDATE sessions SET seen_at = seen_at - interval '14 days'");
        assert!(told(&mut browser).await.contains("not used for a while"));
    }

    #[actix_web::test]
    async fn whoever_shows_an_ended_login_is_told_why() {
        let app = TestApp::spawn();
        let mut browser = app.logged_in_browser(ADA).await;
        for (reason, sentence) in [
            ("logged out", "You logged out. Please log in."),
            ("ended elsewhere", "This login was ended from another one of yours. Please log in."),
            ("password changed", "Your password was changed, which ends every login. Please log in."),
            (
                "replaced",
                "You gave your password again here, which put a new login in the place of this one. Please log in.",
            ),
        ] {
            app.execute(&format!("UPDATE sessions SET ended_at = clock_timestamp(), end_reason = '{reason}'"));
            assert_eq!(told(&mut browser).await, sentence);
        }
    }

    #[actix_web::test]
    async fn the_twin_answers_the_fields_of_the_other_door() {
        let app = TestApp::spawn();
        let me = app.logged_in_browser(ADA).await.get("/account/me").await.json();
        let row = "extract(epoch FROM date_trunc('second', least(absolute_expires_at, seen_at + interval '30 min')))";
        let expected = serde_json::json!({
            "id": app.value("SELECT id FROM users"),
            "role": "user",
            "login": app.value("SELECT id FROM sessions"),
            "auth_time": me["auth_time"],
            "exp": app.value(&format!("SELECT {row}::bigint FROM sessions")).parse::<i64>().expect("seconds"),
        });
        assert_eq!(me, expected);
    }

    #[actix_web::test]
    async fn a_request_costs_one_statement_and_one_write_a_minute() {
        let app = TestApp::spawn();
        let mut browser = app.logged_in_browser(ADA).await;
        assert_eq!(browser.get("/account/me").await.statements(), 1);
        app.execute("UPDATE sessions SET seen_at = seen_at - interval '61 seconds'");
        assert_eq!(browser.get("/account/me").await.statements(), 2);
        assert_eq!(browser.get("/account/me").await.statements(), 1);
    }

    #[actix_web::test]
    async fn role_and_name_are_as_fresh_as_the_row() {
        let app = TestApp::spawn();
        let mut browser = app.logged_in_browser(ADA).await;
        assert_eq!(browser.get("/account/me").await.json()["role"], "user");
        app.execute("UPDATE users SET role = 'admin', display_name = 'Countess'");
        assert_eq!(browser.get("/account/me").await.json()["role"], "admin");
        assert!(browser.get("/account").await.body.contains("<bdi>Countess</bdi>"));
        app.execute("UPDATE users SET role = 'user'");
        assert_eq!(browser.get("/account/me").await.json()["role"], "user", "a demotion counts at once");
    }

    #[actix_web::test]
    async fn nothing_but_a_key_of_ours_under_our_signature_is_somebody() {
        let app = TestApp::spawn();
        let browser = app.logged_in_browser(ADA).await;
        let cookie = browser.jar["session"].clone();
        let decoded = percent_encoding::percent_decode_str(&cookie).decode_utf8().expect("UTF-8").into_owned();
        let (signature, key) = decoded.split_at(44);
        let hash = app.value("SELECT encode(key_hash, 'hex') FROM sessions");
        let id = app.value("SELECT id FROM sessions");
        let altered = |text: &str| format!("{}{}", if text.starts_with('A') { 'B' } else { 'A' }, &text[1..]);
        for forged in [
            key.to_owned(),
            format!("{}{key}", altered(signature)),
            format!("{signature}{}", altered(key)),
            format!("{signature}{key}A"),
            format!("{signature}{hash}"),
            format!("{signature}{id}"),
            hash,
            id,
            "x".repeat(5000),
        ] {
            let forged = percent_encoding::utf8_percent_encode(&forged, percent_encoding::NON_ALPHANUMERIC).to_string();
            let mut thief = app.browser();
            thief.jar.insert("session".to_owned(), forged.clone());
            assert!(!thief.is_logged_in().await, "{forged}");
        }
        assert!(browser.clone().is_logged_in().await, "while the real one is");
    }

    #[actix_web::test]
    async fn a_cookie_that_is_planted_beside_ours_does_not_lock_the_visitor_out() {
        let app = TestApp::spawn();
        let browser = app.logged_in_browser(ADA).await;
        let (ours, attackers) = (browser.cookies(), app.logged_in_browser("mallory@example.org").await.cookies());
        let me = async |cookies: &str| app.request("GET", "/account/me", &[("cookie", cookies)], "").await;
        let ada = app.value(&format!("SELECT id FROM users WHERE email = '{ADA}'"));
        for cookies in
            [format!("session=garbage; {ours}"), format!("{ours}; session=garbage"), format!("{attackers}; {ours}")]
        {
            assert_eq!(me(&cookies).await.json()["id"], ada.as_str(), "{cookies}");
        }
    }

    #[actix_web::test]
    async fn a_cookie_signed_with_an_older_secret_is_somebodys_and_is_signed_anew() {
        let older = "an older secret that cookies were signed with before";
        let old = TestApp::with(&[("SECRETS", older)]);
        let mut browser = old.logged_in_browser(ADA).await;
        let secrets = format!("{},{older}", crate::support::app::SECRET);
        let new = old.beside(&[("SECRETS", &secrets)]);
        let answer = new.request("GET", "/account/me", &[("cookie", &browser.cookies())], "").await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.cookie_attributes("session"), ["HttpOnly", "Path=/", "SameSite=Lax"]);
        browser.keep(&answer);
        let answer = new.request("GET", "/account/me", &[("cookie", &browser.cookies())], "").await;
        assert_eq!((answer.status, answer.set_cookie("session")), (200, None), "once is enough");
    }

    #[actix_web::test]
    async fn without_a_database_nobody_is_taken_for_a_visitor() {
        let app = TestApp::spawn();
        let mut browser = app.logged_in_browser(ADA).await;
        let outage = app.outage();
        for path in ["/account", "/account/me", "/"] {
            let answer = browser.get(path).await;
            assert_eq!((answer.status, answer.header("retry-after")), (503, "2"), "{path}: {answer:?}");
            assert!(answer.set_cookies().is_empty() && !answer.body.contains("Log in"), "{path}: {answer:?}");
        }
        outage.end().await;
        assert!(browser.is_logged_in().await);
    }
}

mod token {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use jsonwebtoken::{Algorithm, EncodingKey};
    use serde_json::{Value, json};

    use super::*;
    use crate::support::{Client, Forge, forge};

    async fn show(app: &TestApp, path: &str, authorization: &str) -> Answer {
        app.request("GET", path, &[("authorization", authorization)], "").await
    }

    /// A token that the server itself might have issued, but for what `change` does to its claims.
    fn forged(forge: &Forge, client: &Client, change: impl FnOnce(&mut Value)) -> String {
        let mut claims = forge::claims(&client.access_token);
        change(&mut claims);
        forge.sign(&forge.header(), &claims)
    }

    fn now(app: &TestApp) -> i64 {
        app.value("SELECT floor(extract(epoch FROM clock_timestamp()))::bigint").parse().expect("seconds")
    }

    #[actix_web::test]
    async fn a_visitor_is_asked_for_a_token() {
        let app = TestApp::spawn();
        for path in ["/api/me", "/api/account", "/api/auth/tokens"] {
            let answer = app.client().get(path).await;
            assert_eq!((answer.status, answer.code().as_str()), (401, "not-authenticated"));
            assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"two-doors\"", "{path}");
        }
    }

    #[actix_web::test]
    async fn the_twin_answers_the_fields_of_the_other_door() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let claims = forge::claims(&client.access_token);
        let expected = json!({
            "id": app.value("SELECT id FROM users"),
            "role": "user",
            "login": app.value("SELECT id FROM token_families"),
            "auth_time": claims["auth_time"],
            "exp": claims["exp"],
        });
        assert_eq!(client.get("/api/me").await.json(), expected);
    }

    #[actix_web::test]
    async fn claims_cost_no_statement_and_a_live_check_costs_one() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        assert_eq!(client.get("/api/me").await.statements(), 0);
        assert_eq!(client.get("/api/account").await.statements(), 1);
    }

    #[actix_web::test]
    async fn without_a_database_claims_are_still_read_and_nobody_is_refused_for_it() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let outage = app.outage();
        assert_eq!(client.get("/api/account").await.code(), "unavailable");
        assert_eq!(client.redeem().await.code(), "unavailable");
        assert_eq!(client.get("/api/me").await.status, 200);
        outage.end().await;
        assert_eq!(client.get("/api/account").await.status, 200);
    }

    #[actix_web::test]
    async fn the_claims_role_is_as_old_as_the_token_and_the_live_one_is_fresh() {
        let app = TestApp::spawn();
        let mut client = app.logged_in_client(ADA).await;
        app.execute("UPDATE users SET role = 'admin', display_name = 'Countess'");
        assert_eq!(client.get("/api/me").await.json()["role"], "user", "the scheme's limit");
        let account = client.get("/api/account").await.json();
        assert_eq!((&account["role"], &account["display_name"]), (&json!("admin"), &json!("Countess")));
        client.renew().await;
        assert_eq!(client.get("/api/me").await.json()["role"], "admin");
    }

    #[actix_web::test]
    async fn a_token_dies_at_the_second_it_names() {
        let app = TestApp::spawn();
        let (client, forge) = (app.logged_in_client(ADA).await, Forge::of(&app));
        // The clock only goes on: what names this second is dead from now on, what names a later minute is not yet.
        let now = now(&app);
        let token = |exp: i64| format!("Bearer {}", forged(&forge, &client, |claims| claims["exp"] = json!(exp)));
        for path in ["/api/me", "/api/account"] {
            assert_eq!(show(&app, path, &token(now + 60)).await.status, 200);
            for exp in [now, now - 1, now - 59, 0] {
                let answer = show(&app, path, &token(exp)).await;
                assert_eq!((answer.status, answer.code().as_str()), (401, "invalid-token"), "{exp}");
                let challenge = answer.header("www-authenticate");
                assert!(challenge.contains("error=\"invalid_token\"") && challenge.contains("expired"), "{challenge}");
            }
        }
    }

    #[actix_web::test]
    async fn a_token_may_be_issued_a_minute_ahead_of_our_clock_and_no_more() {
        let app = TestApp::spawn();
        let (client, forge) = (app.logged_in_client(ADA).await, Forge::of(&app));
        let now = now(&app);
        for name in ["nbf", "iat"] {
            let token = |at: i64| format!("Bearer {}", forged(&forge, &client, |claims| claims[name] = json!(at)));
            assert_eq!(show(&app, "/api/me", &token(now + 59)).await.status, 200, "{name}");
            assert_eq!(show(&app, "/api/me", &token(now + 600)).await.code(), "invalid-token", "{name}");
        }
    }

    #[actix_web::test]
    async fn a_live_route_refuses_what_the_rows_no_longer_say() {
        let app = TestApp::spawn();
        let (client, other) = (app.logged_in_client(ADA).await, app.logged_in_client("bob@example.org").await);
        let forge = Forge::of(&app);
        let sub = forge::claims(&other.access_token)["sub"].clone();
        let refused = async |token: &str, why: &str| {
            let bearer = format!("Bearer {token}");
            assert_eq!(show(&app, "/api/me", &bearer).await.status, 200, "claims alone say nothing of it: {why}");
            let answer = show(&app, "/api/account", &bearer).await;
            assert_eq!((answer.status, answer.code().as_str()), (401, "invalid-token"), "{why}");
            assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""), "{why}");
        };
        refused(&forged(&forge, &client, |claims| claims["sid"] = json!(uuid::Uuid::new_v4())), "no such login").await;
        refused(&forged(&forge, &client, |claims| claims["sub"] = sub), "another user's login").await;
        refused(&forged(&forge, &client, |claims| claims["ver"] = json!(0)), "an older version").await;
        refused(&forged(&forge, &client, |claims| claims["ver"] = json!(2)), "a version to come").await;
        assert_eq!(client.get("/api/account").await.status, 200);
        app.execute("UPDATE token_families SET absolute_expires_at = clock_timestamp()");
        refused(&client.access_token, "too old").await;
        app.execute("DELETE FROM users");
        refused(&client.access_token, "deleted").await;
    }

    #[actix_web::test]
    async fn the_token_counts_in_the_authorization_header_and_nowhere_else() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let token = client.access_token.as_str();
        for authorization in [format!("Bearer {token}"), format!("bearer {token}"), format!("BEARER  {token}")] {
            assert_eq!(show(&app, "/api/me", &authorization).await.status, 200, "{authorization}");
        }
        let cookie = format!("access_token={token}; session={token}; refresh={token}; token={token}");
        let (query, form) = (format!("/api/me?access_token={token}"), format!("access_token={token}"));
        let nothing_shown = [
            app.request("GET", &query, &[], "").await,
            app.request("GET", "/api/me", &[("cookie", &cookie)], "").await,
            app.request("GET", "/api/me", &[("content-type", "application/x-www-form-urlencoded")], &form).await,
            app.request("GET", "/api/me", &[("x-authorization", &format!("Bearer {token}"))], "").await,
            app.request("GET", "/api/me", &[("proxy-authorization", &format!("Bearer {token}"))], "").await,
            show(&app, "/api/me", &format!("Basic {token}")).await,
            show(&app, "/api/me", &format!("DPoP {token}")).await,
            show(&app, "/api/me", token).await,
        ];
        for answer in nothing_shown {
            assert_eq!((answer.status, answer.code().as_str()), (401, "not-authenticated"), "{answer:?}");
            assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"two-doors\"", "no error: nothing was shown");
        }
        let bearer = format!("Bearer {token}");
        let twice = [("authorization", bearer.as_str()), ("authorization", bearer.as_str())];
        let malformed = [
            app.request("GET", "/api/me", &twice, "").await,
            show(&app, "/api/me", "Bearer").await,
            show(&app, "/api/me", "Bearer   ").await,
            show(&app, "/api/me", &format!("Bearer {token} {token}")).await,
            show(&app, "/api/me", &format!("Bearer {token}, Bearer {token}")).await,
        ];
        for answer in malformed {
            assert_eq!((answer.status, answer.code().as_str()), (400, "invalid-request"), "{answer:?}");
            assert!(answer.header("www-authenticate").contains("error=\"invalid_request\""), "{answer:?}");
        }
    }

    #[actix_web::test]
    async fn the_site_does_not_know_tokens() {
        let app = TestApp::spawn();
        let client = app.logged_in_client(ADA).await;
        let (bearer, cookie) = (format!("Bearer {}", client.access_token), format!("session={}", client.access_token));
        for header in [("authorization", bearer.as_str()), ("cookie", cookie.as_str())] {
            assert_eq!(app.request("GET", "/account/me", &[header], "").await.status, 303, "{}", header.0);
        }
    }

    #[actix_web::test]
    async fn every_algorithm_logs_in_and_verifies_and_publishes_only_what_is_public() {
        for algorithm in ["HS256", "RS256", "ES256", "EdDSA"] {
            let app = TestApp::with(&[("TOKEN_ALGORITHM", algorithm)]);
            let mut client = app.logged_in_client(ADA).await;
            let header = forge::header(&client.access_token);
            assert_eq!((&header["alg"], &header["typ"]), (&json!(algorithm), &json!("at+jwt")));
            for path in ["/api/me", "/api/account"] {
                assert_eq!(client.get(path).await.status, 200, "{algorithm} {path}");
            }
            assert_eq!(client.renew().await.status, 200);
            assert_eq!(client.get("/api/account").await.status, 200);
            let jwks = app.client().get("/.well-known/jwks.json").await.json();
            let published = jwks["keys"].as_array().expect("a list").clone();
            assert_eq!(published.len(), usize::from(algorithm != "HS256"), "{algorithm}");
            for key in published {
                assert_eq!((&key["kid"], &key["alg"], &key["use"]), (&header["kid"], &header["alg"], &json!("sig")));
                for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
                    assert_eq!(key.get(private), None, "{algorithm}: {private}");
                }
            }
        }
    }

    #[actix_web::test]
    async fn a_key_verifies_its_own_algorithm_only() {
        let names =
            [("TOKEN_ISSUER", "https://doors.example.com"), ("TOKEN_AUDIENCE", "https://doors.example.com/api")];
        let with = |algorithm| [("TOKEN_ALGORITHM", algorithm), names[0], names[1]];
        let ecdsa = TestApp::with(&with("ES256"));
        let client = ecdsa.logged_in_client(ADA).await;
        let hmac = ecdsa.beside(&with("HS256"));
        assert_eq!(show(&hmac, "/api/me", &format!("Bearer {}", client.access_token)).await.status, 200);
        // It does not sign yet: it was made a moment ago.
        let kid = hmac.value("SELECT kid FROM signing_keys WHERE algorithm = 'HS256'");
        let header = forge::header(&client.access_token);
        let forge = Forge::of(&ecdsa);
        let claims = forge::claims(&client.access_token);
        for header in [
            json!({ "typ": "at+jwt", "alg": "HS256", "kid": header["kid"] }),
            json!({ "typ": "at+jwt", "alg": "ES256", "kid": kid }),
            json!({ "typ": "at+jwt", "alg": "HS256", "kid": kid }),
        ] {
            let answer = show(&hmac, "/api/me", &format!("Bearer {}", forge.sign(&header, &claims))).await;
            assert_eq!(answer.code(), "invalid-token", "{header}");
        }
    }

    /// Everything that is wrong with a token's text or header; its signature, where it has one, is the server's own.
    fn malformed(forge: &Forge, token: &str, jwk: &Value) -> Vec<(String, String)> {
        let parts: Vec<&str> = token.split('.').collect();
        let [head, body, signature] = parts[..] else { panic!("{token}") };
        let claims = forge::claims(token);
        let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let mut cases: Vec<(String, String)> = Vec::new();
        let mut add = |what: &str, token: String| cases.push((what.to_owned(), token));
        for text in [".", "..", "...", "a", "a.b", "a.b.c", "null", "{}", "\u{7e}.\u{7e}.\u{7e}"] {
            add("no token at all", text.to_owned());
        }
        add("no signature", format!("{head}.{body}"));
        add("an empty signature", format!("{head}.{body}."));
        add("no claims", format!("{head}..{signature}"));
        add("no header", format!(".{body}.{signature}"));
        add("four parts", format!("{token}.{signature}"));
        add("five parts, as if it were encrypted", format!("{token}.{body}.{signature}"));
        add("a dot before", format!(".{token}"));
        add("a dot behind", format!("{token}."));
        add("a comma inside", token.replacen('.', ",", 1));
        add("padding", format!("{token}="));
        add("padding in the header", format!("{head}=.{body}.{signature}"));
        add("the standard alphabet", format!("{head}.{body}.{}", signature.replace(['-', '_'], "+")) + "/");
        add("a signature cut short", token[..token.len() - 4].to_owned());
        add("a longer signature", format!("{token}AAAA"));
        add("a signature of zeros", format!("{head}.{body}.{}", "A".repeat(86)));
        add("dead bits set in the signature's last letter", with_dead_bits(token));
        for (name, index) in [("header", 0), ("claims", 1), ("signature", 2)] {
            add(&format!("a bit flipped in the {name}"), with_flipped_bit(&parts, index));
        }
        for alg in ["none", "None", "NONE", "nOnE"] {
            let header = json!({ "typ": "at+jwt", "alg": alg, "kid": forge.kid });
            add(alg, format!("{}.{body}.", encoded(&header)));
            add(alg, forge.sign(&header, &claims));
        }
        for alg in ["", "es256", "ES384", "RS256", "PS256", "EdDSA", "HS256", "HS512", "ES256K"] {
            add(
                &format!("alg {alg:?}"),
                forge.sign(&json!({ "typ": "at+jwt", "alg": alg, "kid": forge.kid }), &claims),
            );
        }
        let header = json!({ "typ": "at+jwt", "alg": "HS256", "kid": forge.kid });
        let message = format!("{}.{body}", encoded(&header));
        let point = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().expect("a coordinate")).expect("base64url");
        for secret in [
            jwk.to_string().into_bytes(),
            jwk["x"].as_str().expect("x").as_bytes().to_vec(),
            [point("x"), point("y")].concat(),
            [vec![4], point("x"), point("y")].concat(),
            forge.kid.clone().into_bytes(),
            vec![],
        ] {
            let key = EncodingKey::from_secret(&secret);
            let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256);
            // An empty secret may be refused by our own library.
            if let Ok(signature) = signature {
                add("HS256 under the public key", format!("{message}.{signature}"));
            }
        }
        let with = |name: &str, value: Value| {
            let mut header = forge.header();
            header[name] = value;
            forge.sign(&header, &claims)
        };
        let without = |name: &str| {
            let mut header = forge.header();
            header.as_object_mut().expect("an object").remove(name);
            forge.sign(&header, &claims)
        };
        for name in ["alg", "typ", "kid"] {
            add(&format!("no {name}"), without(name));
            add(&format!("{name} is null"), with(name, Value::Null));
            add(&format!("{name} is a number"), with(name, json!(1)));
        }
        for kid in ["", "unknown", "../../../dev/null", "' OR 1=1 --", &forge.kid.to_lowercase()] {
            add(&format!("kid {kid:?}"), with("kid", json!(kid)));
        }
        for typ in ["JWT", "", "at", "rt+jwt", "at+jwt;"] {
            add(&format!("typ {typ:?}"), with("typ", json!(typ)));
        }
        add("crit", with("crit", json!(["exp"])));
        add("an empty crit", with("crit", json!([])));
        add("compressed", with("zip", json!("DEF")));
        let header = forge.header().to_string();
        add("a header that is a list", forge.sign_text("[]", &claims.to_string()));
        add("a header that is text", forge.sign_text("at+jwt", &claims.to_string()));
        for claims in ["", "[]", "null", "1", "\"claims\"", "{", "{}", "\u{feff}{}"] {
            add(&format!("claims {claims:?}"), forge.sign_text(&header, claims));
        }
        let twice = claims.to_string().replacen('{', &format!("{{\"sub\":{},", claims["sub"]), 1);
        add("a claim twice", forge.sign_text(&header, &twice));
        let mut huge = claims.clone();
        huge["more"] = json!("x".repeat(8000));
        add("a huge one", forge.sign(&forge.header(), &huge));
        cases
    }

    /// Everything that is wrong with what a well-signed token says.
    fn wrong_claims(forge: &Forge, token: &str) -> Vec<(String, String)> {
        let claims = forge::claims(token);
        let mut cases = Vec::new();
        for name in claims.as_object().expect("an object").keys() {
            let mut without = claims.clone();
            without.as_object_mut().expect("an object").remove(name);
            cases.push((format!("no {name}"), without));
            // A token for several services names them in a list (RFC 7519, section 4.1.3).
            let list = if name == "aud" { json!([["a"]]) } else { json!([claims[name]]) };
            for value in [Value::Null, json!({}), list, json!(true)] {
                let mut wrong = claims.clone();
                wrong[name] = value;
                cases.push((format!("{name} is {}", wrong[name]), wrong));
            }
        }
        for (name, value) in [
            ("exp", json!(claims["exp"].to_string())),
            ("exp", json!(-1)),
            ("exp", json!(1e300)),
            ("exp", json!(u64::MAX)),
            ("exp", json!(f64::from(u32::MAX) + 0.5)),
            ("nbf", json!(claims["nbf"].to_string())),
            ("iat", json!(claims["iat"].to_string())),
            ("iss", json!("https://evil.example")),
            ("iss", json!(format!("{}/", claims["iss"].as_str().expect("text")))),
            ("aud", json!("https://evil.example/api")),
            ("aud", json!(["orders", "https://evil.example/api"])),
            ("aud", json!([])),
            ("sub", json!("ada@example.org")),
            ("sub", json!("")),
            ("client_id", json!("another")),
            ("role", json!("root")),
            ("role", json!("Admin")),
            ("sid", json!("1")),
            ("ver", json!("1")),
            ("ver", json!(1.5)),
        ] {
            let mut wrong = claims.clone();
            wrong[name] = value;
            cases.push((format!("{name} is {}", wrong[name]), wrong));
        }
        cases.into_iter().map(|(what, claims)| (what, forge.sign(&forge.header(), &claims))).collect()
    }

    /// Sets the bits of the last letter that a 64-byte signature leaves unused: other text, the same bytes to a lax decoder.
    fn with_dead_bits(token: &str) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let (rest, last) = token.split_at(token.len() - 1);
        let value = LETTERS.iter().position(|letter| *letter == last.as_bytes()[0]).expect("base64url");
        assert_eq!(value % 16, 0, "an encoder leaves them unset");
        format!("{rest}{}", char::from(LETTERS[value + 1]))
    }

    fn with_flipped_bit(parts: &[&str], index: usize) -> String {
        let mut parts: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
        let mut bytes = URL_SAFE_NO_PAD.decode(&parts[index]).expect("base64url");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        parts[index] = URL_SAFE_NO_PAD.encode(bytes);
        parts.join(".")
    }

    #[actix_web::test]
    async fn every_malformed_or_forged_token_is_refused_with_a_challenge() {
        let app = TestApp::spawn();
        let (client, forge) = (app.logged_in_client(ADA).await, Forge::of(&app));
        let jwk = app.client().get("/.well-known/jwks.json").await.json()["keys"][0].clone();
        let mut cases = malformed(&forge, &client.access_token, &jwk);
        cases.extend(wrong_claims(&forge, &client.access_token));
        assert!(cases.len() > 40, "{}", cases.len());
        for (what, token) in cases {
            for path in ["/api/me", "/api/account"] {
                let answer = show(&app, path, &format!("Bearer {token}")).await;
                let code = answer.code();
                let expected = match answer.status {
                    401 => ("invalid-token", "error=\"invalid_token\""),
                    400 => ("invalid-request", "error=\"invalid_request\""),
                    other => panic!("{what} at {path}: {other} for {token}: {answer:?}"),
                };
                assert_eq!(code, expected.0, "{what}");
                assert!(answer.header("www-authenticate").contains(expected.1), "{what}: {answer:?}");
            }
        }
        let resigned = forge.sign(&forge.header(), &forge::claims(&client.access_token));
        assert_eq!(show(&app, "/api/account", &format!("Bearer {resigned}")).await.status, 200, "the forger can sign");
    }

    #[actix_web::test]
    async fn a_token_signed_with_a_key_of_the_forgers_own_is_refused() {
        let app = TestApp::spawn();
        let theirs = TestApp::spawn();
        theirs.logged_in_client(ADA).await;
        let (forge, ours) = (Forge::of(&theirs), Forge::of(&app));
        let client = app.logged_in_client(ADA).await;
        let claims = forge::claims(&client.access_token);
        let jwk = theirs.client().get("/.well-known/jwks.json").await.json()["keys"][0].clone();
        for header in [
            ours.header(),
            forge.header(),
            json!({ "typ": "at+jwt", "alg": "ES256", "kid": ours.kid, "jwk": jwk }),
            json!({ "typ": "at+jwt", "alg": "ES256", "kid": ours.kid, "jku": theirs.url("/.well-known/jwks.json") }),
        ] {
            let answer = show(&app, "/api/me", &format!("Bearer {}", forge.sign(&header, &claims))).await;
            assert_eq!(answer.code(), "invalid-token", "{header}");
        }
    }
}
