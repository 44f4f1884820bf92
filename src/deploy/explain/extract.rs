//! The lines that matter out of a log: errors with what stands around them, containers that
//! ended, and where a file has neither, its end. Pure.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use regex_lite::Regex;
use serde::Serialize;

use super::causes;
use super::redact::Redactor;
use super::sections::Section;

/// The most lines of one file.
const OF_A_FILE: usize = 20;
/// The most lines in all.
const IN_ALL: usize = 60;
/// How many lines are shown before a line that matters.
const BEFORE: usize = 3;
/// How many lines without a time, which belong to the one before, are shown after it.
const AFTER: usize = 8;
/// How many last lines stand for a file in which nothing stands out.
const END: usize = 5;
/// How far a log's clock may be behind the service's.
const SKEW: i64 = 30;

/// Lines of one file, fit to be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Excerpt {
    /// The file's path on the instance.
    pub file: String,
    /// The instances whose file says this.
    pub instances: Vec<String>,
    /// The lines that matter; `...` where some are left out.
    pub lines: Vec<String>,
}

/// What part a file plays in a deploy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    /// What Elastic Beanstalk itself does.
    Engine,
    /// The output of hooks.
    Hooks,
    /// The output of containers.
    Containers,
    /// Everything else: shown only where it tells of errors.
    Other,
}

/// A word that stands for trouble.
static TROUBLE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"\[(?:ERROR|FATAL|CRIT|crit|emerg|error)\]",
        r"|\b(?:ERROR|FATAL|CRITICAL|PANIC)\b",
        r"|(?i:\blevel=(?:error|fatal|panic)\b)",
        r"|^\S* ?\|? *(?:[A-Z]\w+(?:Error|Exception)|panic|fatal|error|Error)\b:",
        r"|Error response from daemon|Traceback \(most recent call last\)|Exception in thread",
        r"|(?i:exited with code|exit(?:ed)? status|exit code|non-zero code:?) *:? *[1-9]",
    ))
    .expect("a valid pattern")
});

/// Lines that only repeat what others say, for machines.
const NOISE: [&str; 3] = [
    "CommandService Response",
    "Executing cleanup logic",
    "cfn-hup-exec",
];

/// The excerpts of one instance's files. `since` is when the deploy began: what is older belongs
/// to another one.
#[must_use]
pub fn excerpts(instance: &str, sections: &[Section], since: Option<Timestamp>) -> Vec<Excerpt> {
    let mut found: Vec<(Role, Excerpt)> = sections
        .iter()
        .filter_map(|section| {
            let role = role(section);
            let lines = recent(&section.lines, since);
            let lines = matter(lines, role);
            let excerpt = Excerpt {
                file: section.path.clone(),
                instances: vec![instance.to_owned()],
                lines,
            };
            (!excerpt.lines.is_empty()).then_some((role, excerpt))
        })
        .collect();
    found.sort_by_key(|(role, _)| *role);
    found.into_iter().map(|(_, excerpt)| excerpt).collect()
}

/// One list for all instances: the same lines are told once, and all of them stay below the cap.
#[must_use]
pub fn together(all: Vec<Excerpt>) -> Vec<Excerpt> {
    let mut told: Vec<Excerpt> = Vec::new();
    for excerpt in all {
        let same = told.iter_mut().find(|earlier| {
            earlier.file == excerpt.file && without_times(earlier) == without_times(&excerpt)
        });
        match same {
            Some(earlier) => earlier.instances.extend(excerpt.instances),
            None => told.push(excerpt),
        }
    }
    let mut left = IN_ALL;
    for excerpt in &mut told {
        let surplus = excerpt.lines.len().saturating_sub(left);
        excerpt.lines.drain(..surplus);
        left -= excerpt.lines.len();
    }
    told.retain(|excerpt| !excerpt.lines.is_empty());
    told
}

/// The lines of the deploy itself, for the search for known causes.
#[must_use]
pub fn recent(lines: &[String], since: Option<Timestamp>) -> &[String] {
    let Some(oldest) = since.map(|since| since.as_second() - SKEW) else {
        return lines;
    };
    let old = |line: &String| time(line).is_some_and(|time| time.as_second() < oldest);
    let begin = lines.iter().rposition(old).map_or(0, |last| last + 1);
    &lines[begin..]
}

/// Whether a file tells of the deploy itself, so that known causes are looked for in all of it.
#[must_use]
pub fn is_telling(section: &Section) -> bool {
    role(section) != Role::Other
}

fn role(section: &Section) -> Role {
    let path = section.path.as_str();
    match section.name() {
        "eb-engine.log" => Role::Engine,
        "eb-hooks.log" => Role::Hooks,
        _ if path.contains("/containers/") || path.contains("stdouterr") => Role::Containers,
        "web.stdout.log" | "docker" | "docker-compose.log" => Role::Containers,
        _ => Role::Other,
    }
}

/// Picks the lines of one file.
fn matter(lines: &[String], role: Role) -> Vec<String> {
    let lines: Vec<&String> = lines
        .iter()
        .filter(|line| !line.trim().is_empty())
        .filter(|line| !NOISE.iter().any(|noise| line.contains(noise)))
        .collect();
    let mut told = BTreeSet::new();
    // What is said again and again is shown where it was said last.
    let mut marked: Vec<usize> = (0..lines.len())
        .rev()
        .filter(|at| TROUBLE.is_match(lines[*at]) || causes::is_known(lines[*at]))
        .filter(|at| told.insert(without_time(lines[*at])))
        .collect();
    marked.reverse();
    let picked = match (marked.is_empty(), role) {
        (true, Role::Engine | Role::Other) => Vec::new(),
        (true, _) => (lines.len().saturating_sub(END)..lines.len()).collect(),
        _ => around(&lines, &marked),
    };
    let mut redactor = Redactor::default();
    let mut shown: Vec<String> = Vec::new();
    let mut previous = None;
    for at in picked {
        if previous.is_some_and(|previous| previous + 1 < at) {
            shown.push("...".to_owned());
        }
        previous = Some(at);
        let line = redactor.line(lines[at]);
        shown.extend(line.filter(|line| shown.last() != Some(line)));
    }
    shown
}

/// The marked lines with their surroundings, within the cap of a file: the surroundings go
/// first, then the older ones of the marked lines.
fn around(lines: &[&String], marked: &[usize]) -> Vec<usize> {
    let with = |before: usize, after: usize| -> Vec<usize> {
        let mut picked: Vec<usize> = Vec::new();
        for &at in marked {
            let belongs = lines[at + 1..]
                .iter()
                .take(after)
                .take_while(|line| time(line).is_none() && !is_container(line))
                .count();
            picked.extend(at.saturating_sub(before)..=at + belongs);
        }
        picked.sort_unstable();
        picked.dedup();
        picked
    };
    let gaps = |picked: &[usize]| picked.windows(2).filter(|two| two[0] + 1 < two[1]).count();
    let fits = |picked: &Vec<usize>| picked.len() + gaps(picked) <= OF_A_FILE;
    let choices = [(BEFORE, AFTER), (1, AFTER), (1, 2), (0, 1), (0, 0)];
    let mut picked = choices
        .into_iter()
        .map(|(before, after)| with(before, after))
        .find(fits)
        .unwrap_or_else(|| with(0, 0));
    while !fits(&picked) {
        picked.remove(0);
    }
    picked
}

/// `web-1  | text`, as compose writes it: each line stands for itself.
fn is_container(line: &str) -> bool {
    line.split_once('|').is_some_and(|(name, _)| {
        let name = name.trim_end();
        !name.is_empty() && !name.contains(char::is_whitespace)
    })
}

/// The time a line begins with: `2026/01/02 10:00:00.5`, `2026-01-02T10:00:00Z`; the instances
/// keep UTC.
fn time(line: &str) -> Option<Timestamp> {
    let digits = line.get(..19)?;
    let numbers = digits.bytes().filter(u8::is_ascii_digit).count();
    if numbers != 14 {
        return None;
    }
    let text = digits.replace('/', "-").replace('T', " ");
    let time: DateTime = text.parse().ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// What an excerpt says on every instance, whenever it says so.
fn without_times(excerpt: &Excerpt) -> Vec<String> {
    excerpt.lines.iter().map(|it| without_time(it)).collect()
}

fn without_time(line: &str) -> String {
    let digits = |char: char| if char.is_ascii_digit() { '0' } else { char };
    match time(line) {
        Some(_) => line.get(26..).unwrap_or_default().to_owned(),
        None => line.chars().map(digits).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(path: &str, text: &str) -> Section {
        Section {
            path: path.into(),
            lines: text.lines().map(str::to_owned).collect(),
        }
    }

    fn shown(excerpts: &[Excerpt]) -> String {
        let one = |excerpt: &Excerpt| format!("{}\n  {}", excerpt.file, excerpt.lines.join("\n  "));
        excerpts.iter().map(one).collect::<Vec<_>>().join("\n")
    }

    const ENGINE: &str = "\
2026/11/20 09:00:00.000001 [ERROR] An error occurred during execution of command [app-deploy] - [yesterday]. Stop running the command.
2026/11/21 10:00:00.000001 [INFO] Running command: app-deploy
2026/11/21 10:00:01.000001 [INFO] Executing instruction: Docker Specific Build Application
2026/11/21 10:00:02.000001 [INFO] Running command /bin/sh -c docker compose build
2026/11/21 10:00:03.000001 [INFO] Running command /bin/sh -c docker compose up -d
2026/11/21 10:00:09.000001 [ERROR] An error occurred during execution of command [app-deploy] - [Run Docker Container]. Stop running the command. Error: failed to run docker containers: Command /bin/sh -c docker compose up -d failed with error exit status 1. Stderr: Container current-db-1  Starting
Error response from daemon: driver failed programming external connectivity on endpoint current-web-1: Bind for 0.0.0.0:80 failed: port is already allocated

2026/11/21 10:00:09.100001 [INFO] Executing cleanup logic
2026/11/21 10:00:09.200001 [INFO] CommandService Response: {\"status\":\"FAILURE\"}
2026/11/21 10:00:09.300001 [INFO] Platform Engine finished execution on command: app-deploy";

    #[test]
    fn errors_come_with_what_led_to_them_and_what_belongs_to_them() {
        let since = "2026-11-21T10:00:00Z".parse().ok();
        let found = excerpts("i-1", &[section("/var/log/eb-engine.log", ENGINE)], since);
        insta::assert_snapshot!(shown(&found), @"
        /var/log/eb-engine.log
          2026/11/21 10:00:01.000001 [INFO] Executing instruction: Docker Specific Build Application
          2026/11/21 10:00:02.000001 [INFO] Running command /bin/sh -c docker compose build
          2026/11/21 10:00:03.000001 [INFO] Running command /bin/sh -c docker compose up -d
          2026/11/21 10:00:09.000001 [ERROR] An error occurred during execution of command [app-deploy] - [Run Docker Container]. Stop running the command. Error: failed to run docker containers: Command /bin/sh -c docker compose up -d failed with error exit status 1. Stderr: Container current-db-1  Starting
          Error response from daemon: driver failed programming external connectivity on endpoint current-web-1: Bind for 0.0.0.0:80 failed: port is already allocated
        ");
    }

    #[test]
    fn containers_tell_their_traces_and_ends() {
        let text = "\
web-1  | listening
db-1   | ready
web-1  | Traceback (most recent call last):
web-1  |   File \"/app/main.py\", line 3, in <module>
web-1  |     connect(password=\"hunter2\")
web-1  | ConnectionError: no route to db
web-1 exited with code 1
db-1   | checkpoint complete";
        let files = [
            section("/var/log/nginx/access.log", "GET / 200"),
            section(
                "/var/log/eb-docker/containers/eb-current-app/eb-stdouterr.log",
                text,
            ),
            section(
                "/var/log/eb-hooks.log",
                "2026/11/21 10:00:00 [INFO] 01_login.sh\nLogin Succeeded",
            ),
        ];
        insta::assert_snapshot!(shown(&excerpts("i-1", &files, None)), @r#"
        /var/log/eb-hooks.log
          2026/11/21 10:00:00 [INFO] 01_login.sh
          Login Succeeded
        /var/log/eb-docker/containers/eb-current-app/eb-stdouterr.log
          web-1  | listening
          db-1   | ready
          web-1  | Traceback (most recent call last):
          web-1  |   File "/app/main.py", line 3, in <module>
          web-1  |     connect(password=[redacted])
          web-1  | ConnectionError: no route to db
          web-1 exited with code 1
        "#);
    }

    #[test]
    fn what_is_said_again_and_again_is_shown_once_with_what_led_to_it() {
        let once = "web-1  | connecting\nweb-1  | Error: connect ECONNREFUSED db:5432\nweb-1  |     at afterConnect (node:net:1555:16)\nweb-1 exited with code 1\n";
        let file = section(
            "/var/log/eb-docker/containers/eb-current-app/eb-stdouterr.log",
            &once.repeat(7),
        );
        insta::assert_snapshot!(shown(&excerpts("i-1", &[file], None)), @"
        /var/log/eb-docker/containers/eb-current-app/eb-stdouterr.log
          web-1  | connecting
          web-1  | Error: connect ECONNREFUSED db:5432
          web-1  |     at afterConnect (node:net:1555:16)
          web-1 exited with code 1
        ");
    }

    #[test]
    fn excerpts_are_capped_and_told_once() {
        let flood: String = (0..200)
            .map(|number| format!("2026/11/21 10:00:00.{number:06} [ERROR] number {number}\n"))
            .collect();
        let of = |instance: &str, file: &str| excerpts(instance, &[section(file, &flood)], None);
        let one = of("i-1", "/var/log/eb-engine.log");
        assert_eq!(one[0].lines.len(), OF_A_FILE);
        assert!(one[0].lines[OF_A_FILE - 1].ends_with("number 199"));
        let all = ["a", "b", "c", "d"].map(|file| of("i-1", file)).concat();
        let all = together([all, of("i-2", "a")].concat());
        let lines: usize = all.iter().map(|excerpt| excerpt.lines.len()).sum();
        assert_eq!((all.len(), lines), (3, IN_ALL));
        assert_eq!(all[0].instances, ["i-1", "i-2"]);
    }

    #[test]
    fn times_are_known_in_the_forms_that_logs_have() {
        for (line, known) in [
            ("2026/11/21 10:00:00.000001 [INFO] x", true),
            ("2026-11-21 10:00:00,123 - INFO", true),
            ("2026-11-21T10:00:00Z x", true),
            ("Nov 21 10:00:00 ip-10-0-0-1 dockerd[1]: x", false),
            ("web-1  | 2026-11-21", false),
            ("ünïcödé ünïcödé ünïcödé", false),
        ] {
            assert_eq!(time(line).is_some(), known, "{line}");
        }
    }
}
