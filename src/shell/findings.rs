//! What was found, as a page of documentation: `two-doors experiment run --all --format markdown`.

use std::fmt::Write as _;

use time::{OffsetDateTime, macros::format_description};

use crate::experiments::{
    claims,
    experiment::{Experiment, Section, Test},
    finding::Finding,
    grid::Grid,
    measure::machine,
};

/// A table for each section, dated, with the machine that it ran on.
pub(super) fn markdown(findings: &[Finding]) -> String {
    let day = format_description!("[day padding:none] [month repr:long] [year]");
    let today = OffsetDateTime::now_utc().format(day).unwrap_or_default();
    let mut text = format!(
        "# Findings\n\nEvery claim with its verdict and the numbers it rests on, as `two-doors experiment run --all --format markdown` \
         printed them on {today}.\nMachine: {}, {}. Any other one has other times; the verdicts are held by tests.\n",
        machine::name(),
        machine::build()
    );
    for section in Section::ALL {
        let rows: Vec<String> = claims::ALL
            .iter()
            .filter(|experiment| experiment.section == section)
            .filter_map(|experiment| row(experiment, findings))
            .collect();
        if !rows.is_empty() {
            let _ = write!(
                text,
                "\n## {}\n\n| | claim | verdict | because | numbers |\n|---|---|---|---|---|\n{}",
                section.title(),
                rows.concat()
            );
        }
    }
    text
}

fn row(experiment: &Experiment, findings: &[Finding]) -> Option<String> {
    if let Test::Reference { page, .. } = experiment.test {
        return Some(format!("| {} | {} | *a summary* | see `{page}` | |\n", experiment.id, cell(experiment.claim)));
    }
    let finding = findings.iter().find(|finding| finding.id == experiment.id)?;
    let number = |number: &crate::experiments::finding::Number| {
        let unit = if number.unit.is_empty() { String::new() } else { format!(" {}", number.unit) };
        format!("{}: {}{unit}", cell(&number.label), cell(&number.value))
    };
    let lines = finding.grids.iter().flat_map(Grid::texts).map(|line| cell(&line));
    let numbers: Vec<String> = finding.numbers.iter().map(number).chain(lines).collect();
    Some(format!(
        "| {} | {} | **{}** | {} | {} |\n",
        finding.id,
        cell(finding.claim),
        finding.stamp,
        cell(&finding.condition),
        numbers.join("<br>")
    ))
}

/// Text that ends no cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_run_has_no_row_and_no_text_ends_a_cell() {
        assert!(!markdown(&[]).contains("**"));
        assert_eq!(cell("a|b\nc"), "a\\|b c");
    }
}
