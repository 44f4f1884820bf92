//! OpenID Connect providers: whose tokens roles may trust.

use super::super::query::Failure;
use super::super::xml::Xml;
use super::model::Provider;
use super::{Context, exists, missing, write_tags};

pub(super) fn create(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let parameters = &cx.call.parameters;
    let url = parameters.required("Url")?;
    let host = url.strip_prefix("https://").ok_or_else(|| {
        Failure::new(
            "ValidationError",
            "Invalid Open ID Connect Provider URL. It must begin with https://",
        )
    })?;
    let arn = cx.arn("oidc-provider", "/", host);
    if cx.books.providers.contains_key(&arn) {
        return Err(exists(format!("Provider with url {url} already exists.")));
    }
    let texts = |name: &str| parameters.texts(name).unwrap_or_default();
    let provider = Provider {
        url: host.to_owned(),
        clients: texts("ClientIDList")
            .into_iter()
            .map(str::to_owned)
            .collect(),
        thumbprints: texts("ThumbprintList")
            .into_iter()
            .map(str::to_owned)
            .collect(),
        created: cx.now(),
        tags: cx.tags()?,
    };
    xml.text("OpenIDConnectProviderArn", &arn);
    write_tags(xml, &provider.tags);
    cx.books.providers.insert(arn, provider);
    Ok(())
}

pub(super) fn get(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let provider = provider(cx)?;
    xml.text("Url", &provider.url);
    xml.texts("ClientIDList", &provider.clients);
    xml.texts("ThumbprintList", &provider.thumbprints);
    xml.time("CreateDate", provider.created);
    write_tags(xml, &provider.tags);
    Ok(())
}

pub(super) fn list(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let arns = cx.books.providers.keys();
    xml.list("OpenIDConnectProviderList", arns, |xml, arn| {
        xml.text("Arn", arn);
    });
    Ok(())
}

pub(super) fn add_client(cx: &mut Context<'_>, _: &mut Xml) -> Result<(), Failure> {
    let client = cx.call.parameters.required("ClientID")?;
    provider(cx)?.clients.insert(client.to_owned());
    Ok(())
}

pub(super) fn delete(cx: &mut Context<'_>, _: &mut Xml) -> Result<(), Failure> {
    let arn = cx.call.parameters.required("OpenIDConnectProviderArn")?;
    cx.books.providers.remove(arn);
    Ok(())
}

fn provider<'a>(cx: &'a mut Context<'_>) -> Result<&'a mut Provider, Failure> {
    let arn = cx.call.parameters.required("OpenIDConnectProviderArn")?;
    let found = cx.books.providers.get_mut(arn);
    found.ok_or_else(|| missing(format!("OpenIDConnect Provider not found for arn {arn}")))
}
