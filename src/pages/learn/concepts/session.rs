//! The concepts of scheme 1.

use super::Concept;

/// In the order in which a request meets them.
pub const CONCEPTS: &[Concept] = &[
    Concept {
        door: "ses",
        name: "Session store",
        what: "Where the state behind the cookie is kept.",
        ours: "`src/session/store.rs`: `Store`, over rows of `sessions` or keys in Redis",
        names: [
            "none built in: `express-session`, whose default `MemoryStore` is not for production; `connect-redis`, `connect-pg-simple`",
            "`SESSION_ENGINE`; by default `django.contrib.sessions.backends.db`, a table",
            "`SESSION_DRIVER`; `database` in applications made since Laravel 11, `file` before",
            "`config.session_store`; by default `:cookie_store`: the encrypted cookie itself is the store, and the server keeps nothing. Rows: the gem `activerecord-session_store`",
            "`HttpSession`, kept in memory by the servlet container; Spring Session moves it to Redis or JDBC",
            "none by default: the cookie carries the encrypted claims. Kept on the server with `CookieAuthenticationOptions.SessionStore`, an `ITicketStore`",
        ],
    },
    Concept {
        door: "ses",
        name: "Session middleware",
        what: "The layer that turns the cookie into a user before a handler runs.",
        ours: "`src/session/mod.rs`: `wrap`, around actix-session's `SessionMiddleware`",
        names: [
            "none built in: `app.use(session({…}))` of `express-session`",
            "`SessionMiddleware`, then `AuthenticationMiddleware`",
            "`StartSession`, in the middleware group `web`",
            "`ActionDispatch::Session::CookieStore`, a Rack middleware",
            "`SecurityContextHolderFilter` with a `HttpSessionSecurityContextRepository`",
            "`app.UseAuthentication()` after `AddCookie()`; `UseSession()` is a bag of data beside it",
        ],
    },
    Concept {
        door: "ses",
        name: "Session id rotation",
        what: "A new id at log-in, so that one planted before is worth nothing (fixation).",
        ours: "`src/session/log_in.rs`: `log_in` makes a row under a new key, `enter` hands it out",
        names: [
            "none built in: `req.session.regenerate(callback)` of `express-session`; Passport does it in `req.logIn` since 0.6",
            "`login()` calls `request.session.cycle_key()`, or `flush()` if somebody else was logged in",
            "`$request->session()->regenerate()`",
            "`reset_session`, by hand at log-in",
            "`changeSessionId`, the default of `sessionFixation()`",
            "nothing to rotate: `SignInManager.SignInAsync` writes a new ticket into the cookie",
        ],
    },
    Concept {
        door: "ses",
        name: "Remember me",
        what: "A login that outlives the browser.",
        ours: "`src/session/log_in.rs`: `Terms`, a row that lives longer, with `max_age` on its cookie",
        names: [
            "none built in: `req.session.cookie.maxAge` of `express-session`",
            "no check box built in: `request.session.set_expiry(seconds)`. Two weeks unless `SESSION_EXPIRE_AT_BROWSER_CLOSE`",
            "`Auth::attempt($credentials, $remember)`, with one `remember_token` for each user",
            "none built in: `cookies.permanent.encrypted`; Devise has `:rememberable`",
            "`http.rememberMe()`: `TokenBasedRememberMeServices`, or `PersistentTokenBasedRememberMeServices` with rows",
            "`isPersistent` of `SignInManager.PasswordSignInAsync`",
        ],
    },
    Concept {
        door: "ses",
        name: "CSRF token",
        what: "What only our own pages can send along with the cookie.",
        ours: "`src/pages/same_origin.rs`: `token` and `is_ours`, after `check` has judged the origin",
        names: [
            "none built in: `csrf-csrf` or `csrf-sync`; `csurf` is deprecated",
            "`CsrfViewMiddleware` and `{% csrf_token %}`",
            "`@csrf`, checked by `ValidateCsrfToken`, which is `PreventRequestForgery` since Laravel 13",
            "`protect_from_forgery` and `authenticity_token`",
            "`CsrfFilter` and `CsrfToken`, on by default",
            "`IAntiforgery`, `[ValidateAntiForgeryToken]`",
        ],
    },
];
