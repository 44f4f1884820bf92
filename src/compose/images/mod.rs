//! The images of a project: what each service runs, where its name stands in which file, and how it
//! is built. [`Images::pinned`] puts other names in their places and leaves everything else
//! as it is.

mod build;
mod pinned;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::path::Path;

pub use build::Build;

use super::model::{Service, texts};
use super::opened::{Disk, Files, Opened, Role};
use super::source::Source;
use super::tree::At;
use super::variables::{Lookup, scan, with_values};
use super::world::{Whole, World};
use super::{FILE_NAME, files, text_of};

pub(crate) use super::rules::{is_arm, moving_tag};

/// What the services of a project run.
#[derive(Debug, Clone, Default)]
pub struct Images {
    /// The services that name an image, in the order of the files.
    pub services: Vec<ServiceImage>,
    /// What may name more images, in words: files that could not be opened.
    pub elsewhere: Vec<String>,
    /// The files: their names in the bundle, and their texts.
    files: Vec<(String, String)>,
}

/// The image of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceImage {
    /// The service.
    pub service: String,
    /// The name as it stands in the file.
    pub written: String,
    /// The name with every variable filled in; none where one has no value.
    pub name: Option<String>,
    /// Whether the name depends on variables, whose values on the instance are not known here.
    pub varies: bool,
    /// How it is built, where it is.
    pub build: Option<Build>,
    /// The line that the name stands on, from 1.
    pub line: usize,
    /// The number of the file that it stands in.
    file: usize,
    /// What the service is called there.
    key: String,
    /// Whether it is built by what another service says.
    is_apart: bool,
    /// The bytes of the name.
    at: Range<usize>,
}

impl Images {
    /// Reads a compose file and those that it takes in; `values` are those of the variables. What
    /// cannot be read has no images: [`super::lint`] tells why.
    #[must_use]
    pub fn read(root: &Path, file: &Path, values: Lookup<'_>) -> Self {
        let text = files::bytes(&root.join(file)).ok();
        let text = text.and_then(|bytes| text_of(bytes).ok());
        let on_disk = |path: &str| root.join(path).exists();
        let disk = Disk {
            root,
            in_bundle: &on_disk,
        };
        let name = file.to_string_lossy().replace('\\', "/");
        let read = |text| Self::from(Files::open(Source::new(name, text), disk), values);
        text.map(read).unwrap_or_default()
    }

    /// Like [`Images::read`], from the text of one file.
    #[must_use]
    pub fn of(text: String, values: Lookup<'_>) -> Self {
        let disk = Disk {
            root: Path::new(""),
            in_bundle: &|_| false,
        };
        let files = Files::open(Source::new(FILE_NAME, text), disk);
        Self::from(files, values)
    }

    fn from(files: Files, values: Lookup<'_>) -> Self {
        let mut images = Self {
            elsewhere: files.closed.clone(),
            ..Self::default()
        };
        let world = World::of(&files);
        for service in world.each() {
            images.service(&world, service, values);
        }
        let name = |(index, file): (usize, Opened)| match index {
            0 => (FILE_NAME.to_owned(), file.source.text),
            _ => (file.source.name, file.source.text),
        };
        images.files = files.list.into_iter().enumerate().map(name).collect();
        images
    }

    fn service(&mut self, world: &World<'_>, service: &Service<'_>, values: Lookup<'_>) {
        let whole = world.whole(service);
        let given = |it: &&Service<'_>, key| it.get(key).is_some_and(|at| !at.is_reset());
        let Some(part) = whole.parts.iter().find(|it| given(it, "image")) else {
            if !whole.complete {
                self.elsewhere.extend(extended(world, whole));
            }
            return;
        };
        let opened = &world.files[part.file];
        let is_base = matches!(opened.role, Role::Extended(_));
        let (is_own, key) = (part.start() == service.start(), part.own_name());
        // What another service of the model says is told there.
        let known = |it: &ServiceImage| it.file == part.file && it.key == key;
        let told = !is_base && !is_own && key != service.name;
        let Some(written) = part.get("image").and_then(At::filled) else {
            return;
        };
        if told || self.services.iter().any(known) {
            return;
        }
        let image = part.get("image").map(At::range).unwrap_or_default();
        let end = image.start + opened.source.text[image.clone()].trim_end().len();
        let build = whole.parts.iter().find(|it| given(it, "build"));
        let is_apart = build.is_some_and(|it| (it.file, it.start()) != (part.file, part.start()));
        let build = build.and_then(|it| Some((it.get("build")?, &world.files[it.file].base)));
        self.services.push(ServiceImage {
            service: service.name.to_owned(),
            written: written.to_owned(),
            name: with_values(written, values).filter(|name| !name.is_empty()),
            varies: !scan(written).0.is_empty(),
            build: build.map(|(build, base)| Build::of(build, base, values)),
            line: opened.source.place(image.start).line,
            file: part.file,
            key: key.to_owned(),
            is_apart,
            at: image.start..end,
        });
    }

    /// Whether any service is built and has a name for its image.
    #[must_use]
    pub fn any_built(&self) -> bool {
        self.services.iter().any(|service| service.build.is_some())
    }
}

/// The file that a service extends one of, which could not be opened, in words.
fn extended(world: &World<'_>, whole: &Whole<'_>) -> Option<String> {
    let last = whole.parts.last()?;
    let extends = world.files[last.file].extends.get(last.own_name())?;
    let file = &extends.file.as_ref()?.written;
    Some(format!(
        "service `{}`, which extends one of {file}",
        last.name
    ))
}

impl ServiceImage {
    /// Whether instances fetch this image, instead of building it.
    #[must_use]
    pub fn is_fetched(&self) -> bool {
        self.build.is_none()
    }

    /// Whether its name may mean another image tomorrow: no tag, or one that is moved on.
    #[must_use]
    pub fn moves(&self) -> bool {
        let name = self.name.as_deref().unwrap_or(&self.written);
        moving_tag(name).is_some()
    }
}

/// The texts of a value with variables filled in: of a scalar, or of a list.
fn filled(at: At<'_>, values: Lookup<'_>) -> Vec<String> {
    let fill = |at: At<'_>| with_values(at.text()?, values);
    texts(at).into_iter().filter_map(fill).collect()
}
