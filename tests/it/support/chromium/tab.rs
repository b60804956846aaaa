//! One tab: opens pages, clicks, types and looks, as a person does.

use std::{cell::RefCell, rc::Rc};

use serde_json::{Value, json};

use super::{pipe::Pipe, text};

/// A tab of one visitor.
pub struct Tab {
    pipe: Rc<RefCell<Pipe>>,
    session: String,
    /// What the browser calls the loading of the page that lies open.
    loader: RefCell<Value>,
}

impl Tab {
    pub(super) fn new(pipe: Rc<RefCell<Pipe>>, session: String) -> Self {
        let tab = Self { pipe, session, loader: RefCell::default() };
        for domain in ["Page", "Runtime", "Log", "Network", "Audits"] {
            tab.call(&format!("{domain}.enable"), json!({}));
        }
        tab.call("Page.setLifecycleEventsEnabled", json!({ "enabled": true }));
        tab
    }

    /// Anything else the protocol offers.
    pub fn call(&self, method: &str, parameters: Value) -> Value {
        self.pipe.borrow_mut().call(&self.session, method, parameters)
    }

    /// Opens an address and waits until the page is loaded.
    pub fn open(&self, url: &str) {
        let answer = self.call("Page.navigate", json!({ "url": url }));
        assert!(answer["errorText"].is_null(), "{url}: {answer}");
        self.arrive();
    }

    /// Clicks on what leads to another page, and waits until that one is loaded.
    pub fn follow(&self, selector: &str) {
        self.click(selector);
        self.arrive();
    }

    /// Clicks in the middle of an element, which must lie open to the click.
    pub fn click(&self, selector: &str) {
        let at = self.evaluate(&format!(
            "(() => {{
                const element = document.querySelector({selector:?});
                if (!element) return 'is not there';
                element.scrollIntoView({{ block: 'center', behavior: 'instant' }});
                const box = element.getClientRects()[0];
                if (!box) return 'is not shown';
                const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
                const top = document.elementFromPoint(x, y);
                return element.contains(top) ? {{ x, y }} : 'is covered by ' + top?.outerHTML;
            }})()"
        ));
        assert!(at.is_object(), "{selector} {at}, at {}: {}", self.path(), self.text());
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({ "type": kind, "x": at["x"], "y": at["y"], "button": "left", "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", event);
        }
    }

    /// Types into a field, in place of what stands there.
    pub fn fill(&self, selector: &str, what: &str) {
        self.click(selector);
        self.evaluate("document.activeElement.select()");
        self.call("Input.insertText", json!({ "text": what }));
    }

    /// Presses and releases a key.
    pub fn press(&self, key: &str) {
        let (code, text) = match key {
            "Tab" => (9, ""),
            "Enter" => (13, "\r"),
            other => panic!("how does one press {other}?"),
        };
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code });
            if kind == "keyDown" && !text.is_empty() {
                event["text"] = text.into();
            }
            self.call("Input.dispatchKeyEvent", event);
        }
    }

    /// Goes so many steps back or forth in the history; whether the page came from memory, as it was left.
    pub fn go(&self, steps: i32) -> bool {
        // A moment later, as the answer would be lost with the page.
        self.evaluate(&format!("void setTimeout(() => history.go({steps}))"));
        self.arrive()
    }

    pub fn reload(&self) {
        self.call("Page.reload", json!({}));
        self.arrive();
    }

    /// Waits until the next page is loaded, after as many redirects as it takes.
    pub fn arrive(&self) -> bool {
        let mut pipe = self.pipe.borrow_mut();
        let came = pipe.wait_for(&self.session, "a page", |event| {
            event["method"] == "Page.frameNavigated" && event["params"]["frame"]["parentId"].is_null()
        });
        if came["params"]["type"] == "BackForwardCacheRestore" {
            return true;
        }
        drop(pipe);
        self.loader.replace(came["params"]["frame"]["loaderId"].clone());
        self.wait_until("load");
        false
    }

    /// Waits until the page's scripts have asked nothing for half a second.
    pub fn settle(&self) {
        self.wait_until("networkIdle");
    }

    fn wait_until(&self, stage: &str) {
        let loader = self.loader.borrow();
        self.pipe.borrow_mut().wait_for(&self.session, stage, |event| {
            event["method"] == "Page.lifecycleEvent"
                && event["params"]["name"] == stage
                && event["params"]["loaderId"] == *loader
        });
    }

    /// What of the page has moved by itself since it was loaded, and how much: below 0.1 is thought good.
    pub fn moved(&self) -> (f64, Value) {
        let script = "new Promise(done => {
            const moved = [];
            const observer = new PerformanceObserver(list => moved.push(...list.getEntries()));
            observer.observe({ type: 'layout-shift', buffered: true });
            const tell = () => {
                const own = [...moved, ...observer.takeRecords()].filter(shift => !shift.hadRecentInput);
                const what = own.flatMap(shift => shift.sources.map(({ node }) => node?.outerHTML?.slice(0, 120)));
                done([own.reduce((sum, shift) => sum + shift.value, 0), what]);
            };
            requestAnimationFrame(() => requestAnimationFrame(tell));
        })";
        let asked = json!({ "expression": script, "awaitPromise": true, "returnByValue": true });
        let mut answer = self.call("Runtime.evaluate", asked);
        let told = &mut answer["result"]["value"];
        (told[0].as_f64().expect("a number"), told[1].take())
    }

    /// The value of an expression of page script.
    pub fn evaluate(&self, script: &str) -> Value {
        let asked = json!({ "expression": script, "returnByValue": true, "userGesture": true });
        let mut answer = self.call("Runtime.evaluate", asked);
        assert!(answer["exceptionDetails"].is_null(), "{script}: {answer}");
        answer["result"]["value"].take()
    }

    /// Path and query of the address.
    pub fn path(&self) -> String {
        text(&self.evaluate("location.pathname + location.search"))
    }

    /// The status of the answer that the page came with.
    pub fn status(&self) -> u64 {
        self.evaluate("performance.getEntriesByType('navigation')[0].responseStatus").as_u64().expect("a number")
    }

    /// The page's text, as shown.
    pub fn text(&self) -> String {
        text(&self.evaluate("document.body.innerText"))
    }

    /// The whole page with what is hidden in it, and with the passwords that stand in its fields. What else somebody typed, a
    /// browser puts back by itself from the history of the tab.
    pub fn everything(&self) -> String {
        text(&self.evaluate(
            "document.documentElement.outerHTML
                + [...document.querySelectorAll('input[type=password]')].map(input => input.value)",
        ))
    }

    /// What the browser has found fault with since the last time: on its console, in the page's policy.
    pub fn complaints(&self) -> Vec<Value> {
        let is_complaint = |event: &Value| match event["method"].as_str() {
            Some("Log.entryAdded") => event["params"]["entry"]["level"] != "verbose",
            Some("Runtime.consoleAPICalled" | "Runtime.exceptionThrown") => true,
            // The generic ones are opinions on autofill: it would have no `nickname`, which HTML has, and no field without name.
            Some("Audits.issueAdded") => event["params"]["issue"]["code"] != "GenericIssue",
            _ => false,
        };
        let mut events = self.pipe.borrow_mut().take_events(&self.session, is_complaint);
        events.iter_mut().map(|event| event["params"].take()).collect()
    }
}
