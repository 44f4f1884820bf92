//! Policies of roles and users: kept, listed, and judged by.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::query::Failure;
use super::super::xml::Xml;
use super::managed::{self, Managed};
use super::model::Identity;
use super::{Context, conflict, encoded, limit, missing};

/// AWS's own policies that the sandbox knows, below `arn:aws:iam::aws:policy/` (facts 6.1).
const MANAGED: [&str; 17] = [
    "service-role/AWSElasticBeanstalkEnhancedHealth",
    "AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy",
    "AWSElasticBeanstalkWebTier",
    "AWSElasticBeanstalkWorkerTier",
    "AWSElasticBeanstalkMulticontainerDocker",
    "service-role/AWSElasticBeanstalkRoleCore",
    "service-role/AWSElasticBeanstalkRoleCWL",
    "service-role/AWSElasticBeanstalkRoleECS",
    "service-role/AWSElasticBeanstalkRoleRDS",
    "service-role/AWSElasticBeanstalkRoleSNS",
    "service-role/AWSElasticBeanstalkRoleWorkerTier",
    "AdministratorAccess-AWSElasticBeanstalk",
    "AWSElasticBeanstalkReadOnly",
    "AmazonEC2ContainerRegistryReadOnly",
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonSSMManagedInstanceCore",
    "AdministratorAccess",
];

/// AWS's prefix of its own policies.
const AWS: &str = "arn:aws:iam::aws:policy/";

/// Refuses a text that is no policy.
pub(super) fn check(document: &str) -> Result<(), Failure> {
    let parsed: Option<Value> = serde_json::from_str(document).ok();
    let has_statement = |it: &Value| it["Statement"].is_array() || it["Statement"].is_object();
    match parsed {
        Some(policy) if has_statement(&policy) => Ok(()),
        Some(_) => Err(malformed("Syntax errors in policy.")),
        None => Err(malformed("This policy contains invalid Json")),
    }
}

/// How many characters of a document count: white space does not.
pub(super) fn counted(document: &str) -> usize {
    document.chars().filter(|c| !c.is_whitespace()).count()
}

fn malformed(message: &str) -> Failure {
    Failure::new("MalformedPolicyDocument", message)
}

/// Refuses to delete what still holds policies.
pub(super) fn removable(identity: &Identity) -> Result<(), Failure> {
    if !identity.attached.is_empty() {
        return Err(conflict(
            "Cannot delete entity, must detach all policies first.",
        ));
    }
    match identity.inline.is_empty() {
        true => Ok(()),
        false => Err(conflict(
            "Cannot delete entity, must delete policies first.",
        )),
    }
}

pub(super) fn attach(cx: &mut Context<'_>, _: &mut Xml) -> Result<(), Failure> {
    let arn = cx.call.parameters.required("PolicyArn")?;
    let own = format!("arn:aws:iam::{}:policy/", cx.world.account.id);
    let known = arn
        .strip_prefix(AWS)
        .is_some_and(|name| MANAGED.contains(&name));
    if !known && !arn.starts_with(&own) {
        return Err(missing(format!(
            "Policy {arn} does not exist or is not attachable."
        )));
    }
    cx.identity()?.attached.insert(arn.to_owned());
    Ok(())
}

pub(super) fn detach(cx: &mut Context<'_>, _: &mut Xml) -> Result<(), Failure> {
    let arn = cx.call.parameters.required("PolicyArn")?;
    match cx.identity()?.attached.remove(arn) {
        true => Ok(()),
        false => Err(missing(format!("Policy {arn} was not found."))),
    }
}

pub(super) fn attached(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let identity = cx.identity()?;
    xml.list("AttachedPolicies", &identity.attached, |xml, arn| {
        let name = arn.rsplit('/').next().unwrap_or(arn);
        xml.text("PolicyName", name);
        xml.text("PolicyArn", arn);
    });
    xml.text("IsTruncated", false);
    Ok(())
}

pub(super) fn put(cx: &mut Context<'_>, _: &mut Xml) -> Result<(), Failure> {
    let parameters = &cx.call.parameters;
    let document = parameters.required("PolicyDocument")?;
    check(document)?;
    let name = parameters.required("PolicyName")?;
    let (what, holder, most) = match parameters.text("UserName") {
        Some(user) => ("user", user, 2_048),
        None => ("role", parameters.required("RoleName")?, 10_240),
    };
    let inline = &mut cx.identity()?.inline;
    let others = inline.iter().filter(|(other, _)| *other != name);
    let others: usize = others.map(|(_, it)| counted(it)).sum();
    if others + counted(document) > most {
        let message = format!("Maximum policy size of {most} bytes exceeded for {what} {holder}");
        return Err(limit(&message));
    }
    inline.insert(name.to_owned(), document.to_owned());
    Ok(())
}

pub(super) fn get(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let parameters = &cx.call.parameters;
    let name = parameters.required("PolicyName")?;
    let holder = ["RoleName", "UserName"];
    let holder = holder.map(|member| (member, parameters.text(member)));
    let identity = cx.identity()?;
    let document = identity.inline.get(name).ok_or_else(|| no_policy(name))?;
    for (member, value) in holder {
        xml.maybe(member, value);
    }
    xml.text("PolicyName", name);
    xml.text("PolicyDocument", encoded(document));
    Ok(())
}

pub(super) fn delete(cx: &mut Context<'_>, _: &mut Xml) -> Result<(), Failure> {
    let name = cx.call.parameters.required("PolicyName")?;
    let gone = cx.identity()?.inline.remove(name);
    gone.map(drop).ok_or_else(|| no_policy(name))
}

fn no_policy(name: &str) -> Failure {
    missing(format!("The policy with name {name} cannot be found."))
}

pub(super) fn list(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    xml.texts("PolicyNames", cx.identity()?.inline.keys());
    xml.text("IsTruncated", false);
    Ok(())
}

pub(super) fn bound(cx: &mut Context<'_>, _: &mut Xml) -> Result<(), Failure> {
    let arn = cx.call.parameters.required("PermissionsBoundary")?;
    cx.identity()?.boundary = Some(arn.to_owned());
    Ok(())
}

pub(super) fn unbound(cx: &mut Context<'_>, _: &mut Xml) -> Result<(), Failure> {
    cx.identity()?.boundary = None;
    Ok(())
}

/// What is to be judged.
pub(super) struct Request<'a> {
    /// `s3:GetObject`
    pub(super) action: &'a str,
    pub(super) resource: &'a str,
    /// What conditions ask about, by key.
    pub(super) context: &'a BTreeMap<String, String>,
}

/// What policies say to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judgement {
    Allowed,
    ImplicitDeny,
    ExplicitDeny,
}

/// Judges a request by an identity's own policies and those of the account that are attached to it. Of AWS's, only
/// AdministratorAccess allows anything here.
pub(super) fn judge(
    policies: &BTreeMap<String, Managed>,
    identity: &Identity,
    request: &Request<'_>,
) -> Judgement {
    let mut judgement = Judgement::ImplicitDeny;
    if identity
        .attached
        .iter()
        .any(|arn| arn.ends_with("policy/AdministratorAccess"))
    {
        judgement = Judgement::Allowed;
    }
    let attached = managed::attached(policies, identity);
    for document in identity.inline.values().chain(attached) {
        let policy: Value = serde_json::from_str(document).unwrap_or_default();
        for statement in list_of(&policy["Statement"]) {
            if !applies(statement, request) {
                continue;
            }
            match statement["Effect"].as_str() {
                Some("Deny") => return Judgement::ExplicitDeny,
                Some("Allow") => judgement = Judgement::Allowed,
                _ => {}
            }
        }
    }
    judgement
}

fn applies(statement: &Value, request: &Request<'_>) -> bool {
    let action = request.action.to_ascii_lowercase();
    let any = |member: &str, matches: &dyn Fn(&str) -> bool| {
        list_of(&statement[member])
            .filter_map(Value::as_str)
            .any(matches)
    };
    any("Action", &|pattern| {
        fits(&pattern.to_ascii_lowercase(), &action)
    }) && any("Resource", &|pattern| fits(pattern, request.resource))
        && conditions_hold(statement, request.context)
}

/// Whether every condition holds; an operator that is not known never does.
pub(super) fn conditions_hold(statement: &Value, context: &BTreeMap<String, String>) -> bool {
    let Some(conditions) = statement["Condition"].as_object() else {
        return true;
    };
    conditions.iter().all(|(operator, keys)| {
        let keys = keys.as_object().into_iter().flatten();
        keys.into_iter().all(|(key, wanted)| {
            let Some(value) = context.get(key) else {
                return false;
            };
            let mut wanted = list_of(wanted).filter_map(Value::as_str);
            match operator.as_str() {
                "StringEquals" => wanted.any(|wanted| wanted == value),
                "StringLike" | "ArnLike" | "ArnEquals" => wanted.any(|wanted| fits(wanted, value)),
                _ => false,
            }
        })
    })
}

/// A list, or the one thing that stands for a list of it.
pub(super) fn list_of(value: &Value) -> impl Iterator<Item = &Value> {
    let many = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let one = (!value.is_array() && !value.is_null()).then_some(value);
    many.iter().chain(one)
}

/// Whether a pattern of `*` and `?` fits a text.
pub(in super::super) fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == '?' || c == text[t] => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, t) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    #[test]
    fn patterns_fit_as_iam_has_them() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("s3:Get*", "s3:GetObject", true),
            ("s3:Get*", "s3:PutObject", false),
            ("a/*/c", "a/b/b/c", true),
            ("x-??????", "x-AbCdEf", true),
            ("x-??????", "x-AbCdE", false),
            ("a", "ab", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_denial_beats_what_allows() {
        let mut identity = Identity::new("AROA", "/", Timestamp::UNIX_EPOCH);
        let mut put = |name: &str, policy: &str| {
            identity.inline.insert(name.to_owned(), policy.to_owned());
        };
        put(
            "a",
            r#"{"Statement":[{"Effect":"Allow","Action":["s3:*"],"Resource":"*"},{"Effect":"Deny","Action":"s3:PutObject","Resource":"arn:aws:s3:::b/x"}]}"#,
        );
        put(
            "b",
            r#"{"Statement":{"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{"StringEquals":{"iam:PassedToService":["ec2.amazonaws.com"]}}}}"#,
        );
        let context = BTreeMap::new();
        let passed = [(
            "iam:PassedToService".to_owned(),
            "ec2.amazonaws.com".to_owned(),
        )];
        let passed = BTreeMap::from(passed);
        let judged = |action, resource, context| {
            judge(
                &BTreeMap::new(),
                &identity,
                &Request {
                    action,
                    resource,
                    context,
                },
            )
        };
        assert_eq!(
            judged("s3:GetObject", "arn:aws:s3:::b/x", &context),
            Judgement::Allowed
        );
        assert_eq!(
            judged("s3:PutObject", "arn:aws:s3:::b/x", &context),
            Judgement::ExplicitDeny
        );
        assert_eq!(
            judged("iam:PassRole", "r", &context),
            Judgement::ImplicitDeny
        );
        assert_eq!(judged("iam:PassRole", "r", &passed), Judgement::Allowed);
    }
}
