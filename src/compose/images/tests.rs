//! Which images are found, and what stands in the text once they are pinned.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::Images;

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn pin(text: &str, services: &[&str]) -> String {
    let images = Images::of(text.to_owned(), &|_| None);
    let names: BTreeMap<String, String> = services
        .iter()
        .map(|service| ((*service).to_owned(), format!("app@{DIGEST}")))
        .collect();
    match images.pinned(&names) {
        Ok(files) => match files.as_slice() {
            [(_, text)] => text.replace(DIGEST, "DIGEST"),
            others => format!("{others:?}"),
        },
        Err(error) => format!("{error}"),
    }
}

#[test]
fn names_and_builds_are_found_with_their_place() {
    let text = "include: [other.yml]\nservices:\n  web:\n    image: 'shop/web:${TAG:-1}'\n    build:\n      context: ./web\n      dockerfile: prod.Dockerfile\n      target: run\n      no_cache: true\n      args: { A: 1, B: '${HOME_PAGE}', C: }\n      ulimits: { nofile: 9 }\n  db: { image: mysql }\n  job: { build: . }\n  late: { extends: { file: base.yml, service: x } }\n";
    let images = Images::of(text.to_owned(), &|name| {
        (name == "TAG").then(|| "7".to_owned())
    });
    let told: Vec<_> = images
        .services
        .iter()
        .map(|it| {
            format!(
                "{}:{} {:?} {:?}\n  {:?}",
                it.service,
                it.line,
                it.name,
                it.moves(),
                it.build
            )
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    web:4 Some("shop/web:7") false
      Some(Build { context: "./web", inline: None, arguments: ["--file", "./web/prod.Dockerfile", "--target", "run", "--no-cache", "--build-arg", "A=1", "--build-arg", "B=", "--build-arg", "C"], left_out: ["ulimits"] })
    db:12 Some("mysql") true
      None
    "#);
    insta::assert_snapshot!(images.elsewhere.join("\n"), @"
    `include` of other.yml
    service `late`, which extends one of base.yml
    ");
    assert!(Images::of("a: [".to_owned(), &|_| None).services.is_empty());
}

#[test]
fn comments_and_layout_stay() {
    let text = "# the shop\nservices:\n    web:   # front\n        image:   \"nginx:latest\"   # pinned later\r\n        ports: [ \"80:80\" ]\n\n    db: {image: mysql, restart: always}\n";
    insta::assert_snapshot!(pin(text, &["web", "db"]), @r#"
    # the shop
    services:
        web:   # front
            image:   app@DIGEST   # pinned later
            ports: [ "80:80" ]

        db: {image: app@DIGEST, restart: always}
    "#);
}

#[test]
fn what_is_pinned_is_not_built_on_the_instance() {
    let text = "services:\n  web:\n    build:\n      context: .\n      # why\n\n      dockerfile_inline: |\n        FROM scratch\n\n        COPY a b\n    image: app\n  a: { build: ., image: app }\n  b: {image: app, build: {context: .}}\n  c: {build: {context: b}, image: app:1, restart: always} # end\n  d:\n    image: app\n    build: ./d # here\n";
    insta::assert_snapshot!(pin(text, &["web", "a", "b", "c", "d"]), @"
    services:
      web:
        # build:
        #   context: .
        #   # why

        #   dockerfile_inline: |
        #     FROM scratch

        #     COPY a b
        image: app@DIGEST
      a: { image: app@DIGEST }
      b: {image: app@DIGEST}
      c: {image: app@DIGEST, restart: always} # end
      d:
        image: app@DIGEST
        # build: ./d # here
    ");
}

#[test]
fn anchors_and_merges_are_pinned_where_they_stand() {
    let shared = "x-app: &app\n  image: app:1\n  restart: always\nservices:\n  web: { <<: *app, ports: ['80:80'] }\n  job:\n    <<: *app\n    command: work\n";
    insta::assert_snapshot!(pin(shared, &["web", "job"]), @"
    x-app: &app
      image: app@DIGEST
      restart: always
    services:
      web: { <<: *app, ports: ['80:80'] }
      job:
        <<: *app
        command: work
    ");
    insta::assert_snapshot!(pin(shared, &["web"]), @"the image of service `job` cannot be pinned: its `image` or `build` is shared with another service");
    let alias = "x-image: &image app:1\nx-build: &build\n  context: .\nservices:\n  web:\n    image: *image\n    build: *build\n    restart: always\n  job: { image: *image, build: *build }\n";
    insta::assert_snapshot!(pin(alias, &["web", "job"]), @"
    x-image: &image app@DIGEST
    x-build: &build
      context: .
    services:
      web:
        image: *image
        # build: *build
        restart: always
      job: { image: *image}
    ");
}

#[test]
fn every_way_to_write_a_name_is_replaced() {
    for written in [
        "app",
        "'app:1'",
        "\"app:1\"",
        "&x app:1",
        "!!str app:1",
        ">-\n      app:1",
        "app:1 # c",
    ] {
        let text = format!("services:\n  web:\n    image: {written}\n    restart: always\n");
        let pinned = pin(&text, &["web"]);
        assert!(pinned.contains("app@DIGEST"), "{written}: {pinned}");
        assert!(pinned.contains("restart: always"), "{written}: {pinned}");
    }
}

/// What the places are made of in which names and builds stand.
const WORDS: [&str; 30] = [
    "services:",
    "\n",
    "\n  ",
    "\n    ",
    "\n      ",
    "- ",
    "web:",
    "image: ",
    "build: ",
    "nginx",
    "'x:1'",
    "\"y\"",
    "&a ",
    "*a",
    "<<: ",
    "{",
    "}",
    "[",
    "]",
    ", ",
    ": ",
    "# c",
    "|\n",
    ">-\n",
    "${A:-b}",
    "${",
    "!reset ",
    "\r\n",
    "é",
    "\t",
];

fn all_pinned(text: &str) {
    let images = Images::of(text.to_owned(), &|name| Some(name.to_owned()));
    let services = images.services.iter();
    let names = services.map(|it| (it.service.clone(), format!("app@{DIGEST}")));
    // That it ends, and without a panic, is all that is asked: what it makes it verifies itself.
    let _ = images.pinned(&names.collect());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_text_makes_it_panic(words in prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..60)) {
        all_pinned(&words.concat());
    }

    #[test]
    fn a_damaged_file_is_pinned_or_left(at in 0..WHOLE.len(), word in prop::sample::select(WORDS.to_vec())) {
        let mut text = WHOLE.to_owned();
        text.insert_str(at, word);
        all_pinned(&text);
    }
}

/// A file with every way to say it.
const WHOLE: &str = "x-a: &a\n  image: app:1\n  build: &b\n    context: .\nservices:\n  web:\n    build:\n      context: web\n      args: [A=1]\n    image: \"x/y:1\" # c\n  job: { <<: *a, restart: always }\n  api: {build: *b, image: z}\n  db: { image: 'mysql:8.4' }\n";
