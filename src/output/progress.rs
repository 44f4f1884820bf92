//! What moves on a terminal: a bar for local work, one line for what is being waited for.
//! Without a terminal: nothing for the bar, and a line now and then while waiting.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

use super::{Level, Phase};

/// The longest silence while something is being waited for.
const SILENCE: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub(super) struct Progress {
    shown: bool,
    bar: Option<(Option<Phase>, ProgressBar)>,
    last_line: Instant,
}

impl Progress {
    pub(super) fn new(level: Level) -> Self {
        let shown = level > Level::Quiet && std::io::stderr().is_terminal();
        Self {
            shown,
            bar: None,
            last_line: Instant::now(),
        }
    }

    /// Shows how far local work is. Without a terminal the answer is a line to print, now and
    /// then.
    pub(super) fn advance(&mut self, phase: Phase, done: u64, total: u64) -> Option<String> {
        if !self.shown {
            if self.last_line.elapsed() < SILENCE {
                return None;
            }
            let (done, total) = (HumanBytes(done), HumanBytes(total));
            return Some(format!("... {} {done} of {total}", word(phase)));
        }
        let bar = self.bar(Some(phase), || {
            let bar = ProgressBar::new(total);
            bar.set_style(style(
                "  {msg:9} {bar:24} {bytes}/{total_bytes}  {bytes_per_sec}  {eta}",
            ));
            bar.set_message(word(phase));
            bar
        });
        bar.set_length(total);
        bar.set_position(done.max(bar.position()));
        None
    }

    /// Shows what is being waited for. Returns whether that is all there is to do: always on a
    /// terminal, elsewhere while the last line is not long ago.
    pub(super) fn wait(&mut self, text: &str) -> bool {
        if !self.shown {
            return self.last_line.elapsed() < SILENCE;
        }
        let bar = self.bar(None, || {
            let bar = ProgressBar::new_spinner();
            bar.set_style(style("  {spinner} {wide_msg}"));
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        bar.set_message(text.to_owned());
        true
    }

    /// Prints something above whatever moves.
    pub(super) fn above(&mut self, print: impl FnOnce()) {
        self.last_line = Instant::now();
        match &self.bar {
            Some((_, bar)) => bar.suspend(print),
            None => print(),
        }
    }

    /// Takes away what moves.
    pub(super) fn end(&mut self) {
        if let Some((_, bar)) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn bar(&mut self, phase: Option<Phase>, make: impl FnOnce() -> ProgressBar) -> &ProgressBar {
        if self
            .bar
            .as_ref()
            .is_some_and(|(current, _)| *current != phase)
        {
            self.end();
        }
        let (_, bar) = self.bar.get_or_insert_with(|| (phase, make()));
        bar
    }
}

fn word(phase: Phase) -> &'static str {
    match phase {
        Phase::Bundle => "bundling",
        Phase::Upload => "uploading",
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
