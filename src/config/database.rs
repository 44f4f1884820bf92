//! The database of an environment: `database`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Config, EnvironmentConfig};
use crate::properties::Database;
use crate::settings::Target;

/// `database` of an environment: one that is made, or one that is there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct DatabaseConfig {
    /// What it is.
    pub engine: Option<Engine>,
    /// Its class.
    pub class: String,
    /// Its storage, in GiB.
    pub storage_gb: u32,
    /// The name of the database in it.
    pub name: String,
    /// The name of its first user.
    pub username: String,
    /// Whether a second one stands by in another zone.
    pub multi_az: bool,
    /// For how many days backups are kept; 0 makes none.
    pub backup_days: u32,
    /// The version, or its beginning.
    pub engine_version: Option<String>,
    /// The name of an instance that is there, instead of all this.
    pub instance: Option<String>,
    /// Which of that instance's security groups lets the environment in.
    pub security_group: Option<String>,
    /// Whether RDS makes the password, keeps it in a secret of its own, and changes it every week.
    pub managed_password: bool,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self {
            engine: None,
            class: "db.t4g.micro".into(),
            storage_gb: 20,
            name: "app".into(),
            username: "app".into(),
            multi_az: false,
            backup_days: 7,
            engine_version: None,
            instance: None,
            security_group: None,
            managed_password: false,
        }
    }
}

/// What a database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// MySQL.
    Mysql,
    /// MariaDB.
    Mariadb,
    /// PostgreSQL.
    Postgres,
}

impl Engine {
    /// As RDS calls it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Mysql => "mysql",
            Self::Mariadb => "mariadb",
            Self::Postgres => "postgres",
        }
    }

    /// The port that it answers at (facts 7).
    #[must_use]
    pub fn port(self) -> u16 {
        match self {
            Self::Mysql | Self::Mariadb => 3306,
            Self::Postgres => 5432,
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.word())
    }
}

/// Names that no user and no database can have with one of the engines.
const RESERVED: [&str; 9] = [
    "admin",
    "administrator",
    "information_schema",
    "mysql",
    "postgres",
    "rdsadmin",
    "root",
    "sys",
    "user",
];

impl Config {
    /// The database that is declared for an environment.
    #[must_use]
    pub fn database(&self, target: &Target) -> Option<Database> {
        let environment = self.environments.get(target.key.as_ref()?)?;
        let declared = environment.database.as_ref()?;
        Some(Database::of(target, declared))
    }

    /// What is well formed below `database` but cannot be meant.
    pub(super) fn database_problems(&self) -> Vec<String> {
        let each = self.environments.iter();
        each.flat_map(|(key, environment)| environment.database_problems(key))
            .collect()
    }
}

impl EnvironmentConfig {
    fn database_problems(&self, key: &str) -> Vec<String> {
        let Some(database) = &self.database else {
            return Vec::new();
        };
        let at = format!("environments.{key}.database");
        let mut problems = Vec::new();
        let mut problem = |text: String| problems.push(format!("`{at}`: {text}"));
        match (&database.engine, &database.instance) {
            (Some(_), Some(_)) | (None, None) => problem(
                "say either `engine: mysql`, mariadb or postgres, or the `instance` that is there"
                    .into(),
            ),
            (None, Some(_)) => {
                let plain = DatabaseConfig {
                    instance: database.instance.clone(),
                    security_group: database.security_group.clone(),
                    ..DatabaseConfig::default()
                };
                if *database != plain {
                    problem("with `instance` only `security_group` counts: what is there stays as it is".into());
                }
            }
            (Some(_), None) => database.sizes(&mut problem),
        }
        let group = database.security_group.as_deref();
        if group.is_some() && database.instance.is_none() {
            problem("`security_group` belongs to `instance`".into());
        }
        if let Some(group) = group.filter(|it| !it.starts_with("sg-")) {
            problem(format!("`{group}` is no id: it begins with `sg-`"));
        }
        problems
    }
}

impl DatabaseConfig {
    fn sizes(&self, problem: &mut impl FnMut(String)) {
        if !self.class.starts_with("db.") {
            problem(format!(
                "`{}` is no class: they are called like `db.t4g.micro`",
                self.class
            ));
        }
        if !(20..=65_536).contains(&self.storage_gb) {
            problem("`storage_gb` must be 20 to 65536".into());
        }
        if self.backup_days > 35 {
            problem("`backup_days` must be 0 to 35".into());
        }
        for (key, name, longest) in [("name", &self.name, 63), ("username", &self.username, 16)] {
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
            if !begins || !name.chars().all(fits) || name.len() > longest {
                problem(format!(
                    "`{name}` cannot be the `{key}`: a letter, then letters, digits and `_`, at most {longest} in all"
                ));
            } else if RESERVED.contains(&name.to_ascii_lowercase().as_str()) {
                problem(format!(
                    "`{name}` cannot be the `{key}`: the engine keeps it for itself"
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn parse(database: &str) -> crate::error::Result<Config> {
        let text = format!("environments: {{ a: {{ database: {database} }} }}");
        Config::parse(&text, Path::new("f"))
    }

    #[test]
    fn an_engine_is_enough() {
        let config = parse("{ engine: mysql }").expect("a database");
        let expected = DatabaseConfig {
            engine: Some(Engine::Mysql),
            ..DatabaseConfig::default()
        };
        assert_eq!(config.environments["a"].database, Some(expected));
        assert!(parse("{ instance: shop, security_group: sg-1 }").is_ok());
    }

    #[test]
    fn what_cannot_be_meant_is_said() {
        let wrong = [
            "{}",
            "{ engine: oracle }",
            "{ engine: mysql, instance: shop }",
            "{ instance: shop, class: db.t3.micro, security_group: web }",
            "{ instance: shop, managed_password: true }",
            "{ engine: mysql, class: t3.micro, storage_gb: 5, backup_days: 40, name: 1a, username: admin, security_group: sg-1 }",
        ];
        let told = wrong.iter().map(|text| {
            let error = parse(text).expect_err("problems");
            let messages: Vec<_> = error.problems().map(|it| it.message().to_owned()).collect();
            messages.join("\n")
        });
        insta::assert_snapshot!(told.collect::<Vec<_>>().join("\n"), @"
        f: `environments.a.database`: say either `engine: mysql`, mariadb or postgres, or the `instance` that is there
        f:1:42: unknown value `oracle`: known here are mysql, mariadb, postgres
        f: `environments.a.database`: say either `engine: mysql`, mariadb or postgres, or the `instance` that is there
        f: `environments.a.database`: with `instance` only `security_group` counts: what is there stays as it is
        f: `environments.a.database`: `web` is no id: it begins with `sg-`
        f: `environments.a.database`: with `instance` only `security_group` counts: what is there stays as it is
        f: `environments.a.database`: `t3.micro` is no class: they are called like `db.t4g.micro`
        f: `environments.a.database`: `storage_gb` must be 20 to 65536
        f: `environments.a.database`: `backup_days` must be 0 to 35
        f: `environments.a.database`: `1a` cannot be the `name`: a letter, then letters, digits and `_`, at most 63 in all
        f: `environments.a.database`: `admin` cannot be the `username`: the engine keeps it for itself
        f: `environments.a.database`: `security_group` belongs to `instance`
        ");
    }
}
