//! `beanship properties list`: names, sources and fingerprints; values only on a terminal.

use std::io::IsTerminal;

use serde::Serialize;

use crate::cli::{Format, ListArgs};
use crate::commands::Context;
use crate::deploy::configuration::{self, Configuration};
use crate::error::{Error, Exit, Kind, Result};
use crate::output::{Report, one_line, table};
use crate::properties::fingerprint::Key;
use crate::properties::{PROPERTIES, Properties, SECRETS, Value};
use crate::settings::Target;

/// Runs the command.
///
/// # Errors
/// [`Kind::Usage`] for `--reveal` where no person reads; else what AWS says.
pub(super) async fn run(cx: &Context, args: &ListArgs) -> Result<Exit> {
    let for_people = cx.out.format() == Format::Human && std::io::stdout().is_terminal();
    if args.reveal && !for_people {
        return Err(Error::new(
            Kind::Usage,
            "--reveal shows values on a terminal only, and this output goes elsewhere",
        )
        .hint("write them to a file of your own: `beanship properties export -o FILE`"));
    }
    let app = args.target.application.app.as_deref();
    let target = cx.target(app, args.target.env.as_deref())?;
    let aws = cx.aws().await?;
    let read = configuration::read(&aws, &target.app, &target.environment);
    let seen = aws.first_contact(read).await;
    let seen = seen.map_err(|error| cx.hint_at_sandbox(error))?;
    let key = Key::open(&cx.make_own_folder()?)?;
    let properties = rows(&seen, &declared(cx, &target), &key, args.reveal);
    cx.out.result(&Listed {
        application: target.app,
        environment: target.environment,
        properties,
        reveal: args.reveal,
    });
    Ok(Exit::Done)
}

/// What the project file declares for the environment.
pub(super) fn declared(cx: &Context, target: &Target) -> Properties {
    let config = &cx.settings.config;
    let mut declared = config.properties.clone().unwrap_or_default();
    let own = target.key.as_ref();
    let own = own.and_then(|key| config.environments.get(key)?.properties.clone());
    declared.extend(own.unwrap_or_default());
    declared
}

fn rows(seen: &Configuration, declared: &Properties, key: &Key, reveal: bool) -> Vec<Row> {
    let source = |name: &str| declared.get(name).map(crate::properties::Source::words);
    let values = seen.namespace(PROPERTIES).map(|option| {
        let value = Value::new(option.value.as_deref().unwrap_or_default());
        Row {
            name: option.name.clone(),
            source: source(&option.name),
            reference: None,
            fingerprint: Some(key.fingerprint(&value)),
            is_set: true,
            value: reveal.then_some(value),
        }
    });
    let references = seen.namespace(SECRETS).map(|option| Row {
        name: option.name.clone(),
        source: source(&option.name),
        reference: option.value.clone(),
        fingerprint: None,
        is_set: true,
        value: None,
    });
    let mut rows: Vec<Row> = values.chain(references).collect();
    for (name, source) in declared {
        if name != crate::properties::sources::ALL && !rows.iter().any(|row| row.name == *name) {
            rows.push(Row {
                name: name.clone(),
                source: Some(source.words()),
                reference: None,
                fingerprint: None,
                is_set: false,
                value: None,
            });
        }
    }
    rows.sort_by(|one, other| one.name.cmp(&other.name));
    rows
}

#[derive(Serialize)]
struct Listed {
    application: String,
    environment: String,
    properties: Vec<Row>,
    #[serde(skip)]
    reveal: bool,
}

#[derive(Serialize)]
struct Row {
    name: String,
    /// Where the project file takes it from; none: it is not in the file.
    source: Option<String>,
    /// The ARN, where the property is a reference.
    reference: Option<String>,
    /// The fingerprint of a value.
    fingerprint: Option<String>,
    is_set: bool,
    #[serde(skip)]
    value: Option<Value>,
}

impl Report for Listed {
    fn human(&self) -> String {
        if self.properties.is_empty() {
            return format!("{} has no environment properties", self.environment);
        }
        let row = |row: &Row| {
            let held = match (&row.reference, &row.fingerprint, &row.value) {
                (Some(reference), _, _) => reference.clone(),
                (_, _, Some(value)) => one_line(value.expose()),
                (_, Some(fingerprint), _) => format!("#{fingerprint}"),
                _ => "not set".into(),
            };
            let source = row.source.clone().unwrap_or_else(|| "-".into());
            [row.name.clone(), source, held]
        };
        let held = if self.reveal { "VALUE" } else { "FINGERPRINT" };
        table(
            ["NAME", "IN BEANSHIP.YML", held],
            &self.properties.iter().map(row).collect::<Vec<_>>(),
        )
    }
}
