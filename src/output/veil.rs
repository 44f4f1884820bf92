//! Values that this process knows and nobody may read. They are never written on purpose; the
//! veil is for what AWS or the app's own logs say back.

/// A value shorter than this is in too many innocent words.
const SHORTEST: usize = 6;

/// What stands where a value stood.
const HIDDEN: &str = "***";

/// The values to hide, longest first.
#[derive(Debug, Default)]
pub(super) struct Veil(Vec<Hidden>);

#[derive(PartialEq, Eq)]
struct Hidden(String);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str(HIDDEN)
    }
}

impl Veil {
    /// Takes a value in, as it is and as it stands in JSON; a long one line by line. Answers the
    /// lines that were new.
    pub(super) fn add(&mut self, value: &str) -> Vec<String> {
        let lines = value.lines().map(str::trim);
        let lines: Vec<String> = lines
            .filter(|line| line.len() >= SHORTEST)
            .map(str::to_owned)
            .collect();
        let mut new = Vec::new();
        for line in lines {
            let quoted = serde_json::to_string(&line).unwrap_or_default();
            let escaped = quoted.get(1..quoted.len().saturating_sub(1));
            let escaped = escaped.unwrap_or_default().to_owned();
            for form in [line.clone(), escaped] {
                if !self.0.iter().any(|hidden| hidden.0 == form) {
                    self.0.push(Hidden(form));
                }
            }
            new.push(line);
        }
        self.0
            .sort_by_key(|hidden| std::cmp::Reverse(hidden.0.len()));
        new
    }

    /// The text without the values. The names of a JSON document's fields stay.
    pub(super) fn over(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, Hidden(value)| {
            if !text.contains(value.as_str()) {
                return text;
            }
            let mut result = String::with_capacity(text.len());
            let mut rest = text.as_str();
            while let Some(at) = rest.find(value.as_str()) {
                let (before, after) = (&rest[..at], &rest[at + value.len()..]);
                let is_field = before.ends_with('"') && after.starts_with("\":");
                result.push_str(before);
                result.push_str(if is_field { value } else { HIDDEN });
                rest = after;
            }
            result + rest
        })
    }
}

/// Whether a value of unknown nature looks like a secret: long, or of several sorts of characters.
pub(super) fn is_likely_secret(value: &str) -> bool {
    const LONG: usize = 16;
    let sorts: [fn(&char) -> bool; 3] = [
        char::is_ascii_lowercase,
        char::is_ascii_uppercase,
        char::is_ascii_digit,
    ];
    let known = sorts.iter().filter(|sort| value.chars().any(|c| sort(&c)));
    let others = value.chars().any(|c| !c.is_ascii_alphanumeric());
    value.len() >= LONG || known.count() + usize::from(others) > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_hidden_wherever_they_stand_but_in_the_names_of_fields() {
        let mut veil = Veil::default();
        assert_eq!(
            veil.add("hunter2!\nshort\nsecond \"line\""),
            ["hunter2!", "second \"line\""]
        );
        veil.add("outcome");
        let text = r#"{"outcome": "outcome", "a": "x hunter2!x second \"line\" short"}"#;
        assert_eq!(
            veil.over(text),
            r#"{"outcome": "***", "a": "x ***x *** short"}"#
        );
        for (value, secret) in [
            ("production", false),
            ("8080", false),
            ("hunter2", true),
            ("correcthorsebattery", true),
        ] {
            assert_eq!(is_likely_secret(value), secret, "{value}");
        }
        assert_eq!(format!("{veil:?}").matches("***").count(), 4);
    }
}
