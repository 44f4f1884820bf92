//! Calls that are JSON: those of Secrets Manager and Systems Manager, and the answer to calls of services that are not
//! here.

use http::request::Parts;
use hyper::body::Incoming;
use jiff::Timestamp;

use super::super::json::{self, Call};
use super::super::query::Failure;
use super::super::{secretsmanager, ssm};
use super::{Answer, Fault, Gateway, Scope, Wanted, protocol};

impl Gateway {
    pub(super) async fn json(
        &self,
        service: &str,
        parts: Parts,
        body: Incoming,
        scope: Option<Scope>,
        now: Timestamp,
    ) -> Answer {
        let region = scope
            .as_ref()
            .map(|scope| scope.region.clone())
            .unwrap_or_default();
        let operation = json::operation(&parts);
        let (result, fault) = self
            .ask(service, &operation, (parts, body), scope, &region, now)
            .await;
        let code = result.as_ref().err().map(|failure| failure.code.clone());
        let (status, bytes) = match result {
            Ok(output) => (200, output.to_string().into_bytes()),
            Err(failure) => json::failure(&failure),
        };
        let cut = matches!(fault, Some(Fault::Cut(_) | Fault::Stalled));
        Answer {
            service: service.to_owned(),
            region,
            operation,
            fault: fault.map(Fault::name),
            code,
            response: (!cut).then(|| protocol::respond(status, json::MEDIA, bytes)),
        }
    }

    async fn ask(
        &self,
        service: &str,
        operation: &str,
        (parts, body): (Parts, Incoming),
        scope: Option<Scope>,
        region: &str,
        now: Timestamp,
    ) -> (Result<serde_json::Value, Failure>, Option<Fault>) {
        let admitted = async {
            let (bytes, _) = protocol::form(&parts, body).await?;
            let key = self.admit(&parts, &bytes, scope.as_ref(), operation, now)?;
            Ok((json::input(&bytes)?, key))
        };
        let (input, key) = match admitted.await {
            Ok(admitted) => admitted,
            Err(failure) => return (Err(failure), None),
        };
        let wanted = Wanted {
            service: service.to_owned(),
            operation: operation.to_owned(),
            resource: resource(&self.world.account.id, service, region, &input),
            now,
            key,
        };
        let call = Call {
            operation: operation.to_owned(),
            input,
            region: region.to_owned(),
            now,
        };
        let is_ssm = service == "ssm";
        self.troubled(wanted, move |world| match is_ssm {
            true => ssm::answer(world, &call),
            false => secretsmanager::answer(world, &call),
        })
        .await
    }

    pub(super) async fn unsupported(
        &self,
        service: &str,
        parts: Parts,
        body: Incoming,
        scope: Option<Scope>,
        request_id: &str,
    ) -> Answer {
        let (operation, response) = protocol::unsupported(service, &parts, body, request_id).await;
        Answer {
            service: service.to_owned(),
            region: scope.map(|scope| scope.region).unwrap_or_default(),
            operation,
            fault: None,
            code: Some("unsupported service".to_owned()),
            response: Some(response),
        }
    }
}

/// The ARN that IAM judges a call by; where a name stands for a secret, the end that AWS adds is made up.
fn resource(account: &str, service: &str, region: &str, input: &serde_json::Value) -> String {
    let text = |name: &str| input[name].as_str();
    let named = match service {
        "ssm" => text("Name"),
        _ => text("SecretId").or_else(|| text("Name")),
    };
    match (service, named) {
        (_, Some(arn)) if arn.starts_with("arn:") => arn.to_owned(),
        ("ssm", Some(name)) => {
            let name = name.trim_start_matches('/');
            format!("arn:aws:ssm:{region}:{account}:parameter/{name}")
        }
        (_, Some(name)) => {
            format!("arn:aws:secretsmanager:{region}:{account}:secret:{name}-AAAAAA")
        }
        _ => "*".to_owned(),
    }
}
