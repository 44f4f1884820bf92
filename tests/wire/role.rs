//! The role of `BEANSHIP_ROLE`: GitHub vouches for the job, and the role is assumed anew whenever
//! its session runs out.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Child;
use std::sync::{Arc, Mutex};

use crate::support::{Project, Run};

const ROLE: &str = "arn:aws:iam::123456789012:role/shop-deployer";

/// A server that answers each request by a function, and keeps the requests' heads.
struct Server {
    address: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(answer: impl Fn(usize, &[u8]) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let kept = heads.clone();
        std::thread::spawn(move || {
            for (count, stream) in listener.incoming().flatten().enumerate() {
                let (head, whole) = request(&stream);
                kept.lock().expect("the heads").push(head);
                // Who has asked may have gone.
                let _ = (&stream).write_all(&answer(count, &whole));
            }
        });
        Self { address, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("the heads").clone()
    }
}

/// The first lines of a request, and all of it.
fn request(stream: &TcpStream) -> (String, Vec<u8>) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        let read = reader.read_line(&mut line).unwrap_or(0);
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        head.push_str(&line);
        if read == 0 || line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("the body");
    let whole = [head.as_bytes(), &body].concat();
    (head, whole)
}

fn answer(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
        .into_bytes()
}

/// GitHub's endpoint for tokens, which fails at first.
fn github() -> Server {
    Server::start(|count, _| match count {
        0 => answer("503 Service Unavailable", "busy"),
        _ => answer("200 OK", r#"{"value":"head.body.signature"}"#),
    })
}

/// The sandbox's STS, whose sessions seem to last for two seconds only.
fn short_lived(sandbox: &str) -> Server {
    let sandbox = sandbox.trim_start_matches("http://").to_owned();
    Server::start(move |_, request| {
        let mut upstream = TcpStream::connect(&sandbox).expect("the sandbox");
        let text =
            String::from_utf8_lossy(request).replacen("\r\n", "\r\nconnection: close\r\n", 1);
        upstream.write_all(text.as_bytes()).expect("a request");
        let mut told = String::new();
        upstream.read_to_string(&mut told).expect("an answer");
        let (_, body) = told.split_once("\r\n\r\n").expect("a body");
        let Some((before, rest)) = body.split_once("<Expiration>") else {
            return answer("200 OK", body);
        };
        let (_, after) = rest.split_once("</Expiration>").expect(body);
        let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(2);
        let soon = soon.strftime("%Y-%m-%dT%H:%M:%SZ");
        answer(
            "200 OK",
            &format!("{before}<Expiration>{soon}</Expiration>{after}"),
        )
    })
}

/// The sandbox as a server of its own; it ends with the value.
struct Serving(Child, String, serde_json::Value);

impl Serving {
    fn start(project: &Project) -> Self {
        let mut child = project.start(&["--sandbox", "sandbox", "--output", "json"]);
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout"));
        let mut text = String::new();
        while !text.ends_with("}\n") {
            assert_ne!(stdout.read_line(&mut text).expect("a line"), 0, "{text}");
        }
        let document: serde_json::Value = serde_json::from_str(&text).expect("a document");
        let endpoint = document["AWS_ENDPOINT_URL"].as_str().expect("an endpoint");
        Self(child, endpoint.to_owned(), document)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn job(project: Project, sandbox: &Serving) -> Project {
    project
        .variable("AWS_ENDPOINT_URL", &sandbox.1)
        .variable("GITHUB_ACTIONS", "true")
        .variable("GITHUB_RUN_ID", "4711")
        .variable("BEANSHIP_ROLE", ROLE)
}

#[test]
fn github_vouches_and_the_role_is_assumed_again_when_its_session_ends() {
    let project = Project::new().trouble("speed: 2");
    let sandbox = Serving::start(&project);
    let (github, sts) = (github(), short_lived(&sandbox.1));
    let url = format!("http://{}/token?api=2", github.address);
    let project = job(project, &sandbox)
        .variable("AWS_ENDPOINT_URL_STS", &format!("http://{}", sts.address))
        .variable("ACTIONS_ID_TOKEN_REQUEST_URL", &url)
        .variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "the-job");
    let run = project.beanship(&["deploy", "--env", "production", "--output", "json"]);
    assert_eq!(run.code, Some(0), "{}\n{}", run.stdout, run.stderr);
    let heads = github.heads();
    assert!(heads.len() > 2, "a token for each session: {heads:?}");
    let first = heads[0].to_lowercase();
    assert!(
        first.starts_with("get /token?api=2&audience=sts.amazonaws.com "),
        "{first}"
    );
    assert!(first.contains("authorization: bearer the-job"), "{first}");
    assert!(
        !run.stderr.contains("head.body.signature"),
        "{}",
        run.stderr
    );
    let calls = project.calls();
    let assumed = calls
        .iter()
        .filter(|call| *call == "AssumeRoleWithWebIdentity 200");
    assert_eq!(assumed.count(), heads.len() - 1, "{calls:?}");
}

#[test]
fn a_job_without_a_token_is_told_which_permission_it_lacks() {
    let project = Project::new();
    let sandbox = Serving::start(&project);
    let project = job(project, &sandbox);
    let run = project.beanship(&["deploy", "--env", "production"]);
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    insta::assert_snapshot!(run.shown(&project), @"
    ::group::Bundle
    Deploying shop to shop-prod (eu-central-1)
    ::endgroup::
    ::error title=beanship::the role of BEANSHIP_ROLE cannot be assumed: GitHub gives this job no token
    ------- stderr -------
    error: the role of BEANSHIP_ROLE cannot be assumed: GitHub gives this job no token
    hint: let the job have one: `permissions: { contents: read, id-token: write }`
    [exit 3]
    ");
}

#[test]
fn a_role_that_does_not_trust_the_job_is_named() {
    let project = Project::new();
    let sandbox = Serving::start(&project);
    let github = github();
    let url = format!("http://{}/token?api=2", github.address);
    let project = job(project, &sandbox)
        .variable("BEANSHIP_ROLE", "arn:aws:iam::999999999999:role/other")
        .variable("ACTIONS_ID_TOKEN_REQUEST_URL", &url)
        .variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "the-job");
    let run = project.beanship(&["deploy", "--env", "production", "--output", "human"]);
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    insta::assert_snapshot!(run.shown(&project), @"
    ------- stderr -------
    Deploying shop to shop-prod (eu-central-1)
    error: the role arn:aws:iam::DIGEST:role/other cannot be assumed: not allowed to call sts:AssumeRoleWithWebIdentity: User: anonymous is not authorized to perform: sts:AssumeRoleWithWebIdentity on resource: arn:aws:iam::DIGEST:role/other
    hint: look whether its trust policy names this repository and branch: `aws iam get-role --role-name other`
    request id: IDDIGEST
    [exit 3]
    ");
}

#[test]
fn elsewhere_the_role_is_assumed_with_the_keys_that_are_there() {
    let project = Project::new();
    let sandbox = Serving::start(&project);
    let key = |name: &str| sandbox.2[name].as_str().expect(name).to_owned();
    let project = project
        .variable("AWS_ENDPOINT_URL", &sandbox.1)
        .variable("AWS_ACCESS_KEY_ID", &key("AWS_ACCESS_KEY_ID"))
        .variable("AWS_SECRET_ACCESS_KEY", &key("AWS_SECRET_ACCESS_KEY"))
        .variable("BEANSHIP_ROLE", ROLE);
    let run = project.beanship(&["status", "--env", "production"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let calls = project.calls();
    assert!(calls.contains(&"AssumeRole 200".to_owned()), "{calls:?}");
}

#[test]
fn a_key_under_another_name_is_pointed_out() {
    let project = Project::new()
        .variable("AWS_ACCESS_KEY", "AKIAEXAMPLE")
        .variable("AWS_SECRET_ACCESS_KEY", "hush")
        .variable("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    let run = project.beanship(&["deploy", "--env", "production"]);
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    let hint = "`export AWS_ACCESS_KEY_ID=\"$AWS_ACCESS_KEY\"`";
    assert!(run.stderr.contains(hint), "{}", run.stderr);
}

#[test]
fn who_may_not_look_any_more_is_told_that_the_update_goes_on() {
    let project = Project::new().trouble("speed: 4");
    let child = project.start(&["--sandbox", "deploy", "--env", "production"]);
    project.until("UpdateEnvironment 200", 1);
    project.write(
        ".beanship/sandbox/trouble.yml",
        "speed: 4\ndeny: [\"elasticbeanstalk:DescribeEnvironments\"]\n",
    );
    let run = Run::of(&child.wait_with_output().expect("an end"));
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    for part in [
        "; Elastic Beanstalk goes on with the update of shop-prod",
        "`beanship --sandbox watch --env shop-prod`",
    ] {
        assert!(run.stderr.contains(part), "{}", run.stderr);
    }
}
