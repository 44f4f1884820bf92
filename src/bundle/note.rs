//! What the user should know about a bundle that can be made all the same.

use std::fmt;

use super::rules::Rule;

/// What is in a tree but is no content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Special {
    /// A Unix socket.
    Socket,
    /// A named pipe.
    Fifo,
    /// A block or character device.
    Device,
    /// Something this platform has no word for.
    Other,
}

impl fmt::Display for Special {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Socket => "socket",
            Self::Fifo => "named pipe",
            Self::Device => "device",
            Self::Other => "special file",
        })
    }
}

/// Something the user should know about the bundle.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "note")]
pub enum Note {
    /// The `.env` at the root stays out.
    RootEnv,
    /// An `.env` further down goes in.
    NestedEnv {
        /// Its path.
        path: String,
    },
    /// A hook has Windows line ends.
    HookLineEnds {
        /// Its path.
        path: String,
    },
    /// A socket, pipe or device stays out.
    Skipped {
        /// Its path.
        path: String,
        /// What it is.
        special: Special,
    },
    /// A link points out of the bundle, or, followed, brought in what lies outside the root.
    LinkLeaves {
        /// The link's path.
        path: String,
        /// Where it points.
        target: String,
        /// Whether the target's content went in.
        followed: bool,
    },
    /// A link that should be followed cannot be and goes in as a link.
    LinkKept {
        /// The link's path.
        path: String,
        /// Where it points.
        target: String,
        /// Whether it leads back to a directory it lies in; else nothing is there.
        loops: bool,
    },
    /// A line of an ignore file is no pattern and counts for nothing.
    BadPattern {
        /// The line.
        rule: Rule,
        /// What is wrong with it.
        why: String,
    },
}

impl Note {
    /// Whether it is a warning and not just information.
    #[must_use]
    pub fn is_warning(&self) -> bool {
        !matches!(self, Self::RootEnv | Self::Skipped { .. })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RootEnv => f.write_str(
                ".env stays out: Elastic Beanstalk writes it from the environment properties",
            ),
            Self::NestedEnv { path } => {
                write!(
                    f,
                    "{path} goes into the bundle: whoever can read the bundle can read it"
                )
            }
            Self::HookLineEnds { path } => {
                write!(
                    f,
                    "{path} has Windows line ends: the shell on the instance fails on them"
                )
            }
            Self::Skipped { path, special } => write!(f, "{path} stays out: it is a {special}"),
            Self::LinkLeaves {
                path,
                target,
                followed: true,
            } => {
                write!(
                    f,
                    "{path} leads out of the directory: the content of {target} goes in"
                )
            }
            Self::LinkLeaves {
                path,
                target,
                followed: false,
            } => {
                write!(
                    f,
                    "{path} points out of the bundle: {target} has to exist on the instance"
                )
            }
            Self::LinkKept {
                path,
                target,
                loops: true,
            } => {
                write!(
                    f,
                    "{path} goes in as a link: {target} is a directory it lies in"
                )
            }
            Self::LinkKept {
                path,
                target,
                loops: false,
            } => {
                write!(f, "{path} goes in as a link: there is no {target}")
            }
            Self::BadPattern { rule, why } => write!(f, "{rule} counts for nothing: {why}"),
        }
    }
}
