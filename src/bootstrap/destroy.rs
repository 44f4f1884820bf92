//! The way back: what a bootstrap made is taken away, as its tags tell; what was there before
//! stays. [`plan`] is pure.

use std::time::{Duration, Instant};

use super::access_key;
use super::apply;
use super::grants::{Holder, SeenGrants};
use super::iam::{SeenRole, SeenUser};
use super::look;
use super::names::{self, Place, Tags};
use crate::aws::Aws;
use crate::aws::error::Explain;
use crate::config::EnvironmentConfig;
use crate::deploy::environment::{self, Environment, SERVICE};
use crate::deploy::{World, events};
use crate::error::{Error, Kind, Result};
use crate::output::Event;
use crate::plan::{Change, Plan, Step, Verb};

/// How long a role that was just taken out of use may still count as used.
const PAUSE: Duration = Duration::from_millis(500);

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
}

/// Looks at what stands.
///
/// # Errors
/// What AWS says.
pub async fn look(aws: &Aws, place: &Place, declared: &EnvironmentConfig) -> Result<Standing> {
    let target = &place.target;
    let mut standing = Standing::default();
    let all = environment::describe(aws, Some(&target.app), &[]).await?;
    for found in all {
        if found.name == target.environment {
            let ours = tags(aws, found.arn.as_deref()).await?;
            let ours = ours.get(names::ENVIRONMENT) == Some(&target.environment);
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
pub fn plan(place: &Place, standing: &Standing) -> (Plan<Removal>, Vec<String>) {
    let (mut steps, mut stays) = (Vec::new(), Vec::new());
    let name = &place.target.environment;
    let ours = |what: &str, name: &str, tags: &Tags| place.own(what, name, tags).is_ok();
    if let Some((seen, made)) = &standing.environment {
        match made {
            true => steps.push(Removal::Environment {
                name: name.clone(),
                begun: seen.is_gone(),
            }),
            false => stays.push(format!(
                "the environment {name} was not made here and stays"
            )),
        }
    }
    if let Some((profile, roles, tags)) = &standing.profile
        && ours("instance profile", profile, tags)
    {
        steps.push(Removal::Profile {
            name: profile.clone(),
            roles: roles.clone(),
        });
    }
    for (role, seen) in &standing.roles {
        if ours("role", role, &seen.grants.tags) {
            steps.push(Removal::Role {
                name: role.clone(),
                grants: seen.grants.clone(),
            });
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
    let app = &place.target.app;
    let left = matches!(standing.environment, Some((_, false)));
    match standing.application {
        Some(true) if standing.others.is_empty() && !left => {
            steps.push(Removal::Application { name: app.clone() });
        }
        Some(true) => stays.push(format!(
            "the application {app} stays: it has other environments"
        )),
        Some(false) => stays.push(format!("the application {app} was not made here and stays")),
        None => {}
    }
    stays.push("the OIDC provider, buckets and secrets stay: others may use them".into());
    (Plan::new(steps), stays)
}

/// One removal.
#[derive(Debug, Clone)]
pub enum Removal {
    /// The environment is terminated.
    Environment {
        /// Its name.
        name: String,
        /// Whether that was begun already.
        begun: bool,
    },
    /// The instance profile.
    Profile {
        /// Its name.
        name: String,
        /// The roles in it.
        roles: Vec<String>,
    },
    /// A role with its policies.
    Role {
        /// Its name.
        name: String,
        /// What it holds.
        grants: SeenGrants,
    },
    /// A user with policies and keys.
    User {
        /// Its name.
        name: String,
        /// What it holds.
        grants: SeenGrants,
        /// The ids of its keys.
        keys: Vec<String>,
    },
    /// The application with its versions.
    Application {
        /// Its name.
        name: String,
    },
}

impl Step for Removal {
    type World = World;
    type Made = Vec<String>;

    fn change(&self) -> Change {
        let (kind, name, detail) = match self {
            Self::Environment { name, .. } => {
                let detail = "with its instances and its address".to_owned();
                ("environment", name, Some(detail))
            }
            Self::Profile { name, .. } => ("instance profile", name, None),
            Self::Role { name, .. } => ("IAM role", name, None),
            Self::User { name, keys, .. } => {
                let keys = (!keys.is_empty()).then(|| "with its access key".to_owned());
                ("IAM user", name, keys)
            }
            Self::Application { name } => {
                let detail = "with its versions; their bundles stay".to_owned();
                ("application", name, Some(detail))
            }
        };
        Change {
            verb: Verb::Delete,
            kind,
            name: name.clone(),
            detail,
        }
    }

    fn past(&self) -> String {
        match self {
            Self::Environment { name, .. } => format!("Terminated {name}"),
            Self::Profile { name, .. } => format!("Deleted the instance profile {name}"),
            Self::Role { name, .. } => format!("Deleted the role {name}"),
            Self::User { name, .. } => format!("Deleted the user {name}"),
            Self::Application { name } => format!("Deleted the application {name}"),
        }
    }

    async fn apply(&self, world: &World, done: &mut Vec<String>) -> Result<()> {
        let aws = &world.aws;
        match self {
            Self::Environment { name, begun } => terminate(world, name, *begun).await?,
            Self::Profile { name, roles } => profile(aws, name, roles).await?,
            Self::Role { name, grants } => {
                release(aws, &Holder::Role(name.clone()), grants).await?;
                let call = aws.iam.delete_role().role_name(name).send().await;
                apply::unless_gone(call.explain("iam", "DeleteRole"))?;
            }
            Self::User { name, grants, keys } => {
                for id in keys {
                    access_key::delete(aws, name, id).await?;
                }
                release(aws, &Holder::User(name.clone()), grants).await?;
                let call = aws.iam.delete_user().user_name(name).send().await;
                apply::unless_gone(call.explain("iam", "DeleteUser"))?;
            }
            Self::Application { name } => {
                let call = aws.eb.delete_application().application_name(name);
                let gone = call.send().await.explain(SERVICE, "DeleteApplication");
                match gone {
                    Err(error) if error.message().contains("No Application named") => {}
                    other => drop(other?),
                }
            }
        }
        done.push(self.past());
        Ok(())
    }
}

async fn profile(aws: &Aws, name: &str, roles: &[String]) -> Result<()> {
    for role in roles {
        let call = aws.iam.remove_role_from_instance_profile();
        let call = call.instance_profile_name(name).role_name(role).send();
        apply::unless_gone(call.await.explain("iam", "RemoveRoleFromInstanceProfile"))?;
    }
    let call = aws
        .iam
        .delete_instance_profile()
        .instance_profile_name(name);
    apply::unless_gone(call.send().await.explain("iam", "DeleteInstanceProfile"))
}

/// Takes away what a role or a user holds, which cannot be deleted before.
async fn release(aws: &Aws, holder: &Holder, grants: &SeenGrants) -> Result<()> {
    for arn in &grants.managed {
        apply::detach(aws, holder, arn).await?;
    }
    for policy in grants.inline.keys() {
        apply::delete(aws, holder, policy).await?;
    }
    Ok(())
}

/// Terminates an environment and follows it until it is gone.
async fn terminate(world: &World, name: &str, begun: bool) -> Result<()> {
    let past = events::read(&world.aws, name, None, 100).await;
    world.board.follow(name, &past.unwrap_or_default());
    if !begun {
        let call = world.aws.eb.terminate_environment().environment_name(name);
        let asked = call.send().await.explain(SERVICE, "TerminateEnvironment");
        match asked {
            Err(error) if error.message().contains("No Environment found") => return Ok(()),
            other => drop(other?),
        }
    }
    loop {
        let found = world.board.next(name, world.deadline).await;
        for event in world.board.take_news(name) {
            world.out.event(&event.told());
        }
        match found {
            Ok(None) => break,
            Ok(Some(seen)) if seen.is_ready() => {
                return Err(Error::new(
                    Kind::Deploy,
                    format!("{name} could not be terminated: it is Ready again"),
                )
                .hint(format!("read why with `beanship events --env {name}`")));
            }
            Err(error) if matches!(error.kind(), Kind::Denied | Kind::Credentials) => {
                return Err(error);
            }
            _ => {}
        }
        if Instant::now() >= world.deadline {
            return Err(Error::new(
                Kind::Timeout,
                format!("timed out: Elastic Beanstalk is still terminating {name}"),
            )
            .hint("run `beanship bootstrap --destroy` again: it goes on where it stopped"));
        }
        let text = format!("{name} is being terminated");
        world.out.event(&Event::Waiting(&text));
    }
    world.board.leave(name);
    tokio::time::sleep(PAUSE).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Target;

    #[test]
    fn only_what_bears_our_tags_goes() {
        let place = Place {
            account: "1".into(),
            region: "eu-west-1".into(),
            target: Target {
                app: "shop".into(),
                key: None,
                environment: "shop-prod".into(),
            },
            path: "/".into(),
            tags: Tags::new(),
        };
        let role = |tags: Tags| SeenRole {
            path: "/".into(),
            trust: serde_json::Value::Null,
            grants: SeenGrants {
                tags,
                ..SeenGrants::default()
            },
        };
        let environment = Environment::default();
        let planned = |standing: &Standing| {
            let (plan, stays) = plan(&place, standing);
            let lines = plan.changes().into_iter();
            let lines = lines.map(|it| format!("- {} {}", it.kind, it.name));
            lines.chain(stays).collect::<Vec<_>>().join("\n")
        };
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
        let cases = [alone, planned(&standing), planned(&Standing::default())];
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

        the OIDC provider, buckets and secrets stay: others may use them
        ");
    }
}
