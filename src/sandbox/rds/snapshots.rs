//! Snapshots: what is left of an instance that was deleted with one.

use super::super::query::Failure;
use super::super::xml::Xml;
use super::{Context, required, views};

pub(super) fn describe(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let parameters = cx.parameters();
    let named = parameters
        .text("DBSnapshotIdentifier")
        .map(str::to_lowercase);
    let instance = parameters
        .text("DBInstanceIdentifier")
        .map(str::to_lowercase);
    if let Some(name) = named
        .as_ref()
        .filter(|it| !cx.region.snapshots.contains_key(*it))
    {
        return Err(missing(name));
    }
    let all = cx.region.snapshots.iter();
    let wanted = all.filter(|(name, it)| {
        named.as_ref().is_none_or(|wanted| wanted == *name)
            && instance
                .as_ref()
                .is_none_or(|wanted| *wanted == it.instance)
    });
    let (page, marker) = cx.page(wanted.collect())?;
    xml.set(
        "DBSnapshots",
        "DBSnapshot",
        page,
        |xml, (name, snapshot)| {
            views::snapshot(xml, cx, name, snapshot);
        },
    );
    xml.maybe("Marker", marker);
    Ok(())
}

pub(super) fn delete(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let name = required(cx.parameters(), "DBSnapshotIdentifier")?.to_lowercase();
    let snapshot = cx
        .region
        .snapshots
        .remove(&name)
        .ok_or_else(|| missing(&name))?;
    xml.group("DBSnapshot", |xml| {
        views::snapshot(xml, cx, &name, &snapshot);
    });
    Ok(())
}

fn missing(name: &str) -> Failure {
    let message = format!("DBSnapshot {name} not found.");
    Failure::with_status(404, "DBSnapshotNotFound", message)
}
