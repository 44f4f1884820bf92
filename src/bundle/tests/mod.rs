//! The bundle's tests: a tree to try things on, and what each file of this directory holds:
//! `files` which files go in, `links` links and modes, `bytes` the zip, `cache` what is known of it
//! without packing, `git` that git agrees.

mod bytes;
#[cfg(unix)]
mod cache;
mod files;
mod git;
mod links;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use super::{Request, Rules, Selection, Written};
use crate::error::Result;

/// A directory with a compose file, thrown away after the test.
struct Tree {
    home: tempfile::TempDir,
    rules: Rules,
    compose: PathBuf,
    own: Vec<PathBuf>,
}

impl Tree {
    /// A tree of files with some content; a name that ends with `/` is an empty directory.
    fn of(names: &[&str]) -> Self {
        let tree = Self {
            home: tempfile::tempdir().expect("a temporary directory"),
            rules: Rules::default(),
            compose: "docker-compose.yml".into(),
            own: Vec::new(),
        };
        tree.file("docker-compose.yml", "services: {}\n");
        for name in names {
            match name.strip_suffix('/') {
                Some(directory) => fs::create_dir_all(tree.at(directory)).expect("a directory"),
                None => tree.file(name, format!("content of {name}\n")),
            }
        }
        tree
    }

    /// The bundle's root; one level down, so that something can be beside and above it.
    fn root(&self) -> PathBuf {
        self.home.path().join("app")
    }

    fn at(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) {
        let place = self.at(name);
        fs::create_dir_all(place.parent().expect("a parent")).expect("a directory");
        fs::write(place, content).expect("a file");
    }

    fn select(&self) -> Result<Selection> {
        let root = self.root();
        super::select(&Request {
            root: &root,
            compose: &self.compose,
            rules: &self.rules,
            own: &self.own,
        })
    }

    /// The names that go in, without the compose file.
    fn names(&self) -> Vec<String> {
        let selection = self.select().expect("a selection");
        let names = selection
            .entries()
            .iter()
            .map(|entry| entry.name().to_owned());
        names.filter(|name| name != "docker-compose.yml").collect()
    }

    fn notes(&self) -> Vec<String> {
        self.select()
            .expect("a selection")
            .notes()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    fn why(&self, path: &str) -> String {
        self.select()
            .expect("a selection")
            .why(Path::new(path))
            .to_string()
    }

    fn problems(&self) -> Vec<String> {
        let error = self.select().expect_err("no selection");
        error
            .problems()
            .map(|problem| problem.message().replace(&self.shown(), "ROOT"))
            .collect()
    }

    fn shown(&self) -> String {
        self.root().display().to_string()
    }

    fn zip(&self) -> (Vec<u8>, Written) {
        zip(&self.select().expect("a selection"))
    }
}

fn zip(selection: &Selection) -> (Vec<u8>, Written) {
    let mut bytes = Vec::new();
    let written = super::write(selection, &mut bytes, &|_| {}).expect("a bundle");
    (bytes, written)
}

/// What another implementation reads from a zip: mode and content by name.
fn unzip(bytes: &[u8]) -> BTreeMap<String, (u32, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("a zip");
    (0..archive.len())
        .map(|index| {
            let mut member = archive.by_index(index).expect("a member");
            let mut content = Vec::new();
            member
                .read_to_end(&mut content)
                .expect("content with the right checksum");
            let mode = member.unix_mode().expect("a mode");
            (
                member.name().expect("a UTF-8 name").into_owned(),
                (mode, content),
            )
        })
        .collect()
}

fn list(items: &[&str]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}
