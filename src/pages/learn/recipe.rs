//! The recipe for lifting one scheme out whole, as the page shows it: the lines of `docs/lifting.md`, which a test carries out.

const DOCUMENT: &str = include_str!("../../../docs/lifting.md");

/// A recipe for one scheme.
#[derive(Debug)]
pub struct Recipe {
    /// "ses" or "tok".
    pub door: &'static str,
    /// Its heading in the document.
    pub title: &'static str,
}

/// A recipe for each scheme.
pub const RECIPES: [Recipe; 2] =
    [Recipe { door: "ses", title: "Sessions only" }, Recipe { door: "tok", title: "Tokens only" }];

impl Recipe {
    /// The lines to type, without their prompts.
    #[must_use]
    pub fn lines(&self) -> String {
        let section = DOCUMENT.split("\n## ").find(|section| section.starts_with(self.title)).unwrap_or_default();
        let block = section.split("```console\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap_or_default();
        let lines: Vec<&str> = block.lines().filter_map(|line| line.strip_prefix("$ ")).collect();
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::RECIPES;

    #[test]
    fn both_recipes_are_found_and_end_with_the_compiler() {
        for recipe in &RECIPES {
            let lines = recipe.lines();
            assert!(lines.starts_with("HOUSE=") && lines.ends_with("--all-targets"), "{}: {lines}", recipe.title);
        }
    }
}
