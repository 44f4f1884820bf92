//! An AWS that is slow to answer, answers badly or not at all.

use crate::support::Project;

/// Deploys under trouble: it must come through.
fn comes_through(trouble: &str) -> Project {
    let project = Project::new().trouble(&format!("speed: 100\n{trouble}"));
    let (report, code) = project.deploy(&["--env", "production"]);
    assert_eq!(
        (report["outcome"].as_str(), code),
        (Some("succeeded"), Some(0)),
        "{trouble}: {report}"
    );
    project
}

/// How often a call was answered this way.
fn count(project: &Project, call: &str) -> usize {
    project.calls().iter().filter(|seen| *seen == call).count()
}

#[test]
fn every_second_call_throttled() {
    let project = comes_through("throttle: { every: 2 }");
    assert_eq!(count(&project, "CreateApplicationVersion 200"), 1);
}

#[test]
fn scattered_server_errors() {
    let project = comes_through("errors: { every: 4, status: 503 }");
    assert_eq!(count(&project, "CreateApplicationVersion 200"), 1);
}

#[test]
fn scattered_cut_connections() {
    let project = comes_through("cut: { every: 4, when: before }");
    assert_eq!(count(&project, "CreateApplicationVersion 200"), 1);
}

#[test]
fn a_lost_answer_to_the_upload() {
    let project =
        comes_through("cut: { every: 1, when: after, times: 1, operations: [PutObject] }");
    assert_eq!(count(&project, "CreateApplicationVersion 200"), 1);
}

#[test]
fn a_lost_answer_to_the_version_is_known_as_our_own() {
    let project = comes_through(
        "cut: { every: 1, when: after, times: 1, operations: [CreateApplicationVersion] }",
    );
    assert_eq!(
        count(&project, "CreateApplicationVersion 400"),
        1,
        "refused, and known as ours"
    );
}

#[test]
fn a_lost_answer_to_the_update_is_known_as_our_own() {
    let project = Project::new().trouble(
        "speed: 1\ncut: { every: 1, when: after, times: 1, operations: [UpdateEnvironment] }",
    );
    let (report, code) = project.deploy(&["--env", "production"]);
    assert_eq!(
        (report["outcome"].as_str(), code),
        (Some("succeeded"), Some(0)),
        "{report}"
    );
    let updates = project
        .calls()
        .iter()
        .filter(|call| call.starts_with("UpdateEnvironment"))
        .count();
    assert_eq!(
        updates,
        2,
        "the one that was lost and the one that was refused: {:?}",
        project.calls()
    );
}

#[test]
fn a_denied_action_is_named() {
    let project =
        Project::new().trouble("speed: 100\ndeny: [elasticbeanstalk:CreateApplicationVersion]");
    let run = project.sandbox(&["deploy", "--env", "production"]);
    insta::assert_snapshot!(run.shown(&project), @"
    ------- stderr -------
    Deploying shop to shop-prod (eu-central-1, in the sandbox)
    Plan
      + source bundle        s3://elasticbeanstalk-eu-central-1-DIGEST/shop/DIGEST.zip  (N B)
      + application version  DIGEST
      ~ environment          shop-prod  (Sample Application -> DIGEST, within 20 m)
    Uploaded N B (N s)
    error: not allowed to call elasticbeanstalk:CreateApplicationVersion: User: arn:aws:iam::DIGEST:user/sandbox is not authorized to perform: elasticbeanstalk:CreateApplicationVersion on resource: arn:aws:elasticbeanstalk:eu-central-1:DIGEST:applicationversion/shop/DIGEST because no identity-based policy allows the elasticbeanstalk:CreateApplicationVersion action
    hint: allow the action `elasticbeanstalk:CreateApplicationVersion` in the caller's IAM policy
    request id: IDDIGEST
    [exit 3]
    ");
}

#[test]
fn what_may_not_be_looked_at_is_a_remark_and_no_failure() {
    let denied = "[elasticbeanstalk:DescribeEvents, elasticbeanstalk:DescribeInstancesHealth, s3:ListBucket]";
    let project = Project::new().trouble(&format!("speed: 100\ndeny: {denied}"));
    let run = project.sandbox(&["deploy", "--env", "production"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(
        run.stderr.contains("note: events cannot be shown"),
        "{}",
        run.stderr
    );
    let note = "note: the bucket elasticbeanstalk-eu-central-1-123456789012 cannot be looked at";
    assert!(run.stderr.contains(note), "{}", run.stderr);
}
