//! What is folded away: the parts of the work, which are GitHub's groups, and the output of other programs.

use std::sync::{MutexGuard, PoisonError};

use super::progress::Progress;
use super::{Event, Level, Out, github, human};
use crate::cli::Format;

impl Out {
    /// Folds the output of another program away: into a group that GitHub shows when asked, else
    /// into the line of what is being waited for. Whether that is all there is to do.
    pub(super) fn folds(&self, event: &Event<'_>, progress: &mut Progress) -> bool {
        let is_github = self.inner.format == Format::Github;
        match event {
            Event::Section(title) => {
                if is_github && self.inner.level > Level::Quiet {
                    self.begin_section(title);
                }
                true
            }
            Event::Group(_) | Event::GroupLine(_) | Event::GroupEnd if is_github => {
                let line = github::command(event, None).unwrap_or_else(|| human::narrate(event));
                if matches!(event, Event::Group(_)) {
                    self.end_section();
                }
                if self.inner.level > Level::Quiet {
                    self.tell(anstream::adapter::strip_str(&line).to_string().as_str());
                }
                true
            }
            Event::GroupLine(text) if self.inner.level < Level::Verbose => {
                progress.wait(&self.veil().over(text))
            }
            Event::GroupEnd => {
                progress.end();
                true
            }
            _ => false,
        }
    }

    pub(super) fn section(&self) -> MutexGuard<'_, Option<String>> {
        self.inner
            .section
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn begin_section(&self, title: &str) {
        if self.section().as_deref() == Some(title) {
            return;
        }
        self.end_section();
        if let Some(command) = github::command(&Event::Group(title), None) {
            self.tell(&command);
        }
        *self.section() = Some(title.to_owned());
    }

    pub(super) fn end_section(&self) {
        if self.section().take().is_some()
            && let Some(command) = github::command(&Event::GroupEnd, None)
        {
            self.tell(&command);
        }
    }
}
