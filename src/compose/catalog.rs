//! Every rule there is: its id, how bad it is to break it, what it asks for and why.
//!
//! `EB0xx` reading, `EB1xx` the Compose Specification, `EB2xx` what Compose asks for beyond it,
//! `EB3xx` Elastic Beanstalk, `EB4xx` good sense, `EB5xx` the other files of the bundle.

use super::finding::{Rule, Severity};

/// Names each rule and lists them all.
macro_rules! rules {
    ($($name:ident $id:literal $severity:ident $title:literal $why:literal)*) => {
        $(
            #[doc = $title]
            pub static $name: Rule = Rule {
                id: $id,
                severity: Severity::$severity,
                title: $title,
                why: $why,
            };
        )*

        /// All rules in the order of their ids.
        pub static ALL: &[&Rule] = &[$(&$name),*];
    };
}

/// The rule of an id, in any case.
#[must_use]
pub fn find(id: &str) -> Option<&'static Rule> {
    ALL.iter()
        .find(|rule| rule.id.eq_ignore_ascii_case(id.trim()))
        .copied()
}

rules! {
    UNREADABLE "EB001" Error "The compose file is text of a reasonable size"
        "It must be UTF-8 without NUL characters, at most 512 KiB, and small enough once every alias is followed. A larger one is never a compose file that someone wrote."
    NOT_YAML "EB002" Error "The compose file is YAML"
        "Compose reads nothing of a file that is not well formed, and the deploy fails on every instance."
    TWICE "EB003" Error "A key stands once in its map"
        "Compose refuses a map with the same key twice; other readers silently keep one of the two values."
    NO_MERGE "EB004" Error "`<<` merges a map, or a list of maps"
        "A merge key takes over the entries of a map, usually by an alias such as `*defaults`; nothing else can be merged."
    OLDER_READING "EB005" Warning "Values mean the same to every version of Compose"
        "Unquoted yes, no, on and off are truth values to older versions of Compose, and a pair such as 22:22 is a number in base 60. Quotes make them text everywhere."
    SECOND_DOCUMENT "EB006" Warning "The file holds one document"
        "Only the first document is checked, and older versions of Compose refuse a file with several."
    NOTHING "EB101" Error "The file holds services"
        "A compose file is a map with `services`. Without one there is nothing to run."
    UNKNOWN_KEY "EB102" Error "Keys are those of the Compose Specification"
        "Compose refuses a file with a key it does not know, whatever else the file holds. Own keys start with `x-`."
    WRONG_TYPE "EB103" Error "Values have the type that the Compose Specification asks for"
        "Compose refuses a list where it wants text, text where it wants a map, and so on."
    WRONG_VALUE "EB104" Error "Values are among those that the Compose Specification allows"
        "Compose refuses a value outside of what is allowed for the key."
    MISSING_KEY "EB105" Error "Keys that the Compose Specification requires are there"
        "Compose refuses an entry without them."
    BAD_NAME "EB106" Error "Names of services, networks, volumes, secrets and configs are plain"
        "They may hold letters, digits, dots, hyphens and underscores; a service name is also a host name."
    NO_IMAGE "EB201" Error "A service has an image or is built"
        "Compose has nothing to start for a service with neither `image` nor `build`."
    NO_SERVICE "EB202" Error "Services that are referred to exist"
        "Compose refuses `depends_on`, `links`, `volumes_from` and `network_mode: service:` that name a service which is not in the file."
    NO_RESOURCE "EB203" Error "Networks, volumes, secrets and configs that are used are declared"
        "Compose refuses a service that uses one which is not declared at the top level."
    CYCLE "EB204" Error "Services do not depend on each other in a circle"
        "Compose cannot start any of them first, and refuses the file."
    EXCLUSIVE "EB205" Error "Keys that exclude each other are not used together"
        "Compose refuses the file, as only one of them can count."
    HEALTH_TEST "EB206" Error "A health check in list form begins with CMD, CMD-SHELL or NONE"
        "Compose refuses any other list. A text is run by a shell."
    TWO_LIMITS "EB207" Error "A limit has one value"
        "Compose refuses different values in the short form (`mem_limit`) and under `deploy.resources`. If `deploy.resources.limits` is there without `memory`, that counts as 0."
    ONE_NAME "EB208" Error "A service with `container_name` runs once"
        "Two containers cannot have the same name."
    SAME_TARGET "EB209" Error "A place in a container is mounted once"
        "Compose refuses two mounts at the same path."
    NO_SECRET_SOURCE "EB210" Error "A secret or config says where its content comes from"
        "Compose needs `file`, `environment` or, for a config, `content`, unless it is external."
    BUILD_PLATFORM "EB211" Error "`build.platforms` holds the service's `platform`"
        "Compose refuses to run an image for a platform that it was not built for."
    MISSPELT_SERVICE "EB212" Warning "Service names are spelt the same everywhere"
        "Others refer to a service that does not exist, and this one, which nobody refers to, has nearly the same name."
    OBSOLETE_VERSION "EB213" Info "`version` is not needed"
        "Compose ignores it and warns about it at every run."
    BAD_VARIABLE "EB214" Error "Variables are written as Compose reads them"
        "Compose knows $NAME, ${NAME}, ${NAME:-default}, ${NAME-default}, ${NAME:?error}, ${NAME?error}, ${NAME:+other} and ${NAME+other}. A dollar sign that is meant as such is written twice."
    BAD_PORT "EB215" Error "Ports are numbers from 1 to 65535, or ranges of the same length"
        "Compose refuses anything else."
    BAD_AMOUNT "EB216" Error "Sizes and durations have a form that Compose reads"
        "A size is a number with b, k, m or g (128m); a duration is a number with us, ms, s, m or h (1m30s)."
    BAD_RESTART "EB217" Error "`restart` is no, always, on-failure or unless-stopped"
        "Docker refuses to create a container with another policy."
    PROFILED "EB218" Error "What always starts depends on what always starts"
        "Elastic Beanstalk starts the services without a profile. One of them that depends on a service with a profile cannot start."
    BAD_VOLUME "EB219" Error "A mount is written as SOURCE:TARGET with an absolute target"
        "Compose refuses a short form with too many parts, an empty one, or a target that does not start with `/`."
    CONFLICT "EB220" Error "A name means one thing in all files"
        "Compose refuses to join files of `include` that declare a service, network, volume, secret or config of the same name in different ways. Only the files of one entry are merged."
    PORT_80 "EB301" Warning "A service publishes port 80 of the host"
        "With a compose file Elastic Beanstalk runs no proxy of its own: traffic and health checks go to port 80 of the instance. Otherwise the environment turns Red although the deploy succeeded. Another port works if the environment's process is set to it."
    SAME_PORT "EB302" Error "A port of the host is published once"
        "All services run on the same instance, so the second container cannot start."
    CLOSED_PORT "EB303" Info "Published ports can be reached"
        "The security group that Elastic Beanstalk makes opens port 80 only; other ports are reached from the instance itself."
    TAKEN_PORT "EB304" Error "Published ports are free on the instance"
        "The instance's SSH server holds port 22 before any container starts."
    NO_PROPERTIES "EB305" Info "Environment properties reach a container"
        "Elastic Beanstalk writes the environment's properties to `.env` beside the compose file. A container sees them only with `env_file: .env`, with `${NAME}` in the file, or with a bare name under `environment`."
    NOT_ON_INSTANCE "EB306" Error "Networks and volumes are made by Compose"
        "An external network or volume must exist before Compose starts; a fresh instance has none."
    PLAIN_SECRET "EB307" Warning "Passwords and keys do not stand in the file"
        "Whoever reads the repository, the bundle in S3 or the instance's disk reads them too. Elastic Beanstalk's environment properties can come from Secrets Manager."
    MOVING_TAG "EB308" Warning "Images have a version"
        "An image without a tag, or with `latest`, may be another one tomorrow: an instance that is launched later runs what was never tested, and a rollback does not bring the old image back."
    UNKNOWN_REGION "EB309" Warning "AWS regions in host names exist"
        "A host name with a misspelt region is never found, which shows only when the app tries to connect."
    STATE "EB310" Warning "Data lives outside of the instance"
        "Each instance has its own disk. What a database stores on it is gone when the instance is replaced, which scaling, platform updates and some deploys do."
    NEVER_STARTED "EB311" Info "Services with profiles are not started"
        "Elastic Beanstalk starts only what has no profile. `develop` is for laptops and does nothing there."
    WRONG_PROCESSOR "EB312" Error "The platform is that of the instance type"
        "An instance cannot run images for another processor: the container ends with `exec format error`."
    OWN_MACHINE "EB313" Warning "Mounted folders exist on an instance"
        "A path from your own machine is not there, and Docker makes an empty folder in its place."
    NO_ROOM "EB314" Warning "All memory limits together fit into the instance"
        "When the containers use what they may, the instance runs out of memory and its health turns bad."
    REPLICAS "EB315" Error "A service with a fixed host port runs once"
        "All replicas run on the same instance, and only one of them gets the port."
    NO_RDS_NAME "EB316" Warning "RDS host names end as AWS ends them"
        "The host name of a database is NAME.ID.REGION.rds.amazonaws.com; another one is never found."
    PRIVILEGED "EB401" Warning "Containers are kept apart from the instance"
        "A privileged container, the host's process or network space, or Docker's socket gives whoever breaks into the container the whole instance and its role."
    HOST_NETWORK "EB402" Warning "`ports` has an effect"
        "With `network_mode: host` Docker ignores `ports`; the app's own port must be the right one."
    NO_RESTART "EB403" Info "Services come back after a crash or a reboot"
        "Without a `restart` policy a container that ends stays down until the next deploy."
    LITTLE_MEMORY "EB404" Error "A memory limit is at least 6 MB"
        "Docker refuses less. A number without a unit counts bytes: `128` is 128 bytes, `128m` what was probably meant."
    NEVER_HEALTHY "EB405" Warning "What is waited for can become healthy"
        "`condition: service_healthy` needs a health check, in the file or in the image; without one Compose gives up."
    NO_COMPOSE_FILE "EB501" Error "The bundle holds something to run"
        "Elastic Beanstalk looks for docker-compose.yml, Dockerfile or Dockerrun.aws.json at the root of the bundle, spelt exactly so. If there is none its message speaks of Dockerfile and Dockerrun.aws.json only."
    OWN_ENV "EB502" Error "The bundle holds no `.env`"
        "Elastic Beanstalk writes the environment's properties to `.env` only if the bundle has none. With one, all properties and secrets are silently missing."
    NO_CONTEXT "EB503" Error "What is built is in the bundle"
        "The image is built on the instance, from what the bundle holds; names are case-sensitive there."
    NO_ENV_FILE "EB504" Error "Files of `env_file` are in the bundle"
        "Compose refuses to start without them, unless they have `required: false`. Only `.env` is written by Elastic Beanstalk."
    NO_MOUNT_SOURCE "EB505" Warning "Mounted files and folders are in the bundle"
        "If the source is missing, Docker makes an empty folder: it hides what the image has at that path, and a file becomes a folder."
    NO_FILE "EB506" Error "Files that the compose file takes in are in the bundle"
        "Compose refuses to start if a file of `include`, `extends`, `secrets`, `configs` or `label_file` is missing."
    ECS_FILE "EB507" Error "Dockerrun.aws.json is not of version 2"
        "Version 2 is for Elastic Beanstalk's ECS platform, which runs no compose file. This tool ships to the Docker platform."
    DOCKERRUN "EB508" Error "Dockerrun.aws.json is of a version that fits"
        "Version 1 describes a single container; version 3 stands beside a compose file and holds nothing but the login for a private registry."
    IGNORED_DOCKERRUN "EB509" Warning "One file says what runs"
        "Beside docker-compose.yml only the login of a Dockerrun.aws.json is used; beside a Dockerfile its image is not."
    OTHER_COMPOSE "EB510" Warning "There is one compose file"
        "Docker's own tools prefer compose.yaml and compose.yml, Elastic Beanstalk knows docker-compose.yml only: you test one and ship the other."
    CONFIG_FILE "EB511" Error "Files in .ebextensions can be read"
        "They are YAML or JSON with known keys. A bad one fails the deploy, and can leave a new environment beyond repair."
    NO_CONFIG_FILE "EB512" Warning "Files in .ebextensions end in .config"
        "Elastic Beanstalk ignores any other name there."
    HOOK_LINES "EB513" Error "Hooks have the line ends of Linux"
        "With Windows line ends the first line names a program that does not exist, and the deploy fails."
    HOOK_START "EB514" Warning "Hooks say what runs them"
        "Without `#!` in the first line it depends on the platform version whether a hook can be started."
    HOOK_MODE "EB515" Info "Hooks may be run"
        "Platforms before 2022-04-29 need the right to run; this tool sets it in the bundle by itself."
    HOOK_TREES "EB516" Warning "Hooks that log in or change `.env` are in both trees"
        "Elastic Beanstalk runs .platform/hooks at deploys and .platform/confighooks when only settings change; after such a change the login or the edit is missing."
    NO_NGINX "EB517" Warning "Nothing in the bundle is without effect"
        "With a compose file Elastic Beanstalk runs no proxy of its own, so .platform/nginx is not used."
    DOCKERFILE "EB518" Error "A Dockerfile begins with an image"
        "Docker builds nothing without FROM."
    NO_EXPOSE "EB519" Warning "A lone Dockerfile says its port"
        "Elastic Beanstalk sends traffic to the first port of EXPOSE; without it the app cannot be reached."
    MOUNT_LEFT_OUT "EB520" Error "No rule leaves out what is mounted"
        "The file or folder is here, but an ignore file or `bundle` in beanship.yml keeps it out of the bundle. On an instance Docker makes an empty folder instead."
    KEY_FILE "EB521" Warning "The bundle holds no keys"
        "Whoever may read the bucket of source bundles, and every instance, can read what is in a bundle; and it stays there with every version."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_sorted_and_found() {
        let ids: Vec<_> = ALL.iter().map(|rule| rule.id).collect();
        let mut sorted = ids.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(ids, sorted);
        assert_eq!(find("eb102"), Some(&UNKNOWN_KEY));
        assert_eq!(find("EB999"), None);
    }
}
