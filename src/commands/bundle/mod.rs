//! `beanship bundle`: the source bundle without AWS; also the first stage of a deploy.

mod job;
mod keep;

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::bundle::{self, Fate, Why};
use crate::cli::BundleArgs;
use crate::error::{Error, Exit, Kind, Result};
use crate::output::{Report, bytes, counted, table};

use super::Context;
use super::images::{Ask, pin};
pub(super) use job::{Bundled, Job};

/// Runs the command.
///
/// # Errors
/// As bundling, and for an output file that cannot be written.
pub async fn run(cx: &Context, args: &BundleArgs) -> Result<Exit> {
    let key = match cx.settings.wanted(args.env.as_deref()) {
        Some(wanted) if !cx.settings.config.environments.is_empty() => {
            cx.settings.target(None, Some(wanted), None)?.key
        }
        _ => None,
    };
    let mut job = Job::new(cx, &[key.as_deref()], args.out.as_deref());
    if let Some(path) = &args.why {
        return why(cx, &job, path);
    }
    if args.list {
        return list(cx, &job);
    }
    let ask = Ask {
        allow_unpinned: args.allow_unpinned,
        ..Ask::default()
    };
    pin(cx, &mut job, &[key.as_deref()], ask).await?;
    let folder = match args.out {
        Some(_) => None,
        None => Some(cx.make_own_folder()?),
    };
    let (out, path) = (cx.out.clone(), args.out.clone());
    let made = tokio::task::spawn_blocking(move || match (path, folder) {
        (Some(path), _) if path == Path::new("-") => keep::stream(&job, &out).map(|()| None),
        (Some(path), _) => keep::write(&job, &path, &out).map(Some),
        (None, folder) => {
            let path = folder.unwrap_or_default().join("bundle.zip");
            keep::write(&job, &path, &out).map(Some)
        }
    });
    if let Some(made) = made.await.map_err(|why| stopped(&why))?? {
        cx.out.result(&made);
    }
    Ok(Exit::Done)
}

/// The error of a task that did not end by itself.
pub(super) fn stopped(why: &tokio::task::JoinError) -> Error {
    Error::new(Kind::Bundle, format!("the bundle was not finished: {why}"))
}

#[derive(Debug, Serialize)]
struct Listing {
    files: Vec<Listed>,
    left_out: Vec<Left>,
    bytes: u64,
}

#[derive(Debug, Serialize)]
struct Listed {
    path: String,
    bytes: u64,
    mode: String,
}

#[derive(Debug, Serialize)]
struct Left {
    path: String,
    why: Why,
    #[serde(skip)]
    words: String,
}

fn list(cx: &Context, job: &Job) -> Result<Exit> {
    let selection = job.select(&cx.out)?;
    let listed = |entry: &bundle::Entry| Listed {
        path: entry.name().to_owned(),
        bytes: entry.bytes(),
        mode: format!("{:o}", entry.mode()),
    };
    let left = |left: &bundle::LeftOut| Left {
        path: left.path.clone(),
        why: left.why.clone(),
        words: left.why.to_string(),
    };
    cx.out.result(&Listing {
        files: selection.entries().iter().map(listed).collect(),
        left_out: selection.left_out().iter().map(left).collect(),
        bytes: selection.total_bytes(),
    });
    Ok(Exit::Done)
}

impl Report for Listing {
    fn human(&self) -> String {
        let files: Vec<[String; 2]> = self
            .files
            .iter()
            .map(|file| [file.path.clone(), bytes(file.bytes)])
            .collect();
        let mut text = table(["GOES IN", "SIZE"], &files);
        if !self.left_out.is_empty() {
            let left: Vec<[String; 2]> = self
                .left_out
                .iter()
                .map(|left| [left.path.clone(), left.words.clone()])
                .collect();
            text.push_str(&format!("\n\n{}", table(["STAYS OUT", "WHY"], &left)));
        }
        let (files, size) = (counted(self.files.len(), "file"), bytes(self.bytes));
        text.push_str(&format!("\n\n{files}, {size} before compression"));
        text
    }
}

#[derive(Debug, Serialize)]
struct Explanation {
    path: PathBuf,
    included: bool,
    why: String,
}

impl Report for Explanation {
    fn human(&self) -> String {
        format!("{} {}", self.path.display(), self.why)
    }
}

fn why(cx: &Context, job: &Job, path: &Path) -> Result<Exit> {
    let selection = job.select(&cx.out)?;
    let fate = selection.why(path);
    cx.out.result(&Explanation {
        path: path.to_path_buf(),
        included: matches!(fate, Fate::In(_) | Fate::Directory(_)),
        why: fate.to_string(),
    });
    Ok(Exit::Done)
}
