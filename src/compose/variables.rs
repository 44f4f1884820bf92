//! `$NAME` and `${NAME:-default}` in values: what is written, whether Compose can read it, and
//! what becomes of a text when only the defaults are known.

use std::ops::Range;

/// A variable in a text.
#[derive(Debug, PartialEq, Eq)]
pub struct Variable<'a> {
    /// Its name.
    pub name: &'a str,
    /// What stands for it where it is not set.
    pub default: Option<&'a str>,
    /// The bytes of the text it stands at.
    pub range: Range<usize>,
}

/// A dollar sign that Compose cannot read.
#[derive(Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where it stands in the text.
    pub at: usize,
    /// Where `-` is missing: `${NAME:default}`.
    pub dash: Option<usize>,
}

/// After so many mistakes in a text nobody reads on.
const MOST_MISTAKES: usize = 10;

/// The variables of a text, and what is no variable.
#[must_use]
pub fn scan(text: &str) -> (Vec<Variable<'_>>, Vec<Mistake>) {
    let (mut variables, mut mistakes) = (Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(found) = text[at..].find('$')
        && mistakes.len() < MOST_MISTAKES
    {
        let start = at + found;
        let rest = &text[start + 1..];
        if rest.starts_with('$') {
            at = start + 2;
        } else if let Some(inner) = rest.strip_prefix('{') {
            match braced(text, start, inner) {
                Ok(variable) => {
                    at = variable.range.end;
                    variables.push(variable);
                }
                Err(mistake) => {
                    at = start + 2;
                    mistakes.push(mistake);
                }
            }
        } else {
            let length = name_length(rest);
            at = start + 1 + length;
            if length == 0 {
                mistakes.push(Mistake {
                    at: start,
                    dash: None,
                });
            } else {
                variables.push(Variable {
                    name: &rest[..length],
                    default: None,
                    range: start..at,
                });
            }
        }
    }
    (variables, mistakes)
}

fn name_length(text: &str) -> usize {
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        return 0;
    }
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    text.bytes().take_while(is_part).count()
}

/// `inner` is the text behind `${`.
fn braced<'a>(text: &str, start: usize, inner: &'a str) -> Result<Variable<'a>, Mistake> {
    let length = name_length(inner);
    let wrong = Mistake {
        at: start,
        dash: None,
    };
    let Some(close) = closing(inner) else {
        return Err(wrong);
    };
    if length == 0 {
        return Err(wrong);
    }
    let range = start..start + 2 + close + 1;
    debug_assert!(range.end <= text.len());
    let (name, rest) = (&inner[..length], &inner[length..close]);
    let default = match rest.as_bytes() {
        [] | [b'?' | b'+', ..] | [b':', b'?' | b'+', ..] => None,
        [b':', b'-', ..] => Some(&rest[2..]),
        [b'-', ..] => Some(&rest[1..]),
        [b':', ..] => {
            let dash = Some(start + 2 + length + 1);
            return Err(Mistake { at: start, dash });
        }
        _ => return Err(wrong),
    };
    Ok(Variable {
        name,
        default,
        range,
    })
}

/// Where the brace closes; there may be variables in a default.
fn closing(inner: &str) -> Option<usize> {
    let mut depth = 0_u32;
    let bytes = inner.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'{' if at > 0 && bytes[at - 1] == b'$' => depth += 1,
            b'}' if depth == 0 => return Some(at),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Where the values of variables come from.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The text with each variable's default in its place; none if one has no default.
#[must_use]
pub fn with_defaults(text: &str) -> Option<String> {
    filled(text, &|_| None, 0)
}

/// The text with each variable's value in its place, else its default; none if one has neither.
#[must_use]
pub fn with_values(text: &str, values: Lookup<'_>) -> Option<String> {
    filled(text, values, 0)
}

fn filled(text: &str, values: Lookup<'_>, depth: u32) -> Option<String> {
    let (variables, mistakes) = scan(text);
    if !mistakes.is_empty() || depth > 8 {
        return None;
    }
    let mut result = String::new();
    let mut at = 0;
    for variable in variables {
        result.push_str(&text[at..variable.range.start]);
        // `${NAME:+text}` is the text, not the value.
        let replaces = text[variable.range.clone()].contains('+') && variable.default.is_none();
        match values(variable.name).filter(|_| !replaces) {
            Some(value) => result.push_str(&value.replace('$', "$$")),
            None => result.push_str(&filled(variable.default?, values, depth + 1)?),
        }
        at = variable.range.end;
    }
    result.push_str(&text[at..]);
    Some(result.replace("$$", "$"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_compose_is_read() {
        let text = "$A ${B} ${C:-c} ${D-} ${E:?no} ${F?} ${G:+g} ${H:-${I:-i}} $$J";
        let (variables, mistakes) = scan(text);
        assert_eq!(mistakes, []);
        let names: Vec<_> = variables.iter().map(|v| (v.name, v.default)).collect();
        assert_eq!(
            names,
            [
                ("A", None),
                ("B", None),
                ("C", Some("c")),
                ("D", Some("")),
                ("E", None),
                ("F", None),
                ("G", None),
                ("H", Some("${I:-i}")),
            ]
        );
    }

    #[test]
    fn mistakes_are_found_with_their_place() {
        for (text, at, dash) in [
            ("x ${A:b}", 2, Some(6)),
            ("${A", 0, None),
            ("${}", 0, None),
            ("100$ ", 3, None),
            ("${A b}", 0, None),
            ("$1", 0, None),
        ] {
            assert_eq!(scan(text).1, [Mistake { at, dash }], "{text}");
        }
    }

    #[test]
    fn defaults_are_filled_in() {
        assert_eq!(
            with_defaults("${P:-80}:$${X-}80").as_deref(),
            Some("80:${X-}80")
        );
        assert_eq!(with_defaults("${H:-${I:-i}}!").as_deref(), Some("i!"));
        assert_eq!(with_defaults("$A"), None);
        let values = |name: &str| (name == "A").then(|| "a$1".to_owned());
        assert_eq!(
            with_values("${A:-b}/${B:-c}", &values).as_deref(),
            Some("a$1/c")
        );
        assert_eq!(with_values("${A:+x}", &values), None);
    }
}
