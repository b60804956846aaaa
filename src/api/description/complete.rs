//! Adds to what stands beside the handlers what follows from it, so that nobody has to write it down for each route.

use serde_json::{Map, Value, json};

use super::{
    super::{access_cookie, refresh_cookie},
    refusals,
};
use crate::{
    accounts::fields::PASSWORD_MAX,
    http::{
        origin::Site,
        problem::{self, Kind},
    },
    token::Tokens,
};

/// The last two where the database is asked, which `TOKEN_CHECK=live` has every route do.
const WITH_ACCESS_TOKEN: &[&Kind] = &[
    &problem::INVALID_REQUEST,
    &problem::NOT_AUTHENTICATED,
    &problem::INVALID_TOKEN,
    &problem::BANNED,
    &problem::UNAVAILABLE,
];
const WITH_BODY: &[&Kind] = &[&problem::REQUEST_TIMEOUT, &problem::TOO_LARGE, &problem::UNSUPPORTED_MEDIA_TYPE];
/// What no operation answers, but the server in place of one.
const ELSEWHERE: &[&Kind] = &[&problem::NOT_FOUND, &problem::METHOD_NOT_ALLOWED];

/// The sections of the document, by the beginnings of paths: the first that fits.
const SECTIONS: &[(&str, &str, &str)] = &[
    ("/api/auth", "Logins", "Starting, renewing, listing and ending logins of this kind."),
    ("/api/users", "Account", "The account that both doors share."),
    ("/api/me", "Account", ""),
    ("/api/account", "Account", ""),
    ("/api/browser", "Browser", "For programs in a browser that keep no token where a script can read it."),
    ("/api/admin", "Administration", "For who has the role `admin`."),
    ("/api/introspect", "Services", "For other services that accept our tokens."),
    ("/api/revoke", "Services", ""),
    ("/api/endings", "Services", ""),
    ("/.well-known", "Services", ""),
    ("", "About", "This API, about itself."),
];

pub(super) fn complete(mut document: Value, site: &Site, tokens: &Tokens, password_least: usize) -> Value {
    document["servers"] = json!([{ "url": site.address() }]);
    document["tags"] = sections();
    let mut responses = Map::new();
    refusals::of(ELSEWHERE, site, &mut responses);
    if let Some(paths) = document["paths"].as_object_mut() {
        for (path, methods) in paths {
            for (method, operation) in methods.as_object_mut().into_iter().flatten() {
                operation["operationId"] = json!(name(method, path));
                operation["tags"] = json!([section(path)]);
                unwrap_optional(operation);
                let refused = refusals::of(&kinds(path, operation), site, &mut responses);
                if let Some(described) = operation["responses"].as_object_mut() {
                    described.extend(refused);
                }
            }
        }
    }
    let components = &mut document["components"];
    components["responses"] = Value::Object(responses);
    components["securitySchemes"] = schemes(site);
    let schemas = &mut components["schemas"];
    schemas["NewPassword"]["minLength"] = json!(password_least);
    schemas["NewPassword"]["maxLength"] = json!(PASSWORD_MAX);
    schemas["Change"]["minProperties"] = json!(1);
    // A cookie that nobody but us is ever shown, with a token that is not for us.
    let elsewhere = json!({ "type": "array", "not": { "contains": { "const": tokens.own_audience() } } });
    for body in ["LogIn", "Refresh"] {
        let audience = &mut schemas[body]["properties"]["audience"];
        audience["minItems"] = json!(1);
        audience["items"]["enum"] = tokens.known_audiences().collect();
        // An access token that no script can read, beside a refresh token that one can.
        schemas[body]["not"] = json!({ "anyOf": [
            both(json!({ "deliver": { "const": "cookie" }, "refresh_token_in": { "const": "body" } })),
            both(json!({ "deliver": { "const": "cookie" }, "audience": elsewhere })),
        ] });
    }
    let by_body = both(json!({ "deliver": { "const": "cookie" }, "refresh_token": { "type": "string" } }));
    if let Some(refused) = schemas["Refresh"]["not"]["anyOf"].as_array_mut() {
        refused.push(by_body);
    }
    document
}

/// That both of these are so.
fn both(properties: Value) -> Value {
    let names: Vec<&String> = properties.as_object().into_iter().flat_map(Map::keys).collect();
    json!({ "required": names, "properties": properties })
}

fn sections() -> Value {
    let told = SECTIONS.iter().filter(|(_, _, about)| !about.is_empty());
    told.map(|(_, name, about)| json!({ "name": name, "description": about })).collect()
}

fn section(path: &str) -> &'static str {
    SECTIONS.iter().find(|(start, ..)| path.starts_with(start)).map_or("About", |(_, name, _)| name)
}

/// `post_auth_login` for `POST /api/auth/login`.
fn name(method: &str, path: &str) -> String {
    let path = path.trim_start_matches("/api");
    let words = path.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    std::iter::once(method).chain(words).collect::<Vec<_>>().join("_")
}

/// A body that may be left away must not be `null` for that. (Indexing to change something would put a body where there is none.)
fn unwrap_optional(operation: &mut Value) {
    let content = operation.pointer_mut("/requestBody/content").and_then(Value::as_object_mut);
    for media_type in content.into_iter().flat_map(|content| content.values_mut()) {
        let body = media_type["schema"]["oneOf"].as_array();
        if let Some(body) = body.and_then(|any| any.iter().find(|schema| schema["$ref"].is_string())).cloned() {
            media_type["schema"] = body;
        }
    }
}

/// Every problem that an operation may report.
fn kinds(path: &str, operation: &mut Value) -> Vec<&'static Kind> {
    let own = operation.as_object_mut().and_then(|operation| operation.remove("x-problems")).unwrap_or_default();
    let own = own.as_array().into_iter().flatten().filter_map(|code| problem::find(code.as_str()?));
    let mut kinds: Vec<&Kind> = own.chain([&problem::INTERNAL]).collect();
    if path.starts_with("/api") {
        kinds.push(&problem::NOT_ACCEPTABLE);
    }
    if operation["requestBody"].is_object() {
        kinds.extend(WITH_BODY);
        let is_json = operation["requestBody"]["content"].get("application/json").is_some();
        kinds.push(if is_json { &problem::MALFORMED_JSON } else { &problem::MALFORMED_FORM });
    }
    let needs = |scheme: &str| {
        let alternatives = operation["security"].as_array();
        alternatives.is_some_and(|any| !any.is_empty() && any.iter().all(|needed| needed.get(scheme).is_some()))
    };
    let by_cookie = needs("access_cookie") || needs("access_cookie_claims_only");
    if by_cookie || needs("access_token") || needs("access_token_claims_only") {
        kinds.extend(WITH_ACCESS_TOKEN);
    }
    if by_cookie {
        kinds.push(&problem::ANOTHER_ORIGIN);
    }
    kinds
}

fn schemes(site: &Site) -> Value {
    let bearer =
        |about: &str| json!({ "type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": about });
    let cookie =
        |name: &str, about: &str| json!({ "type": "apiKey", "in": "cookie", "name": name, "description": about });
    let access = access_cookie::name_on(site.is_https());
    json!({
        "access_cookie": cookie(access, "The access token in a cookie; whether its login is alive is asked in the database."),
        "access_cookie_claims_only": cookie(access, "The access token in a cookie, of which only the claims are read."),
        "access_token": bearer("An access token whose login is asked about in the database: after log-out it is refused at once."),
        "access_token_claims_only": bearer("An access token of which only the claims are read: a copy works until it expires."),
        "refresh_cookie": cookie(
            refresh_cookie::name_on(site.is_https()),
            "The refresh token, if it is not in the body.",
        ),
        "service": {
            "type": "http",
            "scheme": "basic",
            "description": "The name and secret of a service that is configured in SERVICES.",
        },
    })
}
