//! `.platform/hooks` and `.platform/confighooks`: scripts that root runs on each instance.

use std::path::PathBuf;

use crate::compose::catalog::{HOOK_LINES, HOOK_MODE, HOOK_START, HOOK_TREES};
use crate::compose::files;
use crate::compose::finding::{Findings, Repair};
use crate::compose::model::Surroundings;
use crate::compose::source::{Place, Source};

const TREES: [&str; 2] = [".platform/hooks", ".platform/confighooks"];
const STAGES: [&str; 3] = ["prebuild", "predeploy", "postdeploy"];

pub(super) fn check(around: &Surroundings<'_>, findings: &mut Findings) {
    for stage in STAGES {
        for tree in TREES {
            let folder = format!("{tree}/{stage}");
            for name in files::names(around.root, &folder) {
                let path = format!("{folder}/{name}");
                if !findings.is_full()
                    && (around.in_bundle)(&path)
                    && around.root.join(&path).is_file()
                {
                    hook(around, &path, findings);
                    both_trees(around, tree, stage, &name, findings);
                }
            }
        }
    }
}

fn content(around: &Surroundings<'_>, path: &str) -> Vec<u8> {
    files::bytes(&around.root.join(path)).unwrap_or_default()
}

fn hook(around: &Surroundings<'_>, path: &str, findings: &mut Findings) {
    let bytes = content(around, path);
    let script = bytes.starts_with(b"#!");
    let program = bytes.starts_with(b"\x7fELF");
    if script && let Some(at) = bytes.windows(2).position(|pair| pair == b"\r\n") {
        let line = 1 + bytes[..at].iter().filter(|byte| **byte == b'\n').count();
        let place = Place { line, column: 1 };
        findings
            .add_in(
                &HOOK_LINES,
                path,
                place,
                None,
                "the hook has Windows line ends: the instance cannot start it",
            )
            .fix("save it with Unix line ends; `* text=auto eol=lf` in .gitattributes keeps them")
            .repair(Repair::UnixLines(PathBuf::from(path)));
    }
    if !script && !program {
        findings
            .add_in(
                &HOOK_START,
                path,
                super::START,
                None,
                "the hook does not say what runs it: its first line does not begin with `#!`",
            )
            .fix("begin it with `#!/bin/bash`");
    }
    if !may_run(around, path) {
        findings
            .add_in(
                &HOOK_MODE,
                path,
                super::START,
                None,
                "the hook may not be run here; in the bundle it may",
            )
            .fix(format!("run `chmod +x {path}`"))
            .repair(Repair::Runnable(PathBuf::from(path)));
    }
}

fn may_run(around: &Surroundings<'_>, path: &str) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(around.root.join(path))
            .is_ok_and(|metadata| metadata.permissions().mode() & 0o100 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = (around, path);
        true
    }
}

/// What a hook does to the login or to `.env` must happen when only settings change as well.
fn both_trees(
    around: &Surroundings<'_>,
    tree: &str,
    stage: &str,
    name: &str,
    findings: &mut Findings,
) {
    let other = if tree == TREES[0] { TREES[1] } else { TREES[0] };
    if stage == "postdeploy" || (around.in_bundle)(&format!("{other}/{stage}/{name}")) {
        return;
    }
    let path = format!("{tree}/{stage}/{name}");
    let source = Source::new(
        &path,
        String::from_utf8(content(around, &path)).unwrap_or_default(),
    );
    let found = ["docker login", "staging/.env"]
        .into_iter()
        .find_map(|word| source.text.find(word));
    if let Some(byte) = found {
        findings
            .add_in(
                &HOOK_TREES,
                &path,
                source.place(byte),
                None,
                format!(
                    "this hook does not run {}: there is none like it in {other}/{stage}",
                    if tree == TREES[0] {
                        "when only settings change"
                    } else {
                        "at deploys"
                    }
                ),
            )
            .fix(format!("copy it to {other}/{stage}/{name}"));
    }
}
