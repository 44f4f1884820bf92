//! The checks as a whole: a real file full of faults, and files without any.

mod hostile;
mod several;

use std::path::Path;

use super::finding::Severity;
use super::*;

/// A file that someone deployed.
const SAMPLE: &str = include_str!("../../tests/compose-files/faulty/docker-compose.yml");

fn project(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    for (name, content) in files {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, content).expect("a file");
    }
    directory
}

/// What is found in a project, with what is in the bundle going by the disk.
fn judged(directory: &Path) -> Verdict {
    let on_disk = |path: &str| directory.join(path).exists();
    lint(&Surroundings {
        in_bundle: &on_disk,
        ..Surroundings::of(directory, Path::new(FILE_NAME))
    })
}

fn of_text(text: &[u8]) -> Verdict {
    let directory = project(&[(FILE_NAME, text)]);
    judged(directory.path())
}

/// `line id` of each finding.
fn brief(verdict: &Verdict) -> String {
    let line = |finding: &Finding| match finding.file.as_str() {
        FILE_NAME => format!("{} {}", finding.line, finding.rule.id),
        file => format!("{file}:{} {}", finding.line, finding.rule.id),
    };
    verdict
        .findings
        .iter()
        .map(line)
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn every_fault_of_the_sample_is_found_at_its_line() {
    let verdict = of_text(SAMPLE.as_bytes());
    for line in [1, 4, 5, 8, 10, 14, 16, 17, 19, 23, 27, 29, 31, 34] {
        assert!(
            verdict.findings.iter().any(|finding| finding.line == line),
            "line {line}:\n{}",
            brief(&verdict)
        );
    }
    assert!(
        !format!("{:?}", verdict.findings).contains("1234"),
        "no password is shown"
    );
}

#[test]
fn what_can_be_put_right_is_and_the_rest_stays_as_it_was() {
    let directory = project(&[(FILE_NAME, SAMPLE.as_bytes())]);
    let around = Surroundings::of(directory.path(), Path::new(FILE_NAME));
    let (verdict, done) = fix::apply(&around).expect("it can be written");
    assert_eq!(verdict.count(Severity::Error), 0, "{}", brief(&verdict));
    assert_eq!(done.len(), 6);
    let fixed = std::fs::read_to_string(directory.path().join(FILE_NAME)).expect("the file");
    let expected = SAMPLE
        .replace("version: 2.4\n", "")
        .replace("frotend:", "frontend:")
        .replace("mem limit", "mem_limit")
        .replace("-80:80", "- \"80:80\"");
    assert_eq!(fixed, expected);
    assert!(
        fix::apply(&around).expect("again").1.is_empty(),
        "nothing is left to do"
    );
}

#[test]
fn files_of_every_style_pass_without_errors() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compose-files");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the folder").flatten() {
        let Ok(text) = std::fs::read(entry.path()) else {
            continue;
        };
        let directory = project(&[(FILE_NAME, &text)]);
        // Everything that a file names is in the bundle.
        let in_bundle = |path: &str| path != ".env" && !path.starts_with(".platform");
        let verdict = lint(&Surroundings {
            in_bundle: &in_bundle,
            ..Surroundings::of(directory.path(), Path::new(FILE_NAME))
        });
        if let Err(error) = verdict.stop() {
            panic!("{}: {error}", entry.path().display());
        }
        assert!(matches!(verdict.subject, Subject::Compose(_)));
        count += 1;
    }
    assert!(count >= 25, "{count} files");
}

/// A text, and the rule that it breaks.
const CASES: [(&str, &str); 40] = [
    ("services: {a: {}}", "EB201"),
    ("services: {a: {image: 'x:1', depends_on: [b]}}", "EB202"),
    (
        "services: {a: {image: 'x:1', network_mode: 'service:b'}}",
        "EB202",
    ),
    ("services: {a: {image: 'x:1', networks: [n]}}", "EB203"),
    (
        "services: {a: {image: 'x:1', volumes: ['vol:/v']}}",
        "EB203",
    ),
    (
        "services: {a: {image: 'x:1', depends_on: [b]}, b: {image: 'x:1', depends_on: [a]}}",
        "EB204",
    ),
    (
        "services: {a: {image: 'x:1', network_mode: host, networks: [default]}}",
        "EB205",
    ),
    (
        "services: {a: {image: 'x:1', healthcheck: {test: [curl, x]}}}",
        "EB206",
    ),
    (
        "services: {a: {image: 'x:1', mem_limit: 128m, deploy: {resources: {limits: {cpus: '1'}}}}}",
        "EB207",
    ),
    (
        "services: {a: {image: 'x:1', container_name: aa, scale: 2}}",
        "EB208",
    ),
    (
        "services: {a: {image: 'x:1', volumes: ['/a:/p', '/b:/p/']}}",
        "EB209",
    ),
    ("services: {a: {image: 'x:1'}}\nsecrets: {s: {}}", "EB210"),
    (
        "services: {a: {build: {context: ., platforms: [linux/arm64]}, platform: linux/amd64}}",
        "EB211",
    ),
    ("services: {a: {image: 'x:${A:b}'}}", "EB214"),
    ("services: {a: {image: 'x:1', ports: ['80:web']}}", "EB215"),
    ("services: {a: {image: 'x:1', mem_limit: 12x}}", "EB216"),
    (
        "services: {a: {image: 'x:1', stop_grace_period: '10'}}",
        "EB216",
    ),
    ("services: {a: {image: 'x:1', restart: allways}}", "EB217"),
    (
        "services: {a: {image: 'x:1', depends_on: [b]}, b: {image: 'x:1', profiles: [p]}}",
        "EB218",
    ),
    ("services: {a: {image: 'x:1', volumes: ['./a:b']}}", "EB219"),
    ("services: {a: {image: 'x:1', ports: ['8080:80']}}", "EB301"),
    (
        "services: {a: {image: 'x:1', ports: ['80:80']}, b: {image: 'x:1', ports: ['80:8080']}}",
        "EB302",
    ),
    ("services: {a: {image: 'x:1', ports: ['22:22']}}", "EB304"),
    (
        "services: {a: {image: 'x:1'}}\nnetworks: {n: {external: true}}",
        "EB306",
    ),
    ("services: {a: {image: mysql:8}}", "EB310"),
    (
        "services: {a: {image: 'x:1', volumes: ['~/.aws:/root/.aws']}}",
        "EB313",
    ),
    (
        "services: {a: {image: 'x:1', ports: ['80:80'], scale: 2}}",
        "EB315",
    ),
    ("services: {a: {image: 'x:1', privileged: true}}", "EB401"),
    (
        "services: {a: {image: 'x:1', network_mode: host, ports: ['80:80']}}",
        "EB402",
    ),
    ("services: {a: {image: 'x:1', mem_limit: 128}}", "EB404"),
    ("services: {a: {build: ../x}}", "EB503"),
    ("services: {a: {image: 'x:1', env_file: web.env}}", "EB504"),
    ("include: [other.yml]", "EB506"),
    ("services: {a: {image: 'x:1', image: 'x:2'}}", "EB003"),
    ("services: {a: {<<: 1, image: 'x:1'}}", "EB004"),
    ("services: {a: {image: 'x:1', restart: no}}", "EB005"),
    ("services: {a b: {image: 'x:1'}}", "EB106"),
    ("services: {a: {image: 'x:1', command: [run, 8]}}", "EB103"),
    ("web: {image: 'x:1'}", "EB101"),
    ("services: [", "EB002"),
];

#[test]
fn each_rule_of_compose_is_applied() {
    for (text, id) in CASES {
        let verdict = of_text(text.as_bytes());
        let found = verdict.findings.iter().any(|finding| finding.rule.id == id);
        assert!(found, "{text}: {id} is not among\n{}", brief(&verdict));
    }
}

#[test]
fn the_other_files_of_the_bundle_are_judged() {
    let compose = b"services: {web: {image: 'x:1', ports: ['80:80']}}";
    let login: &[u8] = b"#!/bin/sh\r\ndocker login\r\n";
    let directory = project(&[
        (FILE_NAME, compose),
        (".env", b"A=1"),
        ("compose.yaml", compose),
        ("Dockerrun.aws.json", br#"{"AWSEBDockerrunVersion": 2}"#),
        (".ebextensions/a.config", b"option_setings: {}"),
        (".ebextensions/b.yml", b"x: 1"),
        (".platform/hooks/prebuild/login.sh", login),
        (".platform/nginx/nginx.conf", b""),
    ]);
    let found = brief(&judged(directory.path()));
    for id in [
        "EB502", "EB507", "EB510", "EB511", "EB512", "EB513", "EB516", "EB517",
    ] {
        assert!(found.contains(id), "{id}:\n{found}");
    }
}

#[test]
fn a_single_container_needs_no_compose_file() {
    let cases: [(&str, &[u8], &str); 5] = [
        ("Dockerfile", b"FROM nginx:1.28\nEXPOSE 80\n", ""),
        ("Dockerfile", b"RUN x\n", "EB518 EB519"),
        ("Dockerrun.aws.json", br#"{"AWSEBDockerrunVersion": "1", "Image": {"Name": "x:1"}, "Ports": [{"ContainerPort": 80}]}"#, ""),
        ("Dockerrun.aws.json", br#"{"AWSEBDockerrunVersion": "3"}"#, "EB508"),
        ("docker-compose.yaml", b"services: {}", "EB501"),
    ];
    for (name, content, expected) in cases {
        let verdict = judged(project(&[(name, content)]).path());
        let ids: Vec<_> = verdict
            .findings
            .iter()
            .map(|finding| finding.rule.id)
            .collect();
        assert_eq!(ids.join(" "), expected, "{name}");
    }
}

#[test]
fn findings_are_switched_off_by_a_comment_and_by_the_project_file() {
    let text =
        b"services:\n  web:\n    image: nginx # beanship: ignore EB308\n    ports: ['80:80']\n";
    let directory = project(&[(FILE_NAME, text)]);
    let ignore = ["EB305".to_owned(), "eb403".to_owned()];
    let verdict = lint(&Surroundings {
        in_bundle: &|_| false,
        ignore: &ignore,
        ..Surroundings::of(directory.path(), Path::new(FILE_NAME))
    });
    assert_eq!(brief(&verdict), "");
}
