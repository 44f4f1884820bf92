//! What is to be set: `NAME=value`, or a NAME whose value comes from stdin.

use std::io::{IsTerminal, Read};

use crate::commands::Context;
use crate::error::{Error, Kind, Result};
use crate::properties::Value;

/// The largest value that is read from stdin.
const LARGEST: u64 = 64 * 1024;

/// A name and its value.
#[derive(Debug)]
pub(super) struct Assignment {
    pub(super) name: String,
    pub(super) value: Value,
}

/// An assignment whose value is hidden from now on, if it may be a secret.
pub(super) fn hidden(cx: &Context, name: String, value: String) -> Assignment {
    cx.out.hide_likely(&value);
    Assignment {
        name,
        value: Value::new(value),
    }
}

/// Reads the arguments, and stdin where one of them says so.
///
/// # Errors
/// [`Kind::Usage`] for what is no assignment; [`Kind::Io`] where stdin cannot be read.
pub(super) async fn read(cx: &Context, arguments: &[String]) -> Result<Vec<Assignment>> {
    let mut found: Vec<Assignment> = Vec::new();
    let mut stdin_is_read = false;
    let mut words = arguments.iter().peekable();
    while let Some(word) = words.next() {
        let assignment = match word.split_once('=') {
            Some((name, value)) => hidden(cx, name.to_owned(), value.to_owned()),
            None if words.peek().is_some_and(|next| *next == "-") && !stdin_is_read => {
                words.next();
                stdin_is_read = true;
                let value = match std::io::stdin().is_terminal() {
                    true => asked(cx, word).await?,
                    false => from_stdin().await?,
                };
                cx.out.hide(&value);
                hidden(cx, word.clone(), value)
            }
            None => {
                return Err(Error::new(
                    Kind::Usage,
                    format!("`{word}` is no assignment: it has no `=`"),
                )
                .hint("write `beanship properties set NAME=value`, or `beanship properties set NAME -` for a value from stdin"));
            }
        };
        if found.iter().any(|other| other.name == assignment.name) {
            return Err(
                Error::new(Kind::Usage, format!("`{}` is set twice", assignment.name))
                    .hint("give each name once: `beanship properties set NAME=value`"),
            );
        }
        found.push(assignment);
    }
    Ok(found)
}

/// What is typed, which the terminal does not show.
async fn asked(cx: &Context, name: &str) -> Result<String> {
    let (out, text) = (cx.out.clone(), format!("Value of {name} (is not shown)"));
    let asked = tokio::task::spawn_blocking(move || out.hidden(&text)).await;
    asked
        .map_err(|why| why.to_string())
        .and_then(|answer| answer.map_err(|why| crate::error::reason(&why)))
        .map_err(|why| {
            Error::new(Kind::Io, format!("cannot ask: {why}")).hint(
                "give the value as text: `printf %s \"$VALUE\" | beanship properties set NAME -`",
            )
        })
}

/// The text of stdin without one line break at its end.
async fn from_stdin() -> Result<String> {
    let read = || {
        let mut text = String::new();
        std::io::stdin()
            .take(LARGEST)
            .read_to_string(&mut text)
            .map(|_| text)
    };
    let cannot = |why: String| {
        Error::new(Kind::Io, format!("cannot read stdin: {why}"))
            .hint("give the value as text: `printf %s \"$VALUE\" | beanship properties set NAME -`")
    };
    let mut text = tokio::task::spawn_blocking(read)
        .await
        .map_err(|why| cannot(why.to_string()))?
        .map_err(|why| cannot(crate::error::reason(&why)))?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}
