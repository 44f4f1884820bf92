//! `beanship completions`: a completion script on stdout.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::error::{Error, Exit, Kind, Result, reason};
use crate::output::Out;

/// Prints the script.
///
/// # Errors
/// [`Kind::Io`] where stdout cannot be written; a closed pipe is the reader's choice.
pub fn run(shell: Shell, out: &Out) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "beanship", &mut script);
    match out.raw(&mut script.as_slice()) {
        Err(why) if why.kind() != std::io::ErrorKind::BrokenPipe => Err(Error::new(
            Kind::Io,
            format!("cannot print the script: {}", reason(&why)),
        )),
        _ => Ok(Exit::Done),
    }
}
