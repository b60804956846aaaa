//! The claims, a file each, named as in addresses and on the command line: the section's letter and a number.
//!
//! A file holds the claim in our words, what is done to test it, and how the verdict follows from what was seen. What a test
//! expects stands beside it: a verdict that changes is a finding, not a nuisance.

mod after_log_out;
mod c1;
mod c2;
mod c3;
mod c4;
mod c5;
mod c6;
mod c7;
mod f1;
mod f10;
mod f11;
mod f12;
mod f2;
mod f3;
mod f4;
mod f5;
mod f6;
mod f7;
mod f8;
mod f9;
mod forged;
mod r1;
mod r2;
mod r3;
mod r4;
mod r5;
mod r6;
mod r7;
mod r8;
mod s1;
mod s2;
mod s3;
mod s4;
mod s5;
mod signing;
mod t1;
mod t2;
mod t3;
mod t4;
mod t5;
mod three_services;
mod x1;
mod x10;
mod x11;
mod x12;
mod x2;
mod x3;
mod x4;
mod x5;
mod x6;
mod x7;
mod x8;
mod x9;

use super::experiment::Experiment;

/// All experiments, in the order of the subject.
pub static ALL: [&Experiment; 49] = [
    &s1::EXPERIMENT,
    &s2::EXPERIMENT,
    &s3::EXPERIMENT,
    &s4::EXPERIMENT,
    &s5::EXPERIMENT,
    &t1::EXPERIMENT,
    &t2::EXPERIMENT,
    &t3::EXPERIMENT,
    &t4::EXPERIMENT,
    &t5::EXPERIMENT,
    &r1::EXPERIMENT,
    &r2::EXPERIMENT,
    &r3::EXPERIMENT,
    &r4::EXPERIMENT,
    &r5::EXPERIMENT,
    &r6::EXPERIMENT,
    &r7::EXPERIMENT,
    &r8::EXPERIMENT,
    &x1::EXPERIMENT,
    &x2::EXPERIMENT,
    &x3::EXPERIMENT,
    &x4::EXPERIMENT,
    &x5::EXPERIMENT,
    &x6::EXPERIMENT,
    &x7::EXPERIMENT,
    &x8::EXPERIMENT,
    &x9::EXPERIMENT,
    &x10::EXPERIMENT,
    &x11::EXPERIMENT,
    &x12::EXPERIMENT,
    &c1::EXPERIMENT,
    &c2::EXPERIMENT,
    &c3::EXPERIMENT,
    &c4::EXPERIMENT,
    &c5::EXPERIMENT,
    &c6::EXPERIMENT,
    &c7::EXPERIMENT,
    &f1::EXPERIMENT,
    &f2::EXPERIMENT,
    &f3::EXPERIMENT,
    &f4::EXPERIMENT,
    &f5::EXPERIMENT,
    &f6::EXPERIMENT,
    &f7::EXPERIMENT,
    &f8::EXPERIMENT,
    &f9::EXPERIMENT,
    &f10::EXPERIMENT,
    &f11::EXPERIMENT,
    &f12::EXPERIMENT,
];

/// The experiment of this name, however it is capitalised.
#[must_use]
pub fn find(id: &str) -> Option<&'static Experiment> {
    ALL.into_iter().find(|experiment| experiment.id.eq_ignore_ascii_case(id))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::experiments::experiment::Test;

    #[test]
    fn every_experiment_has_a_name_of_its_own_and_is_complete() {
        let ids: BTreeSet<&str> = ALL.iter().map(|experiment| experiment.id).collect();
        assert_eq!(ids.len(), ALL.len());
        for experiment in ALL {
            let is_reference = matches!(experiment.test, Test::Reference { .. });
            assert_eq!(experiment.expected.is_none(), is_reference, "{}", experiment.id);
            assert!(is_reference || !experiment.steps.is_empty(), "{} says what it does", experiment.id);
        }
    }

    #[test]
    fn every_line_of_a_summary_leads_to_an_experiment() {
        let lines = ALL.into_iter().flat_map(|experiment| match experiment.test {
            Test::Reference { lines, .. } => lines,
            Test::Run { .. } => &[],
        });
        for line in lines {
            let shown_by: Vec<&str> = [line.session.shown_by, line.token.shown_by].concat();
            assert!(!shown_by.is_empty() && shown_by.iter().all(|id| find(id).is_some()), "{}", line.what);
        }
    }

    #[test]
    fn every_claim_is_there_in_the_order_of_the_subject() {
        let sections = [('s', 5), ('t', 5), ('r', 8), ('x', 12), ('c', 7), ('f', 12)];
        let all = sections.iter().flat_map(|(letter, last)| (1..=*last).map(move |number| format!("{letter}{number}")));
        assert_eq!(ALL.map(|experiment| experiment.id.to_owned()).to_vec(), all.collect::<Vec<_>>());
    }

    #[test]
    fn every_excerpt_exists_and_one_line_of_it_decides() {
        for (experiment, source) in ALL.iter().flat_map(|one| one.code.iter().map(move |source| (one.id, source))) {
            let excerpt = source.cut();
            let deciding = excerpt.lines.iter().filter(|(_, _, decides)| *decides).count();
            assert!(excerpt.lines.len() > 2 && deciding == 1, "{experiment}: {} {}", source.file, source.name);
        }
    }
}
