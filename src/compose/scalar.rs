//! What a scalar means: text, number, truth value or nothing. Docker Compose reads YAML the way
//! Go's yaml.v3 does, its older versions the way PyYAML does; where they differ is told here too.

/// What a scalar is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    Null,
    /// True or false.
    Bool,
    /// A whole number.
    Int,
    /// A number with a point or an exponent.
    Float,
    /// Text.
    Text,
}

impl Kind {
    /// What an unquoted text means.
    #[must_use]
    pub fn of_plain(text: &str) -> Self {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => Self::Null,
            "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => Self::Bool,
            _ if is_int(text) => Self::Int,
            _ if is_float(text) => Self::Float,
            _ => Self::Text,
        }
    }
}

fn is_int(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (digits, radix) = match digits.get(..2) {
        Some("0x") => (&digits[2..], 16),
        Some("0o") => (&digits[2..], 8),
        Some("0b") => (&digits[2..], 2),
        _ => (digits, 10),
    };
    digits.starts_with(|first: char| first.is_digit(radix))
        && digits.chars().all(|c| c.is_digit(radix) || c == '_')
}

fn is_float(text: &str) -> bool {
    let number = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(number, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    number.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && number.bytes().any(|byte| byte.is_ascii_digit())
        && number
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b".eE+-_".contains(&byte))
        && number.replace('_', "").parse::<f64>().is_ok()
}

/// What older versions of Docker Compose take an unquoted text for, where that is not the text.
#[must_use]
pub fn older_reading(text: &str) -> Option<String> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "on" => Some("true".into()),
        "no" | "off" => Some("false".into()),
        _ => sexagesimal(text).map(|number| format!("the number {number}")),
    }
}

/// `22:22` is 1342 where numbers may be written in base 60.
fn sexagesimal(text: &str) -> Option<u64> {
    let mut parts = text.split(':');
    let first = parts.next()?;
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(first) || first.starts_with('0') || first.len() > 9 {
        return None;
    }
    let mut number: u64 = first.parse().ok()?;
    let mut several = false;
    for part in parts {
        if !digits(part) || part.len() > 2 {
            return None;
        }
        let value: u64 = part.parse().ok().filter(|value| *value < 60)?;
        number = number.checked_mul(60)?.checked_add(value)?;
        several = true;
    }
    several.then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unquoted_texts_are_read_as_compose_reads_them() {
        for (kind, texts) in [
            (Kind::Null, &["", "~", "null"][..]),
            (Kind::Bool, &["true", "False"]),
            (Kind::Int, &["1", "-3", "0x1f", "0644", "0o644", "1_000"]),
            (Kind::Float, &["2.4", "1e3", ".5", "-.inf", ".nan"]),
            (
                Kind::Text,
                &[
                    "yes", "80:80", "1.2.3", "-80:80", "0x", "e5", ".", "1-2", "12e",
                ],
            ),
        ] {
            for text in texts {
                assert_eq!(Kind::of_plain(text), kind, "{text}");
            }
        }
    }

    #[test]
    fn what_older_versions_read_otherwise_is_known() {
        assert_eq!(older_reading("no").as_deref(), Some("false"));
        assert_eq!(older_reading("22:22").as_deref(), Some("the number 1342"));
        for text in ["80:80", "8080:80", "none", "0:30", "12:", ":"] {
            assert_eq!(older_reading(text), None, "{text}");
        }
    }
}
