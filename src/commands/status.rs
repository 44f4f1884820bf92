//! `beanship status`: one environment with its instances and latest events.

use serde::Serialize;

use crate::cli::TargetArgs;
use crate::deploy::environment::{self, Environment, Instance, Instances};
use crate::deploy::events::{self, Event};
use crate::error::{Error, Exit, Kind, Result};
use crate::output::Event::Note;
use crate::output::{Report, one_line, table};
use crate::settings::Target;

use super::Context;

/// How many events are shown.
const EVENTS: usize = 5;

/// Runs the command.
///
/// # Errors
/// [`Kind::Check`] for an environment that is not there; else what AWS says.
pub async fn run(cx: &Context, args: &TargetArgs) -> Result<Exit> {
    let target = cx.target(args.application.app.as_deref(), args.env.as_deref())?;
    let aws = cx.aws().await?;
    let name = &target.environment;
    let looks = async {
        let (environment, instances, events) = tokio::join!(
            environment::find(&aws, name),
            environment::instances(&aws, name),
            events::read(&aws, name, None, EVENTS),
        );
        let environment = environment?.ok_or_else(|| missing(&target, &aws.region))?;
        Ok((environment, instances?, seen(cx, events)?))
    };
    let (environment, instances, events) = aws.first_contact(looks).await?;
    let (instances, remark) = match instances {
        Instances::Known(instances) => (Some(instances), None),
        Instances::NotTold(why) => (None, Some(why)),
    };
    cx.out.result(&Status {
        environment,
        instances,
        remark,
        events,
    });
    Ok(Exit::Done)
}

/// Events that the caller may not see are a remark.
fn seen(cx: &Context, events: Result<Vec<Event>>) -> Result<Vec<Event>> {
    match events {
        Err(error) if error.kind() == Kind::Denied => {
            let text =
                "events are not shown: the caller may not call elasticbeanstalk:DescribeEvents";
            cx.out.event(&Note(text));
            Ok(Vec::new())
        }
        events => events,
    }
}

/// The error for an environment that is not there.
pub(super) fn missing(target: &Target, region: &str) -> Error {
    Error::new(
        Kind::Check,
        format!("no environment {} in {region}", target.environment),
    )
    .hint("list the environments with `beanship list`")
}

#[derive(Debug, Serialize)]
struct Status {
    #[serde(flatten)]
    environment: Environment,
    /// None where the service does not tell.
    instances: Option<Vec<Instance>>,
    /// Why there are no instances.
    remark: Option<String>,
    /// The latest events, newest first.
    events: Vec<Event>,
}

impl Report for Status {
    fn human(&self) -> String {
        let environment = &self.environment;
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".into());
        let health = match &environment.health_status {
            Some(word) => format!("{} ({word})", environment.health),
            None => environment.health.clone(),
        };
        let facts = [
            [
                "Environment".into(),
                format!("{} ({})", environment.name, environment.id),
            ],
            ["Application".into(), environment.application.clone()],
            ["Status".into(), environment.status.clone()],
            ["Health".into(), health],
            ["Version".into(), text(&environment.version_label)],
            ["Platform".into(), text(&environment.platform)],
            [
                "Updated".into(),
                environment.updated.map_or_else(|| "-".into(), when),
            ],
            ["URL".into(), text(&environment.url)],
        ];
        let parts = [rows(&facts), self.instances(), self.events()];
        parts
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("\n\n")
    }
}

impl Status {
    fn instances(&self) -> String {
        let Some(instances) = &self.instances else {
            let why = self.remark.as_deref().unwrap_or_default();
            return format!("Instances are not shown: {why}");
        };
        let row = |instance: &Instance| {
            let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".into());
            [
                instance.id.clone(),
                text(&instance.version_label),
                text(&instance.deployment),
                text(&instance.health),
                instance.causes.join("; "),
            ]
        };
        if instances.is_empty() {
            return "There are no instances".into();
        }
        let rows: Vec<_> = instances.iter().map(row).collect();
        table(
            ["INSTANCE", "VERSION", "DEPLOYMENT", "HEALTH", "CAUSES"],
            &rows,
        )
    }

    fn events(&self) -> String {
        lines(&self.events)
    }
}

/// Events as lines, oldest first.
pub(super) fn lines(newest_first: &[Event]) -> String {
    newest_first
        .iter()
        .rev()
        .map(line)
        .collect::<Vec<_>>()
        .join("\n")
}

/// An event as a line.
pub(super) fn line(event: &Event) -> String {
    let message = one_line(&event.message);
    format!("{}  {:<5}  {message}", when(event.time), event.severity)
}

/// A time in the reader's zone.
pub(super) fn when(time: jiff::Timestamp) -> String {
    time.to_zoned(jiff::tz::TimeZone::system())
        .strftime("%Y-%m-%d %H:%M:%S")
        .to_string()
}

fn rows(facts: &[[String; 2]]) -> String {
    let width = facts
        .iter()
        .map(|[name, _]| name.len())
        .max()
        .unwrap_or_default();
    let line = |[name, value]: &[String; 2]| format!("{name:<width$}  {value}");
    facts.iter().map(line).collect::<Vec<_>>().join("\n")
}
