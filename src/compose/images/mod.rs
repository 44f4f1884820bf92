//! The images of a compose file: what each service runs, where its name stands in the text, and
//! how it is built. [`Images::pinned`] puts other names in their places and leaves everything else
//! as it is.

mod build;
mod pinned;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::path::Path;

pub use build::Build;

use super::model::texts;
use super::source::Source;
use super::tree::{At, Tree};
use super::variables::{Lookup, scan, with_values};
use super::{files, text_of};

pub(crate) use super::rules::{is_arm, moving_tag};

/// What the services of a compose file run.
#[derive(Debug, Clone, Default)]
pub struct Images {
    /// The services that name an image, in the order of the file.
    pub services: Vec<ServiceImage>,
    /// What may name more images, in words: services whose image stands in another file.
    pub elsewhere: Vec<String>,
    text: String,
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
    /// The bytes of the name.
    at: Range<usize>,
}

impl Images {
    /// Reads a compose file; `values` are those of the variables. One that cannot be read has no
    /// images: [`super::lint`] tells why.
    #[must_use]
    pub fn read(root: &Path, file: &Path, values: Lookup<'_>) -> Self {
        let text = files::bytes(&root.join(file)).ok();
        let text = text.and_then(|bytes| text_of(bytes).ok());
        text.map(|text| Self::of(text, values)).unwrap_or_default()
    }

    /// Like [`Images::read`], from text.
    #[must_use]
    pub fn of(text: String, values: Lookup<'_>) -> Self {
        let Ok(tree) = Tree::read(&text) else {
            return Self::default();
        };
        let source = Source::new("", text);
        let mut images = Self::default();
        if let Some(root) = tree.root() {
            if root.get("include").is_some() {
                images.elsewhere.push("`include`".to_owned());
            }
            let services = root.get("services").into_iter().flat_map(At::entries);
            for (key, body) in services {
                if let Some(name) = key.text() {
                    images.service(name, body, &source, values);
                }
            }
        }
        images.text = source.text;
        images
    }

    fn service(&mut self, name: &str, body: At<'_>, source: &Source, values: Lookup<'_>) {
        let image = body.get("image").filter(|image| !image.is_reset());
        let written = image.and_then(|image| Some((image, image.filled()?)));
        let Some((image, written)) = written else {
            if let Some(file) = body.dig(&["extends", "file"]).and_then(At::text) {
                self.elsewhere
                    .push(format!("service `{name}`, which extends one of {file}"));
            }
            return;
        };
        let at = image.range();
        let end = at.start + source.text[at.clone()].trim_end().len();
        let build = body.get("build").filter(|build| !build.is_reset());
        self.services.push(ServiceImage {
            service: name.to_owned(),
            written: written.to_owned(),
            name: with_values(written, values).filter(|name| !name.is_empty()),
            varies: !scan(written).0.is_empty(),
            build: build.map(|build| Build::of(build, values)),
            line: source.place(at.start).line,
            at: at.start..end,
        });
    }

    /// Whether any service is built and has a name for its image.
    #[must_use]
    pub fn any_built(&self) -> bool {
        self.services.iter().any(|service| service.build.is_some())
    }
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
