//! How far somebody is on the tour: one bit for each stop, in a cookie of the site's own.
//!
//! It is signed by nobody: who changes it fools nobody but themselves.

use actix_web::{HttpRequest, cookie::time::Duration};

use super::{
    super::cookies::{Cookies, remove_site_cookie, site_cookie, site_cookie_value},
    stops::{STOPS, Stop},
};

const COOKIE: &str = "tour";
const KEPT: Duration = Duration::days(7);

/// The stops that were seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress(u8);

/// What a page that is a stop says to whoever is on the tour.
#[derive(Debug)]
pub struct Here {
    /// Which stop it is, from 1.
    pub number: usize,
    /// The stop.
    pub stop: &'static Stop,
    /// The next one.
    pub next: Option<&'static Stop>,
}

impl Progress {
    /// That of whoever sent the request, if they are on the tour.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Option<Self> {
        site_cookie_value(request, COOKIE)?.parse().ok().map(Self)
    }

    /// With one more stop, counted from 1.
    #[must_use]
    pub fn and_seen(self, number: usize) -> Self {
        Self(self.0 | bit(number))
    }

    /// Whether a stop, counted from 1, was seen.
    #[must_use]
    pub fn has_seen(self, number: usize) -> bool {
        self.0 & bit(number) != 0
    }

    /// Leaves it with the browser.
    pub fn keep(self, request: &HttpRequest) {
        let mut cookie = site_cookie(request, COOKIE, self.0.to_string());
        cookie.set_max_age(KEPT);
        Cookies::add(request, cookie);
    }

    /// Takes it from the browser.
    pub fn forget(request: &HttpRequest) {
        remove_site_cookie(request, COOKIE);
    }
}

impl Here {
    /// The stop that a page is, for whoever is on the tour.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Option<Self> {
        let place = STOPS.iter().position(|stop| stop.place == request.path())?;
        Progress::of(request)?;
        Some(Self { number: place + 1, stop: &STOPS[place], next: STOPS.get(place + 1) })
    }
}

fn bit(number: usize) -> u8 {
    u32::try_from(number).ok().and_then(|number| 1_u8.checked_shl(number.checked_sub(1)?)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_stops_fit_and_no_number_breaks_it() {
        let all = (1..=STOPS.len()).fold(Progress::default(), Progress::and_seen);
        assert_eq!(all, Progress(u8::MAX));
        for number in [0, 9, usize::MAX] {
            assert_eq!(Progress::default().and_seen(number), Progress::default(), "{number}");
        }
        assert!(Progress(4).has_seen(3) && !Progress(4).has_seen(2));
    }
}
