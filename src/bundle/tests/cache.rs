//! That a tree is only taken for known if it would become the very same zip.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;

use super::Tree;
use crate::bundle::Written;
use crate::bundle::cache::{self, Moment};

impl Tree {
    /// Where notes go: beside the tree, on the same device.
    fn notes_folder(&self) -> PathBuf {
        self.home.path().to_owned()
    }

    /// Bundles it, and notes that as a run would that began so much later.
    fn noted(&self, later: Duration) -> Written {
        let folder = self.notes_folder();
        let before = Moment::now(&folder).expect("a moment").later(later);
        let selection = self.select().expect("a selection");
        let (_, written) = super::zip(&selection);
        cache::note(&folder, before, &selection, &written);
        written
    }

    /// What happens from here on happens at another time than all before, which a real run is sure of.
    fn await_tick(&self) {
        let folder = self.notes_folder();
        let now = Moment::now(&folder);
        while Moment::now(&folder) == now {}
    }

    fn known(&self) -> Option<Written> {
        cache::known(&self.notes_folder(), &self.select().expect("a selection"))
    }
}

const LATER: Duration = Duration::from_secs(10);

fn tree() -> Tree {
    let tree = Tree::of(&["a.txt", "b/c.txt", "b/d.txt", "empty/"]);
    tree.await_tick();
    tree
}

/// Something that happens to a tree.
#[derive(Debug, Clone)]
enum Change {
    None,
    Content(usize),
    /// Another content of the same size, with the time of the old one.
    Forged(usize),
    Touched(usize),
    Executable(usize),
    Renamed(usize),
    Removed(usize),
    Swapped,
    Added,
    Directory,
    Linked,
    Relinked,
    Excluded,
}

const NAMES: [&str; 3] = ["a.txt", "b/c.txt", "b/d.txt"];

impl Change {
    fn happen(&self, tree: &mut Tree) {
        let at = |index: &usize| tree.at(NAMES[index % NAMES.len()]);
        // What is gone already cannot change any more; that is no failure here.
        match self {
            Self::None => {}
            Self::Content(index) => {
                drop(fs::write(at(index), format!("longer than before {index}")));
            }
            Self::Forged(index) => {
                let place = at(index);
                let Ok(metadata) = fs::metadata(&place) else {
                    return;
                };
                let forged = vec![b'x'; metadata.len() as usize];
                fs::write(&place, forged).expect("written");
                let file = fs::File::options().write(true).open(&place).expect("open");
                let time = metadata.modified().expect("a time");
                file.set_modified(time).expect("set back");
            }
            Self::Touched(index) => {
                if let Ok(content) = fs::read(at(index)) {
                    fs::write(at(index), content).expect("written");
                }
            }
            Self::Executable(index) => {
                if let Ok(metadata) = fs::metadata(at(index)) {
                    use std::os::unix::fs::PermissionsExt;
                    let mode = metadata.permissions().mode() ^ 0o111;
                    let mode = std::fs::Permissions::from_mode(mode);
                    fs::set_permissions(at(index), mode).expect("set");
                }
            }
            Self::Renamed(index) => drop(fs::rename(at(index), tree.at("renamed.txt"))),
            Self::Removed(index) => drop(fs::remove_file(at(index))),
            Self::Swapped => {
                let (a, b, t) = (tree.at("b/c.txt"), tree.at("b/d.txt"), tree.at("t"));
                if fs::rename(&a, &t).is_ok() {
                    drop(fs::rename(&b, &a));
                    drop(fs::rename(&t, &b));
                }
            }
            Self::Added => tree.file("added.txt", "new"),
            Self::Directory => drop(fs::create_dir_all(tree.at("new-folder"))),
            Self::Linked => link("a.txt", &tree.at("link")),
            Self::Relinked => {
                drop(fs::remove_file(tree.at("link")));
                link("b", &tree.at("link"));
            }
            Self::Excluded => tree.rules.exclude.push("a.txt".into()),
        }
    }
}

fn link(target: &str, place: &std::path::Path) {
    drop(std::os::unix::fs::symlink(target, place));
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        2 => Just(Change::None),
        3 => (0..3usize).prop_map(Change::Content),
        3 => (0..3usize).prop_map(Change::Forged),
        1 => (0..3usize).prop_map(Change::Touched),
        1 => (0..3usize).prop_map(Change::Executable),
        1 => (0..3usize).prop_map(Change::Renamed),
        1 => (0..3usize).prop_map(Change::Removed),
        1 => Just(Change::Swapped),
        1 => Just(Change::Added),
        1 => Just(Change::Directory),
        1 => Just(Change::Linked),
        1 => Just(Change::Relinked),
        1 => Just(Change::Excluded),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn what_is_known_is_what_it_would_become(
        steps in prop::collection::vec((change(), any::<bool>()), 1..8),
    ) {
        let mut tree = tree();
        for (change, runs) in steps {
            change.happen(&mut tree);
            let becomes = tree.zip().1;
            if let Some(known) = tree.known() {
                prop_assert_eq!(&known, &becomes);
            }
            if runs {
                tree.noted(LATER);
                tree.await_tick();
            }
        }
    }
}

#[test]
fn a_tree_that_did_not_change_is_known() {
    let tree = tree();
    assert_eq!(tree.known(), None);
    let written = tree.noted(LATER);
    assert_eq!(tree.known(), Some(written));
}

#[test]
fn every_change_makes_it_unknown() {
    use Change::{
        Added, Content, Directory, Excluded, Executable, Forged, Linked, Removed, Renamed, Swapped,
    };
    for change in [
        Content(0),
        Forged(1),
        Executable(2),
        Renamed(0),
        Removed(1),
        Swapped,
        Added,
        Directory,
        Linked,
        Excluded,
    ] {
        let mut tree = tree();
        tree.noted(LATER);
        change.happen(&mut tree);
        assert_eq!(tree.known(), None, "{change:?}");
    }
}

#[test]
fn what_was_just_written_to_is_not_noted() {
    let tree = tree();
    tree.noted(Duration::ZERO);
    assert_eq!(tree.known(), None);
}

#[test]
fn a_damaged_or_foreign_note_counts_for_nothing() {
    let tree = tree();
    let written = tree.noted(LATER);
    let file = tree.notes_folder().join("bundles.json");
    let text = fs::read_to_string(&file).expect("notes");
    let other_digest = written.sha256.replace(&written.sha256[..4], "0000");
    for damaged in [
        String::new(),
        text[..text.len() / 2].to_owned(),
        text.replace(&written.sha256, &other_digest),
        text.replace(&format!("\"bytes\": {}", written.bytes), "\"bytes\": 1"),
        text.replace("\"tool\": \"", "\"tool\": \"9."),
        "[1, 2]".to_owned(),
    ] {
        assert_ne!(damaged, text);
        fs::write(&file, damaged).expect("damaged");
        assert_eq!(tree.known(), None);
    }
    fs::write(&file, text).expect("mended");
    assert_eq!(tree.known(), Some(written));
    cache::forget(&tree.notes_folder());
    assert_eq!(tree.known(), None);
}
