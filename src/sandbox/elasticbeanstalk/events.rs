//! DescribeEvents: newest first, by whatever the caller filters for, page by page.

use super::super::query::Failure;
use super::super::xml::Xml;
use super::context::{Context, invalid};
use super::model::{Event, Severity};

/// The largest page, and the one for those who do not say.
const PAGE: usize = 1000;

pub(super) fn describe(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let parameters = cx.parameters();
    let severity = parameters.text("Severity").map(read_severity).transpose()?;
    let since = parameters.time("StartTime")?;
    let until = parameters.time("EndTime")?;
    let most = parameters.number("MaxRecords", 1, PAGE)?.unwrap_or(PAGE);
    let same = |name: &str, actual: Option<&str>| {
        parameters
            .text(name)
            .is_none_or(|wanted| actual == Some(wanted))
    };
    let wanted = |event: &&Event| {
        let environment = event.environment.as_ref();
        severity.is_none_or(|least| event.severity >= least)
            && since.is_none_or(|since| event.at >= since)
            && until.is_none_or(|until| event.at < until)
            && same("ApplicationName", Some(&event.application))
            && same(
                "EnvironmentName",
                environment.map(|(name, _)| name.as_str()),
            )
            && same("EnvironmentId", environment.map(|(_, id)| id.as_str()))
            && same("VersionLabel", event.label.as_deref())
            && same("RequestId", event.request_id.as_deref())
    };
    // The token is the number of events in the books that the pages so far left behind: later events do not shift it.
    let end = match parameters.text("NextToken") {
        None => cx.region.events.len(),
        Some(token) => token.parse().map_err(|_| invalid("Invalid NextToken."))?,
    };
    let events = cx.region.events.iter().enumerate().take(end).rev();
    let mut found = events.filter(|(_, event)| wanted(event)).peekable();
    let mut page = Vec::new();
    while page.len() < most
        && let Some(next) = found.next()
    {
        page.push(next);
    }
    let more = found.peek().is_some();
    let token = page.last().map(|(index, _)| *index).filter(|_| more);
    xml.list("Events", page, |xml, (_, event)| write(xml, event));
    xml.maybe("NextToken", token);
    Ok(())
}

fn write(xml: &mut Xml, event: &Event) {
    xml.time("EventDate", event.at);
    xml.text("Message", &event.message);
    xml.text("ApplicationName", &event.application);
    xml.maybe("VersionLabel", event.label.as_ref());
    xml.maybe(
        "EnvironmentName",
        event.environment.as_ref().map(|(name, _)| name),
    );
    xml.maybe("RequestId", event.request_id.as_ref());
    xml.text("Severity", event.severity.name());
}

fn read_severity(text: &str) -> Result<Severity, Failure> {
    let found = Severity::ALL
        .into_iter()
        .find(|severity| severity.name() == text);
    found.ok_or_else(|| {
        let all = Severity::ALL.map(Severity::name).join(", ");
        Failure::constraint(
            Some(text),
            "Severity",
            &format!("Member must satisfy enum value set: [{all}]"),
        )
    })
}
