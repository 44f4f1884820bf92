//! The model that all files make together: which services there are, what each has from others,
//! and what is declared.

use std::collections::{HashMap, HashSet};

use super::model::Service;
use super::opened::{Files, Opened, Role};
use super::tree::At;

/// The top-level keys under which resources are declared.
const RESOURCES: [&str; 5] = ["networks", "volumes", "secrets", "configs", "models"];

/// How many services are followed by `extends`, one after the other.
const DEEPEST: usize = 16;

/// How many services are looked at together; nobody writes more.
const MOST_SERVICES: usize = 5000;

/// Everything that Compose knows once it has read all files.
#[derive(Debug)]
pub struct World<'a> {
    /// The files, the compose file first.
    pub files: &'a [Opened],
    /// The services in the order of the files.
    pub services: Vec<Service<'a>>,
    /// Whether every included file could be opened.
    pub complete: bool,
    /// Whether any file takes back what another says (`!reset`, `!override`).
    pub resets: bool,
    /// What each of the services says with what it has from others.
    wholes: Vec<Whole<'a>>,
    /// Of a service that is not known.
    unknown: Whole<'a>,
    every: HashMap<usize, HashMap<&'a str, Service<'a>>>,
    named: HashMap<&'a str, Vec<usize>>,
    declared: HashMap<&'static str, HashSet<&'a str>>,
}

/// What a service says together with what it has from others.
#[derive(Debug, Default)]
pub struct Whole<'a> {
    /// What says it, the nearest first; each under the name of the service that is meant.
    pub parts: Vec<Service<'a>>,
    /// Whether nothing else is said elsewhere.
    pub complete: bool,
    /// The names of a circle of `extends`, where it goes through the service.
    pub circle: Option<Vec<&'a str>>,
}

impl<'a> World<'a> {
    /// The model of the files.
    #[must_use]
    pub fn of(files: &'a Files) -> Self {
        let mut world = Self {
            files: &files.list,
            services: Vec::new(),
            complete: files.closed.is_empty(),
            resets: files.list.iter().any(|file| file.tree.has_resets()),
            wholes: Vec::new(),
            unknown: Whole::default(),
            every: HashMap::new(),
            named: HashMap::new(),
            declared: HashMap::new(),
        };
        for (index, file) in files.list.iter().enumerate() {
            let Some(root) = file.tree.root() else {
                continue;
            };
            let is_model = !matches!(file.role, Role::Extended(_));
            for (key, body) in root.get("services").into_iter().flat_map(At::entries) {
                let Some(name) = key.text() else { continue };
                let service = Service {
                    name,
                    key,
                    body,
                    file: index,
                };
                let every = world.every.entry(index).or_default();
                every.insert(name, service);
                world.complete &= world.services.len() < MOST_SERVICES;
                if is_model && world.services.len() < MOST_SERVICES {
                    let same = world.named.entry(name).or_default();
                    same.push(world.services.len());
                    world.services.push(service);
                }
            }
            for kind in RESOURCES.into_iter().filter(|_| is_model) {
                let entries = root.get(kind).into_iter().flat_map(At::entries);
                let names = entries.filter_map(|(key, _)| key.text());
                world.declared.entry(kind).or_default().extend(names);
            }
        }
        let wholes = world.services.iter().map(|it| world.join(it));
        world.wholes = wholes.collect();
        world
    }

    /// The service of a name, the first where several files have a part of it.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<&Service<'a>> {
        let first = self.named.get(name)?.first()?;
        Some(&self.services[*first])
    }

    /// A service by the number of its file.
    #[must_use]
    pub fn service_in(&self, file: usize, name: &str) -> Option<&Service<'a>> {
        self.every.get(&file)?.get(name)
    }

    /// The services, each once.
    pub fn each(&self) -> impl Iterator<Item = &Service<'a>> {
        let is_first = |it: &&Service<'a>| {
            let first = self.service(it.name);
            first.is_some_and(|first| first.file == it.file)
        };
        self.services.iter().filter(is_first)
    }

    /// Whether a network, volume, secret, config or model is declared.
    #[must_use]
    pub fn declares(&self, kind: &str, name: &str) -> bool {
        self.declared.get(kind).is_some_and(|it| it.contains(name))
    }

    /// The names that are declared under a key.
    pub fn declared(&self, kind: &str) -> impl Iterator<Item = &'a str> {
        self.declared.get(kind).into_iter().flatten().copied()
    }

    /// A service of the model with what it has from the services that it extends, and from other
    /// files of its group.
    #[must_use]
    pub fn whole(&self, service: &Service<'a>) -> &Whole<'a> {
        let same = self.named.get(service.name).map_or(&[][..], Vec::as_slice);
        let mut own = same.iter();
        let own = own.find(|at| self.services[**at].file == service.file);
        let found = own.or(same.first());
        found.map_or(&self.unknown, |at| &self.wholes[*at])
    }

    fn join(&self, service: &Service<'a>) -> Whole<'a> {
        let mut whole = Whole {
            complete: true,
            ..Whole::default()
        };
        let group = |it: &Service<'a>| self.files[it.file].group;
        for at in self.named.get(service.name).into_iter().flatten().rev() {
            let one = self.services[*at];
            if group(&one) == group(service) {
                self.follow(one, &mut whole);
            }
        }
        whole
    }

    fn follow(&self, start: Service<'a>, whole: &mut Whole<'a>) {
        let mut at = start;
        let mut trail = Vec::new();
        loop {
            whole.parts.push(Service {
                name: start.name,
                ..at
            });
            let own = at.own_name();
            trail.push((at.file, own));
            let Some(extends) = self.files[at.file].extends.get(own) else {
                return;
            };
            let name = extends.service.as_str();
            let next = extends.target.and_then(|file| self.service_in(file, name));
            let Some(next) = next.filter(|_| trail.len() < DEEPEST) else {
                whole.complete = false;
                return;
            };
            if trail.contains(&(next.file, next.own_name())) {
                whole.complete = false;
                if trail[0] == (next.file, next.own_name()) {
                    let names = trail.iter().map(|(_, name)| *name);
                    whole.circle = Some(names.chain([next.own_name()]).collect());
                }
                return;
            }
            at = *next;
        }
    }

    /// Where a service stands, for someone who reads another file.
    #[must_use]
    pub fn place(&self, service: &Service<'a>, reader: usize) -> String {
        let source = &self.files[service.file].source;
        let line = source.place(service.start()).line;
        match service.file == reader {
            true => format!("line {line}"),
            false => format!("line {line} of {}", source.name),
        }
    }
}

impl<'a> Whole<'a> {
    /// The nearest value of a key, and the service that says it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<At<'a>> {
        self.parts.iter().find_map(|part| part.get(key))
    }

    /// Whether any part has the key.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Whether only `--profile` starts it.
    #[must_use]
    pub fn has_profile(&self) -> bool {
        self.parts.iter().any(Service::has_profile)
    }

    /// The parts that add up to a list: those up to one that replaces what the others say.
    pub fn adding(&self, key: &'static str) -> impl Iterator<Item = &Service<'a>> {
        let mut replaced = false;
        self.parts.iter().take_while(move |part| {
            let goes_on = !replaced;
            replaced |= part.get(key).is_some_and(At::is_reset);
            goes_on
        })
    }
}
