//! The files that Compose reads: the compose file, what it includes, and what its services extend.
//! They are found by following their names as Compose does, inside of the project only and within
//! bounds.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::path::Path;

use super::catalog::{CYCLE, NO_FILE, NOT_YAML, UNREADABLE};
use super::files::{self, Below};
use super::finding::Findings;
use super::naming::{Extends, Include, Named, extends, includes};
use super::source::Source;
use super::tree::{At, Tree};
use super::{FILE_NAME, text_of};

/// How many files are opened beside the compose file.
const MOST_FILES: usize = 32;

/// How many bytes they may hold together.
const MOST_BYTES: usize = 1024 * 1024;

/// All files that Compose reads.
#[derive(Debug, Default)]
pub struct Files {
    /// The compose file first.
    pub list: Vec<Opened>,
    /// What is included and could not be opened, in words.
    pub closed: Vec<String>,
    bytes: usize,
    groups: usize,
}

/// A file with what was read of it.
#[derive(Debug)]
pub struct Opened {
    /// Its text; its name is the path below the root.
    pub source: Source,
    /// The tree; without a root if the text cannot be read.
    pub tree: Tree,
    /// The directory below the root that its relative paths begin at.
    pub base: String,
    /// The files below the root that give its variables values, where they are named.
    pub env_files: Vec<String>,
    /// Why it is read.
    pub role: Role,
    /// Files of the same group are merged, the later over the earlier.
    pub group: usize,
    /// What its services extend, by their names.
    pub extends: HashMap<String, Extends>,
    /// What was found so far.
    pub findings: Findings,
    /// The files on the way to it, itself the last.
    trail: Vec<String>,
}

/// Why a file is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// It is the compose file.
    Main,
    /// All of it belongs to the model.
    Included,
    /// These of its services are extended; nothing else of it counts.
    Extended(BTreeSet<String>),
}

/// Where files come from.
#[derive(Clone, Copy)]
pub struct Disk<'a> {
    /// The directory that becomes the bundle.
    pub root: &'a Path,
    /// Whether a path below the root goes into the bundle.
    pub in_bundle: &'a dyn Fn(&str) -> bool,
}

/// A name of a file: who says it, where, and the path it leads to.
#[derive(Clone, Copy)]
struct Link<'a> {
    from: usize,
    at: usize,
    path: &'a str,
}

impl Files {
    /// Opens what the compose file names, and what that names.
    #[must_use]
    pub fn open(main: Source, disk: Disk<'_>) -> Self {
        let mut files = Self::default();
        let trail = vec![FILE_NAME.to_owned()];
        let main = Opened::new(main, String::new(), Role::Main, 0, trail);
        files.list.push(main);
        let mut next = 0;
        while next < files.list.len() {
            let opened = &files.list[next];
            for include in includes(&opened.tree) {
                files.include(next, &include, disk);
            }
            next += 1;
        }
        files.extend(disk);
        files
    }

    /// Opens the files of an entry of `include`; the first one's directory, or the one that is
    /// named, is where their relative paths begin.
    fn include(&mut self, from: usize, include: &Include, disk: Disk<'_>) {
        let own = &self.list[from].base;
        let path = |named: &Named| inside(own, named.path.as_deref()?);
        let paths: Vec<Option<String>> = include.paths.iter().map(path).collect();
        let base = match &include.directory {
            Some(directory) => path(directory),
            None => paths.first().cloned().flatten().map(|it| folder(&it)),
        };
        let env_files: Vec<String> = include.env_files.iter().filter_map(path).collect();
        self.groups += 1;
        let (group, first) = (self.groups, self.list.len());
        for (named, path) in include.paths.iter().zip(paths) {
            let at = named.at;
            let opened = match (path, &base) {
                (Some(path), Some(base)) => {
                    let link = Link {
                        from,
                        at,
                        path: &path,
                    };
                    self.included(link, base, group, disk)
                }
                _ => false,
            };
            if !opened {
                let words = format!("`include` of {}", named.written);
                self.closed.push(words);
            }
        }
        self.give(first, &env_files);
    }

    /// Notes the files with values for what was opened since.
    fn give(&mut self, first: usize, env_files: &[String]) {
        for file in &mut self.list[first..] {
            file.env_files = env_files.to_vec();
        }
    }

    /// Whether an included file is open, or needs not be.
    fn included(&mut self, link: Link<'_>, base: &str, group: usize, disk: Disk<'_>) -> bool {
        let Link { from, at, path } = link;
        if self.is_other_main(link) {
            return true;
        }
        let trail = &self.list[from].trail;
        if let Some(first) = trail.iter().position(|name| name == path) {
            let mut circle: Vec<&str> = trail[first..].iter().map(String::as_str).collect();
            circle.push(path);
            let what = format!("files include each other: {}", circle.join(" -> "));
            self.list[from]
                .findings
                .add(&CYCLE, at, what)
                .fix("remove one of these includes");
            return true;
        }
        let is_known = |it: &Opened| it.source.name == path && it.base == base;
        if self.list.iter().any(is_known) {
            return true;
        }
        let mut trail = trail.clone();
        trail.push(path.to_owned());
        let Some(source) = self.read(link, disk) else {
            return false;
        };
        let opened = Opened::new(source, base.to_owned(), Role::Included, group, trail);
        let is_map = opened.tree.root().is_some_and(At::is_map);
        self.list.push(opened);
        is_map
    }

    /// Opens what services extend: of each of these files only those services count.
    fn extend(&mut self, disk: Disk<'_>) {
        let names = |(index, file): (usize, &Opened)| {
            let names: Vec<_> = file.extends.keys().cloned().collect();
            names.into_iter().map(move |name| (index, name))
        };
        let mut queue: VecDeque<(usize, String)> =
            self.list.iter().enumerate().flat_map(names).collect();
        queue.make_contiguous().sort();
        let mut seen = HashSet::new();
        while let Some((index, name)) = queue.pop_front() {
            let Some(extends) = self.list[index].extends.get(&name) else {
                continue;
            };
            let (service, at) = (extends.service.clone(), extends.at);
            let target = match extends.file.clone() {
                None => Some(index),
                Some(file) => self.base_file(index, at, &file, disk),
            };
            if let Some(extends) = self.list[index].extends.get_mut(&name) {
                extends.target = target;
            }
            let Some(target) = target else { continue };
            if let Role::Extended(services) = &mut self.list[target].role {
                services.insert(service.clone());
            }
            if seen.insert((target, service.clone())) {
                queue.push_back((target, service));
            }
        }
    }

    /// The file that a service's base is in.
    fn base_file(&mut self, from: usize, at: usize, file: &Named, disk: Disk<'_>) -> Option<usize> {
        let path = inside(&self.list[from].base, file.path.as_deref()?)?;
        let at = file.at.max(at);
        let link = Link {
            from,
            at,
            path: &path,
        };
        if self.is_other_main(link) {
            return None;
        }
        if path == FILE_NAME {
            return Some(0);
        }
        if let Some(known) = self.list.iter().position(|it| it.source.name == path) {
            return Some(known);
        }
        let source = self.read(link, disk)?;
        self.groups += 1;
        let role = Role::Extended(BTreeSet::new());
        let opened = Opened::new(source, folder(&path), role, self.groups, Vec::new());
        self.list.push(opened);
        Some(self.list.len() - 1)
    }

    /// Whether a link means the file whose name the compose file takes in the bundle.
    fn is_other_main(&mut self, link: Link<'_>) -> bool {
        let main = self.list[0].source.name.clone();
        let is_other = link.path == FILE_NAME && main != FILE_NAME;
        if is_other {
            let what = format!(
                "in the bundle {FILE_NAME} is {main} itself: the file that is meant here stays out"
            );
            self.list[link.from]
                .findings
                .add(&NO_FILE, link.at, what)
                .fix(format!(
                    "give {FILE_NAME} another name, such as base.yml, and write that here"
                ));
        }
        is_other
    }

    /// Reads a file, unless it is not there, which the rules tell.
    fn read(&mut self, link: Link<'_>, disk: Disk<'_>) -> Option<Source> {
        let Link { from, at, path } = link;
        let place = disk.root.join(path);
        if !(disk.in_bundle)(path) || !place.exists() || !is_inside(disk.root, &place) {
            return None;
        }
        let why = if self.list.len() > MOST_FILES || self.bytes > MOST_BYTES {
            format!(
                "with it there are more than {MOST_FILES} files or {} KiB",
                MOST_BYTES / 1024
            )
        } else {
            match files::bytes(&place).map(text_of) {
                Ok(Ok(text)) => {
                    self.bytes += text.len();
                    return Some(Source::new(path, text));
                }
                Ok(Err(why)) => why,
                Err(why) => crate::error::reason(&why),
            }
        };
        let what = format!("{path} cannot be read: {why}");
        self.list[from].findings.add(&UNREADABLE, at, what);
        None
    }
}

impl Opened {
    fn new(mut source: Source, base: String, role: Role, group: usize, trail: Vec<String>) -> Self {
        let mut findings = Findings::default();
        let tree = match Tree::read(&source.text) {
            Ok(tree) => tree,
            Err(why) => {
                hide_secrets_of(&mut source, why.at);
                let (rule, what) = if why.excessive {
                    (&UNREADABLE, "the compose file is too much")
                } else {
                    (&NOT_YAML, "this is no YAML")
                };
                // What is missing at the end is told behind the last character.
                let at = why.at.min(source.text.trim_end().len());
                findings.add(rule, at, format!("{what}: {}", why.why));
                Tree::default()
            }
        };
        Self {
            extends: extends(&tree),
            source,
            tree,
            base,
            env_files: Vec::new(),
            role,
            group,
            findings,
            trail,
        }
    }

    /// Whether it cannot be read as YAML, which `findings` tell.
    #[must_use]
    pub fn is_broken(&self, findings: &Findings) -> bool {
        self.tree.root().is_none() && (findings.has(&NOT_YAML) || findings.has(&UNREADABLE))
    }
}

/// A line that cannot be read may hold a password all the same.
fn hide_secrets_of(source: &mut Source, at: usize) {
    let line = source.whole_line(at);
    let text = &source.text[line.clone()];
    if let Some((name, _)) = text.split_once([':', '='])
        && super::rules::is_secret_name(name.trim_matches([' ', '-', '"', '\'']))
    {
        source.hide(line.start + name.len() + 1..line.end);
    }
}

/// The path below the root that a text leads to from a directory there.
fn inside(base: &str, text: &str) -> Option<String> {
    if files::is_remote(text) {
        return None;
    }
    match files::below(&files::join(base, text)) {
        Below::Inside(path) => Some(path),
        Below::Above | Below::Elsewhere => None,
    }
}

fn folder(path: &str) -> String {
    path.rsplit_once('/')
        .map_or_else(String::new, |(folder, _)| folder.to_owned())
}

/// Whether no link leads out of the root.
fn is_inside(root: &Path, place: &Path) -> bool {
    match (std::fs::canonicalize(root), std::fs::canonicalize(place)) {
        (Ok(root), Ok(place)) => place.starts_with(root),
        _ => false,
    }
}
