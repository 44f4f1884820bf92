//! Tags of whatever has an id.

use super::super::query::{Failure, Parameters};
use super::super::xml::Xml;
use super::model::Tags;
use super::{Context, done, kind_of, not_found, required};

pub(super) fn create(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let tags = read(cx.parameters())?;
    each(cx, |own| own.extend(tags.clone()))?;
    done(xml);
    Ok(())
}

/// A tag with a value goes only if that is its value.
pub(super) fn delete(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let wanted = cx.parameters().flat_items("Tag");
    let goes = |key: &String, value: &String| {
        wanted.iter().any(|tag| {
            tag.text("Key") == Some(key) && tag.text("Value").is_none_or(|wanted| wanted == value)
        })
    };
    each(cx, |own| own.retain(|key, value| !goes(key, value)))?;
    done(xml);
    Ok(())
}

/// The tags in `Tag.N`.
pub(super) fn read(parameters: &Parameters) -> Result<Tags, Failure> {
    let read = |tag: Parameters| {
        let key = required(&tag, "Key")?;
        if key.starts_with("aws:") {
            let message = "Tag keys starting with 'aws:' are reserved for internal use";
            return Err(Failure::new("InvalidParameterValue", message));
        }
        Ok((
            key.to_owned(),
            tag.text("Value").unwrap_or_default().to_owned(),
        ))
    };
    parameters.flat_items("Tag").into_iter().map(read).collect()
}

fn each(cx: &mut Context<'_>, mut change: impl FnMut(&mut Tags)) -> Result<(), Failure> {
    let call = cx.call;
    required(&call.parameters, "ResourceId.1")?;
    for id in call.parameters.flat_texts("ResourceId") {
        let kind = match kind_of(id) {
            "security-group" => "sg",
            "internet-gateway" => "igw",
            "route-table" => "rtb",
            other => other,
        };
        let tags = cx.region.tags_of(id);
        change(tags.ok_or_else(|| not_found(kind, id))?);
    }
    Ok(())
}
