//! Instants, as machines read them and as people tell them.

use time::{OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};

/// An instant, for machines and for people.
#[derive(Debug)]
pub(super) struct Moment {
    pub iso: String,
    pub text: String,
    pub relative: String,
}

impl Moment {
    pub fn new(at: OffsetDateTime, now: OffsetDateTime) -> Self {
        let format = format_description!("[hour]:[minute]:[second] UTC, [day padding:none] [month repr:short] [year]");
        Self {
            iso: at.format(&Rfc3339).unwrap_or_default(),
            text: at.format(format).unwrap_or_default(),
            relative: relative((at - now).whole_seconds()),
        }
    }
}

fn relative(seconds: i64) -> String {
    let (amount, unit) = match seconds.unsigned_abs() {
        seconds @ 0..=119 => (seconds, "s"),
        seconds @ 120..=7199 => ((seconds + 30) / 60, "min"),
        seconds @ 7200..=172_799 => ((seconds + 1800) / 3600, "h"),
        seconds => ((seconds + 43_200) / 86_400, "days"),
    };
    match seconds {
        0 => "now".to_owned(),
        1.. => format!("in {amount} {unit}"),
        _ => format!("{amount} {unit} ago"),
    }
}

#[cfg(test)]
mod tests {
    use super::relative;

    #[test]
    fn times_are_told_as_people_tell_them() {
        assert_eq!(relative(0), "now");
        assert_eq!(relative(90), "in 90 s");
        assert_eq!(relative(-600), "10 min ago");
        assert_eq!(relative(43_199), "in 12 h");
        assert_eq!(relative(30 * 86_400), "in 30 days");
    }
}
