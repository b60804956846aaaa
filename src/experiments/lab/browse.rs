//! A walk of a browser through the specimens: the visitor's own where there is a visitor, else a headless one.

use std::{future::pending, time::Duration};

use super::{Browsing, Run, Stopped};
use crate::experiments::{
    browser::Chromium,
    experiment::Need,
    specimens::{Opened, Report, Story},
};

/// How long a visitor may take to open the page and to come to its end, over the time that the story itself waits.
const VISITOR: Duration = Duration::from_secs(90);
/// The same for a browser that opens it by itself.
const HEADLESS: Duration = Duration::from_secs(45);
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

impl Run {
    /// Begins a story that is told to another client than a browser: see [`Story::Services`].
    pub fn begin_story(&mut self, story: Story) -> Result<Opened, Stopped> {
        let specimens = self.lab().specimens.clone();
        let specimens =
            specimens.ok_or_else(|| Stopped::lacking(Need::Specimens, "the specimens are not served here"))?;
        specimens.begin(story).map_err(|_| Stopped::because("too many stories of the specimens are under way"))
    }

    /// Has a browser walk through a story; `text` says to a visitor what the page will do, `waits` how long it waits by itself.
    pub async fn browse(&mut self, story: Story, text: &str, waits: Duration) -> Result<Report, Stopped> {
        if let Browsing::Nobody(why) = &self.lab().browser {
            return Err(Stopped::lacking(Need::Browser, why.clone()));
        }
        let mut opened = self.begin_story(story)?;
        let (mut browser, within) = match self.lab().browser.clone() {
            Browsing::Headless(program) => {
                self.moment(format!("{text} A headless browser opens the page"));
                let browser = Chromium::open(&program, &opened.url).await;
                let browser = browser.map_err(|missing| Stopped::lacking(Need::Browser, missing.to_string()))?;
                (Some(browser), HEADLESS + waits)
            }
            Browsing::Visitor | Browsing::Nobody(_) => {
                self.invite(&opened.url, text);
                (None, VISITOR + waits)
            }
        };
        let report = tokio::select! {
            report = opened.finished(within, |told| self.follow(told)) => report.map_err(|unfinished| unfinished.to_string()),
            () = gone(browser.as_mut()) => Err("the browser ended before the story did, or never began".to_owned()),
        };
        drop(browser);
        report.map_err(|why| Stopped::lacking(Need::Browser, why))
    }
}

/// Comes back when a headless browser is no more.
async fn gone(browser: Option<&mut Chromium>) {
    let Some(browser) = browser else { return pending().await };
    while browser.is_running() {
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}
