//! `beanship sandbox`: serves the embedded AWS for other clients, or empties its state.

use serde::Serialize;

use crate::cli::SandboxArgs;
use crate::error::{Error, Exit, Result};
use crate::output::{Event, Report};

use super::{Context, SANDBOX_REGION, signal};

/// Runs the command; serving ends with Ctrl-C, which is no failure.
///
/// # Errors
/// [`crate::error::Kind::Io`] where folder or port cannot be used.
pub async fn run(cx: &Context, args: &SandboxArgs) -> Result<Exit> {
    let directory = cx.sandbox_folder();
    if args.reset {
        crate::sandbox::reset(&directory).map_err(|why| Error::io("empty", &directory, &why))?;
        cx.out.result(&Emptied { directory });
        return Ok(Exit::Done);
    }
    let sandbox = cx.start_sandbox(args.port).await?;
    cx.out.result(&Serving {
        aws_endpoint_url: sandbox.endpoint().to_owned(),
        aws_access_key_id: sandbox.access_key_id().to_owned(),
        aws_secret_access_key: sandbox.secret_access_key().to_owned(),
        aws_region: cx
            .settings
            .region
            .clone()
            .unwrap_or_else(|| SANDBOX_REGION.to_owned()),
        aws_ec2_metadata_disabled: "true",
    });
    cx.out
        .event(&Event::Note("serving on 127.0.0.1 until Ctrl-C"));
    signal().await;
    sandbox.stop().await;
    Ok(Exit::Done)
}

/// The state that was emptied.
#[derive(Debug, Serialize)]
struct Emptied {
    directory: std::path::PathBuf,
}

impl Report for Emptied {
    fn human(&self) -> String {
        "the sandbox is empty; the next command fills it anew".into()
    }
}

/// The variables that point any AWS client here.
#[derive(Debug, Serialize)]
#[serde(rename_all = "UPPERCASE")]
struct Serving {
    aws_endpoint_url: String,
    aws_access_key_id: String,
    aws_secret_access_key: String,
    aws_region: String,
    aws_ec2_metadata_disabled: &'static str,
}

impl Report for Serving {
    fn human(&self) -> String {
        let lines = [
            ("AWS_ENDPOINT_URL", self.aws_endpoint_url.as_str()),
            ("AWS_ACCESS_KEY_ID", &self.aws_access_key_id),
            ("AWS_SECRET_ACCESS_KEY", &self.aws_secret_access_key),
            ("AWS_REGION", &self.aws_region),
            ("AWS_DEFAULT_REGION", &self.aws_region),
            ("AWS_EC2_METADATA_DISABLED", self.aws_ec2_metadata_disabled),
        ];
        let line = |(name, value): &(&str, &str)| format!("export {name}={value}");
        lines.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}
