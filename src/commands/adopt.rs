//! `beanship config --from-aws`: an environment as it is at AWS, as the text of a project file.
//! Values of properties are not read out: a deploy keeps what the file does not name.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::aws::Aws;
use crate::aws::error::Explain;
use crate::cli::ConfigArgs;
use crate::config::{EnvironmentKind, Tier};
use crate::deploy::configuration::{self, Configuration};
use crate::deploy::environment::{self, Environment, SERVICE};
use crate::error::{Error, Exit, Kind, Result};
use crate::output::{Event, Report};
use crate::properties::resolve::without_key;
use crate::properties::{PROPERTIES, SECRETS};

use super::Context;

/// Namespaces that no project file sets: EB's own echo of the properties, and the password of a
/// coupled database with what belongs to it.
const LEFT_OUT: [&str; 4] = [
    PROPERTIES,
    SECRETS,
    "aws:cloudformation:template:parameter",
    "aws:rds:dbinstance",
];

/// Runs the command.
///
/// # Errors
/// [`Kind::Check`] where there is no such environment; else what AWS says.
pub async fn run(cx: &Context, args: &ConfigArgs) -> Result<Exit> {
    let target = cx.target(args.app.as_deref(), args.env.as_deref())?;
    let aws = cx.aws().await?;
    let found = aws.first_contact(environment::find(&aws, &target.environment));
    let found = found.await?.ok_or_else(|| {
        let text = format!("no environment {} in {}", target.environment, aws.region);
        cx.hint_at_sandbox(
            Error::new(Kind::Check, text).hint("list the environments with `beanship list`"),
        )
    })?;
    let seen = configuration::read(&aws, &target.app, &target.environment).await?;
    let defaults = defaults(&aws, &target.app, &target.environment).await?;
    let key = target.key.clone().unwrap_or_else(|| "production".into());
    let adopted = Adopted {
        app: target.app,
        region: aws.region.clone(),
        environments: BTreeMap::from([(key, adopt(&found, &seen, &defaults))]),
        kept: seen
            .namespace(PROPERTIES)
            .map(|it| it.name.clone())
            .collect(),
    };
    if !adopted.kept.is_empty() {
        let text = "the values of properties are not shown: a deploy keeps them as they are until the file names them";
        cx.out.event(&Event::Note(text));
    }
    cx.out.result(&adopted);
    Ok(Exit::Done)
}

/// Options with the values they have unless somebody sets them.
type Defaults = BTreeSet<(String, String, String)>;

async fn defaults(aws: &Aws, application: &str, name: &str) -> Result<Defaults> {
    let told = aws
        .eb
        .describe_configuration_options()
        .application_name(application)
        .environment_name(name)
        .send()
        .await
        .explain(SERVICE, "DescribeConfigurationOptions")?;
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let default = told.options().iter().map(|option| {
        (
            text(option.namespace()),
            text(option.name()),
            text(option.default_value()),
        )
    });
    Ok(default.collect())
}

fn adopt(found: &Environment, seen: &Configuration, defaults: &Defaults) -> Entry {
    const ENVIRONMENT: &str = "aws:elasticbeanstalk:environment";
    let single = seen.value(ENVIRONMENT, "EnvironmentType") == Some("SingleInstance");
    let mut settings: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for option in seen.options() {
        let (namespace, name) = (&option.namespace, &option.name);
        let value = option.value.clone().unwrap_or_default();
        let is_default = defaults.contains(&(namespace.clone(), name.clone(), value.clone()));
        let is_own = namespace == ENVIRONMENT && name == "EnvironmentType";
        if value.is_empty() || is_default || is_own || LEFT_OUT.contains(&namespace.as_str()) {
            continue;
        }
        let options = settings.entry(namespace.clone()).or_default();
        options.insert(name.clone(), value);
    }
    let references = seen.namespace(SECRETS).map(|option| {
        let reference = option.value.as_deref().unwrap_or_default();
        (option.name.clone(), From::of(reference))
    });
    let worker = found
        .tier
        .as_ref()
        .is_some_and(|(name, _)| name == "Worker");
    Entry {
        name: found.name.clone(),
        platform: branch(seen.platform_arn()).or_else(|| found.platform.clone()),
        kind: match single {
            true => EnvironmentKind::Single,
            false => EnvironmentKind::LoadBalanced,
        },
        tier: if worker { Tier::Worker } else { Tier::Web },
        properties: references.collect(),
        settings,
    }
}

/// The branch in `.../platform/Docker running on 64bit Amazon Linux 2023/4.13.1`.
fn branch(arn: Option<&str>) -> Option<String> {
    let (_, name) = arn?.split_once(":platform/")?;
    Some(name.rsplit_once('/')?.0.to_owned())
}

#[derive(Serialize)]
struct Adopted {
    app: String,
    region: String,
    environments: BTreeMap<String, Entry>,
    /// The properties whose values are not shown.
    #[serde(skip)]
    kept: Vec<String>,
}

#[derive(Serialize)]
struct Entry {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<String>,
    #[serde(rename = "type")]
    kind: EnvironmentKind,
    tier: Tier,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    properties: BTreeMap<String, From>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    settings: BTreeMap<String, BTreeMap<String, String>>,
}

/// A property's source, as in the project file.
#[derive(Serialize)]
#[serde(untagged)]
enum From {
    Parameter { parameter: String },
    Secret { secret: String },
    Key { secret: String, key: String },
}

impl From {
    fn of(reference: &str) -> Self {
        let arn = without_key(reference);
        let key = reference[arn.len()..].trim_start_matches(':');
        match (arn.split(':').nth(2), key) {
            (Some("ssm"), _) => Self::Parameter {
                parameter: arn.to_owned(),
            },
            (_, "") => Self::Secret {
                secret: arn.to_owned(),
            },
            _ => Self::Key {
                secret: arn.to_owned(),
                key: key.to_owned(),
            },
        }
    }
}

impl Report for Adopted {
    /// The text of the file.
    fn human(&self) -> String {
        serde_saphyr::to_string(self).map_or_else(
            |why| Error::new(Kind::Config, why.to_string()).to_string(),
            |text| text.trim_end().to_owned() + &self.comment(),
        )
    }
}

impl Adopted {
    /// How what is not shown can be taken over.
    fn comment(&self) -> String {
        let line = |name: &String| format!("\n    #   {name}: {{ from_env: {name} }}");
        let lines: String = self.kept.iter().map(line).collect();
        match lines.is_empty() {
            true => lines,
            false => format!(
                "\n    # Set at Elastic Beanstalk, and kept. To have them here, name value or source under `properties`:{lines}"
            ),
        }
    }
}
