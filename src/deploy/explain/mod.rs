//! Why a deploy failed: which instances, their causes, and the lines that matter out of their
//! logs. What cannot be found out is a remark, never an error: the outcome stands already.

mod advice;
pub mod causes;
pub mod extract;
pub mod keep;
mod known;
pub mod redact;
pub mod sections;
pub mod tail;
mod words;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use jiff::Timestamp;
use serde::Serialize;

use crate::aws::Aws;
use crate::error::{Error, Kind, Result};
use crate::output::Out;

use super::environment::{self, Instance, Instances};
use super::events::Event;
use super::outcome::Outcome;
use causes::Cause;
use extract::Excerpt;
use redact::Redactor;
use sections::Section;
use tail::{Extent, Sample};

/// Less time than this is not enough to fetch logs.
const TOO_SHORT: Duration = Duration::from_secs(1);
/// The share of the patience that may go by before the logs are asked for.
const FIRST_LOOK: Duration = Duration::from_secs(8);
/// From how many instances logs are read.
const INSTANCES: usize = 10;

/// What a failed deploy is explained from.
#[derive(Debug)]
pub struct Case<'a> {
    /// The clients.
    pub aws: &'a Aws,
    /// The environment's name.
    pub environment: &'a str,
    /// The events since the update was asked for, oldest first.
    pub events: &'a [Event],
    /// The label that was wanted.
    pub wanted: &'a str,
    /// Where whole logs are kept: the project's `.beanship/logs`.
    pub folder: &'a Path,
    /// What knows the values that nobody may read.
    pub out: &'a Out,
    /// When the deploy's time is up.
    pub deadline: Instant,
}

/// Why a deploy failed, as far as it can be found out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The error events of the update.
    pub errors: Vec<Event>,
    /// The instances that are not well, or not on the version.
    pub instances: Vec<Instance>,
    /// Known causes that were found.
    pub causes: Vec<Cause>,
    /// The lines that matter.
    pub excerpts: Vec<Excerpt>,
    /// The files with the whole logs.
    pub logs: Vec<PathBuf>,
    /// What could not be found out, and why.
    pub remarks: Vec<String>,
}

/// The tail of one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tail {
    /// The EC2 id.
    pub instance: String,
    /// When it was taken.
    pub at: Timestamp,
    /// Its files.
    pub sections: Vec<Section>,
    /// Where the whole of it is kept, if it is; or why it could not be.
    pub saved: Option<std::result::Result<PathBuf, String>>,
}

/// Which tails are asked for.
#[derive(Debug, Clone, Copy)]
pub struct Fetch<'a> {
    /// The clients.
    pub aws: &'a Aws,
    /// The environment's name.
    pub environment: &'a str,
    /// The number of its instances, where it is known.
    pub expected: Option<usize>,
    /// Only this instance.
    pub only: Option<&'a str>,
    /// How long it may take.
    pub patience: Duration,
    /// Where to keep them whole.
    pub keep: Option<(&'a Path, &'a Out)>,
}

/// Whether an outcome calls for an explanation.
#[must_use]
pub fn is_called_for(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Failed | Outcome::RolledBack | Outcome::Aborted
    )
}

/// Finds out why a deploy failed. Takes at most [`tail::PATIENCE`], and no longer than the
/// deploy's own time.
pub async fn explain(case: &Case<'_>) -> Explanation {
    let left = case.deadline.saturating_duration_since(Instant::now());
    let patience = tail::PATIENCE.min(left);
    let mut explanation = Explanation {
        errors: case
            .events
            .iter()
            .filter(|event| event.is_error())
            .cloned()
            .collect(),
        ..Explanation::default()
    };
    let mut tails = Vec::new();
    if patience < TOO_SHORT {
        let text = format!(
            "no time is left to fetch them; see them with `beanship logs --env {}`",
            case.environment
        );
        explanation.remarks.push(not_shown(&text));
    } else {
        tails = look(case, patience, &mut explanation).await;
    }
    let since = case.events.first().map(|event| event.time);
    explanation.add(case, &tails, since);
    explanation
}

/// Asks for the instances and their logs.
async fn look(case: &Case<'_>, patience: Duration, explanation: &mut Explanation) -> Vec<Tail> {
    let begun = Instant::now();
    let asked = environment::instances(case.aws, case.environment);
    let mut expected = None;
    match tokio::time::timeout(FIRST_LOOK.min(patience), asked).await {
        Ok(Ok(Instances::Known(all))) => {
            expected = Some(all.len());
            explanation.instances = all
                .into_iter()
                .filter(|instance| !is_well(instance, case.wanted))
                .collect();
        }
        Ok(Ok(Instances::NotTold(why))) => {
            explanation
                .remarks
                .push(format!("which instances failed is not shown: {why}"));
        }
        Ok(Err(error)) => {
            explanation
                .remarks
                .push(format!("which instances failed is not shown: {error}"));
        }
        Err(_) => explanation
            .remarks
            .push("which instances failed is not shown: AWS does not answer".into()),
    }
    if expected == Some(0) {
        explanation
            .remarks
            .push(not_shown("there are no instances"));
        return Vec::new();
    }
    let fetch = Fetch {
        aws: case.aws,
        environment: case.environment,
        expected,
        only: None,
        patience: patience.saturating_sub(begun.elapsed()),
        keep: Some((&case.folder.join(case.environment), case.out)),
    };
    match tails(&fetch).await {
        Ok((tails, remarks)) => {
            explanation.remarks.extend(remarks);
            tails
        }
        Err(error) => {
            explanation.remarks.push(not_shown(&why(&error)));
            Vec::new()
        }
    }
}

/// The tails of an environment's instances, or of one of them; each is kept whole. What could not
/// be fetched is told beside them.
///
/// # Errors
/// What AWS says, where no log could be asked for at all.
pub async fn tails(fetch: &Fetch<'_>) -> Result<(Vec<Tail>, Vec<String>)> {
    let begun = Instant::now();
    let (aws, patience) = (fetch.aws, fetch.patience);
    let samples = tail::request(
        aws,
        fetch.environment,
        Extent::Tail,
        fetch.expected,
        patience,
    )
    .await?;
    if samples.is_empty() {
        return Ok((Vec::new(), vec![not_shown("no instance has sent any")]));
    }
    let wanted = |sample: &&Sample| fetch.only.is_none_or(|only| sample.instance == only);
    let samples: Vec<&Sample> = samples.iter().filter(wanted).collect();
    let mut remarks = Vec::new();
    if samples.len() > INSTANCES {
        remarks.push(format!(
            "only the logs of {INSTANCES} of {} instances are read",
            samples.len()
        ));
    }
    let left = patience.saturating_sub(begun.elapsed()).max(TOO_SHORT);
    let download = |sample: &'_ Sample| {
        let sample = sample.clone();
        async move {
            let text = tokio::time::timeout(left, sample.text()).await;
            (sample, text)
        }
    };
    let downloads = samples.into_iter().take(INSTANCES).map(download);
    let mut tails = Vec::new();
    for (sample, text) in join_all(downloads).await {
        match text {
            Ok(Ok(text)) => tails.push(take(sample, &text, fetch.keep)),
            Ok(Err(error)) => remarks.push(format!("{}: {error}", sample.instance)),
            Err(_) => remarks.push(format!("{}: the log did not come in time", sample.instance)),
        }
    }
    Ok((tails, remarks))
}

/// Splits a tail, and keeps it whole but for what nobody may read.
fn take(sample: Sample, text: &str, keep: Option<(&Path, &Out)>) -> Tail {
    let save = |(folder, out): (&Path, &Out)| {
        let (path, mut file) = keep::create(folder, sample.at, &sample.instance, "log")?;
        let text = Redactor::text(&out.without_hidden(text));
        file.write_all(text.as_bytes())
            .map_err(|why| Error::io("write", &path, &why))?;
        Ok(path)
    };
    let saved = keep.map(save);
    Tail {
        sections: sections::split(text),
        saved: saved.map(|saved| saved.map_err(|error: Error| error.message().to_owned())),
        instance: sample.instance,
        at: sample.at,
    }
}

/// Whether an instance runs the version and is healthy, as far as is known.
fn is_well(instance: &Instance, wanted: &str) -> bool {
    let healthy = !matches!(
        instance.health.as_deref(),
        Some("Warning" | "Degraded" | "Severe")
    );
    healthy && instance.runs(wanted)
}

/// One line of information for logs that are not there.
fn not_shown(why: &str) -> String {
    format!("the instances' logs are not shown: {why}")
}

/// Why logs cannot be fetched, in one line.
fn why(error: &Error) -> String {
    match (error.kind(), error.hints().first()) {
        (Kind::Denied | Kind::Timeout, Some(hint)) => format!("{}; {hint}", error.message()),
        _ => error.message().to_owned(),
    }
}

impl Explanation {
    /// Adds what the logs say.
    fn add(&mut self, case: &Case<'_>, tails: &[Tail], since: Option<Timestamp>) {
        let failed: BTreeSet<&str> = self.instances.iter().map(|i| i.id.as_str()).collect();
        let mut tails: Vec<&Tail> = tails.iter().collect();
        tails.sort_by_key(|tail| !failed.contains(tail.instance.as_str()));
        let excerpts = |tail: &&Tail| extract::excerpts(&tail.instance, &tail.sections, since);
        let found: Vec<Excerpt> = tails.iter().flat_map(excerpts).collect();
        let telling = tails
            .iter()
            .flat_map(|tail| &tail.sections)
            .filter(|section| extract::is_telling(section))
            .flat_map(|section| extract::recent(&section.lines, since))
            .chain(found.iter().flat_map(|excerpt| &excerpt.lines))
            .chain(case.events.iter().map(|event| &event.message))
            .chain(self.instances.iter().flat_map(|instance| &instance.causes));
        self.causes = causes::of(case.environment, telling.map(String::as_str));
        self.excerpts = extract::together(found);
        for tail in tails {
            match &tail.saved {
                Some(Ok(path)) => self.logs.push(path.clone()),
                Some(Err(why)) => {
                    let remark = format!("the whole log is not kept: {why}");
                    self.remarks.push(remark);
                }
                None => {}
            }
        }
    }
}

/// A path as it can be opened from here: relative where it is below the working directory.
#[must_use]
pub fn shown(path: &Path) -> String {
    let here = std::env::current_dir().and_then(|here| here.canonicalize());
    here.ok()
        .and_then(|here| path.strip_prefix(here).ok())
        .unwrap_or(path)
        .display()
        .to_string()
}
