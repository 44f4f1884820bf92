//! Tags, by ARN.

use super::super::query::{Failure, Parameters};
use super::super::xml::Xml;
use super::model::Tags;
use super::{Context, invalid, required, texts, write_tags};

pub(super) fn add(cx: &mut Context<'_>, _: &mut Xml) -> Result<(), Failure> {
    let tags = read(cx.parameters())?;
    of(cx)?.extend(tags);
    Ok(())
}

pub(super) fn remove(cx: &mut Context<'_>, _: &mut Xml) -> Result<(), Failure> {
    let call = cx.call;
    let keys = texts(&call.parameters, "TagKeys", "TagKey");
    of(cx)?.retain(|key, _| !keys.contains(&key.as_str()));
    Ok(())
}

pub(super) fn list(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    write_tags(xml, of(cx)?);
    Ok(())
}

/// The tags in `Tags.Tag.N`.
pub(super) fn read(parameters: &Parameters) -> Result<Tags, Failure> {
    let own = parameters.flat_items("Tags.Tag");
    let items = match own.is_empty() {
        true => parameters.items("Tags"),
        false => own,
    };
    let read = |tag: Parameters| {
        let key = required(&tag, "Key")?.to_owned();
        Ok((key, tag.text("Value").unwrap_or_default().to_owned()))
    };
    items.into_iter().map(read).collect()
}

fn of<'a>(cx: &'a mut Context<'_>) -> Result<&'a mut Tags, Failure> {
    let call = cx.call;
    let arn = required(&call.parameters, "ResourceName")?;
    let mut parts = arn.splitn(7, ':').skip(5);
    let (kind, name) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let region = &mut *cx.region;
    let (tags, code) = match kind {
        "db" => (
            region.instances.get_mut(name).map(|it| &mut it.tags),
            "DBInstanceNotFound",
        ),
        "subgrp" => (
            region.groups.get_mut(name).map(|it| &mut it.tags),
            "DBSubnetGroupNotFoundFault",
        ),
        "snapshot" => (
            region.snapshots.get_mut(name).map(|it| &mut it.tags),
            "DBSnapshotNotFound",
        ),
        _ => return Err(invalid(format!("Invalid resource name: {arn}"))),
    };
    tags.ok_or_else(|| Failure::with_status(404, code, format!("{name} not found.")))
}
