//! Taking away what was made.

use super::network::lines;
use super::{CONFIG, bootstrap, document, iam, project};

#[test]
fn what_was_made_is_taken_away_again() {
    let config = CONFIG.replace("github: acme/shop", "user: ci");
    let project = project(&config);
    let made = bootstrap(&project, &["--access-key-out", "key.json"]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    project.forget_calls();
    let run = bootstrap(&project, &["--destroy"]);
    insta::assert_snapshot!(run.shown(&project), @"
    ------- stderr -------
    Taking away shop-prod of shop (account DIGEST, eu-central-1, in the sandbox)
    note: the OIDC provider, buckets and secrets stay: others may use them
    Plan
      - environment       shop-prod  (with its instances and its address)
      - instance profile  shop-prod-eu-central-1-ec2
      - IAM role          shop-prod-eu-central-1-ops
      - IAM role          shop-prod-eu-central-1-service
      - IAM role          shop-prod-eu-central-1-ec2
      - IAM user          ci  (with its access key)
      - application       shop  (with its versions; their bundles stay)
    error: not done: this removes shop-prod for good, and nobody can be asked: there is no terminal
    hint: agree beforehand with `--yes`, or look first with `--plan`
    [exit 2]
    ");
    assert_eq!(project.writes(), [""; 0]);
    // Killed while the environment goes: the next run goes on.
    let all = [
        "--sandbox-empty",
        "bootstrap",
        "--env",
        "production",
        "--destroy",
        "--yes",
    ];
    let mut child = project.start(&all);
    project.until("TerminateEnvironment 200", 1);
    project.signal(&child, "-KILL");
    let _ = child.wait();
    let (report, code) = document(&project, &["--destroy", "--yes"]);
    assert_eq!(
        (report["outcome"].as_str(), code),
        (Some("succeeded"), Some(0)),
        "{report}"
    );
    let books = iam(&project);
    for kind in ["roles", "profiles", "users"] {
        assert_eq!(books[kind], serde_json::json!({}), "{books}");
    }
    let (report, _) = document(&project, &["--destroy", "--yes"]);
    assert_eq!(report["outcome"], "unchanged", "{report}");
}

#[test]
fn an_environment_of_others_lets_go_of_the_role_before_it_goes() {
    let project = project(CONFIG);
    let all = ["--sandbox", "bootstrap", "--env", "production", "--yes"];
    let run = project.beanship(&all);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let run = project.beanship(&[&all[..], &["--destroy"]].concat());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    insta::assert_snapshot!(lines(&run, &["  - ", "note"]), @"
    note: the environment shop-prod was not made here and stays
    note: the application shop was not made here and stays
    note: the OIDC provider, buckets and secrets stay: others may use them
      - operations role  shop-prod  (Elastic Beanstalk no longer updates it with the role shop-prod-eu-central-1-ops)
      - IAM role         shop-prod-eu-central-1-deployer
      - IAM role         shop-prod-eu-central-1-ops
    ");
    assert_eq!(
        project
            .writes()
            .iter()
            .filter(|it| it.starts_with("Disassociate"))
            .count(),
        1
    );
    let run = project.beanship(&[&all[..], &["--destroy"]].concat());
    assert!(run.stdout.starts_with("unchanged"), "{}", run.stdout);
}
