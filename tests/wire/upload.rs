//! The upload: in parts where the bundle is large, whatever happens on the way, and never twice.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Project, Run};

const MIB: usize = 1 << 20;

/// A project whose bundle has this size, as nothing of it can be compressed.
fn large(bytes: usize) -> Project {
    let project = Project::new();
    project.fill("film.bin", bytes);
    project
}

/// A word of trouble besides the speed.
fn with(project: Project, trouble: &str) -> Project {
    project.trouble(&format!("speed: 100\n{trouble}"))
}

fn succeeds(project: &Project) -> Value {
    let (report, code) = project.deploy(&["--env", "production"]);
    let ending = (report["outcome"].as_str(), code);
    assert_eq!(ending, (Some("succeeded"), Some(0)), "{report}");
    report
}

fn count(project: &Project, call: &str) -> usize {
    project.calls().iter().filter(|seen| *seen == call).count()
}

/// What the sandbox notes about an object.
fn object(project: &Project, key: &str) -> Value {
    let text = std::fs::read_to_string(project.bucket_index()).expect("the bucket's index");
    let index: Value = serde_json::from_str(&text).expect("JSON");
    index[key].clone()
}

/// The uploads that nobody finished, by id.
fn unfinished(project: &Project) -> Vec<String> {
    let uploads: Value = serde_json::from_str(&uploads(project)).expect("JSON");
    uploads
        .as_object()
        .map(|uploads| uploads.keys().cloned().collect())
        .unwrap_or_default()
}

fn uploads(project: &Project) -> String {
    let path = project.bucket_index().with_file_name("uploads.json");
    std::fs::read_to_string(path).unwrap_or_else(|_| "{}".into())
}

/// The object is what `beanship bundle` makes.
fn assert_arrived(project: &Project, report: &Value) {
    let label = report["version_label"].as_str().expect("a label");
    let object = object(project, &format!("shop/{label}.zip"));
    assert_eq!(
        object["head"]["metadata"]["bundle-sha256"],
        report["bundle"]["sha256"]
    );
    let file = object["file"].as_str().expect("a file");
    let data = project.bucket_index().with_file_name("data").join(file);
    let arrived = std::fs::read(data).expect("the object's bytes");
    let made = project.beanship(&["bundle", "-o", "here.zip"]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let file = project.path().join("here.zip");
    let here = std::fs::read(&file).expect("the bundle");
    std::fs::remove_file(file).expect("it is there");
    assert!(arrived == here, "the same bytes");
}

#[test]
fn a_large_bundle_goes_in_parts() {
    let project = large(20 * MIB);
    let report = succeeds(&project);
    assert_eq!(count(&project, "UploadPart 200"), 3);
    assert_eq!(count(&project, "PutObject 200"), 0);
    assert_eq!(count(&project, "CompleteMultipartUpload 200"), 1);
    assert_eq!(unfinished(&project), [""; 0]);
    assert!(!project.path().join(".beanship/upload.json").exists());
    let key = format!(
        "shop/{}.zip",
        report["version_label"].as_str().expect("one")
    );
    let object = object(&project, &key);
    assert!(
        object["sums"]["crc32"].is_string(),
        "S3 checked the whole: {object}"
    );
    assert_arrived(&project, &report);
}

#[test]
fn what_has_no_time_or_drops_is_sent_again_part_by_part() {
    let trouble = "errors: { every: 1, times: 5, status: 503, operations: [UploadPart] }\n\
                   cut: { every: 3, times: 2, operations: [UploadPart] }";
    let project = with(large(20 * MIB), trouble);
    let report = succeeds(&project);
    assert_eq!(count(&project, "UploadPart 503"), 5);
    assert_eq!(count(&project, "UploadPart null"), 2, "cut");
    assert_eq!(count(&project, "UploadPart 200"), 3, "what arrived stays");
    assert_arrived(&project, &report);
}

#[test]
fn a_small_bundle_is_sent_beyond_the_sdks_own_attempts() {
    let trouble = "errors: { every: 1, times: 4, status: 503, operations: [PutObject] }";
    let project = with(Project::new(), trouble);
    succeeds(&project);
    assert_eq!(count(&project, "PutObject 503"), 4);
    assert_eq!(count(&project, "PutObject 200"), 1);
}

#[test]
fn an_endpoint_that_stalls_does_not_hold_up_the_upload() {
    let trouble = "stall: { every: 2, times: 1, operations: [UploadPart] }";
    let project = with(large(20 * MIB), trouble);
    let begun = Instant::now();
    let report = succeeds(&project);
    assert!(
        begun.elapsed() < Duration::from_secs(60),
        "it gave up by itself"
    );
    assert_eq!(count(&project, "UploadPart 200"), 3);
    assert_arrived(&project, &report);
}

#[test]
fn lost_answers_are_known_as_our_own() {
    let trouble = "cut: { every: 1, when: after, times: 1, operations: [CompleteMultipartUpload] }";
    let project = with(large(17 * MIB), trouble);
    let report = succeeds(&project);
    assert_arrived(&project, &report);
}

#[test]
fn an_upload_that_does_not_end_in_time_is_aborted() {
    let stalled = "stall: { every: 2, operations: [UploadPart] }";
    let project = with(large(17 * MIB), stalled);
    let run = project.sandbox(&["deploy", "--env", "production", "--timeout", "3s"]);
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    assert!(
        run.stderr.contains("timed out before the update"),
        "{}",
        run.stderr
    );
    assert_eq!(count(&project, "AbortMultipartUpload 204"), 1);
    assert_eq!(unfinished(&project), [""; 0]);
    let data = project.bucket_index().with_file_name("data");
    let left = std::fs::read_dir(data).expect("a folder").count();
    assert_eq!(left, 0, "no parts are left");
}

#[cfg(unix)]
#[test]
fn an_interrupted_upload_is_aborted() {
    for signal in ["-INT", "-TERM"] {
        let project = with(
            large(20 * MIB),
            "stall: { every: 2, operations: [UploadPart] }",
        );
        let child = project.start(&["--sandbox", "deploy", "--env", "production"]);
        project.until("UploadPart 200", 1);
        project.signal(&child, signal);
        let run = Run::of(&child.wait_with_output().expect("an end"));
        assert_eq!(run.code, Some(130), "{}", run.stderr);
        assert!(
            run.stderr
                .contains("interrupted: the environment was not touched"),
            "{}",
            run.stderr
        );
        assert_eq!(count(&project, "AbortMultipartUpload 204"), 1, "{signal}");
        assert_eq!(unfinished(&project), [""; 0]);
    }
}

#[cfg(unix)]
#[test]
fn a_run_after_a_killed_one_goes_on_with_what_has_arrived() {
    let project = with(
        large(28 * MIB),
        "stall: { every: 2, operations: [UploadPart] }",
    );
    let mut child = project.start(&["--sandbox", "deploy", "--env", "production"]);
    project.until("UploadPart 200", 2);
    child.kill().expect("it is killed");
    child.wait().expect("an end");
    let left = unfinished(&project);
    assert_eq!(left.len(), 1);
    // However long ago that was.
    let mut old: Value = serde_json::from_str(&uploads(&project)).expect("JSON");
    old[&left[0]]["created"] = "2020-01-01T00:00:00Z".into();
    let path = project.bucket_index().with_file_name("uploads.json");
    std::fs::write(path, old.to_string()).expect("written");
    let project = project.trouble("speed: 100");
    project.forget_calls();
    let run = project.sandbox(&["deploy", "--env", "production", "--output", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(
        run.stderr
            .contains("note: going on with an upload that was left: "),
        "{}",
        run.stderr
    );
    assert_eq!(count(&project, "CreateMultipartUpload 200"), 0);
    assert_eq!(count(&project, "UploadPart 200"), 2, "the other two");
    assert_eq!(unfinished(&project), [""; 0]);
    assert_arrived(&project, &run.json());
}

#[cfg(unix)]
#[test]
fn an_upload_that_was_left_is_not_gone_on_with_for_other_content() {
    let project = with(
        large(20 * MIB),
        "stall: { every: 2, operations: [UploadPart] }",
    );
    let arguments = [
        "--sandbox",
        "deploy",
        "--env",
        "production",
        "--version-label",
        "v1",
    ];
    let mut child = project.start(&arguments);
    project.until("UploadPart 200", 1);
    child.kill().expect("it is killed");
    child.wait().expect("an end");
    let left = unfinished(&project);
    let project = project.trouble("speed: 100");
    project.write("small.txt", "another content");
    project.forget_calls();
    let (report, code) = project.deploy(&["--env", "production", "--version-label", "v1"]);
    assert_eq!(code, Some(0), "{report}");
    assert_eq!(count(&project, "UploadPart 200"), 3, "all of them");
    assert_eq!(
        unfinished(&project),
        left,
        "it is young, and cleaned up when it is old"
    );
    assert_arrived(&project, &report);
}

#[test]
fn old_leftovers_below_our_own_folder_are_cleaned_up() {
    let project = Project::new();
    succeeds(&project);
    let left = |key: &str, created: &str| serde_json::json!({ "key": key, "created": created, "head": { "metadata": {} }, "parts": {} });
    let (old, young) = ("2020-01-01T00:00:00Z", &now());
    let uploads = serde_json::json!({
        "old": left("shop/old.zip", old),
        "young": left("shop/young.zip", young),
        "deeper": left("shop/assets/film.zip", old),
        "film": left("shop/film.mp4", old),
        "others": left("other/old.zip", old),
    });
    let path = project.bucket_index().with_file_name("uploads.json");
    std::fs::write(&path, uploads.to_string()).expect("uploads");
    project.fill("film.bin", 17 * MIB);
    succeeds(&project);
    assert_eq!(unfinished(&project), ["deeper", "film", "others", "young"]);
}

#[test]
fn cleaning_up_never_fails_a_deploy() {
    let denied = "deny: [\"s3:ListBucketMultipartUploads\", \"s3:AbortMultipartUpload\"]";
    let project = with(large(17 * MIB), denied);
    succeeds(&project);
    assert_eq!(count(&project, "ListMultipartUploads 403"), 1);
}

#[test]
fn what_arrived_before_a_run_was_killed_is_not_sent_again() {
    let project = with(
        Project::new(),
        "deny: [elasticbeanstalk:CreateApplicationVersion]",
    );
    assert_eq!(project.deploy(&["--env", "production"]).1, Some(3));
    let project = project.trouble("speed: 100");
    project.forget_calls();
    let run = project.sandbox(&["deploy", "--env", "production"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(!run.stderr.contains("source bundle"), "{}", run.stderr);
    assert_eq!(count(&project, "PutObject 200"), 0);
    assert_eq!(count(&project, "CreateApplicationVersion 200"), 1);
}

#[test]
fn another_content_under_the_key_is_never_used() {
    let project = Project::new();
    let arguments = ["--env", "production", "--version-label", "v1"];
    let deny = "deny: [elasticbeanstalk:CreateApplicationVersion]";
    let project = with(project, deny);
    assert_eq!(project.deploy(&arguments).1, Some(3));
    let project = project.trouble("speed: 100");
    project.write("new.txt", "new");
    project.forget_calls();
    let run = project.sandbox(&["deploy", "--env", "production", "--version-label", "v1"]);
    insta::assert_snapshot!(run.shown(&project), @"
    ------- stderr -------
    Deploying shop to shop-prod (eu-central-1, in the sandbox)
    error: s3://elasticbeanstalk-eu-central-1-DIGEST/shop/v1.zip is taken: it holds another bundle
    hint: give another label: `--version-label LABEL`, or none to have one made
    [exit 2]
    ");
    assert_eq!(project.writes(), [""; 0]);
    // A label that was made gets a number instead.
    let (report, _) = project.deploy(&["--env", "production", "--plan"]);
    let label = report["version_label"]
        .as_str()
        .expect("a label")
        .to_owned();
    let index = std::fs::read_to_string(project.bucket_index()).expect("the bucket's index");
    let taken = index.replace("shop/v1.zip", &format!("shop/{label}.zip"));
    std::fs::write(project.bucket_index(), taken).expect("the new index");
    let report = succeeds(&project);
    assert_eq!(report["version_label"], format!("2-{label}"));
    assert_arrived(&project, &report);
}

#[cfg(unix)]
#[test]
fn a_bundle_that_is_known_is_made_again_where_it_is_needed() {
    let project = Project::new();
    let first = succeeds(&project);
    let noted = project.path().join(".beanship/bundles.json");
    let begun = Instant::now();
    // Files are only known once they have not been written to for a while.
    while !noted.exists() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "it is never noted"
        );
        assert_eq!(project.deploy(&["--env", "production"]).1, Some(0));
    }
    let unchanged = project.deploy(&["--env", "production"]).0;
    assert_eq!(unchanged["outcome"], "unchanged");
    assert_eq!(unchanged["bundle"]["sha256"], first["bundle"]["sha256"]);
    let label = first["version_label"].as_str().expect("a label");
    project.lose_bundle(&format!("shop/{label}.zip"));
    let again = project.deploy(&["--env", "staging"]).0;
    assert_eq!(again["outcome"], "succeeded", "{again}");
    assert_eq!(count(&project, "PutObject 200"), 2);
    assert_arrived(&project, &again);
    project.write("new.txt", "new");
    let changed = succeeds(&project);
    assert_ne!(changed["bundle"]["sha256"], first["bundle"]["sha256"]);
    assert_arrived(&project, &changed);
    let left = std::fs::read_dir(project.path().join(".beanship")).expect("a folder");
    let names = left.flatten().map(|file| file.file_name().into_string());
    let mut names: Vec<_> = names.flatten().collect();
    names.sort();
    assert_eq!(
        names,
        [".gitignore", "bundles.json", "sandbox"],
        "nothing else is left"
    );
}

#[test]
fn bundles_are_encrypted_as_the_project_file_says() {
    let config = |lines: &str| format!("{}{lines}", crate::support::CONFIG);
    let kms = config("bucket_sse: aws:kms\nbucket_kms_key_id: alias/bundles\n");
    let project = Project::new().file("beanship.yml", &kms);
    let report = succeeds(&project);
    let key = |report: &Value| {
        format!(
            "shop/{}.zip",
            report["version_label"].as_str().expect("a label")
        )
    };
    let wanted = serde_json::json!({ "algorithm": "aws:kms", "key": "alias/bundles" });
    assert_eq!(
        object(&project, &key(&report))["head"]["encryption"],
        wanted
    );
    project.fill("film.bin", 17 * MIB);
    let report = succeeds(&project);
    assert_eq!(
        object(&project, &key(&report))["head"]["encryption"],
        wanted
    );
    project.write("beanship.yml", &config("bucket_sse: AES256\n"));
    project.write("new.txt", "new");
    let report = succeeds(&project);
    let wanted = serde_json::json!({ "algorithm": "AES256", "key": null });
    assert_eq!(
        object(&project, &key(&report))["head"]["encryption"],
        wanted
    );
}

fn now() -> String {
    jiff::Timestamp::now().to_string()
}
