//! A registry in this process: manifests, configurations, and a login by password or by token.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The login that registries ask for, `ship:s3cret-c4nary`, as it travels.
pub const LOGIN: &str = "c2hpcDpzM2NyZXQtYzRuYXJ5";

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const TOKEN: &str = "t0ken-c4nary";

/// How a registry lets somebody in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Door {
    Open,
    Password,
    Token,
    /// For an identity token.
    Identity,
}

/// The identity token.
pub const IDENTITY: &str = "id+c4nary/==";

/// A registry that runs as long as the test.
pub struct Registry {
    /// `127.0.0.1:PORT`.
    pub name: String,
    state: Arc<Mutex<State>>,
}

struct State {
    door: Door,
    /// By path.
    content: BTreeMap<String, (&'static str, Vec<u8>)>,
    /// Statuses that the next requests for manifests get instead.
    failures: Vec<u16>,
    log: Vec<String>,
}

impl Registry {
    pub fn start(door: Door) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let name = listener.local_addr().expect("an address").to_string();
        let state = Arc::new(Mutex::new(State {
            door,
            content: BTreeMap::new(),
            failures: Vec::new(),
            log: Vec::new(),
        }));
        let (shared, host) = (Arc::clone(&state), name.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (shared, host) = (Arc::clone(&shared), host.clone());
                std::thread::spawn(move || serve(&stream, &shared, &host));
            }
        });
        Self { name, state }
    }

    /// Gives a name an image for these platforms: an index where there are several.
    pub fn push(&self, repository: &str, tag: &str, platforms: &[&str], text: &str) -> String {
        let images: Vec<_> = platforms
            .iter()
            .map(|it| self.single(repository, it, text))
            .collect();
        let (kind, bytes) = match images.as_slice() {
            [(bytes, _)] => (MANIFEST, bytes.clone()),
            images => {
                let entry = |(platform, (bytes, digest)): (&&str, &(Vec<u8>, String))| {
                    let (os, architecture) = platform.split_once('/').expect("a platform");
                    json!({ "mediaType": MANIFEST, "digest": digest, "size": bytes.len(),
                        "platform": { "os": os, "architecture": architecture } })
                };
                let entries: Vec<Value> = platforms.iter().zip(images).map(entry).collect();
                let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries });
                (INDEX, index.to_string().into_bytes())
            }
        };
        let digest = digest(&bytes);
        self.keep(&format!("/v2/{repository}/manifests/{tag}"), kind, bytes);
        digest
    }

    fn single(&self, repository: &str, platform: &str, text: &str) -> (Vec<u8>, String) {
        let (os, architecture) = platform.split_once('/').expect("a platform");
        let config = json!({ "os": os, "architecture": architecture, "text": text }).to_string();
        let config_digest = digest(config.as_bytes());
        let path = format!("/v2/{repository}/blobs/{config_digest}");
        let size = config.len();
        self.keep(&path, "application/octet-stream", config.into_bytes());
        let kind = "application/vnd.oci.image.config.v1+json";
        let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "layers": [],
            "config": { "mediaType": kind, "digest": config_digest, "size": size } });
        let bytes = manifest.to_string().into_bytes();
        let digest = digest(&bytes);
        (bytes, digest)
    }

    /// Answers requests for a path with these bytes.
    pub fn keep(&self, path: &str, kind: &'static str, bytes: Vec<u8>) {
        let mut state = self.state.lock().expect("the state");
        state.content.insert(path.to_owned(), (kind, bytes));
    }

    /// Has the next requests for manifests fail.
    pub fn fail(&self, statuses: &[u16]) {
        self.state.lock().expect("the state").failures = statuses.to_vec();
    }

    /// What was asked for, as `GET /path status`.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().expect("the state").log)
    }
}

fn digest(bytes: &[u8]) -> String {
    let mut text = "sha256:".to_owned();
    for byte in Sha256::digest(bytes) {
        write!(text, "{byte:02x}").expect("a text takes it");
    }
    text
}

/// Whether a form asks for a token that may pull, with the identity token.
fn is_exchange(form: &[u8]) -> bool {
    let fields: BTreeMap<_, _> = url::form_urlencoded::parse(form).collect();
    let is = |name: &str, value: &str| fields.get(name).is_some_and(|it| it == value);
    is("grant_type", "refresh_token")
        && is("service", "test")
        && is("refresh_token", IDENTITY)
        && fields.contains_key("client_id")
        && fields
            .get("scope")
            .is_some_and(|it| it.starts_with("repository:") && it.ends_with(":pull"))
}

/// The first line, the headers and the content of a request.
fn request(stream: &TcpStream) -> Option<(String, Vec<String>, Vec<u8>)> {
    let mut reader = BufReader::new(stream);
    let mut lines = reader.by_ref().lines();
    let first = lines.next()?.ok()?;
    let headers: Vec<String> = lines
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .collect();
    let length = headers.iter().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is = name.eq_ignore_ascii_case("content-length");
        is.then(|| value.trim().parse().ok())?
    });
    let mut form = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut form).ok()?;
    Some((first, headers, form))
}

fn serve(stream: &TcpStream, state: &Mutex<State>, host: &str) {
    let Some((first, headers, form)) = request(stream) else {
        return;
    };
    let sent = |value: &str| headers.iter().any(|line| line.ends_with(value));
    let mut words = first.split(' ');
    let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let path = target.split('?').next().unwrap_or_default();
    let mut state = state.lock().expect("the state");
    let let_in = match state.door {
        Door::Open => true,
        Door::Identity if path == "/token" => method == "POST" && is_exchange(&form),
        _ if path == "/token" => sent(&format!("Basic {LOGIN}")),
        Door::Password => sent(&format!("Basic {LOGIN}")),
        Door::Token | Door::Identity => sent(&format!("Bearer {TOKEN}")),
    };
    let failure = match path.contains("/manifests/") && !state.failures.is_empty() {
        true => Some(state.failures.remove(0)),
        false => None,
    };
    let named = if state.door == Door::Identity {
        "access_token"
    } else {
        "token"
    };
    let token = json!({ named: TOKEN }).to_string().into_bytes();
    let (status, kind, body) = match state.content.get(path) {
        _ if failure.is_some() => (failure.unwrap_or_default(), "text/plain", b"sorry".to_vec()),
        _ if !let_in => (401, "application/json", Vec::new()),
        _ if path == "/token" => (200, "application/json", token),
        _ if path == "/v2/" => (200, "application/json", b"{}".to_vec()),
        Some((kind, bytes)) => (200, *kind, bytes.clone()),
        None => {
            let error = json!({ "errors": [{ "code": "MANIFEST_UNKNOWN", "message": "no" }] });
            (404, "application/json", error.to_string().into_bytes())
        }
    };
    state.log.push(format!("{method} {path} {status}"));
    let challenge = match (status, state.door) {
        (401, Door::Token | Door::Identity) => {
            format!("www-authenticate: Bearer realm=\"http://{host}/token\",service=\"test\"\r\n")
        }
        (401, _) => "www-authenticate: Basic realm=\"test\"\r\n".to_owned(),
        _ => String::new(),
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\n{challenge}content-length: {length}\r\nconnection: close\r\n\r\n"
    );
    let mut stream = stream;
    let _ = stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(&body));
}
