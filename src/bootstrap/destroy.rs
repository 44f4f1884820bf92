//! The way back: what a bootstrap made is taken away, as its tags tell; what was there before
//! stays. [`plan`] is pure.

mod database;
mod network;
mod removal;

use std::collections::BTreeSet;

use super::application::{ENVIRONMENT, LAUNCH, last};
use super::database::DATABASE;
use super::iam::{SeenRole, SeenUser};
use super::look;
use super::names::{self, Place, Tags};
use super::registry;
use crate::aws::Aws;
use crate::aws::error::Explain;
use crate::config::EnvironmentConfig;
use crate::deploy::configuration::{self, Configuration};
use crate::deploy::environment::{self, Environment, SERVICE};
use crate::error::Result;
use crate::plan::Plan;

pub use database::{Standing as StandingDatabase, check};
pub use network::Standing as StandingNetwork;
pub use removal::Removal;

/// What stands of an environment's bootstrap.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// The environment, and whether we made it.
    pub environment: Option<(Environment, bool)>,
    /// The roles of our names.
    pub roles: Vec<(String, SeenRole)>,
    /// The instance profile of our name: its roles and its tags.
    pub profile: Option<(String, Vec<String>, Tags)>,
    /// The user that deploys.
    pub user: Option<(String, SeenUser)>,
    /// Whether we made the application; none where it is not there.
    pub application: Option<bool>,
    /// Other environments of the application.
    pub others: Vec<String>,
    /// The names of the roles and profiles that the environment uses, where it stays.
    pub used: BTreeSet<String>,
    /// Security groups and who uses them.
    pub network: StandingNetwork,
    /// The database.
    pub database: StandingDatabase,
    /// The login at a private registry that was written here.
    pub login: Option<registry::Object>,
    /// Why the login could not be seen, in words.
    pub unseen_login: Option<String>,
}

/// Looks at what stands.
///
/// # Errors
/// What AWS says.
pub async fn look(aws: &Aws, place: &Place, declared: &EnvironmentConfig) -> Result<Standing> {
    let target = &place.target;
    let mut standing = Standing {
        network: network::look(aws, place, declared).await?,
        database: database::look(aws, place, declared).await?,
        ..Standing::default()
    };
    let all = environment::describe(aws, Some(&target.app), &[]).await?;
    for found in all {
        if found.name == target.environment {
            let ours = tags(aws, found.arn.as_deref()).await?;
            let ours = ours.get(names::ENVIRONMENT) == Some(&target.environment);
            if !ours && !found.is_gone() {
                let read = configuration::read(aws, &target.app, &target.environment).await?;
                standing.used = used(&read);
                standing.network.staying = Some(read);
            }
            standing.environment = Some((found, ours));
        } else {
            standing.others.push(found.name);
        }
    }
    for end in ["deployer", "ops", "service", "ec2"] {
        let name = place.name(end);
        let found = look::role(aws, &name).await?;
        standing.roles.extend(found.map(|found| (name, found)));
    }
    let name = place.name("ec2");
    let found = look::profile(aws, &name).await?;
    standing.profile = found.map(|(_, roles, tags)| (name, roles.into_keys().collect(), tags));
    let user = declared.deployer.as_ref().and_then(|it| it.user.clone());
    if let Some(name) = user {
        let found = look::user(aws, &name).await?;
        standing.user = found.map(|found| (name, found));
    }
    let call = aws
        .eb
        .describe_applications()
        .application_names(&target.app);
    let told = call.send().await.explain(SERVICE, "DescribeApplications")?;
    if let Some(found) = told.applications().first() {
        let tags = tags(aws, found.application_arn()).await?;
        standing.application = Some(tags.get(names::APP) == Some(&target.app));
    }
    Ok(standing)
}

/// The roles and the instance profile that an environment's settings name.
fn used(settings: &Configuration) -> BTreeSet<String> {
    let named = [(LAUNCH, "IamInstanceProfile"), (ENVIRONMENT, "ServiceRole")];
    let values = named.iter();
    let values = values.filter_map(|(namespace, name)| settings.value(namespace, name));
    values.map(|it| last(it).to_owned()).collect()
}

async fn tags(aws: &Aws, arn: Option<&str>) -> Result<Tags> {
    let Some(arn) = arn else {
        return Ok(Tags::new());
    };
    let told = aws.eb.list_tags_for_resource().resource_arn(arn).send();
    let told = match told.await.explain(SERVICE, "ListTagsForResource") {
        // What cannot be told to be ours stays.
        Err(error) if error.code() == Some("ResourceNotFoundException") => return Ok(Tags::new()),
        other => other?,
    };
    let tags = told.resource_tags().iter();
    Ok(tags
        .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned())))
        .collect())
}

/// What is taken away, in the order in which that is possible, and what stays, in words.
#[must_use]
pub fn plan(
    place: &Place,
    standing: &Standing,
    database: Option<&str>,
) -> (Plan<Removal>, Vec<String>) {
    let (mut steps, told) = environment_goes(place, standing);
    let mut stays: Vec<String> = told.into_iter().collect();
    let (last, groups): (Vec<_>, Vec<_>) = network::plan(place, &standing.network)
        .into_iter()
        .partition(|it| it.is_group(&place.group(DATABASE)));
    steps.extend(groups);
    stays.extend(standing.network.unseen.clone());
    let (more, told) = identities(place, standing);
    steps.extend(more);
    stays.extend(told);
    let (application, told) = application(place, standing);
    steps.extend(application);
    stays.extend(told);
    let (login, told) = login(standing);
    steps.extend(login);
    stays.extend(told);
    stays.extend(standing.unseen_login.clone());
    let (more, told) = database::plan(place, &standing.database, database);
    steps.extend(more);
    stays.extend(told);
    if !standing.database.stays(place, database) {
        steps.extend(last);
    }
    stays.push("the OIDC provider, buckets and secrets stay: others may use them".into());
    if steps
        .iter()
        .any(|it| matches!(it, Removal::Database { .. }))
    {
        stays.push("a secret that RDS made for the database goes with it".into());
    }
    (Plan::new(steps), stays)
}

/// The login is for all environments of the application, and goes with the last one.
fn login(standing: &Standing) -> (Option<Removal>, Option<String>) {
    let Some(login) = &standing.login else {
        return (None, None);
    };
    let left = matches!(standing.environment, Some((_, false)));
    if standing.others.is_empty() && !left {
        return (Some(Removal::Login(login.clone())), None);
    }
    let told = format!("{} stays: other environments use it", login.name());
    (None, Some(told))
}

/// An environment that was made here goes; any other only lets go of the operations role.
fn environment_goes(place: &Place, standing: &Standing) -> (Vec<Removal>, Option<String>) {
    let environment = place.target.environment.clone();
    let Some((seen, made)) = &standing.environment else {
        return (Vec::new(), None);
    };
    if *made {
        let begun = seen.is_gone();
        let name = environment;
        return (vec![Removal::Environment { name, begun }], None);
    }
    let stays = format!("the environment {environment} was not made here and stays");
    let role = place.name("ops");
    let named = seen.operations_role.as_deref().map(last);
    let ours = |(name, seen): &(String, SeenRole)| {
        *name == role && place.own("role", name, &seen.grants.tags).is_ok()
    };
    // It got the role from us, and had none before.
    let steps = match named == Some(role.as_str()) && standing.roles.iter().any(ours) {
        true => vec![Removal::Disassociate { environment, role }],
        false => Vec::new(),
    };
    (steps, Some(stays))
}

/// The instance profile, the roles and the user of ours, but for those that the environment uses
/// and keeps.
fn identities(place: &Place, standing: &Standing) -> (Vec<Removal>, Vec<String>) {
    let ours = |what: &str, name: &str, tags: &Tags| place.own(what, name, tags).is_ok();
    let used = |name: &String| standing.used.contains(name);
    let (mut steps, mut stays) = (Vec::new(), Vec::new());
    let mut keep = |what: &str, name: &String| {
        let environment = &place.target.environment;
        stays.push(format!("the {what} {name} stays: {environment} uses it"));
    };
    if let Some((profile, roles, tags)) = &standing.profile
        && ours("instance profile", profile, tags)
    {
        match used(profile) {
            true => keep("instance profile", profile),
            false => steps.push(Removal::Profile {
                name: profile.clone(),
                roles: roles.clone(),
            }),
        }
    }
    for (role, seen) in &standing.roles {
        if !ours("role", role, &seen.grants.tags) {
            continue;
        }
        match used(role) {
            true => keep("role", role),
            false => steps.push(Removal::Role {
                name: role.clone(),
                grants: seen.grants.clone(),
            }),
        }
    }
    if let Some((user, seen)) = &standing.user
        && ours("user", user, &seen.grants.tags)
    {
        steps.push(Removal::User {
            name: user.clone(),
            grants: seen.grants.clone(),
            keys: seen.keys.iter().map(|key| key.id.clone()).collect(),
        });
    }
    (steps, stays)
}

/// The application goes with its last environment.
fn application(place: &Place, standing: &Standing) -> (Option<Removal>, Option<String>) {
    let left = matches!(standing.environment, Some((_, false)));
    let app = &place.target.app;
    let told = match standing.application {
        Some(true) if standing.others.is_empty() && !left => {
            return (Some(Removal::Application { name: app.clone() }), None);
        }
        Some(true) => format!("the application {app} stays: it has other environments"),
        Some(false) => format!("the application {app} was not made here and stays"),
        None => return (None, None),
    };
    (None, Some(told))
}

#[cfg(test)]
mod tests {
    use super::super::grants::SeenGrants;
    use super::*;
    use crate::bootstrap::names::sample;

    fn role(tags: Tags) -> SeenRole {
        SeenRole {
            path: "/".into(),
            trust: serde_json::Value::Null,
            grants: SeenGrants {
                tags,
                ..SeenGrants::default()
            },
        }
    }

    fn planned(standing: &Standing) -> String {
        let (plan, stays) = plan(&sample(), standing, None);
        let lines = plan.changes().into_iter();
        let lines = lines.map(|it| format!("- {} {}", it.kind, it.name));
        lines.chain(stays).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn only_what_bears_our_tags_goes() {
        let place = sample();
        let environment = Environment::default();
        let mut standing = Standing {
            environment: Some((environment, true)),
            roles: vec![
                ("ours".into(), role(place.all_tags())),
                ("theirs".into(), role(Tags::new())),
            ],
            profile: Some(("ours".into(), vec!["ours".into()], place.all_tags())),
            application: Some(true),
            ..Standing::default()
        };
        let alone = planned(&standing);
        standing.others.push("shop-staging".into());
        standing.environment = None;
        let shared = planned(&standing);
        let adopted = Environment {
            operations_role: Some(place.iam("role", &place.name("ops"))),
            ..Environment::default()
        };
        standing.environment = Some((adopted, false));
        let theirs = planned(&standing);
        let ops = (place.name("ops"), role(place.all_tags()));
        standing.roles.push(ops);
        standing.used = BTreeSet::from(["ours".to_owned()]);
        let cases = [
            alone,
            shared,
            theirs,
            planned(&standing),
            planned(&Standing::default()),
        ];
        insta::assert_snapshot!(cases.join("\n\n"), @"
        - environment shop-prod
        - instance profile ours
        - IAM role ours
        - application shop
        the OIDC provider, buckets and secrets stay: others may use them

        - instance profile ours
        - IAM role ours
        the application shop stays: it has other environments
        the OIDC provider, buckets and secrets stay: others may use them

        - instance profile ours
        - IAM role ours
        the environment shop-prod was not made here and stays
        the application shop stays: it has other environments
        the OIDC provider, buckets and secrets stay: others may use them

        - operations role shop-prod
        - IAM role shop-prod-eu-west-1-ops
        the environment shop-prod was not made here and stays
        the instance profile ours stays: shop-prod uses it
        the role ours stays: shop-prod uses it
        the application shop stays: it has other environments
        the OIDC provider, buckets and secrets stay: others may use them

        the OIDC provider, buckets and secrets stay: others may use them
        ");
    }
}
