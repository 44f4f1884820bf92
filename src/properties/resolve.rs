//! From what this machine knows to what is wanted: references become full ARNs, values that
//! cannot be referred to are read, and everything is checked.

use futures_util::future::join_all;

use super::checks::{self, Rest};
use super::database::{self, Database};
use super::gather::{Content, Gathered, Property, Setting};
use super::platform::Platform;
use super::readable;
use super::references::{self, Found};
use super::{Source, Value};
use crate::aws::Aws;
use crate::deploy::configuration::Configuration;
use crate::error::{Error, Result};

/// What an environment's properties and settings shall be.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Whether the project file says anything about properties.
    pub declared: bool,
    /// The properties.
    pub properties: Vec<WantedProperty>,
    /// The other option settings.
    pub settings: Vec<Setting>,
    /// Information.
    pub notes: Vec<String>,
    /// To be looked into.
    pub warnings: Vec<String>,
}

/// One property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedProperty {
    /// Its name.
    pub name: String,
    /// Its value, or the reference to it.
    pub value: Value,
    /// Whether the value is a reference.
    pub is_reference: bool,
    /// Where it comes from, in words.
    pub from: String,
}

/// How the properties are resolved.
#[derive(Debug, Clone, Default)]
pub struct How {
    /// The caller's account.
    pub account: String,
    /// Whether values are read to check them.
    pub read_secrets: bool,
    /// Whether properties that nobody asked for are removed.
    pub prune: bool,
    /// The variables that the compose file needs.
    pub needed: Vec<String>,
    /// The environment's database.
    pub database: Option<Database>,
}

/// Resolves and checks. Nothing is written.
///
/// # Errors
/// [`crate::error::Kind::Check`] with everything that is wrong, all together; else what AWS says.
pub async fn resolve(
    aws: &Aws,
    gathered: Gathered,
    seen: &Configuration,
    how: &How,
) -> Result<Wanted> {
    let platform = match gathered.properties.iter().any(needs_platform) {
        true => Platform::look(aws, seen.platform_arn()).await,
        false => Platform::look(aws, None).await,
    };
    let database = Database::look(how.database.as_ref(), aws, &gathered).await?;
    let each = gathered.properties.into_iter().map(async |property| {
        let property = database::told(property, how.database.as_ref(), database.as_ref())?;
        one(aws, property, platform, how).await
    });
    let mut wanted = Wanted {
        declared: gathered.declared,
        settings: gathered.settings,
        ..Wanted::default()
    };
    let mut problems = Vec::new();
    for resolved in join_all(each).await {
        match resolved {
            Ok((property, notes)) => {
                wanted.properties.push(property);
                wanted.notes.extend(notes);
            }
            Err(error) => problems.push(error),
        }
    }
    let rest = Rest {
        seen,
        prune: how.prune,
        needed: &how.needed,
        dollars: platform.dollars,
    };
    problems.extend(checks::problems(&wanted, &rest));
    if let Some(error) = Error::all(problems) {
        return Err(error);
    }
    wanted.warnings.extend(checks::warnings(&wanted, &rest));
    let arns: Vec<String> = wanted
        .properties
        .iter()
        .filter(|property| property.is_reference)
        .map(|property| without_key(property.value.expose()).to_owned())
        .collect();
    let managed = database.filter(|it| it.secret().is_some());
    let managed = managed.as_ref().map(|it| it.arn.as_str());
    let remarks = readable::check(aws, seen, &arns, managed).await;
    wanted.notes.extend(remarks.notes);
    wanted.warnings.extend(remarks.warnings);
    Ok(wanted)
}

fn needs_platform(property: &Property) -> bool {
    match &property.content {
        Content::Reference(_) => true,
        Content::Literal(value) | Content::Private(value) => value.expose().contains('$'),
    }
}

/// The ARN of a reference, without the key of a secret's JSON.
#[must_use]
pub fn without_key(reference: &str) -> &str {
    let mut colons = reference.match_indices(':');
    match (reference.split(':').nth(2), colons.nth(6)) {
        (Some("secretsmanager"), Some((at, _))) => &reference[..at],
        _ => reference,
    }
}

async fn one(
    aws: &Aws,
    property: Property,
    platform: Platform,
    how: &How,
) -> Result<(WantedProperty, Vec<String>)> {
    let Property {
        name,
        from,
        content,
    } = property;
    let held = |value, is_reference, from| WantedProperty {
        name: name.clone(),
        value,
        is_reference,
        from,
    };
    let source = match content {
        Content::Literal(value) => return Ok((held(value, false, from), Vec::new())),
        Content::Private(value) => return Ok((held(value, false, from), Vec::new())),
        Content::Reference(source) => source,
    };
    let Found { arn, unseen } = references::look(aws, &how.account, &name, &source).await?;
    let mut notes = Vec::new();
    if let Some(why) = unseen {
        notes.push(format!("{from} for {name} cannot be checked: {why}"));
    }
    let (key, copy) = match &source {
        Source::Secret { key, copy, .. } => (key.as_deref(), *copy),
        Source::Parameter { copy, .. } => (None, *copy),
        _ => (None, false),
    };
    let too_old = !platform.references || (key.is_some() && !platform.keys);
    if copy || too_old {
        let value = references::read(aws, &name, &source, &arn).await?;
        let why = match copy {
            true => "`copy: true`",
            false => "the platform is too old for a reference",
        };
        return Ok((
            held(value, false, format!("value of the {from}: {why}")),
            notes,
        ));
    }
    if how.read_secrets {
        let value = references::read(aws, &name, &source, &arn).await?;
        if value.expose().contains('\n') {
            notes.push(format!(
                "{from} for {name} has several lines: read it in the app as it comes, how the generated .env writes it is not documented"
            ));
        }
    }
    let reference = match key {
        Some(key) => format!("{arn}:{key}"),
        None => arn,
    };
    Ok((held(Value::new(reference), true, from), notes))
}
