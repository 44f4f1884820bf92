//! Running the user's own `docker`: its lines are told as they come, and the last of them are kept
//! for when it fails.

use std::collections::VecDeque;
use std::path::Path;
use std::process::Stdio;

use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader};
use tokio::process::Command;
use tokio::sync::mpsc;

use crate::deploy::explain::redact::Redactor;
use crate::error::{Error, Kind, Result, reason};
use crate::output::{Event, Out};

/// How many of the last lines a failure shows, and how many are kept.
const SHOWN: usize = 20;
const KEPT: usize = 400;

/// The longest line that is kept, in bytes.
const WIDEST: usize = 2000;

/// A run of `docker`.
#[derive(Debug)]
pub struct Run<'a> {
    /// What it is for, as a title: `Building web`.
    pub title: &'a str,
    /// The arguments.
    pub arguments: &'a [String],
    /// What it reads.
    pub stdin: Option<&'a SecretString>,
    /// Where it runs.
    pub directory: &'a Path,
}

impl Run<'_> {
    /// Runs it to its end and returns its last lines. Dropping the future stops it.
    ///
    /// # Errors
    /// [`Kind::Build`] with its last lines.
    pub async fn go(&self, out: &Out) -> Result<Vec<String>> {
        let mut child = Command::new("docker")
            .args(self.arguments)
            .current_dir(self.directory)
            .stdin(match self.stdin {
                Some(_) => Stdio::piped(),
                None => Stdio::null(),
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|why| missing(&why))?;
        if let (Some(mut stdin), Some(text)) = (child.stdin.take(), self.stdin) {
            // One that ends before it has read everything says why itself.
            let _ = stdin.write_all(text.expose_secret().as_bytes()).await;
        }
        let (sender, mut lines) = mpsc::channel(64);
        if let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) {
            tokio::spawn(forward(stdout, sender.clone()));
            tokio::spawn(forward(stderr, sender));
        }
        out.event(&Event::Group(self.title));
        let mut last = VecDeque::new();
        while let Some(line) = lines.recv().await {
            out.event(&Event::GroupLine(&line));
            if last.len() == KEPT {
                last.pop_front();
            }
            last.push_back(line);
        }
        out.event(&Event::GroupEnd);
        let status = child.wait().await;
        let status = status.map_err(|why| missing(&why))?;
        let last: Vec<String> = last.into();
        match status.success() {
            true => Ok(last),
            false => Err(self.failed(&status.to_string(), &last)),
        }
    }

    fn failed(&self, status: &str, last: &[String]) -> Error {
        let last = &last[last.len().saturating_sub(SHOWN)..];
        let lines: Vec<String> = last.iter().map(|line| format!("  | {line}")).collect();
        let verb = self.arguments.first().map_or("", String::as_str);
        let title = self.title.to_lowercase();
        let error = Error::new(
            Kind::Build,
            format!("{title} failed: `docker {verb}` ended with {status}"),
        );
        let error = match lines.is_empty() {
            true => error,
            false => error.excerpt(lines.join("\n")),
        };
        error.hint("see all of its output with `-v`")
    }
}

/// Whether `docker` runs and knows this command.
pub async fn knows(arguments: &[&str]) -> bool {
    let status = Command::new("docker")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .status()
        .await;
    status.is_ok_and(|status| status.success())
}

fn missing(why: &std::io::Error) -> Error {
    let why = match why.kind() {
        std::io::ErrorKind::NotFound => "it is not installed".to_owned(),
        _ => reason(why),
    };
    Error::new(Kind::Build, format!("docker cannot be run: {why}"))
        .hint("install Docker, and try it with `docker version`")
}

/// Sends a stream's lines, fit to be shown. A carriage return ends a line too: that is how
/// progress is drawn.
async fn forward(from: impl AsyncRead + Unpin, to: mpsc::Sender<String>) {
    let mut reader = BufReader::new(from);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        match reader.read_until(b'\n', &mut bytes).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(WIDEST)]);
        let text = text.trim_end().rsplit('\r').next().unwrap_or_default();
        if text.is_empty() {
            continue;
        }
        let shown = Redactor::lines(&[text.to_owned()]);
        for line in shown {
            // Nobody listens any more.
            if to.send(line).await.is_err() {
                return;
            }
        }
    }
}
