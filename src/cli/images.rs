//! The command line of images.

use clap::{Args, Subcommand};

/// What can be done with images.
#[derive(Debug, Clone, Subcommand)]
pub enum ImagesAction {
    /// List every service's image with its digest, as its registry tells it
    List(ListImagesArgs),
    /// Build the services that have `build` and `image`, and keep the images at the local engine
    Build(MakeImagesArgs),
    /// Build them and push them; the next deploy of this tree names them by digest
    Push(MakeImagesArgs),
}

/// `beanship images list`
#[derive(Debug, Clone, Default, Args)]
pub struct ListImagesArgs {
    /// Which environment's compose file
    #[arg(long, value_name = "KEY", value_hint = clap::ValueHint::Other)]
    pub env: Option<String>,
}

/// `beanship images build` and `push`
#[derive(Debug, Clone, Default, Args)]
pub struct MakeImagesArgs {
    /// The environments that shall run them, which decide the platform; may be repeated [env: BEANSHIP_ENV] [default: all]
    #[arg(long, value_name = "KEY", value_hint = clap::ValueHint::Other, value_delimiter = ',')]
    pub env: Vec<String>,
    /// The images' tag [env: BEANSHIP_VERSION_LABEL] [default: the version label of this tree]
    #[arg(long, value_name = "LABEL")]
    pub version_label: Option<String>,
}

/// What a deploy does about images.
#[derive(Debug, Clone, Default, Args)]
pub struct PinArgs {
    /// Build and push the services that have `build` and `image`, and deploy just these images
    #[arg(long)]
    pub build: bool,
    /// Leave an image as it is if its registry does not tell its digest
    #[arg(long)]
    pub allow_unpinned: bool,
}
