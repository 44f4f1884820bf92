//! The command line of `beanship init`, and of what describes the program itself.

use std::path::PathBuf;

use clap::Args;

use crate::init::Ci;

/// `beanship init`
#[derive(Debug, Clone, Default, Args)]
pub struct InitArgs {
    /// The application's name [env: BEANSHIP_APP] [default: what is found, else the repository's name]
    #[arg(long, value_name = "NAME")]
    pub app: Option<String>,
    /// The key of the environment [default: what is found, else production]
    #[arg(long, value_name = "KEY", value_hint = clap::ValueHint::Other)]
    pub env: Option<String>,
    /// The environment's Elastic Beanstalk name [default: what is found, else APP-KEY]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// A branch that deploys to it; may be repeated [default: what is found, else the main branch]
    #[arg(long, value_name = "BRANCH", value_delimiter = ',')]
    pub branch: Vec<String>,
    /// The compose file [default: docker-compose.yml, or what is there]
    #[arg(long, value_name = "FILE")]
    pub compose: Option<PathBuf>,
    /// Bucket for the source bundle [default: what is found, else Elastic Beanstalk's own]
    #[arg(long, value_name = "NAME")]
    pub bucket_name: Option<String>,
    /// Folder inside the bucket [default: what is found, else the application's name]
    #[arg(long, value_name = "PATH")]
    pub bucket_path: Option<String>,
    /// The CI system that gets a workflow [default: by the remote, else by the files there are]
    #[arg(long, value_enum, value_name = "SYSTEM")]
    pub ci: Option<Ci>,
    /// The role that the workflow assumes
    #[arg(long, value_name = "ARN")]
    pub role: Option<String>,
    /// A command of the tests; may be repeated [default: what .travis.yml runs]
    #[arg(long, value_name = "COMMAND")]
    pub test: Vec<String>,
    /// Replace files that are there already
    #[arg(long)]
    pub force: bool,
    /// Show what would be written and stop
    #[arg(long)]
    pub plan: bool,
}

/// `beanship man`
#[derive(Debug, Clone, Default, Args)]
pub struct ManArgs {
    /// Write the page of every command into this folder
    #[arg(short, long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use clap::CommandFactory;
    use serde_json::Value;

    use crate::cli::Cli;
    use crate::error::Kind;

    /// Flags of `deploy` that a job has no use for: it is not a person, and not a machine either.
    const NOT_IN_A_JOB: [&str; 6] = [
        "help",
        "output",
        "quiet",
        "sandbox",
        "sandbox-empty",
        "version",
    ];

    #[test]
    fn the_action_takes_what_deploy_takes() {
        let text = include_str!("../../action.yml");
        let action: Value =
            crate::yaml::parse(text, Path::new("action.yml"), Kind::Config).expect("YAML");
        let inputs = action["inputs"].as_object().expect("inputs");
        let mut command = Cli::command();
        command.build();
        let of = |verb: &str| -> BTreeSet<&str> {
            let arguments = command.find_subcommand(verb).expect(verb).get_arguments();
            arguments.filter_map(|it| it.get_long()).collect()
        };
        let (flags, promote) = (of("deploy"), of("promote"));
        for flag in flags.iter().filter(|flag| !NOT_IN_A_JOB.contains(flag)) {
            let input = flag.strip_prefix("no-").unwrap_or(flag);
            assert!(
                inputs.contains_key(input),
                "action.yml has no input for --{flag}"
            );
            let used = text.contains(&format!(" --{flag}"));
            assert!(used, "action.yml does not use --{flag}");
        }
        let script = action["runs"]["steps"][1]["run"]
            .as_str()
            .expect("a script");
        let words = script
            .split([' ', '\n', '"'])
            .filter_map(|word| word.strip_prefix("--"))
            .filter_map(|word| word.split('=').next());
        for flag in words.filter(|word| !word.is_empty()) {
            let known = flags.contains(flag) || promote.contains(flag);
            assert!(known, "neither deploy nor promote has a flag --{flag}");
        }
    }
}
