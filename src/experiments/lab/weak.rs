//! The weak services of the specimens, for a client of the experiment's own.

use url::Url;

use super::{Run, Stopped};
use crate::{
    experiments::{
        client::Target,
        specimens::{Opened, Story},
    },
    http::origin::Site,
};

/// The services of one run; they end with this.
#[derive(Debug)]
pub struct Weak {
    target: Target,
    path: String,
    opened: Opened,
}

impl Weak {
    /// Where they are.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The path of one of them, such as `/day/token`, below the run's own.
    #[must_use]
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.path)
    }
}

impl Drop for Weak {
    fn drop(&mut self) {
        self.opened.close();
    }
}

impl Run {
    /// Begins with weak services that are this run's alone.
    pub fn weak_services(&mut self) -> Result<Weak, Stopped> {
        let opened = self.begin_story(Story::Services)?;
        let url = Url::parse(&opened.url).map_err(|_| Stopped::because("the specimens have no address"))?;
        let path = url.path().to_owned();
        let target = Target::new(opened.address, &Site::new(url, None, &[]), None);
        Ok(Weak { target, path, opened })
    }
}
