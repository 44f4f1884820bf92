//! Published ports of a compose service, in the short and the long form.

use serde_json::Value;

/// A range of host ports, or none when Docker chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Published {
    pub(super) first: u16,
    pub(super) last: u16,
    /// Reachable only from the host itself.
    pub(super) local: bool,
}

/// The host ports that one entry of `ports` publishes; an entry may publish none that is known beforehand.
pub(super) fn published(entry: &Value) -> Result<Option<Published>, String> {
    match entry {
        Value::Number(_) => Ok(None),
        Value::String(text) => short(text),
        Value::Object(long) => {
            let local = is_local(
                long.get("host_ip")
                    .and_then(Value::as_str)
                    .unwrap_or_default(),
            );
            match long.get("published") {
                None => Ok(None),
                Some(port) => {
                    range(&scalar(port)).map(|(first, last)| Some(Published { first, last, local }))
                }
            }
        }
        _ => Err("invalid port specification".to_owned()),
    }
}

fn scalar(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// `[[IP:]HOST:]CONTAINER[/protocol]`.
fn short(text: &str) -> Result<Option<Published>, String> {
    let ports = text.split_once('/').map_or(text, |(ports, _)| ports);
    let (host, container) = match ports.rsplit_once(':') {
        Some((host, container)) => (Some(host), container),
        None => (None, ports),
    };
    range(container).map_err(|_| format!("invalid containerPort: {container}"))?;
    let Some(host) = host else { return Ok(None) };
    let (address, port) = host.rsplit_once(':').unwrap_or(("", host));
    if port.is_empty() {
        return Ok(None);
    }
    let (first, last) = range(port).map_err(|_| format!("invalid hostPort: {port}"))?;
    Ok(Some(Published {
        first,
        last,
        local: is_local(address),
    }))
}

fn is_local(address: &str) -> bool {
    address.starts_with("127.")
        || address == "localhost"
        || address.trim_matches(['[', ']']) == "::1"
}

fn range(text: &str) -> Result<(u16, u16), String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let number = |text: &str| {
        text.parse::<u16>()
            .map_err(|_| format!("invalid port: {text}"))
    };
    Ok((number(first)?, number(last)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn short_and_long_forms() {
        let open = |first, last| {
            Some(Published {
                first,
                last,
                local: false,
            })
        };
        for (entry, wanted) in [
            (json!("80:8000"), open(80, 80)),
            (json!("0.0.0.0:80:80/tcp"), open(80, 80)),
            (json!("79-81:79-81"), open(79, 81)),
            (json!("80"), None),
            (json!(80), None),
            (json!("127.0.0.1::80"), None),
            (json!({ "target": 80, "published": "80" }), open(80, 80)),
            (json!({ "target": 80, "published": 80 }), open(80, 80)),
            (json!({ "target": 80 }), None),
            (
                json!("127.0.0.1:80:80"),
                Some(Published {
                    first: 80,
                    last: 80,
                    local: true,
                }),
            ),
            (
                json!("[::1]:80:80"),
                Some(Published {
                    first: 80,
                    last: 80,
                    local: true,
                }),
            ),
        ] {
            assert_eq!(published(&entry), Ok(wanted), "{entry}");
        }
        assert!(published(&json!("eighty:80")).is_err());
        assert!(published(&json!("80:x")).is_err());
        assert!(published(&json!([])).is_err());
    }
}
