//! What the API's refusals look like: one reusable response for each set of problem codes that share a status.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::http::{origin::Site, problem::Kind};

/// The responses of these kinds, by status: references to what is added to `components`.
pub(super) fn of(kinds: &[&'static Kind], site: &Site, components: &mut Map<String, Value>) -> Map<String, Value> {
    let mut by_status: BTreeMap<u16, Vec<&Kind>> = BTreeMap::new();
    for kind in kinds {
        by_status.entry(kind.status).or_default().push(kind);
    }
    let mut responses = Map::new();
    for (status, mut kinds) in by_status {
        kinds.sort_by_key(|kind| kind.code);
        kinds.dedup();
        let name = kinds.iter().map(|kind| kind.code).collect::<Vec<_>>().join(".");
        responses.insert(status.to_string(), json!({ "$ref": format!("#/components/responses/{name}") }));
        components.entry(name).or_insert_with(|| response(status, &kinds, site));
    }
    responses
}

fn response(status: u16, kinds: &[&Kind], site: &Site) -> Value {
    let titles: Vec<&str> = kinds.iter().map(|kind| kind.title).collect();
    let codes: Vec<&str> = kinds.iter().map(|kind| kind.code).collect();
    let examples: Map<String, Value> = kinds.iter().map(|kind| (kind.code.to_owned(), example(kind, site))).collect();
    let narrowed = json!({ "properties": { "code": { "enum": codes }, "status": { "const": status } } });
    json!({
        "description": format!("{}.", titles.join("; or: ")),
        "headers": headers(status, kinds),
        "content": { "application/problem+json": {
            "schema": { "allOf": [{ "$ref": "#/components/schemas/Problem" }, narrowed] },
            "examples": examples,
        } },
    })
}

fn example(kind: &Kind, site: &Site) -> Value {
    let mut value = json!({
        "code": kind.code,
        "detail": kind.remedy,
        "status": kind.status,
        "title": kind.title,
        "type": format!("{}/problems/{}", site.address(), kind.code),
    });
    if kind.status >= 500 {
        value["instance"] = json!("00000000-0000-4000-8000-000000000000");
    }
    json!({ "summary": kind.meaning, "value": value })
}

fn headers(status: u16, kinds: &[&Kind]) -> Value {
    let header = |name: &str, required: bool, about: &str, schema: Value| json!({ name: { "required": required, "description": about, "schema": schema } });
    let text = json!({ "type": "string" });
    let seconds = json!({ "type": "integer", "minimum": 1 });
    match status {
        400 if kinds.iter().any(|kind| kind.code == "invalid-request") => {
            header("WWW-Authenticate", false, "A challenge (RFC 6750, section 3).", text)
        }
        401 => header("WWW-Authenticate", true, "A challenge (RFC 6750, section 3).", text),
        405 => header("Allow", true, "The methods that the path knows.", text),
        429 | 503 => header("Retry-After", true, "Wait as many seconds.", seconds),
        _ => json!({}),
    }
}
