//! Making a bundle: selected, judged, and packed unless an earlier run did just that.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::bundle::{self, Note, Request, Rules, Selection, Written, cache, select, write};
use crate::commands::check::{goes_in, left_out};
use crate::commands::{Context, own_folder};
use crate::compose;
use crate::config::{BundleConfig, RegistryConfig, Symlinks, Tier};
use crate::deploy::zip::Zip;
use crate::deploy::{BundleFile, LARGEST_BUNDLE};
use crate::error::{Error, Kind, Result, reason};
use crate::images::hooks;
use crate::output::{Event, Out, Phase, bytes};

/// A bundle, ready to be deployed.
#[derive(Debug)]
pub struct Bundled {
    /// The zip.
    pub file: BundleFile,
}

/// What to bundle, in a form that can go to another thread.
#[derive(Debug, Clone)]
pub struct Job {
    root: PathBuf,
    compose: PathBuf,
    rules: Rules,
    own: Vec<PathBuf>,
    /// What the environments are: whether they serve HTTP, and their instance type.
    environments: Vec<(bool, Option<String>)>,
    ignore: Vec<String>,
    /// Files that are made here: name, right to run, content.
    made: Vec<(String, bool, Arc<[u8]>)>,
    /// Compose files with other content than on the disk: name, content.
    replaced: Vec<(String, Arc<[u8]>)>,
    /// Whether services with `build` and `image` are built before the deploy.
    builds: bool,
    /// Whether everything about the tree was told already.
    told: bool,
}

impl Job {
    /// The bundle of environments (by key) that have the same compose file.
    #[must_use]
    pub fn new(cx: &Context, keys: &[Option<&str>], output: Option<&Path>) -> Self {
        let config = &cx.settings.config;
        let kind = |key: &Option<&str>| {
            let declared = key.and_then(|key| config.environments.get(key));
            let serves = declared.is_none_or(|environment| environment.tier == Tier::Web);
            (serves, declared.and_then(|it| it.instance_type.clone()))
        };
        let mut environments: Vec<_> = keys.iter().map(kind).collect();
        environments.sort();
        environments.dedup();
        let key = keys.first().copied().flatten();
        Self {
            environments,
            ignore: config.ignored_rules(),
            root: cx.settings.root.clone(),
            compose: cx.settings.compose(key),
            rules: Rules::from(&cx.settings.config.bundle),
            own: cx.own_files(output),
            made: config.registry.as_ref().map(login).unwrap_or_default(),
            replaced: Vec::new(),
            builds: false,
            told: false,
        }
    }

    /// Gives a file of the bundle other content; nothing on the disk changes.
    pub(in crate::commands) fn replace(&mut self, name: &str, content: Vec<u8>) {
        self.replaced.push((name.to_owned(), content.into()));
    }

    /// Services with `build` and `image` are built before the deploy: what they are built from may
    /// stay out.
    pub(in crate::commands) fn builds(&mut self) {
        self.builds = true;
    }

    /// What there is to say about the tree was said: it is not said again.
    pub(in crate::commands) fn told(&mut self) {
        self.told = true;
    }

    pub(super) fn select(&self, out: &Out) -> Result<Selection> {
        let request = Request {
            root: &self.root,
            compose: &self.compose,
            rules: &self.rules,
            own: &self.own,
        };
        if !self.root.join(&self.compose).exists() {
            compose::check(&self.root, &self.compose)?;
        }
        let mut selection = select(&request)?;
        if !self.told {
            self.judge(&selection, out)?;
            tell(&selection, out);
        }
        for (name, executable, content) in &self.made {
            if goes_in(&selection, name) {
                let what = format!(
                    "{name} is there already, and `registry` in beanship.yml makes another"
                );
                return Err(Error::new(Kind::Bundle, what)
                    .hint(format!("remove one of them, as with `git rm {name}`")));
            }
            selection.put(name, *executable, Arc::clone(content));
        }
        for (name, content) in &self.replaced {
            selection.put(name, false, Arc::clone(content));
        }
        Ok(selection)
    }

    /// Judges the compose file and what is beside it; errors stop, warnings are told.
    fn judge(&self, selection: &Selection, out: &Out) -> Result<()> {
        let in_bundle = |path: &str| goes_in(selection, path);
        let left_out = |path: &str| left_out(selection, path);
        let mut told = Vec::new();
        for (serves, instance_type) in &self.environments {
            let verdict = compose::lint(&compose::Surroundings {
                root: &self.root,
                file: &self.compose,
                in_bundle: &in_bundle,
                left_out: &left_out,
                serves: *serves,
                instance_type: instance_type.as_deref(),
                builds: self.builds,
                ignore: &self.ignore,
            });
            verdict.stop()?;
            told.extend(verdict.brief());
        }
        told.dedup();
        for line in told {
            out.event(&Event::Warning(&line));
        }
        Ok(())
    }

    /// Makes the bundle. What an earlier run made of the very same files is packed again only if its bytes are
    /// asked for.
    ///
    /// # Errors
    /// [`Kind::Compose`], [`Kind::Bundle`] or [`Kind::Io`], all problems together.
    pub fn make(&self, out: &Out) -> Result<Bundled> {
        let folder = self.own_folder();
        let before = folder.as_deref().and_then(cache::Moment::now);
        let selection = self.select(out)?;
        if let Some(folder) = &folder
            && let Some(known) = cache::known(folder, &selection)
        {
            return Ok(again(selection, known, folder, out));
        }
        let mut file = temporary(folder.as_deref())?;
        let written = zip(&selection, &mut file, out)?;
        if let (Some(folder), Some(before)) = (&folder, before) {
            cache::note(folder, before, &selection, &written);
        }
        Ok(bundled(Zip::made(file, folder), written))
    }

    /// Writes the bundle to `to`, front to back.
    ///
    /// # Errors
    /// As [`Job::make`]. What was written until then is no bundle.
    pub(super) fn write(&self, to: &mut (impl Write + Send), out: &Out) -> Result<Written> {
        zip(&self.select(out)?, to, out)
    }

    /// The tool's own folder; none where it cannot be made, as in a tree that may only be read.
    pub(super) fn own_folder(&self) -> Option<PathBuf> {
        own_folder(&self.root).ok()
    }
}

/// The files that have the instances log in at a private registry.
fn login(registry: &RegistryConfig) -> Vec<(String, bool, Arc<[u8]>)> {
    let files = hooks::files(registry).into_iter();
    let file = |it: hooks::Made| (it.name, it.executable, it.content.into_bytes().into());
    files.map(file).collect()
}

/// Tells what the user should know about the tree.
fn tell(selection: &Selection, out: &Out) {
    for note in selection.notes() {
        let text = note.to_string();
        let harmless = matches!(note, Note::RootEnv | Note::Skipped { .. });
        out.event(&if harmless {
            Event::Note(&text)
        } else {
            Event::Warning(&text)
        });
    }
}

impl From<&BundleConfig> for Rules {
    fn from(config: &BundleConfig) -> Self {
        Self {
            include: config.include.clone(),
            exclude: config.exclude.clone(),
            only: config.only.clone(),
            follow_symlinks: config.symlinks == Symlinks::Follow,
        }
    }
}

/// A bundle that is known already, packed when its bytes are asked for. They must be what was noted.
fn again(selection: Selection, known: Written, folder: &Path, out: &Out) -> Bundled {
    let (place, noted, out) = (folder.to_owned(), known.sha256.clone(), out.clone());
    let make = move || {
        let mut file = temporary(Some(&place))?;
        let written = zip(&selection, &mut file, &out)?;
        if written.sha256 == noted {
            return Ok(file);
        }
        cache::forget(&place);
        Err(Error::new(
            Kind::Bundle,
            "the bundle is not what an earlier run noted about the same files: the note is gone now",
        )
        .hint("run the same command again: `beanship deploy`"))
    };
    bundled(Zip::later(make, Some(folder.to_owned())), known)
}

fn bundled(zip: Zip, written: Written) -> Bundled {
    let Written {
        sha256,
        bytes,
        files,
    } = written;
    let file = BundleFile {
        zip,
        sha256,
        bytes,
        files,
    };
    Bundled { file }
}

/// A file without a name, which goes with its last user.
fn temporary(folder: Option<&Path>) -> Result<File> {
    let made = match folder {
        Some(folder) => tempfile::tempfile_in(folder).or_else(|_| tempfile::tempfile()),
        None => tempfile::tempfile(),
    };
    made.map_err(|why| {
        let what = format!("cannot make a temporary file: {}", reason(&why));
        Error::new(Kind::Io, what).hint("name another directory with `TMPDIR`")
    })
}

fn zip(selection: &Selection, to: &mut (impl Write + Send), out: &Out) -> Result<Written> {
    let total = selection.total_bytes();
    let progress = |progress: bundle::Progress| {
        out.event(&Event::Progress {
            phase: Phase::Bundle,
            done: progress.bytes,
            total,
        });
    };
    let written = write(selection, to, &progress);
    out.event(&Event::ProgressEnd);
    let written = written?;
    if written.bytes > LARGEST_BUNDLE {
        return Err(Error::new(
            Kind::Bundle,
            format!(
                "the source bundle is too large: {}, Elastic Beanstalk takes {}",
                bytes(written.bytes),
                bytes(LARGEST_BUNDLE)
            ),
        )
        .hint("see what is in it with `beanship bundle --list`, and leave files out with `bundle.exclude` in beanship.yml"));
    }
    Ok(written)
}
