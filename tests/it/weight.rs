//! What a page weighs, before compression: a style sheet and scripts that are read in an evening, pages for a slow line.

use std::{ffi::OsStr, fs};

const SCRIPTS_AND_STYLE: usize = 60_000;
const A_PAGE: usize = 40_000;

/// Holds the text of a page to its limit, but for the exchanges of a finished run, which are as long as what happened.
pub fn assert_is_light(what: &str, page: &str) {
    let mut rest = page.split("<ol class=\"spine");
    let before = rest.next().map_or(0, str::len);
    let weight =
        before + rest.map(|spine| spine.split_once("</ol>").map_or(0, |(_, after)| after.len())).sum::<usize>();
    assert!(weight < A_PAGE, "{what} weighs {weight} bytes");
}

#[test]
fn style_sheet_and_scripts_weigh_less_than_60_kilobytes_together() {
    let files = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/static")).expect("static files");
    let weights: Vec<(String, usize)> = files
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "css" || extension == "js"))
        .map(|path| {
            let name = path.file_name().and_then(OsStr::to_str).expect("a name").to_owned();
            (name, fs::read(path).expect("a file").len())
        })
        .collect();
    assert!(weights.len() > 3, "they were found: {weights:?}");
    let all: usize = weights.iter().map(|(_, weight)| weight).sum();
    assert!(all < SCRIPTS_AND_STYLE, "{all} bytes: {weights:?}");
}
