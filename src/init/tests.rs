//! What each tool's file tells, and what is made of it.

use super::git::Repository;
use super::propose::{Known, Wanted, Wishes};
use super::{Ci, Found, copilot, ebcli, jenkins, services, travis, workflow};
use crate::config::Config;

/// As `eb init` and `eb use` leave it.
const EB: &str = "branch-defaults:\n  main:\n    environment: shop-prod\n  develop:\n    environment: shop-staging\n    group_suffix: null\nglobal:\n  application_name: shop\n  default_region: eu-central-1\n  profile: eb-cli\n  workspace_type: Application\n";

/// A pipeline of a single-container course, with most keys of the provider.
const TRAVIS: &str = r#"
sudo: required
services: [docker]
before_install:
  - docker build -t acme/front-test -f ./frontend/Dockerfile.dev ./frontend
script:
  - docker run -e CI=true acme/front-test npm test
after_success:
  - docker build -t acme/front ./frontend
  - echo "$DOCKER_HUB_PASSWORD" | docker login -u "$DOCKER_HUB_ID" --password-stdin
  - docker push acme/front
deploy:
  provider: elasticbeanstalk
  region: ap-northeast-2
  app: docker-fullstack-app
  env: DockerFullstackApp-env
  bucket_name: elasticbeanstalk-ap-northeast-2-123456789012
  bucket_path: docker-fullstack-app
  zip_file: app.zip
  on:
    branch: master
    condition: $TRAVIS_OS_NAME = linux
  access_key_id: $AWS_ACCESS_KEY
  secret_access_key: $AWS_SECRET_ACCESS_KEY
"#;

/// Two jobs with AWS's action, one of which hides its name.
const WORKFLOW: &str = r#"
on:
  push:
    branches: [main]
env:
  APP: shop
jobs:
  deploy:
    runs-on: ubuntu-latest
    steps:
      - uses: aws-actions/configure-aws-credentials@v4
        with: { role-to-assume: "arn:aws:iam::123456789012:role/deployer", aws-region: eu-west-1 }
      - uses: aws-actions/aws-elasticbeanstalk-deploy@v1
        with:
          aws-region: eu-west-1
          application-name: ${{ env.APP }}
          environment-name: ${{ env.APP }}-production
          s3-bucket-name: ${{ secrets.BUCKET }}
"#;

const JENKINS: &str = r#"
pipeline {
  stages {
    stage('Staging') {
      when { branch 'develop' }
      steps { sh 'eb deploy shop-staging --timeout 20 -r eu-west-1' }
    }
    stage('Production') {
      when { branch "main" }
      steps { sh "eb deploy --label v1 shop-prod && echo done" }
    }
  }
}
"#;

fn known(found: Vec<Found>) -> Known {
    Known {
        found,
        folder: "checkout".into(),
        repository: Repository {
            host: Some("github.com".into()),
            slug: Some("acme/shop-web".into()),
            branch: "main".into(),
        },
        ..Known::default()
    }
}

/// The project file that is proposed.
fn proposed(found: Vec<Found>, wishes: &Wishes) -> String {
    let wanted = Wanted::of(wishes, &known(found)).expect("a region");
    let drafts = wanted.drafts().expect("drafts");
    let body = drafts[0].text.lines().skip(2);
    body.collect::<Vec<_>>().join("\n")
}

#[test]
fn ebs_own_file_becomes_the_project_file() {
    let found = ebcli::read(EB);
    insta::assert_snapshot!(found.remarks.join("\n"), @"the profile eb-cli is nobody's but yours: `--profile eb-cli`");
    insta::assert_snapshot!(proposed(vec![found], &Wishes::default()), @r"
    app: shop
    region: eu-central-1

    environments:
      staging:
        branches: [develop]
      production:
        name: shop-prod
        branches: [main]
    ");
}

#[test]
fn every_key_of_travis_has_a_place_or_a_remark() {
    let found = travis::read(TRAVIS).expect("it deploys");
    insta::assert_snapshot!(found.remarks.join("\n"), @r"
    `zip_file` is left out: beanship makes the bundle itself; `bundle.only` says what goes in
    `on.condition` is left out: it is a matter of the workflow
    ");
    insta::assert_snapshot!(found.secrets.docker_user.clone().unwrap_or_default(), @"DOCKER_HUB_ID");
    assert_eq!(
        found.secrets.access_key_id.as_deref(),
        Some("AWS_ACCESS_KEY")
    );
    assert_eq!(found.tests.len(), 2);
    assert_eq!(found.publish.len(), 2, "the login is the workflow's own");
    insta::assert_snapshot!(proposed(vec![found], &Wishes::default()), @r"
    app: docker-fullstack-app
    region: ap-northeast-2
    bucket_name: elasticbeanstalk-ap-northeast-2-123456789012

    environments:
      production:
        name: DockerFullstackApp-env
        branches: [master]
    ");
    assert_eq!(travis::read("deploy: { provider: heroku }"), None);
}

#[test]
fn travis_may_name_an_environment_for_each_branch() {
    let text = "deploy:\n  - provider: elasticbeanstalk\n    region: us-east-1\n    app: shop\n    env: { main: shop-live, develop: shop-dev }\n  - provider: elasticbeanstalk\n    env: shop-all\n    on: { all_branches: true }\n";
    let found = travis::read(text).expect("it deploys");
    insta::assert_snapshot!(proposed(vec![found], &Wishes::default()), @r"
    app: shop
    region: us-east-1

    environments:
      development:
        name: shop-dev
        branches: [develop]
      shop-all:
        name: shop-all
      production:
        name: shop-live
        branches: [main]
    ");
}

#[test]
fn workflows_tell_what_does_not_come_from_secrets() {
    let found = workflow::read(".github/workflows/deploy.yml", WORKFLOW).expect("it deploys");
    assert_eq!(
        found.role.as_deref(),
        Some("arn:aws:iam::123456789012:role/deployer")
    );
    insta::assert_snapshot!(found.remarks.join("\n"), @"bucket is ${{ secrets.BUCKET }}, which only the CI system knows");
    insta::assert_snapshot!(proposed(vec![found], &Wishes::default()), @r"
    app: shop
    region: eu-west-1

    environments:
      production:
        branches: [main]
    ");
    assert_eq!(workflow::read("ci.yml", "on: push\njobs: {}\n"), None);
}

#[test]
fn jenkins_calls_eb_with_options() {
    let found = jenkins::read(JENKINS).expect("it deploys");
    insta::assert_snapshot!(proposed(vec![found], &Wishes::default()), @r"
    app: shop-web
    region: eu-west-1

    environments:
      staging:
        name: shop-staging
        branches: [develop]
      production:
        name: shop-prod
        branches: [main]
    ");
}

#[test]
fn copilot_tells_names_and_what_the_compose_file_needs() {
    let environments = ["addons".to_owned(), "staging".to_owned(), "prod".to_owned()];
    let manifest = "name: api\ntype: Load Balanced Web Service\nimage:\n  build: api/Dockerfile\n  port: 8080\n";
    let manifests = [("api".to_owned(), manifest.to_owned())];
    let found = copilot::read("application: shop\n", &environments, &manifests);
    insta::assert_snapshot!(found.remarks.join("\n"), @"
    Copilot's service api, which listens on port 8080 has to be a service of the compose file
    Copilot deploys to ECS: its environments are not Elastic Beanstalk's, and stay as they are
    ");
    let wishes = Wishes {
        region: Some("eu-central-1".into()),
        ..Wishes::default()
    };
    insta::assert_snapshot!(proposed(vec![found], &wishes), @"
    app: shop
    region: eu-central-1

    environments:
      staging: {}
      prod: {}
    ");
}

#[test]
fn without_any_file_the_repository_gives_the_names() {
    let wishes = Wishes {
        region: Some("eu-central-1".into()),
        ..Wishes::default()
    };
    insta::assert_snapshot!(proposed(Vec::new(), &wishes), @r"
    app: shop-web
    region: eu-central-1

    environments:
      production:
        branches: [main]
    ");
    let error = Wanted::of(&Wishes::default(), &known(Vec::new())).expect_err("no region");
    insta::assert_snapshot!(error.message(), @"no AWS region: no file of the project names one");
}

#[test]
fn wishes_beat_what_was_found() {
    let wishes = Wishes {
        app: Some("Shop & Co".into()),
        key: Some("live".into()),
        branches: vec!["release/1".into(), "on".into()],
        bucket_name: Some("bundles".into()),
        compose: Some("compose.yaml".into()),
        ..Wishes::default()
    };
    insta::assert_snapshot!(proposed(vec![ebcli::read(EB)], &wishes), @r#"
    app: "Shop & Co"
    region: eu-central-1
    bucket_name: bundles
    compose: compose.yaml

    environments:
      live:
        name: Shop-Co-live
        branches: [release/1, "on"]
    "#);
    let bad = Wishes {
        key: Some("a b; rm".into()),
        ..wishes
    };
    let error = Wanted::of(&bad, &known(vec![ebcli::read(EB)])).expect_err("no key");
    insta::assert_snapshot!(error.message(), @"`a b; rm` cannot be an environment's key here: letters, digits, `-` and `_` are allowed");
}

#[test]
fn compose_files_tell_what_is_built_and_where_it_goes() {
    let text = "services:\n  web: { build: ., image: 'ghcr.io/acme/web:1' }\n  api: { build: api }\n  db: { image: 'mysql:8' }\n";
    let services = services::read(text);
    assert_eq!(services.built, ["web"]);
    assert_eq!(services.registry.as_deref(), Some("ghcr.io"));
    assert_eq!(services::registry("acme/web"), None);
    assert_eq!(
        services::registry("localhost:5000/web").as_deref(),
        Some("localhost:5000")
    );
}

#[test]
fn every_system_gets_its_file() {
    let found = || vec![travis::read(TRAVIS).expect("it deploys")];
    for (ci, contains) in [
        (Ci::Github, "BEANSHIP_ROLE: ${{ vars.AWS_ROLE_ARN }}"),
        (
            Ci::GithubKeys,
            "AWS_ACCESS_KEY_ID: ${{ secrets.AWS_ACCESS_KEY }}",
        ),
        (Ci::Travis, "export AWS_ACCESS_KEY_ID=\"$AWS_ACCESS_KEY\""),
        (Ci::Jenkins, "sh 'beanship deploy --env production'"),
        (Ci::Gitlab, "- beanship deploy --env production"),
    ] {
        let wishes = Wishes {
            ci: Some(ci),
            ..Wishes::default()
        };
        let wanted = Wanted::of(&wishes, &known(found())).expect("a region");
        let drafts = wanted.drafts().expect("drafts");
        assert!(drafts[1].text.contains(contains), "{}", drafts[1].text);
        assert!(!drafts[1].text.contains("<%"), "{}", drafts[1].text);
    }
}

#[test]
fn what_is_proposed_is_read_back() {
    let wishes = Wishes {
        region: Some("eu-central-1".into()),
        name: Some("x".into()),
        ..Wishes::default()
    };
    let wanted = Wanted::of(&wishes, &known(Vec::new())).expect("a region");
    let error = wanted.drafts().expect_err("a name that is too short");
    assert!(
        error.message().contains("cannot be an environment's name"),
        "{error}"
    );
    let good = proposed(vec![ebcli::read(EB)], &Wishes::default());
    let config = Config::parse(&good, std::path::Path::new("beanship.yml")).expect("a file");
    assert_eq!(config.environments.len(), 2);
}
