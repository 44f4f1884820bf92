//! What each known cause looks like, and what is said about it.

use super::*;

/// Name, a line that tells it, a part of its hint.
const TABLE: &[(&str, &str, &str)] = &[
    (
        "image_rate_limit",
        "Error response from daemon: toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating and upgrading",
        "docker login",
    ),
    (
        "permission_missing",
        "User: arn:aws:sts::123456789012:assumed-role/shop-ec2/i-0abc is not authorized to perform: ecr:GetAuthorizationToken on resource: * because no identity-based policy allows the action",
        "--role-name shop-ec2",
    ),
    (
        "permission_missing",
        "Service:AmazonEC2, Message:You do not have permission to perform the 'ec2:DescribeSubnets' action.",
        "ec2:DescribeSubnets",
    ),
    (
        "image_pull_denied",
        "Error response from daemon: pull access denied for shop/web, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
        "docker compose config --images",
    ),
    (
        "image_pull_denied",
        "Error response from daemon: Head \"https://123456789012.dkr.ecr.eu-central-1.amazonaws.com/v2/shop/manifests/1\": no basic auth credentials",
        "AmazonEC2ContainerRegistryReadOnly",
    ),
    (
        "image_pull_denied",
        "Error response from daemon: Head \"https://ghcr.io/v2/shop/web/manifests/1\": unauthorized: authentication required",
        ".platform/hooks/prebuild",
    ),
    (
        "image_missing",
        "Error response from daemon: manifest for nginx:1.999 not found: manifest unknown: manifest unknown",
        "docker compose pull",
    ),
    (
        "image_missing",
        "web Error failed to resolve reference \"docker.io/library/nginx:1.999\": docker.io/library/nginx:1.999: not found",
        "docker compose pull",
    ),
    (
        "image_other_architecture",
        "no matching manifest for linux/arm64/v8 in the manifest list entries",
        "--platform",
    ),
    (
        "registry_unreachable",
        "Error response from daemon: Get \"https://registry-1.docker.io/v2/\": net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)",
        "describe-route-tables",
    ),
    (
        "registry_unreachable",
        "Error response from daemon: Get \"https://registry.example.org/v2/\": dial tcp: lookup registry.example.org on 10.0.0.2:53: no such host",
        "describe-route-tables",
    ),
    (
        "port_taken",
        "Error response from daemon: driver failed programming external connectivity on endpoint current-web-1: Bind for 0.0.0.0:80 failed: port is already allocated",
        "docker compose config",
    ),
    (
        "port_taken",
        "nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)",
        "docker compose config",
    ),
    (
        "hook_not_executable",
        "2026/11/21 10:00:00.000001 [ERROR] An error occurred during execution of command [app-deploy] - [RunAppDeployPreBuildHooks]. Stop running the command. Error: Command .platform/hooks/prebuild/01_login.sh failed with error fork/exec .platform/hooks/prebuild/01_login.sh: permission denied",
        "`git update-index --chmod=+x .platform/hooks/prebuild/01_login.sh`",
    ),
    (
        "hook_not_runnable",
        "Error: Command .platform/hooks/predeploy/02_env.sh failed with error fork/exec .platform/hooks/predeploy/02_env.sh: exec format error",
        ".platform/hooks/predeploy/02_env.sh`",
    ),
    (
        "hook_not_runnable",
        "Error: Command .platform/hooks/predeploy/02_env.sh failed with error fork/exec .platform/hooks/predeploy/02_env.sh: no such file or directory",
        "sed -i",
    ),
    (
        "hook_not_runnable",
        ".platform/hooks/postdeploy/99.sh: /bin/bash^M: bad interpreter: No such file or directory",
        "sed -i",
    ),
    (
        "wrong_architecture",
        "web-1  | exec /usr/local/bin/docker-entrypoint.sh: exec format error",
        "buildx",
    ),
    (
        "secret_unreadable",
        "Instance deployment failed to get one or more secrets",
        "secretsmanager:GetSecretValue",
    ),
    (
        "disk_full",
        "failed to register layer: write /usr/lib/libLLVM.so: no space left on device",
        "RootVolumeSize",
    ),
    (
        "out_of_memory",
        "web-1 exited with code 137",
        "InstanceTypes",
    ),
    (
        "out_of_memory",
        "kernel: Out of memory: Killed process 4242 (node) total-vm:1403784kB",
        "InstanceTypes",
    ),
    (
        "command_timeout",
        "Update environment operation is complete, but with command timeouts. Try increasing the timeout period.",
        "OptionName=Timeout",
    ),
    (
        "command_timeout",
        "Command execution completed on all instances. Summary: [Successful: 0, TimedOut: 1].",
        "OptionName=Timeout",
    ),
    (
        "variable_missing",
        "time=\"2026-11-21T10:00:00Z\" level=warning msg=\"The \\\"DB_HOST\\\" variable is not set. Defaulting to a blank string.\"",
        "beanship bundle --list",
    ),
    (
        "variable_missing",
        "error while interpolating services.web.image: required variable TAG is missing a value: set it",
        "beanship bundle --list",
    ),
    (
        "compose_invalid",
        "service \"web\" depends on undefined service \"db\": invalid compose project",
        "docker compose config",
    ),
    (
        "compose_invalid",
        "validating /var/app/staging/docker-compose.yml: services.web additional properties 'mem limit' not allowed",
        "docker compose config",
    ),
    (
        "compose_invalid",
        "yaml: line 3: did not find expected key",
        "docker compose config",
    ),
    (
        "compose_missing",
        "Instance deployment: Both 'Dockerfile' and 'Dockerrun.aws.json' are missing in your source bundle. Include at least one of them. The deployment failed.",
        "beanship bundle --list",
    ),
    (
        "build_failed",
        "target web: failed to solve: process \"/bin/sh -c npm ci\" did not complete successfully: exit code: 1",
        "docker compose build",
    ),
    (
        "build_failed",
        "unable to prepare context: path \"/var/app/staging/web\" not found",
        "docker compose build",
    ),
    (
        "dependency_unhealthy",
        "dependency failed to start: container current-db-1 is unhealthy",
        "--wait",
    ),
    (
        "no_host_port",
        "no container listens on port 80 of the host",
        "Value=8080",
    ),
    (
        "no_host_port",
        "No EXPOSE directive found in Dockerfile, abort deployment",
        "Value=8080",
    ),
    (
        "health_check_failing",
        "Instance id(s) 'i-0abc' did not pass health check after command execution. Aborting the operation.",
        "HealthCheckPath",
    ),
    (
        "health_check_failing",
        "Target Health checks failed with these codes: [404].",
        "HealthCheckPath",
    ),
    (
        "exit_125",
        "failed to run docker container: exit status 125",
        "docker compose up",
    ),
    ("exit_126", "web-1 exited with code 126", "chmod +x"),
    ("exit_127", "web-1 exited with code 127", "--entrypoint"),
    (
        "exit_127",
        "OCI runtime create failed: exec: \"gunicorn\": executable file not found in $PATH: unknown",
        "--entrypoint",
    ),
    (
        "exit_139",
        "worker-1 exited with code 139",
        "docker compose up",
    ),
    (
        "exit_143",
        "web-1 exited with code 143",
        "beanship events --env shop-prod",
    ),
];

#[test]
fn each_cause_is_known_by_its_words_and_has_a_hint() {
    for (name, line, part) in TABLE {
        let causes = of("shop-prod", [*line]);
        let found: Vec<&str> = causes.iter().map(|cause| cause.name).collect();
        assert_eq!(found, [*name], "{line}");
        let hint = &causes[0].hint;
        assert!(hint.contains(part), "{hint}");
        let begins_with_a_verb = hint.starts_with(|first: char| first.is_ascii_lowercase());
        assert!(hint.contains('`') && begins_with_a_verb, "{hint}");
    }
}

#[test]
fn every_row_of_the_table_is_tested() {
    for known in &KNOWN {
        assert!(
            TABLE.iter().any(|(name, _, _)| *name == known.name),
            "{}",
            known.name
        );
    }
}

#[test]
fn usual_lines_tell_no_cause() {
    for line in [
        "Instance deployment completed successfully.",
        "Command execution completed on all instances. Summary: [Successful: 1, Failed: 0].",
        "web-1 exited with code 0",
        "web-1  | listening on port 80",
        "2026/11/21 10:00:00.000001 [INFO] Running command /bin/sh -c docker compose up -d",
        "[Instance: i-0abc] Command failed on instance. Return code: 1 Output: Engine execution has encountered an error..",
    ] {
        assert_eq!(of("e", [line]), [], "{line}");
    }
}

#[test]
fn the_missing_permission_comes_with_its_statement() {
    let line = "AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/shop-ec2/i-0abc is not authorized to perform: secretsmanager:GetSecretValue on resource: arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/db-AbCdEf because no identity-based policy allows the action";
    let causes = of("shop-prod", [line]);
    insta::assert_snapshot!(causes[0].hint, @r#"allow the action secretsmanager:GetSecretValue: `aws iam put-role-policy --role-name shop-ec2 --policy-name secretsmanager-GetSecretValue --policy-document '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":"arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/db-AbCdEf"}]}'`"#);
}

#[test]
fn a_reason_stands_before_a_mere_exit_code() {
    let names: Vec<&str> = of(
        "e",
        [
            "failed to run docker container: exit status 125",
            "Bind for 0.0.0.0:80 failed: port is already allocated",
            "ELB processes are not healthy on all instances.",
            "db-1 exited with code 137",
            "db-1 exited with code 137",
        ],
    )
    .iter()
    .map(|cause| cause.name)
    .collect();
    assert_eq!(names, ["port_taken", "out_of_memory"]);
}

#[test]
fn what_a_log_says_never_becomes_a_command() {
    for line in [
        "User: arn:aws:sts::1:assumed-role/$(reboot)/i-1 is not authorized to perform: s3:Get`reboot` on resource: arn:aws:s3:::b'; reboot; '",
        "fork/exec .platform/hooks/prebuild/$(reboot): permission denied",
    ] {
        let causes = of("e", [line]);
        assert!(!causes[0].hint.contains("reboot"), "{}", causes[0].hint);
    }
}
