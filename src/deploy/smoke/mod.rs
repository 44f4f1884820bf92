//! The smoke check: what the project file says must hold once an update is done. It asks the
//! environment over HTTP, runs a command, or both, within the deploy's own time; where it fails,
//! the deploy has failed.

mod command;
mod http;
mod judge;
mod report;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Serialize, Serializer};

use super::outcome::Outcome;
use super::report::DeployReport;
use super::steps::World;
use crate::config::SmokeConfig;
use crate::output::Event;
use crate::settings::duration;

pub use judge::Answer;
pub use report::SmokeReport;

/// What is checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Smoke {
    /// What is asked over HTTP.
    pub http: Option<HttpCheck>,
    /// The command that is run, after that.
    pub command: Option<CommandCheck>,
    /// Whether the flag says not to.
    #[serde(skip)]
    pub skipped: bool,
}

/// A request and the answer that it must get.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HttpCheck {
    /// Where to ask instead of the environment's own address.
    pub url: Option<String>,
    /// The path, with its query.
    #[serde(serialize_with = "redacted")]
    pub path: Option<String>,
    /// The statuses that are good.
    pub status: Vec<u16>,
    /// What the body must contain.
    pub contains: Option<String>,
    /// How often to ask again.
    pub retries: u32,
    /// How long to wait before asking again.
    #[serde(serialize_with = "in_words")]
    pub interval: Duration,
    /// How long one request may take, with its redirects.
    #[serde(serialize_with = "in_words")]
    pub timeout: Duration,
}

/// A command that must exit with 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CommandCheck {
    /// The line for the shell.
    #[serde(serialize_with = "redacted_line")]
    pub line: String,
    /// Where it is run.
    pub directory: PathBuf,
    /// How long it may take.
    #[serde(serialize_with = "in_words")]
    pub timeout: Duration,
}

fn in_words<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&duration::words(*time))
}

/// What may hold a secret is shown without it.
fn redacted<S: Serializer>(text: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    text.as_deref().map(judge::shown).serialize(serializer)
}

fn redacted_line<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&judge::shown(text))
}

/// What is checked about.
#[derive(Debug, Clone, Copy)]
struct Subject<'a> {
    environment: &'a str,
    label: &'a str,
    /// The check's own address, else the environment's.
    url: Option<&'a str>,
    /// The embedded AWS, where the environment is one of its.
    sandbox: Option<&'a str>,
}

impl Smoke {
    /// What the project file says; commands are run in `root`.
    #[must_use]
    pub fn of(config: &SmokeConfig, root: &Path, skipped: bool) -> Self {
        let command = config.command.as_ref().map(|line| CommandCheck {
            line: line.clone(),
            directory: root.to_owned(),
            timeout: config.command_timeout.unwrap_or(Duration::from_secs(120)),
        });
        Self {
            http: config.asks().then(|| HttpCheck::of(config)),
            command,
            skipped,
        }
    }
}

impl HttpCheck {
    fn of(config: &SmokeConfig) -> Self {
        let statuses = config.status.as_ref().map(|statuses| statuses.0.clone());
        Self {
            url: config.url.clone(),
            path: config.path.clone(),
            status: statuses.unwrap_or_else(|| vec![200]),
            contains: config.contains.clone(),
            retries: config.retries.unwrap_or(5),
            interval: config.interval.unwrap_or(Duration::from_secs(5)),
            timeout: config.timeout.unwrap_or(Duration::from_secs(10)),
        }
    }

    /// In the sandbox, the environment answers in place of whatever is not on this machine.
    fn inside(&self, world: &World) -> Self {
        let mut inside = self.clone();
        let is_outside = |url: &String| !url::Url::parse(url).is_ok_and(|url| http::is_here(&url));
        if let Some(url) = inside.url.take_if(|url| is_outside(url)) {
            let text = format!(
                "in the sandbox, the environment answers the smoke check in place of {url}"
            );
            world.out.event(&Event::Note(&text));
        }
        inside
    }
}

/// Checks an update that went well, or that was not needed, and notes in the report how that
/// ended: what was a success may be a failure now. Until it is known, the report is not settled.
/// Takes no longer than the deploy's own time.
pub async fn check(world: &World, smoke: Option<&Smoke>, report: &mut DeployReport) {
    let went_well = match report.outcome {
        Outcome::Succeeded | Outcome::SucceededWithWarnings => report.is_settled(),
        outcome => outcome == Outcome::Unchanged,
    };
    let (Some(smoke), true) = (smoke, went_well) else {
        return;
    };
    if smoke.skipped {
        report.smoke = Some(SmokeReport::skipped());
        return;
    }
    let why = report.unsettle();
    let sandbox = world.aws.sandbox.as_deref();
    let mut http = smoke.http.clone();
    if sandbox.is_some() {
        http = http.map(|check| check.inside(world));
    }
    let seen = report.seen.environment.as_ref();
    let own = seen.map_or_else(|| report.url.clone(), |environment| environment.url.clone());
    let url = http.as_ref().and_then(|check| check.url.clone()).or(own);
    let environment = report.environment.clone().unwrap_or_default();
    let label = report.version_label.clone();
    let subject = Subject {
        environment: &environment,
        label: label.as_deref().unwrap_or_default(),
        url: url.as_deref(),
        sandbox,
    };
    let told = report.smoke.insert(SmokeReport::default());
    let begun = Instant::now();
    let mut result = Ok(());
    if let Some(check) = &http {
        result = ask(world, check, &subject, told).await;
    }
    if let (Ok(()), Some(check)) = (&result, &smoke.command) {
        result = command(world, check, &subject, told).await;
    }
    told.end(&result, begun.elapsed());
    match result {
        Ok(()) => {
            let what = format!("Smoke check passed: {}", told.words());
            world.out.event(&Event::Done(&what, begun.elapsed()));
            let why = why.map(|why| format!("{why}, smoke check passed"));
            report.settle(report.outcome, why);
        }
        Err(failure) => {
            let why = if report.outcome == Outcome::Unchanged {
                report.call("smoke check");
                format!("{failure}; nothing was deployed: this bundle runs already")
            } else {
                format!("the smoke check failed: {failure}")
            };
            report.settle(Outcome::Failed, Some(why));
        }
    }
}

/// Asks until the answer is good, as often as the check allows.
async fn ask(
    world: &World,
    check: &HttpCheck,
    subject: &Subject<'_>,
    told: &mut SmokeReport,
) -> Result<(), String> {
    let address = check.address(subject.url)?;
    let shown = judge::shown(address.as_str());
    told.url = Some(shown.clone());
    if subject.sandbox.is_none() {
        told.hint = Some(format!("ask it yourself: `curl -i '{shown}'`"));
    }
    let attempts = check.retries.saturating_add(1);
    loop {
        let patience = check.timeout.min(left(world));
        if patience.is_zero() {
            let before = told.reason.take().unwrap_or_else(|| "was not asked".into());
            return Err(format!("GET {shown} {before}; the deploy's time is up"));
        }
        told.attempts += 1;
        let answer = follow(check, &address, subject.sandbox, told);
        let failure = match tokio::time::timeout(patience, answer).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(failure)) => failure,
            Err(_) => format!("gave no answer within {}", duration::words(patience)),
        };
        if told.attempts >= attempts {
            let times = match told.attempts {
                1 => String::new(),
                count => format!(" ({count} attempts)"),
            };
            return Err(format!("GET {shown}{times} {failure}"));
        }
        let briefly = failure.split("; the body").next().unwrap_or_default();
        let text = format!(
            "{}: the smoke check {briefly}; attempt {} of {attempts} follows in {}",
            subject.environment,
            told.attempts + 1,
            duration::words(check.interval)
        );
        world.out.event(&Event::Waiting(&text));
        told.reason = Some(failure);
        tokio::time::sleep(check.interval.min(left(world))).await;
    }
}

/// One attempt, redirects included.
async fn follow(
    check: &HttpCheck,
    address: &url::Url,
    sandbox: Option<&str>,
    told: &mut SmokeReport,
) -> Result<(), String> {
    told.status = None;
    let mut at = address.clone();
    for redirects in 0.. {
        let via = |why: String| match redirects {
            0 => why,
            _ => format!("led to {}, which {why}", judge::shown(at.as_str())),
        };
        let answer = http::get(&at, sandbox).await.map_err(via)?;
        told.status = Some(answer.status);
        match check.follows(&answer, &at, redirects).map_err(via)? {
            Some(next) => at = next,
            None => return check.judge(&answer).map_err(via),
        }
    }
    unreachable!("redirects are counted")
}

/// Runs the command.
async fn command(
    world: &World,
    check: &CommandCheck,
    subject: &Subject<'_>,
    told: &mut SmokeReport,
) -> Result<(), String> {
    let line = judge::shown(&check.line);
    told.command = Some(line.clone());
    let patience = check.timeout.min(left(world));
    if patience.is_zero() {
        return Err(format!("`{line}` was not run: the deploy's time is up"));
    }
    let begun = Instant::now();
    let tell = || {
        let took = duration::words(begun.elapsed());
        let text = format!(
            "{}: smoke check, `{line}` runs ({took})",
            subject.environment
        );
        world.out.event(&Event::Waiting(&text));
    };
    let ended = command::run(check, subject, begun + patience, tell).await;
    let ended = ended.map_err(|why| format!("`{line}` {why}"))?;
    told.exit_code = ended.status.and_then(|status| status.code());
    let failure = match ended.status {
        Some(status) if status.success() => return Ok(()),
        Some(status) => match status.code() {
            Some(code) => format!("`{line}` exited with {code}"),
            None => format!("`{line}` was killed by a signal"),
        },
        None => format!("`{line}` did not end within {}", duration::words(patience)),
    };
    told.output = ended.output;
    let lines = told.output_shown();
    if !lines.is_empty() {
        world.out.event(&Event::Explanation(&lines));
    }
    Err(match told.output.last() {
        Some(last) => format!("{failure}: {last}"),
        None => failure,
    })
}

/// What is left of the deploy's time.
fn left(world: &World) -> Duration {
    world.deadline.saturating_duration_since(Instant::now())
}
