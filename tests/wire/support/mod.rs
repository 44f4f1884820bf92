//! A project in a directory of its own, and the executable in an environment with nothing else.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A compose file that the sandbox deploys well.
pub const COMPOSE: &str =
    "services:\n  web:\n    image: nginx:1.27\n    ports: [\"80:80\"]\n    env_file: .env\n";

/// A project file with two environments.
pub const CONFIG: &str = "app: shop\nregion: eu-central-1\nenvironments:\n  production: { name: shop-prod }\n  staging: { name: shop-staging }\n";

/// A project directory.
pub struct Project {
    directory: TempDir,
    variables: Vec<(OsString, OsString)>,
}

/// What a run of the executable left.
#[must_use]
pub struct Run {
    pub stdout: String,
    pub stderr: String,
    pub code: Option<i32>,
}

impl Project {
    /// A project whose sandbox runs a hundred times as fast.
    pub fn new() -> Self {
        Self::empty()
            .file("beanship.yml", CONFIG)
            .file("docker-compose.yml", COMPOSE)
            .trouble("speed: 100")
    }

    /// A directory with nothing in it.
    pub fn empty() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let home = directory.path().join("..").into_os_string();
        let variables = vec![
            ("PATH".into(), std::env::var_os("PATH").unwrap_or_default()),
            ("HOME".into(), home),
            ("TZ".into(), "UTC".into()),
            ("AWS_EC2_METADATA_DISABLED".into(), "true".into()),
            ("GIT_CONFIG_GLOBAL".into(), "/dev/null".into()),
            ("GIT_CONFIG_NOSYSTEM".into(), "1".into()),
        ];
        Self {
            directory,
            variables,
        }
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn file(self, name: &str, content: &str) -> Self {
        self.write(name, content);
        self
    }

    pub fn write(&self, name: &str, content: &str) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, content).expect("a file");
    }

    /// Writes a file that does not compress: every byte depends on all before.
    pub fn fill(&self, name: &str, bytes: usize) {
        let mut state = 1_u64;
        let noise = (0..bytes).map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        });
        std::fs::write(self.path().join(name), noise.collect::<Vec<u8>>()).expect("a file");
    }

    /// Sends a signal to a program that runs.
    pub fn signal(&self, child: &Child, signal: &str) {
        let sent = self
            .prepare("kill")
            .args([signal, &child.id().to_string()])
            .status();
        assert!(sent.expect("kill runs").success());
    }

    /// Sets the sandbox's `trouble.yml`.
    pub fn trouble(self, yaml: &str) -> Self {
        self.write(".beanship/sandbox/trouble.yml", yaml);
        self
    }

    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self
    }

    /// Makes it a git repository with everything committed.
    pub fn git(self, branch: &str) -> Self {
        self.write(".gitignore", ".beanship/\n");
        self.run_git(&["init", "-q", "-b", branch]);
        self.commit("the first commit");
        self
    }

    pub fn commit(&self, subject: &str) {
        self.run_git(&["add", "-A"]);
        self.run_git(&[
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@example.org",
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            subject,
        ]);
    }

    pub fn run_git(&self, arguments: &[&str]) {
        let done = self
            .prepare("git")
            .args(arguments)
            .status()
            .expect("git runs");
        assert!(done.success(), "git {arguments:?}");
    }

    /// Runs `beanship` with these arguments.
    pub fn beanship(&self, arguments: &[&str]) -> Run {
        let output = self.command(arguments).output().expect("beanship runs");
        Run::of(&output)
    }

    /// Runs `beanship --sandbox` with these arguments.
    pub fn sandbox(&self, arguments: &[&str]) -> Run {
        self.beanship(&[&["--sandbox"], arguments].concat())
    }

    /// Runs a deploy in the sandbox and reads its document.
    pub fn deploy(&self, arguments: &[&str]) -> (Value, Option<i32>) {
        let run = self.sandbox(&[&["deploy", "--output", "json"], arguments].concat());
        (run.json(), run.code)
    }

    /// Runs `beanship` with a text on stdin.
    pub fn with_stdin(&self, arguments: &[&str], text: &str) -> Run {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("beanship starts");
        let mut stdin = child.stdin.take().expect("stdin");
        std::io::Write::write_all(&mut stdin, text.as_bytes()).expect("stdin takes it");
        drop(stdin);
        Run::of(&child.wait_with_output().expect("beanship ends"))
    }

    /// Starts `beanship` without waiting for its end.
    pub fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("beanship starts")
    }

    /// Runs `beanship` with a stdout that takes nothing.
    #[cfg(target_os = "linux")]
    pub fn with_full_disk(&self, arguments: &[&str]) -> Run {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
        let mut command = self.command(arguments);
        command.stdout(full.expect("a full disk"));
        Run::of(&command.output().expect("beanship runs"))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.prepare(env!("CARGO_BIN_EXE_beanship"));
        command.args(arguments);
        command
    }

    fn prepare(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.path())
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// What the sandbox was asked, as `operation status`, in order.
    pub fn calls(&self) -> Vec<String> {
        let log = self.path().join(".beanship/sandbox/requests.jsonl");
        let text = std::fs::read_to_string(log).unwrap_or_default();
        let call = |line: &str| {
            let call: Value = serde_json::from_str(line).expect("a line of JSON");
            format!(
                "{} {}",
                call["operation"].as_str().unwrap_or("?"),
                call["status"]
            )
        };
        text.lines().map(call).collect()
    }

    /// Waits until the sandbox has answered a call like this so many times.
    pub fn until(&self, call: &str, times: usize) {
        let begun = std::time::Instant::now();
        while self.calls().iter().filter(|seen| *seen == call).count() < times {
            let waited = begun.elapsed();
            assert!(waited.as_secs() < 60, "no {call}: {:?}", self.calls());
            std::thread::yield_now();
        }
    }

    /// Forgets the calls so far.
    pub fn forget_calls(&self) {
        let log = self.path().join(".beanship/sandbox/requests.jsonl");
        if log.exists() {
            std::fs::write(log, "").expect("an empty log");
        }
    }

    /// The calls that change something.
    pub fn writes(&self) -> Vec<String> {
        let reads = ["Describe", "Get", "Head", "List", "Simulate", "Validate"];
        self.calls()
            .into_iter()
            .filter(|call| !reads.iter().any(|read| call.starts_with(read)))
            .collect()
    }

    /// The sandbox's list of what is in Elastic Beanstalk's bucket.
    pub fn bucket_index(&self) -> PathBuf {
        let bucket = "elasticbeanstalk-eu-central-1-123456789012";
        self.path()
            .join(format!(".beanship/sandbox/s3/{bucket}/objects.json"))
    }

    /// Takes an object away behind Elastic Beanstalk's back.
    pub fn lose_bundle(&self, key: &str) {
        let index = std::fs::read_to_string(self.bucket_index()).expect("the bucket's index");
        std::fs::write(self.bucket_index(), index.replace(key, "lost")).expect("the new index");
    }

    /// Every file below the directory, without git's and the sandbox's own.
    pub fn files(&self) -> Vec<PathBuf> {
        fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
            for entry in std::fs::read_dir(directory).expect("a directory").flatten() {
                let path = entry.path();
                if path.is_dir() {
                    walk(&path, found);
                } else {
                    found.push(path);
                }
            }
        }
        let mut found = Vec::new();
        walk(self.path(), &mut found);
        found.sort();
        found
    }
}

impl Run {
    pub fn of(output: &std::process::Output) -> Self {
        Self {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code(),
        }
    }

    /// The one document on stdout.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|why| panic!("{why}: {}\n{}", self.stdout, self.stderr))
    }

    /// stdout, stderr and exit code as a person sees them, with what differs from run to run
    /// replaced.
    pub fn shown(&self, project: &Project) -> String {
        let text = format!(
            "{}------- stderr -------\n{}[exit {}]",
            self.stdout,
            self.stderr,
            self.code.unwrap_or(-1)
        );
        let canonical = std::fs::canonicalize(project.path()).expect("the directory");
        let text = text.replace(&canonical.display().to_string(), "DIR");
        steady(&text)
    }
}

/// Replaces digests, ids, times and durations.
fn steady(text: &str) -> String {
    let rules = [
        (r"\b[0-9a-f]{12}\b", "DIGEST"),
        (r"\b[0-9a-f]{7}-", "COMMIT-"),
        (r"\.eba-[0-9a-z]{8}\.", ".eba-ID."),
        (r"\b(i|igw|rtb|sg|subnet|vpc)-[0-9a-f]{17}\b", "$1-ID"),
        (r"-final-\d{8}-\d{6}", "-final-DATE"),
        (r"\be-[0-9a-z]{10}\b", "e-ID"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "DATE"),
        (r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6}", "DATE"),
        (r"\b\d{8}T\d{6}Z-", "DATE-"),
        (r"\d\d:\d\d:\d\d", "TIME"),
        (r"\b\d+\.\d s\b", "N s"),
        (r"running for \d+ seconds", "running for N seconds"),
        (r"\b\d+ B\b", "N B"),
        (r"request id: [0-9a-f-]+", "request id: ID"),
    ];
    rules.iter().fold(text.to_owned(), |text, (pattern, with)| {
        regex::Regex::new(pattern)
            .expect("a pattern")
            .replace_all(&text, *with)
            .into_owned()
    })
}
