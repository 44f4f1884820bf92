//! `beanship check`: what it says in each format, what it repairs, and its exit codes. No AWS.

use crate::support::Project;

/// A file that someone deployed, with most faults there are.
const SAMPLE: &str = include_str!("../compose-files/faulty/docker-compose.yml");

fn sample() -> Project {
    Project::empty()
        .file("beanship.yml", "app: shop\nregion: eu-central-1\n")
        .file("docker-compose.yml", SAMPLE)
}

#[test]
fn people_read_the_place_first_and_never_a_password() {
    let run = sample().beanship(&["check"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    for start in [
        "docker-compose.yml:1:10: error[EB103]",
        "docker-compose.yml:10:5: error[EB102]",
        "docker-compose.yml:16:7: error[EB103]",
        "docker-compose.yml:19:9: error[EB202]",
        "docker-compose.yml:31:28: warning[EB307]",
    ] {
        assert!(
            run.stdout.lines().any(|line| line.starts_with(start)),
            "{start}\n{}",
            run.stdout
        );
    }
    assert!(
        run.stdout.contains("10 |     mem limit: 128m\n   |     ^"),
        "{}",
        run.stdout
    );
    assert!(!run.stdout.contains("1234"), "{}", run.stdout);
}

#[test]
fn machines_read_one_document() {
    let run = sample().beanship(&["check", "--output", "json"]);
    assert_eq!(run.code, Some(2));
    let document = run.json();
    let findings = document["findings"].as_array().expect("findings");
    let unknown = findings
        .iter()
        .find(|finding| finding["line"] == 10)
        .expect("line 10");
    assert_eq!(unknown["id"], "EB102");
    assert_eq!(unknown["severity"], "error");
    assert_eq!(unknown["file"], "docker-compose.yml");
    assert_eq!(unknown["column"], 5);
    assert_eq!(unknown["fix"], "write `mem_limit`");
    let run = sample().beanship(&["check", "--sarif", "-"]);
    let document = run.json();
    assert_eq!(document["version"], "2.1.0");
    let results = document["runs"][0]["results"].as_array().expect("results");
    assert_eq!(results.len(), findings.len());
}

#[test]
fn github_shows_findings_on_the_lines_of_the_pull_request() {
    let run = sample().beanship(&["check", "--output", "github"]);
    assert!(
        run.stdout.contains(
            "::error file=docker-compose.yml,line=10,col=5,title=EB102::unknown key `mem limit` of a service"
        ),
        "{}",
        run.stdout
    );
}

#[test]
fn what_is_certain_is_put_right() {
    let project = sample();
    let run = project.beanship(&["check", "--fix"]);
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
    let fixed = std::fs::read_to_string(project.path().join("docker-compose.yml")).expect("a file");
    assert!(
        fixed.contains("      - \"80:80\"\n    mem_limit: 128m\n    links:"),
        "{fixed}"
    );
    let strict = project.beanship(&["check", "--strict"]);
    assert_eq!(strict.code, Some(2), "warnings are left");
}

#[test]
fn a_clean_file_is_fine_and_rules_are_explained() {
    let project = Project::empty()
        .file("docker-compose.yml", crate::support::COMPOSE)
        .file("beanship.yml", "app: shop\ncheck: { ignore: [EB403] }\n");
    let run = project.beanship(&["check", "--strict"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(run.stdout, "no errors, no warnings, no notes: 1 service\n");
    let run = project.beanship(&["check", "--explain", "eb308"]);
    assert!(
        run.stdout.starts_with("EB308 (warning): "),
        "{}",
        run.stdout
    );
    assert_eq!(
        project.beanship(&["check", "--explain", "EB999"]).code,
        Some(2)
    );
}

#[test]
fn what_stays_out_of_the_bundle_is_missing_on_the_instance() {
    let project = Project::empty()
        .file("beanship.yml", "app: shop\nbundle: { exclude: [web.env] }\n")
        .file("web.env", "A=1")
        .file(
            "docker-compose.yml",
            "services:\n  web:\n    image: nginx:1.28\n    env_file: web.env\n    ports: ['80:80']\n",
        );
    let run = project.beanship(&["check", "--output", "json"]);
    assert_eq!(run.code, Some(2));
    let findings = run.json()["findings"].clone();
    let ids: Vec<_> = findings
        .as_array()
        .expect("findings")
        .iter()
        .filter(|finding| finding["severity"] == "error")
        .map(|finding| finding["id"].clone())
        .collect();
    assert_eq!(ids, ["EB504"]);
}

/// A file that needs others.
const NEEDY: &str = "services:\n  web:\n    build: dist\n    env_file: secret.env\n    ports: ['80:80']\n    volumes: ['./data:/data', './conf/app.conf:/app.conf:ro']\n    restart: always\n  api:\n    build: { context: api, dockerfile: prod.dockerfile }\n    restart: always\n";

#[test]
fn what_a_rule_leaves_out_is_named_with_the_rule_and_its_line() {
    let project = Project::empty()
        .file(
            "beanship.yml",
            "app: shop\nregion: eu-central-1\nbundle: { exclude: [\"*.conf\"] }\n",
        )
        .file("docker-compose.yml", NEEDY)
        .file(".gitignore", "# built\ndist/\n\n*.env\ndata\n")
        .file("api/.gitignore", "prod.*\n")
        .file("dist/Dockerfile", "FROM scratch\n")
        .file("secret.env", "A=1\n")
        .file("data/x", "x")
        .file("conf/app.conf", "x")
        .file("api/prod.dockerfile", "FROM scratch\n");
    let run = project.beanship(&["check"]);
    insta::assert_snapshot!(run.shown(&project), @"
    docker-compose.yml:1:1: info[EB305]: no container sees the environment's properties: no service has `env_file: .env`
      |
    1 | services:
      | ^
      fix: add `env_file: .env` to the services that need them; Elastic Beanstalk writes the file

    docker-compose.yml:3:12: error[EB503]: service `web` is built from dist, which stays out of the bundle: `dist/` in .gitignore line 2
      |
    3 |     build: dist
      |            ^
      fix: add `dist` to `bundle.include` in beanship.yml, or change the rule

    docker-compose.yml:4:15: error[EB504]: service `web` reads secret.env, which stays out of the bundle: `*.env` in .gitignore line 4; Compose does not start without it
      |
    4 |     env_file: secret.env
      |               ^
      fix: add `secret.env` to `bundle.include` in beanship.yml, or change the rule

    docker-compose.yml:6:15: error[EB520]: service `web` mounts ./data, which stays out of the bundle: `data` in .gitignore line 5; on an instance Docker makes an empty folder instead
      |
    6 |     volumes: ['./data:/data', './conf/app.conf:/app.conf:ro']
      |               ^
      fix: add `data` to `bundle.include` in beanship.yml, or change the rule; or mount a volume if it may begin empty

    docker-compose.yml:6:31: error[EB520]: service `web` mounts ./conf/app.conf, which stays out of the bundle: `*.conf` in bundle.exclude; on an instance Docker makes an empty folder instead
      |
    6 |     volumes: ['./data:/data', './conf/app.conf:/app.conf:ro']
      |                               ^
      fix: add `conf/app.conf` to `bundle.include` in beanship.yml, or change the rule; or mount a volume if it may begin empty

    docker-compose.yml:9:40: error[EB503]: service `api` is built with api/prod.dockerfile, which stays out of the bundle: `prod.*` in api/.gitignore line 1
      |
    9 |     build: { context: api, dockerfile: prod.dockerfile }
      |                                        ^
      fix: add `api/prod.dockerfile` to `bundle.include` in beanship.yml, or change the rule

    5 errors, no warnings, 1 note: 2 services
    ------- stderr -------
    [exit 2]
    ");
    let run = project.beanship(&["bundle"]);
    // A deploy is refused as well.
    assert_eq!(run.code, Some(2));
    assert!(
        run.stderr.contains("`dist/` in .gitignore line 2"),
        "{}",
        run.stderr
    );
}

#[test]
fn files_that_the_compose_file_takes_in_are_judged_in_their_place() {
    let project = Project::empty()
        .file("beanship.yml", "app: shop\nregion: eu-central-1\n")
        .file(
            "docker-compose.yml",
            "include: [db/db.yml]\nservices:\n  web:\n    image: 'w:1'\n    ports: ['80:80']\n    depends_on: [db]\n    env_file: .env\n    restart: always\n",
        )
        .file(
            "db/db.yml",
            "services:\n  db:\n    image: 'd:1'\n    restart: always\n    mem limit: 1g\n    environment: { PASSWORD: hunter2 }\n    env_file: db.env\n",
        );
    let run = project.beanship(&["check"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    insta::assert_snapshot!(run.stdout, @"
    db/db.yml:5:5: error[EB102]: unknown key `mem limit` of a service: did you mean `mem_limit`?
      |
    5 |     mem limit: 1g
      |     ^
      fix: write `mem_limit`

    db/db.yml:6:30: warning[EB307]: `PASSWORD` of service `db` stands here as plain text: whoever reads the file or the bundle knows it
      |
    6 |     environment: { PASSWORD: ******** }
      |                              ^
      fix: write `${PASSWORD}` here, and set it as a property of the environment that comes from Secrets Manager

    db/db.yml:7:15: error[EB504]: service `db` reads db.env, which is not in the bundle: Compose does not start
      |
    7 |     env_file: db.env
      |               ^
      fix: add the file, and see what is in the bundle with `beanship bundle --list`

    2 errors, 1 warning, no notes: 2 services
    1 finding can be put right with `beanship check --fix`
    ");
    let json = project.beanship(&["check", "--output", "json"]).json();
    assert_eq!(json["findings"][0]["file"], "db/db.yml", "{json}");
    let github = project.beanship(&["check", "--output", "github"]).stdout;
    assert!(
        github.contains("::error file=db/db.yml,line=5,col=5,title=EB102::"),
        "{github}"
    );
    let sarif = project.beanship(&["check", "--sarif", "-"]).json();
    let location = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(location["artifactLocation"]["uri"], "db/db.yml", "{sarif}");
    let fixed = project.beanship(&["check", "--fix"]);
    assert!(
        fixed.stderr.contains("put right: db/db.yml:5:5"),
        "{}",
        fixed.stderr
    );
    let text = std::fs::read_to_string(project.path().join("db/db.yml")).expect("a file");
    assert!(text.contains("    mem_limit: 1g\n"), "{text}");
}
