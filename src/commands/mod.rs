//! One file a verb. Each `run` reads as the runbook of its command.

pub mod abort;
pub mod adopt;
pub mod bootstrap;
pub mod bundle;
pub mod check;
pub mod completions;
pub mod config;
pub mod deploy;
pub mod diff;
pub mod events;
pub mod health;
pub mod images;
pub mod init;
mod kept_out;
pub mod list;
pub mod logs;
pub mod man;
pub mod open;
pub mod promote;
pub mod properties;
pub mod prune;
mod redeploy;
pub mod rollback;
pub mod sandbox;
pub mod schema;
pub mod status;
pub mod versions;
pub mod watch;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;

use crate::aws::{Access, Aws, Local};
use crate::cli::{Command, VersionsAction};
use crate::deploy::source::Source;
use crate::error::{Error, Exit, Kind, Result, reason};
use crate::output::{Event, Out};
use crate::plan::Change;
use crate::sandbox::{Options, Sandbox, Seed, SeedEnvironment};
use crate::settings::{Choice, SandboxMode, Settings, Target};

/// The folder below the project's root that is the tool's own.
pub const OWN_FOLDER: &str = ".beanship";

/// How long git may take to answer.
const GIT: Duration = Duration::from_secs(10);

/// The region of the sandbox where nothing names one.
const SANDBOX_REGION: &str = "us-east-1";

/// What every command works with.
#[derive(Debug)]
pub struct Context {
    /// What is meant.
    pub settings: Settings,
    /// The one writer.
    pub out: Out,
    sandbox: Arc<OnceCell<Sandbox>>,
    about: Mutex<Option<Target>>,
}

/// Runs a command.
///
/// # Errors
/// What the command has no report of its own for.
pub async fn dispatch(cx: &Context, command: &Command) -> Result<Exit> {
    for note in &cx.settings.notes {
        cx.out.event(&Event::Note(note));
    }
    match command {
        Command::Init(args) => cx.interruptible(init::run(cx, args)).await,
        Command::Deploy(args) => deploy::run(cx, args).await,
        Command::Watch(args) => watch::run(cx, args).await,
        Command::Rollback(args) => rollback::run(cx, args).await,
        Command::Promote(args) => promote::run(cx, args).await,
        Command::Abort(args) => cx.interruptible(abort::run(cx, args)).await,
        Command::Versions(args) => match &args.action {
            None => cx.interruptible(versions::run(cx, args)).await,
            Some(VersionsAction::Prune(args)) => cx.interruptible(prune::run(cx, args)).await,
        },
        Command::Diff(args) => cx.interruptible(diff::run(cx, args)).await,
        Command::Open(args) => cx.interruptible(open::run(cx, args)).await,
        Command::Check(args) => check::run(cx, args),
        Command::Bundle(args) => cx.interruptible(bundle::run(cx, args)).await,
        Command::Images(action) => images::run(cx, action).await,
        Command::Status(args) => cx.interruptible(status::run(cx, args)).await,
        Command::List(args) => cx.interruptible(list::run(cx, args)).await,
        Command::Events(args) => events::run(cx, args).await,
        Command::Health(args) => health::run(cx, args).await,
        Command::Logs(args) => logs::run(cx, args).await,
        Command::Properties(action) => properties::run(cx, action).await,
        Command::Bootstrap(args) => bootstrap::run(cx, args).await,
        Command::Config(args) if args.from_aws => cx.interruptible(adopt::run(cx, args)).await,
        Command::Config(args) => config::run(cx, args),
        Command::Sandbox(args) => sandbox::run(cx, args).await,
        Command::Schema => schema::run(&cx.out),
        Command::Man(args) => man::run(args, &cx.out),
        Command::Completions { shell } => completions::run(*shell, &cx.out),
    }
}

impl Context {
    /// A context of these settings.
    #[must_use]
    pub fn new(settings: Settings, out: Out) -> Self {
        Self {
            settings,
            out,
            sandbox: Arc::default(),
            about: Mutex::new(None),
        }
    }

    /// The same, with another writer.
    #[must_use]
    pub fn telling(&self, out: Out) -> Self {
        let about = self.about.lock().unwrap_or_else(PoisonError::into_inner);
        Self {
            settings: self.settings.clone(),
            out,
            sandbox: self.sandbox.clone(),
            about: Mutex::new(about.clone()),
        }
    }

    /// The clients: of the real AWS, or of the embedded one, which starts when first asked for.
    ///
    /// # Errors
    /// [`Kind::Usage`] without a region; [`Kind::Io`] where the sandbox cannot start.
    pub async fn aws(&self) -> Result<Aws> {
        let mut access: Access = self.settings.access();
        if self.settings.sandbox != SandboxMode::Off {
            let sandbox = self
                .sandbox
                .get_or_try_init(|| self.start_sandbox(0))
                .await?;
            access
                .region
                .get_or_insert_with(|| SANDBOX_REGION.to_owned());
            access.local = Some(Local {
                endpoint: sandbox.endpoint().to_owned(),
                access_key_id: sandbox.access_key_id().to_owned(),
                secret_access_key: sandbox.secret_access_key().to_owned(),
            });
        }
        Aws::connect(&access, &self.out).await
    }

    /// Starts the embedded AWS with what the project file declares.
    ///
    /// # Errors
    /// [`Kind::Io`] where its folder or port cannot be used.
    pub async fn start_sandbox(&self, port: u16) -> Result<Sandbox> {
        self.make_own_folder()?;
        let seed = match self.settings.sandbox {
            SandboxMode::Empty => None,
            _ => self.seed()?,
        };
        let directory = self.sandbox_folder();
        let options = Options {
            directory: directory.clone(),
            port,
            seed,
        };
        crate::sandbox::start(options).await.map_err(|why| {
            if why.kind() == std::io::ErrorKind::InvalidInput {
                let text = format!("the sandbox cannot start: {}", reason(&why));
                return Error::new(Kind::Config, text)
                    .hint("correct it, and see that the sandbox starts with `beanship list`");
            }
            Error::new(Kind::Io, format!("the sandbox cannot start in {}: {}", directory.display(), reason(&why)))
                .hint("empty its state with `beanship sandbox --reset`, or choose another port with `--port N`")
        })
    }

    /// Where the sandbox keeps its state.
    #[must_use]
    pub fn sandbox_folder(&self) -> PathBuf {
        self.settings.root.join(OWN_FOLDER).join("sandbox")
    }

    /// The application and environments that a new sandbox starts with.
    fn seed(&self) -> Result<Option<Seed>> {
        let about = self
            .about
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let named = about.as_ref().map(|target| target.app.as_str());
        let Ok(app) = self.settings.app(named) else {
            return Ok(None);
        };
        let config = &self.settings.config;
        let choice = Choice {
            config,
            app: &app,
            wanted: None,
            branch: None,
            any_branch: true,
        };
        let environment = |target: Target| {
            let declared = target
                .key
                .and_then(|key| config.environments.get(&key))
                .cloned();
            let declared = declared.unwrap_or_default();
            SeedEnvironment {
                name: target.environment,
                platform: declared.platform,
                single_instance: declared.kind == crate::config::EnvironmentKind::Single,
                worker: declared.tier == crate::config::Tier::Worker,
            }
        };
        let mut targets = choice.all()?;
        if targets.is_empty() {
            targets.extend(about);
        }
        let environments = targets.into_iter().map(environment).collect();
        let named = config
            .region
            .clone()
            .or_else(|| self.settings.region.clone());
        let region = named.unwrap_or_else(|| SANDBOX_REGION.to_owned());
        Ok(Some(Seed {
            region,
            application: app,
            environments,
        }))
    }

    /// Makes the tool's own folder, which git ignores.
    ///
    /// # Errors
    /// [`Kind::Io`].
    pub fn make_own_folder(&self) -> Result<PathBuf> {
        own_folder(&self.settings.root)
    }

    /// The tool's own files, and those that properties are read from, which never go into a bundle.
    #[must_use]
    pub fn own_files(&self, output: Option<&Path>) -> Vec<PathBuf> {
        let default = self.settings.root.join(crate::config::FILE_NAME);
        let files = self.settings.config.dotenv_files();
        let files = files.map(|file| self.settings.root.join(file));
        let named = self.settings.config_file.clone();
        let written = kept_out::read(&self.settings.root);
        named
            .into_iter()
            .chain(written)
            .chain([default])
            .chain(output.map(Path::to_path_buf))
            .chain(files)
            .collect()
    }

    /// Keeps a file with secrets that was written for the user out of every bundle.
    pub fn keep_out(&self, path: &Path) {
        kept_out::add(&self.settings.root, path);
    }

    /// The environment that a reading command is about.
    ///
    /// # Errors
    /// [`Kind::Usage`] where that is not clear.
    pub fn target(&self, app: Option<&str>, env: Option<&str>) -> Result<Target> {
        let git = match self.settings.wanted(env) {
            Some(_) => None,
            None => Source::discover(&self.settings.root).branch,
        };
        let target = self.settings.target(app, env, git.as_deref())?;
        self.about(&target);
        Ok(target)
    }

    /// What git says about the tree; after ten seconds it goes on without.
    pub async fn source(&self) -> Source {
        let root = self.settings.root.clone();
        let asked = tokio::task::spawn_blocking(move || Source::discover(&root));
        match tokio::time::timeout(GIT, asked).await {
            Ok(Ok(source)) => source,
            _ => Source {
                trouble: Some(format!("no answer within {} s", GIT.as_secs())),
                ..Source::default()
            },
        }
    }

    /// A sandbox keeps what it was first made with: where something is missing there, the
    /// project file may have changed since.
    #[must_use]
    pub fn hint_at_sandbox(&self, error: Error) -> Error {
        let is_missing = error.kind() == Kind::Check && error.message().starts_with("no ");
        if self.settings.sandbox == SandboxMode::Off || !is_missing {
            return error;
        }
        error.hint("let the sandbox begin anew from beanship.yml: `beanship sandbox --reset`")
    }

    /// Notes which environment the command is about: without a project file, a new sandbox
    /// starts with it.
    pub fn about(&self, target: &Target) {
        *self.about.lock().unwrap_or_else(PoisonError::into_inner) = Some(target.clone());
    }

    /// Whether the plan may be carried out: agreed to by flag or on the terminal. Without a
    /// terminal, a plan that changes or removes something needs the flag.
    ///
    /// # Errors
    /// [`Kind::Usage`] where nobody can be asked.
    pub async fn agree(&self, changes: &[Change], why: &str) -> Result<bool> {
        if self.settings.yes {
            return Ok(true);
        }
        if self.settings.interactive {
            let (out, question) = (self.out.clone(), format!("{why}. Go ahead?"));
            // On a thread of its own, so that a signal ends the command meanwhile.
            let asked = tokio::task::spawn_blocking(move || out.ask(&question)).await;
            return asked
                .map_err(|why| why.to_string())
                .and_then(|answer| answer.map_err(|why| reason(&why)))
                .map_err(|why| Error::new(Kind::Io, format!("cannot ask: {why}")));
        }
        if changes
            .iter()
            .all(|change| change.verb == crate::plan::Verb::Create)
        {
            return Ok(true);
        }
        Err(Error::new(
            Kind::Usage,
            format!("not done: {why}, and nobody can be asked: there is no terminal"),
        )
        .hint("agree beforehand with `--yes`, or look first with `--plan`"))
    }

    /// Runs something until it ends or a signal does.
    ///
    /// # Errors
    /// [`Kind::Interrupted`] after Ctrl-C or SIGTERM.
    pub async fn interruptible<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            result = work => result,
            () = signal() => Err(Error::new(Kind::Interrupted, "interrupted: nothing more is done")),
        }
    }
}

/// Makes the tool's own folder below a project's root; git ignores it.
///
/// # Errors
/// [`Kind::Io`].
pub fn own_folder(root: &Path) -> Result<PathBuf> {
    let folder = root.join(OWN_FOLDER);
    std::fs::create_dir_all(&folder).map_err(|why| Error::io("make", &folder, &why))?;
    let ignore = folder.join(".gitignore");
    if !ignore.exists() {
        std::fs::write(&ignore, "*\n").map_err(|why| Error::io("write", &ignore, &why))?;
    }
    Ok(folder)
}

/// Ends with the next Ctrl-C or SIGTERM.
pub async fn signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut terminate) = signal(SignalKind::terminate()) else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}
