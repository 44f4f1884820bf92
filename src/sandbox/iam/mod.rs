//! IAM: roles, instance profiles, users, access keys and identity providers, and what policies allow. Names that were
//! just made may be unknown for a while, as `trouble.yml` says. AWS's managed policies are known by name only.

mod enforce;
mod managed;
mod model;
mod policies;
mod profiles;
mod providers;
mod roles;
mod simulate;
mod users;

use jiff::{SignedDuration, Timestamp};

use self::model::{Books, Identity, Profile, Role, Tags, User};
use super::World;
use super::account::Key;
use super::gateway::Call;
use super::query::{Failure, Parameters};
use super::state::Store;
use super::xml::Xml;

pub(super) use enforce::allows;
pub(super) use policies::fits;
pub(super) use simulate::name_in;

pub(super) const NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";

const BOOKS: &str = "iam";

/// The names that AWS's console and other tools give; every account of the sandbox has them.
pub(super) const USUAL_PROFILE: &str = "aws-elasticbeanstalk-ec2-role";

/// What an operation works with.
struct Context<'a> {
    world: &'a World,
    call: &'a Call,
    books: &'a mut Books,
}

type Operation = fn(&mut Context<'_>, &mut Xml) -> Result<(), Failure>;

/// Carries out one call.
pub(super) fn answer(world: &World, call: &Call) -> Result<Xml, Failure> {
    let operation = operation(&call.operation).ok_or_else(|| call.unknown())?;
    let answered = world.store.update(BOOKS, |books: &mut Books| {
        let mut xml = Xml::new();
        let mut cx = Context { world, call, books };
        operation(&mut cx, &mut xml).map(|()| xml)
    });
    answered?
}

fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateRole" => roles::create,
        "GetRole" => roles::get,
        "DeleteRole" => roles::delete,
        "UpdateAssumeRolePolicy" => roles::trust,
        "TagRole" | "TagUser" => tag,
        "UntagRole" | "UntagUser" => untag,
        "PutRolePermissionsBoundary" | "PutUserPermissionsBoundary" => policies::bound,
        "DeleteRolePermissionsBoundary" | "DeleteUserPermissionsBoundary" => policies::unbound,
        "AttachRolePolicy" | "AttachUserPolicy" => policies::attach,
        "DetachRolePolicy" | "DetachUserPolicy" => policies::detach,
        "ListAttachedRolePolicies" | "ListAttachedUserPolicies" => policies::attached,
        "PutRolePolicy" | "PutUserPolicy" => policies::put,
        "GetRolePolicy" | "GetUserPolicy" => policies::get,
        "DeleteRolePolicy" | "DeleteUserPolicy" => policies::delete,
        "ListRolePolicies" | "ListUserPolicies" => policies::list,
        "CreatePolicy" => managed::create,
        "GetPolicy" => managed::get,
        "GetPolicyVersion" => managed::version,
        "ListPolicyVersions" => managed::versions,
        "CreatePolicyVersion" => managed::create_version,
        "DeletePolicyVersion" => managed::delete_version,
        "DeletePolicy" => managed::delete,
        "CreateInstanceProfile" => profiles::create,
        "GetInstanceProfile" => profiles::get,
        "DeleteInstanceProfile" => profiles::delete,
        "AddRoleToInstanceProfile" => profiles::add,
        "RemoveRoleFromInstanceProfile" => profiles::remove,
        "CreateUser" => users::create,
        "GetUser" => users::get,
        "DeleteUser" => users::delete,
        "CreateAccessKey" => users::create_key,
        "ListAccessKeys" => users::keys,
        "UpdateAccessKey" => users::update_key,
        "DeleteAccessKey" => users::delete_key,
        "CreateOpenIDConnectProvider" => providers::create,
        "GetOpenIDConnectProvider" => providers::get,
        "ListOpenIDConnectProviders" => providers::list,
        "AddClientIDToOpenIDConnectProvider" => providers::add_client,
        "DeleteOpenIDConnectProvider" => providers::delete,
        "SimulatePrincipalPolicy" => simulate::simulate,
        _ => return None,
    })
}

/// The secret behind a user's access key, while it is active.
pub(super) fn key(store: &Store, account: &str, id: &str) -> std::io::Result<Option<Key>> {
    let books: Books = store.read(BOOKS)?;
    let found = books
        .users
        .iter()
        .find_map(|(name, user)| Some((name, user, user.keys.get(id)?)));
    Ok(found
        .filter(|(_, _, key)| key.active)
        .map(|(name, user, key)| Key {
            secret: key.secret.clone(),
            token: None,
            expires: None,
            arn: format!("arn:aws:iam::{account}:user{}{name}", user.identity.path),
            user_id: user.identity.id.clone(),
        }))
}

/// Whether instances can be launched with a profile.
pub(super) fn has_profile(world: &World, name: &str, now: Timestamp) -> std::io::Result<bool> {
    let books: Books = world.store.read(BOOKS)?;
    let name = name.rsplit('/').next().unwrap_or(name);
    let settled = |profile: &Profile| profile.created.duration_until(now) >= settling(world);
    let known = |profile: &Profile| profile.role.is_some() && settled(profile);
    Ok(name == USUAL_PROFILE || books.profiles.get(name).is_some_and(known))
}

/// The ARN that IAM judges a call of its own by.
pub(super) fn resource(account: &str, call: &Call) -> String {
    let parameters = &call.parameters;
    let named = |kind: &str, name: &str| format!("arn:aws:iam::{account}:{kind}/{name}");
    let source = parameters.text("PolicySourceArn").map(str::to_owned);
    let profile = parameters.text("InstanceProfileName");
    let profile = profile.map(|name| named("instance-profile", name));
    let role = parameters.text("RoleName").map(|name| named("role", name));
    let user = parameters.text("UserName").map(|name| named("user", name));
    let policy = parameters.text("PolicyName").map(|it| named("policy", it));
    let policy = parameters.text("PolicyArn").map(str::to_owned).or(policy);
    let found = source.or(profile).or(role).or(user).or(policy);
    found.unwrap_or_else(|| "*".to_owned())
}

/// Whether instances with this profile may do something; those with a role that was not made here may.
pub(super) fn instances_may(
    world: &World,
    profile: &str,
    action: &str,
    resource: &str,
) -> std::io::Result<bool> {
    let books: Books = world.store.read(BOOKS)?;
    let name = profile.rsplit('/').next().unwrap_or(profile);
    let role = books.profiles.get(name).and_then(|it| it.role.as_ref());
    let role = role.and_then(|role| books.roles.get(role));
    let request = policies::Request {
        action,
        resource,
        context: &enforce::context(world, resource)?,
    };
    let judge = |role: &Role| policies::judge(&books.policies, &role.identity, &request);
    let judged = role.map(judge);
    Ok(judged.is_none_or(|judged| judged == policies::Judgement::Allowed))
}

/// For how long what is new stays unknown.
fn settling(world: &World) -> SignedDuration {
    SignedDuration::from_secs_f64(world.faults.settling())
}

impl Context<'_> {
    fn parameters(&self) -> &Parameters {
        &self.call.parameters
    }

    fn now(&self) -> Timestamp {
        self.call.now
    }

    fn arn(&self, kind: &str, path: &str, name: &str) -> String {
        format!("arn:aws:iam::{}:{kind}{path}{name}", self.world.account.id)
    }

    /// Whether something that was made then is known everywhere by now.
    fn is_settled(&self, created: Timestamp) -> bool {
        created.duration_until(self.now()) >= settling(self.world)
    }

    fn role(&mut self, name: &str) -> Result<&mut Role, Failure> {
        let missing = || missing(format!("The role with name {name} cannot be found."));
        let created = self.books.roles.get(name).map(|it| it.identity.created);
        let known = created.is_some_and(|created| self.is_settled(created));
        let found = self.books.roles.get_mut(name).filter(|_| known);
        found.ok_or_else(missing)
    }

    fn user(&mut self, name: &str) -> Result<&mut User, Failure> {
        let missing = || missing(format!("The user with name {name} cannot be found."));
        let created = self.books.users.get(name).map(|it| it.identity.created);
        let known = created.is_some_and(|created| self.is_settled(created));
        let found = self.books.users.get_mut(name).filter(|_| known);
        found.ok_or_else(missing)
    }

    /// The role or the user that the call is about.
    fn identity(&mut self) -> Result<&mut Identity, Failure> {
        let call = self.call;
        match call.parameters.text("UserName") {
            Some(name) => Ok(&mut self.user(name)?.identity),
            None => Ok(&mut self.role(call.parameters.required("RoleName")?)?.identity),
        }
    }

    fn tags(&self) -> Result<Tags, Failure> {
        let read = |item: Parameters| {
            let key = item.required("Key")?.to_owned();
            Ok((key, item.required("Value")?.to_owned()))
        };
        self.parameters()
            .items("Tags")
            .into_iter()
            .map(read)
            .collect()
    }
}

fn missing(message: String) -> Failure {
    Failure::with_status(404, "NoSuchEntity", message)
}

fn exists(message: String) -> Failure {
    Failure::with_status(409, "EntityAlreadyExists", message)
}

fn conflict(message: &str) -> Failure {
    Failure::with_status(409, "DeleteConflict", message)
}

fn limit(message: &str) -> Failure {
    Failure::with_status(409, "LimitExceeded", message)
}

/// `/` or `/a/b/`.
fn path(parameters: &Parameters) -> Result<&str, Failure> {
    let path = parameters.text("Path").unwrap_or("/");
    if path.starts_with('/') && path.ends_with('/') {
        return Ok(path);
    }
    let message = "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric \
                   characters and/or / characters.";
    Err(Failure::new("ValidationError", message))
}

/// The name of something new.
fn name<'p>(parameters: &'p Parameters, member: &str, longest: usize) -> Result<&'p str, Failure> {
    let name = parameters.required(member)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c);
    if name.is_empty() || !name.chars().all(fits) {
        let message = format!(
            "The specified value for {} is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-",
            member.to_lowercase()
        );
        return Err(Failure::new("ValidationError", message));
    }
    if name.len() > longest {
        let constraint = format!("Member must have length less than or equal to {longest}");
        return Err(Failure::constraint(Some(name), member, &constraint));
    }
    Ok(name)
}

fn tag(cx: &mut Context<'_>, _: &mut Xml) -> Result<(), Failure> {
    let tags = cx.tags()?;
    cx.identity()?.tags.extend(tags);
    Ok(())
}

fn untag(cx: &mut Context<'_>, _: &mut Xml) -> Result<(), Failure> {
    let keys = cx.call.parameters.texts("TagKeys").unwrap_or_default();
    let tags = &mut cx.identity()?.tags;
    tags.retain(|key, _| !keys.contains(&key.as_str()));
    Ok(())
}

fn write_tags(xml: &mut Xml, tags: &Tags) {
    xml.list("Tags", tags, |xml, (key, value)| {
        xml.text("Key", key);
        xml.text("Value", value);
    });
}

/// A document as IAM gives it out: percent-encoded.
fn encoded(document: &str) -> String {
    let plus: String = url::form_urlencoded::byte_serialize(document.as_bytes()).collect();
    plus.replace('+', "%20")
}
