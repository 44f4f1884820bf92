//! Mounts of a service: both syntaxes, what is mounted and where.

use super::model::Service;
use super::tree::At;
use super::variables::with_defaults;

/// A mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// What is mounted.
    pub sort: Sort,
    /// The path or volume; none of a volume without a name.
    pub source: Option<String>,
    /// The path in the container.
    pub target: String,
}

/// What is mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// A path of the host.
    Bind,
    /// A volume.
    Volume,
    /// Something else.
    Other,
}

/// The mounts of a service with their places; an error for what Compose cannot read, nothing for
/// what depends on a variable.
#[must_use]
pub fn mounts<'a>(service: &Service<'a>) -> Vec<(At<'a>, Result<Mount, String>)> {
    let items = service.get("volumes").into_iter().flat_map(At::items);
    items
        .filter_map(|item| {
            Some((
                item,
                if item.is_map() {
                    Ok(long(item)?)
                } else {
                    short(item)?
                },
            ))
        })
        .collect()
}

fn short(item: At<'_>) -> Option<Result<Mount, String>> {
    let text = with_defaults(item.filled()?)?;
    Some(parse(&text))
}

fn long(item: At<'_>) -> Option<Mount> {
    let text = |key: &str| item.get(key).and_then(At::filled).map(with_defaults);
    let sort = match text("type")??.as_str() {
        "bind" => Sort::Bind,
        "volume" => Sort::Volume,
        _ => Sort::Other,
    };
    Some(Mount {
        sort,
        source: match text("source") {
            None => None,
            Some(source) => Some(source?),
        },
        target: text("target")??,
    })
}

/// Reads `[SOURCE:]TARGET[:OPTIONS]`; a source may start with a drive letter.
fn parse(text: &str) -> Result<Mount, String> {
    let bytes = text.as_bytes();
    let drive = bytes.first().is_some_and(u8::is_ascii_alphabetic)
        && bytes.get(1) == Some(&b':')
        && matches!(bytes.get(2), Some(b'\\' | b'/'));
    let (prefix, rest) = text.split_at(if drive { 2 } else { 0 });
    let mut parts: Vec<String> = rest.split(':').map(str::to_owned).collect();
    parts[0] = format!("{prefix}{}", parts[0]);
    if parts.len() > 3 {
        return Err("it has more than three parts".into());
    }
    if parts.iter().any(String::is_empty) {
        return Err("a part of it is empty".into());
    }
    let (source, target) = if parts.len() == 1 {
        (None, parts.swap_remove(0))
    } else {
        let source = parts.remove(0);
        (Some(source), parts.swap_remove(0))
    };
    let sort = match &source {
        Some(source) if is_path(source) => Sort::Bind,
        _ => Sort::Volume,
    };
    Ok(Mount {
        sort,
        source,
        target,
    })
}

/// Whether Compose takes a source for a path instead of a volume's name.
fn is_path(source: &str) -> bool {
    source.starts_with(['.', '/', '~', '\\']) || source.get(1..2) == Some(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_syntax_is_read() {
        let shown = |text: &str| match parse(text) {
            Ok(mount) => format!(
                "{text} -> {:?} {:?} {}",
                mount.sort, mount.source, mount.target
            ),
            Err(why) => format!("{text} -> {why}"),
        };
        let texts = [
            "/app/node_modules",
            "./a:/b",
            "data:/var/lib/x:ro",
            "C:\\x:/y",
            "~/.aws:/root/.aws",
            "a:b:c:d",
            ":/x",
            "/var/run/docker.sock:/var/run/docker.sock",
        ];
        insta::assert_snapshot!(texts.map(shown).join("\n"), @r#"
        /app/node_modules -> Volume None /app/node_modules
        ./a:/b -> Bind Some("./a") /b
        data:/var/lib/x:ro -> Volume Some("data") /var/lib/x
        C:\x:/y -> Bind Some("C:\\x") /y
        ~/.aws:/root/.aws -> Bind Some("~/.aws") /root/.aws
        a:b:c:d -> it has more than three parts
        :/x -> a part of it is empty
        /var/run/docker.sock:/var/run/docker.sock -> Bind Some("/var/run/docker.sock") /var/run/docker.sock
        "#);
    }
}
