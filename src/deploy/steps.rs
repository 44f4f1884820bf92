//! The changes a deploy makes, each with the call that makes it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::board::Board;
use super::bucket;
use super::configure;
use super::environment;
use super::events::Event;
use super::observe::wait_until_ready;
use super::upload::Upload;
use super::version::NewVersion;
use crate::aws::{Aws, Purpose};
use crate::error::{Error, Result};
use crate::output::{Out, bytes};
use crate::plan::{Change, Step, Verb};
use crate::properties::{Options, Secret};
use crate::settings::duration;

/// How long a version that was just created may not be visible yet (peers B 18).
const VISIBLE_AFTER: Duration = Duration::from_secs(30);

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeployStep {
    /// Elastic Beanstalk makes its own bucket.
    CreateBucket {
        /// The name it will have.
        name: String,
    },
    /// The bundle goes into the bucket.
    Upload(Upload),
    /// The version is created.
    CreateVersion(NewVersion),
    /// The environment is updated to the version.
    Update {
        /// The environment.
        environment: String,
        /// The version.
        label: String,
        /// The version before.
        previous: Option<String>,
        /// The option settings that change with it.
        options: Options,
        /// How long it may take until it is given up.
        timeout: Duration,
    },
    /// Only option settings of the environment change.
    Configure {
        /// The environment.
        environment: String,
        /// The application it belongs to.
        application: String,
        /// What changes.
        options: Options,
    },
    /// A secret is stored for a property that refers to it.
    StoreSecret(Secret),
    /// The application is restarted on all instances.
    Restart {
        /// The environment.
        environment: String,
    },
}

/// What the steps need.
#[derive(Debug, Clone)]
pub struct World {
    /// The clients.
    pub aws: Aws,
    /// The writer.
    pub out: Out,
    /// When the deploy's time is up.
    pub deadline: Instant,
    /// What is seen of the environments that are followed.
    pub board: Arc<Board>,
}

impl World {
    /// A world of an application.
    #[must_use]
    pub fn new(aws: Aws, out: &Out, application: &str, deadline: Instant) -> Self {
        let board = Arc::new(Board::new(&aws, out, application));
        Self {
            aws,
            out: out.clone(),
            deadline,
            board,
        }
    }
}

/// What the steps leave behind.
#[derive(Debug, Default)]
pub struct Made {
    /// The id of the update's request; unknown when its answer was lost.
    pub request_id: Option<String>,
    /// Whether the update was asked for.
    pub updated: bool,
    /// The ARNs of secrets that were stored, by property.
    pub stored: BTreeMap<String, String>,
}

impl Step for DeployStep {
    type World = World;
    type Made = Made;

    fn change(&self) -> Change {
        let change = |verb, kind, name: String, detail| Change {
            verb,
            kind,
            name,
            detail,
        };
        match self {
            Self::CreateBucket { name } => change(Verb::Create, "bucket", name.clone(), None),
            Self::Upload(upload) => {
                let name = format!("s3://{}/{}", upload.bucket, upload.key);
                change(
                    Verb::Create,
                    "source bundle",
                    name,
                    Some(bytes(upload.bytes)),
                )
            }
            Self::CreateVersion(version) => {
                let detail = version.description.clone();
                change(
                    Verb::Create,
                    "application version",
                    version.label.clone(),
                    detail,
                )
            }
            Self::Update {
                environment,
                label,
                previous,
                timeout,
                ..
            } => {
                let from = previous.as_deref().unwrap_or("no version");
                let within = duration::words(*timeout);
                let detail = Some(format!("{from} -> {label}, within {within}"));
                change(Verb::Update, "environment", environment.clone(), detail)
            }
            Self::StoreSecret(secret) => {
                let verb = match secret.arn {
                    Some(_) => Verb::Update,
                    None => Verb::Create,
                };
                change(verb, "secret", secret.name.clone(), None)
            }
            Self::Configure { environment, .. } => {
                let detail = Some("settings".to_owned());
                change(Verb::Update, "environment", environment.clone(), detail)
            }
            Self::Restart { environment } => {
                let detail = Some("restart of the application".to_owned());
                change(Verb::Update, "environment", environment.clone(), detail)
            }
        }
    }

    fn changes(&self) -> Vec<Change> {
        match self {
            Self::Update { options, .. } => {
                let own = std::iter::once(self.change());
                own.chain(options.changes()).collect()
            }
            Self::Configure { options, .. } => options.changes(),
            _ => vec![self.change()],
        }
    }

    fn past(&self) -> String {
        match self {
            Self::CreateBucket { name } => format!("Made the bucket {name}"),
            Self::Upload(upload) => format!("Uploaded {}", bytes(upload.bytes)),
            Self::CreateVersion(version) => format!("Created the version {}", version.label),
            Self::Update { environment, .. } | Self::Configure { environment, .. } => {
                format!("Started the update of {environment}")
            }
            Self::StoreSecret(secret) => format!("Stored the secret {}", secret.name),
            Self::Restart { environment } => format!("Started the restart of {environment}"),
        }
    }

    async fn apply(&self, world: &World, made: &mut Made) -> Result<()> {
        match self {
            Self::CreateBucket { name } => bucket::create_own(&world.aws, name).await,
            Self::Upload(upload) => upload.run(&world.aws, &world.out).await,
            Self::CreateVersion(version) => version.create(&world.aws).await,
            Self::Update {
                environment,
                label,
                previous,
                options,
                ..
            } => {
                let wanted = (label.as_str(), options);
                update(world, made, environment, wanted, previous.as_deref()).await
            }
            Self::Configure {
                environment,
                application,
                options,
            } => {
                let options = options.with_references(&made.stored);
                configure::configure(world, made, (application, environment), &options).await
            }
            Self::StoreSecret(secret) => {
                let arn = secret.store(&world.aws).await?;
                made.stored.insert(secret.property.clone(), arn);
                Ok(())
            }
            Self::Restart { environment } => configure::restart(world, made, environment).await,
        }
    }
}

/// Starts the update. Waits where the environment is not Ready (another operation slipped in),
/// is patient with a version that is not visible yet, and knows an update as its own whose
/// answer was lost: by what the environment is doing, or by what it runs when it is Ready again.
async fn update(
    world: &World,
    made: &mut Made,
    environment: &str,
    (label, options): (&str, &Options),
    previous: Option<&str>,
) -> Result<()> {
    let begun = Instant::now();
    loop {
        let error = match ask(world, environment, label, options).await {
            Ok(request_id) => {
                made.request_id = request_id;
                made.updated = true;
                return Ok(());
            }
            Err(error) => error,
        };
        if error.message().contains("No Application Version named") {
            if begun.elapsed() > VISIBLE_AFTER || Instant::now() > world.deadline {
                return Err(error);
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        } else if error.message().contains("Must be Ready") {
            if let Some(request_id) = own_update(world, environment, label).await? {
                made.request_id = request_id;
                made.updated = true;
                return Ok(());
            }
            if Instant::now() >= world.deadline {
                let what = format!("takes no update: {}", error.message());
                return Err(out_of_time(environment, &what));
            }
            let now = wait_until_ready(world, environment).await?;
            if now.version_label.as_deref() == Some(label) && previous != Some(label) {
                made.updated = true;
                return Ok(());
            }
        } else {
            return Err(error);
        }
    }
}

/// Asks for the update, once it is this environment's turn.
async fn ask(
    world: &World,
    environment: &str,
    label: &str,
    options: &Options,
) -> Result<Option<String>> {
    let _turn = world.aws.turn(Purpose::Update).await;
    environment::update(&world.aws, environment, Some(label), options).await
}

/// Whether the operation that keeps the environment busy is our own, started by a request whose
/// answer was lost: the environment is on its way to our label, or an event since we began
/// names it. The answer holds the operation's request id, where an event tells it.
async fn own_update(
    world: &World,
    environment: &str,
    label: &str,
) -> Result<Option<Option<String>>> {
    let seen = environment::find(&world.aws, environment).await?;
    let news = world.board.ahead(environment).await?;
    let ours = |event: &&Event| event.version_label.as_deref() == Some(label);
    let heading = seen.is_some_and(|seen| {
        seen.status == "Updating" && seen.version_label.as_deref() == Some(label)
    });
    let request_id = news
        .iter()
        .filter(ours)
        .chain(news.iter().filter(|event| event.starts_update()))
        .find_map(|event| event.request_id.clone());
    Ok((heading || news.iter().any(|event| ours(&event))).then_some(request_id))
}

/// An error for a deploy whose time is up before the environment took its update.
#[must_use]
pub(super) fn out_of_time(environment: &str, what: &str) -> Error {
    let text = format!("timed out: {environment} {what}");
    Error::new(crate::error::Kind::Timeout, text)
        .hint("give it more time: `--timeout 40m`, then run the command again")
        .hint(format!(
            "see what it is busy with: `beanship watch --env {environment}`, or stop that with \
             `beanship abort --env {environment}`"
        ))
}
