//! The command of a smoke check: a line for the shell, in the project's directory, for a bounded
//! time.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::super::explain::redact::Redactor;
use super::{CommandCheck, Subject};

/// How often to look whether it has ended.
const BREATH: Duration = Duration::from_millis(50);

/// How much of the end of its output is read, and how many lines of that are shown.
const TAIL: u64 = 64 * 1024;
const LINES: usize = 20;

/// How a command ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// None where it was stopped.
    pub(super) status: Option<ExitStatus>,
    /// The last lines of what it wrote.
    pub(super) output: Vec<String>,
}

/// Runs the command until it ends or the deadline comes; `tell` is called now and then.
///
/// # Errors
/// Why it cannot be run.
pub(super) async fn run(
    check: &CommandCheck,
    subject: &Subject<'_>,
    deadline: Instant,
    tell: impl Fn(),
) -> Result<Ended, String> {
    let cannot = |why: std::io::Error| format!("cannot be run: {}", crate::error::reason(&why));
    // A file and not a pipe: what the command leaves running cannot hold us up.
    let mut output = tempfile::tempfile().map_err(cannot)?;
    let mut command = shell(&check.line);
    command
        .current_dir(&check.directory)
        .env("BEANSHIP_ENVIRONMENT", subject.environment)
        .env("BEANSHIP_VERSION_LABEL", subject.label)
        .env_remove("BEANSHIP_URL")
        .envs(subject.url.map(|url| ("BEANSHIP_URL", url)))
        .stdin(Stdio::null())
        .stdout(output.try_clone().map_err(cannot)?)
        .stderr(output.try_clone().map_err(cannot)?);
    if let Some(endpoint) = subject.sandbox {
        // So that `curl "$BEANSHIP_URL"` reaches the sandbox as well.
        command
            .env("http_proxy", endpoint)
            .env("no_proxy", "localhost,127.0.0.1,::1");
    }
    let mut running = Running(command.spawn().map_err(cannot)?);
    let begun = Instant::now();
    let mut told = begun;
    let status = loop {
        if let Some(status) = running.0.try_wait().map_err(cannot)? {
            break Some(status);
        }
        if Instant::now() >= deadline {
            break None;
        }
        if told.elapsed() >= Duration::from_secs(3) {
            told = Instant::now();
            tell();
        }
        tokio::time::sleep(BREATH).await;
    };
    drop(running);
    Ok(Ended {
        status,
        output: last_lines(&mut output).unwrap_or_default(),
    })
}

#[cfg(not(windows))]
fn shell(line: &str) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(line);
    // A group of its own, so that it can be stopped with everything that it has started.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command
}

#[cfg(windows)]
fn shell(line: &str) -> Command {
    let mut command = Command::new("cmd");
    // As it is: quoting is the shell's own matter.
    std::os::windows::process::CommandExt::raw_arg(command.arg("/C"), line);
    command
}

/// A command that does not outlive this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        if !matches!(self.0.try_wait(), Ok(None)) {
            return;
        }
        // That it has ended meanwhile is all that can go wrong.
        #[cfg(unix)]
        if let Some(group) = i32::try_from(self.0.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw)
        {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The end of the output, fit to be shown.
fn last_lines(output: &mut File) -> std::io::Result<Vec<String>> {
    let size = output.seek(SeekFrom::End(0))?;
    output.seek(SeekFrom::Start(size.saturating_sub(TAIL)))?;
    let mut bytes = Vec::new();
    output.take(TAIL).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut shown = Redactor::lines(&lines);
    shown.retain(|line| !line.trim().is_empty());
    Ok(shown.split_off(shown.len().saturating_sub(LINES)))
}
