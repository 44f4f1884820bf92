//! `beanship properties`: list, set, unset, import, export, refresh.

mod assignments;
mod change;
mod export;
mod list;
mod refresh;

use crate::cli::{ImportArgs, PropertiesAction, SetArgs, UnsetArgs};
use crate::deploy::DeployStep;
use crate::error::{Error, Exit, Kind, Result};
use crate::plan::Verb;
use crate::properties::gather::Place;
use crate::properties::options::Removal;
use crate::properties::{
    Options, PROPERTIES, SECRETS, Secret, SetOption, Value, Wanted, checks, gather, resolve,
};

use super::Context;
use assignments::Assignment;
use change::{Around, change};

/// What most actions do, in words.
const CHANGING: &str = "Changing the properties";

/// Runs the action.
///
/// # Errors
/// What it has no report of its own for.
pub async fn run(cx: &Context, action: &PropertiesAction) -> Result<Exit> {
    match action {
        PropertiesAction::List(args) => cx.interruptible(list::run(cx, args)).await,
        PropertiesAction::Export(args) => cx.interruptible(export::run(cx, args)).await,
        PropertiesAction::Set(args) => set(cx, args).await,
        PropertiesAction::Unset(args) => unset(cx, args).await,
        PropertiesAction::Import(args) => import(cx, args).await,
        PropertiesAction::Refresh(args) => refresh::run(cx, args).await,
    }
}

async fn set(cx: &Context, args: &SetArgs) -> Result<Exit> {
    let assignments = assignments::read(cx, &args.assignments).await?;
    if args.secret {
        let values = assignments.iter().map(|assignment| &assignment.value);
        values.for_each(|value| cx.out.hide(value.expose()));
    }
    if !args.secret {
        return change(cx, &args.change, CHANGING, async |around| {
            values(around, assignments).await
        })
        .await;
    }
    change(cx, &args.change, CHANGING, async |around| {
        secrets(around, assignments).await
    })
    .await
}

async fn import(cx: &Context, args: &ImportArgs) -> Result<Exit> {
    let place = Place {
        environ: &cx.settings.environ,
        root: &cx.settings.root,
    };
    let found = gather::read(&args.file, place)?;
    let assignments: Vec<Assignment> = found
        .into_iter()
        .map(|(name, value)| assignments::hidden(cx, name, value))
        .collect();
    change(cx, &args.change, CHANGING, async |around| {
        values(around, assignments).await
    })
    .await
}

async fn unset(cx: &Context, args: &UnsetArgs) -> Result<Exit> {
    change(cx, &args.change, CHANGING, async |around| {
        let mut options = Options::default();
        for name in &args.names {
            around.warn_of_file(name);
            let mut found = false;
            for namespace in [PROPERTIES, SECRETS] {
                if around.seen.value(namespace, name).is_some() {
                    found = true;
                    options.remove.push(Removal {
                        namespace: namespace.to_owned(),
                        name: name.clone(),
                        moves: false,
                    });
                }
            }
            if !found {
                around.note(&format!("{name} is not set"));
            }
        }
        Ok(around.configure(options))
    })
    .await
}

/// The steps that set plain values.
async fn values(around: &Around<'_>, assignments: Vec<Assignment>) -> Result<Vec<DeployStep>> {
    let properties = assignments
        .into_iter()
        .map(|Assignment { name, value }| {
            around.warn_of_file(&name);
            resolve::WantedProperty {
                name,
                value,
                is_reference: false,
                from: "literal".into(),
            }
        })
        .collect();
    let wanted = Wanted {
        properties,
        ..Wanted::default()
    };
    checked(around, &wanted)?;
    let (options, _) = crate::properties::plan(&wanted, around.seen, false);
    Ok(around.configure(options))
}

/// The steps that store values as secrets and refer to them. A reference that is there already
/// stays; then a restart brings the new value to the instances.
async fn secrets(around: &Around<'_>, assignments: Vec<Assignment>) -> Result<Vec<DeployStep>> {
    let mut steps = Vec::new();
    let mut options = Options::default();
    for Assignment { name, value } in assignments {
        around.warn_of_file(&name);
        if !checks::is_name(&name) || value.expose().is_empty() {
            return Err(Error::new(
                Kind::Usage,
                format!("`{name}` cannot be set: its name does not fit, or its value is empty"),
            )
            .hint("give a name and a value: `beanship properties set API_KEY - --secret`"));
        }
        let secret = Secret::look(&around.world.aws, around.target, &name, value).await?;
        let known = secret.arn.clone().unwrap_or_default();
        let here = around.seen.value(SECRETS, &name);
        let there = around.seen.value(PROPERTIES, &name);
        if here != Some(known.as_str()) || known.is_empty() {
            options.set.push(SetOption {
                namespace: SECRETS.into(),
                name: name.clone(),
                value: Value::new(known),
                verb: match here.or(there) {
                    Some(_) => Verb::Update,
                    None => Verb::Create,
                },
                from: format!("secret {}", secret.name),
            });
        }
        if there.is_some() {
            options.remove.push(Removal {
                namespace: PROPERTIES.to_owned(),
                name: name.clone(),
                moves: true,
            });
        }
        steps.push(DeployStep::StoreSecret(secret));
    }
    let configure = around.configure(options);
    if configure.is_empty() {
        let environment = around.environment.name.clone();
        steps.push(DeployStep::Restart { environment });
    }
    steps.extend(configure);
    Ok(steps)
}

/// Refuses what cannot be sent, and tells what deserves a look.
fn checked(around: &Around<'_>, wanted: &Wanted) -> Result<()> {
    let rest = checks::Rest {
        seen: around.seen,
        prune: false,
        needed: &[],
        dollars: true,
    };
    if let Some(error) = Error::all(checks::problems(wanted, &rest)) {
        return Err(error);
    }
    for warning in checks::warnings(wanted, &rest) {
        around.warn(&warning);
    }
    Ok(())
}
