//! `beanship init`: what it writes, what it keeps, and that the result is a project that deploys.

use crate::support::{COMPOSE, Project};

const EB: &str = "branch-defaults:\n  main:\n    environment: shop-prod\nglobal:\n  application_name: shop\n  default_region: eu-central-1\n";

/// A project that `eb` has deployed so far.
fn with_eb() -> Project {
    Project::empty()
        .file(".elasticbeanstalk/config.yml", EB)
        .file("docker-compose.yml", COMPOSE)
        .trouble("speed: 100")
}

fn read(project: &Project, name: &str) -> String {
    std::fs::read_to_string(project.path().join(name)).expect(name)
}

#[test]
fn what_eb_knew_becomes_a_project_that_deploys() {
    let project = with_eb();
    let run = project.beanship(&["init", "--ci", "none"]);
    insta::assert_snapshot!(run.shown(&project), @r"
    written: beanship.yml
    next:
      beanship check
      beanship deploy --plan
    ------- stderr -------
    note: found .elasticbeanstalk/config.yml
    --- /dev/null
    +++ b/beanship.yml
    @@ -0,0 +1,9 @@
    +# What beanship deploys, and where to. `beanship config` shows what applies, `beanship schema` what can stand here.
    +
    +app: shop
    +region: eu-central-1
    +
    +environments:
    +  production:
    +    name: shop-prod
    +    branches: [main]
    Plan
      + file  beanship.yml
    Wrote beanship.yml (N s)
    [exit 0]
    ");
    let config = project.beanship(&["config", "--output", "json"]).json();
    assert_eq!(config["environments"][0]["name"], "shop-prod");
    let (report, code) = project.deploy(&["--env", "production"]);
    assert_eq!(
        (report["outcome"].as_str(), code),
        (Some("succeeded"), Some(0)),
        "{report}"
    );
    let again = project.beanship(&["init", "--ci", "none"]);
    assert_eq!(again.code, Some(0));
    assert!(
        again.stdout.starts_with("nothing to write"),
        "{}",
        again.stdout
    );
}

#[test]
fn a_plan_writes_nothing() {
    let project = with_eb();
    let before = project.files();
    let run = project.beanship(&["init", "--plan", "--output", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let document = run.json();
    assert_eq!(document["outcome"], "planned");
    assert_eq!(document["files"][0]["path"], "beanship.yml");
    assert_eq!(document["files"][0]["fate"], "create");
    assert_eq!(
        document["files"][1]["path"],
        ".github/workflows/beanship.yml"
    );
    assert_eq!(
        document["found"][0]["source"],
        ".elasticbeanstalk/config.yml"
    );
    assert_eq!(project.files(), before);
}

#[test]
fn nothing_is_overwritten_without_force() {
    let own = "# mine\napp: other\nregion: us-east-1\nenvironments:\n  live: { name: other-live, branches: [next] }\n";
    let project = with_eb().file("beanship.yml", own);
    let run = project.beanship(&["init", "--output", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(run.json()["files"][0]["fate"], "keep");
    assert_eq!(read(&project, "beanship.yml"), own);
    // The workflow goes by the file that is there.
    let workflow = read(&project, ".github/workflows/beanship.yml");
    assert!(workflow.contains("deploy-live:"), "{workflow}");
    assert!(workflow.contains("refs/heads/next"), "{workflow}");
    let forced = project.beanship(&["init", "--force", "--yes", "--output", "json"]);
    assert_eq!(forced.json()["files"][0]["fate"], "replace");
    assert!(read(&project, "beanship.yml").contains("app: shop\n"));
}

#[test]
fn a_project_file_that_is_wrong_is_shown_and_can_be_replaced() {
    let project = with_eb().file("beanship.yml", "apps: shop\n");
    let run = project.beanship(&["init"]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("did you mean `app`"), "{}", run.stderr);
    assert!(
        run.stderr.contains("`beanship init --force`"),
        "{}",
        run.stderr
    );
    assert_eq!(project.beanship(&["init", "--force"]).code, Some(0));
    assert_eq!(project.beanship(&["config"]).code, Some(0));
}

#[test]
fn what_nobody_knows_is_refused_with_the_flag_that_tells() {
    let project = Project::empty().file("docker-compose.yml", COMPOSE);
    let run = project.beanship(&["init", "--app", "shop"]);
    assert_eq!(run.code, Some(2));
    assert!(
        run.stderr.contains("--region eu-central-1"),
        "{}",
        run.stderr
    );
    let run = project.beanship(&[
        "init",
        "--region",
        "eu-west-1",
        "--app",
        "My Shop",
        "--output",
        "json",
    ]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(run.json()["environments"][0]["name"], "My-Shop-production");
    assert_eq!(project.beanship(&["config"]).code, Some(0));
    let bad = project.beanship(&["init", "--force", "--region", "eu-west-1", "--name", "x"]);
    assert_eq!(bad.code, Some(2), "{}", bad.stderr);
}

#[test]
fn git_tells_the_repository_and_its_main_branch() {
    let project = Project::empty().file("compose.yaml", COMPOSE).git("trunk");
    project.run_git(&["remote", "add", "origin", "git@gitlab.com:acme/shop.git"]);
    let run = project.beanship(&["init", "--region", "eu-west-1", "--output", "json"]);
    let document = run.json();
    assert_eq!(document["app"], "shop");
    assert_eq!(document["ci"], "gitlab");
    assert_eq!(document["environments"][0]["branches"][0], "trunk");
    assert!(read(&project, "beanship.yml").contains("compose: compose.yaml\n"));
    assert!(read(&project, ".gitlab-ci.yml").contains("deploy-production:"));
}

#[test]
fn every_tool_that_is_there_is_found() {
    let travis =
        "deploy: { provider: elasticbeanstalk, region: eu-west-1, app: shop, env: shop-prod }\n";
    let workflow = "on: push\njobs: { a: { steps: [ { uses: einaregilsson/beanstalk-deploy@v22, with: { region: eu-west-1 } } ] } }\n";
    let project = with_eb()
        .file(".travis.yml", travis)
        .file(".github/workflows/old.yaml", workflow)
        .file("Jenkinsfile", "sh 'eb deploy shop-prod'\n")
        .file("copilot/.workspace", "application: shop\n")
        .file("copilot/environments/prod/manifest.yml", "name: prod\n")
        .file("copilot/api/manifest.yml", "name: api\n");
    let run = project.beanship(&["init", "--plan", "--output", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let document = run.json();
    let found = document["found"].as_array().expect("sources");
    let sources: Vec<_> = found.iter().map(|found| found["source"].clone()).collect();
    assert_eq!(
        sources,
        [
            ".elasticbeanstalk/config.yml",
            ".travis.yml",
            ".github/workflows/old.yaml",
            "Jenkinsfile",
            "copilot"
        ]
    );
}

#[cfg(unix)]
#[test]
fn written_files_are_as_open_as_others() {
    use std::os::unix::fs::PermissionsExt;
    let project = with_eb();
    assert_eq!(project.beanship(&["init", "--ci", "none"]).code, Some(0));
    let mode = |name: &str| {
        let metadata = std::fs::metadata(project.path().join(name)).expect(name);
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode("beanship.yml"), mode("docker-compose.yml"));
}
