//! What stands behind an environment's address: whether something serves there, and which version.

use std::io;

use jiff::Timestamp;

use super::super::World;
use super::BOOKS;
use super::model::{Books, Environment, Status};

/// An environment as those who visit it find it.
pub(in super::super) struct Site {
    pub(in super::super) environment: String,
    pub(in super::super) label: Option<String>,
    pub(in super::super) state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum State {
    Serves,
    /// The proxy is there and the application is not.
    Down,
    /// There are no instances: not yet, or no longer.
    Gone,
}

/// The environment with this host name in any region, the living before the terminated. `NAME.localhost`, which browsers
/// take for this machine, is the environment of that name.
pub(in super::super) fn site(
    world: &World,
    host: &str,
    now: Timestamp,
) -> io::Result<Option<Site>> {
    world.store.update(BOOKS, |books: &mut Books| {
        let mut found = Vec::new();
        for (name, region) in books.iter_mut() {
            region.advance(now);
            let web = region
                .environments
                .iter()
                .filter(|environment| !environment.worker && answers_to(environment, name, host));
            found.extend(web);
        }
        found.sort_by_key(|environment| !environment.is_live());
        found.first().map(|environment| Site::of(environment))
    })
}

fn answers_to(environment: &Environment, region: &str, host: &str) -> bool {
    environment.cname(region).eq_ignore_ascii_case(host)
        || host
            .strip_suffix(".localhost")
            .is_some_and(|name| environment.name.eq_ignore_ascii_case(name))
}

impl Site {
    fn of(environment: &Environment) -> Self {
        let state = match environment.status {
            Status::Launching | Status::Terminating | Status::Terminated => State::Gone,
            _ if environment.health.status.color() == "Red" || environment.label.is_none() => {
                State::Down
            }
            _ => State::Serves,
        };
        Self {
            environment: environment.name.clone(),
            label: environment.label.clone(),
            state,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::environments::blank;
    use super::super::model::{Health, HealthStatus};
    use super::*;

    #[test]
    fn only_a_healthy_environment_with_a_version_serves() {
        let environment = |status: Status, label: Option<&str>, health: HealthStatus| {
            let mut environment = blank(
                "shop-env",
                "shop",
                "arn",
                "shop".into(),
                Timestamp::UNIX_EPOCH,
            );
            environment.status = status;
            environment.label = label.map(str::to_owned);
            environment.health = Health::of(health);
            Site::of(&environment).state
        };
        let v1 = Some("v1");
        for (status, label, health, expected) in [
            (Status::Ready, v1, HealthStatus::Ok, State::Serves),
            (Status::Ready, v1, HealthStatus::Warning, State::Serves),
            (Status::Updating, v1, HealthStatus::Info, State::Serves),
            (Status::Ready, v1, HealthStatus::Severe, State::Down),
            (Status::Ready, None, HealthStatus::Ok, State::Down),
            (Status::Launching, None, HealthStatus::Pending, State::Gone),
            (Status::Terminating, v1, HealthStatus::Ok, State::Gone),
            (Status::Terminated, v1, HealthStatus::Ok, State::Gone),
        ] {
            assert_eq!(
                environment(status, label, health),
                expected,
                "{status:?} {health:?}"
            );
        }
    }

    #[test]
    fn an_environment_has_two_names() {
        let environment = blank(
            "shop-env",
            "shop",
            "arn",
            "shop.eba-1".into(),
            Timestamp::UNIX_EPOCH,
        );
        for (host, expected) in [
            ("shop.eba-1.eu-west-1.elasticbeanstalk.com", true),
            ("shop.eba-1.eu-west-2.elasticbeanstalk.com", false),
            ("shop-env.localhost", true),
            ("shop-env", false),
        ] {
            assert_eq!(
                answers_to(&environment, "eu-west-1", host),
                expected,
                "{host}"
            );
        }
    }
}
