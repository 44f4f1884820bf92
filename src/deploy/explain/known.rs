//! Known causes of failed deploys: a row each, with the words that tell it and what helps. Each
//! row has a test with what it looks like.

use super::advice::{grant, hook, permission, profile_role, setting};

/// Words of a text, all of them, that tell a cause.
pub(super) type Words = &'static [&'static str];

pub(super) struct Known {
    pub(super) name: &'static str,
    /// Any of these; in lower case.
    pub(super) signs: &'static [Words],
    /// Exit codes of containers and commands.
    pub(super) codes: &'static [u32],
    pub(super) what: &'static str,
    pub(super) hint: fn(&Found<'_>) -> String,
}

/// Where a cause was found.
pub(super) struct Found<'a> {
    pub(super) line: &'a str,
    pub(super) environment: &'a str,
}

/// Specific ones first: a line tells the first row that it fits.
pub(super) static KNOWN: [Known; 26] = [
    Known {
        name: "image_rate_limit",
        signs: &[&["toomanyrequests"], &["pull rate limit"]],
        codes: &[],
        what: "the registry limits how often images are pulled without login",
        hint: |_| {
            "log in before the pull, in a script in `.platform/hooks/prebuild` and `.platform/confighooks/prebuild`: `echo $PASSWORD | docker login -u $USER --password-stdin`; or copy the image to a registry of yours".into()
        },
    },
    Known {
        name: "permission_missing",
        signs: &[
            &["not authorized to perform"],
            &["you do not have permission to perform"],
        ],
        codes: &[],
        what: "a permission is missing",
        hint: permission,
    },
    Known {
        name: "image_pull_denied",
        signs: &[
            &["pull access denied"],
            &["requested access to the resource is denied"],
            &["no basic auth credentials"],
            &["unauthorized", "authentication required"],
            &["unauthorized: incorrect username or password"],
            &["failed to download authentication credentials"],
            &["pull", "403 forbidden"],
        ],
        codes: &[],
        what: "the registry does not let the instance pull an image",
        hint: |found| {
            if found.line.contains(".dkr.ecr.") || found.line.contains("no basic auth") {
                format!(
                    "let the instances read from ECR: `aws iam attach-role-policy --role-name {} --policy-arn arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly`",
                    profile_role(found)
                )
            } else {
                "check the image's name with `docker compose config --images`; for a private image log in, in a script in `.platform/hooks/prebuild`".into()
            }
        },
    },
    Known {
        name: "image_missing",
        signs: &[
            &["manifest unknown"],
            &["manifest for", "not found"],
            &["name unknown"],
            &["failed to resolve reference", "not found"],
            &["failed to resolve source metadata", "not found"],
        ],
        codes: &[],
        what: "an image or its tag does not exist",
        hint: |_| "check names and tags: `docker compose pull`".into(),
    },
    Known {
        name: "image_other_architecture",
        signs: &[
            &["no matching manifest for"],
            &["does not match the detected host platform"],
        ],
        codes: &[],
        what: "an image is not made for the instances' processor",
        hint: |_| {
            "build it for them: `docker buildx build --platform linux/amd64,linux/arm64 --push .`"
                .into()
        },
    },
    Known {
        name: "registry_unreachable",
        signs: &[
            &["request canceled while waiting for connection"],
            &["client.timeout exceeded while awaiting headers"],
            &["lookup", "no such host"],
            &["lookup", "server misbehaving"],
            &["dial tcp", "i/o timeout"],
        ],
        codes: &[],
        what: "the instances cannot reach a host on the network",
        hint: |_| {
            "check the name, and that their subnets have a way to the internet: `aws ec2 describe-route-tables`".into()
        },
    },
    Known {
        name: "port_taken",
        signs: &[&["port is already allocated"], &["address already in use"]],
        codes: &[],
        what: "two containers want the same port of the host",
        hint: |_| "publish each host port once: see them with `docker compose config`".into(),
    },
    Known {
        name: "hook_not_executable",
        signs: &[
            &["permission denied", ".platform/hooks"],
            &["permission denied", ".platform/confighooks"],
        ],
        codes: &[],
        what: "a hook is not executable",
        hint: |found| {
            format!(
                "make it executable: `git update-index --chmod=+x {}`",
                hook(found.line)
            )
        },
    },
    Known {
        name: "hook_not_runnable",
        signs: &[
            &["exec format error", ".platform/"],
            &["no such file or directory", "fork/exec", ".platform/"],
            &["bad interpreter"],
            &["bash\\r"],
            &["bash^m"],
        ],
        codes: &[],
        what: "a hook cannot be run: its first line is not `#!/bin/bash`, or its lines end as on Windows",
        hint: |found| {
            format!(
                "correct the first line, and the line ends: `sed -i 's/\\r$//' {}`",
                hook(found.line)
            )
        },
    },
    Known {
        name: "wrong_architecture",
        signs: &[&["exec format error"]],
        codes: &[],
        what: "a program is made for another processor than the instances'",
        hint: |_| {
            "build the image for them: `docker buildx build --platform linux/amd64,linux/arm64 --push .`".into()
        },
    },
    Known {
        name: "secret_unreadable",
        signs: &[
            &["failed to get one or more secrets"],
            &["resourcenotfoundexception", "secret"],
            &["secretsmanager", "accessdenied"],
        ],
        codes: &[],
        what: "an instance cannot read a secret that an environment property names",
        hint: |found| {
            format!(
                "check that the secret exists, with `aws secretsmanager describe-secret --secret-id NAME`, and let the instances read it: {}",
                grant("secretsmanager:GetSecretValue", "*", profile_role(found)),
            )
        },
    },
    Known {
        name: "disk_full",
        signs: &[&["no space left on device"]],
        codes: &[],
        what: "the instance's disk is full",
        hint: |found| {
            setting(
                found,
                "give the instances a larger disk",
                "aws:autoscaling:launchconfiguration",
                "RootVolumeSize",
                "30",
            )
        },
    },
    Known {
        name: "out_of_memory",
        signs: &[
            &["out of memory"],
            &["oomkilled"],
            &["oom-kill"],
            &["cannot allocate memory"],
        ],
        codes: &[137],
        what: "the kernel killed a process, most likely because the memory was used up (exit code 137)",
        hint: |found| {
            setting(
                found,
                "take a larger instance type",
                "aws:ec2:instances",
                "InstanceTypes",
                "t3.medium",
            )
        },
    },
    Known {
        name: "command_timeout",
        signs: &[
            &["but with command timeouts"],
            &["command timed out"],
            &["timedout: 1"],
            &["timedout: 2"],
            &["timedout: 3"],
            &["timedout: 4"],
            &["timedout: 5"],
            &["timedout: 6"],
            &["timedout: 7"],
            &["timedout: 8"],
            &["timedout: 9"],
            &["command", "timed out after"],
            &["failed to complete", "within the command timeout"],
        ],
        codes: &[],
        what: "a command on an instance took longer than the command timeout",
        hint: |found| {
            setting(
                found,
                "give commands more time",
                "aws:elasticbeanstalk:command",
                "Timeout",
                "1200",
            )
        },
    },
    Known {
        name: "variable_missing",
        signs: &[
            &["variable is not set. defaulting to a blank string"],
            &["required variable", "is missing a value"],
            &["environment variable", "is not set"],
        ],
        codes: &[],
        what: "a variable has no value: it is no environment property, or a `.env` in the bundle hides them all",
        hint: |found| {
            format!(
                "see the properties with `aws elasticbeanstalk describe-configuration-settings --application-name APP --environment-name {}`, and that no .env travels: `beanship bundle --list`",
                found.environment
            )
        },
    },
    Known {
        name: "compose_invalid",
        signs: &[
            &["invalid compose project"],
            &["validating", "docker-compose.yml"],
            &["additional propert", "not allowed"],
            &["invalid interpolation format"],
            &["depends on undefined service"],
            &["refers to undefined"],
            &["neither an image nor a build context"],
            &["yaml:", "line"],
            &["services.", "must be a"],
        ],
        codes: &[],
        what: "docker compose does not accept the compose file",
        hint: |_| "see what is wrong: `docker compose config --quiet`".into(),
    },
    Known {
        name: "compose_missing",
        signs: &[
            &["both 'dockerfile' and 'dockerrun.aws.json' are missing"],
            &["no dockerfile or dockerrun.aws.json"],
        ],
        codes: &[],
        what: "the bundle has no docker-compose.yml at its root",
        hint: |_| "see what is in it: `beanship bundle --list`".into(),
    },
    Known {
        name: "build_failed",
        signs: &[
            &["failed to solve"],
            &["failed to build docker image"],
            &["failed to compute cache key"],
            &["failed to read dockerfile"],
            &["unable to prepare context"],
        ],
        codes: &[],
        what: "an image could not be built on the instance",
        hint: |_| "build it here as the instance does: `docker compose build --no-cache`".into(),
    },
    Known {
        name: "dependency_unhealthy",
        signs: &[
            &["dependency failed to start"],
            &["container", "is unhealthy"],
        ],
        codes: &[],
        what: "a container did not become healthy, and others wait for it",
        hint: |_| "try its health check here: `docker compose up --wait`".into(),
    },
    Known {
        name: "no_host_port",
        signs: &[
            &["listens on port", "of the host"],
            &["no expose directive"],
            &[":80: connect: connection refused"],
            &["connect() failed (111", ":80/"],
        ],
        codes: &[],
        what: "nothing answers on the port that Elastic Beanstalk sends requests to",
        hint: |found| {
            setting(
                found,
                "publish host port 80 in the compose file (`ports: [\"80:8080\"]`), or name another port",
                "aws:elasticbeanstalk:environment:process:default",
                "Port",
                "8080",
            )
        },
    },
    Known {
        name: "health_check_failing",
        signs: &[
            &["did not pass health check"],
            &["elb processes are not healthy"],
            &["elb health is failing"],
            &["health checks failed with these codes"],
            &["target.responsecodemismatch"],
            &["target.failedhealthchecks"],
            &["target.timeout"],
        ],
        codes: &[],
        what: "the health check of the load balancer gets no good answer",
        hint: |found| {
            setting(
                found,
                "publish host port 80, and name a path that answers with 200",
                "aws:elasticbeanstalk:environment:process:default",
                "HealthCheckPath",
                "/health",
            )
        },
    },
    Known {
        name: "exit_125",
        signs: &[],
        codes: &[125],
        what: "docker itself could not start a container (exit code 125)",
        hint: |_| "start it here with the same options: `docker compose up`".into(),
    },
    Known {
        name: "exit_126",
        signs: &[],
        codes: &[126],
        what: "a container's command is there but cannot be run (exit code 126)",
        hint: |_| {
            "make it executable in the image: `RUN chmod +x FILE`, and try `docker compose run SERVICE`".into()
        },
    },
    Known {
        name: "exit_127",
        signs: &[&["executable file not found in $path"]],
        codes: &[127],
        what: "a container's command does not exist in its image (exit code 127)",
        hint: |_| {
            "check `command` and `entrypoint`: `docker compose run --entrypoint sh SERVICE`".into()
        },
    },
    Known {
        name: "exit_139",
        signs: &[&["segmentation fault"]],
        codes: &[139],
        what: "a program crashed (exit code 139, segmentation fault)",
        hint: |_| {
            "check that image and instances have the same processor, and run it here: `docker compose up`".into()
        },
    },
    Known {
        name: "exit_143",
        signs: &[],
        codes: &[143],
        what: "a container was asked to end (exit code 143, SIGTERM): something stopped it, it did not crash",
        hint: |found| {
            format!(
                "see what happened before: `beanship events --env {}`",
                found.environment
            )
        },
    },
];
