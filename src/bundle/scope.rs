//! Which rules count in a directory, and what they make of one path: the lists of the project file
//! first, then the ignore files from the nearest to the farthest.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::rules::{BadPattern, Base, Rule, RuleSet, Verdict};
use super::{Rules, git};
use crate::error::{Error, Kind, Result};

/// The ignore file that, at the root, takes the place of all of git's.
pub(super) const EB_IGNORE: &str = ".ebignore";

/// The lists of the project file.
pub(super) struct Lists {
    include: RuleSet,
    exclude: RuleSet,
    only: RuleSet,
}

/// The ignore files that count in a directory; a later one beats an earlier one.
#[derive(Clone)]
pub(super) struct Ignores {
    files: Vec<Arc<RuleSet>>,
    from_git: bool,
}

/// What was decided about a directory, as far as it holds for everything below it.
#[derive(Clone, Default)]
pub(super) struct Standing {
    /// `bundle.include` named it.
    pub(super) included: Option<Rule>,
    /// `bundle.only` named it.
    pub(super) named: bool,
    /// The rule that leaves it out; what is below it goes in only where `bundle.include` names it.
    pub(super) out: Option<Rule>,
    /// It, or a directory above it, is already listed as left out.
    pub(super) listed: bool,
}

impl Standing {
    /// Whether the directory itself belongs into the bundle.
    pub(super) fn is_in(&self) -> bool {
        self.included.is_some() || (self.named && self.out.is_none())
    }
}

/// What becomes of one path.
pub(super) enum Judgement {
    /// It goes in, by the rule if one was needed.
    In(Option<Rule>),
    /// It stays out: a rule says so, or (`None`) `bundle.only` does not name it.
    Out(Option<Rule>),
    /// It stays out with a directory above it, which is said once, for that directory.
    OutWithParent,
}

impl Lists {
    pub(super) fn new(rules: &Rules) -> Result<Self> {
        let mut problems = Vec::new();
        let mut list = |patterns: &[String], key: &str| {
            let (set, bad) = RuleSet::list(patterns, key);
            problems.extend(bad.into_iter().map(|BadPattern { rule, why }| {
                Error::new(
                    Kind::Config,
                    format!("cannot use the pattern {rule}: {why}"),
                )
                .hint(format!(
                    "correct `{key}` in the project file; it takes gitignore patterns"
                ))
            }));
            set
        };
        let include = list(&rules.include, "bundle.include");
        let exclude = list(&rules.exclude, "bundle.exclude");
        let only = list(&rules.only, "bundle.only");
        match Error::all(problems) {
            Some(error) => Err(error),
            None => Ok(Self {
                include,
                exclude,
                only,
            }),
        }
    }

    /// What becomes of `path`, and what holds below it if it is a directory.
    pub(super) fn judge(
        &self,
        path: &Path,
        directory: bool,
        parent: &Standing,
        ignores: &Ignores,
    ) -> (Judgement, Standing) {
        let included = match self.include.judge(path, directory) {
            Some(Verdict::Match(rule)) => Some(rule),
            Some(Verdict::Negated(_)) => None,
            None => parent.included.clone(),
        };
        let named = match self.only.judge(path, directory) {
            Some(Verdict::Match(_)) => true,
            Some(Verdict::Negated(_)) => false,
            None => parent.named || self.only.is_empty(),
        };
        let verdict = match &parent.out {
            Some(rule) => Some(Verdict::Match(rule.clone())),
            None => self
                .exclude
                .judge(path, directory)
                .or_else(|| ignores.judge(path, directory)),
        };
        let (out, kept_by) = match verdict {
            Some(Verdict::Match(rule)) => (Some(rule), None),
            Some(Verdict::Negated(rule)) => (None, Some(rule)),
            None => (None, None),
        };
        let judgement = if let Some(rule) = &included {
            Judgement::In(Some(rule.clone()))
        } else if parent.listed && (parent.out.is_some() || (out.is_none() && !named)) {
            Judgement::OutWithParent
        } else if out.is_some() || !named {
            Judgement::Out(out.clone())
        } else {
            Judgement::In(kept_by)
        };
        let listed = parent.listed || matches!(judgement, Judgement::Out(_));
        (
            judgement,
            Standing {
                included,
                named,
                out,
                listed,
            },
        )
    }

    /// Whether something below a directory that stays out may still go in.
    pub(super) fn reach_into(&self, directory: &Path, standing: &Standing) -> bool {
        self.include.reaches_into(directory)
            || (standing.out.is_none() && self.only.reaches_into(directory))
    }
}

impl Ignores {
    /// The ignore files that count at the root itself.
    pub(super) fn at_root(root: &Path) -> Result<(Self, Vec<BadPattern>)> {
        let mut ignores = Self {
            files: Vec::new(),
            from_git: true,
        };
        let mut bad = Vec::new();
        let eb_ignore = root.join(EB_IGNORE);
        if eb_ignore.is_file() {
            ignores.from_git = false;
            ignores.add(&eb_ignore, EB_IGNORE.into(), Base::root(), &mut bad)?;
            return Ok((ignores, bad));
        }
        let tree = git::work_tree(root).unwrap_or(root);
        let way = root.strip_prefix(tree).unwrap_or(Path::new(""));
        let top = if way.as_os_str().is_empty() {
            Base::root()
        } else {
            Base::Above(way.into())
        };
        ignores.add_outer(tree, &top, &mut bad)?;
        for (depth, directory) in climb(tree, way).into_iter().enumerate() {
            let file = directory.join(".gitignore");
            if file.is_file() {
                let source = format!(
                    "{}.gitignore",
                    "../".repeat(way.components().count() - depth)
                );
                let below = way.components().skip(depth).collect::<PathBuf>();
                ignores.add(&file, source, Base::Above(below), &mut bad)?;
            }
        }
        Ok((ignores, bad))
    }

    /// The ignore files that count in `directory`, a path below the root, given those that count
    /// above it. A repository inside the tree (a submodule) is on its own, as it is for git.
    pub(super) fn enter(
        &self,
        root: &Path,
        directory: &Path,
        has_git: bool,
        has_gitignore: bool,
    ) -> Result<(Self, Vec<BadPattern>)> {
        let mut ignores = self.clone();
        let mut bad = Vec::new();
        if !self.from_git {
            return Ok((ignores, bad));
        }
        let base = Base::Within(directory.to_owned());
        let place = root.join(directory);
        if has_git && !directory.as_os_str().is_empty() {
            ignores.files.clear();
            ignores.add_outer(&place, &base, &mut bad)?;
        }
        let file = place.join(".gitignore");
        if has_gitignore && file.is_file() {
            let source = directory
                .join(".gitignore")
                .to_string_lossy()
                .replace('\\', "/");
            ignores.add(&file, source, base, &mut bad)?;
        }
        Ok((ignores, bad))
    }

    /// Adds what counts for the whole of a work tree: the user's excludes, the repository's own.
    fn add_outer(&mut self, tree: &Path, base: &Base, bad: &mut Vec<BadPattern>) -> Result<()> {
        for file in [git::global_excludes(), git::exclude_file(tree)]
            .into_iter()
            .flatten()
        {
            self.add(&file, file.display().to_string(), base.clone(), bad)?;
        }
        Ok(())
    }

    fn add(
        &mut self,
        file: &Path,
        source: String,
        base: Base,
        bad: &mut Vec<BadPattern>,
    ) -> Result<()> {
        let (set, mut unreadable) =
            RuleSet::read(file, source, base).map_err(|error| Error::io("read", file, &error))?;
        bad.append(&mut unreadable);
        if !set.is_empty() {
            self.files.push(Arc::new(set));
        }
        Ok(())
    }

    fn judge(&self, path: &Path, directory: bool) -> Option<Verdict> {
        self.files
            .iter()
            .rev()
            .find_map(|set| set.judge(path, directory))
    }
}

/// The directories from the top of a work tree down to the root's parent.
fn climb(tree: &Path, way: &Path) -> Vec<PathBuf> {
    let mut directory = tree.to_owned();
    way.components()
        .map(|component| {
            let this = directory.clone();
            directory.push(component);
            this
        })
        .collect()
}
