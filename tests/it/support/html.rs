//! As much of HTML as the tests need: the tags of a page, in order, with their attributes.

/// An opening or closing tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// In lower case; of a closing tag with its slash.
    pub name: String,
    pub attributes: Vec<(String, String)>,
    /// Whether it closes itself, as in `<path/>`.
    pub closed: bool,
    /// Where the text after it begins.
    end: usize,
}

impl Tag {
    /// An attribute's value, unescaped.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(this, _)| this == name).map(|(_, value)| value.as_str())
    }
}

/// Every tag of a page. What is no well-formed tag is text.
pub fn tags(html: &str) -> Vec<Tag> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = html[at..].find('<') {
        at += next + 1;
        if let Some(tag) = tag(html, at) {
            at = tag.end;
            found.push(tag);
        }
    }
    found
}

/// All tags of one name.
pub fn all(html: &str, name: &str) -> Vec<Tag> {
    tags(html).into_iter().filter(|tag| tag.name == name).collect()
}

/// The text of the first element with this name, its tags taken out.
pub fn text_of(html: &str, name: &str) -> String {
    let Some(tag) = all(html, name).into_iter().next() else { return String::new() };
    let rest = &html[tag.end..];
    text(&rest[..rest.find(&format!("</{name}>")).unwrap_or(rest.len())])
}

/// The value of the first input with this name.
pub fn value(html: &str, input: &str) -> Option<String> {
    let inputs = all(html, "input");
    inputs.iter().find(|tag| tag.get("name") == Some(input)).map(|tag| tag.get("value").unwrap_or_default().to_owned())
}

/// The words that a form says beside an input.
pub fn advice(html: &str, input: &str) -> Option<String> {
    let id = format!("{input}-error");
    let tag = tags(html).into_iter().find(|tag| tag.get("id") == Some(&id))?;
    let rest = &html[tag.end..];
    Some(text(&rest[..rest.find("</p>")?]))
}

/// Text without tags, unescaped.
pub fn text(html: &str) -> String {
    let mut plain = String::new();
    let mut at = 0;
    while let Some(next) = html[at..].find('<') {
        plain.push_str(&html[at..at + next]);
        at += next + 1;
        match tag(html, at) {
            Some(tag) => at = tag.end,
            None => plain.push('<'),
        }
    }
    plain.push_str(&html[at..]);
    unescape(&plain).trim().to_owned()
}

fn tag(html: &str, start: usize) -> Option<Tag> {
    let rest = &html[start..];
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    let length = rest.strip_prefix('/').unwrap_or(rest).find(|letter| !is_name(letter))?;
    let name = &rest[..length + usize::from(rest.starts_with('/'))];
    if !name.trim_start_matches('/').starts_with(|letter: char| letter.is_ascii_alphabetic()) {
        return None;
    }
    let mut attributes = Vec::new();
    let mut at = name.len();
    loop {
        at += rest[at..].find(|letter: char| !letter.is_whitespace() && letter != '/')?;
        if rest[at..].starts_with('>') {
            return Some(Tag {
                name: name.to_ascii_lowercase(),
                attributes,
                closed: rest[..at].ends_with('/'),
                end: start + at + 1,
            });
        }
        let length = rest[at..].find(|letter: char| letter.is_whitespace() || "=>/".contains(letter))?;
        let attribute = rest[at..at + length].to_ascii_lowercase();
        at += length;
        let mut value = String::new();
        if rest[at..].starts_with('=') {
            let quote = rest[at + 1..].chars().next()?;
            assert!(quote == '"', "an attribute without quotes: {}", &rest[..at]);
            let length = rest[at + 2..].find('"')?;
            value = unescape(&rest[at + 2..at + 2 + length]);
            at += length + 3;
        }
        attributes.push((attribute, value));
    }
}

/// In one pass: what an escaped ampersand stands before is text.
fn unescape(text: &str) -> String {
    const ESCAPES: [(&str, char); 9] = [
        ("&lt;", '<'),
        ("&#60;", '<'),
        ("&gt;", '>'),
        ("&#62;", '>'),
        ("&quot;", '"'),
        ("&#34;", '"'),
        ("&#39;", '\''),
        ("&#38;", '&'),
        ("&amp;", '&'),
    ];
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let (escaped, letter) = ESCAPES.iter().find(|(escaped, _)| rest.starts_with(escaped)).unwrap_or(&("&", '&'));
        plain.push(*letter);
        rest = &rest[escaped.len()..];
    }
    plain + rest
}
