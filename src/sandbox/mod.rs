//! The sandbox: an AWS on 127.0.0.1, so that the product and any real AWS client run without an account.
//!
//! One HTTP server takes every request and finds service and region in the SigV4 scope (`gateway`, `signature`); each
//! service is one folder or file that keeps its own books in the state directory (`state`). Elastic Beanstalk is a state
//! machine on a clock: an operation writes the whole future of an environment as dated steps, and every read first
//! applies what is due; so are RDS's databases. Its environments answer HTTP by the host they are asked for (`sites`). `faults` makes trouble on
//! demand, as `trouble.yml` says. Nothing here is shared with the rest
//! of the crate: the sandbox is an independent opinion about how AWS behaves.

mod account;
mod ec2;
mod elasticbeanstalk;
mod faults;
mod gateway;
mod iam;
mod json;
mod protocol;
mod query;
mod rds;
mod requests;
mod s3;
mod schedule;
mod secretsmanager;
mod signature;
mod sites;
mod ssm;
mod state;
mod sts;
mod trouble;
mod xml;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::account::Account;
use self::faults::Faults;
use self::s3::storage::Storage;
use self::state::Store;

/// Where the sandbox lives and how it begins.
#[derive(Debug, Clone)]
pub struct Options {
    /// The state directory; made when it is missing. Several processes may use it at once.
    pub directory: PathBuf,
    /// The port to listen on; 0 lets the system choose.
    pub port: u16,
    /// What the account holds when the state is first made; `None` is an empty account.
    pub seed: Option<Seed>,
}

/// A bootstrapped account: an application with its environments.
#[derive(Debug, Clone)]
pub struct Seed {
    /// The region of everything in the seed.
    pub region: String,
    /// The name of the application.
    pub application: String,
    /// Its environments.
    pub environments: Vec<SeedEnvironment>,
}

/// One environment of the seed; it starts Ready and Green and runs AWS's sample version.
#[derive(Debug, Clone)]
pub struct SeedEnvironment {
    /// The name, 4 to 40 letters, digits and hyphens.
    pub name: String,
    /// Solution stack, platform branch or platform ARN; `None` is the newest Docker platform.
    pub platform: Option<String>,
    /// One instance without a load balancer; otherwise two behind one.
    pub single_instance: bool,
    /// Takes messages from a queue and has no address.
    pub worker: bool,
}

/// A running sandbox. Dropping it stops the server; [`Sandbox::stop`] also waits for it.
#[derive(Debug)]
pub struct Sandbox {
    endpoint: String,
    account: Account,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
}

/// What every service may use.
struct World {
    endpoint: String,
    account: Account,
    store: Store,
    storage: Storage,
    faults: Faults,
}

/// Binds 127.0.0.1 and serves in background tasks of the current tokio runtime.
///
/// Fails when the port is taken, the directory cannot be written, or `trouble.yml` is not valid.
pub async fn start(options: Options) -> io::Result<Sandbox> {
    let listener = TcpListener::bind(("127.0.0.1", options.port)).await?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    let store = Store::open(&options.directory)?;
    let faults = Faults::open(&store)?;
    let storage = Storage::open(&store)?;
    let account = account::open(&store, |account| match &options.seed {
        Some(seed) => elasticbeanstalk::seed(seed, account, &store, &storage),
        None => Ok(()),
    })?;
    let world = Arc::new(World {
        endpoint: endpoint.clone(),
        account: account.clone(),
        store,
        storage,
        faults,
    });
    let (stop, stopped) = watch::channel(false);
    let server = tokio::spawn(gateway::serve(listener, world, stopped));
    Ok(Sandbox {
        endpoint,
        account,
        stop,
        server,
    })
}

impl Sandbox {
    /// `http://127.0.0.1:PORT`, for `AWS_ENDPOINT_URL`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The access key every client may use.
    pub fn access_key_id(&self) -> &str {
        &self.account.access_key_id
    }

    /// The secret that belongs to [`Sandbox::access_key_id`].
    pub fn secret_access_key(&self) -> &str {
        &self.account.secret_access_key
    }

    /// The twelve digits of the account.
    pub fn account_id(&self) -> &str {
        &self.account.id
    }

    /// Closes the port and waits until requests under way are answered.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        // The server task only fails by panicking, and there is nobody left to tell.
        let _ = self.server.await;
    }
}

/// Empties the state: the next [`start`] makes a new account. `trouble.yml` stays.
///
/// The directory must not be in use by a running sandbox.
pub fn reset(directory: &Path) -> io::Result<()> {
    state::clear(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(directory: &Path) -> Options {
        let environment = SeedEnvironment {
            name: "shop-env".to_owned(),
            platform: None,
            single_instance: true,
            worker: false,
        };
        let seed = Seed {
            region: "eu-west-1".to_owned(),
            application: "shop".to_owned(),
            environments: vec![environment],
        };
        Options {
            directory: directory.to_owned(),
            port: 0,
            seed: Some(seed),
        }
    }

    #[tokio::test]
    async fn the_account_survives_its_processes_until_it_is_reset() {
        let directory = tempfile::tempdir().unwrap();
        let first = start(options(directory.path())).await.unwrap();
        let second = start(options(directory.path())).await.unwrap();
        assert_eq!(first.access_key_id(), second.access_key_id());
        assert_ne!(first.endpoint(), second.endpoint());
        let key = first.access_key_id().to_owned();
        first.stop().await;
        second.stop().await;
        reset(directory.path()).unwrap();
        let fresh = start(options(directory.path())).await.unwrap();
        assert_ne!(fresh.access_key_id(), key);
        fresh.stop().await;
    }

    #[tokio::test]
    async fn what_is_wrong_with_the_options_is_said() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("trouble.yml"), "sped: 2").unwrap();
        let error = start(options(directory.path())).await.unwrap_err();
        assert!(
            error.to_string().contains("unknown field `sped`"),
            "{error}"
        );
        std::fs::remove_file(directory.path().join("trouble.yml")).unwrap();
        let mut wrong = options(directory.path());
        if let Some(seed) = &mut wrong.seed {
            seed.environments[0].platform = Some("Cobol".to_owned());
        }
        let error = start(wrong).await.unwrap_err();
        assert!(error.to_string().contains("no platform 'Cobol'"), "{error}");
        start(options(directory.path())).await.unwrap().stop().await;
    }
}
