//! `beanship completions`: a completion script on stdout.

use clap::CommandFactory;
use clap_complete::Shell;
use serde::Serialize;

use crate::cli::{Cli, Format};
use crate::error::{Error, Exit, Kind, Result, reason};
use crate::output::{Out, Report};

/// Prints the script.
///
/// # Errors
/// [`Kind::Io`] where stdout cannot be written; a closed pipe is the reader's choice.
pub fn run(shell: Shell, out: &Out) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "beanship", &mut script);
    if out.format() == Format::Json {
        let script = String::from_utf8_lossy(&script).into_owned();
        out.result(&Script {
            shell: shell.to_string(),
            script,
        });
        return Ok(Exit::Done);
    }
    match out.raw(&mut script.as_slice()) {
        Err(why) if why.kind() != std::io::ErrorKind::BrokenPipe => Err(Error::new(
            Kind::Io,
            format!("cannot print the script: {}", reason(&why)),
        )),
        _ => Ok(Exit::Done),
    }
}

#[derive(Debug, Serialize)]
struct Script {
    shell: String,
    script: String,
}

impl Report for Script {
    fn human(&self) -> String {
        self.script.clone()
    }
}
