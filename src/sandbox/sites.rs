//! The applications of the environments: a small page under each environment's host name, so that what asks an environment
//! over HTTP gets an answer.
//!
//! No name server knows these hosts. A client reaches them with the sandbox as its HTTP proxy, with a `Host` header of its
//! choice, or as `NAME.localhost`.

use std::io;
use std::sync::Arc;

use http::header::HOST;
use http::request::Parts;
use http::{Method, Response};
use jiff::Timestamp;
use s3s::Body;

use super::elasticbeanstalk::{Site, SiteState, site};
use super::trouble::HttpRule;
use super::{World, protocol};

/// The name of all this in the request log.
pub(super) const SERVICE: &str = "environment";

/// What is answered.
#[derive(Debug)]
struct Page {
    status: u16,
    html: Vec<u8>,
}

/// The host that a request is meant for, in lower case, where that is not the sandbox itself.
pub(super) fn host(parts: &Parts) -> Option<String> {
    let header = || parts.headers.get(HOST)?.to_str().ok();
    let asked = match parts.uri.host() {
        Some(host) => host.to_owned(),
        None => header()?
            .rsplit_once(':')
            .map_or(header()?, |(host, _)| host)
            .to_owned(),
    };
    let host = asked.to_ascii_lowercase();
    let is_site = host.ends_with(".elasticbeanstalk.com") || host.ends_with(".localhost");
    let is_here = host == "localhost"
        || host
            .parse::<std::net::Ipv4Addr>()
            .is_ok_and(|ip| ip.is_loopback());
    // Any other host only comes with a request to a proxy.
    (is_site || (parts.uri.host().is_some() && !is_here)).then_some(host)
}

/// Answers for a host, off the async threads: the books are locked files.
pub(super) async fn visit(
    world: &Arc<World>,
    host: String,
    method: &Method,
    now: Timestamp,
) -> Response<Body> {
    let (world, method) = (Arc::clone(world), method.clone());
    let work = move || answer(&world, &host, &method, now);
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(page)) => protocol::respond(page.status, "text/html; charset=utf-8", page.html),
        _ => protocol::respond(500, "text/plain", b"The sandbox failed.".to_vec()),
    }
}

/// The page behind a host.
fn answer(world: &World, host: &str, method: &Method, now: Timestamp) -> io::Result<Page> {
    if method == Method::CONNECT {
        return Ok(Page::of(
            501,
            "Not Implemented",
            "the sandbox does not speak HTTPS",
        ));
    }
    let Some(site) = site(world, host, now)? else {
        let text = format!("the sandbox has no environment with the address {host}");
        return Ok(Page::of(404, "Not Found", &text));
    };
    let ordered = match site.state {
        SiteState::Serves => world.faults.page(&site.environment)?,
        _ => None,
    };
    Ok(ordered.map_or_else(|| Page::about(&site), Page::ordered))
}

impl Page {
    fn about(site: &Site) -> Self {
        let name = &site.environment;
        let label = site.label.as_deref().unwrap_or("no version");
        match site.state {
            SiteState::Serves => Self::of(200, name, &format!("{name} runs {label}")),
            SiteState::Down => Self::of(502, "Bad Gateway", &format!("{name} is not healthy")),
            SiteState::Gone => Self::of(
                503,
                "Service Unavailable",
                &format!("{name} has no instances"),
            ),
        }
    }

    fn ordered(rule: HttpRule) -> Self {
        let body = rule.body.map(String::into_bytes);
        let usual = Self::of(rule.status, "Trouble", "by order of the trouble file");
        Self {
            status: rule.status,
            html: body.unwrap_or(usual.html),
        }
    }

    fn of(status: u16, title: &str, text: &str) -> Self {
        let (title, text) = (
            quick_xml::escape::escape(title),
            quick_xml::escape::escape(text),
        );
        let html = format!("<!doctype html>\n<title>{title}</title>\n<p>{text}</p>\n");
        Self {
            status,
            html: html.into_bytes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_of_their_own_are_sites() {
        for (target, header, expected) in [
            (
                "/",
                "shop.eba-1.eu-west-1.elasticbeanstalk.com",
                Some("shop.eba-1.eu-west-1.elasticbeanstalk.com"),
            ),
            ("/", "Shop.localhost:4000", Some("shop.localhost")),
            ("/", "127.0.0.1:4000", None),
            ("/", "localhost:4000", None),
            ("/", "s3.eu-west-1.amazonaws.com", None),
            (
                "http://a.example.org/x",
                "a.example.org",
                Some("a.example.org"),
            ),
            ("http://127.0.0.1:4000/", "127.0.0.1:4000", None),
        ] {
            let request = http::Request::get(target)
                .header(HOST, header)
                .body(())
                .unwrap();
            let (parts, ()) = request.into_parts();
            assert_eq!(host(&parts).as_deref(), expected, "{target} {header}");
        }
    }
}
