//! `beanship properties refresh`: the secrets as they are now reach the instances.

use crate::cli::RefreshArgs;
use crate::commands::Context;
use crate::deploy::{DeployStep, caller_account};
use crate::error::{Exit, Result};
use crate::properties::gather::{self, Gathered, Place};
use crate::properties::resolve::How;
use crate::properties::{self, Options, Properties, SECRETS, Source, Wanted};

use super::change::{Around, change};

/// Runs the action. What the settings hold a copy of is read again, and an update brings what has
/// changed; instances fetch what is only referred to whenever they are updated or restarted (facts
/// 5.2).
///
/// # Errors
/// What it has no report of its own for.
pub(super) async fn run(cx: &Context, args: &RefreshArgs) -> Result<Exit> {
    let what = "Refreshing the secrets";
    change(cx, &args.change, what, async |around| {
        let from_aws = declared(around);
        let copies = copies(around, from_aws.clone()).await?;
        let configure = around.configure(copies);
        if !configure.is_empty() {
            return Ok(configure);
        }
        if around.seen.namespace(SECRETS).next().is_none() {
            around.note(match from_aws.is_empty() {
                true => "no property refers to a secret",
                false => "the copies of the secrets are what the secrets are",
            });
            return Ok(Vec::new());
        }
        let environment = around.environment.name.clone();
        Ok(vec![DeployStep::Restart { environment }])
    })
    .await
}

/// The secrets and parameters that the project file names for the environment.
fn declared(around: &Around<'_>) -> Properties {
    let config = &around.cx.settings.config;
    let own = around.target.key.as_ref();
    let own = own.and_then(|key| config.environments.get(key)?.properties.as_ref());
    let mut all: Properties = config.properties.clone().unwrap_or_default();
    all.extend(own.cloned().unwrap_or_default());
    all.retain(|_, source| matches!(source, Source::Secret { .. } | Source::Parameter { .. }));
    all
}

/// The copied values that have changed.
async fn copies(around: &Around<'_>, sources: Properties) -> Result<Options> {
    if sources.is_empty() {
        return Ok(Options::default());
    }
    let (cx, aws) = (around.cx, &around.world.aws);
    let place = Place {
        environ: &cx.settings.environ,
        root: &cx.settings.root,
    };
    let gathered = Gathered {
        properties: gather::properties(sources, place)?,
        ..Gathered::default()
    };
    let how = How {
        account: caller_account(aws).await?,
        ..How::default()
    };
    let mut wanted = properties::resolve(aws, gathered, around.seen, &how).await?;
    wanted.properties.retain(|property| !property.is_reference);
    for property in &wanted.properties {
        cx.out.hide(property.value.expose());
    }
    let wanted = Wanted {
        properties: wanted.properties,
        ..Wanted::default()
    };
    Ok(properties::plan(&wanted, around.seen, false).0)
}
