//! The global flags of this run, as every command carries them that a text names: what a hint says can be copied.

/// The flags, each with its value.
#[derive(Debug, Clone, Default)]
pub struct Flags(Vec<(&'static str, String)>);

/// Two flags of which either is enough.
const SANDBOXES: (&str, &str) = ("--sandbox", "--sandbox-empty");

impl Flags {
    /// From flags and their values, each quoted where a shell would take it apart.
    #[must_use]
    pub fn new<'a>(flags: impl IntoIterator<Item = (&'static str, Option<&'a str>)>) -> Self {
        // Only a NUL cannot be quoted, and no argument holds one.
        let piece = |(flag, value): (&'static str, Option<&str>)| match value {
            Some(value) => (
                flag,
                format!("{flag} {} ", shlex::try_quote(value).unwrap_or_default()),
            ),
            None => (flag, format!("{flag} ")),
        };
        Self(flags.into_iter().map(piece).collect())
    }

    /// The text with the flags in every command of ours that stands in backquotes, but those that it has already.
    pub(super) fn over(&self, text: String, is_json: bool) -> String {
        const COMMAND: &str = "`beanship ";
        if self.0.is_empty() || !text.contains(COMMAND) {
            return text;
        }
        let mut pieces = text.split(COMMAND);
        let mut result = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            result.push_str(COMMAND);
            let command = piece.split('`').next().unwrap_or_default();
            let has = |flag: &str| {
                let mut words = command.split_whitespace();
                words.any(|it| {
                    it == flag
                        || it.starts_with(&format!("{flag}="))
                        || it == SANDBOXES.1 && flag == SANDBOXES.0
                })
            };
            let missing = self.0.iter().filter(|(flag, _)| !has(flag));
            let flags: String = missing.map(|(_, text)| text.as_str()).collect();
            result.push_str(&match is_json {
                true => escaped(&flags),
                false => flags,
            });
            result.push_str(piece);
        }
        result
    }
}

/// A text as it stands in a JSON string.
fn escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_in_texts_carry_the_flags_of_this_run() {
        let flags = Flags::new([
            ("-C", Some("my app")),
            ("--region", Some("x")),
            ("--sandbox", None),
        ]);
        let text = "look with `beanship events --region NAME --env A-Canary`, or `beanship --sandbox-empty deploy`; beanship is";
        assert_eq!(
            flags.over(text.to_owned(), false),
            "look with `beanship -C 'my app' --sandbox events --region NAME --env A-Canary`, or \
             `beanship -C 'my app' --region x --sandbox-empty deploy`; beanship is"
        );
        let odd = Flags::new([("-C", Some(r#"a\"b'"#))]);
        let json = odd.over(r#"{"hint":"`beanship status`"}"#.to_owned(), true);
        let parsed: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        let hint = parsed["hint"].as_str().expect("a text").trim_matches('`');
        assert_eq!(
            shlex::split(hint).expect("words"),
            ["beanship", "-C", r#"a\"b'"#, "status"]
        );
        assert_eq!(Flags::default().over(text.to_owned(), true), text);
    }
}
