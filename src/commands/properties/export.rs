//! `beanship properties export`: the values in a file for its owner only.

use std::io::Write;

use serde::Serialize;

use crate::cli::ExportArgs;
use crate::commands::Context;
use crate::deploy::configuration;
use crate::error::{Error, Exit, Kind, Result};
use crate::output::Report;
use crate::properties::{PROPERTIES, SECRETS, dotenv};

/// Runs the command.
///
/// # Errors
/// [`Kind::Io`] where the file cannot be made or is there already; else what AWS says.
pub(super) async fn run(cx: &Context, args: &ExportArgs) -> Result<Exit> {
    let app = args.target.application.app.as_deref();
    let target = cx.target(app, args.target.env.as_deref())?;
    let aws = cx.aws().await?;
    let read = configuration::read(&aws, &target.app, &target.environment);
    let seen = aws.first_contact(read).await;
    let seen = seen.map_err(|error| cx.hint_at_sandbox(error))?;
    let mut lines: Vec<String> = Vec::new();
    let mut exported = 0;
    for option in seen.namespace(PROPERTIES) {
        let value = option.value.as_deref().unwrap_or_default();
        lines.push(dotenv::line(&option.name, value));
        exported += 1;
    }
    let references: Vec<String> = seen
        .namespace(SECRETS)
        .map(|option| option.name.clone())
        .collect();
    for name in &references {
        lines.push(format!("# {name} is a reference to a secret"));
    }
    lines.push(String::new());
    let path = cx.settings.root.join(&args.out);
    write(&path, &lines.join("\n"))?;
    cx.keep_out(&path);
    cx.out.result(&Exported {
        environment: target.environment,
        file: args.out.display().to_string(),
        exported,
        references,
    });
    Ok(Exit::Done)
}

/// Makes a new file that only its owner can read.
fn write(path: &std::path::Path, text: &str) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let written = options
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|why| match why.kind() {
        std::io::ErrorKind::AlreadyExists => Error::new(
            Kind::Io,
            format!("cannot write {}: it is there already", path.display()),
        )
        .hint("choose another file: `beanship properties export -o FILE`"),
        _ => Error::io("write", path, &why),
    })
}

#[derive(Serialize)]
struct Exported {
    environment: String,
    file: String,
    exported: usize,
    references: Vec<String>,
}

impl Report for Exported {
    fn human(&self) -> String {
        let references = match self.references.len() {
            0 => String::new(),
            count => format!(", without {count} from secrets"),
        };
        let plural = if self.exported == 1 { "y" } else { "ies" };
        format!(
            "{}: {} propert{plural} of {}{references}",
            self.file, self.exported, self.environment
        )
    }
}
