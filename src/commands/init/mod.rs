//! `beanship init`: looks at what is there, and writes the project file and a workflow.

mod account;
mod answers;
mod report;

use std::path::{Path, PathBuf};

use secrecy::ExposeSecret;

use crate::cli::InitArgs;
use crate::config::FILE_NAME;
use crate::error::{Error, Exit, Kind, Result, reason};
use crate::init::look::look;
use crate::init::propose::{Known, Wanted, Wishes};
use crate::init::write::{self, Standing};
use crate::keys;
use crate::output::Event;
use crate::plan::Moment;
use crate::plan::Step;

use super::Context;
use report::{Initialised, Outcome};

/// Runs the command. AWS is asked only where somebody is asked as well.
///
/// # Errors
/// [`Kind::Usage`] where something is not known and nobody can be asked, [`Kind::Config`] for a
/// project file that is wrong, [`Kind::Io`] for files that cannot be written.
pub async fn run(cx: &Context, args: &InitArgs) -> Result<Exit> {
    let root = &cx.settings.root;
    let file = root.join(FILE_NAME);
    let known = look(root, &file, args.force, args.compose.as_deref())
        .map_err(|error| error.hint("or have it replaced: `beanship init --force`"))?;
    tell(cx, &known);
    let mut wishes = wishes(cx, args);
    if cx.settings.interactive && !cx.settings.yes {
        answers::ask(cx, &known, &mut wishes).await?;
    }
    let wanted = Wanted::of(&wishes, &known)?;
    let drafts = wanted.drafts()?.into_iter();
    let standings = drafts.map(|draft| Standing::of(root, draft, args.force));
    let standings: Vec<Standing> = standings.collect::<Result<_>>()?;
    let outcome = write(cx, args, &standings).await?;
    let next = next(root, wishes.compose.as_deref(), &standings);
    cx.out
        .result(&Initialised::new(outcome, known, &wanted, standings, next));
    Ok(Exit::Done)
}

/// Shows the difference, asks and writes.
async fn write(cx: &Context, args: &InitArgs, standings: &[Standing]) -> Result<Outcome> {
    let plan = write::plan(standings);
    if plan.is_empty() {
        return Ok(Outcome::Unchanged);
    }
    for standing in standings {
        for key in keys::in_clear(&standing.diff) {
            let path = standing.path.display();
            let text = format!(
                "{path} holds a secret access key in clear: replace it at AWS, and keep the new one as a secret of the CI system"
            );
            cx.out.event(&Event::Warning(&text));
            cx.out.hide(key.expose_secret());
        }
        let written = plan
            .changes()
            .iter()
            .any(|it| Path::new(&it.name) == standing.path);
        if written {
            cx.out.event(&Event::Lines(standing.diff.trim_end()));
        }
    }
    cx.out.event(&Event::Plan(&plan.changes()));
    if args.plan || !agreed(cx).await? {
        return Ok(Outcome::Planned);
    }
    let tell = |moment: Moment<'_, _>| {
        if let Moment::Done(step, took) = moment {
            cx.out.event(&Event::Done(&Step::past(step), took));
        }
    };
    plan.apply(&cx.settings.root, &mut (), tell).await?;
    Ok(Outcome::Succeeded)
}

/// On a terminal the difference is agreed to; elsewhere `--force` has said enough.
async fn agreed(cx: &Context) -> Result<bool> {
    if cx.settings.yes || !cx.settings.interactive {
        return Ok(true);
    }
    let out = cx.out.clone();
    let asked = tokio::task::spawn_blocking(move || out.ask("Write this?")).await;
    asked
        .map_err(|why| why.to_string())
        .and_then(|answer| answer.map_err(|why| reason(&why)))
        .map_err(|why| Error::new(Kind::Io, format!("cannot ask: {why}")))
}

fn wishes(cx: &Context, args: &InitArgs) -> Wishes {
    let settings = &cx.settings;
    let variable = |name: &str| settings.environ.get(name).map(str::to_owned);
    Wishes {
        app: args.app.clone().or_else(|| variable("BEANSHIP_APP")),
        region: settings.region.clone(),
        key: args.env.clone(),
        name: args.name.clone(),
        branches: args.branch.clone(),
        compose: args
            .compose
            .clone()
            .or_else(|| other_compose(&settings.root)),
        bucket_name: args.bucket_name.clone(),
        bucket_path: args.bucket_path.clone(),
        ci: args.ci,
        role: args.role.clone(),
        tests: args.test.clone(),
    }
}

/// The compose file, where it has one of the other names that Docker's tools find.
fn other_compose(root: &Path) -> Option<PathBuf> {
    if root.join(crate::compose::FILE_NAME).exists() {
        return None;
    }
    let names = crate::compose::OTHER_NAMES.iter();
    let mut there = names.filter(|name| root.join(name).is_file());
    there.next().map(PathBuf::from)
}

/// Says what was found, and what of it has no place.
fn tell(cx: &Context, known: &Known) {
    for found in &known.found {
        let text = format!("found {}", found.source);
        cx.out.event(&Event::Note(&text));
        for remark in &found.remarks {
            let text = format!("{}: {remark}", found.source);
            cx.out.event(&Event::Note(&text));
        }
    }
}

/// What to do next.
fn next(root: &Path, compose: Option<&Path>, files: &[Standing]) -> Vec<String> {
    let single = ["Dockerfile", "Dockerrun.aws.json"];
    let compose = compose.unwrap_or(Path::new(crate::compose::FILE_NAME));
    let runs = root.join(compose).is_file() || single.iter().any(|it| root.join(it).is_file());
    let mut steps = Vec::new();
    if !runs {
        steps.push("write a docker-compose.yml: there is nothing that could run yet".to_owned());
    }
    steps.push("beanship check".to_owned());
    steps.push("beanship deploy --plan".to_owned());
    for file in files {
        steps.extend(still_needs(file));
    }
    steps
}

/// What a file refers to that only its owner can give.
fn still_needs(file: &Standing) -> Vec<String> {
    let text = file.text().unwrap_or_default();
    let mut needs = Vec::new();
    if text.contains("/OWNER/") {
        let path = file.path.display();
        needs.push(format!(
            "say in {path} where the releases of beanship are, in place of OWNER"
        ));
    }
    for (kind, mark) in [("variable", "${{ vars."), ("secret", "${{ secrets.")] {
        let mut names: Vec<&str> = text
            .split(mark)
            .skip(1)
            .filter_map(|rest| rest.split([' ', '}']).next())
            .collect();
        names.sort_unstable();
        names.dedup();
        let commands = names.iter().map(|name| format!("gh {kind} set {name}"));
        needs.extend(commands);
    }
    needs
}
