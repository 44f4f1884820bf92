//! Projects of several files: what `include` and `extends` name is opened, and all of it is one
//! model.

use super::*;

/// The findings that matter here, with their words.
fn told(files: &[(&str, &str)]) -> String {
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(name, text)| (*name, text.as_bytes()))
        .collect();
    let directory = project(&files);
    let quiet = ["EB301".to_owned(), "EB305".to_owned(), "EB403".to_owned()];
    let on_disk = |path: &str| directory.path().join(path).exists();
    let verdict = lint(&Surroundings {
        in_bundle: &on_disk,
        ignore: &quiet,
        ..Surroundings::of(directory.path(), Path::new(FILE_NAME))
    });
    let lines: Vec<String> = verdict.findings.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[test]
fn references_are_followed_through_included_files() {
    let main = "include:\n  - db/db.yml\n  - path: [a.yml, b.yml]\nservices:\n  web:\n    image: 'w:1'\n    ports: ['80:80']\n    depends_on: [db, cach]\n    networks: [back, bak]\n    links: [merged]\n";
    let db = "services:\n  db:\n    image: 'd:1'\n    env_file: db.env\n    volumes: [data:/d, ./init:/i, ../shared:/s]\n    depends_on: [web]\nvolumes: { data: }\nnetworks: { back: }\n";
    let files = [
        (FILE_NAME, main),
        ("db/db.yml", db),
        ("db/db.env", "A=1\n"),
        ("shared/x", ""),
        (
            "a.yml",
            "services: { merged: { restart: always }, cache: { image: 'c:1', ports: ['80:81'] } }\n",
        ),
        ("b.yml", "services: { merged: { image: 'm' } }\n"),
    ];
    insta::assert_snapshot!(told(&files), @"
    docker-compose.yml:8:22: service `web` depends on `cach`, and there is no such service: did you mean `cache` (line 1 of a.yml)? [EB202]
    docker-compose.yml:9:22: service `web` uses the network `bak`, which is not declared under `networks`: did you mean `back`? [EB203]
    a.yml:1:42: service `cache` may be misspelt: others refer to `cach` [EB212]
    a.yml:1:73: port 80 of the host is taken by service `web` already: `cache` cannot start [EB302]
    b.yml:1:30: the image of service `merged` has no version: it has no tag, so instances may run what was not tested [EB308]
    db/db.yml:5:24: service `db` mounts ./init, which is not in the bundle: Docker makes an empty folder, which hides what the image has there [EB505]
    db/db.yml:6:18: services wait for each other: web -> db -> web [EB204]
    ");
}

#[test]
fn what_is_extended_counts_and_nothing_else_of_its_file() {
    let main = "services:\n  web:\n    extends: { file: base/base.yml, service: app }\n    image: 'w:1'\n    ports: ['80:80']\n  job: { extends: { file: base/base.yml, service: app } }\n  late: { extends: { file: base/base.yml, service: ap } }\n  own: { extends: wbe }\n  a: { extends: b }\n  b: { extends: a }\n";
    let base = "services:\n  app:\n    extends: { file: ../more.yml, service: deep }\n    image: 'app'\n    env_file: app.env\n    depends_on: [gone]\n    volumes: [data:/d]\n  other: { image: x, imag: y, depends_on: [nobody] }\n";
    let files = [
        (FILE_NAME, main),
        ("base/base.yml", base),
        (
            "more.yml",
            "services: { deep: { restart: allways, mem limit: 1m } }\n",
        ),
    ];
    insta::assert_snapshot!(told(&files), @"
    docker-compose.yml:2:3: service `web` may be misspelt: others refer to `wbe` [EB212]
    docker-compose.yml:7:52: service `late` extends `ap`, and there is no such service in base/base.yml: did you mean `app` (line 2 of base/base.yml)? [EB202]
    docker-compose.yml:8:19: service `own` extends `wbe`, and there is no such service: did you mean `web` (line 2)? [EB202]
    docker-compose.yml:9:8: services extend each other: a -> b -> a [EB204]
    docker-compose.yml:10:8: services extend each other: b -> a -> b [EB204]
    base/base.yml:4:12: the image of service `app` has no version: it has no tag, so instances may run what was not tested [EB308]
    base/base.yml:5:15: service `app` reads app.env, which is not in the bundle: Compose does not start [EB504]
    base/base.yml:6:18: service `web` depends on `gone`, and there is no such service [EB202]
    base/base.yml:6:18: service `job` depends on `gone`, and there is no such service [EB202]
    base/base.yml:7:15: service `app` uses the volume `data`, which is not declared under `volumes` [EB203]
    more.yml:1:30: `allways` is no restart policy: no, always, on-failure, unless-stopped are [EB217]
    more.yml:1:39: unknown key `mem limit` of a service: did you mean `mem_limit`? [EB102]
    ");
}

#[test]
fn a_service_stands_in_one_file() {
    let files = [
        (
            FILE_NAME,
            "include: [a.yml, b.yml]\nservices: { web: { image: 'w:1' } }\nnetworks: { n: }\n",
        ),
        (
            "a.yml",
            "include: [c.yml]\nservices: { web: { image: 'w:2' } }\nnetworks: { n: {} }\n",
        ),
        ("b.yml", "include: [c.yml]\n"),
        ("c.yml", "services: { c: { image: 'c:1' } }\n"),
    ];
    insta::assert_snapshot!(told(&files), @"a.yml:2:13: the service `web` stands on line 2 of docker-compose.yml too, and differs: Compose refuses to join them [EB220]");
}

#[test]
fn files_that_cannot_be_opened_are_told_where_they_are_named() {
    let files = [
        (
            FILE_NAME,
            "include:\n  - a.yml\n  - gone.yml\n  - nul.yml\n  - list.yml\n  - bad.yml\n  - ../up.yml\n  - https://x.example/y.git\n  - '${WHICH}.yml'\n  - { path: a.yml, project_directory: sub, env_file: no.env }\nservices: { web: { image: 'w:1', depends_on: [who] } }\n",
        ),
        ("a.yml", "include: [sub/b.yml]\n"),
        ("sub/b.yml", "include: [../a.yml]\n"),
        ("nul.yml", "a\0"),
        ("list.yml", "- a\n"),
        ("bad.yml", "PASSWORD: [x\n"),
    ];
    insta::assert_snapshot!(told(&files), @"
    docker-compose.yml:3:5: the compose file includes gone.yml, which is not in the bundle: Compose does not start [EB506]
    docker-compose.yml:4:5: nul.yml cannot be read: it holds a NUL character (byte 1) [EB001]
    docker-compose.yml:7:5: the compose file includes ../up.yml, which is not in the bundle: Compose does not start [EB506]
    docker-compose.yml:10:54: for what it includes the compose file reads no.env, which is not in the bundle: Compose does not start [EB506]
    a.yml:1:11: the compose file includes sub/b.yml, which is not in the bundle: Compose does not start [EB506]
    bad.yml:1:11: this is no YAML: unclosed bracket '[' [EB002]
    list.yml:1:1: this is no compose file: it must be a map with `services` [EB101]
    sub/b.yml:1:11: files include each other: a.yml -> sub/b.yml -> a.yml [EB204]
    ");
}

#[test]
fn each_file_is_put_right_and_only_where_it_is_wrong() {
    let directory = project(&[
        (
            FILE_NAME,
            b"include: [a/a.yml]\nservices:\n  web:\n    image: 'w:1' # mine\n    mem limit: 1g\n",
        ),
        (
            "a/a.yml",
            b"# theirs\nservices:\n  db:\n    image: 'd:1'\n    mem limit: 1g # stays\n",
        ),
    ]);
    let around = Surroundings::of(directory.path(), Path::new(FILE_NAME));
    let (verdict, done) = fix::apply(&around).expect("they can be written");
    assert_eq!(
        (verdict.count(Severity::Error), done.len()),
        (0, 2),
        "{}",
        brief(&verdict)
    );
    let read = |name: &str| std::fs::read_to_string(directory.path().join(name)).expect("it");
    assert_eq!(
        read(FILE_NAME),
        "include: [a/a.yml]\nservices:\n  web:\n    image: 'w:1' # mine\n    mem_limit: 1g\n"
    );
    assert_eq!(
        read("a/a.yml"),
        "# theirs\nservices:\n  db:\n    image: 'd:1'\n    mem_limit: 1g # stays\n"
    );
}

#[test]
fn another_compose_file_takes_the_place_of_the_one_it_extends() {
    let directory = project(&[
        ("prod.yml", b"services: { web: { extends: { file: docker-compose.yml, service: web }, ports: ['80:80'] } }\n"),
        (FILE_NAME, b"services: { web: { image: 'w:1' } }\n"),
    ]);
    let verdict = lint(&Surroundings::of(directory.path(), Path::new("prod.yml")));
    let errors: Vec<String> = verdict
        .of(Severity::Error)
        .map(ToString::to_string)
        .collect();
    insta::assert_snapshot!(errors.join("\n"), @"prod.yml:1:37: in the bundle docker-compose.yml is prod.yml itself: the file that is meant here stays out [EB506]");
}

#[test]
fn findings_of_another_file_are_switched_off_there() {
    let files = [
        (
            FILE_NAME,
            "include: [a.yml]\nservices: { web: { image: 'w:1' } }\n",
        ),
        (
            "a.yml",
            "services:\n  db:\n    image: d # beanship: ignore EB308\n    command: 'x'\n",
        ),
    ];
    assert_eq!(told(&files), "");
}

#[test]
fn images_of_all_files_are_pinned_where_they_stand() {
    let directory = project(&[
        (FILE_NAME, b"include: [a/a.yml]\nservices:\n  web: { image: 'w:1' }\n  late: { extends: { file: base.yml, service: x } }\n  same: { extends: web }\n"),
        ("a/a.yml", b"services:\n  db:\n    image: d:1 # theirs\n    build: { context: img, dockerfile: D }\n"),
        ("base.yml", b"services: { x: { image: 'x:1' }, other: { image: 'o:1' } }\n"),
    ]);
    let images = images::Images::read(directory.path(), Path::new(FILE_NAME), &|_| None);
    let told: Vec<String> = images
        .services
        .iter()
        .map(|it| {
            format!(
                "{} {} {:?}",
                it.service,
                it.written,
                it.build.as_ref().map(|it| (&it.context, &it.arguments))
            )
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    web w:1 None
    late x:1 None
    db d:1 Some(("a/img", ["--file", "a/img/D"]))
    "#);
    let names = ["web", "late", "db"].map(|it| (it.to_owned(), format!("{it}@sha256:0")));
    let made = images.pinned(&names.into()).expect("they can be pinned");
    let made: Vec<String> = made
        .into_iter()
        .map(|(name, text)| format!("== {name}\n{text}"))
        .collect();
    insta::assert_snapshot!(made.concat(), @"
    == docker-compose.yml
    include: [a/a.yml]
    services:
      web: { image: web@sha256:0 }
      late: { extends: { file: base.yml, service: x } }
      same: { extends: web }
    == a/a.yml
    services:
      db:
        image: db@sha256:0 # theirs
        # build: { context: img, dockerfile: D }
    == base.yml
    services: { x: { image: late@sha256:0 }, other: { image: 'o:1' } }
    ");
}

#[test]
fn hostile_projects_end_soon() {
    let many: Vec<String> = (0..100).map(|n| format!("f{n}.yml")).collect();
    let list = format!(
        "include: [{}]\nservices: {{ w: {{ image: 'x:1' }} }}\n",
        many.join(",")
    );
    let body = format!(
        "services: {{ {} }}\n",
        (0..9000)
            .map(|n| format!("s{n}: {{extends: s{}}}", n + 1))
            .collect::<Vec<_>>()
            .join(",")
    );
    let mut files: Vec<(&str, &[u8])> = vec![(FILE_NAME, list.as_bytes())];
    files.extend(many.iter().map(|name| (name.as_str(), body.as_bytes())));
    let directory = project(&files);
    let begun = std::time::Instant::now();
    let verdict = judged(directory.path());
    assert!(verdict.stop().is_err() && verdict.findings.len() < 1000);
    // The code is not optimised here, and other tests run beside it.
    assert!(
        begun.elapsed() < std::time::Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
}

#[cfg(unix)]
#[test]
fn neither_pipes_nor_links_out_of_the_project_are_read() {
    let outside = tempfile::tempdir().expect("a directory");
    std::fs::write(outside.path().join("x.yml"), "PASSWORD: [hunter2\n").expect("a file");
    let directory = project(&[(
        FILE_NAME,
        b"include: [link.yml, socket]\nservices: { web: { image: 'w:1' } }\n",
    )]);
    std::os::unix::fs::symlink(
        outside.path().join("x.yml"),
        directory.path().join("link.yml"),
    )
    .expect("a link");
    let _socket =
        std::os::unix::net::UnixListener::bind(directory.path().join("socket")).expect("a socket");
    let verdict = judged(directory.path());
    let errors: Vec<String> = verdict
        .of(Severity::Error)
        .map(ToString::to_string)
        .collect();
    insta::assert_snapshot!(errors.join("\n"), @"docker-compose.yml:1:21: socket cannot be read: it is no file [EB001]");
}

#[test]
fn a_switch_is_put_right_as_one_and_text_as_text() {
    let directory = project(&[(FILE_NAME, b"services:\n  web:\n    image: 'w:1'\n    privileged: yes # why\n    tty: Off\n    restart: no\n    environment: { init: on }\n")]);
    let around = Surroundings::of(directory.path(), Path::new(FILE_NAME));
    let (verdict, _) = fix::apply(&around).expect("it can be written");
    assert!(brief(&verdict).contains("EB401"), "{}", brief(&verdict));
    let text = std::fs::read_to_string(directory.path().join(FILE_NAME)).expect("it");
    assert_eq!(
        text,
        "services:\n  web:\n    image: 'w:1'\n    privileged: true # why\n    tty: false\n    restart: \"no\"\n    environment: { init: \"on\" }\n"
    );
}
