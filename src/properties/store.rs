//! Secrets that the tool stores itself: `properties set NAME - --secret`.

use super::Value;
use crate::aws::Aws;
use crate::aws::error::Explain;
use crate::error::{Error, Result};
use crate::settings::Target;

/// A secret to be stored in Secrets Manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// Its name.
    pub name: String,
    /// The property that shall refer to it.
    pub property: String,
    /// What it shall hold.
    pub value: Value,
    /// Its ARN, where it is there already.
    pub arn: Option<String>,
}

/// The name of a property's secret: `<app>/<environment>/<NAME>`, always the same one.
#[must_use]
pub fn name(target: &Target, property: &str) -> String {
    let fit = |text: &str| -> String {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=.@-".contains(c);
        text.chars()
            .map(|c| if allowed(c) { c } else { '-' })
            .collect()
    };
    format!(
        "{}/{}/{}",
        fit(&target.app),
        fit(&target.environment),
        fit(property)
    )
}

impl Secret {
    /// Looks whether it is there.
    ///
    /// # Errors
    /// What AWS says.
    pub async fn look(aws: &Aws, target: &Target, property: &str, value: Value) -> Result<Self> {
        let name = name(target, property);
        let told = aws
            .secrets
            .describe_secret()
            .secret_id(&name)
            .send()
            .await
            .explain("secretsmanager", "DescribeSecret");
        let arn = match told {
            Ok(told) => told.arn().map(str::to_owned),
            Err(error) if error.code() == Some("ResourceNotFoundException") => None,
            Err(error) => return Err(error),
        };
        Ok(Self {
            name,
            property: property.to_owned(),
            value,
            arn,
        })
    }

    /// Makes it, or gives it a new value. The answer is its ARN.
    ///
    /// # Errors
    /// What AWS says.
    pub async fn store(&self, aws: &Aws) -> Result<String> {
        if let Some(arn) = &self.arn {
            let stored = aws
                .secrets
                .put_secret_value()
                .secret_id(arn)
                .secret_string(self.value.expose())
                .send()
                .await
                .explain("secretsmanager", "PutSecretValue");
            return stored
                .map(|_| arn.clone())
                .map_err(|error| self.restorable(error));
        }
        let made = aws
            .secrets
            .create_secret()
            .name(&self.name)
            .description(format!("The environment property {}", self.property))
            .secret_string(self.value.expose())
            .send()
            .await
            .explain("secretsmanager", "CreateSecret")?;
        Ok(made.arn().unwrap_or_default().to_owned())
    }

    fn restorable(&self, error: Error) -> Error {
        match error.code() {
            Some("InvalidRequestException") => error.hint(format!(
                "if it is being deleted, take it back with `aws secretsmanager restore-secret --secret-id {}`",
                self.name
            )),
            _ => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_secret_is_fit_for_the_service() {
        let target = Target {
            app: "my shop".into(),
            key: None,
            environment: "shop-prod".into(),
        };
        assert_eq!(name(&target, "api:KEY"), "my-shop/shop-prod/api-KEY");
    }
}
