//! Files of `NAME=value` lines, as Docker Compose reads them: comments, `export`, quotes with
//! several lines. Variables in values are not filled in.

use std::collections::BTreeMap;

/// Reads a file's text; an error is the line's number and what is wrong there. The later of two
/// lines of one name wins.
///
/// # Errors
/// The first line that is no assignment, or whose quote does not end.
pub fn parse(text: &str) -> Result<BTreeMap<String, String>, (usize, &'static str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut found = BTreeMap::new();
    let mut rest = text;
    let mut number = 0;
    while !rest.is_empty() {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        number += 1;
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            rest = after;
            continue;
        }
        let assignment = trimmed.strip_prefix("export ").unwrap_or(trimmed);
        let Some((name, _)) = assignment.split_once('=') else {
            return Err((number, "it is not NAME=value"));
        };
        let name = name.trim();
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err((number, "the name before `=` is none"));
        }
        let at = rest.len() - rest.trim_start().len();
        let value_at = rest[at..]
            .find('=')
            .map_or(rest.len(), |found| at + found + 1);
        let value = rest[value_at..].trim_start_matches([' ', '\t']);
        let (value, left) = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                quoted(value, quote).ok_or((number, "the quote does not end"))?
            }
            _ => (plain(value.lines().next().unwrap_or_default()), after),
        };
        number += rest[..rest.len() - left.len()]
            .matches('\n')
            .count()
            .saturating_sub(1);
        found.insert(name.to_owned(), value);
        rest = left;
    }
    Ok(found)
}

/// A value without quotes: up to a comment, without spaces around.
fn plain(text: &str) -> String {
    let end = text
        .match_indices('#')
        .find(|(at, _)| *at == 0 || text[..*at].ends_with([' ', '\t']))
        .map_or(text.len(), |(at, _)| at);
    text[..end].trim().to_owned()
}

/// A value in quotes, and what follows its line. Double quotes know `\n`, `\t`, `\"`, `\\`, `\$`.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            _ if character == quote => {
                let after = &text[at + 1..];
                return Some((value, after.split_once('\n').map_or("", |(_, rest)| rest)));
            }
            '\\' if quote == '"' => match characters.next()?.1 {
                'n' => value.push('\n'),
                't' => value.push('\t'),
                'r' => value.push('\r'),
                escaped @ ('"' | '\\' | '$') => value.push(escaped),
                other => value.extend(['\\', other]),
            },
            _ => value.push(character),
        }
    }
    None
}

/// A line of such a file that reads back as it was written.
#[must_use]
pub fn line(name: &str, value: &str) -> String {
    let simple = !value.is_empty()
        && value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-./:@%+,=".contains(c));
    if simple {
        return format!("{name}={value}");
    }
    let escaped = value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('$', "\\$")
        .replace('\n', "\\n")
        .replace('\r', "\\r");
    format!("{name}=\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_forms_are_read() {
        let text = "# a comment\r\nA=1\r\nexport B = two words # comment\nC='a $B # b'\n\
                    D=\"x\\ny \\\"q\\\" \\$Z\"\nE=\n  F=a#b\nG=\"first\nsecond\"\nH=last";
        let found = parse(text).expect("a file");
        insta::assert_debug_snapshot!(found, @r#"
        {
            "A": "1",
            "B": "two words",
            "C": "a $B # b",
            "D": "x\ny \"q\" $Z",
            "E": "",
            "F": "a#b",
            "G": "first\nsecond",
            "H": "last",
        }
        "#);
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        for (text, line) in [
            ("A=1\nB\n", 2),
            ("A='x\ny", 1),
            ("\n\n=x", 3),
            ("A=\"1\n2\"\nB", 3),
        ] {
            assert_eq!(parse(text).expect_err(text).0, line, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_reads_back(value in "\\PC*|[ -~\n\"'$#\\\\]*") {
            let text = format!("{}\nB=2\n", line("A", &value));
            let found = parse(&text).expect("a file");
            proptest::prop_assert_eq!(&found["A"], &value);
            proptest::prop_assert_eq!(&found["B"], "2");
        }
    }
}
