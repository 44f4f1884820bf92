//! Reading YAML files: one function, whose errors name file, line and column, show the line,
//! and guess what a misspelt key was meant to be.

use std::fmt::Formatter;
use std::path::Path;

use serde::Deserializer;
use serde::de::{DeserializeOwned, SeqAccess, Visitor};
use serde_saphyr::Error as YamlError;

use crate::error::{Error, Kind};

/// Reads a value out of YAML text; `path` is only for the messages.
///
/// # Errors
/// `kind`, with position and excerpt, for text that is not YAML or does not fit `T`.
pub fn parse<T: DeserializeOwned>(text: &str, path: &Path, kind: Kind) -> Result<T, Error> {
    serde_saphyr::from_str(text).map_err(|error| explain(&error, text, path, kind))
}

/// For a list of texts that may be written as a single one: `branches: main`.
///
/// # Errors
/// Those of the format, for anything else.
pub fn one_or_many<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    struct Texts;
    impl<'de> Visitor<'de> for Texts {
        type Value = Vec<String>;

        fn expecting(&self, to: &mut Formatter<'_>) -> std::fmt::Result {
            to.write_str("a text or a list of texts")
        }

        fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
            Ok(vec![text.to_owned()])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut texts = Vec::new();
            while let Some(text) = list.next_element()? {
                texts.push(text);
            }
            Ok(texts)
        }
    }
    from.deserialize_any(Texts)
}

fn explain(error: &YamlError, text: &str, path: &Path, kind: Kind) -> Error {
    let what = words(error.without_snippet());
    let Some(location) = error.location() else {
        return Error::new(kind, format!("{}: {what}", path.display()));
    };
    let (line, column) = (location.line(), location.column());
    let mut explained = Error::new(kind, format!("{}:{line}:{column}: {what}", path.display()));
    if let Some(shown) = excerpt(text, line, column) {
        explained = explained.excerpt(shown);
    }
    explained
}

/// What is wrong, in words without the position.
fn words(error: &YamlError) -> String {
    match error {
        YamlError::SerdeUnknownField {
            field, expected, ..
        } => {
            let guess = nearest(field, expected.iter().copied());
            match guess {
                Some(guess) => format!("unknown key `{field}`: did you mean `{guess}`?"),
                None => format!(
                    "unknown key `{field}`: known here are {}",
                    expected.join(", ")
                ),
            }
        }
        YamlError::SerdeUnknownVariant {
            variant, expected, ..
        } => {
            format!(
                "unknown value `{variant}`: known here are {}",
                expected.join(", ")
            )
        }
        YamlError::SerdeMissingField { field, .. } => format!("the key `{field}` is missing"),
        YamlError::DuplicateMappingKey { key: Some(key), .. } => {
            format!("the key `{key}` stands here twice")
        }
        other => {
            let text = other.to_string();
            text.split(" at line ")
                .next()
                .unwrap_or(&text)
                .replace("sequence", "list")
        }
    }
}

/// The candidate that `word` was most likely meant to be.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len().min(word.len()) / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The line with a caret under the column, as compilers show it.
fn excerpt(text: &str, line: u64, column: u64) -> Option<String> {
    let at = usize::try_from(line).ok()?.checked_sub(1)?;
    // What is missing at the end is reported behind the last line.
    let (line, column, shown) = match text.lines().nth(at) {
        Some(shown) => (line, column, shown),
        None => {
            let last = text.lines().last()?;
            (
                text.lines().count() as u64,
                last.chars().count() as u64 + 1,
                last,
            )
        }
    };
    let shown = shown.replace('\t', " ");
    let number = line.to_string();
    let gutter = " ".repeat(number.len());
    let indent = " ".repeat(usize::try_from(column).ok()?.saturating_sub(1));
    Some(format!(
        "{gutter} |\n{number} | {shown}\n{gutter} | {indent}^"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Sample {
        name: Option<String>,
        branches: Option<Vec<String>>,
    }

    fn message(text: &str) -> String {
        let error = parse::<Sample>(text, Path::new("a.yml"), Kind::Config).expect_err(text);
        format!("{}\n{}", error.message(), error.shown().unwrap_or_default())
    }

    #[test]
    fn a_misspelt_key_is_shown_with_a_guess() {
        insta::assert_snapshot!(message("name: x\nbranch: [main]\n"), @r"
        a.yml:2:1: unknown key `branch`: did you mean `branches`?
          |
        2 | branch: [main]
          | ^
        ");
    }

    #[test]
    fn other_mistakes_say_what_and_where() {
        for (text, expected) in [
            (
                "colour: red",
                "a.yml:1:1: unknown key `colour`: known here are name, branches",
            ),
            (
                "name: x\nname: y",
                "a.yml:2:1: the key `name` stands here twice",
            ),
            ("branches: main", "a.yml:1:11: expected list start"),
            ("name: 'x", "a.yml:1:7: unclosed quote"),
            ("name: [x]", "a.yml:1:7: expected string scalar"),
        ] {
            assert_eq!(message(text).lines().next(), Some(expected));
        }
    }
}
