//! What `build:` of a service asks for, in the words of `docker build`.

use super::super::files::{is_remote, join};
use super::super::model::pairs;
use super::super::tree::At;
use super::super::variables::{Lookup, with_values};
use super::filled;

/// How an image is built.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Build {
    /// What is sent to the builder: a path below the root, or an address.
    pub context: String,
    /// The Dockerfile's own text, where it stands in the compose file.
    pub inline: Option<String>,
    /// Arguments of `docker build`, without context, tag and platform.
    pub arguments: Vec<String>,
    /// Keys that `docker build` has no argument for.
    pub left_out: Vec<String>,
}

/// Keys with one text, and their argument.
const TEXTS: [(&str, &str); 3] = [
    ("target", "--target"),
    ("network", "--network"),
    ("shm_size", "--shm-size"),
];

/// Keys that are on or off, and their argument.
const FLAGS: [(&str, &str); 2] = [("no_cache", "--no-cache"), ("pull", "--pull")];

/// Keys with names and values, and their argument.
const PAIRS: [(&str, &str); 3] = [
    ("args", "--build-arg"),
    ("labels", "--label"),
    ("additional_contexts", "--build-context"),
];

/// Keys with a list, and their argument.
const LISTS: [(&str, &str); 4] = [
    ("cache_from", "--cache-from"),
    ("cache_to", "--cache-to"),
    ("extra_hosts", "--add-host"),
    ("ssh", "--ssh"),
];

/// Keys that are read here, or that what is pushed does not depend on.
const READ: [&str; 5] = [
    "context",
    "dockerfile",
    "dockerfile_inline",
    "tags",
    "platforms",
];

impl Build {
    /// Reads the value of `build`, whose paths begin at a directory below the root.
    pub(super) fn of(at: At<'_>, base: &str, values: Lookup<'_>) -> Self {
        let text = |at: At<'_>| with_values(at.filled()?, values);
        let context = |context: Option<String>| {
            let context = context.unwrap_or_else(|| ".".to_owned());
            match is_remote(&context) {
                true => context,
                false => join(base, &context),
            }
        };
        if let Some(only) = at.text() {
            return Self {
                context: context(with_values(only, values)),
                ..Self::default()
            };
        }
        let named = |key: &str| at.get(key).and_then(text);
        let mut build = Self {
            context: context(named("context")),
            inline: named("dockerfile_inline"),
            ..Self::default()
        };
        if let (Some(file), None) = (named("dockerfile"), &build.inline) {
            let file = below(&build.context, &file);
            build.argument("--file", file);
        }
        for (key, value) in at.entries() {
            let key = key.text().unwrap_or_default();
            build.key(key, value, values);
        }
        build
    }

    fn key(&mut self, key: &str, value: At<'_>, values: Lookup<'_>) {
        let of = |table: &[(&str, &'static str)]| {
            let found = table.iter().find(|(name, _)| *name == key);
            found.map(|(_, argument)| *argument)
        };
        if let Some(argument) = of(&FLAGS) {
            if value.is_true() {
                self.arguments.push(argument.to_owned());
            }
        } else if let Some(argument) = of(&PAIRS) {
            for pair in pairs(value) {
                let value = pair
                    .value
                    .map(|text| with_values(text, values).unwrap_or_default());
                self.argument(
                    argument,
                    match value {
                        Some(value) => format!("{}={value}", pair.name),
                        None => pair.name.to_owned(),
                    },
                );
            }
        } else if let Some(argument) = of(&TEXTS).or_else(|| of(&LISTS)) {
            for text in filled(value, values) {
                self.argument(argument, text);
            }
        } else if !READ.contains(&key) && !key.starts_with("x-") {
            self.left_out.push(key.to_owned());
        }
    }

    fn argument(&mut self, name: &str, value: String) {
        self.arguments.extend([name.to_owned(), value]);
    }
}

/// The path of a Dockerfile: Compose has it relative to the context, `docker build` to where it is
/// started.
fn below(context: &str, file: &str) -> String {
    if is_remote(context) || file.starts_with('/') {
        return file.to_owned();
    }
    match context.trim_end_matches('/') {
        "." | "" => file.to_owned(),
        context => format!("{context}/{file}"),
    }
}
