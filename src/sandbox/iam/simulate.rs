//! SimulatePrincipalPolicy: what a role or a user may do, as far as the sandbox can tell.

use std::collections::BTreeMap;

use super::super::query::{Failure, Parameters};
use super::super::xml::Xml;
use super::policies::{Judgement, Request, judge};
use super::{Context, enforce};

/// What is ordered in `trouble.yml` comes first; then the policies of what was made here. Everybody else may do all.
pub(super) fn simulate(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let parameters = &cx.call.parameters;
    let source = parameters.required("PolicySourceArn")?;
    let actions = parameters.texts("ActionNames").unwrap_or_default();
    let resources = parameters.texts("ResourceArns");
    let resources = resources.unwrap_or_else(|| vec!["*"]);
    let identity = enforce::identity(cx.books, source);
    let context = context(parameters);
    let pairs = actions
        .iter()
        .flat_map(|action| resources.iter().map(move |resource| (*action, *resource)));
    xml.list("EvaluationResults", pairs, |xml, (action, resource)| {
        let faults = &cx.world.faults;
        let request = Request {
            action,
            resource,
            context: &context,
        };
        let judged = match identity {
            _ if !faults.lets_read(&name_in(resource)) => Judgement::ImplicitDeny,
            _ if faults.denies(action) => Judgement::ImplicitDeny,
            Some(identity) => judge(&cx.books.policies, identity, &request),
            None => Judgement::Allowed,
        };
        xml.text("EvalActionName", action);
        xml.text("EvalResourceName", resource);
        xml.text(
            "EvalDecision",
            match judged {
                Judgement::Allowed => "allowed",
                Judgement::ImplicitDeny => "implicitDeny",
                Judgement::ExplicitDeny => "explicitDeny",
            },
        );
    });
    xml.text("IsTruncated", false);
    Ok(())
}

/// What conditions ask about, as the caller gives it: IAM looks up nothing here.
fn context(parameters: &Parameters) -> BTreeMap<String, String> {
    let entries = parameters.items("ContextEntries").into_iter();
    let pair = |entry: Parameters| {
        let value = entry.texts("ContextKeyValues")?.first()?.to_string();
        Some((entry.text("ContextKeyName")?.to_owned(), value))
    };
    entries.filter_map(pair).collect()
}

/// The name of the secret or parameter that an ARN means.
pub(in super::super) fn name_in(arn: &str) -> String {
    let mut parts = arn.splitn(7, ':').skip(5);
    match (parts.next(), parts.next()) {
        (Some("secret"), Some(rest)) => {
            let name = rest.split(':').next().unwrap_or(rest);
            name.rsplit_once('-').map_or(name, |(name, _)| name).into()
        }
        (Some(parameter), _) if parameter.starts_with("parameter/") => {
            let name = &parameter["parameter".len()..];
            match name[1..].contains('/') {
                true => name.to_owned(),
                false => name[1..].to_owned(),
            }
        }
        _ => arn.to_owned(),
    }
}
