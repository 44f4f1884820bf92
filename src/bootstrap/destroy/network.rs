//! Security groups that were made, and what has to let go of them first. Groups are found by
//! their tags, in whichever VPC they are.

use super::Removal;
use crate::aws::Aws;
use crate::aws::ec2::{self, Peer, Permission, SecurityGroup};
use crate::aws::rds;
use crate::bootstrap::application::LAUNCH;
use crate::bootstrap::database::{DATABASE, id};
use crate::bootstrap::names::{self, Place};
use crate::bootstrap::network::group::{self, GroupRef};
use crate::bootstrap::network::{is_declared, list};
use crate::config::EnvironmentConfig;
use crate::deploy::configuration::{Configuration, SECURITY_GROUPS};
use crate::error::{Kind, Result};
use crate::properties::{Options, SetOption, Value, options};

/// What stands of the network.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// The groups that we made.
    pub groups: Vec<SecurityGroup>,
    /// The groups that let one of ours in.
    pub letting_in: Vec<SecurityGroup>,
    /// The options of an environment that stays.
    pub staying: Option<Configuration>,
    /// Databases of others that have a group of ours: their names, and the ids of their other
    /// groups.
    pub admitting: Vec<(String, Vec<String>)>,
    /// Why nothing could be seen, in words.
    pub unseen: Option<String>,
}

/// Looks at what stands. Who may not look and never asked for a network is told so.
///
/// # Errors
/// What AWS says.
pub(super) async fn look(
    aws: &Aws,
    place: &Place,
    declared: &EnvironmentConfig,
) -> Result<Standing> {
    let target = &place.target;
    let (app, environment) = (
        format!("tag:{}", names::APP),
        format!("tag:{}", names::ENVIRONMENT),
    );
    let by: [(&str, &[&str]); 2] = [
        (&app, &[&target.app]),
        (&environment, &[&target.environment]),
    ];
    let groups = match ec2::security_groups(aws, &by).await {
        Err(error) if error.kind() == Kind::Denied && !is_declared(declared) => {
            let unseen = format!("whether security groups were made cannot be seen: {error}");
            return Ok(Standing {
                unseen: Some(unseen),
                ..Standing::default()
            });
        }
        other => other?,
    };
    let ids: Vec<&str> = groups.iter().map(|it| it.id.as_str()).collect();
    let letting_in = match ids.is_empty() {
        true => Vec::new(),
        false => ec2::security_groups(aws, &[("ip-permission.group-id", &ids)]).await?,
    };
    let (admitting, unseen) = match admitting(aws, place, &groups).await {
        Err(error) if error.kind() == Kind::Denied => {
            let unseen = format!("whether other databases let it in cannot be seen: {error}");
            (Vec::new(), Some(unseen))
        }
        found => (found?, None),
    };
    Ok(Standing {
        admitting,
        groups,
        letting_in,
        unseen,
        ..Standing::default()
    })
}

/// The databases besides our own that have our group and others, whatever the project file says by
/// now.
async fn admitting(
    aws: &Aws,
    place: &Place,
    groups: &[SecurityGroup],
) -> Result<Vec<(String, Vec<String>)>> {
    let name = place.group(DATABASE);
    let Some(ours) = groups.iter().find(|it| it.name == name) else {
        return Ok(Vec::new());
    };
    let own = id(&place.target.environment);
    let all = rds::instances(aws).await?;
    let with_others = |seen: &rds::Instance| {
        let (ours, others): (Vec<&str>, Vec<&str>) = seen.groups().partition(|it| *it == ours.id);
        let others: Vec<String> = others.into_iter().map(str::to_owned).collect();
        (!ours.is_empty() && !others.is_empty()).then(|| (seen.id.clone(), others))
    };
    let all = all.iter().filter(|it| it.id != own);
    Ok(all.filter_map(with_others).collect())
}

/// What is taken away: first what holds the groups, then they themselves.
pub(super) fn plan(place: &Place, standing: &Standing) -> Vec<Removal> {
    let groups = &standing.groups;
    let mut steps: Vec<Removal> = standing
        .staying
        .iter()
        .filter_map(|it| detached(place, it, groups))
        .collect();
    steps.extend(standing.admitting.iter().map(|(id, others)| {
        let group = place.group(DATABASE);
        Removal::Expel {
            instance: id.clone(),
            others: others.clone(),
            group,
        }
    }));
    let ours = |permission: &Permission| match &permission.peer {
        Peer::Group(id) => groups.iter().find(|it| it.id == *id),
        _ => None,
    };
    for seen in &standing.letting_in {
        for permission in seen.permissions() {
            if let Some(from) = ours(&permission) {
                let words = group::words(&permission).replace(&from.id, &from.name);
                steps.push(Removal::Rule {
                    group: seen.into(),
                    permission,
                    words,
                });
            }
        }
    }
    steps.extend(groups.iter().map(|it| Removal::Group(GroupRef::from(it))));
    steps
}

/// The options of an environment without our groups, where it has one of them.
fn detached(place: &Place, seen: &Configuration, groups: &[SecurityGroup]) -> Option<Removal> {
    let value = seen.value(LAUNCH, SECURITY_GROUPS)?;
    let is = |it: &str, group: &SecurityGroup| group.id == it || group.name == it;
    let own = groups
        .iter()
        .find(|own| list(value).any(|it| is(it, own)))?;
    let others: Vec<&str> = list(value)
        .filter(|it| !groups.iter().any(|own| is(it, own)))
        .collect();
    let mut left = Options::default();
    match others.is_empty() {
        // UNVERIFIED: that an option outside the user's own namespaces can be removed.
        true => left.remove.push(options::Removal {
            namespace: LAUNCH.to_owned(),
            name: SECURITY_GROUPS.to_owned(),
            moves: false,
        }),
        false => left.set.push(SetOption::setting(
            LAUNCH,
            SECURITY_GROUPS,
            Value::new(others.join(",")),
            Some(value),
        )),
    }
    Some(Removal::Detach {
        environment: place.target.environment.clone(),
        options: left,
        group: own.name.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bootstrap::names::sample;
    use crate::deploy::configuration::OptionSetting;
    use crate::plan::Step;

    fn group(id: &str, name: &str, peers: &[&str]) -> SecurityGroup {
        let rules = peers
            .iter()
            .map(|it| format!("<item><groupId>{it}</groupId></item>"));
        let rules = rules.collect::<String>();
        let xml = format!(
            "<item><groupId>{id}</groupId><groupName>{name}</groupName><vpcId>vpc-1</vpcId><ipPermissions><item><ipProtocol>tcp</ipProtocol><fromPort>3306</fromPort><toPort>3306</toPort><groups>{rules}</groups></item></ipPermissions></item>"
        );
        quick_xml::de::from_str(&xml).expect("a group")
    }

    #[test]
    fn what_holds_a_group_lets_go_of_it_first() {
        let place = sample();
        let planned = |attached: Option<&str>| {
            let staying = attached.map(|value| {
                Configuration::new(vec![OptionSetting {
                    namespace: LAUNCH.into(),
                    name: SECURITY_GROUPS.into(),
                    value: Some(value.into()),
                }])
            });
            let standing = Standing {
                groups: vec![group("sg-app", "shop-prod-app", &[])],
                letting_in: vec![group("sg-db", "theirs", &["sg-app", "sg-other"])],
                staying,
                admitting: attached
                    .map(|_| ("theirs".into(), vec!["sg-db".into()]))
                    .into_iter()
                    .collect(),
                unseen: None,
            };
            let steps = plan(&place, &standing);
            let lines = steps.iter().map(|step| {
                let change = step.change();
                let sent = match step {
                    Removal::Detach { options, .. } => match options.set.first() {
                        Some(set) => format!(" = {}", set.value.expose()),
                        None => format!(" without {}", options.remove[0].name),
                    },
                    _ => String::new(),
                };
                let detail = change.detail.unwrap_or_default();
                format!("- {} {} ({detail}){sent}", change.kind, change.name)
            });
            lines.collect::<Vec<_>>().join("\n")
        };
        let cases = [
            planned(None),
            planned(Some("sg-1,sg-app")),
            planned(Some("shop-prod-app")),
            planned(Some("sg-1")),
        ];
        insta::assert_snapshot!(cases.join("\n---\n"), @"
        - rule theirs (allows mysql (3306) from shop-prod-app)
        - security group shop-prod-app ()
        ---
        - security groups shop-prod (no longer has shop-prod-app; replaces the instances) = sg-1
        - security groups theirs (no longer has shop-prod-database; its others stay)
        - rule theirs (allows mysql (3306) from shop-prod-app)
        - security group shop-prod-app ()
        ---
        - security groups shop-prod (no longer has shop-prod-app; replaces the instances) without SecurityGroups
        - security groups theirs (no longer has shop-prod-database; its others stay)
        - rule theirs (allows mysql (3306) from shop-prod-app)
        - security group shop-prod-app ()
        ---
        - security groups theirs (no longer has shop-prod-database; its others stay)
        - rule theirs (allows mysql (3306) from shop-prod-app)
        - security group shop-prod-app ()
        ");
    }
}
