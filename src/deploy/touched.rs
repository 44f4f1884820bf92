//! What a plan touches of an environment, and how that is said.

use super::DeployStep;
use crate::plan::Plan;

/// What changes about an environment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Touched {
    /// The version, perhaps with settings.
    #[default]
    Version,
    /// Settings alone.
    Settings,
    /// Nothing but that the application is restarted.
    Restart,
}

impl Touched {
    /// What a plan touches.
    #[must_use]
    pub fn by(plan: &Plan<DeployStep>) -> Self {
        let of = |step: &DeployStep| match step {
            DeployStep::Configure { .. } => Some(Self::Settings),
            DeployStep::Restart { .. } => Some(Self::Restart),
            _ => None,
        };
        plan.steps().iter().find_map(of).unwrap_or_default()
    }

    /// How the environment is once it is done.
    #[must_use]
    pub fn done(self, environment: &str, version: &str) -> String {
        match self {
            Self::Version => format!("{environment} runs {version}"),
            Self::Settings => format!("{environment} has its new settings"),
            Self::Restart => format!("{environment} was restarted"),
        }
    }

    /// What would be.
    #[must_use]
    pub fn planned(self, environment: &str, version: &str) -> String {
        match self {
            Self::Version => format!("{environment} would run {version}"),
            Self::Settings => format!("the settings of {environment} would change"),
            Self::Restart => format!("{environment} would be restarted"),
        }
    }

    /// What was begun.
    #[must_use]
    pub fn begun(self, environment: &str, version: &str) -> String {
        match self {
            Self::Version => format!("the update of {environment} to {version} was started"),
            Self::Settings => format!("the update of {environment}'s settings was started"),
            Self::Restart => format!("the restart of {environment} was started"),
        }
    }

    /// What it is called when it fails, where that is no deploy of a version.
    #[must_use]
    pub fn noun(self) -> Option<&'static str> {
        match self {
            Self::Version => None,
            Self::Settings => Some("update"),
            Self::Restart => Some("restart"),
        }
    }
}
