//! What a schema of the document says, in a line: its type, its bounds, an example.

use serde_json::{Value, json};

use super::text;

/// A field or a parameter.
#[derive(Debug, Clone)]
pub struct Field {
    pub name: String,
    /// Where it is sent: in the path, the query, or the body.
    pub place: String,
    pub kind: String,
    pub required: bool,
    pub about: String,
}

/// What a reference leads to.
pub(super) fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let to = value["$ref"].as_str().map(|to| to.trim_start_matches('#'));
    to.and_then(|to| document.pointer(to)).unwrap_or(value)
}

/// The fields of a body, those that must be there first.
pub(super) fn fields(document: &Value, schema: &Value) -> Vec<Field> {
    let schema = resolve(document, schema);
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let properties = schema["properties"].as_object().into_iter().flatten();
    let mut fields: Vec<Field> = properties
        .map(|(name, property)| Field {
            name: name.clone(),
            place: "body".to_owned(),
            kind: kind(document, property),
            required: required.contains(&name.as_str()),
            about: about(document, property),
        })
        .collect();
    fields.sort_by_key(|field| !field.required);
    fields
}

/// What is said of a property: of itself, or of what it refers to.
fn about(document: &Value, property: &Value) -> String {
    match property["description"].as_str() {
        Some(said) => said.to_owned(),
        None => text(&resolve(document, property)["description"]),
    }
}

/// The type, for people: "one of “cookie”, “body”", "whole number from 5".
pub(super) fn kind(document: &Value, schema: &Value) -> String {
    let schema = resolve(document, schema);
    let any = ["oneOf", "anyOf", "allOf"].iter().find_map(|any| schema[any].as_array());
    if let Some(any) = any {
        let kinds = any.iter().filter(|one| one["type"] != "null").map(|one| kind(document, one));
        return kinds.collect::<Vec<_>>().join(" or ");
    }
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<String> = values.iter().filter_map(Value::as_str).map(|value| format!("“{value}”")).collect();
        return if values.len() == 1 { values.concat() } else { format!("one of {}", values.join(", ")) };
    }
    let mut kind = match one_type(schema) {
        "integer" => "whole number".to_owned(),
        "number" => "number".to_owned(),
        "boolean" => "true or false".to_owned(),
        "array" => format!("list of: {}", self::kind(document, &schema["items"])),
        "object" => "object".to_owned(),
        _ => match schema["format"].as_str() {
            Some("uuid") => "id".to_owned(),
            Some("date-time") => "instant (RFC 3339)".to_owned(),
            _ => "text".to_owned(),
        },
    };
    for (bound, words) in
        [("minimum", "from"), ("maximum", "to"), ("minLength", "of at least"), ("maxLength", "of at most")]
    {
        if let Some(limit) = schema[bound].as_u64() {
            let unit = if bound.ends_with("Length") { " characters" } else { "" };
            kind = format!("{kind} {words} {limit}{unit}");
        }
    }
    kind
}

fn one_type(schema: &Value) -> &str {
    match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).find(|one| *one != "null").unwrap_or_default(),
        one => one.as_str().unwrap_or_default(),
    }
}

/// Something that could be sent.
pub(super) fn example(document: &Value, schema: &Value) -> Value {
    let schema = resolve(document, schema);
    if !schema["example"].is_null() {
        return schema["example"].clone();
    }
    if let Some(first) = schema["enum"].as_array().and_then(|values| values.first()) {
        return first.clone();
    }
    match one_type(schema) {
        "integer" => json!(schema["minimum"].as_u64().unwrap_or(1)),
        "boolean" => json!(true),
        "array" => json!([example(document, &schema["items"])]),
        _ => json!("…"),
    }
}
