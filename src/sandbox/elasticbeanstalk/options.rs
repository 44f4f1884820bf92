//! The options that environments have: a modest but real part of the platform's table, with defaults, limits, and what a
//! change of each does.

pub(super) use super::option_table::CHOICES;
use super::option_table::{LISTENER, PROCESS};
use super::timeline::Reach;

/// Environment properties: the customer names them.
pub(super) const PROPERTIES: &str = "aws:elasticbeanstalk:application:environment";
/// Environment properties whose values are ARNs of secrets.
pub(super) const SECRETS: &str = "aws:elasticbeanstalk:application:environmentsecrets";

/// One option.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choice {
    pub(super) namespace: &'static str,
    pub(super) name: &'static str,
    /// Empty when there is no default.
    pub(super) default: &'static str,
    pub(super) rule: Rule,
    pub(super) reach: Reach,
}

/// What values an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    Text,
    List,
    Flag,
    Number(u32, u32),
    One(&'static [&'static str]),
}

/// The known option of this name. Processes and listeners have names of the customer's, and options like the default one's.
pub(super) fn find(namespace: &str, name: &str) -> Option<&'static Choice> {
    let namespace = if namespace.starts_with("aws:elasticbeanstalk:environment:process:") {
        PROCESS
    } else if namespace.starts_with("aws:elbv2:listener:") {
        LISTENER
    } else {
        namespace
    };
    CHOICES
        .iter()
        .find(|choice| choice.namespace == namespace && choice.name == name)
}

/// Whether the customer chooses the option names of a namespace.
pub(super) fn is_free(namespace: &str) -> bool {
    namespace == PROPERTIES
        || namespace == SECRETS
        || namespace.starts_with("aws:elbv2:listenerrule:")
}

impl Choice {
    /// `ChangeSeverity` of the API.
    pub(super) fn severity(&self) -> &'static str {
        match self.reach {
            Reach::Nothing => "NoInterruption",
            Reach::Instances => "RestartApplicationServer",
            Reach::Replacement => "RestartEnvironment",
        }
    }
}

impl Rule {
    /// What is wrong with a value; nothing is wrong with an empty one, which means the default.
    pub(super) fn complaint(self, value: &str) -> Option<String> {
        if value.is_empty() {
            return None;
        }
        match self {
            Self::Text | Self::List => None,
            Self::Flag if matches!(value, "true" | "false") => None,
            Self::Flag => Some("Valid values are: [true, false].".to_owned()),
            Self::One(values) if values.contains(&value) => None,
            Self::One(values) => Some(format!("Valid values are: [{}].", values.join(", "))),
            Self::Number(least, most) => match value.parse::<u32>() {
                Ok(number) if (least..=most).contains(&number) => None,
                _ => Some(format!(
                    "Value must be a number between {least} and {most}."
                )),
            },
        }
    }
}
