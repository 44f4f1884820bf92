//! Compose's `$VAR` and `${VAR…}` in texts.

/// Replaces variables; says what is wrong in compose's words. Unset variables are empty.
pub(super) fn interpolate(
    text: &str,
    path: &str,
    variables: &[(String, String)],
) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some(inside) = rest.strip_prefix('{') {
            let end = closing(inside).ok_or_else(|| invalid(text, path))?;
            out.push_str(
                &braced(&inside[..end], variables, path).ok_or_else(|| invalid(text, path))??,
            );
            rest = &inside[end + 1..];
        } else {
            let name = name(rest);
            if name.is_empty() {
                return Err(invalid(text, path));
            }
            out.push_str(value(name, variables).unwrap_or_default());
            rest = &rest[name.len()..];
        }
    }
    out.push_str(rest);
    Ok(out)
}

fn invalid(text: &str, path: &str) -> String {
    format!(
        "invalid interpolation format for {path}: \"{text}\". You may need to escape any $ with another $"
    )
}

/// Where the brace closes that is open at the start; variables may nest.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 1;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

fn name(text: &str) -> &str {
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    let name = &text[..end];
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        ""
    } else {
        name
    }
}

fn value<'a>(name: &str, variables: &'a [(String, String)]) -> Option<&'a str> {
    variables
        .iter()
        .find(|(other, _)| other == name)
        .map(|(_, value)| value.as_str())
}

/// What stands for `VAR`, `VAR:-default`, `VAR?error`, …; `None` when it is none of these.
fn braced(
    inside: &str,
    variables: &[(String, String)],
    path: &str,
) -> Option<Result<String, String>> {
    let name = name(inside);
    let operator = &inside[name.len()..];
    if name.is_empty() {
        return None;
    }
    let set = value(name, variables);
    let filled = set.filter(|value| !value.is_empty());
    if operator.is_empty() {
        return Some(Ok(set.unwrap_or_default().to_owned()));
    }
    let nested = |text: &str| interpolate(text, path, variables);
    let required = |message: &str| {
        Err(format!(
            "required variable {name} is missing a value: {message}"
        ))
    };
    Some(if let Some(default) = operator.strip_prefix(":-") {
        filled.map_or_else(|| nested(default), |value| Ok(value.to_owned()))
    } else if let Some(default) = operator.strip_prefix('-') {
        set.map_or_else(|| nested(default), |value| Ok(value.to_owned()))
    } else if let Some(message) = operator.strip_prefix(":?") {
        filled.map_or_else(|| required(message), |value| Ok(value.to_owned()))
    } else if let Some(message) = operator.strip_prefix('?') {
        set.map_or_else(|| required(message), |value| Ok(value.to_owned()))
    } else if let Some(other) = operator.strip_prefix(":+") {
        filled.map_or_else(|| Ok(String::new()), |_| nested(other))
    } else if let Some(other) = operator.strip_prefix('+') {
        set.map_or_else(|| Ok(String::new()), |_| nested(other))
    } else {
        return None;
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms() {
        let variables = [
            ("A".to_owned(), "1".to_owned()),
            ("E".to_owned(), String::new()),
        ];
        for (text, wanted) in [
            ("x$A-${A}y", "x1-1y"),
            ("$$A", "$A"),
            ("${E:-d}${E-d}${U-d}", "dd"),
            ("${A:+set}${U+set}", "set"),
            ("${U:-${A}}", "1"),
            ("$U", ""),
            ("${A?no}", "1"),
        ] {
            assert_eq!(
                interpolate(text, "p", &variables).as_deref(),
                Ok(wanted),
                "{text}"
            );
        }
        assert_eq!(
            interpolate("${E:?say}", "p", &variables).unwrap_err(),
            "required variable E is missing a value: say"
        );
        for text in ["${A:x}", "$", "${A", "${}", "$1"] {
            assert!(
                interpolate(text, "p", &variables)
                    .unwrap_err()
                    .contains("invalid interpolation"),
                "{text}"
            );
        }
    }
}
