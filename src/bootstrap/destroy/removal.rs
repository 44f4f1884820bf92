//! The removals, and how each is made. What is gone already is no error.

use std::time::Instant;

use super::database;
use crate::aws::Aws;
use crate::aws::ec2::{self, Permission};
use crate::aws::error::Explain;
use crate::aws::rds;
use crate::bootstrap::access_key;
use crate::bootstrap::apply;
use crate::bootstrap::grants::{Holder, SeenGrants};
use crate::bootstrap::network::group::GroupRef;
use crate::bootstrap::pace;
use crate::bootstrap::registry::Object;
use crate::deploy::environment::{self, SERVICE};
use crate::deploy::{World, events, wait_until_ready};
use crate::error::{Error, Kind, Result};
use crate::output::Event;
use crate::plan::{Change, Step, Verb};
use crate::properties::Options;

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
    /// An environment that stays no longer has our operations role.
    Disassociate {
        /// The environment.
        environment: String,
        /// The role.
        role: String,
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
    /// What the environment's instances have of ours: a security group.
    Detach {
        /// The environment.
        environment: String,
        /// Its options without the group.
        options: Options,
        /// The group's name.
        group: String,
    },
    /// What a database of others has of ours: a security group.
    Expel {
        /// Its name.
        instance: String,
        /// The ids of its other groups.
        others: Vec<String>,
        /// The group's name.
        group: String,
    },
    /// What a security group lets in of ours.
    Rule {
        /// The group.
        group: GroupRef,
        /// What it lets in.
        permission: Permission,
        /// The same in words.
        words: String,
    },
    /// A security group.
    Group(GroupRef),
    /// The database, after a last snapshot.
    Database {
        /// Its name.
        id: String,
        /// Whether it is protected from that.
        protected: bool,
        /// Whether that was begun already.
        begun: bool,
        /// The snapshot's name.
        snapshot: String,
    },
    /// The subnet group of the database.
    Subnets {
        /// Its name.
        name: String,
    },
    /// The login at a private registry.
    Login(Object),
    /// The application with its versions.
    Application {
        /// Its name.
        name: String,
    },
}

impl Removal {
    /// Whether it is that of the security group of this name.
    pub(super) fn is_group(&self, name: &str) -> bool {
        matches!(self, Self::Group(group) if group.name == name)
    }
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
            Self::Disassociate { environment, role } => {
                let detail = format!("Elastic Beanstalk no longer updates it with the role {role}");
                ("operations role", environment, Some(detail))
            }
            Self::Profile { name, .. } => ("instance profile", name, None),
            Self::Role { name, .. } => ("IAM role", name, None),
            Self::User { name, keys, .. } => {
                let keys = (!keys.is_empty()).then(|| "with its access key".to_owned());
                ("IAM user", name, keys)
            }
            Self::Detach {
                environment, group, ..
            } => {
                let detail = format!("no longer has {group}; replaces the instances");
                ("security groups", environment, Some(detail))
            }
            Self::Expel {
                instance, group, ..
            } => {
                let detail = format!("no longer has {group}; its others stay");
                ("security groups", instance, Some(detail))
            }
            Self::Rule { group, words, .. } => {
                ("rule", &group.name, Some(format!("allows {words}")))
            }
            Self::Group(group) => ("security group", &group.name, None),
            Self::Login(object) => ("login object", &object.name(), None),
            Self::Database {
                id,
                begun,
                snapshot,
                ..
            } => {
                let detail = match begun {
                    true => "is being deleted".to_owned(),
                    false => {
                        format!("with its backups; the snapshot {snapshot} stays, and costs money")
                    }
                };
                ("database", id, Some(detail))
            }
            Self::Subnets { name } => ("subnet group", name, None),
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
            Self::Disassociate { environment, role } => {
                format!("Took the role {role} from {environment}")
            }
            Self::Profile { name, .. } => format!("Deleted the instance profile {name}"),
            Self::Role { name, .. } => format!("Deleted the role {name}"),
            Self::User { name, .. } => format!("Deleted the user {name}"),
            Self::Detach {
                environment, group, ..
            } => format!("Took {group} from {environment}"),
            Self::Expel {
                instance, group, ..
            } => format!("Took {group} from {instance}"),
            Self::Rule { group, words, .. } => format!("Took {words} out of {}", group.name),
            Self::Group(group) => format!("Deleted the security group {}", group.name),
            Self::Database { id, .. } => format!("Deleted the database {id}"),
            Self::Subnets { name } => format!("Deleted the subnet group {name}"),
            Self::Login(object) => format!("Deleted {}", object.name()),
            Self::Application { name } => format!("Deleted the application {name}"),
        }
    }

    async fn apply(&self, world: &World, done: &mut Vec<String>) -> Result<()> {
        let aws = &world.aws;
        match self {
            Self::Environment { name, begun } => terminate(world, name, *begun).await?,
            Self::Disassociate { environment, .. } => {
                let call = aws.eb.disassociate_environment_operations_role();
                let done = call.environment_name(environment).send().await;
                done.explain(SERVICE, "DisassociateEnvironmentOperationsRole")?;
            }
            Self::Profile { name, roles } => profile(aws, name, roles).await?,
            Self::Role { name, grants } => role(aws, name, grants).await?,
            Self::User { name, grants, keys } => {
                for id in keys {
                    access_key::delete(aws, name, id).await?;
                }
                release(aws, &Holder::User(name.clone()), grants).await?;
                let call = aws.iam.delete_user().user_name(name).send().await;
                apply::unless_gone(call.explain("iam", "DeleteUser"))?;
            }
            Self::Detach {
                environment,
                options,
                ..
            } => detach(world, environment, options).await?,
            Self::Expel {
                instance, others, ..
            } => apply::regroup(aws, instance, others).await?,
            Self::Rule {
                group, permission, ..
            } => ec2::revoke(aws, group.id_or_name(), permission).await?,
            Self::Group(group) => delete_group(world, group).await?,
            Self::Login(object) => object.delete(aws).await?,
            Self::Database {
                id, begun: true, ..
            } => apply::until_gone(world, id).await?,
            Self::Database {
                id,
                protected,
                snapshot,
                ..
            } => database::delete(world, id, *protected, snapshot).await?,
            Self::Subnets { name } => rds::delete_subnet_group(aws, name).await?,
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

async fn role(aws: &Aws, name: &str, grants: &SeenGrants) -> Result<()> {
    release(aws, &Holder::Role(name.to_owned()), grants).await?;
    // Where it was taken out of use only just now, it may still count as used.
    let used = |error: &Error| error.code() == Some("DeleteConflict");
    apply::while_it(aws, used, || async {
        let call = aws.iam.delete_role().role_name(name).send().await;
        apply::unless_gone(call.explain("iam", "DeleteRole"))
    })
    .await
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
    Ok(())
}

/// Takes something from an environment, and waits until it is Ready again.
async fn detach(world: &World, name: &str, options: &Options) -> Result<()> {
    let past = events::read(&world.aws, name, None, 100).await;
    world.board.follow(name, &past.unwrap_or_default());
    environment::update(&world.aws, name, None, options).await?;
    wait_until_ready(world, name).await?;
    world.board.leave(name);
    Ok(())
}

/// Deletes a security group. Instances that were just terminated may still hold it.
async fn delete_group(world: &World, group: &GroupRef) -> Result<()> {
    let (id, end) = (group.id_or_name(), Instant::now() + pace::RELEASED);
    let end = end.min(world.deadline);
    loop {
        let error = match ec2::delete_security_group(&world.aws, id).await {
            Err(error) if error.code() == Some("DependencyViolation") => error,
            other => return other,
        };
        let pause = pace::slow(&world.aws);
        if Instant::now() + pause > end {
            let what = format!(
                "the security group {} ({id}) cannot be deleted: something still uses it",
                group.name
            );
            let fault = error.aws().cloned().unwrap_or_default();
            return Err(Error::new(Kind::Aws, what).fault(fault).hint(format!(
                "see what with `aws ec2 describe-network-interfaces --filters Name=group-id,Values={id}`, and run `beanship bootstrap --destroy` again"
            )));
        }
        let text = format!("{} is still in use", group.name);
        world.out.event(&Event::Waiting(&text));
        tokio::time::sleep(pause).await;
    }
}
