//! The problems that the API reports (RFC 9457): one stable code each, with what it means and what to do about it.
//!
//! The `type` of a problem is `/problems/{code}` on this very site, a page made from this list: a leaf, so that the API that
//! sends a problem and the site that explains it need not know one another.

use actix_web::http::StatusCode;

/// A kind of problem.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its stable name, for programs.
    pub code: &'static str,
    /// The status it comes with.
    pub status: u16,
    /// Its name, for people.
    pub title: &'static str,
    /// What happened.
    pub meaning: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

impl Kind {
    /// The status it comes with.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

macro_rules! kinds {
    ($($name:ident $code:literal $status:literal $title:literal $meaning:literal $remedy:literal)*) => {
        $(
            #[doc = $title]
            pub const $name: Kind = Kind { code: $code, status: $status, title: $title, meaning: $meaning, remedy: $remedy };
        )*
        /// Every kind.
        pub const ALL: &[&Kind] = &[$(&$name),*];
    };
}

kinds! {
    MALFORMED_JSON "malformed-json" 400 "The body is not the JSON that was expected"
        "The request's body can't be read as JSON, a field is missing or unknown, or a value has the wrong type."
        "Read `detail`: it names the place. The fields of each route are listed at /api."
    INVALID_REQUEST "invalid-request" 400 "The request contradicts itself"
        "Two credentials that must agree don't, an `Authorization` header is malformed, or a credential was sent in two places."
        "Send one credential, in one place."
    MALFORMED_FORM "malformed-form" 400 "The form does not name one token"
        "Introspection and revocation take one `token` in a form, and what was sent has none, or a parameter twice."
        "Send token=… as application/x-www-form-urlencoded, one token at a time."
    INVALID_TARGET "invalid-target" 400 "There is no such audience"
        "A token was asked for that a service should accept which is not configured here, or for no service at all."
        "Name the services in `audience` as AUDIENCES has them, or leave it away for a token that this API accepts."
    REFUSED_FIELDS "refused-fields" 422 "Some fields can't be used"
        "The JSON is well formed, but what stands in it can't be accepted, such as an e-mail address without an @."
        "`errors` names each field and says what to do."
    EMAIL_TAKEN "email-taken" 409 "The e-mail address has an account already"
        "Somebody, perhaps you, signed up with this e-mail address before."
        "Log in, or sign up with another address."
    WRONG_CREDENTIALS "wrong-credentials" 401 "Wrong e-mail address or password"
        "No account has this e-mail address with this password. Which of the two is wrong is not told, to anybody."
        "Check both and try again. After too many failures you have to wait."
    WRONG_PASSWORD "wrong-password" 403 "The present password is wrong"
        "The change needs the account's present password, and this is not it."
        "Send the right one as `current_password`."
    NOT_AUTHENTICATED "not-authenticated" 401 "An access token is needed"
        "The route needs `Authorization: Bearer …`, or below /api/browser the access cookie, and the request had none. Cookies of the site don't count here."
        "Log in with POST /api/auth/login and send the access token."
    INVALID_TOKEN "invalid-token" 401 "The access token is not accepted"
        "It expired, was altered, was issued by somebody else, or its login has ended."
        "Renew it with POST /api/auth/refresh; if that fails too, log in."
    NOT_A_SERVICE "not-a-service" 401 "Only configured services may ask"
        "The route is for programs that stand in SERVICES, by HTTP Basic authentication, and the request showed no such name and secret."
        "Send Authorization: Basic with the service's name and secret. An access token does not help here."
    STEP_UP_REQUIRED "step-up-required" 401 "The password is needed again"
        "The action is a sensitive one, and the access token says (`auth_time`) that the password was last checked more than ten minutes ago. The login is alive, and everything else goes on working (RFC 9470)."
        "Send the password to POST /api/auth/reauthenticate, then repeat the request with the access token of its answer."
    INVALID_REFRESH_TOKEN "invalid-refresh-token" 401 "The refresh token is not accepted"
        "There was none, it expired, or its login has ended."
        "Log in."
    REUSED_REFRESH_TOKEN "reused-refresh-token" 401 "The refresh token was used before"
        "A refresh token works once. This one had been exchanged already, so somebody may have a copy, and the login was ended for everybody who holds one."
        "Log in. If it was not you, change your password."
    ANOTHER_ORIGIN "another-origin" 403 "The request comes from another site"
        "It would have been authorised by a cookie that the browser attached, but a page of another origin sent it."
        "Send it from our own pages, or have the origin added to API_ALLOWED_ORIGINS."
    FORGED_CALL "forged-call" 403 "The call carries no token of this login"
        "The access cookie alone authorises no change, as a browser sends it by itself: `X-CSRF-Token` must carry a token that was given out for this very login."
        "Send the `csrf_token` of the log-in or the refresh, or ask GET /api/browser/csrf for one."
    DEMO_ACCOUNT "demo-account" 403 "A demo account stays as it is"
        "Demo accounts are shared by everybody, so their password, e-mail address and role can't be changed, they can be neither deleted nor banned, and their admin may look but change nothing."
        "Sign up for an account of your own."
    FORBIDDEN "forbidden" 403 "Only an admin may do this"
        "The access token is good, but its user has not the role that the route needs. What counts is the role that the user has now, not the one that the token names."
        "Ask an admin for the role, or leave it to them."
    BANNED "banned" 403 "The account is banned"
        "An admin keeps this person out. Every login has ended, and none begins while the ban lasts."
        "`detail` says why and until when. An access token from before goes on at routes that need claims only, until it expires."
    LAST_ADMIN "last-admin" 409 "This is the last admin"
        "Nobody would be left who may administer, so the last admin can't be banned, demoted or deleted."
        "Make another admin first."
    NOT_FOUND "not-found" 404 "There is nothing here"
        "No route of the API has this path."
        "GET /api lists what there is."
    METHOD_NOT_ALLOWED "method-not-allowed" 405 "The route does not know this method"
        "The path exists, but not with this method."
        "The `Allow` header lists the methods."
    NOT_ACCEPTABLE "not-acceptable" 406 "Only JSON is to be had"
        "The `Accept` header leaves out everything that the API can answer with."
        "Accept application/json, or leave the header away."
    REQUEST_TIMEOUT "request-timeout" 408 "The body came too slowly"
        "The body had not arrived after ten seconds."
        "Send it again."
    CONFLICT "conflict" 409 "The account changed meanwhile"
        "Somebody changed the password or the standing of the account while this request was under way; nothing was changed by it."
        "Log in and try again."
    TOO_LARGE "too-large" 413 "The body is too large"
        "Bodies are limited to 16 KiB."
        "Send less."
    UNSUPPORTED_MEDIA_TYPE "unsupported-media-type" 415 "The body has another Content-Type than the route takes"
        "Bodies are JSON; only introspection and revocation take a form, as their RFCs demand. This one said something else, or nothing."
        "Send Content-Type: application/json."
    THROTTLED "throttled" 429 "Too many attempts"
        "Guessing is slowed down by account and by address, refreshing by login, and the budget is used up."
        "Wait as many seconds as `Retry-After` says."
    INTERNAL "internal" 500 "Something broke on our side"
        "It is logged with the request's id, and nothing more is said about it here."
        "Try again; if it persists, report the request's id."
    BUSY "busy" 503 "Too many passwords are being checked"
        "Checking a password is made to be slow, and more requests wait for it than can be served."
        "Try again after `Retry-After`."
    TOO_MANY_FOLLOWERS "too-many-followers" 503 "Too many follow the feed of endings"
        "Each instance tells a hundred followers at most what ended."
        "Try again after `Retry-After`, or follow another instance: each tells everything."
    UNAVAILABLE "unavailable" 503 "The server's records can't be reached"
        "The database, or the store of sessions beside it, does not answer or has too much to do; `detail` says which. So nobody knows whether the credential is good: it was neither accepted nor refused, and no login has ended by this."
        "Try again after `Retry-After`. Routes that need claims only go on meanwhile."
}

/// The kind with this code.
#[must_use]
pub fn find(code: &str) -> Option<&'static Kind> {
    ALL.iter().find(|kind| kind.code == code).copied()
}
