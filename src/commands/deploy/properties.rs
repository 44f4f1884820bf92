//! What a deploy does about environment properties and option settings.

use futures_util::future::join_all;

use crate::cli::{DeployArgs, PropertyArgs};
use crate::commands::Context;
use crate::compose::needed_variables;
use crate::deploy::configuration::Configuration;
use crate::deploy::{Desired, World};
use crate::error::{Error, Kind, Result};
use crate::output::Event;
use crate::properties::gather::{Content, Place};
use crate::properties::resolve::How;
use crate::properties::{self, Gathered, Options, Wanted};
use crate::settings::Target;

/// How many names a line lists.
const LISTED: usize = 12;

/// What the project file and this machine say. Private values are hidden from here on.
pub(super) fn gather(
    cx: &Context,
    targets: &[Target],
    args: &PropertyArgs,
) -> Result<Vec<Gathered>> {
    let (mut all, mut problems) = (Vec::new(), Vec::<Error>::new());
    for target in targets {
        match gather_one(cx, target, args) {
            Ok(gathered) => all.push(gathered),
            Err(error) if problems.iter().any(|it| it.message() == error.message()) => {}
            Err(error) => problems.push(error),
        }
    }
    Error::all(problems).map_or(Ok(all), Err)
}

fn gather_one(cx: &Context, target: &Target, args: &PropertyArgs) -> Result<Gathered> {
    let settings = &cx.settings;
    let place = Place {
        environ: &settings.environ,
        root: &settings.root,
    };
    let gathered = properties::gather(&settings.config, target.key.as_deref(), place)?;
    for property in &gathered.properties {
        if let Content::Private(value) = &property.content {
            cx.out.hide_likely(value.expose());
        }
    }
    if args.prune_properties && !gathered.declared {
        return Err(Error::new(
            Kind::Usage,
            "--prune-properties would remove every property: beanship.yml says nothing about properties",
        )
        .hint("name those that stay under `properties`, or take single ones away with `beanship properties unset`"));
    }
    Ok(gathered)
}

/// What is wanted, with the options that differ from what is set at AWS.
pub(super) async fn wished(
    cx: &Context,
    args: &DeployArgs,
    world: &World,
    wishes: impl Iterator<Item = ((&Desired, &Gathered), (&str, Result<Configuration>))>,
) -> Result<Vec<Desired>> {
    let wishes: Vec<_> = wishes.collect();
    let names = wishes
        .iter()
        .map(|((it, _), _)| it.target.environment.len());
    let width = names.max().unwrap_or_default();
    let several = wishes.len() > 1;
    let each = wishes
        .into_iter()
        .map(async |((desired, gathered), (account, seen))| {
            let target = &desired.target;
            let out = match several {
                true => cx.out.about(&target.environment, width),
                false => cx.out.clone(),
            };
            let about = (&cx.telling(out), target, account);
            let (options, undo) =
                differences(world, about, (gathered, seen), &args.properties).await?;
            Ok::<_, Error>(Desired {
                options,
                undo,
                ..desired.clone()
            })
        });
    let (mut all, mut problems) = (Vec::new(), Vec::<Error>::new());
    for wish in join_all(each).await {
        match wish {
            Ok(desired) => all.push(desired),
            Err(error) if problems.iter().any(|it| it.message() == error.message()) => {}
            Err(error) => problems.push(error),
        }
    }
    Error::all(problems).map_or(Ok(all), Err)
}

/// The options that differ, and what would bring them back; everything about them is checked and
/// told.
async fn differences(
    world: &World,
    (cx, target, account): (&Context, &Target, &str),
    (gathered, seen): (&Gathered, Result<Configuration>),
    args: &PropertyArgs,
) -> Result<(Options, Options)> {
    let file = cx.settings.compose(target.key.as_deref());
    let needed = needed_variables(&cx.settings.root, &file);
    let nothing = gathered.properties.is_empty() && gathered.settings.is_empty();
    let asked = gathered.declared || !nothing;
    if !asked && needed.is_empty() {
        return Ok(Default::default());
    }
    let seen = match seen {
        Err(error) if !asked && error.kind() == Kind::Denied => return Ok(Default::default()),
        seen => seen?,
    };
    let how = How {
        account: account.to_owned(),
        read_secrets: args.read_secrets,
        prune: args.prune_properties,
        needed,
        database: cx.settings.config.database(target),
    };
    let wanted = properties::resolve(&world.aws, gathered.clone(), &seen, &how).await?;
    let (options, kept) = properties::plan(&wanted, &seen, args.prune_properties);
    let remarks = properties::validate(&world.aws, target, &options).await?;
    tell(cx, &wanted, &options, &kept);
    for remark in &remarks {
        cx.out.event(&Event::Warning(remark));
    }
    let undo = options.undone(&seen);
    Ok((options, undo))
}

/// Tells what was found besides the plan.
fn tell(cx: &Context, wanted: &Wanted, options: &Options, kept: &[String]) {
    // Copies of secrets; what this machine gave is hidden already.
    let copies = wanted
        .properties
        .iter()
        .filter(|it| it.from.starts_with("value of"));
    for property in copies {
        cx.out.hide(property.value.expose());
    }
    for note in &wanted.notes {
        cx.out.event(&Event::Note(note));
    }
    for warning in &wanted.warnings {
        cx.out.event(&Event::Warning(warning));
    }
    let clear: Vec<&str> = options
        .set
        .iter()
        .filter(|option| option.namespace == properties::PROPERTIES)
        .filter(|option| option.from.starts_with("variable "))
        .map(|option| option.name.as_str())
        .collect();
    if !clear.is_empty() {
        let text = format!(
            "{} will stand in clear in Elastic Beanstalk's settings; for a secret use `beanship properties set {} - --secret`",
            listed(&clear),
            clear[0]
        );
        cx.out.event(&Event::Note(&text));
    }
    if !kept.is_empty() {
        let kept: Vec<&str> = kept.iter().map(String::as_str).collect();
        let text = format!(
            "kept, though not in beanship.yml: {} (remove with `--prune-properties`)",
            listed(&kept)
        );
        cx.out.event(&Event::Note(&text));
    }
}

fn listed(names: &[&str]) -> String {
    let shown = names.iter().take(LISTED).copied().collect::<Vec<_>>();
    let more = names.len().saturating_sub(LISTED);
    match more {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
