//! What rules look at: the services of a compose file, their ports and mounts, and what is known
//! of the project around it.

use std::collections::HashMap;
use std::path::Path;

use super::files::{self, Below};
use super::opened::Role;
use super::source::Source;
use super::tree::At;
use super::world::{Whole, World};

pub use super::mounts::{Mount, Sort, mounts};
pub use super::ports::{Port, ports};

/// What is known besides the compose file.
pub struct Surroundings<'a> {
    /// The directory that becomes the bundle.
    pub root: &'a Path,
    /// The compose file, relative to the root.
    pub file: &'a Path,
    /// Whether a path below the root, with `/` between names, goes into the bundle; of a
    /// directory, whether anything in it does.
    pub in_bundle: &'a dyn Fn(&str) -> bool,
    /// Why a path stays out of the bundle, where a rule says so: the rule, with its line.
    pub left_out: &'a dyn Fn(&str) -> Option<String>,
    /// Whether the environment serves HTTP; a worker needs no port.
    pub serves: bool,
    /// The instance type, if it is declared.
    pub instance_type: Option<&'a str>,
    /// Whether services with `build` and `image` are built before the deploy, so that instances
    /// fetch them and need nothing to build them from.
    pub builds: bool,
    /// Rules that the project file switches off.
    pub ignore: &'a [String],
}

impl std::fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Surroundings")
            .field("root", &self.root)
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

/// A file of the project that is judged; rules see all files and tell what stands in this one.
#[derive(Debug)]
pub struct Project<'a> {
    /// The top of the file.
    pub root: At<'a>,
    /// Its text.
    pub source: &'a Source,
    /// Its services that count, in its order.
    pub services: Vec<Service<'a>>,
    /// Its number among the files.
    pub file: usize,
    /// Whether only services of it count, because others extend them.
    pub is_base: bool,
    /// Where its relative paths begin, below the root.
    base: &'a str,
    /// Of a file whose services are extended: those that do it.
    users: Users<'a>,
    /// All files.
    pub world: &'a World<'a>,
    /// What is known besides.
    pub around: &'a Surroundings<'a>,
}

/// Who extends the services of a file.
#[derive(Debug, Default)]
struct Users<'a> {
    wholes: Vec<&'a Whole<'a>>,
    /// By the byte that a service of the file starts at: the number of the whole, and of the part.
    of: HashMap<usize, Vec<(usize, usize)>>,
}

/// A service.
#[derive(Debug, Clone, Copy)]
pub struct Service<'a> {
    /// Its name.
    pub name: &'a str,
    /// Where the name stands.
    pub key: At<'a>,
    /// What it says.
    pub body: At<'a>,
    /// The number of its file.
    pub file: usize,
}

impl<'a> Project<'a> {
    /// A file by its number; none if it holds no map.
    #[must_use]
    pub fn of(world: &'a World<'a>, file: usize, around: &'a Surroundings<'a>) -> Option<Self> {
        let opened = &world.files[file];
        let root = opened.tree.root().filter(|root| root.is_map())?;
        let counts = |name: &str| match &opened.role {
            Role::Extended(services) => services.contains(name),
            Role::Main | Role::Included => true,
        };
        let services = root
            .get("services")
            .into_iter()
            .flat_map(At::entries)
            .filter_map(|(key, body)| {
                let name = key.text().filter(|name| counts(name))?;
                Some(Service {
                    name,
                    key,
                    body,
                    file,
                })
            });
        let is_base = matches!(opened.role, Role::Extended(_));
        Some(Self {
            services: services.collect(),
            users: match is_base {
                true => Users::of(world, file),
                false => Users::default(),
            },
            root,
            source: &opened.source,
            file,
            is_base,
            base: &opened.base,
            world,
            around,
        })
    }

    /// Whether this is the compose file itself.
    #[must_use]
    pub fn is_main(&self) -> bool {
        self.file == 0
    }

    /// Its services that nobody only extends and that are not told of in another file.
    pub fn own(&self) -> impl Iterator<Item = &Service<'a>> {
        let first = |it: &&Service<'a>| {
            let first = self.world.service(it.name);
            !self.is_base && first.is_some_and(|first| first.file == self.file)
        };
        self.services.iter().filter(first)
    }

    /// Whether what a service says under a key is replaced by every service that extends it.
    #[must_use]
    pub fn is_replaced(&self, service: &Service<'a>, key: &str) -> bool {
        let Some(users) = self.users.of.get(&service.start()) else {
            return false;
        };
        users.iter().all(|(whole, part)| {
            let nearer = &self.users.wholes[*whole].parts[..*part];
            nearer.iter().any(|it| it.get(key).is_some())
        })
    }

    /// Where a path of this file leads, seen from the root.
    #[must_use]
    pub fn below(&self, path: &str) -> Below {
        files::below(&files::join(self.base, path))
    }

    /// The service of a name, in whichever file.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<&Service<'a>> {
        self.world.service(name)
    }

    /// The name closest to one that is not there.
    #[must_use]
    pub fn nearest_service(&self, name: &str) -> Option<&Service<'a>> {
        let services = self.world.services.iter().take(500);
        let names = services.map(|service| service.name);
        self.service(crate::yaml::nearest(name, names)?)
    }

    /// Whether a path below the root goes into the bundle.
    #[must_use]
    pub fn in_bundle(&self, path: &str) -> bool {
        (self.around.in_bundle)(path)
    }

    /// The rule that leaves out a path although it is there.
    #[must_use]
    pub fn left_out(&self, path: &str) -> Option<String> {
        let here = self.around.root.join(path).exists();
        here.then(|| (self.around.left_out)(path)).flatten()
    }

    /// Where a path is that is not in the bundle, in words that follow `which`.
    #[must_use]
    pub fn whereabouts(&self, path: &str) -> String {
        match self.left_out(path) {
            Some(rule) => format!("stays out of the bundle: {rule}"),
            None => "is not in the bundle".to_owned(),
        }
    }
}

impl<'a> Users<'a> {
    fn of(world: &'a World<'a>, file: usize) -> Self {
        let mut users = Self::default();
        for service in world.each() {
            let whole = world.whole(service);
            for (part, it) in whole.parts.iter().enumerate() {
                if it.file == file {
                    let uses = users.of.entry(it.start()).or_default();
                    uses.push((users.wholes.len(), part));
                }
            }
            users.wholes.push(whole);
        }
        users
    }
}

impl<'a> Service<'a> {
    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<At<'a>> {
        self.body.get(key)
    }

    /// The byte its name stands at.
    #[must_use]
    pub fn start(&self) -> usize {
        self.key.range().start
    }

    /// Its name in its own file.
    #[must_use]
    pub fn own_name(&self) -> &'a str {
        self.key.text().unwrap_or_default()
    }

    /// Whether only `--profile` starts it.
    #[must_use]
    pub fn has_profile(&self) -> bool {
        self.get("profiles")
            .is_some_and(|profiles| profiles.items().next().is_some())
    }

    /// Names with their values, written as a map or as a list of `NAME=value`. The value is
    /// missing where only the name stands there.
    #[must_use]
    pub fn pairs(&self, key: &str) -> Vec<Pair<'a>> {
        self.get(key).map(pairs).unwrap_or_default()
    }

    /// A key's text, or the texts of its list.
    #[must_use]
    pub fn texts(&self, key: &str) -> Vec<At<'a>> {
        self.get(key).map(texts).unwrap_or_default()
    }
}

/// A name with its value.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    /// The name.
    pub name: &'a str,
    /// The value.
    pub value: Option<&'a str>,
    /// Where the value stands, or the whole where it is one text.
    pub at: At<'a>,
    /// The byte in the file where the value starts.
    pub value_start: usize,
}

/// As [`Service::pairs`].
#[must_use]
pub fn pairs(at: At<'_>) -> Vec<Pair<'_>> {
    let of_map = at.entries().filter_map(|(key, value)| {
        Some(Pair {
            name: key.text()?,
            value: value.filled(),
            at: value,
            value_start: value.range().start,
        })
    });
    let of_list = at.items().filter_map(|item| {
        let text = item.text()?;
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        Some(Pair {
            name,
            value,
            at: item,
            value_start: item.range().start,
        })
    });
    of_map.chain(of_list).collect()
}

/// A text, or the texts of a list.
#[must_use]
pub fn texts(at: At<'_>) -> Vec<At<'_>> {
    let own = at.filled().map(|_| at);
    own.into_iter()
        .chain(at.items().filter(|item| item.text().is_some()))
        .collect()
}
