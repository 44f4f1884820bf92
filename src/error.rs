//! What can go wrong, as a value: the kind (which decides the exit code), the message
//! (`what happened: why`), hints that name a command, and what AWS said where it was AWS.
//!
//! Nothing here prints; `output` renders an [`Error`] once, at the end.

use std::fmt;
use std::process::ExitCode;

/// Every fallible function of the crate returns this.
pub type Result<T> = std::result::Result<T, Error>;

/// The exit codes, and what they tell a pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, nothing to do, planned, started or skipped.
    Done = 0,
    /// It ran and failed.
    Failed = 1,
    /// The command line, a file or one of our own checks refused; nothing was touched.
    Refused = 2,
    /// AWS refused, could not be reached, or there are no credentials.
    Aws = 3,
    /// Gave up waiting; Elastic Beanstalk may go on.
    TimedOut = 4,
    /// Interrupted by a signal; Elastic Beanstalk may go on.
    Interrupted = 130,
}

impl Exit {
    /// All codes with the words that `--help` shows.
    pub const ALL: [(Self, &'static str); 6] = [
        (
            Self::Done,
            "done, nothing to do, planned, started or skipped",
        ),
        (Self::Failed, "it ran and failed"),
        (
            Self::Refused,
            "usage, a file or a check refused; nothing was touched",
        ),
        (Self::Aws, "AWS refused or unreachable, or no credentials"),
        (Self::TimedOut, "timed out; Elastic Beanstalk may go on"),
        (Self::Interrupted, "interrupted"),
    ];

    /// Which of two codes a run over several environments reports: 130, 3, 1, 4, 0 in that order.
    #[must_use]
    pub fn worst(self, other: Self) -> Self {
        let rank = |exit| match exit {
            Self::Done => 0,
            Self::TimedOut => 1,
            Self::Failed => 2,
            Self::Refused => 3,
            Self::Aws => 4,
            Self::Interrupted => 5,
        };
        if rank(other) > rank(self) {
            other
        } else {
            self
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What sort of trouble it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The command line asks for something that cannot be.
    Usage,
    /// The project file is missing, unreadable or wrong.
    Config,
    /// The compose file is missing or wrong.
    Compose,
    /// The source bundle cannot be made or is too large.
    Bundle,
    /// A registry does not tell what an image is.
    Registry,
    /// An image could not be built or pushed.
    Build,
    /// A check before the first write found a problem (no such environment, label taken, ...).
    Check,
    /// No credentials, or expired ones.
    Credentials,
    /// AWS answered that this caller may not do this.
    Denied,
    /// AWS answered with another error.
    Aws,
    /// AWS, or a registry, could not be reached.
    Unreachable,
    /// The deploy ran and failed.
    Deploy,
    /// The deadline passed while Elastic Beanstalk was still working.
    Timeout,
    /// A signal ended the command.
    Interrupted,
    /// A local file or directory could not be read or written.
    Io,
}

impl Kind {
    /// The exit code that belongs to the kind.
    #[must_use]
    pub fn exit(self) -> Exit {
        match self {
            Self::Usage
            | Self::Config
            | Self::Compose
            | Self::Bundle
            | Self::Registry
            | Self::Check
            | Self::Io => Exit::Refused,
            Self::Credentials | Self::Denied | Self::Aws | Self::Unreachable => Exit::Aws,
            Self::Deploy | Self::Build => Exit::Failed,
            Self::Timeout => Exit::TimedOut,
            Self::Interrupted => Exit::Interrupted,
        }
    }
}

/// What AWS said, kept apart from our words so that machines can read it.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    /// The service, as in IAM action names (`elasticbeanstalk`, `s3`).
    pub service: Option<String>,
    /// The API operation (`UpdateEnvironment`).
    pub operation: Option<String>,
    /// The error code on the wire (`InvalidParameterValue`).
    pub code: Option<String>,
    /// AWS's id of the request, for its support.
    pub request_id: Option<String>,
}

/// One problem, or several that were found together.
#[derive(Debug, Clone)]
pub struct Error {
    kind: Kind,
    message: String,
    excerpt: Option<String>,
    hints: Vec<String>,
    fault: Option<Box<Fault>>,
    more: Vec<Error>,
}

impl Error {
    /// A problem: `what happened: why`, without a final period.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            excerpt: None,
            hints: Vec::new(),
            fault: None,
            more: Vec::new(),
        }
    }

    /// A local file problem: `cannot <verb> <path>: <why>`.
    pub fn io(verb: &str, path: &std::path::Path, why: &std::io::Error) -> Self {
        let shown = path.display();
        let error = Self::new(Kind::Io, format!("cannot {verb} {shown}: {}", reason(why)));
        match why.kind() {
            std::io::ErrorKind::PermissionDenied => {
                error.hint(format!("look at its permissions with `ls -ld {shown}`"))
            }
            std::io::ErrorKind::InvalidData => error.hint("save it as UTF-8 text"),
            std::io::ErrorKind::NotFound => error.hint(format!(
                "see what is there with `ls {}`",
                match path.parent() {
                    Some(parent) if parent != std::path::Path::new("") =>
                        parent.display().to_string(),
                    _ => ".".into(),
                }
            )),
            _ => error,
        }
    }

    /// Several problems found in one go; `None` when there is none.
    pub fn all(problems: Vec<Self>) -> Option<Self> {
        let each = problems.into_iter().flat_map(|mut problem| {
            let more = std::mem::take(&mut problem.more);
            std::iter::once(problem).chain(more)
        });
        let mut each = each.collect::<Vec<_>>().into_iter();
        let mut first = each.next()?;
        first.more = each.collect();
        Some(first)
    }

    /// Adds what the reader can do: starts with a verb, holds a command in backticks.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Shows the place: the line of the file with a caret under it.
    #[must_use]
    pub fn excerpt(mut self, excerpt: impl Into<String>) -> Self {
        self.excerpt = Some(excerpt.into());
        self
    }

    /// Attaches what AWS said.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.fault = Some(Box::new(fault));
        self
    }

    /// The kind of the first problem.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The message of the first problem.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The place in a file, ready to print.
    #[must_use]
    pub fn shown(&self) -> Option<&str> {
        self.excerpt.as_deref()
    }

    /// Hints of the first problem.
    #[must_use]
    pub fn hints(&self) -> &[String] {
        &self.hints
    }

    /// What AWS said about the first problem.
    #[must_use]
    pub fn aws(&self) -> Option<&Fault> {
        self.fault.as_deref()
    }

    /// AWS's error code of the first problem.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.aws()?.code.as_deref()
    }

    /// All problems, this one first.
    pub fn problems(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.more)
    }

    /// The exit code: the worst of all problems.
    #[must_use]
    pub fn exit(&self) -> Exit {
        self.problems()
            .map(|problem| problem.kind.exit())
            .fold(Exit::Done, Exit::worst)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            f.write_str(&problem.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// An I/O error's reason in plain words, without the `(os error N)` tail.
#[must_use]
pub fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".into(),
        std::io::ErrorKind::PermissionDenied => "permission denied".into(),
        std::io::ErrorKind::InvalidData => "it is not UTF-8 text".into(),
        _ => {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or(&text).to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_codes_are_the_documented_ones() {
        let codes: Vec<u8> = Exit::ALL.iter().map(|(exit, _)| *exit as u8).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 130]);
    }

    #[test]
    fn several_problems_report_the_worst_code_and_every_message() {
        let error = Error::all(vec![
            Error::new(Kind::Check, "no environment x"),
            Error::new(Kind::Denied, "not allowed"),
        ])
        .expect("two problems");
        assert_eq!(error.exit(), Exit::Aws);
        assert_eq!(error.to_string(), "no environment x; not allowed");
        assert!(Error::all(Vec::new()).is_none());
        let nested = Error::all(vec![Error::new(Kind::Usage, "label"), error]).expect("three");
        assert_eq!(nested.problems().count(), 3);
    }
}
