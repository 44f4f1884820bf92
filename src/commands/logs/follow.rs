//! New lines of logs, out of CloudWatch Logs where the environment streams there, else by tails
//! again and again: which lines are new, and under which heading.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::cli::Format;
use crate::deploy::explain::sections::Section;
use crate::error::{Error, Exit, Kind, Result};
use crate::output::Event;

use super::super::signal;
use super::stream::Stream;
use super::{InstanceLogs, Logs, Wish, heading};

/// The pause between two tails: each one makes every instance collect its logs.
const PACE: Duration = Duration::from_secs(10);
/// The pause between two looks at CloudWatch Logs.
const STREAM_PACE: Duration = Duration::from_secs(5);
/// How many lines of each file a follower begins with.
const BEGIN: usize = 10;

/// Prints new lines until Ctrl-C, or an error that will not pass.
pub(super) async fn follow(wish: &Wish<'_>) -> Result<Exit> {
    let mut known = Known::default();
    let out = &wish.cx.out;
    let json = out.format() == Format::Json;
    let rounds = async {
        let mut stream = Stream::open(wish).await;
        loop {
            let (news, pace) = match &mut stream {
                Some(stream) => (stream.news(wish, &mut known).await, STREAM_PACE),
                None => (wish.tail().await.map(|logs| known.news(&logs)), PACE),
            };
            match news {
                Ok(news) if json || out.raw(&mut news.as_bytes()).is_ok() => {}
                Ok(_) => return Ok(Exit::Done),
                Err(error) if stream.is_some() && is_final(&error) => {
                    let text = format!("CloudWatch Logs is not read, tails are instead: {error}");
                    out.event(&Event::Note(&text));
                    stream = None;
                    continue;
                }
                Err(error) if is_final(&error) => return Err(error),
                Err(error) => {
                    let text = format!("no new logs, still trying: {error}");
                    out.event(&Event::Warning(&text));
                }
            }
            tokio::time::sleep(pace).await;
        }
    };
    let end = tokio::select! {
        end = rounds => end,
        () = signal() => Ok(Exit::Done),
    };
    if json {
        out.result(&known.all(&wish.environment));
    }
    end
}

/// An error that the next tail would meet again.
fn is_final(error: &Error) -> bool {
    matches!(error.kind(), Kind::Denied | Kind::Credentials)
}

/// The lines that were printed already.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The last tail of each file.
    tails: BTreeMap<(String, String), Vec<String>>,
    /// Every line since the beginning.
    told: BTreeMap<(String, String), Vec<String>>,
    /// The file of the last line printed.
    last: Option<(String, String)>,
    latest: Option<Timestamp>,
}

impl Known {
    /// The lines that were not there before, with a heading where the file changes.
    fn news(&mut self, logs: &Logs) -> String {
        let first = self.latest.is_none();
        let mut text = String::new();
        for instance in &logs.instances {
            self.latest = self.latest.max(Some(instance.at));
            for file in &instance.files {
                let key = (instance.instance.clone(), file.path.clone());
                let new = match self.tails.get(&key) {
                    Some(old) => fresh(old, &file.lines),
                    None if first => &file.lines[file.lines.len().saturating_sub(BEGIN)..],
                    None => &file.lines[..],
                };
                let new = new.to_vec();
                text.push_str(&self.tell(&key, &new));
                self.tails.insert(key, file.lines.clone());
            }
        }
        text
    }

    /// Some new lines of a file, with a heading where it is another one than before.
    pub(super) fn tell(&mut self, key: &(String, String), lines: &[String]) -> String {
        let mut text = String::new();
        if lines.is_empty() {
            return text;
        }
        if self.last.as_ref() != Some(key) {
            text.push_str(&format!("{}\n", heading(&key.0, &key.1)));
            self.last = Some(key.clone());
        }
        for line in lines {
            text.push_str(&format!("{line}\n"));
        }
        self.told
            .entry(key.clone())
            .or_default()
            .extend_from_slice(lines);
        text
    }

    /// Everything that was told, for machines.
    fn all(self, environment: &str) -> Logs {
        let mut instances: Vec<InstanceLogs> = Vec::new();
        let at = self.latest.unwrap_or_default();
        for ((instance, path), lines) in self.told {
            let file = Section { path, lines };
            match instances.last_mut() {
                Some(last) if last.instance == instance => last.files.push(file),
                _ => instances.push(InstanceLogs {
                    instance,
                    at,
                    files: vec![file],
                }),
            }
        }
        Logs {
            environment: environment.to_owned(),
            instances,
            remarks: Vec::new(),
        }
    }
}

/// The lines of a tail that an older one does not have: a tail is a window that moves down its
/// file. All of them where the windows do not touch.
fn fresh<'a>(old: &[String], new: &'a [String]) -> &'a [String] {
    let overlap = (0..=old.len())
        .map(|start| &old[start..])
        .find(|rest| new.starts_with(rest))
        .map_or(0, <[String]>::len);
    &new[overlap..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_moved_window_gives_out_only_what_is_new() {
        for (old, new, expected) in [
            ("a b c", "a b c", ""),
            ("a b c", "b c d e", "d e"),
            ("a a a", "a a a a", "a"),
            ("a b c", "x y", "x y"),
            ("", "a b", "a b"),
            ("a b", "", ""),
        ] {
            assert_eq!(
                fresh(&lines(old), &lines(new)),
                lines(expected),
                "{old} -> {new}"
            );
        }
    }

    #[test]
    fn a_follower_heads_the_file_only_where_it_changes() {
        let logs = |engine: &str, app: &str| Logs {
            environment: "e".into(),
            instances: vec![InstanceLogs {
                instance: "i-1".into(),
                at: Timestamp::UNIX_EPOCH,
                files: [("engine", engine), ("app", app)]
                    .into_iter()
                    .map(|(path, text)| Section {
                        path: path.into(),
                        lines: lines(text),
                    })
                    .collect(),
            }],
            remarks: Vec::new(),
        };
        let mut known = Known::default();
        let long = "1 2 3 4 5 6 7 8 9 10 11 12";
        let first = known.news(&logs(long, "x"));
        assert!(first.starts_with("==> i-1 engine <==\n3\n"), "{first}");
        assert_eq!(known.news(&logs(long, "x y")), "y\n");
        assert_eq!(known.news(&logs(long, "x y")), "");
        assert_eq!(
            known.news(&logs(&format!("{long} 13"), "x y z")),
            "==> i-1 engine <==\n13\n==> i-1 app <==\nz\n"
        );
        let all = known.all("e");
        assert_eq!(all.instances[0].files[0].path, "app");
        assert_eq!(all.instances[0].files[0].lines, ["x", "y", "z"]);
    }
}
