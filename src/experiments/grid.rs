//! A table of what was seen under several conditions: a line for each, and a column for each thing that was looked at.

use serde::Serialize;

/// A table.
#[derive(Debug, Clone, Serialize)]
pub struct Grid {
    /// What it shows.
    pub title: String,
    /// What stands in its first column.
    pub of: &'static str,
    /// The names of the others.
    pub columns: Vec<String>,
    /// A name and the cells of each line.
    pub lines: Vec<(String, Vec<String>)>,
}

impl Grid {
    /// A table without lines.
    #[must_use]
    pub fn new(title: impl Into<String>, of: &'static str, columns: &[&str]) -> Self {
        let columns = columns.iter().map(|name| (*name).to_owned()).collect();
        Self { title: title.into(), of, columns, lines: Vec::new() }
    }

    /// Adds a line.
    pub fn line(&mut self, name: impl Into<String>, cells: impl IntoIterator<Item = impl Into<String>>) {
        self.lines.push((name.into(), cells.into_iter().map(Into::into).collect()));
    }

    /// Its lines as plain text: `name: column cell; column cell`.
    pub fn texts(&self) -> impl Iterator<Item = String> {
        self.lines.iter().map(|(name, cells)| {
            let cells = self.columns.iter().zip(cells).map(|(column, cell)| format!("{column}: {cell}"));
            format!("{name}: {}", cells.collect::<Vec<_>>().join("; "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_reads_as_text_as_well() {
        let mut grid = Grid::new("what came", "sent by", &["Lax", "Strict"]);
        grid.line("a link", ["yes", "no"]);
        assert_eq!(grid.texts().collect::<Vec<_>>(), ["a link: Lax: yes; Strict: no"]);
    }
}
