//! Ships Docker Compose apps to AWS Elastic Beanstalk and tells the truth about the outcome.
//!
//! The tree tells the story of a deploy:
//!
//! ```text
//! Args + beanship.yml -> Settings -> Bundle -> Desired -+
//!                                     AWS -> Observed --+-> Plan -> (agree) -> Receipt -> watch -> Outcome -> Out
//! ```
//!
//! - [`cli`], [`settings`], [`config`]: what was typed, what is meant, what the project file holds
//! - [`commands`]: one file a verb; each reads as its runbook
//! - [`compose`], [`bundle`]: the compose file, and the zip it travels in
//! - [`images`]: registries, digests, the user's own `docker`
//! - [`init`]: what `beanship init` finds in a project and makes of it
//! - [`properties`]: environment properties, option settings, and where their values come from
//! - [`deploy`]: what is wanted and seen, the plan, its steps, the watch, the outcome
//! - [`bootstrap`]: from an empty account to an environment: what shall be, what is, the plan
//! - [`aws`]: the clients, and what their errors mean
//! - [`output`]: everything that is printed
//! - [`sandbox`]: an AWS on this machine; shares nothing with the rest but its port
//! - [`plan`], [`error`], [`yaml`], [`keys`]: what the others stand on

pub mod aws;
pub mod bootstrap;
pub mod bundle;
pub mod cli;
pub mod commands;
pub mod compose;
pub mod config;
pub mod deploy;
pub mod error;
pub mod images;
pub mod init;
pub mod keys;
pub mod output;
pub mod plan;
pub mod properties;
pub mod sandbox;
pub mod settings;
pub mod yaml;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Format};
use error::{Error, Exit, Kind, Result};
use output::{Flags, Level, Out, RunnerFiles};
use settings::{Environ, Settings, Voice};

/// Runs the command line and tells the exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let environ = Environ::of_process();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return not_understood(&error, &arguments, &environ),
    };
    let voice = Voice::resolve(&cli.global, &environ);
    let runner = RunnerFiles {
        outputs: environ.get("GITHUB_OUTPUT").map(Into::into),
        summary: environ.get("GITHUB_STEP_SUMMARY").map(Into::into),
    };
    let out = match &voice {
        Ok(voice) => Out::with(
            voice.format,
            voice.level,
            runner,
            Flags::new(cli.global.place()),
        ),
        Err(_) => Out::new(Format::Human, Level::Normal),
    };
    let several = match &cli.command {
        cli::Command::Deploy(args) => Some(environ.all_wanted(&args.env).len() > 1),
        cli::Command::Rollback(_) | cli::Command::Promote(_) => Some(false),
        _ => None,
    };
    let exit = voice
        .and_then(|_| execute(&cli, environ, &out))
        .unwrap_or_else(|error| {
            if let Some(several) = several {
                return commands::deploy::refuse(&error, several, &out);
            }
            out.failure(&error);
            error.exit()
        });
    if out.has_lost() {
        let why = "the result could not be written to stdout";
        let lost =
            Error::new(Kind::Io, why).hint("free some space, and look with `beanship status`");
        out.problem(&lost);
        return exit.worst(Exit::Failed).into();
    }
    exit.into()
}

/// Resolves the settings and runs the command to its end, or to the first signal.
fn execute(cli: &Cli, environ: Environ, out: &Out) -> Result<Exit> {
    // These are about no project, whose file may be wrong.
    match &cli.command {
        cli::Command::Completions { shell } => return commands::completions::run(*shell, out),
        cli::Command::Schema => return commands::schema::run(out),
        cli::Command::Man(args) => return commands::man::run(args, out),
        _ => {}
    }
    let settings = Settings::resolve(cli, environ)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|why| Error::new(Kind::Io, format!("cannot start: {why}")))?;
    let context = commands::Context::new(settings, out.clone());
    let result = runtime.block_on(commands::dispatch(&context, &cli.command));
    // Work that nobody waits for any more (a bundle after Ctrl-C) must not hold up the exit.
    runtime.shutdown_background();
    result
}

/// A command line that clap refuses, or its help and version, which it prints itself.
fn not_understood(error: &clap::Error, arguments: &[OsString], environ: &Environ) -> ExitCode {
    let failed = error.use_stderr();
    let wants_json = environ.get("BEANSHIP_OUTPUT") == Some("json")
        || arguments.iter().any(|argument| argument == "--output=json")
        || arguments
            .windows(2)
            .any(|pair| pair[0] == "--output" && pair[1] == "json");
    // Nobody can be told when the terminal is gone.
    let _ = error.print();
    if failed && environ.is_github() {
        let what = error
            .to_string()
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned();
        Out::new(Format::Github, Level::Quiet).annotate(&Error::new(Kind::Usage, what));
    }
    if failed && wants_json {
        let text = error.to_string();
        let first = text
            .lines()
            .next()
            .unwrap_or_default()
            .trim_start_matches("error: ");
        Out::new(Format::Json, Level::Quiet)
            .document_of(&Error::new(Kind::Usage, first).hint("see `beanship --help`"));
    }
    if failed {
        Exit::Refused.into()
    } else {
        ExitCode::SUCCESS
    }
}
