//! Versions: listed, pruned, and compared with the tree.

use serde_json::Value;

use crate::support::Project;

/// A project with `v1` to `vN`, deployed to production one after the other.
fn with_versions(count: usize) -> Project {
    let project = Project::new();
    for number in 1..=count {
        let label = format!("v{number}");
        project.write("version.txt", &label);
        let arguments = [
            "--env",
            "production",
            "--version-label",
            &label,
            "--message",
            "a change",
        ];
        let (report, code) = project.deploy(&arguments);
        assert_eq!(code, Some(0), "{report}");
    }
    project.forget_calls();
    project
}

fn labels(list: &Value) -> Vec<&str> {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter()
        .map(|version| version["version_label"].as_str().unwrap_or("?"))
        .collect()
}

/// The keys of the bundles that the sandbox stores.
fn bundles(project: &Project) -> Vec<String> {
    let index = index(project);
    let keys = index.split('"').filter(|word| word.ends_with(".zip"));
    keys.map(str::to_owned).collect()
}

fn index(project: &Project) -> String {
    std::fs::read_to_string(project.bucket_index()).expect("the bucket's index")
}

#[test]
fn versions_are_listed_newest_first_with_what_runs_where() {
    let project = with_versions(2);
    let run = project.sandbox(&["versions"]);
    insta::assert_snapshot!(run.shown(&project), @"
    VERSION  CREATED              STATUS       BUNDLE   RUNS ON    DESCRIPTION
    v2       DATE  UNPROCESSED  present  shop-prod  a change
    v1       DATE  UNPROCESSED  present             a change
    ------- stderr -------
    [exit 0]
    ");
    let run = project.sandbox(&["versions", "--env", "production"]);
    insta::assert_snapshot!(run.shown(&project), @"
    VERSION  CREATED              STATUS       BUNDLE   RUNS ON    LAST ON shop-prod    DESCRIPTION
    v2       DATE  UNPROCESSED  present  shop-prod  DATE  a change
    v1       DATE  UNPROCESSED  present             rollback goes here   a change
    ------- stderr -------
    [exit 0]
    ");
    let listed = project
        .sandbox(&["versions", "--env", "production", "--output", "json"])
        .json();
    let versions = &listed["versions"];
    assert_eq!(labels(versions), ["v2", "v1"]);
    assert_eq!(versions[0]["environments"][0], "shop-prod");
    assert_eq!(
        (
            &versions[0]["rollback_target"],
            &versions[1]["rollback_target"]
        ),
        (&false.into(), &true.into())
    );
    assert_eq!(versions[1]["bundle_present"], true);
}

#[test]
fn an_application_without_versions_says_so() {
    let project = Project::new();
    let run = project.sandbox(&["versions"]);
    insta::assert_snapshot!(run.shown(&project), @"
    shop has no versions in eu-central-1
    ------- stderr -------
    [exit 0]
    ");
    let run = project.sandbox(&["versions", "prune", "--keep", "3"]);
    insta::assert_snapshot!(run.shown(&project), @"
    unchanged: nothing to do: there is no version
    ------- stderr -------
    [exit 0]
    ");
    let run = project.beanship(&["versions", "--output", "json"]);
    assert_eq!(
        (run.code, run.json()["error"]["kind"].as_str()),
        (Some(3), Some("credentials"))
    );
}

#[test]
fn pruning_keeps_what_runs_and_what_it_would_go_back_to() {
    let project = with_versions(4);
    let back = project.sandbox(&["rollback", "--env", "production", "--to", "v1", "--yes"]);
    assert_eq!(back.code, Some(0), "{}", back.stderr);
    project.forget_calls();
    let refused = project.sandbox(&["versions", "prune", "--keep", "0"]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    let plan = project.sandbox(&["versions", "prune", "--keep", "0", "--plan"]);
    insta::assert_snapshot!(plan.shown(&project), @"
    planned: 2 of 4 versions would be deleted; nothing was changed
    ------- stderr -------
    Plan
      - application version  v2  (a change; with s3://elasticbeanstalk-eu-central-1-DIGEST/shop/v2.zip)
      - application version  v3  (a change; with s3://elasticbeanstalk-eu-central-1-DIGEST/shop/v3.zip)
    [exit 0]
    ");
    assert_eq!(project.writes(), [""; 0]);
    let run = project.sandbox(&[
        "versions", "prune", "--keep", "0", "--yes", "--output", "json",
    ]);
    let report = run.json();
    assert_eq!(
        (report["outcome"].as_str(), run.code),
        (Some("succeeded"), Some(0)),
        "{}",
        run.stderr
    );
    assert_eq!(report["deleted"], serde_json::json!(["v2", "v3"]));
    assert_eq!(project.writes(), ["DeleteApplicationVersion 200"; 2]);
    assert_eq!(bundles(&project), ["shop/v1.zip", "shop/v4.zip"]);
    let listed = project.sandbox(&["versions", "--output", "json"]).json();
    assert_eq!(labels(&listed["versions"]), ["v4", "v1"]);
    let again = project.sandbox(&["versions", "prune", "--keep", "0", "--output", "json"]);
    assert_eq!(
        (again.json()["outcome"].as_str(), again.code),
        (Some("unchanged"), Some(0))
    );
}

#[test]
fn a_bundle_that_cannot_be_deleted_is_one_warning() {
    let project = with_versions(3);
    project.lose_bundle("shop/v1.zip");
    let listed = project.sandbox(&["versions"]);
    assert!(
        listed
            .stdout
            .lines()
            .any(|line| line.starts_with("v1") && line.contains("gone")),
        "{}",
        listed.stdout
    );
    let run = project.sandbox(&["versions", "prune", "--keep", "2", "--yes"]);
    insta::assert_snapshot!(run.shown(&project), @"
    succeeded_with_warnings: 1 of 3 versions of shop deleted
    ------- stderr -------
    Plan
      - application version  v1  (a change; with s3://elasticbeanstalk-eu-central-1-DIGEST/shop/v1.zip)
    Done with the version v1 (N s)
    warning: these bundles could not be deleted, though their versions were: s3://elasticbeanstalk-eu-central-1-DIGEST/shop/v1.zip
    [exit 0]
    ");
}

#[test]
fn a_denied_pruning_names_the_action() {
    let project =
        with_versions(3).trouble("speed: 100\ndeny: [elasticbeanstalk:DeleteApplicationVersion]");
    let run = project.sandbox(&[
        "versions", "prune", "--keep", "1", "--yes", "--output", "json",
    ]);
    assert_eq!(
        (run.code, run.json()["error"]["kind"].as_str()),
        (Some(3), Some("denied")),
        "{}",
        run.stderr
    );
    let project = project.trouble("speed: 100\nthrottle: { every: 2 }");
    let run = project.sandbox(&["versions", "prune", "--keep", "1", "--yes"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
}

#[test]
fn a_diff_shows_what_a_deploy_would_bring() {
    let project = with_versions(1);
    project.write("version.txt", "v2 is longer");
    project.write("new/file.txt", "new");
    project.write(
        "docker-compose.yml",
        &crate::support::COMPOSE.replace("1.27", "1.28"),
    );
    let run = project.sandbox(&["diff", "--env", "production"]);
    insta::assert_snapshot!(run.shown(&project), @"
    ~ docker-compose.yml  N B, other content
    + new/file.txt        N B
    ~ version.txt         N B -> N B

    shop-prod runs v1; with this tree 1 added, 0 removed, 2 changed, 0 the same; bundle N B -> N B
    ------- stderr -------
    [exit 0]
    ");
    assert_eq!(project.writes(), [""; 0]);
    let run = project.sandbox(&["diff", "--env", "production", "--output", "json"]);
    let diff = run.json();
    assert_eq!(
        (diff["added"][0]["path"].as_str(), run.code),
        (Some("new/file.txt"), Some(0)),
        "{diff}"
    );
    assert_eq!(diff["changed"].as_array().map(Vec::len), Some(2));
}

#[test]
fn an_equal_tree_is_told_by_its_digest_alone() {
    let project = with_versions(1);
    let run = project.sandbox(&["diff", "--env", "production"]);
    insta::assert_snapshot!(run.shown(&project), @"
    shop-prod runs this tree as v1: the digests of the bundles are equal
    ------- stderr -------
    [exit 0]
    ");
    assert!(
        !project
            .calls()
            .iter()
            .any(|call| call.starts_with("GetObject"))
    );
}

#[test]
fn of_a_large_bundle_only_the_end_is_fetched() {
    let project = Project::new();
    // Does not compress: every byte depends on all before.
    let mut state = 1_u64;
    let noise: String = (0..3_000_000)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            char::from(33 + (state >> 58) as u8)
        })
        .collect();
    project.write("large.txt", &noise);
    assert_eq!(project.deploy(&["--env", "production"]).1, Some(0));
    project.forget_calls();
    project.write("new.txt", "new");
    let run = project.sandbox(&["diff", "--env", "production", "--output", "json"]);
    assert!(
        run.json()["bytes_before"]
            .as_u64()
            .is_some_and(|bytes| bytes > 2_000_000),
        "{}",
        run.stdout
    );
    let parts = project
        .calls()
        .into_iter()
        .filter(|call| call.starts_with("GetObject"));
    assert_eq!(parts.collect::<Vec<_>>(), ["GetObject 206"]);
}

#[test]
fn without_a_deployed_bundle_there_is_nothing_to_compare() {
    let project = Project::new();
    let run = project.sandbox(&["diff", "--env", "production"]);
    insta::assert_snapshot!(run.shown(&project), @"
    ------- stderr -------
    error: nothing to compare with: shop-prod runs no version of yours
    hint: deploy to it: `beanship --sandbox deploy --env shop-prod`
    [exit 2]
    ");
    let project = with_versions(1).trouble("speed: 100\ndeny: [s3:GetObject]");
    project.write("new.txt", "new");
    let run = project.sandbox(&["diff", "--env", "production", "--output", "json"]);
    assert_eq!(
        (run.code, run.json()["error"]["kind"].as_str()),
        (Some(3), Some("denied")),
        "{}",
        run.stderr
    );
}
