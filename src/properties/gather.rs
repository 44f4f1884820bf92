//! What this machine knows of the properties: literals, its own variables, files. No AWS.

use std::collections::BTreeMap;
use std::path::Path;

use super::sources::{ALL, Properties, SettingsConfig, Source};
use super::{Value, dotenv};
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::settings::Environ;

/// The properties and settings of one environment, before AWS is asked.
#[derive(Debug, Clone, Default)]
pub struct Gathered {
    /// Whether the project file says anything about properties.
    pub declared: bool,
    /// By name.
    pub properties: Vec<Property>,
    /// The other option settings.
    pub settings: Vec<Setting>,
}

/// One property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// Its name.
    pub name: String,
    /// Where its value comes from, in words.
    pub from: String,
    /// The value, or where it is at AWS.
    pub content: Content,
}

/// What is known of a property's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// It stands in the project file.
    Literal(Value),
    /// It comes from a variable or a file and may be a secret.
    Private(Value),
    /// It is a secret, a parameter, or a part of the database.
    Reference(Source),
}

/// One option setting other than a property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The namespace.
    pub namespace: String,
    /// The option's name.
    pub name: String,
    /// The value.
    pub value: Value,
}

/// Where values are looked for.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The variables of this process.
    pub environ: &'a Environ,
    /// The directory of the project file.
    pub root: &'a Path,
}

/// Gathers what the project file declares for an environment (by key): the defaults for all
/// environments, overridden by its own.
///
/// # Errors
/// [`Kind::Config`] for every variable, file or name that is missing, all together.
pub fn gather(config: &Config, key: Option<&str>, place: Place<'_>) -> Result<Gathered> {
    let own = key.and_then(|key| config.environments.get(key));
    let of_environment = own.and_then(|own| own.properties.as_ref());
    let sources = config.property_sources(key);
    let settings = own.and_then(|own| own.settings.as_ref());
    Ok(Gathered {
        declared: config.properties.is_some() || of_environment.is_some() || !sources.is_empty(),
        properties: properties(sources, place)?,
        settings: settings.map(of_settings).unwrap_or_default(),
    })
}

fn of_settings(declared: &SettingsConfig) -> Vec<Setting> {
    let setting = |namespace: &String, name: &String, text: &String| Setting {
        namespace: namespace.clone(),
        name: name.clone(),
        value: Value::new(text),
    };
    declared
        .iter()
        .flat_map(|(namespace, options)| {
            options
                .iter()
                .map(move |(name, value)| setting(namespace, name, &value.0))
        })
        .collect()
}

/// The properties of these sources, by name.
///
/// # Errors
/// As [`gather`].
pub fn properties(sources: Properties, place: Place<'_>) -> Result<Vec<Property>> {
    let mut found: BTreeMap<String, Property> = BTreeMap::new();
    let mut problems = Vec::new();
    // Named ones beat those of a whole file.
    let (all, named): (Vec<_>, Vec<_>) = sources.into_iter().partition(|(name, _)| name == ALL);
    for (_, source) in all {
        match whole_file(&source, place) {
            Ok(properties) => {
                found.extend(properties.into_iter().map(|it| (it.name.clone(), it)));
            }
            Err(error) => problems.push(error),
        }
    }
    for (name, source) in named {
        match content(&name, &source, place) {
            Ok(content) => {
                let from = source.words();
                let property = Property {
                    name: name.clone(),
                    from,
                    content,
                };
                found.insert(name, property);
            }
            Err(error) => problems.push(error),
        }
    }
    match Error::all(problems) {
        Some(error) => Err(error),
        None => Ok(found.into_values().collect()),
    }
}

fn whole_file(source: &Source, place: Place<'_>) -> Result<Vec<Property>> {
    let Source::Dotenv { file, key: None } = source else {
        return Err(Error::new(
            Kind::Config,
            format!("`{ALL}` under `properties` stands for a whole file: nothing but a `dotenv` can be given for it"),
        )
        .hint("write `\"*\": { dotenv: .env.production }`, or see `beanship config`"));
    };
    let property = |(name, value): (String, String)| Property {
        name,
        from: source.words(),
        content: Content::Private(Value::new(value)),
    };
    Ok(read(file, place)?.into_iter().map(property).collect())
}

fn content(name: &str, source: &Source, place: Place<'_>) -> Result<Content> {
    Ok(match source {
        Source::Literal(text) => Content::Literal(Value::new(text)),
        Source::FromEnv(variable) => Content::Private(from_env(name, variable, place)?),
        Source::Dotenv { file, key } => {
            let key = key.as_deref().unwrap_or(name);
            let value = read(file, place)?.remove(key).ok_or_else(|| {
                let file = file.display();
                Error::new(
                    Kind::Config,
                    format!("the property {name} has no value: {file} has no {key}"),
                )
                .hint(format!("see the file's names with `cut -d= -f1 {file}`"))
            })?;
            Content::Private(Value::new(value))
        }
        Source::Secret { .. } | Source::Parameter { .. } | Source::Rds(_) => {
            Content::Reference(source.clone())
        }
    })
}

fn from_env(name: &str, variable: &str, place: Place<'_>) -> Result<Value> {
    place.environ.get(variable).map(Value::new).ok_or_else(|| {
        Error::new(
            Kind::Config,
            format!("the property {name} has no value: the variable {variable} is not set"),
        )
        .hint(format!(
            "set it in the CI job, or here with `export {variable}=...`"
        ))
    })
}

/// Reads a file of `NAME=value` lines, relative to the project.
///
/// # Errors
/// [`Kind::Io`], or [`Kind::Config`] with the line that is wrong.
pub fn read(file: &Path, place: Place<'_>) -> Result<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(place.root.join(file))
        .map_err(|why| Error::io("read", file, &why))?;
    dotenv::parse(&text).map_err(|(line, why)| {
        Error::new(Kind::Config, format!("{}:{line}: {why}", file.display())).hint(format!(
            "look at it with `sed -n {line}p {}`",
            file.display()
        ))
    })
}
