//! What is told while a command works.

use std::time::Duration;

use jiff::Timestamp;

use crate::plan::Change;

/// Something that happened, for the narrative.
#[derive(Debug)]
pub enum Event<'a> {
    /// What is about to be done, in one line.
    Headline(&'a str),
    /// Good to know.
    Note(&'a str),
    /// To be looked into.
    Warning(&'a str),
    /// Lines as they are: a table.
    Lines(&'a str),
    /// What will change.
    Plan(&'a [Change]),
    /// A step of the plan was done, in this time.
    Done(&'a str, Duration),
    /// Local work goes on.
    Progress {
        /// What is done.
        phase: Phase,
        /// Bytes done.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// The local work has ended.
    ProgressEnd,
    /// An event of the environment.
    Environment {
        /// When, by the service's clock.
        time: Timestamp,
        /// `INFO`, `WARN`, `ERROR`, ...
        severity: &'a str,
        /// The service's words.
        message: &'a str,
    },
    /// Why something failed, in several lines.
    Explanation(&'a str),
    /// A part of the work begins, and whichever was open ends: one of GitHub's folded groups.
    Section(&'a str),
    /// The output of another program begins; this is what it does.
    Group(&'a str),
    /// A line of it: shown with `-v` and in GitHub's folded groups, elsewhere the latest as what
    /// is being waited for.
    GroupLine(&'a str),
    /// It has ended.
    GroupEnd,
    /// What is being waited for: shown in place on a terminal, now and then elsewhere.
    Waiting(&'a str),
    /// A call to AWS was answered; shown with `-v`.
    Call {
        /// The SDK's name of the service.
        service: &'a str,
        /// The operation.
        operation: &'a str,
        /// The HTTP status, or `no answer`.
        answer: &'a str,
    },
}

/// Local work that shows a bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The source bundle is being made.
    Bundle,
    /// The source bundle is being uploaded.
    Upload,
}
