//! The platforms that are on offer: Docker and ECS on Amazon Linux, with their branches and versions.

use super::super::query::{Failure, Parameters};
use super::super::xml::Xml;
use super::context::{Context, invalid};
use super::filters::{filters, holds};

/// One version of a platform branch.
#[derive(Debug, Clone, Copy)]
struct Platform {
    branch: &'static str,
    version: &'static str,
    recommended: bool,
    /// The day of its release. UNVERIFIED: made up, but in order.
    released: &'static str,
}

/// Newest first within a branch. Versions other than the newest are those that existing environments may still run.
const PLATFORMS: [Platform; 7] = [
    Platform {
        branch: DOCKER,
        version: "4.13.1",
        recommended: true,
        released: "2026-06-09",
    },
    Platform {
        branch: DOCKER,
        version: "4.13.0",
        recommended: false,
        released: "2026-05-12",
    },
    Platform {
        branch: DOCKER,
        version: "4.9.1",
        recommended: false,
        released: "2026-02-10",
    },
    Platform {
        branch: "Docker running on 64bit Amazon Linux 2",
        version: "3.8.6",
        recommended: true,
        released: "2026-06-09",
    },
    Platform {
        branch: "Docker running on 64bit Amazon Linux 2",
        version: "3.8.5",
        recommended: false,
        released: "2026-05-12",
    },
    Platform {
        branch: "ECS running on 64bit Amazon Linux 2023",
        version: "4.0.0",
        recommended: true,
        released: "2026-06-09",
    },
    Platform {
        branch: "ECS running on 64bit Amazon Linux 2",
        version: "3.7.6",
        recommended: true,
        released: "2026-06-09",
    },
];

/// Old versions of the Docker branch that environments may still run, with their dates. UNVERIFIED: as above.
const RETIRED: [(&str, &str); 3] = [
    ("4.7.0", "2025-09-09"),
    ("4.5.0", "2025-04-08"),
    ("4.1.0", "2023-10-10"),
];

/// Since when environment properties may name secrets, and keys of secrets (facts 5.2).
pub(super) const SECRETS_SINCE: &str = "2025-03-26";
pub(super) const KEYS_SINCE: &str = "2026-01-13";

/// The day on which the platform version of an ARN was released; an unknown one is new.
pub(super) fn released(arn: &str) -> &'static str {
    let name = arn.split_once("platform/").map_or(arn, |(_, name)| name);
    let (branch, version) = name.rsplit_once('/').unwrap_or((name, ""));
    let offered = PLATFORMS
        .iter()
        .find(|platform| platform.branch == branch && platform.version == version)
        .map(|platform| platform.released);
    let retired = || RETIRED.iter().find(|(retired, _)| *retired == version);
    offered
        .or_else(|| retired().map(|(_, date)| *date))
        .unwrap_or("2026-06-09")
}

/// The branch of an environment for which nothing else is said.
pub(super) const DOCKER: &str = "Docker running on 64bit Amazon Linux 2023";

impl Platform {
    fn arn(self, region: &str) -> String {
        format!(
            "arn:aws:elasticbeanstalk:{region}::platform/{}/{}",
            self.branch, self.version
        )
    }

    fn stack(self) -> String {
        stack_name(self.branch, self.version)
    }

    fn system(self) -> &'static str {
        self.branch
            .split_once(" running on ")
            .map_or(self.branch, |(_, system)| system)
    }

    fn software(self) -> &'static str {
        self.branch
            .split_once(" running on ")
            .map_or(self.branch, |(software, _)| software)
    }
}

/// `64bit Amazon Linux 2023 v4.13.1 running Docker`.
fn stack_name(branch: &str, version: &str) -> String {
    let (software, system) = branch.split_once(" running on ").unwrap_or((branch, ""));
    format!("{system} v{version} running {software}")
}

/// The solution stack of a platform version's ARN.
pub(super) fn stack_of(arn: &str) -> String {
    let mut parts = arn.rsplit('/');
    let version = parts.next().unwrap_or_default();
    stack_name(parts.next().unwrap_or_default(), version)
}

/// Whether environments of this platform run the customer's compose file or Dockerfile.
pub(super) fn is_docker(arn: &str) -> bool {
    arn.contains("/Docker running on ")
}

/// The version that a solution stack name, a branch name, or the ARN of a branch or version means.
pub(super) fn resolve(text: &str, region: &str) -> Option<String> {
    let name = text.split_once("platform/").map_or(text, |(_, name)| name);
    let (branch, version) = match name.rsplit_once('/') {
        Some((branch, version)) => (branch, Some(version)),
        None => (name, None),
    };
    let found = PLATFORMS.iter().find(|platform| {
        platform.stack() == text
            || (platform.branch == branch
                && version.is_none_or(|version| version == platform.version))
    });
    found.map(|platform| platform.arn(region))
}

/// Like [`resolve`], for environments that already exist: those keep running versions that are no longer on offer.
pub(super) fn existing(text: &str, region: &str) -> Option<String> {
    let retired = || {
        let (system, rest) = text.split_once(" v")?;
        let (version, software) = rest.split_once(" running ")?;
        let branch = format!("{software} running on {system}");
        PLATFORMS
            .iter()
            .any(|platform| platform.branch == branch)
            .then_some(())?;
        Some(format!(
            "arn:aws:elasticbeanstalk:{region}::platform/{branch}/{version}"
        ))
    };
    resolve(text, region).or_else(retired)
}

/// What a call says about the platform; an unknown one is refused.
pub(super) fn asked(parameters: &Parameters, region: &str) -> Result<Option<String>, Failure> {
    match (
        parameters.text("SolutionStackName"),
        parameters.text("PlatformArn"),
    ) {
        (Some(_), Some(_)) => {
            let message = "SolutionStackName and PlatformArn can not be specified together.";
            Err(Failure::new("InvalidParameterCombination", message))
        }
        (Some(stack), None) => resolve(stack, region)
            .map(Some)
            .ok_or_else(|| invalid(format!("No Solution Stack named '{stack}' found."))),
        (None, Some(arn)) => resolve(arn, region)
            .map(Some)
            .ok_or_else(|| invalid(format!("No Platform named '{arn}' found."))),
        (None, None) => Ok(None),
    }
}

pub(super) fn stacks(_: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let offered = || PLATFORMS.iter().filter(|platform| platform.recommended);
    xml.texts("SolutionStacks", offered().map(|platform| platform.stack()));
    xml.list("SolutionStackDetails", offered(), |xml, platform| {
        xml.text("SolutionStackName", platform.stack());
        xml.texts("PermittedFileTypes", ["zip"]);
    });
    Ok(())
}

pub(super) fn branches(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let filters = filters(cx.parameters(), "Attribute")?;
    let offered = PLATFORMS.iter().filter(|platform| platform.recommended);
    let found = offered.filter(|platform| {
        holds(&filters, |attribute| match attribute {
            "BranchName" => Some(vec![platform.branch]),
            "LifecycleState" => Some(vec!["supported"]),
            "PlatformName" => Some(vec![platform.software()]),
            "TierType" => Some(vec!["WebServer/Standard", "Worker/SQS/HTTP"]),
            _ => None,
        })
    });
    xml.list(
        "PlatformBranchSummaryList",
        found.enumerate(),
        |xml, (index, platform)| {
            xml.text("PlatformName", platform.software());
            xml.text("BranchName", platform.branch);
            xml.text("LifecycleState", "Supported");
            xml.text("BranchOrder", 100 - index);
            xml.texts(
                "SupportedTierList",
                ["WebServer/Standard", "Worker/SQS/HTTP"],
            );
        },
    );
    Ok(())
}

pub(super) fn versions(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let filters = filters(cx.parameters(), "Type")?;
    let region = &cx.call.region;
    let found = PLATFORMS.iter().filter(|platform| {
        holds(&filters, |attribute| match attribute {
            "PlatformName" => Some(vec![platform.branch]),
            "PlatformVersion" => Some(vec![platform.version]),
            "PlatformStatus" => Some(vec!["Ready"]),
            "PlatformBranchName" => Some(vec![platform.branch]),
            "PlatformLifecycleState" => Some(if platform.recommended {
                vec!["recommended"]
            } else {
                vec![""]
            }),
            "PlatformOwner" => Some(vec!["AWSElasticBeanstalk"]),
            "SupportedTier" => Some(vec!["WebServer/Standard", "Worker/SQS/HTTP"]),
            "ProgrammingLanguageName" => Some(vec![platform.software()]),
            "OperatingSystemName" => Some(vec!["Amazon Linux"]),
            "SupportedAddon" => Some(vec!["Log/S3", "Monitoring/Healthd"]),
            _ => None,
        })
    });
    xml.list("PlatformSummaryList", found, |xml, platform| {
        summary(xml, *platform, region);
        xml.maybe(
            "PlatformLifecycleState",
            platform.recommended.then_some("Recommended"),
        );
        xml.text("PlatformVersion", platform.version);
        xml.text("PlatformBranchName", platform.branch);
        xml.text("PlatformBranchLifecycleState", "Supported");
    });
    Ok(())
}

pub(super) fn describe(cx: &mut Context<'_>, xml: &mut Xml) -> Result<(), Failure> {
    let arn = cx.parameters().required("PlatformArn")?;
    let region = &cx.call.region;
    let wanted = resolve(arn, region);
    let found = PLATFORMS.iter().find(|platform| {
        wanted
            .as_ref()
            .is_some_and(|wanted| *wanted == platform.arn(region))
    });
    let retired = || {
        let (_, version) = arn.rsplit_once('/')?;
        let known = RETIRED.iter().find(|(retired, _)| *retired == version)?;
        is_docker(arn).then_some(Platform {
            branch: DOCKER,
            version: known.0,
            recommended: false,
            released: known.1,
        })
    };
    let platform = found
        .copied()
        .or_else(retired)
        .ok_or_else(|| invalid(format!("No Platform named '{arn}' found.")))?;
    xml.group("PlatformDescription", |xml| {
        summary(xml, platform, region);
        xml.text("PlatformName", platform.branch);
        xml.text("PlatformVersion", platform.version);
        xml.text("SolutionStackName", platform.stack());
        xml.text(
            "DateCreated",
            format!("{}T12:00:00.000Z", platform.released),
        );
        xml.text(
            "Description",
            format!("{} on {}", platform.software(), platform.system()),
        );
        xml.text("PlatformBranchName", platform.branch);
        xml.text("PlatformBranchLifecycleState", "Supported");
        xml.maybe(
            "PlatformLifecycleState",
            platform.recommended.then_some("Recommended"),
        );
    });
    Ok(())
}

fn summary(xml: &mut Xml, platform: Platform, region: &str) {
    xml.text("PlatformArn", platform.arn(region));
    xml.text("PlatformOwner", "AWSElasticBeanstalk");
    xml.text("PlatformStatus", "Ready");
    xml.text("PlatformCategory", platform.software());
    xml.text("OperatingSystemName", "Amazon Linux");
    xml.text(
        "OperatingSystemVersion",
        platform.system().rsplit(' ').next().unwrap_or_default(),
    );
    xml.texts(
        "SupportedTierList",
        ["WebServer/Standard", "Worker/SQS/HTTP"],
    );
    xml.texts("SupportedAddonList", ["Log/S3", "Monitoring/Healthd"]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_platform_lead_to_its_version() {
        let newest = "arn:aws:elasticbeanstalk:eu-west-1::platform/Docker running on 64bit Amazon Linux 2023/4.13.1";
        for text in [
            "Docker running on 64bit Amazon Linux 2023",
            "64bit Amazon Linux 2023 v4.13.1 running Docker",
            "arn:aws:elasticbeanstalk:::platform/Docker running on 64bit Amazon Linux 2023",
            newest,
        ] {
            assert_eq!(
                resolve(text, "eu-west-1").as_deref(),
                Some(newest),
                "{text}"
            );
        }
        assert_eq!(
            resolve("64bit Amazon Linux 2023 v1.0.0 running Docker", "eu-west-1"),
            None
        );
        assert_eq!(
            stack_of(newest),
            "64bit Amazon Linux 2023 v4.13.1 running Docker"
        );
    }

    #[test]
    fn an_environment_may_run_a_version_that_is_no_longer_on_offer() {
        let retired = existing("64bit Amazon Linux 2023 v4.1.0 running Docker", "eu-west-1");
        let stack = retired.as_deref().map(stack_of);
        assert_eq!(
            stack.as_deref(),
            Some("64bit Amazon Linux 2023 v4.1.0 running Docker")
        );
        assert_eq!(
            existing("64bit Windows Server v1 running IIS", "eu-west-1"),
            None
        );
    }
}
