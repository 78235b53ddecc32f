//! Times, for reading and as they are told.

use std::time::Duration;

#[expect(clippy::cast_precision_loss, reason = "for reading")]
pub(super) fn seconds(millis: u64) -> String {
    format!("{:.2} s", millis as f64 / 1000.0)
}

/// An estimate of a time.
pub(super) fn about(millis: u64) -> String {
    let seconds = millis.saturating_add(500) / 1_000;
    match seconds {
        _ if millis < 1_000 => "less than 1 s".to_owned(),
        0..120 => format!("about {seconds} s"),
        120..7_200 => format!("about {} min", (seconds + 30) / 60),
        _ => format!("about {} h", seconds.saturating_add(1_800) / 3_600),
    }
}

/// A time as it is told: `90s`, `30m`, `2h`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let expected = || format!("{text:?}: expected a whole number and s, m or h, such as 30m");
    let unit = text.chars().last().ok_or_else(expected)?;
    let each = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        _ => return Err(expected()),
    };
    let number: u32 = text[..text.len() - 1].parse().map_err(|_| expected())?;
    Ok(Duration::from_secs(each * u64::from(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_are_rounded() {
        for (millis, told) in [
            (0, "less than 1 s"),
            (999, "less than 1 s"),
            (1_000, "about 1 s"),
            (2_600, "about 3 s"),
            (119_000, "about 119 s"),
            (150_000, "about 3 min"),
            (7_200_000, "about 2 h"),
        ] {
            assert_eq!(about(millis), told);
        }
    }

    #[test]
    fn times_have_units() {
        for (text, seconds) in [("0s", 0), ("90s", 90), ("30m", 1_800), ("2h", 7_200)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)));
        }
        for text in ["", "30", "m", "-1s", "1.5h", "1d", "3\u{b5}"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
