//! Durations as people type them: `90s`, `20m`, `1h30m`, `250ms`.

use std::time::Duration;

use jiff::SignedDuration;

/// Nothing that is waited for takes longer.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

/// Reads a duration with its units.
///
/// # Errors
/// A sentence that shows the form, for text without units, negative or otherwise odd text.
pub fn parse(text: &str) -> Result<Duration, String> {
    text.parse::<SignedDuration>()
        .ok()
        .and_then(|duration| Duration::try_from(duration).ok())
        .filter(|duration| *duration <= LONGEST)
        .ok_or_else(|| format!("`{text}` is not a time: write it like 90s, 20m or 1h"))
}

/// A duration in the fewest words: `2 m 5 s`, `0.4 s`.
#[must_use]
pub fn words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        60..3600 if seconds.is_multiple_of(60) => format!("{} m", seconds / 60),
        60..3600 => format!("{} m {} s", seconds / 60, seconds % 60),
        _ if seconds % 3600 < 60 => format!("{} h", seconds / 3600),
        _ => format!("{} h {} m", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read_and_required() {
        for (text, seconds) in [
            ("90s", 90.0),
            ("20m", 1200.0),
            ("1h", 3600.0),
            ("1h30m", 5400.0),
            ("250ms", 0.25),
        ] {
            assert_eq!(parse(text).map(|d| d.as_secs_f64()), Ok(seconds), "{text}");
        }
        for text in ["", "20", "soon", "-5m", "1x", "200h"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_are_told_in_the_fewest_words() {
        for (millis, expected) in [
            (420, "0.4 s"),
            (12_000, "12 s"),
            (120_000, "2 m"),
            (125_000, "2 m 5 s"),
            (7_200_000, "2 h"),
            (5_400_000, "1 h 30 m"),
        ] {
            assert_eq!(words(Duration::from_millis(millis)), expected);
        }
    }
}
