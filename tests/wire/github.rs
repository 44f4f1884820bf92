//! What a job of GitHub Actions gets: the outputs of the step and the summary of the job.

use crate::support::Project;

fn job(project: Project) -> Project {
    let folder = project.path().join(".beanship/runner");
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = |name: &str| folder.join(name).display().to_string();
    let (outputs, summary) = (path("outputs"), path("summary"));
    project
        .variable("GITHUB_ACTIONS", "true")
        .variable("GITHUB_OUTPUT", &outputs)
        .variable("GITHUB_STEP_SUMMARY", &summary)
}

/// What a step left in a file of the runner's; the file is taken away.
fn take(project: &Project, name: &str) -> String {
    let path = project.path().join(".beanship/runner").join(name);
    let text = std::fs::read_to_string(&path).expect(name);
    std::fs::remove_file(path).expect(name);
    text
}

/// Without what differs from run to run.
fn steady(text: &str) -> String {
    [
        (r"\b[0-9a-f]{12}\b", "DIGEST"),
        (r"\b[0-9a-f]{64}\b", "SHA256"),
        (r"\b[0-9a-f]{7}\b", "COMMIT"),
        (r"\.eba-[0-9a-z]{8}\.", ".eba-ID."),
        (r"\be-[0-9a-z]{10}\b", "e-ID"),
        (r"\bi-[0-9a-f]{17}\b", "i-ID"),
        (r"\b\d+\.\d s\b", "N s"),
        (r":\d+, \d+", ":FROM, TO"),
        (r"\b\d\d:\d\d:\d\d\b", "TIME"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (pattern, with)| {
        let pattern = regex::Regex::new(pattern).expect("a pattern");
        pattern.replace_all(&text, *with).into_owned()
    })
}

#[test]
fn a_deploy_tells_what_it_brought_and_how_to_go_back() {
    let project = job(Project::new()).git("main");
    assert_eq!(
        project.sandbox(&["deploy", "--env", "production"]).code,
        Some(0)
    );
    take(&project, "outputs");
    take(&project, "summary");
    project.write(
        "docker-compose.yml",
        &format!("{}    restart: always\n", crate::support::COMPOSE),
    );
    project.commit("restart | always");
    let run = project.sandbox(&["deploy", "--env", "production"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    insta::assert_snapshot!(steady(&take(&project, "outputs")), @"
    outcome=succeeded
    version-label=COMMIT-DIGEST
    environment-url=http://shop-prod.eba-ID.eu-central-1.elasticbeanstalk.com
    previous-version-label=COMMIT-DIGEST
    environment-id=e-ID
    environment-health=Green
    bundle-sha256=SHA256
    bundle-reused=false
    ");
    insta::assert_snapshot!(steady(&take(&project, "summary")), @r"
    ## succeeded: deploy of shop-prod

    shop-prod runs COMMIT-DIGEST (before: COMMIT-DIGEST), health is Green (Ok), after N s

    | Environment | Outcome | Version | Before | Health | Took |
    |---|---|---|---|---|---|
    | [shop-prod](http://shop-prod.eba-ID.eu-central-1.elasticbeanstalk.com) | succeeded | `COMMIT-DIGEST` | `COMMIT-DIGEST` | Green | N s |

    ### Commits since `COMMIT-DIGEST`

    - COMMIT restart \| always

    ### Timeline

    ```mermaid
    gantt
      dateFormat x
      axisFormat %M:%S
      section shop-prod
      look and bundle :FROM, TO
      upload :FROM, TO
      update :FROM, TO
      check :FROM, TO
    ```

    <details><summary>Plan</summary>

    ```diff
    + source bundle  s3://elasticbeanstalk-eu-central-1-DIGEST/shop/COMMIT-DIGEST.zip  (328 B)
    + application version  COMMIT-DIGEST  (restart | always)
    ~ environment  shop-prod  (COMMIT-DIGEST -> COMMIT-DIGEST, within 20 m)
    ```

    </details>

    ### Way back

    ```sh
    beanship rollback --env shop-prod --to 'COMMIT-DIGEST'
    ```
    ");
}

#[test]
fn a_plan_is_the_summary_of_a_pull_request() {
    let project = job(Project::new()).variable("GITHUB_EVENT_NAME", "pull_request");
    let arguments = [
        "deploy",
        "--env",
        "staging",
        "--env",
        "production",
        "--plan",
    ];
    let run = project.sandbox(&arguments);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    insta::assert_snapshot!(steady(&take(&project, "summary")), @"
    ## planned: deploy of shop-staging, shop-prod

    | Environment | Outcome | Version | Before | Health | Took |
    |---|---|---|---|---|---|
    | [shop-staging](http://shop-staging.eba-ID.eu-central-1.elasticbeanstalk.com) | planned | `DIGEST` | `Sample Application` | Green | N s |
    | [shop-prod](http://shop-prod.eba-ID.eu-central-1.elasticbeanstalk.com) | planned | `DIGEST` | `Sample Application` | Green | N s |

    ### Plan

    ```diff
    + source bundle  s3://elasticbeanstalk-eu-central-1-DIGEST/shop/DIGEST.zip  (205 B)
    + application version  DIGEST
    ~ environment  shop-staging  (Sample Application -> DIGEST, within 20 m)
    ~ environment  shop-prod  (Sample Application -> DIGEST, within 20 m)
    ```
    ");
    assert!(project.writes().is_empty(), "{:?}", project.writes());
}

#[test]
fn a_failure_shows_instances_and_their_log_lines() {
    let project = job(Project::new().trouble("speed: 100\ndeploy: fail"));
    let run = project.sandbox(&["deploy", "--env", "production"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    let summary = take(&project, "summary");
    for part in [
        "## failed: deploy of shop-prod",
        "### What went wrong",
        "| Instance | Version | Deployment | Health |",
        "eb-engine.log on i-",
        "```mermaid\ngantt\n",
        "beanship rollback --env shop-prod --to 'Sample Application'",
    ] {
        assert!(summary.contains(part), "{part}\n{summary}");
    }
}

/// The workflow commands that fold and what stands in which fold, as the first words of each line.
fn folds(stdout: &str) -> String {
    let mut inside = false;
    let mut told = Vec::new();
    for line in stdout.lines() {
        match line {
            "::endgroup::" => inside = false,
            line if line.starts_with("::group::") => {
                assert!(!inside, "a group in a group: {stdout}");
                inside = true;
                told.push(line.to_owned());
            }
            line if inside && !line.starts_with("::") => {
                let words: Vec<_> = line.split_whitespace().take(3).collect();
                told.push(format!("  {}", words.join(" ")));
            }
            _ => {}
        }
    }
    assert!(!inside, "a group that does not end: {stdout}");
    told.join("\n")
}

#[test]
fn the_parts_of_a_deploy_are_folded() {
    let project = job(Project::new());
    let run = project.sandbox(&["deploy", "--env", "production"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    insta::assert_snapshot!(steady(&folds(&run.stdout)), @"
    ::group::Bundle
      Deploying shop to
    ::group::Plan
      Plan
      + source bundle
      + application version
      ~ environment shop-prod
    ::group::Update
      Uploaded 205 B
      Created the version
      Started the update
      TIME INFO Environment
      TIME INFO Environment
      TIME INFO Deploying
      TIME INFO Instance
      TIME INFO New
      TIME INFO Environment
      TIME INFO Environment
    ");
    let last = run.stdout.lines().rev().take(2).collect::<Vec<_>>();
    assert!(last.iter().all(|line| !line.starts_with("::")), "{last:?}");

    project.write(".beanship/sandbox/trouble.yml", "speed: 100\ndeploy: fail");
    let run = project.sandbox(&["deploy", "--env", "production", "--force"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    let told = folds(&run.stdout);
    assert!(told.contains("::group::Logs\n"), "{told}");

    // Without anything to do there is no plan and no update.
    let run = project.sandbox(&["deploy", "--env", "staging", "--plan"]);
    assert_eq!(folds(&run.stdout).matches("::group::").count(), 2);
    let run = project.sandbox(&["-q", "deploy", "--env", "staging"]);
    assert_eq!(folds(&run.stdout), "");
}

#[test]
fn what_is_refused_is_in_the_summary_too() {
    let project = job(Project::new());
    let run = project.sandbox(&["deploy", "--env", "prodution"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    insta::assert_snapshot!(steady(&take(&project, "summary")), @"
    ## failed: deploy

    ### What went wrong

    no environment `prodution`: beanship.yml declares production, staging

    - try `--env production`
    ");
}

#[test]
fn the_program_describes_itself() {
    // Not even a project file that is wrong stands in the way.
    let project = Project::empty().file("beanship.yml", "apps: 1\n");
    let schema = project.beanship(&["schema"]);
    assert_eq!(schema.code, Some(0), "{}", schema.stderr);
    assert_eq!(schema.json()["title"], "beanship.yml");
    let page = project.beanship(&["man"]);
    assert_eq!(page.code, Some(0), "{}", page.stderr);
    assert!(page.stdout.contains(".TH beanship 1"), "{}", page.stdout);
    let run = project.beanship(&["man", "--out", "pages"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    for page in [
        "beanship.1",
        "beanship-deploy.1",
        "beanship-properties-set.1",
    ] {
        assert!(project.path().join("pages").join(page).is_file(), "{page}");
    }
}
