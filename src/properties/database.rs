//! What `{ rds: ... }` stands for: what RDS tells of the environment's database, and the secret
//! that has its password.

use super::gather::{Content, Property};
use super::sources::RdsPart;
use super::{Gathered, Source, Value};
use crate::aws::Aws;
use crate::aws::rds::{self, Instance};
use crate::bootstrap::database;
use crate::config::DatabaseConfig;
use crate::error::{Error, Kind, Result};
use crate::settings::Target;

/// The database of an environment, as the project file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// The name of the instance.
    pub id: String,
    /// The name of the secret with the password, where we keep one; else RDS may.
    pub secret: Option<String>,
    /// What is known of it without asking: the names of database and user.
    pub names: Option<(String, String)>,
    /// What `--env` takes.
    pub env: String,
}

/// What a part of a database is.
enum Told {
    /// This.
    Value(Value),
    /// What this refers to.
    Reference(Source),
}

impl Database {
    /// The one that is declared for an environment.
    #[must_use]
    pub fn of(target: &Target, declared: &DatabaseConfig) -> Self {
        let env = target.key.as_ref().unwrap_or(&target.environment).clone();
        match &declared.instance {
            Some(id) => Self {
                id: id.to_lowercase(),
                secret: None,
                names: None,
                env,
            },
            None => Self {
                id: database::id(&target.environment),
                secret: (!declared.managed_password)
                    .then(|| super::secret_name(target, database::DATABASE)),
                names: Some((declared.name.clone(), declared.username.clone())),
                env,
            },
        }
    }

    /// The instance, where a property needs to know of it.
    ///
    /// # Errors
    /// What AWS says.
    pub(super) async fn look(
        this: Option<&Self>,
        aws: &Aws,
        gathered: &Gathered,
    ) -> Result<Option<Instance>> {
        let Some(database) = this else {
            return Ok(None);
        };
        let asks = |it: &Property| matches!(&it.content, Content::Reference(Source::Rds(part)) if database.asks(*part));
        match gathered.properties.iter().any(asks) {
            true => rds::instance(aws, &database.id).await,
            false => Ok(None),
        }
    }

    /// Whether RDS keeps the password of a database that we make.
    #[must_use]
    pub fn is_managed(&self) -> bool {
        self.names.is_some() && self.secret.is_none()
    }

    /// Whether only RDS knows a part.
    fn asks(&self, part: RdsPart) -> bool {
        match part {
            RdsPart::Host | RdsPart::Port => true,
            RdsPart::Database | RdsPart::Username => self.names.is_none(),
            RdsPart::Password | RdsPart::Secret => self.secret.is_none(),
        }
    }

    /// What one of its parts is, for the property of this name.
    ///
    /// # Errors
    /// [`Kind::Check`] where it is not there (yet).
    fn tell(&self, part: RdsPart, name: &str, seen: Option<&Instance>) -> Result<Told> {
        if let (RdsPart::Password, Some(secret)) = (part, &self.secret) {
            return Ok(Told::Reference(password(secret)));
        }
        let known = match (part, &self.names) {
            (RdsPart::Database, Some((database, _))) => Some(database),
            (RdsPart::Username, Some((_, username))) => Some(username),
            (RdsPart::Secret, _) => self.secret.as_ref(),
            _ => None,
        };
        if let Some(known) = known {
            return Ok(Told::Value(Value::new(known)));
        }
        let Some(seen) = seen else {
            return Err(self.missing(name));
        };
        let value = match part {
            RdsPart::Host => seen.endpoint.as_ref().map(|it| it.address.clone()),
            RdsPart::Port => seen.endpoint.as_ref().map(|it| it.port.to_string()),
            RdsPart::Database => Some(seen.database.clone().unwrap_or_default()),
            RdsPart::Username => Some(seen.username.clone()),
            RdsPart::Password | RdsPart::Secret => {
                let secret = seen.secret().ok_or_else(|| self.unknown(name, seen))?;
                match part {
                    RdsPart::Secret => Some(secret.to_owned()),
                    _ => return Ok(Told::Reference(password(secret))),
                }
            }
        };
        match value.filter(|it| !it.is_empty()) {
            Some(value) => Ok(Told::Value(Value::new(value))),
            None if part == RdsPart::Database => Err(self.nameless(name)),
            None => Err(self.unready(name, &seen.status)),
        }
    }

    fn missing(&self, name: &str) -> Error {
        let id = &self.id;
        let what = format!("the property {name} has no value: there is no database {id}");
        Error::new(Kind::Check, what).hint(match self.names {
            Some(_) => format!("make it with `beanship bootstrap --env {}`", self.env),
            None => "correct `database.instance` in beanship.yml; list them with `aws rds describe-db-instances`".into(),
        })
    }

    fn unready(&self, name: &str, status: &str) -> Error {
        let id = &self.id;
        let what = format!("the property {name} has no value: the database {id} is {status}");
        Error::new(Kind::Check, what).hint(format!(
            "wait until it is available: `aws rds wait db-instance-available --db-instance-identifier {id}`"
        ))
    }

    fn nameless(&self, name: &str) -> Error {
        let what = format!(
            "the property {name} has no value: {} was made without a database's name",
            self.id
        );
        Error::new(Kind::Check, what)
            .hint("write the name in its place in beanship.yml, and run `beanship config`")
    }

    fn unknown(&self, name: &str, seen: &Instance) -> Error {
        if seen.status == "creating" {
            return self.unready(name, &seen.status);
        }
        let what = format!(
            "the property {name} has no value: RDS keeps no secret with the password of {}",
            self.id
        );
        Error::new(Kind::Check, what).hint(match self.names {
            Some(_) => format!("let RDS keep one: `beanship bootstrap --env {}`", self.env),
            None => "name the secret that has it, `{ secret: NAME }`, or store it with `beanship properties set NAME - --secret`".into(),
        })
    }
}

/// A property whose part of a database is known, or has become a reference to its secret.
///
/// # Errors
/// [`Kind::Check`] where there is no database, or it does not know that yet.
pub(super) fn told(
    property: Property,
    declared: Option<&Database>,
    seen: Option<&Instance>,
) -> Result<Property> {
    let Content::Reference(Source::Rds(part)) = &property.content else {
        return Ok(property);
    };
    let declared = declared.ok_or_else(|| undeclared(&property.name))?;
    let (content, from) = match declared.tell(*part, &property.name, seen)? {
        Told::Value(value) => (Content::Literal(value), property.from),
        Told::Reference(source) => {
            let from = source.words();
            (Content::Reference(source), from)
        }
    };
    Ok(Property {
        content,
        from,
        ..property
    })
}

/// No database is declared.
fn undeclared(name: &str) -> Error {
    let what = format!(
        "the property {name} has no value: beanship.yml declares no database for the environment"
    );
    Error::new(Kind::Check, what).hint(
        "declare one as `database: { engine: mysql }` under the environment, and make it with `beanship bootstrap`",
    )
}

fn password(secret: &str) -> Source {
    Source::Secret {
        id: secret.to_owned(),
        key: Some("password".into()),
        copy: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What all parts are, one a line.
    fn tell(declared: &DatabaseConfig, seen: Option<&Instance>) -> String {
        let target = Target {
            app: "shop".into(),
            key: Some("production".into()),
            environment: "shop-prod".into(),
        };
        let database = Database::of(&target, declared);
        let parts = [
            RdsPart::Host,
            RdsPart::Port,
            RdsPart::Database,
            RdsPart::Username,
            RdsPart::Password,
        ];
        let told = parts.map(|part| match database.tell(part, "X", seen) {
            Ok(Told::Value(value)) => value.expose().to_owned(),
            Ok(Told::Reference(source)) => source.words(),
            Err(error) => error.message().to_owned(),
        });
        told.join("\n")
    }

    #[test]
    fn parts_come_from_the_file_from_rds_and_from_the_secret() {
        let ours = DatabaseConfig::default();
        let theirs = DatabaseConfig {
            instance: Some("Shared".into()),
            ..DatabaseConfig::default()
        };
        let mut seen = Instance::default();
        seen.status = "creating".into();
        seen.username = "root".into();
        let none = [tell(&ours, None), tell(&theirs, None)].join("\n\n");
        insta::assert_snapshot!(none, @"
        the property X has no value: there is no database shop-prod-database
        the property X has no value: there is no database shop-prod-database
        app
        app
        secret shop/shop-prod/database, key password

        the property X has no value: there is no database shared
        the property X has no value: there is no database shared
        the property X has no value: there is no database shared
        the property X has no value: there is no database shared
        the property X has no value: there is no database shared
        ");
        let begun = tell(&ours, Some(&seen));
        seen.endpoint = Some(rds::Endpoint {
            address: "db.x".into(),
            port: 3306,
        });
        let all = [begun, tell(&ours, Some(&seen)), tell(&theirs, Some(&seen))];
        insta::assert_snapshot!(all.join("\n\n"), @"
        the property X has no value: the database shop-prod-database is creating
        the property X has no value: the database shop-prod-database is creating
        app
        app
        secret shop/shop-prod/database, key password

        db.x
        3306
        app
        app
        secret shop/shop-prod/database, key password

        db.x
        3306
        the property X has no value: shared was made without a database's name
        root
        the property X has no value: the database shared is creating
        ");
    }
}
