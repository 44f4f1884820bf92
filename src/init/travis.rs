//! `.travis.yml` with `provider: elasticbeanstalk`: every key of the provider has a place in the
//! project file, or a remark.

use serde_json::Value;

use super::node::{self, each, is_true, text, texts};
use super::{Found, Place, SecretNames};

/// Where it stands.
pub const FILE: &str = ".travis.yml";

/// Keys of the provider that mean nothing here, and why.
const NO_MEANING: [(&str, &str); 10] = [
    (
        "zip_file",
        "beanship makes the bundle itself; `bundle.only` says what goes in",
    ),
    (
        "label",
        "labels come from the commit and the bundle; `--version-label` sets one",
    ),
    (
        "version_label",
        "labels come from the commit and the bundle; `--version-label` sets one",
    ),
    (
        "description",
        "the commit's subject describes a version; `--message` sets a text",
    ),
    (
        "only_create_app_version",
        "there is no version without a deploy; `--plan` shows what would change",
    ),
    (
        "wait_until_deployed",
        "a deploy is always followed to its end; `--no-wait` leaves it",
    ),
    ("wait_until_deployed_timeout", "`--timeout` sets it"),
    ("region_name", "`region` is the key"),
    ("skip_cleanup", "nothing is cleaned up"),
    ("edge", "it is Travis' own"),
];

/// Reads the file; none where nothing in it deploys to Elastic Beanstalk.
#[must_use]
pub fn read(content: &str) -> Option<Found> {
    let mut found = Found::of(FILE);
    let file = match node::read(FILE, content) {
        Ok(file) => file,
        Err(why) => {
            found.remarks.push(why);
            return content.contains("elasticbeanstalk").then_some(found);
        }
    };
    let jobs = each(&file["jobs"]["include"]);
    let jobs = jobs.into_iter().chain(each(&file["matrix"]["include"]));
    let all = std::iter::once(&file).chain(jobs);
    let deploys: Vec<&Value> = all
        .flat_map(|job| each(&job["deploy"]))
        .filter(|deploy| is_ours(deploy))
        .collect();
    if deploys.is_empty() {
        return None;
    }
    for deploy in deploys {
        provider(&mut found, deploy);
    }
    for key in ["before_install", "install", "before_script", "script"] {
        found.tests.extend(texts(&file[key]));
    }
    let pushes = |line: &String| line.contains("docker") && !line.contains("docker login");
    for key in ["after_success", "before_deploy"] {
        let lines = texts(&file[key]).into_iter().filter(pushes);
        found.publish.extend(lines);
    }
    docker_secrets(content, &mut found.secrets);
    surroundings(&mut found, &file);
    Some(found)
}

/// What the tests run in has no place in a file that only deploys: it is said, not dropped.
fn surroundings(found: &mut Found, file: &Value) {
    const PLAIN: [&str; 5] = ["generic", "minimal", "shell", "bash", "sh"];
    if let Some(language) = text(&file["language"]).filter(|it| !PLAIN.contains(&it.as_str())) {
        let versions = texts(&file[&language]).join(", ");
        let of = match versions.as_str() {
            "" => String::new(),
            versions => format!(" ({versions})"),
        };
        found.remarks.push(format!(
            "`language: {language}`{of} is left out: the tests run with what the runner has, unless a step sets it up"
        ));
    }
    let services = texts(&file["services"]);
    let others: Vec<_> = services.iter().filter(|it| *it != "docker").collect();
    for service in others {
        found.remarks.push(format!(
            "`services: {service}` is left out: start it in a step, or with the job's services"
        ));
    }
    for key in ["env", "jobs", "matrix", "addons", "cache"] {
        if !file[key].is_null() {
            found.remarks.push(format!(
                "`{key}` is left out: it is a matter of the workflow"
            ));
        }
    }
}

fn is_ours(deploy: &Value) -> bool {
    text(&deploy["provider"]).is_some_and(|name| name.to_lowercase() == "elasticbeanstalk")
}

fn provider(found: &mut Found, deploy: &Value) {
    let mut take = |key: &str| {
        let value = text(&deploy[key]);
        found.literal(key, value)
    };
    let region = take("region");
    let app = take("app");
    let bucket = take("bucket").or_else(|| take("bucket_name"));
    let path = take("bucket_path");
    let keys = ["access_key_id", "secret_access_key"].map(|key| variable(&deploy[key]));
    found.region = found.region.take().or(region);
    found.app = found.app.take().or(app);
    found.bucket_name = found.bucket_name.take().or(bucket);
    found.bucket_path = found.bucket_path.take().or(path);
    let [id, secret] = keys;
    found.secrets.access_key_id = found.secrets.access_key_id.take().or(id);
    found.secrets.secret_access_key = found.secrets.secret_access_key.take().or(secret);
    let on = match &deploy["on"] {
        Value::Null => &deploy["true"],
        on => on,
    };
    environments(found, &deploy["env"], on);
    for (key, why) in NO_MEANING {
        if !deploy[key].is_null() {
            found.remarks.push(format!("`{key}` is left out: {why}"));
        }
    }
    let conditions = on.as_object().into_iter().flatten();
    for (key, _) in
        conditions.filter(|(key, _)| !["branch", "all_branches"].contains(&key.as_str()))
    {
        found.remarks.push(format!(
            "`on.{key}` is left out: it is a matter of the workflow"
        ));
    }
}

/// One environment, or one a branch.
fn environments(found: &mut Found, env: &Value, on: &Value) {
    if let Some(by_branch) = env.as_object() {
        for (branch, name) in by_branch {
            let name = found.literal("env", text(name));
            add(found, name, vec![branch.clone()]);
        }
        return;
    }
    // Without `on`, Travis deploys from master.
    let branches = match texts(&on["branch"]) {
        _ if is_true(&on["all_branches"]) => Vec::new(),
        named if named.is_empty() => vec!["master".to_owned()],
        named => named,
    };
    let name = found.literal("env", text(env));
    add(found, name, branches);
}

fn add(found: &mut Found, name: Option<String>, branches: Vec<String>) {
    found.environments.push(Place {
        name,
        branches,
        ..Place::default()
    });
}

/// The variable that a value is, without its dollar.
fn variable(value: &Value) -> Option<String> {
    let text = text(value)?;
    let name = text.trim().strip_prefix('$')?;
    let name = name.trim_start_matches('{').trim_end_matches('}');
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!name.is_empty() && name.chars().all(plain)).then(|| name.to_owned())
}

/// The registry's user and password, by how people call them.
fn docker_secrets(content: &str, secrets: &mut SecretNames) {
    let plain = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    for part in content.split('$').skip(1) {
        let name = part.trim_start_matches('{').split(plain).next();
        let name = name.unwrap_or_default();
        if !name.starts_with("DOCKER") {
            continue;
        }
        let slot = if ["PASS", "TOKEN"].iter().any(|word| name.contains(word)) {
            &mut secrets.docker_password
        } else if ["USER", "ID", "LOGIN"]
            .iter()
            .any(|word| name.contains(word))
        {
            &mut secrets.docker_user
        } else {
            continue;
        };
        slot.get_or_insert_with(|| name.to_owned());
    }
}
