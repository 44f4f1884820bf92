//! Published ports: both syntaxes, ranges, addresses and variables with defaults.

use std::ops::RangeInclusive;

use super::model::Service;
use super::tree::At;
use super::variables::with_defaults;

/// What a service publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// The ports of the host; none if Docker chooses.
    pub host: Option<RangeInclusive<u16>>,
    /// The ports of the container.
    pub container: RangeInclusive<u16>,
    /// The host's address, if it is not all of them.
    pub address: Option<String>,
    /// `tcp` or `udp`.
    pub protocol: String,
}

/// The ports of a service with their places; an error for what Compose cannot read, nothing for
/// what depends on a variable.
#[must_use]
pub fn ports<'a>(service: &Service<'a>) -> Vec<(At<'a>, Result<Port, String>)> {
    let items = service.get("ports").into_iter().flat_map(At::items);
    items
        .filter_map(|item| {
            Some((
                item,
                if item.is_map() {
                    long(item)
                } else {
                    short(item)
                }?,
            ))
        })
        .collect()
}

fn short(item: At<'_>) -> Option<Result<Port, String>> {
    let text = with_defaults(item.text()?)?;
    Some(parse(&text))
}

fn long(item: At<'_>) -> Option<Result<Port, String>> {
    let text = |key: &str| item.get(key).and_then(At::filled).map(with_defaults);
    let container = match range(&text("target")??) {
        Ok(range) => range,
        Err(why) => return Some(Err(why)),
    };
    let host = match text("published") {
        None => None,
        Some(published) => match range(&published?) {
            Ok(range) => Some(range),
            Err(why) => return Some(Err(why)),
        },
    };
    Some(Ok(Port {
        host,
        container,
        address: text("host_ip").flatten().filter(|ip| !is_any(ip)),
        protocol: text("protocol").flatten().unwrap_or_else(|| "tcp".into()),
    }))
}

/// Reads `[[ADDRESS:]HOST:]CONTAINER[/PROTOCOL]`.
fn parse(text: &str) -> Result<Port, String> {
    let (rest, protocol) = text.rsplit_once('/').unwrap_or((text, "tcp"));
    let (rest, container) = match rest.rsplit_once(':') {
        Some((rest, container)) => (Some(rest), container),
        None => (None, rest),
    };
    let container = range(container)?;
    let (address, host) = match rest.map(|rest| rest.rsplit_once(':').unwrap_or(("", rest))) {
        None | Some(("", "")) => ("", None),
        Some((address, "")) => (address, None),
        Some((address, host)) => (address, Some(range(host)?)),
    };
    if let Some(host) = &host
        && count(host) != count(&container)
        && count(&container) != 1
    {
        return Err("the ranges have different lengths".into());
    }
    let address = address.trim_start_matches('[').trim_end_matches(']');
    Ok(Port {
        host,
        container,
        address: Some(address.to_owned()).filter(|address| !is_any(address)),
        protocol: protocol.to_owned(),
    })
}

/// How many ports a range holds.
#[must_use]
pub fn count(range: &RangeInclusive<u16>) -> usize {
    usize::from(range.end().saturating_sub(*range.start())) + 1
}

fn is_any(address: &str) -> bool {
    matches!(address, "" | "0.0.0.0" | "::")
}

fn range(text: &str) -> Result<RangeInclusive<u16>, String> {
    let number = |text: &str| {
        let number = text.parse::<u16>().ok().filter(|number| *number > 0);
        number.ok_or_else(|| format!("`{text}` is no port"))
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let range = number(first)?..=number(last)?;
    if range.is_empty() {
        return Err(format!("`{text}` ends before it begins"));
    }
    Ok(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_syntax_is_read() {
        let shown = |text: &str| match parse(text) {
            Ok(port) => format!(
                "{text} -> {:?} {:?} {:?} {}",
                port.address, port.host, port.container, port.protocol
            ),
            Err(why) => format!("{text} -> {why}"),
        };
        let texts = [
            "80",
            "80:8080",
            "127.0.0.1:53:53/udp",
            "3000-3005",
            "9090-9091:8080-8081",
            "127.0.0.1::80",
            "[::1]:80:80",
            "0.0.0.0:80:80",
            "8000-8010:80",
            "80:web",
            "0:80",
            "70000",
            "1-3:1-2",
            "5-2",
            "",
        ];
        insta::assert_snapshot!(texts.map(shown).join("\n"), @r#"
        80 -> None None 80..=80 tcp
        80:8080 -> None Some(80..=80) 8080..=8080 tcp
        127.0.0.1:53:53/udp -> Some("127.0.0.1") Some(53..=53) 53..=53 udp
        3000-3005 -> None None 3000..=3005 tcp
        9090-9091:8080-8081 -> None Some(9090..=9091) 8080..=8081 tcp
        127.0.0.1::80 -> Some("127.0.0.1") None 80..=80 tcp
        [::1]:80:80 -> Some("::1") Some(80..=80) 80..=80 tcp
        0.0.0.0:80:80 -> None Some(80..=80) 80..=80 tcp
        8000-8010:80 -> None Some(8000..=8010) 80..=80 tcp
        80:web -> `web` is no port
        0:80 -> `0` is no port
        70000 -> `70000` is no port
        1-3:1-2 -> the ranges have different lengths
        5-2 -> `5-2` ends before it begins
         -> `` is no port
        "#);
    }
}
