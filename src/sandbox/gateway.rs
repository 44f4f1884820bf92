//! The one door: finds the service of a request, verifies who asks, makes the trouble that was ordered, writes the request
//! log, and answers in the service's own protocol.

use std::sync::Arc;
use std::time::Duration;

use http::header::HeaderValue;
use http::request::Parts;
use http::{Method, Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use s3s::Body;
use s3s::service::S3Service;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::account::{self, Key};
use super::faults::Fault;
use super::query::{self, Failure, Parameters};
use super::signature::{self, Scope};
use super::xml::{self, Xml};
use super::{World, ec2, elasticbeanstalk, iam, protocol, rds, requests, s3, sites, sts};

mod json;
mod ordered;

use ordered::Wanted;
pub(super) use ordered::refusal;

/// How long to wait before trying again to accept a connection.
const BREATH: Duration = Duration::from_millis(20);

/// A call of a query service that is known, signed, and allowed.
pub(super) struct Call {
    pub(super) service: String,
    pub(super) operation: String,
    pub(super) parameters: Parameters,
    pub(super) region: String,
    pub(super) request_id: String,
    pub(super) now: Timestamp,
    /// Who asks; absent for the few operations of STS that nobody signs.
    pub(super) key: Option<Key>,
}

impl Call {
    /// The answer to an operation that is not here, in the words of most query services.
    pub(super) fn unknown(&self) -> Failure {
        let version = self.parameters.text("Version").unwrap_or_default();
        let operation = &self.operation;
        let message = format!("Could not find operation {operation} for version {version}");
        Failure::new("InvalidAction", message)
    }
}

/// How a request ended, for the log.
struct Answer {
    service: String,
    region: String,
    operation: String,
    fault: Option<&'static str>,
    code: Option<String>,
    /// `None` closes the connection.
    response: Option<Response<Body>>,
}

struct Gateway {
    world: Arc<World>,
    s3: S3Service,
}

/// Accepts connections until told to stop, then lets those under way finish.
pub(super) async fn serve(
    listener: TcpListener,
    world: Arc<World>,
    mut stopped: watch::Receiver<bool>,
) {
    let s3 = s3::service(Arc::clone(&world));
    let gateway = Arc::new(Gateway { world, s3 });
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = stopped.changed() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, Arc::clone(&gateway), stopped.clone()));
                }
                // For instance too many open files: others may close theirs.
                Err(_) => tokio::time::sleep(BREATH).await,
            },
        }
    }
    while connections.join_next().await.is_some() {}
}

async fn connection(stream: TcpStream, gateway: Arc<Gateway>, mut stopped: watch::Receiver<bool>) {
    // Without it small answers may wait for the client's acknowledgement; it works, only slower, when this fails.
    let _ = stream.set_nodelay(true);
    let until = stopped.clone();
    let service = service_fn(move |request| {
        let (gateway, mut until) = (Arc::clone(&gateway), until.clone());
        async move {
            let answer = gateway.answer(request).await;
            if answer.fault == Some(Fault::Stalled.name()) {
                // Ends with the server, or with the caller's patience.
                let _ = until.changed().await;
            }
            answer.response.ok_or("the connection is cut on purpose")
        }
    });
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    // How a connection ends (the client left, it was cut) is nobody's concern but the client's.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopped.changed() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

impl Gateway {
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let now = now();
        let request_id = account::request_id();
        let (parts, body) = request.into_parts();
        let scope = Scope::of(&parts);
        // What is signed is meant for AWS; a host of its own is meant for an environment.
        let site = sites::host(&parts).filter(|_| scope.is_none());
        let service = match &site {
            Some(_) => sites::SERVICE,
            None => scope
                .as_ref()
                .map_or_else(|| unsigned_service(&parts), |scope| scope.service.as_str()),
        };
        let service = service.to_owned();
        let mut answer = match service.as_str() {
            sites::SERVICE => self.site(site.unwrap_or_default(), &parts, now).await,
            "s3" => self.s3(parts, body, scope).await,
            "secretsmanager" | "ssm" => self.json(&service, parts, body, scope, now).await,
            "ec2" | "elasticbeanstalk" | "iam" | "rds" | "sts" => {
                self.query(&service, parts, body, scope, &request_id, now)
                    .await
            }
            _ => {
                self.unsupported(&service, parts, body, scope, &request_id)
                    .await
            }
        };
        if service != sites::SERVICE
            && let Some(response) = &mut answer.response
            && let Ok(id) = HeaderValue::from_str(&request_id)
        {
            response
                .headers_mut()
                .insert("x-amz-request-id", id.clone());
            response.headers_mut().insert("x-amzn-requestid", id);
        }
        self.log(&answer, &request_id, now);
        answer
    }

    fn log(&self, answer: &Answer, request_id: &str, now: Timestamp) {
        let line = requests::Line {
            time: xml::iso(now),
            service: &answer.service,
            region: &answer.region,
            operation: &answer.operation,
            status: answer
                .response
                .as_ref()
                .map(|response| response.status().as_u16()),
            code: answer.code.as_deref().filter(|_| answer.response.is_some()),
            request_id,
            fault: answer.fault,
            trouble_file: self.world.faults.problem(),
        };
        // A log that cannot be written must not break what the client asked for.
        let _ = requests::append(&self.world.store, &line);
    }

    async fn s3(&self, parts: Parts, body: Incoming, scope: Option<Scope>) -> Answer {
        let method = parts.method.to_string();
        let mut request = Request::from_parts(parts, Body::from(body));
        let region = scope.map(|scope| scope.region).unwrap_or_default();
        let note = Arc::new(s3::Note::new(&region));
        request.extensions_mut().insert(Arc::clone(&note));
        let response = match self.s3.call(request).await {
            Ok(response) => response,
            Err(_) => protocol::respond(500, "application/xml", Vec::new()),
        };
        let (response, code) = protocol::read_code(response).await;
        let cut = matches!(note.fault.get(), Some(Fault::Cut(_) | Fault::Stalled));
        Answer {
            service: "s3".to_owned(),
            region,
            operation: note.operation.get().cloned().unwrap_or(method),
            fault: note.fault.get().copied().map(Fault::name),
            code,
            response: (!cut).then_some(response),
        }
    }

    /// Answers as the application of an environment.
    async fn site(&self, host: String, parts: &Parts, now: Timestamp) -> Answer {
        let operation = format!("{} {}", parts.method, parts.uri.path());
        let response = sites::visit(&self.world, host, &parts.method, now).await;
        Answer {
            service: sites::SERVICE.to_owned(),
            region: String::new(),
            operation,
            fault: None,
            code: None,
            response: Some(response),
        }
    }

    async fn query(
        &self,
        service: &str,
        parts: Parts,
        body: Incoming,
        scope: Option<Scope>,
        request_id: &str,
        now: Timestamp,
    ) -> Answer {
        let region = scope
            .as_ref()
            .map_or("us-east-1", |scope| &scope.region)
            .to_owned();
        let (operation, result, fault) = match protocol::form(&parts, body).await {
            Err(failure) => (String::new(), Err(failure), None),
            Ok((bytes, parameters)) => {
                let operation = parameters.text("Action").unwrap_or_default().to_owned();
                match self.admit(&parts, &bytes, scope.as_ref(), &operation, now) {
                    Err(failure) => (operation, Err(failure), None),
                    Ok(key) => {
                        let (request_id, region) = (request_id.to_owned(), region.clone());
                        let call = Call {
                            service: service.to_owned(),
                            operation: operation.clone(),
                            parameters,
                            region,
                            request_id,
                            now,
                            key,
                        };
                        let (result, fault) = self.carry_out(service, call).await;
                        (operation, result, fault)
                    }
                }
            }
        };
        let result = match service {
            "ec2" => result.map_err(ec2::worded),
            _ => result,
        };
        let code = result.as_ref().err().map(|failure| failure.code.clone());
        let (status, bytes) = written(service, &operation, result, request_id);
        let cut = matches!(fault, Some(Fault::Cut(_) | Fault::Stalled));
        Answer {
            service: service.to_owned(),
            region,
            operation,
            fault: fault.map(Fault::name),
            code,
            response: (!cut).then(|| protocol::respond(status, "text/xml", bytes)),
        }
    }

    /// Verifies the signature; `None` is a caller who needs none.
    fn admit(
        &self,
        parts: &Parts,
        body: &[u8],
        scope: Option<&Scope>,
        operation: &str,
        now: Timestamp,
    ) -> Result<Option<Key>, Failure> {
        let Some(scope) = scope else {
            let open = sts::UNSIGNED.contains(&operation);
            let refusal = || {
                Failure::with_status(
                    403,
                    "MissingAuthenticationToken",
                    "Request is missing Authentication Token",
                )
            };
            return if open { Ok(None) } else { Err(refusal()) };
        };
        let key = self
            .world
            .account
            .key(&self.world.store, &scope.access_key_id)?;
        signature::verify(parts, body, scope, key.as_ref(), now)?;
        Ok(key)
    }

    /// Applies the ordered trouble and lets the service do its work, off the async threads: services lock files.
    async fn carry_out(&self, service: &str, call: Call) -> (Result<Xml, Failure>, Option<Fault>) {
        let resource = match service {
            "elasticbeanstalk" => elasticbeanstalk::resource(&self.world, &call),
            "iam" => iam::resource(&self.world.account.id, &call),
            "ec2" => ec2::resource(&self.world.account.id, &call),
            "rds" => rds::resource(&self.world.account.id, &call),
            _ => "*".to_owned(),
        };
        let request = Wanted {
            service: service.to_owned(),
            operation: call.operation.clone(),
            resource,
            now: call.now,
            key: call.key.clone(),
        };
        self.troubled(request, move |world| match call.service.as_str() {
            "sts" => sts::answer(world, &call),
            "iam" => iam::answer(world, &call),
            "ec2" => ec2::answer(world, &call),
            "rds" => rds::answer(world, &call),
            _ => elasticbeanstalk::answer(world, &call),
        })
        .await
    }
}

/// Milliseconds are what AWS's answers carry; finer times would not survive a round trip.
fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

/// Status and body of an answer; EC2 has forms of its own.
fn written(
    service: &str,
    operation: &str,
    result: Result<Xml, Failure>,
    request_id: &str,
) -> (u16, Vec<u8>) {
    let namespace = namespace(service);
    match result {
        Ok(xml) if service == "ec2" => (200, ec2::success(operation, xml, request_id)),
        Ok(xml) => (200, query::success(operation, namespace, xml, request_id)),
        Err(failure) if service == "ec2" => (failure.status, ec2::failure(&failure, request_id)),
        Err(failure) => (
            failure.status,
            query::failure(&failure, namespace, request_id),
        ),
    }
}

fn namespace(service: &str) -> &'static str {
    match service {
        "sts" => sts::NAMESPACE,
        "iam" => iam::NAMESPACE,
        "rds" => rds::NAMESPACE,
        _ => elasticbeanstalk::NAMESPACE,
    }
}

/// Whom an unsigned request means: a form is a call of a query service, anything else is S3's.
fn unsigned_service(parts: &Parts) -> &'static str {
    if parts.method == Method::POST && parts.uri.path() == "/" {
        "sts"
    } else {
        "s3"
    }
}
