//! The login at a private registry as an object of S3: written, compared, changed, taken away.

use std::path::Path;

use super::{CONFIG, bootstrap, document, policy, project};
use crate::support::Project;

const REGISTRY: &str = "bucket_name: shop-bundles
registry:
  server: ghcr.io
  username: ship
  password: { from_env: TOKEN }
  credentials: s3://shop-bundles/logins/ghcr.json
";

/// `ship:s3cret-c4nary`, and another password, as they stand in Docker's own file.
const LOGIN: &str = r#"{"auths":{"ghcr.io":{"auth":"c2hpcDpzM2NyZXQtYzRuYXJ5"}}}"#;
const OTHER: &str = r#"{"auths":{"ghcr.io":{"auth":"c2hpcDpuZXctYzRuYXJ5"}}}"#;

fn shop(token: &str) -> Project {
    let config = format!("{REGISTRY}{}", CONFIG.replace("properties:", "# "));
    project(&config).variable("TOKEN", token)
}

/// Whether a file below holds just this.
fn holds(folder: &Path, content: &str) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths = entries.map(|entry| entry.path());
    paths.any(|path| match path.is_dir() {
        true => holds(&path, content),
        false => std::fs::read(&path).is_ok_and(|bytes| bytes == content.as_bytes()),
    })
}

fn kept(project: &Project, content: &str) -> bool {
    holds(&project.path().join(".beanship/sandbox"), content)
}

#[test]
fn the_login_is_written_compared_changed_and_taken_away() {
    let project = shop("s3cret-c4nary");
    let run = bootstrap(&project, &[]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let mut told = format!("{}{}", run.stdout, run.stderr);
    let lines = run.stderr.lines().filter(|line| line.contains("login"));
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @"
      + permission        shop-prod-eu-central-1-ec2  (may read the login in s3://shop-bundles/logins/ghcr.json)
      + login object      s3://shop-bundles/logins/ghcr.json  (for ghcr.io)
    Wrote the login for ghcr.io to s3://shop-bundles/logins/ghcr.json (0.0 s)
    ");
    assert!(kept(&project, LOGIN));
    let allowed = policy(&project, "shop-prod-eu-central-1-ec2", "registry");
    let statement = &allowed["Statement"][0];
    assert_eq!(statement["Action"], "s3:GetObject", "{allowed}");
    assert_eq!(
        statement["Resource"],
        "arn:aws:s3:::shop-bundles/logins/ghcr.json"
    );
    project.forget_calls();
    assert_eq!(document(&project, &[]).0["outcome"], "unchanged");
    assert_eq!(project.writes(), [""; 0]);

    let project = project.variable("TOKEN", "new-c4nary");
    let asked = bootstrap(&project, &[]);
    insta::assert_snapshot!(asked.shown(&project), @"
    ------- stderr -------
    Bootstrapping shop-prod of shop (account DIGEST, eu-central-1, in the sandbox)
    Plan
      ~ login object  s3://shop-bundles/logins/ghcr.json  (for ghcr.io; the name or the password has changed)
    error: not done: this changes or removes one thing in account DIGEST, and nobody can be asked: there is no terminal
    hint: agree beforehand with `--yes`, or look first with `--plan`
    [exit 2]
    ");
    let run = bootstrap(&project, &["--yes", "--output", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(kept(&project, OTHER) && !kept(&project, LOGIN));
    let deploy = project.beanship(&["--sandbox-empty", "deploy", "--env", "production"]);
    assert_eq!(deploy.code, Some(0), "{}", deploy.stderr);
    let gone = bootstrap(&project, &["--destroy", "--yes", "-v"]);
    assert_eq!(gone.code, Some(0), "{}", gone.stderr);
    assert!(gone.stderr.contains("- login object"), "{}", gone.stderr);
    assert!(!kept(&project, OTHER));
    let again = document(&project, &["--destroy", "--yes"]).0;
    assert_eq!(again["outcome"], "unchanged", "{again}");
    for run in [&asked, &run, &deploy, &gone] {
        told.push_str(&run.stdout);
        told.push_str(&run.stderr);
    }
    for secret in ["c4nary", "c2hpcDp"] {
        assert!(!told.contains(secret), "{secret}: {told}");
    }
}

#[test]
fn without_the_password_what_is_there_stays_and_what_is_missing_is_an_error() {
    let project = shop("");
    let missing = project.without("TOKEN");
    let run = bootstrap(&missing, &["--plan"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert!(run.stderr.contains("TOKEN"), "{}", run.stderr);
    let project = missing.variable("TOKEN", "s3cret-c4nary");
    assert_eq!(bootstrap(&project, &[]).code, Some(0));
    let project = project.without("TOKEN");
    let run = bootstrap(&project, &[]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    insta::assert_snapshot!(run.shown(&project), @"
    unchanged: nothing to do: everything for shop-prod is there
    GitHub deploys with the role arn:aws:iam::DIGEST:role/shop-prod-eu-central-1-deployer
    http://shop-prod.eba-ID.eu-central-1.elasticbeanstalk.com
    ------- stderr -------
    Bootstrapping shop-prod of shop (account DIGEST, eu-central-1, in the sandbox)
    note: s3://shop-bundles/logins/ghcr.json is not compared: the property BEANSHIP_REGISTRY_PASSWORD has no value: the variable TOKEN is not set
    [exit 0]
    ");
}

#[test]
fn an_object_of_others_is_not_written_over() {
    let project = shop("s3cret-c4nary");
    assert_eq!(bootstrap(&project, &[]).code, Some(0));
    let config = format!("{REGISTRY}{}", CONFIG.replace("properties:", "# "));
    let config = config
        .replace("app: shop", "app: other")
        .replace("shop-prod", "other-prod");
    project.write("beanship.yml", &config);
    let run = bootstrap(&project, &[]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    insta::assert_snapshot!(run.shown(&project), @"
    ------- stderr -------
    Bootstrapping other-prod of other (account DIGEST, eu-central-1, in the sandbox)
    error: s3://shop-bundles/logins/ghcr.json is there already and was not written for other
    hint: leave `username` and `password` out of `registry` to use it as it is, or name another key, and run `beanship --sandbox bootstrap` again
    [exit 2]
    ");
    let gone = document(&project, &["--destroy", "--yes"]).0;
    assert_eq!(gone["outcome"], "unchanged", "{gone}");
    assert!(kept(&project, LOGIN));
}

#[test]
fn a_refusal_is_told_and_the_next_run_goes_on() {
    let denied = "speed: 100\ndeny: [s3:PutObject]";
    let project = shop("s3cret-c4nary").trouble(denied);
    let run = bootstrap(&project, &["--output", "json"]);
    let report = run.json();
    assert_eq!(
        (run.code, report["error"]["kind"].as_str()),
        (Some(3), Some("denied")),
        "{report}"
    );
    assert!(!format!("{}{}", run.stdout, run.stderr).contains("c4nary"));
    let project = project.trouble("speed: 100\ndeny: [s3:GetObject]");
    let run = bootstrap(&project, &["--destroy", "--plan"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let told = run.stderr.lines().filter(|it| it.contains("ghcr.json"));
    insta::assert_snapshot!(told.collect::<Vec<_>>().join("\n"), @"note: s3://shop-bundles/logins/ghcr.json stays if it is there: not allowed to call s3:GetObject: HTTP status 403");
    let run = bootstrap(&project, &["--plan"]);
    insta::assert_snapshot!(run.shown(&project), @r#"
    ------- stderr -------
    Bootstrapping shop-prod of shop (account DIGEST, eu-central-1, in the sandbox)
    error: not allowed to call s3:GetObject: User: arn:aws:iam::DIGEST:user/sandbox is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::shop-bundles/logins/ghcr.json" because no identity-based policy allows the s3:GetObject action
    hint: allow the action `s3:GetObject` in the caller's IAM policy
    hint: S3 says so of a missing object as well, unless the caller may `s3:ListBucket`
    request id: IDDIGEST
    [exit 3]
    "#);
    let project = project.trouble("speed: 100");
    let (report, code) = document(&project, &[]);
    assert_eq!(
        (report["outcome"].as_str(), code),
        (Some("succeeded"), Some(0)),
        "{report}"
    );
    assert!(kept(&project, LOGIN));
}
