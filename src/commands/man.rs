//! `beanship man`: the manual, as pages for `man`.

use std::path::{Path, PathBuf};

use clap::CommandFactory;
use serde::Serialize;

use crate::cli::{Cli, Format, ManArgs};
use crate::error::{Error, Exit, Kind, Result, reason};
use crate::output::{Out, Report};

/// Prints the page of the program, or writes that of every command into a folder.
///
/// # Errors
/// [`Kind::Io`] where they cannot be written; a closed pipe is the reader's choice.
pub fn run(args: &ManArgs, out: &Out) -> Result<Exit> {
    if let Some(folder) = &args.out {
        return pages(folder, out);
    }
    let mut page = Vec::new();
    let cannot = |why: &std::io::Error| {
        Error::new(Kind::Io, format!("cannot print the page: {}", reason(why)))
    };
    let man = clap_mangen::Man::new(Cli::command());
    man.render(&mut page).map_err(|why| cannot(&why))?;
    if out.format() == Format::Json {
        let page = String::from_utf8_lossy(&page).into_owned();
        out.result(&Page { page });
        return Ok(Exit::Done);
    }
    match out.raw(&mut page.as_slice()) {
        Err(why) if why.kind() != std::io::ErrorKind::BrokenPipe => Err(cannot(&why)),
        _ => Ok(Exit::Done),
    }
}

fn pages(folder: &Path, out: &Out) -> Result<Exit> {
    std::fs::create_dir_all(folder).map_err(|why| Error::io("make", folder, &why))?;
    clap_mangen::generate_to(Cli::command(), folder)
        .map_err(|why| Error::io("write to", folder, &why))?;
    out.result(&Pages {
        folder: folder.to_path_buf(),
    });
    Ok(Exit::Done)
}

#[derive(Debug, Serialize)]
struct Page {
    page: String,
}

impl Report for Page {
    fn human(&self) -> String {
        self.page.clone()
    }
}

#[derive(Debug, Serialize)]
struct Pages {
    folder: PathBuf,
}

impl Report for Pages {
    fn human(&self) -> String {
        format!("the pages are in {}", self.folder.display())
    }
}
