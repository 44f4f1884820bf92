//! A compose file as `docker compose up` on the instance takes it: enough to know what it refuses and which ports answer.

use serde_json::{Map, Value};

use super::Contents;
use super::interpolate::interpolate;
use super::ports::{self, Published};

/// Where the engine unpacks a bundle.
const STAGING: &str = "/var/app/staging";

const TOP_LEVEL: [&str; 9] = [
    "version", "name", "include", "services", "models", "networks", "volumes", "secrets", "configs",
];

/// Every key a service may have.
const SERVICE: &str = "annotations attach blkio_config build cap_add cap_drop cgroup cgroup_parent command configs \
    container_name cpu_count cpu_percent cpu_period cpu_quota cpu_rt_period cpu_rt_runtime cpu_shares cpus cpuset \
    credential_spec depends_on deploy develop device_cgroup_rules devices dns dns_opt dns_search domainname entrypoint env_file \
    environment expose extends external_links extra_hosts gpus group_add healthcheck hostname image init ipc isolation label_file \
    labels links logging mac_address mem_limit mem_reservation mem_swappiness memswap_limit models network_mode networks \
    oom_kill_disable oom_score_adj pid pids_limit platform ports post_start pre_start pre_stop privileged profiles provider \
    pull_policy pull_refresh_after read_only restart runtime scale secrets security_opt shm_size stdin_open stop_grace_period \
    stop_signal storage_opt sysctls tmpfs tty ulimits use_api_socket user userns_mode uts volumes volumes_from working_dir";

/// Keys of a service that are lists and nothing else.
const LISTS: [&str; 10] = [
    "ports",
    "volumes",
    "cap_add",
    "cap_drop",
    "devices",
    "expose",
    "links",
    "profiles",
    "security_opt",
    "volumes_from",
];

/// A compose file that has the right form.
#[derive(Debug)]
pub(super) struct Project {
    services: Map<String, Value>,
    volumes: Map<String, Value>,
    networks: Map<String, Value>,
    /// Whether other files, which are not read here, may add services, volumes and networks.
    includes: bool,
}

impl Project {
    pub(super) fn read(text: &str, variables: &[(String, String)]) -> Result<Self, String> {
        let options = serde_saphyr::options! { strict_booleans: true };
        let mut value: Value = serde_saphyr::from_str_with_options(text, options)
            .map_err(|error| format!("yaml: {error}"))?;
        fill(&mut value, "", variables)?;
        let Value::Object(mut top) = value else {
            return Err("top-level object must be a mapping".to_owned());
        };
        if let Some(key) = top
            .keys()
            .find(|key| !TOP_LEVEL.contains(&key.as_str()) && !key.starts_with("x-"))
        {
            return Err(schema(&format!(
                "(root) additional properties '{key}' not allowed"
            )));
        }
        let project = Self {
            services: mapping(&mut top, "services")?,
            volumes: mapping(&mut top, "volumes")?,
            networks: mapping(&mut top, "networks")?,
            includes: top.contains_key("include"),
        };
        if project.services.is_empty() && !project.includes {
            return Err("no service selected".to_owned());
        }
        for (name, service) in &project.services {
            shape(name, service)?;
        }
        Ok(project)
    }

    /// What compose checks across services and against the files of the bundle.
    pub(super) fn check(&self, contents: &Contents) -> Result<(), String> {
        for (name, service) in &self.services {
            self.check_references(name, service)?;
            check_files(name, service, contents)?;
        }
        self.check_ports()
    }

    /// Whether a service that is started listens on this host port where others can reach it.
    pub(super) fn answers(&self, port: u16) -> bool {
        // What other files say is not known.
        let elsewhere = |service: &Value| service.get("extends").is_some();
        if self.includes || self.started().any(|(_, service)| elsewhere(service)) {
            return true;
        }
        self.started().any(|(_, service)| {
            // With the host's network, nothing says what the process listens on.
            let host = service.get("network_mode").and_then(Value::as_str) == Some("host");
            host || open_ports(service)
                .any(|ports| !ports.local && (ports.first..=ports.last).contains(&port))
        })
    }

    /// Services that plain `up` starts: those with profiles wait until they are named.
    fn started(&self) -> impl Iterator<Item = (&String, &Value)> {
        let has_profile = |service: &Value| {
            service
                .get("profiles")
                .and_then(Value::as_array)
                .is_some_and(|all| !all.is_empty())
        };
        self.services
            .iter()
            .filter(move |(_, service)| !has_profile(service))
    }

    fn check_references(&self, name: &str, service: &Value) -> Result<(), String> {
        let runs = ["image", "build", "provider", "extends"]
            .iter()
            .any(|key| service.get(key).is_some());
        if !runs {
            return Err(refused(&format!(
                "service \"{name}\" has neither an image nor a build context specified"
            )));
        }
        if self.includes {
            return Ok(());
        }
        for other in keys(service.get("depends_on"))
            .into_iter()
            .chain(links(service))
        {
            if !self.services.contains_key(&other) {
                return Err(refused(&format!(
                    "service \"{name}\" depends on undefined service \"{other}\""
                )));
            }
        }
        for network in keys(service.get("networks")) {
            if network != "default" && !self.networks.contains_key(&network) {
                return Err(refused(&format!(
                    "service \"{name}\" refers to undefined network {network}"
                )));
            }
        }
        for volume in items(service.get("volumes")).filter_map(named_volume) {
            if !self.volumes.contains_key(&volume) {
                return Err(refused(&format!(
                    "service \"{name}\" refers to undefined volume {volume}"
                )));
            }
        }
        Ok(())
    }

    fn check_ports(&self) -> Result<(), String> {
        let mut taken: Vec<Published> = Vec::new();
        for (name, service) in self.started() {
            for entry in items(service.get("ports")) {
                let Some(ports) = ports::published(entry)
                    .map_err(|problem| format!("services.{name}.ports: {problem}"))?
                else {
                    continue;
                };
                if ports.first == ports.last && !is_udp(entry) {
                    if taken
                        .iter()
                        .any(|other| other.first == ports.first && other.local == ports.local)
                    {
                        return Err(format!(
                            "Bind for 0.0.0.0:{} failed: port is already allocated",
                            ports.first
                        ));
                    }
                    taken.push(ports);
                }
            }
        }
        Ok(())
    }
}

/// Interpolates every text.
fn fill(value: &mut Value, path: &str, variables: &[(String, String)]) -> Result<(), String> {
    match value {
        Value::String(text) => *text = interpolate(text, path, variables)?,
        Value::Array(values) => {
            for value in values {
                fill(value, &format!("{path}.[]"), variables)?;
            }
        }
        Value::Object(map) => {
            for (key, value) in map {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                fill(value, &path, variables)?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn schema(problem: &str) -> String {
    format!("validating {STAGING}/docker-compose.yml: {problem}")
}

fn refused(problem: &str) -> String {
    format!("{problem}: invalid compose project")
}

fn mapping(top: &mut Map<String, Value>, key: &str) -> Result<Map<String, Value>, String> {
    match top.remove(key) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(map)) => Ok(map),
        Some(_) => Err(schema(&format!("{key} must be a mapping"))),
    }
}

fn shape(name: &str, service: &Value) -> Result<(), String> {
    let Value::Object(service) = service else {
        return Err(schema(&format!("services.{name} must be a mapping")));
    };
    for (key, value) in service {
        if !key.starts_with("x-") && !SERVICE.split(' ').any(|known| known == key) {
            return Err(schema(&format!(
                "services.{name} additional properties '{key}' not allowed"
            )));
        }
        if LISTS.contains(&key.as_str()) && !value.is_array() {
            return Err(schema(&format!("services.{name}.{key} must be a array")));
        }
        if matches!(
            key.as_str(),
            "image" | "restart" | "container_name" | "network_mode"
        ) && !value.is_string()
        {
            return Err(schema(&format!("services.{name}.{key} must be a string")));
        }
    }
    Ok(())
}

fn check_files(name: &str, service: &Value, contents: &Contents) -> Result<(), String> {
    for (path, required) in items(service.get("env_file")).filter_map(env_file) {
        // EB writes `.env` itself when the bundle has none.
        let inside = inside(&path);
        if required
            && inside.as_deref() != Some(".env")
            && !inside.is_some_and(|path| contents.has(&path))
        {
            let path = path.trim_start_matches("./");
            return Err(format!(
                "env file {STAGING}/{path} not found: stat {STAGING}/{path}: no such file or directory"
            ));
        }
    }
    let Some(build) = service.get("build") else {
        return Ok(());
    };
    let context = build
        .as_str()
        .or_else(|| build.get("context").and_then(Value::as_str))
        .unwrap_or(".");
    if context.contains("://")
        || context.starts_with("git@")
        || build.get("dockerfile_inline").is_some()
    {
        return Ok(());
    }
    let Some(folder) = inside(context).filter(|folder| contents.has(folder)) else {
        let context = context.trim_start_matches("./");
        return Err(format!(
            "unable to prepare context: path \"{STAGING}/{context}\" not found (service {name})"
        ));
    };
    let dockerfile = build
        .get("dockerfile")
        .and_then(Value::as_str)
        .unwrap_or("Dockerfile");
    let path = inside(&format!("./{folder}/{dockerfile}"));
    if path.is_some_and(|path| contents.has(&path)) {
        return Ok(());
    }
    Err(format!(
        "failed to solve: failed to read dockerfile: open {dockerfile}: no such file or directory (service {name})"
    ))
}

/// A relative path without its dots; `None` when it leaves the bundle or is absolute.
fn inside(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    if path.starts_with('/') {
        return None;
    }
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// A list, or the one item that stands for it.
fn items(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    let (many, one) = match value {
        Some(Value::Array(values)) => (values.as_slice(), None),
        Some(Value::Null) | None => (&[][..], None),
        one => (&[][..], one),
    };
    many.iter().chain(one)
}

/// The names in a list or the keys of a mapping.
fn keys(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Object(map)) => map.keys().cloned().collect(),
        other => items(other)
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
    }
}

fn links(service: &Value) -> Vec<String> {
    let service_of = |link: &str| link.split(':').next().unwrap_or_default().to_owned();
    items(service.get("links"))
        .filter_map(Value::as_str)
        .map(service_of)
        .collect()
}

fn env_file(entry: &Value) -> Option<(String, bool)> {
    match entry {
        Value::String(path) => Some((path.clone(), true)),
        entry => {
            let required = entry
                .get("required")
                .and_then(Value::as_bool)
                .unwrap_or(true);
            Some((entry.get("path")?.as_str()?.to_owned(), required))
        }
    }
}

/// The name of a volume that must be declared; paths and anonymous volumes need no declaration.
fn named_volume(entry: &Value) -> Option<String> {
    let source = match entry {
        Value::String(text) => text.split_once(':')?.0,
        entry => {
            let kind = entry
                .get("type")
                .and_then(Value::as_str)
                .unwrap_or("volume");
            entry
                .get("source")
                .and_then(Value::as_str)
                .filter(|_| kind == "volume")?
        }
    };
    let is_path = source.starts_with(['.', '/', '~', '\\']);
    (!is_path && !source.is_empty()).then(|| source.to_owned())
}

fn open_ports(service: &Value) -> impl Iterator<Item = Published> {
    items(service.get("ports"))
        .filter(|entry| !is_udp(entry))
        .filter_map(|entry| ports::published(entry).ok().flatten())
}

fn is_udp(entry: &Value) -> bool {
    entry.as_str().is_some_and(|text| text.ends_with("/udp"))
        || entry.get("protocol").and_then(Value::as_str) == Some("udp")
}
