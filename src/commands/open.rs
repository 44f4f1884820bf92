//! `beanship open`: an environment's address in the browser, or on stdout.

use std::process::{Command, Stdio};

use serde::Serialize;

use crate::cli::{Format, OpenArgs};
use crate::deploy::environment;
use crate::error::{Error, Exit, Kind, Result, reason};
use crate::output::{Event, Report};

use super::{Context, status};

/// Runs the command. Without a terminal, and where nothing can open it, the address is printed.
///
/// # Errors
/// [`Kind::Check`] for an environment that is not there or has no address; else what AWS says.
pub async fn run(cx: &Context, args: &OpenArgs) -> Result<Exit> {
    let target = cx.target(
        args.target.application.app.as_deref(),
        args.target.env.as_deref(),
    )?;
    let aws = cx.aws().await?;
    let look = environment::find(&aws, &target.environment);
    let found = aws.first_contact(look).await?;
    let environment = found.ok_or_else(|| status::missing(&target, &aws.region))?;
    let Some(url) = environment.url else {
        let name = &environment.name;
        return Err(Error::new(
            Kind::Check,
            format!("{name} has no address: it is {}", environment.status),
        )
        .hint(format!("look at it with `beanship status --env {name}`")));
    };
    let wanted = !args.print && cx.settings.interactive && cx.out.format() == Format::Human;
    let opened = wanted && start(cx, &url);
    cx.out.result(&Address {
        environment: environment.name,
        url,
        opened,
    });
    Ok(Exit::Done)
}

/// Starts the system's opener; tells where that does not work.
fn start(cx: &Context, url: &str) -> bool {
    let (program, arguments) = opener(std::env::consts::OS);
    let started = Command::new(program)
        .args(arguments)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    if let Err(why) = &started {
        let text = format!("cannot open a browser with {program}: {}", reason(why));
        cx.out.event(&Event::Warning(&text));
    }
    started.is_ok()
}

/// The command that opens an address on an operating system.
fn opener(system: &str) -> (&'static str, &'static [&'static str]) {
    match system {
        "macos" => ("open", &[]),
        // `start` is the shell's own, and takes its first quoted argument for a title.
        "windows" => ("cmd", &["/C", "start", ""]),
        _ => ("xdg-open", &[]),
    }
}

#[derive(Debug, Serialize)]
struct Address {
    environment: String,
    url: String,
    /// Whether the system's opener was started.
    opened: bool,
}

impl Report for Address {
    fn human(&self) -> String {
        self.url.clone()
    }

    fn step_outputs(&self) -> Vec<(&'static str, String)> {
        vec![("environment-url", self.url.clone())]
    }
}

#[cfg(test)]
mod tests {
    use super::opener;

    #[test]
    fn each_system_has_its_opener() {
        for (system, program) in [
            ("linux", "xdg-open"),
            ("freebsd", "xdg-open"),
            ("macos", "open"),
            ("windows", "cmd"),
        ] {
            assert_eq!(opener(system).0, program);
        }
    }
}
