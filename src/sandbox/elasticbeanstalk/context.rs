//! What an operation works with, and the checks that many of them share.

use jiff::Timestamp;

use super::super::World;
use super::super::gateway::Call;
use super::super::query::{Failure, Parameters};
use super::model::{Application, Environment, Region, Status, Tags};
use super::timeline::Start;

pub(super) struct Context<'a> {
    pub(super) call: &'a Call,
    pub(super) world: &'a World,
    pub(super) region: &'a mut Region,
}

/// EB's answer to nearly everything that is wrong with a request.
pub(super) fn invalid(message: impl Into<String>) -> Failure {
    Failure::new("InvalidParameterValue", message)
}

impl<'a> Context<'a> {
    /// The parameters; they outlive any change to the books.
    pub(super) fn parameters(&self) -> &'a Parameters {
        &self.call.parameters
    }

    pub(super) fn now(&self) -> Timestamp {
        self.call.now
    }

    pub(super) fn start(&self) -> Start<'a> {
        Start {
            now: self.call.now,
            speed: self.world.faults.speed(),
            request_id: &self.call.request_id,
        }
    }

    pub(super) fn arn(&self, kind: &str, name: &str) -> String {
        arn(&self.call.region, &self.world.account.id, kind, name)
    }

    /// EB's own bucket of this region.
    pub(super) fn bucket(&self) -> String {
        format!(
            "elasticbeanstalk-{}-{}",
            self.call.region, self.world.account.id
        )
    }

    pub(super) fn application(&self, name: &str) -> Result<&Application, Failure> {
        self.region
            .applications
            .get(name)
            .ok_or_else(|| no_application(name))
    }

    pub(super) fn application_mut(&mut self, name: &str) -> Result<&mut Application, Failure> {
        self.region
            .applications
            .get_mut(name)
            .ok_or_else(|| no_application(name))
    }

    /// Where the environment that the call names by id or name stands in the books.
    pub(super) fn environment_index(&self) -> Result<usize, Failure> {
        self.named_environment("EnvironmentId", "EnvironmentName")
    }

    pub(super) fn named_environment(&self, id: &str, name: &str) -> Result<usize, Failure> {
        let parameters = self.parameters();
        let (wanted_id, wanted_name) = (parameters.text(id), parameters.text(name));
        if wanted_id.is_none() && wanted_name.is_none() {
            return Err(Failure::new(
                "MissingRequiredParameter",
                format!("You must specify either {id} or {name}."),
            ));
        }
        let application = parameters.text("ApplicationName");
        let found = self.region.environments.iter().position(|environment| {
            environment.is_live()
                && wanted_id.is_none_or(|id| environment.id == id)
                && wanted_name.is_none_or(|name| environment.name == name)
                && application.is_none_or(|name| environment.application == name)
        });
        // UNVERIFIED: the words.
        found.ok_or_else(|| match (wanted_id, wanted_name) {
            (Some(id), _) => invalid(format!("No Environment found for EnvironmentId = '{id}'.")),
            (None, name) => invalid(format!(
                "No Environment found for EnvironmentName = '{}'.",
                name.unwrap_or_default()
            )),
        })
    }

    /// The environment that the call names, which must have nothing to do.
    pub(super) fn ready_index(&self) -> Result<usize, Failure> {
        let index = self.environment_index()?;
        ready(&self.region.environments[index])?;
        Ok(index)
    }

    pub(super) fn tags(&self) -> Result<Tags, Failure> {
        read_tags(self.parameters(), "Tags")
    }

    /// `Description`, at most 200 characters.
    pub(super) fn description(&self) -> Result<Option<String>, Failure> {
        optional_length(self.parameters(), "Description", 0, 200)
    }

    /// How the bundle and the ordered trouble let a deployment to `environment` end.
    pub(super) fn ordered(
        &self,
        environment: &str,
    ) -> Result<Option<super::super::faults::Outcome>, Failure> {
        Ok(self.world.faults.deployment(environment)?)
    }
}

pub(super) fn arn(region: &str, account: &str, kind: &str, name: &str) -> String {
    format!("arn:aws:elasticbeanstalk:{region}:{account}:{kind}/{name}")
}

pub(super) fn ready(environment: &Environment) -> Result<(), Failure> {
    if environment.status == Status::Ready {
        return Ok(());
    }
    Err(invalid(format!(
        "Environment named {} is in an invalid state for this operation. Must be Ready.",
        environment.name
    )))
}

fn no_application(name: &str) -> Failure {
    invalid(format!("No Application named '{name}' found."))
}

/// A required text within AWS's bounds.
pub(super) fn length<'p>(
    parameters: &'p Parameters,
    name: &str,
    least: usize,
    most: usize,
) -> Result<&'p str, Failure> {
    let text = parameters.required(name)?;
    bounded(text, name, least, most)?;
    Ok(text)
}

pub(super) fn optional_length(
    parameters: &Parameters,
    name: &str,
    least: usize,
    most: usize,
) -> Result<Option<String>, Failure> {
    let Some(text) = parameters.text(name) else {
        return Ok(None);
    };
    bounded(text, name, least, most)?;
    Ok(Some(text.to_owned()))
}

fn bounded(text: &str, name: &str, least: usize, most: usize) -> Result<(), Failure> {
    let count = text.chars().count();
    let bound = if count < least {
        format!("greater than or equal to {least}")
    } else if count > most {
        format!("less than or equal to {most}")
    } else {
        return Ok(());
    };
    Err(Failure::constraint(
        Some(text),
        name,
        &format!("Member must have length {bound}"),
    ))
}

/// Tags of a call: keys of 1 to 128 characters that do not begin like AWS's own.
pub(super) fn read_tags(parameters: &Parameters, list: &str) -> Result<Tags, Failure> {
    let mut tags = Tags::new();
    for item in parameters.items(list) {
        let key = length(&item, "Key", 1, 128)?;
        let value = optional_length(&item, "Value", 0, 256)?.unwrap_or_default();
        if key.starts_with("aws:") || key.starts_with("elasticbeanstalk:") {
            return Err(invalid(format!("Tag key '{key}' uses a reserved prefix.")));
        }
        tags.insert(key.to_owned(), value);
    }
    if tags.len() > 50 {
        return Err(Failure::new(
            "TooManyTagsException",
            "The number of tags would exceed the per-resource tag quota of 50.",
        ));
    }
    Ok(tags)
}
