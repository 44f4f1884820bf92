//! A Jenkinsfile that calls `eb deploy`.

use super::{Found, Place};

/// Where it stands.
pub const FILE: &str = "Jenkinsfile";

/// Options of `eb deploy` that take a value.
const WITH_VALUE: [&str; 14] = [
    "-r",
    "--region",
    "-l",
    "--label",
    "-m",
    "--message",
    "--profile",
    "--timeout",
    "--version",
    "--archive",
    "--source",
    "-g",
    "--env-group-suffix",
    "--modules",
];

/// Reads the file; none where it does not deploy with `eb`.
#[must_use]
pub fn read(content: &str) -> Option<Found> {
    let mut found = Found::of(FILE);
    let mut branch = None;
    for line in content.lines().map(str::trim) {
        if line.starts_with("stage") {
            branch = None;
        }
        branch = condition(line).or(branch);
        for (at, _) in line.match_indices("eb deploy") {
            deploy(
                &mut found,
                &line[at + "eb deploy".len()..],
                branch.as_deref(),
            );
        }
    }
    (!found.environments.is_empty()).then_some(found)
}

/// The branch in `when { branch 'main' }`.
fn condition(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("branch ")?;
    let quote = rest.chars().next().filter(|c| ['\'', '"'].contains(c))?;
    let name = rest[1..].split(quote).next()?;
    Some(name.to_owned())
}

fn deploy(found: &mut Found, rest: &str, branch: Option<&str>) {
    let end = rest.find(['\'', '"', '&', ';', '|']).unwrap_or(rest.len());
    let mut words = rest[..end].split_whitespace();
    let mut name = None;
    while let Some(word) = words.next() {
        let (option, inline) = match word.split_once('=') {
            Some((option, value)) => (option, Some(value)),
            None => (word, None),
        };
        if !option.starts_with('-') {
            name = name.or_else(|| found.literal("the environment", Some(word.to_owned())));
        } else if WITH_VALUE.contains(&option) {
            let value = inline.or_else(|| words.next());
            if ["-r", "--region"].contains(&option) {
                let value = found.literal("the region", value.map(str::to_owned));
                found.region = found.region.take().or(value);
            }
        }
    }
    found.environments.push(Place {
        name,
        branches: branch.into_iter().map(str::to_owned).collect(),
        ..Place::default()
    });
}
