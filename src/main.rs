//! The `beanship` executable: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    beanship::run(std::env::args_os())
}
