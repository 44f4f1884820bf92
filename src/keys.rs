//! AWS keys that stand in clear in files that are shown.

use std::sync::LazyLock;

use regex_lite::Regex;
use secrecy::SecretString;

static KEY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)secret_?(?:access_?)?key\W+([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)")
        .expect("a valid pattern")
});

/// The secret access keys in a text.
#[must_use]
pub fn in_clear(text: &str) -> Vec<SecretString> {
    let found = KEY.captures_iter(text).filter_map(|found| found.get(1));
    found.map(|it| SecretString::from(it.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_by_name_and_shape() {
        let key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        for (text, count) in [
            (format!("secret_access_key: {key}"), 1),
            (format!("-  secret_access_key: \"{key}\""), 1),
            (format!("AWS_SECRET_KEY={key}\nx"), 1),
            (format!("\"SecretAccessKey\": \"{key}\","), 1),
            (format!("checksum: {key}"), 0),
            (format!("secret_access_key: {key}{key}"), 0),
            ("secret_access_key: $AWS_SECRET_ACCESS_KEY".into(), 0),
            ("secret_access_key: { secure: abc= }".into(), 0),
        ] {
            assert_eq!(in_clear(&text).len(), count, "{text}");
        }
    }
}
