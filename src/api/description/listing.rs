//! The same in short, for `GET /api`: a line for each route.

use serde_json::{Value, json};

/// What a scheme's name in the description means, in few words.
const SCHEMES: &[(&str, &str)] = &[
    ("access_token", "access token, checked live"),
    ("access_token_claims_only", "access token, claims only"),
    ("access_cookie", "access cookie, checked live"),
    ("access_cookie_claims_only", "access cookie, claims only"),
    ("refresh_cookie", "refresh token"),
    ("service", "name and secret of a configured service"),
];
/// What codes of refusals tell of needs besides.
const BESIDES: &[(&str, &str)] =
    &[("forbidden", "role admin"), ("step-up-required", "password given in the last 10 minutes")];

/// Method, path, needs, the fields of the body, and what it does, for every route.
pub(super) fn listing(document: &Value) -> Value {
    let paths = document["paths"].as_object().into_iter().flatten();
    let routes = paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().into_iter().flatten();
        methods.filter(|_| path.starts_with("/api")).map(move |(method, operation)| {
            json!({
                "method": method.to_uppercase(),
                "path": path,
                "needs": needs(operation),
                "body": fields(document, operation),
                "does": operation["summary"],
            })
        })
    });
    routes.collect()
}

fn needs(operation: &Value) -> String {
    let said = |name: &String| SCHEMES.iter().find(|(scheme, _)| scheme == name).map(|(_, words)| *words);
    let schemes = operation["security"].as_array().into_iter().flatten();
    let schemes = schemes.flat_map(|alternative| alternative.as_object().into_iter().flatten());
    let alternatives: Vec<&str> = schemes.filter_map(|(name, _)| said(name)).collect();
    if alternatives.is_empty() {
        return "nothing".to_owned();
    }
    let refusals = operation["responses"].as_object().into_iter().flatten();
    let codes: Vec<&str> = refusals
        .filter_map(|(_, refusal)| refusal["$ref"].as_str()?.rsplit('/').next())
        .flat_map(|codes| codes.split('.'))
        .collect();
    let besides = BESIDES.iter().filter(|(code, _)| codes.contains(code)).map(|(_, words)| *words);
    std::iter::once(alternatives.join(" or ").as_str()).chain(besides).collect::<Vec<_>>().join(", ")
}

fn fields<'a>(document: &'a Value, operation: &'a Value) -> Vec<&'a String> {
    let media = operation["requestBody"]["content"].as_object().and_then(|content| content.values().next());
    let schema = media.and_then(|media| media["schema"]["$ref"].as_str());
    let schema = schema.and_then(|to| document.pointer(to.trim_start_matches('#')));
    let properties = schema.and_then(|schema| schema["properties"].as_object());
    properties.into_iter().flatten().map(|(name, _)| name).collect()
}
