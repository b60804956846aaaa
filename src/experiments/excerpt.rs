//! Source excerpts: the very code that runs, taken at compile time, with its real line numbers.
//!
//! A comment `// excerpt: NAME` opens one in a source file and `// end excerpt` closes it; neither is shown. Which line decides
//! is named by a part of its text. That every excerpt exists, and that its line is in it, is a test.

use super::exchange::Door;

/// Some lines of one file.
#[derive(Debug)]
pub struct Excerpt {
    /// Which scheme it belongs to.
    pub door: Door,
    /// The file.
    pub file: &'static str,
    /// Number, text, and whether it is the line that decides.
    pub lines: Vec<(usize, String, bool)>,
}

/// Where an excerpt stands. Made by [`excerpt!`](crate::excerpt).
#[derive(Debug, Clone, Copy)]
pub struct Source {
    /// Which scheme it belongs to.
    pub door: Door,
    /// The file.
    pub file: &'static str,
    /// All of it.
    pub text: &'static str,
    /// The excerpt's name.
    pub name: &'static str,
    /// A part of the line that decides.
    pub decides: &'static str,
}

/// An excerpt of a source file: its door, the file below `src/`, the excerpt's name, and a part of the line that decides.
#[macro_export]
macro_rules! excerpt {
    ($door:ident, $file:literal, $name:literal, $decides:literal) => {
        $crate::experiments::excerpt::Source {
            door: $crate::experiments::exchange::Door::$door,
            file: concat!("src/", $file),
            text: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/", $file)),
            name: $name,
            decides: $decides,
        }
    };
}

/// What log-out does, and what the next request asks: in pairs, a scheme each.
pub const LOG_OUT: [Source; 4] = [
    excerpt!(Session, "session/log_out.rs", "log_out", ".set("),
    excerpt!(Token, "token/log_out.rs", "log_out", "token_families::ended_at.eq("),
    excerpt!(Session, "session/store.rs", "authenticate", "Found::Ended(reason, ban)"),
    excerpt!(Token, "token/authenticate.rs", "authenticate", "tokens.verify("),
];

impl Source {
    /// Cuts it out.
    #[must_use]
    pub fn cut(&self) -> Excerpt {
        let opening = format!("// excerpt: {}", self.name);
        let lines: Vec<(usize, &str)> = (1..)
            .zip(self.text.lines())
            .skip_while(|(_, line)| line.trim() != opening)
            .skip(1)
            .take_while(|(_, line)| line.trim() != "// end excerpt")
            .collect();
        let blank = |line: &str| line.len() - line.trim_start().len();
        let margin = lines.iter().filter(|(_, line)| !line.is_empty()).map(|(_, line)| blank(line)).min().unwrap_or(0);
        let cut = |(number, line): (usize, &str)| {
            (number, line.get(margin..).unwrap_or_default().to_owned(), line.contains(self.decides))
        };
        Excerpt { door: self.door, file: self.file, lines: lines.into_iter().map(cut).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_excerpt_exists_and_one_line_of_it_decides() {
        for (source, excerpt) in LOG_OUT.iter().zip(LOG_OUT.iter().map(Source::cut)) {
            let deciding = excerpt.lines.iter().filter(|(_, _, decides)| *decides).count();
            assert!(excerpt.lines.len() > 2 && deciding == 1, "{} {}: {:?}", source.file, source.name, excerpt.lines);
            let (number, text, _) = &excerpt.lines[0];
            assert!(source.text.lines().nth(number - 1).is_some_and(|line| line.trim() == text.trim()));
        }
    }
}
