//! What a bootstrap looks at, and what shall be.

use secrecy::ExposeSecret;

use super::Job;
use crate::bootstrap::application::{self, PLATFORM, SeenEnvironment};
use crate::bootstrap::database;
use crate::bootstrap::network::{self, Ground};
use crate::bootstrap::references::References;
use crate::bootstrap::registry::{LoginStep, Object, content};
use crate::bootstrap::wanted::Sources;
use crate::bootstrap::{Desired, Given, Observed, Part};
use crate::commands::Context;
use crate::commands::images::login_of;
use crate::config::{EnvironmentConfig, RegistryConfig};
use crate::error::{Error, Kind, Result};
use crate::output::Event;
use crate::settings::Target;

impl Job<'_> {
    /// Looks at the rest, and puts together what shall be.
    pub(super) async fn look(&self, seen: application::Seen) -> Result<(Desired, Observed)> {
        let (aws, place) = (&self.world.aws, &self.place);
        let declared = declared(self.cx, &place.target);
        let given = Given::find(aws, place, &declared, &seen).await?;
        let there = seen.environment.as_ref();
        let (ground, network) = self.network(&declared, there).await?.unzip();
        let platform = match &seen.environment {
            Some(there) => there
                .configuration
                .platform_arn()
                .unwrap_or_default()
                .to_owned(),
            None if !counts(&self.args.only, Part::Application) => String::new(),
            None => {
                application::platform(aws, declared.platform.as_deref().unwrap_or(PLATFORM)).await?
            }
        };
        let configuration = seen.environment.as_ref().map(|it| &it.configuration);
        let references = References::find(
            aws,
            place,
            &self.cx.settings,
            configuration,
            &self.settings.bucket,
        )
        .await?;
        let notes = references.notes.iter().cloned().chain(given.words());
        for note in notes.chain(remarks(&declared, &self.args.only)) {
            self.cx.out.event(&Event::Note(&note));
        }
        let sources = Sources {
            place,
            settings: &self.cx.settings,
            declared: &declared,
            bucket: &self.settings.bucket,
            given: &given,
            references: &references,
            key: self.key.clone(),
            network: network.as_ref(),
        };
        let (database, seen_database) = self.database(&declared, ground.as_ref()).await?;
        let mut desired = sources.desired(platform)?;
        desired.database = database;
        let registry = self.cx.settings.config.registry.as_ref();
        let login = Object::of(registry, place);
        if let Some((object, _)) = &login {
            object.allow(&mut desired)?;
        }
        let mut observed = Observed::look(aws, &desired, seen, ground).await?;
        observed.database = seen_database;
        if let (Some((object, true)), Some(registry)) = (login, registry)
            && counts(&self.args.only, Part::Application)
        {
            observed.login = self.login(object, registry).await?;
        }
        Ok((desired, observed))
    }

    /// Looks at the login at a private registry, and whether it has to be written.
    async fn login(&self, object: Object, registry: &RegistryConfig) -> Result<Option<LoginStep>> {
        let content = login_of(self.cx, registry)
            .await
            .map(|(username, password)| {
                let password = password.expose();
                let content = content(registry.server(), &username, password);
                self.cx.out.hide(content.expose_secret());
                content
            });
        let server = registry.server();
        let (step, remark) = object.look(&self.world.aws, server, content).await?;
        if let Some(remark) = remark {
            self.cx.out.event(&Event::Note(&remark));
        }
        Ok(step)
    }

    /// Looks at the network, where the project file says anything of it, and tells what will not
    /// work there.
    async fn network(
        &self,
        declared: &EnvironmentConfig,
        there: Option<&SeenEnvironment>,
    ) -> Result<Option<(Ground, network::Wanted)>> {
        let only = &self.args.only;
        let counts = |part| counts(only, part);
        let some = counts(Part::Network) || counts(Part::Database) || counts(Part::Application);
        if !some || !network::is_declared(declared) {
            return Ok(None);
        }
        let (aws, place, out) = (&self.world.aws, &self.place, &self.cx.out);
        let ground = network::look(aws, place, declared, there).await?;
        for note in &ground.notes {
            out.event(&Event::Note(note));
        }
        let wanted = network::wanted(place, declared, &ground, there)?;
        for warning in &wanted.warnings {
            out.event(&Event::Warning(warning));
        }
        Ok(Some((ground, wanted)))
    }

    /// Looks at the database, where the project file asks for one.
    async fn database(
        &self,
        declared: &EnvironmentConfig,
        ground: Option<&Ground>,
    ) -> Result<(Option<database::Wanted>, database::Seen)> {
        let rotate = self.args.rotate_database_password;
        let made = declared
            .database
            .as_ref()
            .is_some_and(|it| it.engine.is_some());
        if rotate && !(made && counts(&self.args.only, Part::Database)) {
            return Err(nothing_to_rotate(&self.place.target));
        }
        let nothing = (None, database::Seen::default());
        let Some(ground) = ground.filter(|_| counts(&self.args.only, Part::Database)) else {
            return Ok(nothing);
        };
        let (aws, place) = (&self.world.aws, &self.place);
        let seen = database::look(aws, place, declared).await?;
        for note in &seen.notes {
            self.cx.out.event(&Event::Note(note));
        }
        let wanted = database::wanted(place, declared, ground, &seen, rotate)?;
        Ok((wanted, seen))
    }
}

fn nothing_to_rotate(target: &Target) -> Error {
    let what = format!(
        "--rotate-database-password: beanship makes no database for {}",
        target.environment
    );
    Error::new(Kind::Usage, what).hint(
        "leave the flag out, or declare `database: { engine: mysql }` under the environment in beanship.yml and do not leave it out with `--only`",
    )
}

/// What the project file says about an environment.
pub(super) fn declared(cx: &Context, target: &Target) -> EnvironmentConfig {
    let environments = &cx.settings.config.environments;
    let own = target.key.as_ref().and_then(|key| environments.get(key));
    own.cloned().unwrap_or_default()
}

/// Whether a part is asked for.
fn counts(only: &[Part], part: Part) -> bool {
    only.is_empty() || only.contains(&part)
}

fn remarks(declared: &EnvironmentConfig, only: &[Part]) -> Vec<String> {
    let mut told = Vec::new();
    if counts(only, Part::Iam) && declared.deployer.is_none() {
        told.push(
            "no `deployer` is declared for the environment: nobody gets the right to deploy".into(),
        );
    }
    if only.contains(&Part::Database) && declared.database.is_none() {
        told.push("no `database` is declared for the environment: none is made".into());
    }
    if only.contains(&Part::Network) && !network::is_declared(declared) {
        told.push("no `network` is declared for the environment: nothing of it is made".into());
    }
    told
}
