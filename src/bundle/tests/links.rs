//! Links, modes, hooks, and what is no file at all.

#![cfg(unix)]

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

use super::*;

fn set_mode(tree: &Tree, name: &str, mode: u32) {
    fs::set_permissions(tree.at(name), fs::Permissions::from_mode(mode)).expect("a mode");
}

#[test]
fn links_stay_links_and_modes_are_reduced_to_what_matters() {
    let tree = Tree::of(&["plain", "run.sh", "dir/x", "empty/"]);
    set_mode(&tree, "plain", 0o664);
    set_mode(&tree, "run.sh", 0o4711);
    set_mode(&tree, "empty", 0o700);
    symlink("plain", tree.at("link")).expect("a link");
    symlink("dir", tree.at("dirlink")).expect("a link");
    symlink("nowhere/at/all", tree.at("dangling")).expect("a link");
    let (bytes, _) = tree.zip();
    let members = unzip(&bytes);
    let table: &[(&str, u32, &str)] = &[
        ("plain", 0o100_644, "content of plain\n"),
        ("run.sh", 0o100_755, "content of run.sh\n"),
        ("empty/", 0o040_755, ""),
        ("link", 0o120_777, "plain"),
        ("dirlink", 0o120_777, "dir"),
        ("dangling", 0o120_777, "nowhere/at/all"),
    ];
    for (name, mode, content) in table {
        let (found, data) = &members[*name];
        assert_eq!(
            (*found, data.as_slice()),
            (*mode, content.as_bytes()),
            "{name}"
        );
    }
    assert!(!members.contains_key("dirlink/x"));
}

#[test]
fn a_directory_pattern_does_not_match_a_link_to_a_directory() {
    let tree = Tree::of(&["real/x"]);
    symlink("real", tree.at("build")).expect("a link");
    tree.file(".gitignore", "build/\n");
    assert_eq!(tree.names(), [".gitignore", "build", "real/x"]);
}

#[test]
fn a_link_that_points_out_of_the_bundle_is_told() {
    let tree = Tree::of(&["a/x"]);
    symlink("../../outside", tree.at("a/out")).expect("a link");
    symlink("../x", tree.at("a/in")).expect("a link");
    assert_eq!(
        tree.notes(),
        ["a/out points out of the bundle: ../../outside has to exist on the instance"]
    );
}

#[test]
fn followed_links_bring_content_but_neither_loops_nor_surprises() {
    let mut tree = Tree::of(&["a/x", "b"]);
    tree.rules.follow_symlinks = true;
    fs::write(tree.home.path().join("outside"), "outside\n").expect("a file");
    symlink("../b", tree.at("a/file")).expect("a link");
    symlink("a", tree.at("dir")).expect("a link");
    symlink("..", tree.at("a/up")).expect("a link");
    symlink("gone", tree.at("dangling")).expect("a link");
    symlink("../../outside", tree.at("a/out")).expect("a link");
    let (bytes, _) = tree.zip();
    let members = unzip(&bytes);
    assert_eq!(members["dir/x"], (0o100_644, b"content of a/x\n".to_vec()));
    assert_eq!(members["a/file"], (0o100_644, b"content of b\n".to_vec()));
    assert_eq!(members["a/out"], (0o100_644, b"outside\n".to_vec()));
    assert_eq!(members["a/up"], (0o120_777, b"..".to_vec()));
    assert_eq!(members["dangling"], (0o120_777, b"gone".to_vec()));
    assert_eq!(
        tree.notes(),
        [
            "a/out leads out of the directory: the content of ../../outside goes in",
            "dir/out leads out of the directory: the content of ../../outside goes in",
            "a/up goes in as a link: .. is a directory it lies in",
            "dangling goes in as a link: there is no gone",
            "dir/up goes in as a link: .. is a directory it lies in",
        ]
    );
}

#[test]
fn hooks_can_be_run_and_their_line_ends_are_looked_at() {
    let tree = Tree::of(&[".platform/nginx/x.conf"]);
    tree.file(".platform/hooks/predeploy/01.sh", "#!/bin/sh\r\necho\r\n");
    tree.file(".platform/confighooks/predeploy/01.sh", "#!/bin/sh\necho\n");
    tree.file(".platform/hooks/prebuild/binary", b"\x7fELF\0\r\n");
    let modes: Vec<(String, u32)> = unzip(&tree.zip().0)
        .into_iter()
        .filter(|(name, _)| name.starts_with(".platform"))
        .map(|(name, (mode, _))| (name, mode))
        .collect();
    assert_eq!(
        modes,
        [
            (".platform/confighooks/predeploy/01.sh".into(), 0o100_755),
            (".platform/hooks/prebuild/binary".into(), 0o100_755),
            (".platform/hooks/predeploy/01.sh".into(), 0o100_755),
            (".platform/nginx/x.conf".into(), 0o100_644),
        ]
    );
    assert_eq!(
        tree.notes(),
        [
            ".platform/hooks/predeploy/01.sh has Windows line ends: the shell on the instance fails on them"
        ]
    );
}

#[test]
fn a_socket_is_skipped_with_a_word() {
    let tree = Tree::of(&["a"]);
    let _socket = UnixListener::bind(tree.at("app.sock")).expect("a socket");
    assert_eq!(tree.names(), ["a"]);
    assert_eq!(tree.notes(), ["app.sock stays out: it is a socket"]);
    assert_eq!(tree.why("app.sock"), "stays out: it is a socket");
}

#[test]
fn names_that_are_not_utf8_are_all_told_unless_they_stay_out() {
    let tree = Tree::of(&["a"]);
    for name in [b"bad\xff".as_slice(), b"worse\xfe", b"ignored\xfd.log"] {
        fs::write(tree.root().join(std::ffi::OsStr::from_bytes(name)), "x").expect("a file");
    }
    symlink(std::ffi::OsStr::from_bytes(b"t\xff"), tree.at("link")).expect("a link");
    tree.file(".gitignore", "*.log\n");
    assert_eq!(
        tree.problems(),
        [
            "cannot bundle bad\u{fffd}: its name is not UTF-8",
            "cannot bundle the link link: its target t\u{fffd} is not UTF-8",
            "cannot bundle worse\u{fffd}: its name is not UTF-8",
        ]
    );
}
