//! The files of `templates/`, and how they are filled in. Their signs are `<% %>`, `<{ }>` and
//! `<# #>`, because GitHub's `${{ }}` stands in them too.

use std::collections::BTreeSet;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, UndefinedBehavior, context};

use super::Ci;
use super::propose::Wanted;
use crate::error::{Error, Kind, Result};

/// The template of the project file.
pub const PROJECT: &str = include_str!("../../templates/beanship.yml");

/// Where a CI system's file stands, and its template.
#[must_use]
pub fn of(ci: Ci) -> Option<(&'static str, &'static str)> {
    match ci {
        Ci::Github | Ci::GithubKeys => Some((
            ".github/workflows/beanship.yml",
            include_str!("../../templates/github.yml"),
        )),
        Ci::Travis => Some((".travis.yml", include_str!("../../templates/travis.yml"))),
        Ci::Jenkins => Some(("Jenkinsfile", include_str!("../../templates/Jenkinsfile"))),
        Ci::Gitlab => Some((
            ".gitlab-ci.yml",
            include_str!("../../templates/gitlab-ci.yml"),
        )),
        Ci::None => None,
    }
}

/// Fills a template in.
///
/// # Errors
/// [`Kind::Config`] for a template that is wrong, which the tests rule out.
pub fn render(template: &str, wanted: &Wanted) -> Result<String> {
    fill(template, wanted).map_err(|why| {
        Error::new(
            Kind::Config,
            format!("a template cannot be filled in: {why}"),
        )
    })
}

fn fill(template: &str, wanted: &Wanted) -> std::result::Result<String, minijinja::Error> {
    let syntax = SyntaxConfig::builder()
        .block_delimiters("<%", "%>")
        .variable_delimiters("<{", "}>")
        .comment_delimiters("<#", "#>")
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build()?;
    let mut environment = Environment::new();
    environment.set_syntax(syntax);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_filter("yaml", |text: String| yaml(&text));
    environment.add_filter("single", |text: String| single(&text));
    environment.add_filter("expression", |text: String| text.replace('\'', "''"));
    let keys = wanted.ci == Ci::GithubKeys;
    let branches = wanted
        .environments
        .iter()
        .flat_map(|it| it.branches.clone());
    let every: BTreeSet<String> = branches.collect();
    environment.template_from_str(template)?.render(context! {
        version => env!("CARGO_PKG_VERSION"),
        repository => env!("CARGO_PKG_REPOSITORY"),
        keys => keys,
        every_branch => Value::from_iter(every),
        ..Value::from(Serde(wanted))
    })
}

/// A text as a YAML scalar: plain where that is safe.
fn yaml(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./-".contains(c);
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let word = words.contains(&text.to_lowercase().as_str());
    if begins && text.chars().all(plain) && !word {
        return text.to_owned();
    }
    serde_json::Value::from(text).to_string()
}

/// A text in single quotes, for Groovy.
fn single(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_quoted_where_they_would_be_something_else() {
        for (text, expected) in [
            ("main", "main"),
            ("release/1.x", "release/1.x"),
            ("on", "\"on\""),
            ("1.0", "\"1.0\""),
            ("a: b", "\"a: b\""),
            ("it's \"x\"", "\"it's \\\"x\\\"\""),
            ("*", "\"*\""),
        ] {
            assert_eq!(yaml(text), expected);
        }
        assert_eq!(single("it's"), "'it\\'s'");
    }
}
