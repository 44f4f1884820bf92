//! The login that `registry` in beanship.yml declares, for use on this machine.

use crate::commands::Context;
use crate::config::{PASSWORD, RegistryConfig};
use crate::error::{Error, Kind, Result};
use crate::images::credentials::{DockerConfig, Login};
use crate::images::registry::{Declared, Reference};
use crate::properties::gather::{Content, Place, properties};
use crate::properties::{Source, Value, references};
use crate::settings::SandboxMode;

/// The declared login, where one of these images is in its registry and Docker has none for it.
///
/// # Errors
/// Why its password cannot be read.
pub(super) async fn declared(
    cx: &Context,
    images: &[Reference],
    docker: &DockerConfig,
) -> Result<Option<Declared>> {
    let Some(registry) = &cx.settings.config.registry else {
        return Ok(None);
    };
    if registry.login().is_none() {
        return Ok(None);
    }
    let server = registry.server();
    let any = images.iter().any(|it| it.registry() == server);
    if !any || cx.settings.sandbox != SandboxMode::Off || docker.login(server).await?.is_some() {
        return Ok(None);
    }
    let (username, password) = login_of(cx, registry).await?;
    Ok(Some(Declared {
        server: server.to_owned(),
        login: Login {
            username,
            password: password.expose().into(),
            identity: false,
        },
    }))
}

/// The name and the password that the project file declares; the password is hidden in everything
/// that is printed.
///
/// # Errors
/// Why the password cannot be read.
pub(in crate::commands) async fn login_of(
    cx: &Context,
    registry: &RegistryConfig,
) -> Result<(String, Value)> {
    let Some((username, password)) = registry.login() else {
        let what = "`registry` in beanship.yml declares no name and password";
        return Err(Error::new(Kind::Config, what).hint("look with `beanship config`"));
    };
    let password = value(cx, password).await?;
    cx.out.hide(password.expose());
    Ok((username.to_owned(), password))
}

/// What a source holds.
async fn value(cx: &Context, source: &Source) -> Result<Value> {
    let place = Place {
        environ: &cx.settings.environ,
        root: &cx.settings.root,
    };
    let sources = [(PASSWORD.to_owned(), source.clone())].into();
    let property = properties(sources, place)?.pop();
    match property.map(|property| property.content) {
        Some(Content::Literal(value) | Content::Private(value)) => Ok(value),
        Some(Content::Reference(source)) => {
            let aws = cx.aws().await?;
            let id = match &source {
                Source::Secret { id, .. } => id.clone(),
                Source::Parameter { name, .. } => name.clone(),
                _ => String::new(),
            };
            references::read(&aws, PASSWORD, &source, &id).await
        }
        None => Err(
            Error::new(Kind::Config, "the login for the registry has no password")
                .hint("look at `registry` with `beanship config`"),
        ),
    }
}
