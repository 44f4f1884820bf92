//! Roles, the instance profile, the identity provider and the user, as they shall be and as they
//! are. [`plan`] is pure; reading is in [`super::look`].

use std::collections::BTreeMap;

use serde_json::Value;

use super::access_key::{self, KeyOrder, SeenKey};
use super::grants::{self, Grants, Holder, SeenGrants};
use super::names::{Place, Tags};
use super::policy;
use super::steps::BootstrapStep;
use crate::error::{Error, Kind, Result};

/// The host of GitHub's tokens.
pub const GITHUB: &str = "token.actions.githubusercontent.com";

/// A role that shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// Whose it is, in words: `for the instances`.
    pub purpose: String,
    /// Its path.
    pub path: String,
    /// Who may take it.
    pub trust: Value,
    /// What it holds.
    pub grants: Grants,
}

/// A role that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenRole {
    /// Its path.
    pub path: String,
    /// Who may take it.
    pub trust: Value,
    /// What it holds.
    pub grants: SeenGrants,
}

/// An instance profile that shall be: a role for instances, under the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Its name, and its role's.
    pub name: String,
    /// Its path.
    pub path: String,
    /// Its tags.
    pub tags: Tags,
}

/// A user that shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub name: String,
    /// Its path.
    pub path: String,
    /// What it holds.
    pub grants: Grants,
    /// What becomes of its access key.
    pub key: KeyOrder,
}

/// A user that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenUser {
    /// Its path.
    pub path: String,
    /// What it holds.
    pub grants: SeenGrants,
    /// Its access keys.
    pub keys: Vec<SeenKey>,
}

/// Everything of IAM that shall be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The roles, in the order in which they are made.
    pub roles: Vec<Role>,
    /// The instance profile, unless another one is used.
    pub profile: Option<Profile>,
    /// The ARN of GitHub's provider, where GitHub deploys.
    pub provider: Option<String>,
    /// The user that deploys, if it is one.
    pub user: Option<User>,
}

/// Everything of IAM that is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// The roles by name.
    pub roles: BTreeMap<String, SeenRole>,
    /// The roles in the instance profile, and its tags; none where there is no profile.
    pub profile: Option<(Vec<String>, Tags)>,
    /// Whom GitHub's provider lets its tokens be meant for; none where there is no provider.
    pub provider: Option<Vec<String>>,
    /// The user.
    pub user: Option<SeenUser>,
    /// Policies that are not attached to the user and bear a name that one of the user's shall
    /// have: their tags.
    pub policies: BTreeMap<String, Tags>,
}

/// The audience of the tokens that GitHub makes for AWS (facts 6.4).
pub const AUDIENCE: &str = "sts.amazonaws.com";

/// The steps from what is to what shall be.
///
/// # Errors
/// [`Kind::Check`] for what bears our names and is not ours; [`Kind::Usage`] where an access key
/// would be made and nobody said where it goes.
pub fn plan(place: &Place, wanted: &Wanted, seen: &Seen) -> Result<Vec<BootstrapStep>> {
    let mut steps = Vec::new();
    let mut problems = Vec::new();
    if let Some(arn) = &wanted.provider {
        steps.extend(provider(arn, seen.provider.as_deref()));
    }
    for role in &wanted.roles {
        match of_role(place, role, seen.roles.get(&role.name)) {
            Ok(more) => steps.extend(more),
            Err(error) => problems.push(error),
        }
        if let Some(profile) = wanted.profile.as_ref().filter(|it| it.name == role.name) {
            match of_profile(place, profile, seen.profile.as_ref()) {
                Ok(more) => steps.extend(more),
                Err(error) => problems.push(error),
            }
        }
    }
    if let Some(user) = &wanted.user {
        match of_user(place, user, seen.user.as_ref()) {
            Ok(more) => steps.extend(more),
            Err(error) => problems.push(error),
        }
    }
    for (name, tags) in &seen.policies {
        problems.extend(place.own("policy", name, tags).err());
    }
    match Error::all(problems) {
        Some(error) => Err(error),
        None => Ok(steps),
    }
}

/// The provider is the account's, for all of its repositories: it is made or widened, never more.
fn provider(arn: &str, seen: Option<&[String]>) -> Option<BootstrapStep> {
    match seen {
        None => Some(BootstrapStep::CreateProvider),
        Some(audiences) if audiences.iter().any(|it| it == AUDIENCE) => None,
        Some(_) => Some(BootstrapStep::AddAudience { arn: arn.into() }),
    }
}

fn of_role(place: &Place, role: &Role, seen: Option<&SeenRole>) -> Result<Vec<BootstrapStep>> {
    let holder = Holder::Role(role.name.clone());
    let mut steps = Vec::new();
    let Some(seen) = seen else {
        steps.push(BootstrapStep::CreateRole(role.clone()));
        let new = SeenGrants::of_new(&role.grants);
        steps.extend(grants::plan(&holder, &role.grants, &new));
        return Ok(steps);
    };
    place.own("role", &role.name, &seen.grants.tags)?;
    same_path("role", &role.name, &role.path, &seen.path)?;
    if let Some(words) = policy::difference(&seen.trust, &role.trust) {
        steps.push(BootstrapStep::SetTrust {
            role: role.name.clone(),
            trust: role.trust.clone(),
            words,
        });
    }
    steps.extend(grants::plan(&holder, &role.grants, &seen.grants));
    Ok(steps)
}

fn of_profile(
    place: &Place,
    profile: &Profile,
    seen: Option<&(Vec<String>, Tags)>,
) -> Result<Vec<BootstrapStep>> {
    let fill = BootstrapStep::FillProfile {
        name: profile.name.clone(),
    };
    let Some((roles, tags)) = seen else {
        return Ok(vec![BootstrapStep::CreateProfile(profile.clone()), fill]);
    };
    place.own("instance profile", &profile.name, tags)?;
    match roles.first() {
        Some(role) if *role == profile.name => Ok(Vec::new()),
        None => Ok(vec![fill]),
        Some(role) => Err(Error::new(
            Kind::Check,
            format!("the instance profile {} holds another role: {role}", profile.name),
        )
        .hint(format!(
            "take it out with `aws iam remove-role-from-instance-profile --instance-profile-name {} --role-name {role}`",
            profile.name
        ))),
    }
}

fn of_user(place: &Place, user: &User, seen: Option<&SeenUser>) -> Result<Vec<BootstrapStep>> {
    let holder = Holder::User(user.name.clone());
    let mut steps = Vec::new();
    match seen {
        None => {
            steps.push(BootstrapStep::CreateUser(user.clone()));
            let new = SeenGrants::of_new(&user.grants);
            steps.extend(grants::plan(&holder, &user.grants, &new));
        }
        Some(seen) => {
            place.own("user", &user.name, &seen.grants.tags)?;
            same_path("user", &user.name, &user.path, &seen.path)?;
            steps.extend(grants::plan(&holder, &user.grants, &seen.grants));
        }
    }
    let none = SeenGrants::default();
    let (tags, keys) = seen.map_or((&none.tags, &[][..]), |it| (&it.grants.tags, &it.keys));
    steps.extend(access_key::plan(&user.name, &user.key, tags, keys)?);
    Ok(steps)
}

/// A path cannot be changed, and ARNs follow from it.
fn same_path(what: &str, name: &str, wanted: &str, seen: &str) -> Result<()> {
    if wanted == seen {
        return Ok(());
    }
    Err(Error::new(
        Kind::Check,
        format!("the {what} {name} has the path {seen}, and `infra.iam.path` says {wanted}: a path cannot be changed"),
    )
    .hint(format!("write `path: {seen}` in beanship.yml, or delete the {what} and run `beanship bootstrap` again")))
}
