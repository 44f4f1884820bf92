//! What git says about the tree that is deployed. Git is asked through its own command; where
//! it is missing or there is no repository, a deploy goes on without.

use std::path::Path;
use std::process::{Command, Stdio};

/// The longest description that Elastic Beanstalk takes (facts 1.2).
const DESCRIPTION: usize = 200;

/// What git says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Source {
    /// The commit that is checked out.
    pub commit: Option<Commit>,
    /// The branch that is checked out; none when the head is detached.
    pub branch: Option<String>,
    /// Whether the tree differs from the commit.
    pub dirty: bool,
    /// Why git did not answer although there is a repository.
    pub trouble: Option<String>,
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The first seven characters of its id.
    pub short: String,
    /// The first line of its message.
    pub subject: String,
}

impl Source {
    /// Asks git about the tree at `root`.
    #[must_use]
    pub fn discover(root: &Path) -> Self {
        let status = [
            "status",
            "--porcelain=v2",
            "--branch",
            "--no-ahead-behind",
            "--",
            ".",
        ];
        match git(root, &status) {
            Ok(answer) => {
                let mut source = Self::from_status(&answer);
                if let (Some(commit), Ok(subject)) = (
                    &mut source.commit,
                    git(root, &["log", "-1", "--no-show-signature", "--format=%s"]),
                ) {
                    subject.trim().clone_into(&mut commit.subject);
                }
                source
            }
            Err(trouble) => Self {
                trouble,
                ..Self::default()
            },
        }
    }

    /// Reads `git status --porcelain=v2 --branch`.
    fn from_status(answer: &str) -> Self {
        let mut source = Self::default();
        for line in answer.lines() {
            match line.strip_prefix("# branch.") {
                Some(header) => match header.split_once(' ') {
                    Some(("oid", id)) if id != "(initial)" => {
                        source.commit = Some(Commit {
                            short: id.chars().take(7).collect(),
                            subject: String::new(),
                        });
                    }
                    Some(("head", name)) if name != "(detached)" => {
                        source.branch = Some(name.to_owned());
                    }
                    _ => {}
                },
                None => source.dirty |= !line.starts_with('#'),
            }
        }
        source
    }

    /// The description of a version: the given text, else the commit's subject; cut to what
    /// Elastic Beanstalk takes.
    #[must_use]
    pub fn description(&self, given: Option<&str>) -> Option<String> {
        let subject = self.commit.as_ref().map(|commit| commit.subject.as_str());
        let words: Vec<&str> = given.or(subject)?.split_whitespace().collect();
        let text: String = words
            .join(" ")
            .chars()
            .filter(|c| !c.is_control())
            .collect();
        if text.is_empty() {
            return None;
        }
        if text.chars().count() <= DESCRIPTION {
            return Some(text);
        }
        Some(
            text.chars()
                .take(DESCRIPTION - 3)
                .chain("...".chars())
                .collect(),
        )
    }
}

/// How many commits are looked at for a summary, at most.
const LOOKED_AT: &str = "-n50";

/// The commits of the tree since another one, newest first: id and subject. None where git does
/// not know that one, as in a shallow clone.
#[must_use]
pub fn since(root: &Path, commit: &str) -> Vec<String> {
    let range = format!("{commit}..HEAD");
    let arguments = [
        "log",
        LOOKED_AT,
        "--no-show-signature",
        "--format=%h %s",
        &range,
        "--",
        ".",
    ];
    let answer = git(root, &arguments).unwrap_or_default();
    answer.lines().map(str::to_owned).collect()
}

/// Runs git; the error is what it complained about, `None` where there is simply no repository
/// or no git.
///
/// # Errors
/// The first line of git's complaint.
pub fn git(root: &Path, arguments: &[&str]) -> Result<String, Option<String>> {
    let output = Command::new("git")
        .arg("-C")
        .arg(root)
        .args(arguments)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .map_err(|_| None)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    if complaint.contains("not a git repository") {
        return Err(None);
    }
    Err(complaint
        .lines()
        .next()
        .map(|line| line.trim_start_matches("fatal: ").to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_tells_commit_branch_and_dirt() {
        let clean =
            "# branch.oid 0123456789abcdef\n# branch.head main\n# branch.upstream origin/main\n";
        let source = Source::from_status(clean);
        assert_eq!(
            source.commit.as_ref().map(|c| c.short.as_str()),
            Some("0123456")
        );
        assert_eq!(
            (source.branch.as_deref(), source.dirty),
            (Some("main"), false)
        );

        let dirty =
            Source::from_status("# branch.oid 0123456789\n# branch.head (detached)\n? new.txt\n");
        assert_eq!((dirty.branch, dirty.dirty), (None, true));
        assert_eq!(
            Source::from_status("# branch.oid (initial)\n# branch.head main\n").commit,
            None
        );
    }

    #[test]
    fn descriptions_are_cut_at_two_hundred_characters() {
        let source = Source {
            commit: Some(Commit {
                short: "0123456".into(),
                subject: "fix".into(),
            }),
            ..Source::default()
        };
        assert_eq!(source.description(None).as_deref(), Some("fix"));
        assert_eq!(
            source.description(Some("by hand")).as_deref(),
            Some("by hand")
        );
        let long = source.description(Some(&"ä".repeat(300))).expect("a text");
        assert_eq!((long.chars().count(), long.ends_with("...")), (200, true));
        assert_eq!(source.description(Some(" ")), None);
    }
}
