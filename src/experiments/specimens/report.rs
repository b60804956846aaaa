//! What a run found, typed, for whoever judges it. Nothing here is a verdict.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{hosts::Role, witness::Witnessed};

/// What comes out of a run, in the order of its happening.
#[derive(Debug, Clone)]
pub enum Report {
    /// It goes on: what the page that was just opened says of itself.
    Progress {
        /// How many pages were opened before.
        step: usize,
        /// How many there are.
        of: usize,
        /// In one sentence.
        says: String,
    },
    /// A request came, and was answered.
    Exchange(Box<Witnessed>),
    /// The page's script could not do what it was to do: why.
    Broken {
        /// Which page.
        step: usize,
        /// What the browser said.
        why: String,
    },
    /// [`Story::Script`](super::Story::Script) is over.
    Script(Box<ScriptReport>),
    /// [`Story::CrossSite`](super::Story::CrossSite) is over.
    CrossSite(CrossSiteReport),
    /// [`Story::Delivery`](super::Story::Delivery) is over: both of the above in one.
    Delivery {
        /// What a script in the page could do.
        script: Box<ScriptReport>,
        /// What other sites' pages could.
        cross_site: CrossSiteReport,
    },
    /// [`Story::Secure`](super::Story::Secure) is over.
    Secure(SecureReport),
    /// [`Story::CrossOrigin`](super::Story::CrossOrigin) is over.
    CrossOrigin(CrossOriginReport),
    /// [`Story::Names`](super::Story::Names) is over.
    Names(NamesReport),
    /// [`Story::Token`](super::Story::Token) is over.
    Token(Box<TokenReport>),
}

/// What an attacker's script in the victim's page could do.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ScriptReport {
    /// What calls itself the browser.
    pub user_agent: String,
    /// What it read and carried to the attacker's host: there it was compared with what the victim had been given.
    pub read: Readable,
    /// The values of the `HttpOnly` cookie that its server saw after the script had tried to overwrite it.
    pub after_overwriting: Vec<String>,
    /// The same after it had tried to remove it.
    pub after_removing: Vec<String>,
    /// The same below a narrower path, for which it had set a cookie of that name: a script can't overwrite, but shadow.
    pub after_shadowing: Vec<String>,
    /// The same for a cookie whose name begins with `__Host-`: none if the browser did not take that one at all.
    pub after_shadowing_prefixed: Vec<String>,
    /// The status of a call of the page's own API that the script made without having read any credential.
    pub rode: u16,
    /// How many transfers the victim's server carried out.
    pub transfers: u32,
    /// What another client, not the browser, was answered with each thing that was read.
    pub replays: BTreeMap<String, u16>,
}

/// What a script in the page could read of a credential, place by place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[allow(clippy::struct_excessive_bools, reason = "five places, each readable or not")]
pub struct Readable {
    /// The `HttpOnly` session cookie, in `document.cookie`.
    pub session_cookie: bool,
    /// A cookie without `HttpOnly`, to show that looking works.
    pub open_cookie: bool,
    /// The token in `localStorage`.
    pub local_storage: bool,
    /// The token in `sessionStorage`.
    pub session_storage: bool,
    /// The token in `IndexedDB`.
    pub indexed_db: bool,
    /// The token in a variable of the page's own module, caught as the page used it.
    pub memory: bool,
}

/// How long cookies are left to age before the second half.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// There is no second half.
    No,
    /// A little more than Chromium's two minutes.
    TwoMinutes,
    /// A little more than the ten seconds that Chromium has with `--enable-features=ShortLaxAllowUnsafeThreshold`.
    TenSeconds,
}

/// What other pages could make the browser send to the victim.
#[derive(Debug, Clone, Serialize)]
pub struct CrossSiteReport {
    /// What calls itself the browser.
    pub user_agent: String,
    /// How long there was between both halves; `No` if the second one was left out.
    pub wait: Wait,
    /// The requests, in the order of their arrival.
    pub arrivals: Vec<Arrival>,
    /// The same attacks, sent by the same pages to the real door. What it thinks of them is not for a page of another origin to
    /// read: send it [`Arrival::headers`] with the credentials of a throwaway account.
    pub knocks: Vec<Knock>,
}

/// How a page sends the browser elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// A form, by POST.
    Post,
    /// The page's address changed by script.
    Get,
    /// A link, clicked.
    Link,
}

/// One request that arrived at the victim, sent by another page.
#[derive(Debug, Clone, Serialize)]
pub struct Arrival {
    /// Whose page sent it.
    pub from: Role,
    /// How.
    pub how: How,
    /// Whether it was sent in the second half.
    pub old: bool,
    /// How old the cookies were then, in seconds.
    pub age: f64,
    /// The cookies that came along, by their `SameSite`: `none`, `lax`, `strict`, `absent`.
    pub cookies: Vec<String>,
    /// Whether a bearer token came along, of which the victim's page had one in `localStorage`.
    pub bearer: bool,
    /// What the browser said of where it came from: `Origin`, `Sec-Fetch-Site`, `Sec-Fetch-Mode`, `Content-Type`.
    pub headers: BTreeMap<String, String>,
}

/// A page's attempt at the real door.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Knock {
    /// Such as `/logout`.
    pub path: String,
    /// Whether the browser let the page have an answer without reading it. Not if the door forbids even that
    /// (`Cross-Origin-Resource-Policy`), as ours does: then nothing can be told from this page.
    pub answered: bool,
    /// Whether the page could read the answer.
    pub readable: bool,
}

/// Cookies that came with a request: what is after the run's own part of their names, with their values.
pub type Cookies = BTreeMap<String, Vec<String>>;

/// What `Secure` and `__Host-` are worth.
#[derive(Debug, Clone, Serialize)]
pub struct SecureReport {
    /// What calls itself the browser.
    pub user_agent: String,
    /// Whether the pages came over https.
    pub https: bool,
    /// What came back to the host that set `secure`, `open` and `__Host-fixed`.
    pub own: Cookies,
    /// The same after a sibling host had planted cookies of these names for the whole site.
    pub planted: Cookies,
    /// The first again, over http under a name that is not loopback; where the browser knows that name.
    pub plain: Option<Cookies>,
}

/// Which cookies cross from host to host, and from port to port.
#[derive(Debug, Clone, Serialize)]
pub struct NamesReport {
    /// What calls itself the browser.
    pub user_agent: String,
    /// What `app.` got back: `host` is host-only, `domain` has a `Domain`, `__Host-fixed` has the prefix.
    pub at_app: Cookies,
    /// What `api.` got of these.
    pub at_api: Cookies,
    /// What `app.` got after `api.` had planted cookies of the same names for the whole site.
    pub planted: Cookies,
    /// What `app.` got at another port; none where there is no other one.
    pub other_port: Option<Cookies>,
}

/// What the pages of two hosts get from an API on a third.
#[derive(Debug, Clone, Serialize)]
pub struct CrossOriginReport {
    /// What calls itself the browser.
    pub user_agent: String,
    /// From a page of `app.`, of another origin and the same site.
    pub same_site: Calls,
    /// From a page of another site, which the API's CORS lets in as well.
    pub cross_site: Calls,
}

/// Three calls of one page.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Calls {
    /// With credentials, that is cookies.
    pub cookies: Call,
    /// With a bearer token.
    pub bearer: Call,
    /// With neither.
    pub neither: Call,
}

/// A call as the page saw it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Call {
    /// 0 if the answer could not be read.
    pub status: u16,
    /// The cookies that the API saw, by their `SameSite`.
    #[serde(default)]
    pub cookies: Vec<String>,
}

/// What a browser makes of a token without any secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TokenReport {
    /// What calls itself the browser.
    #[serde(default)]
    pub user_agent: String,
    /// The token's header, decoded.
    pub header: Value,
    /// Its payload, decoded.
    pub payload: Value,
    /// Whether the page was a secure context, without which there is no `WebCrypto`.
    pub secure_context: bool,
    /// Whether the key of the JWKS under the token's `kid` verifies it; none if there is no such key.
    pub verified: Option<bool>,
    /// Whether the same key verifies the same text signed with a key that the page made.
    pub forged_verified: Option<bool>,
    /// That forged token, to be shown to the real door.
    pub forged: Option<String>,
}
