//! The reader of compose files and every rule of `beanship check`, on any bytes: they end, in a
//! verdict.

#![no_main]

use std::fs;
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use beanship::compose::{FILE_NAME, Surroundings, lint};
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

/// The project that the bytes are the compose file of.
static PROJECT: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a directory"));

fuzz_target!(|bytes: &[u8]| {
    let root = PROJECT.path();
    fs::write(root.join(FILE_NAME), bytes).expect("a file");
    // What it may include or extend.
    fs::write(root.join("a"), bytes).expect("a file");
    let begun = Instant::now();
    let verdict = lint(&Surroundings::of(root, Path::new(FILE_NAME)));
    let _ = verdict.brief();
    assert!(begun.elapsed() < Duration::from_secs(5), "it takes too long");
});
