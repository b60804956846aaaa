//! axe-core, which judges a page as it stands: structure, names, colours.
//!
//! `script/bootstrap --test` fetches it, as it comes under the MPL and is no part of this repository. It runs beside the
//! page, with no leave from the page's policy.

use std::{fs, io::ErrorKind};

use serde_json::{Value, json};

use super::{left_out, tab::Tab};

/// Named in `script/bootstrap`, too.
const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/axe-core-4.14.1/axe.min.js");

/// The judge.
pub struct Axe(String);

impl Axe {
    /// Reads it; where it is not, says that what it would judge is left out.
    pub fn read() -> Option<Self> {
        match fs::read_to_string(PROGRAM) {
            Ok(program) => Some(Self(program)),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                left_out("but for what axe-core judges: script/bootstrap --test fetches it");
                None
            }
            Err(error) => panic!("{PROGRAM}: {error}"),
        }
    }

    /// Has the tab bring it along to every page that runs scripts, as sending it takes longer than what it does there.
    pub fn accompany(&self, tab: &Tab) {
        tab.call("Page.addScriptToEvaluateOnNewDocument", json!({ "source": self.0 }));
    }

    /// Every violation that it finds: the rule, and the elements with what is wrong.
    pub fn violations(&self, tab: &Tab) -> Vec<Value> {
        self.run(tab, "")
    }

    /// Those that have to do with colours, of a page that it has judged in others.
    pub fn violations_of_colour(&self, tab: &Tab) -> Vec<Value> {
        self.run(tab, "runOnly: ['color-contrast', 'link-in-text-block'],")
    }

    fn run(&self, tab: &Tab, only: &str) -> Vec<Value> {
        if tab.evaluate("typeof axe") == "undefined" {
            tab.call("Runtime.evaluate", json!({ "expression": self.0 }));
        }
        let script = format!(
            "axe.run(document, {{ {only} resultTypes: ['violations'], preload: false }}).then(({{ violations }}) =>
                violations.map(({{ id, nodes }}) =>
                    [id, ...nodes.slice(0, 3).map(node => node.html.slice(0, 200) + ' ' + node.failureSummary)]))"
        );
        let asked = json!({ "expression": script, "awaitPromise": true, "returnByValue": true });
        let mut answer = tab.call("Runtime.evaluate", asked);
        match answer["result"]["value"].take() {
            Value::Array(violations) => violations,
            other => panic!("{other}: {answer}"),
        }
    }
}
