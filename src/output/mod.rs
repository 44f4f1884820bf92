//! Everything a person or a machine reads. [`Out`] is the only writer of the crate: the
//! narrative ([`Event`]s) goes to stderr, the result ([`Report`]) to stdout, once.

mod ask;
mod event;
mod flags;
mod github;
mod human;
mod json;
mod progress;
mod sections;
mod veil;

use std::io::{ErrorKind, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::cli::Format;
use crate::error::Error;

pub use event::{Event, Phase};
pub use flags::Flags;
pub use human::{bytes, counted, one_line, table};
pub use json::Problem;
use progress::Progress;
use veil::Veil;

/// The result of a command.
pub trait Report: Serialize {
    /// The result in words; may have several lines, ends without a line break.
    fn human(&self) -> String;

    /// The step outputs for GitHub Actions.
    fn step_outputs(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// What a reviewer of the job reads, as Markdown.
    fn summary(&self) -> Option<String> {
        None
    }
}

/// The files that GitHub's runner reads after a step.
#[derive(Debug, Clone, Default)]
pub struct RunnerFiles {
    /// `GITHUB_OUTPUT`: the step's outputs.
    pub outputs: Option<std::path::PathBuf>,
    /// `GITHUB_STEP_SUMMARY`: the summary of the job.
    pub summary: Option<std::path::PathBuf>,
}

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Warnings and problems.
    Quiet,
    /// The narrative.
    Normal,
    /// Every call as well.
    Verbose,
}

/// The one writer. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Out {
    inner: Arc<Inner>,
    /// The environment that everything is about, where there are several, and the width of
    /// their names.
    about: Option<(Arc<str>, usize)>,
}

#[derive(Debug)]
struct Inner {
    format: Format,
    level: Level,
    runner: RunnerFiles,
    flags: Flags,
    progress: Mutex<Progress>,
    veil: Mutex<Veil>,
    /// The part of the work that is one of GitHub's groups and is not ended yet.
    section: Mutex<Option<String>>,
    /// Whether a result could not be written.
    lost: AtomicBool,
}

impl Out {
    /// A writer in this format.
    #[must_use]
    pub fn new(format: Format, level: Level) -> Self {
        Self::with(format, level, RunnerFiles::default(), Flags::default())
    }

    /// A writer that also writes the runner's files, and repeats these flags in the commands that texts name.
    #[must_use]
    pub fn with(format: Format, level: Level, runner: RunnerFiles, flags: Flags) -> Self {
        let progress = Mutex::new(Progress::new(level));
        let inner = Arc::new(Inner {
            format,
            level,
            runner,
            flags,
            progress,
            veil: Mutex::default(),
            section: Mutex::default(),
            lost: AtomicBool::new(false),
        });
        Self { inner, about: None }
    }

    /// The same writer, that says of everything which environment it is about, in a column of
    /// this width.
    #[must_use]
    pub fn about(&self, environment: &str, width: usize) -> Self {
        Self {
            inner: self.inner.clone(),
            about: Some((environment.into(), width)),
        }
    }

    fn environment(&self) -> Option<&str> {
        self.about.as_ref().map(|(name, _)| &**name)
    }

    /// The format.
    #[must_use]
    pub fn format(&self) -> Format {
        self.inner.format
    }

    /// Like [`Out::hide`], unless the value looks like a plain word (`production`), which would
    /// be missed wherever else it stands.
    pub fn hide_likely(&self, value: &str) {
        if veil::is_likely_secret(value) {
            self.hide(value);
        }
    }

    /// Hides a value wherever it might be written from now on, and has GitHub's runner do so too.
    pub fn hide(&self, value: &str) {
        let lines = self.veil().add(value);
        if self.inner.format == Format::Github {
            for line in lines {
                write_line(&mut anstream::stdout().lock(), &github::mask(&line));
            }
        }
    }

    /// A text without the values that are hidden.
    #[must_use]
    pub fn without_hidden(&self, text: &str) -> String {
        self.veil().over(text)
    }

    fn veil(&self) -> MutexGuard<'_, Veil> {
        self.inner
            .veil
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// A text as it may be read: without what is hidden, and with commands that can be copied.
    fn readable(&self, text: &str, is_json: bool) -> String {
        self.inner.flags.over(self.veil().over(text), is_json)
    }

    fn is_json(&self) -> bool {
        self.inner.format == Format::Json
    }

    /// Writes a line to stdout.
    fn tell(&self, text: &str) {
        write_line(
            &mut anstream::stdout().lock(),
            &self.readable(text, self.is_json()),
        );
    }

    /// Tells what happened.
    pub fn event(&self, event: &Event<'_>) {
        let mut progress = self
            .inner
            .progress
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Progress { phase, done, total } => {
                if let Some(line) = progress.advance(*phase, *done, *total)
                    && self.inner.level >= Level::Normal
                {
                    progress.above(|| write_line(&mut anstream::stderr().lock(), &line));
                }
                return;
            }
            Event::ProgressEnd => return progress.end(),
            event if self.folds(event, &mut progress) => return,
            Event::Waiting(text) if progress.wait(&self.veil().over(text)) => return,
            _ => {}
        }
        if self.inner.level < human::level(event) {
            return;
        }
        let text = match event {
            // A file's own text stays as it is.
            Event::Lines(_) => self.veil().over(&human::narrate(event)),
            _ => self.readable(&human::narrate(event), false),
        };
        let text = match &self.about {
            Some((name, width)) => human::beside(name, *width, &text),
            None => text,
        };
        // What belongs into a group goes the same way as the group's begin and end.
        match self.section().is_some() {
            true => write_line(&mut anstream::stdout().lock(), &text),
            false => progress.above(|| write_line(&mut anstream::stderr().lock(), &text)),
        }
        if self.inner.format == Format::Github
            && let Some(command) = github::command(event, self.environment())
        {
            self.tell(&command);
        }
    }

    /// Prints the result.
    pub fn result(&self, report: &impl Report) {
        self.finish();
        match self.inner.format {
            Format::Json => self.say_result(&json::document(report)),
            Format::Human => self.say_result(&report.human()),
            Format::Github => {
                self.say_result(&report.human());
                self.for_the_runner(report);
            }
        }
    }

    /// Outputs and summary of the step.
    fn for_the_runner(&self, report: &impl Report) {
        let RunnerFiles { outputs, summary } = &self.inner.runner;
        if let Some(path) = outputs {
            github::append_outputs(path, &report.step_outputs());
        }
        if let (Some(path), Some(text)) = (summary, report.summary()) {
            github::append(path, &self.readable(&text, false));
        }
    }

    fn say_result(&self, text: &str) {
        if text.is_empty() {
            return;
        }
        let mut stdout = anstream::stdout().lock();
        let text = self.readable(text, self.is_json());
        match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
            // Who reads has heard enough.
            Err(why) if why.kind() == ErrorKind::BrokenPipe => {}
            Err(_) => self.inner.lost.store(true, Ordering::Relaxed),
            Ok(()) => {}
        }
    }

    /// Whether a result could not be written: a full disk, a closed stdout.
    #[must_use]
    pub fn has_lost(&self) -> bool {
        self.inner.lost.load(Ordering::Relaxed)
    }

    /// Prints what went wrong to stderr, and as an annotation for GitHub.
    pub fn problem(&self, error: &Error) {
        self.finish();
        let text = self.readable(&human::problem(error, self.environment()), false);
        write_line(&mut anstream::stderr().lock(), &text);
        self.annotate(error);
    }

    /// Makes the problems annotations, under GitHub Actions.
    pub fn annotate(&self, error: &Error) {
        if self.inner.format == Format::Github {
            for problem in error.problems() {
                let text = human::of(self.environment(), problem.message());
                let command = github::annotation("error", "beanship", &text);
                self.tell(&command);
            }
        }
    }

    /// Prints what went wrong where a command has no report of its own.
    pub fn failure(&self, error: &Error) {
        self.problem(error);
        if self.inner.format == Format::Json {
            self.document_of(error);
        }
    }

    /// Prints the JSON document of an error that was told already.
    pub fn document_of(&self, error: &Error) {
        self.tell(&json::failure(error));
    }

    /// Prints a text on stdout in place of what stands on the terminal; elsewhere below it.
    ///
    /// # Errors
    /// What the operating system says; a closed pipe among it.
    pub fn repaint(&self, text: &str) -> std::io::Result<()> {
        self.finish();
        let mut stdout = anstream::stdout().lock();
        if std::io::stdout().is_terminal() {
            // Home, and clear from there: unlike clearing first, this does not flicker.
            write!(stdout, "\x1b[H\x1b[J")?;
        }
        writeln!(stdout, "{}", self.readable(text, false))?;
        stdout.flush()
    }

    /// Writes bytes to stdout as they are (the bundle, a completion script).
    ///
    /// # Errors
    /// What the operating system says; a closed pipe among it.
    pub fn raw(&self, bytes: &mut impl std::io::Read) -> std::io::Result<u64> {
        self.finish();
        std::io::copy(bytes, &mut std::io::stdout().lock())
    }

    /// Stdout for bytes as they are, where they come one after the other (a bundle).
    pub fn sink(&self) -> impl std::io::Write + Send + use<> {
        std::io::stdout()
    }

    /// Prints a line of a result that grows.
    pub fn line(&self, text: &str) {
        self.tell(text);
    }

    /// Ends what is shown in place, and the open section.
    fn finish(&self) {
        self.inner
            .progress
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .end();
        self.end_section();
    }
}

/// Writes a line. Nobody can be told when that fails (a closed pipe), so that is not an error.
fn write_line(to: &mut impl Write, text: &str) {
    let _ = writeln!(to, "{text}").and_then(|()| to.flush());
}
