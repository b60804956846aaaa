//! One route of the document: what it needs, what it takes, what it answers, and a line of curl that calls it.

use serde_json::{Map, Value};

use super::{
    schema::{Field, example, fields, kind, resolve},
    text,
};

/// An answer that a route may give.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: String,
    pub about: String,
    /// The problems that come with this status.
    pub codes: Vec<String>,
    pub accepted: bool,
    /// What stands in it.
    pub fields: Vec<Field>,
}

/// A route.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Its place on the page.
    pub id: String,
    pub method: String,
    pub path: String,
    pub summary: String,
    /// What each way in needs; nothing where anybody may call it.
    pub needs: Vec<String>,
    pub takes: Vec<Field>,
    /// The media type of its body.
    pub media_type: Option<String>,
    pub answers: Vec<Answer>,
    pub curl: String,
}

impl Operation {
    /// Every route, with the section that it belongs to.
    pub fn all(document: &Value) -> Vec<(String, Self)> {
        let paths = document["paths"].as_object().into_iter().flatten();
        let operations = paths.flat_map(|(path, methods)| {
            let methods = methods.as_object().into_iter().flatten();
            methods.map(move |(method, operation)| {
                (text(&operation["tags"][0]), Self::new(document, method, path, operation))
            })
        });
        operations.collect()
    }

    fn new(document: &Value, method: &str, path: &str, operation: &Value) -> Self {
        let body = operation["requestBody"]["content"].as_object().and_then(|content| content.iter().next());
        let mut takes: Vec<Field> = operation["parameters"].as_array().into_iter().flatten().map(parameter).collect();
        if let Some((_, media)) = body {
            takes.extend(fields(document, &media["schema"]));
        }
        let needs = needs(document, operation);
        Self {
            id: text(&operation["operationId"]),
            method: method.to_uppercase(),
            path: path.to_owned(),
            summary: text(&operation["summary"]),
            takes,
            media_type: body.map(|(media_type, _)| media_type.clone()),
            answers: answers(document, operation),
            curl: curl(document, method, path, operation, body),
            needs,
        }
    }
}

fn parameter(parameter: &Value) -> Field {
    Field {
        name: text(&parameter["name"]),
        place: text(&parameter["in"]),
        kind: kind(&Value::Null, &parameter["schema"]),
        required: parameter["required"].as_bool().unwrap_or_default(),
        about: text(&parameter["description"]),
    }
}

/// Each alternative, in words; an alternative without a scheme is that nothing is needed.
fn needs(document: &Value, operation: &Value) -> Vec<String> {
    let alternatives = operation["security"].as_array().into_iter().flatten();
    let words = alternatives.map(|alternative| {
        let schemes = alternative.as_object().into_iter().flatten();
        let said: Vec<String> =
            schemes.map(|(name, _)| text(&document["components"]["securitySchemes"][name]["description"])).collect();
        if said.is_empty() { "Nothing.".to_owned() } else { said.join(" Also: ") }
    });
    words.collect()
}

fn answers(document: &Value, operation: &Value) -> Vec<Answer> {
    let responses = operation["responses"].as_object().into_iter().flatten();
    let answer = |(status, response): (&String, &Value)| {
        let accepted = status.starts_with('2');
        let whole = resolve(document, response);
        let media = whole["content"].as_object().and_then(|content| content.values().next());
        let codes = media.and_then(|media| media.pointer("/schema/allOf/1/properties/code/enum"));
        Answer {
            status: status.clone(),
            about: text(&whole["description"]),
            codes: codes.and_then(Value::as_array).into_iter().flatten().map(text).collect(),
            fields: media.filter(|_| accepted).map(|media| fields(document, &media["schema"])).unwrap_or_default(),
            accepted,
        }
    };
    responses.map(answer).collect()
}

/// A line that can be pasted, where the shell knows `$DOORS`, and `$ACCESS` for an access token.
fn curl(document: &Value, method: &str, path: &str, operation: &Value, body: Option<(&String, &Value)>) -> String {
    let mut line = "curl -s".to_owned();
    let is_optional = operation["requestBody"]["required"] != true;
    let body = body.filter(|_| !is_optional);
    if method != if body.is_some() { "post" } else { "get" } {
        line.push_str(" -X ");
        line.push_str(&method.to_uppercase());
    }
    line.push_str(" $DOORS");
    line.push_str(&path.replace("{id}", "$ID"));
    let first = operation["security"][0].as_object();
    for scheme in first.into_iter().flat_map(Map::keys) {
        line.push_str(match scheme.as_str() {
            "access_token" | "access_token_claims_only" => " -H \"Authorization: Bearer $ACCESS\"",
            "service" => " -u \"$SERVICE:$SECRET\"",
            _ => " -b jar",
        });
    }
    if let Some((media_type, media)) = body {
        let schema = resolve(document, &media["schema"]);
        let properties = schema["properties"].as_object().into_iter().flatten();
        let required = schema["required"].as_array();
        // Where nothing must be there, something has to be.
        let is_shown = |(at, (name, _)): &(usize, (&String, &Value))| match required {
            Some(required) => required.iter().any(|one| one == *name),
            None => *at == 0,
        };
        let shown = properties.enumerate().filter(is_shown);
        let values: Map<String, Value> =
            shown.map(|(_, (name, property))| (name.clone(), example(document, property))).collect();
        let data = match media_type.as_str() {
            "application/json" => {
                line.push_str(" -H 'Content-Type: application/json'");
                Value::Object(values).to_string()
            }
            _ => values.iter().map(|(name, value)| format!("{name}={}", text(value))).collect::<Vec<_>>().join("&"),
        };
        line.push_str(" -d '");
        line.push_str(&data);
        line.push('\'');
    }
    line
}
