//! What git knows: where the repository lives, and which branch is the one that counts.

use std::path::Path;

use crate::deploy::source::git;

/// The repository, as far as git knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repository {
    /// The host of the remote (`github.com`).
    pub host: Option<String>,
    /// Owner and name (`owner/repo`).
    pub slug: Option<String>,
    /// The branch that others start from; `main` where nothing tells.
    pub branch: String,
}

/// Asks git.
#[must_use]
pub fn look(root: &Path) -> Repository {
    let ask = |arguments: &[&str]| {
        git(root, arguments)
            .ok()
            .map(|answer| answer.trim().to_owned())
    };
    let remote = ask(&["remote", "get-url", "origin"]).and_then(|url| remote(&url));
    let (host, slug) = remote.unzip();
    let head = ask(&["symbolic-ref", "--short", "refs/remotes/origin/HEAD"]);
    let head = head.and_then(|name| Some(name.strip_prefix("origin/")?.to_owned()));
    let all = ask(&["branch", "--format=%(refname:short)"]).unwrap_or_default();
    let current = ask(&["symbolic-ref", "--short", "HEAD"]);
    Repository {
        host,
        slug,
        branch: head.unwrap_or_else(|| usual(&all, current.as_deref())),
    }
}

/// Host and path of a remote's address.
#[must_use]
pub fn remote(url: &str) -> Option<(String, String)> {
    let rest = match url.split_once("://") {
        Some(("file", _)) => return None,
        Some((_, rest)) => rest.to_owned(),
        // git@github.com:owner/repo.git
        None => url.replacen(':', "/", 1),
    };
    let rest = rest
        .rsplit_once('@')
        .map_or(rest.as_str(), |(_, rest)| rest);
    let (host, path) = rest.split_once('/')?;
    let host = host.split(':').next().unwrap_or(host);
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    (host.contains('.') && path.contains('/')).then(|| (host.to_owned(), path.to_owned()))
}

/// `main` or `master` if there is one, else the branch that is checked out where it is the only
/// one. A branch that one of several people works on is not what production runs.
fn usual(all: &str, current: Option<&str>) -> String {
    let mut lines = all.lines();
    let named = ["main", "master"]
        .into_iter()
        .find(|name| all.lines().any(|line| line == *name));
    let alone = match (lines.next(), lines.next()) {
        (_, Some(_)) => None,
        _ => current,
    };
    named.or(alone).unwrap_or("main").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remotes_tell_host_and_path() {
        for (url, expected) in [
            (
                "git@github.com:acme/shop.git",
                Some(("github.com", "acme/shop")),
            ),
            (
                "https://github.com/acme/shop",
                Some(("github.com", "acme/shop")),
            ),
            (
                "https://token@github.com/acme/shop.git",
                Some(("github.com", "acme/shop")),
            ),
            (
                "ssh://git@gitlab.example.com:2222/a/b/c.git",
                Some(("gitlab.example.com", "a/b/c")),
            ),
            ("/srv/git/shop.git", None),
            ("file:///srv/a.b/shop.git", None),
        ] {
            let found = remote(url);
            let found = found
                .as_ref()
                .map(|(host, path)| (host.as_str(), path.as_str()));
            assert_eq!(found, expected, "{url}");
        }
    }

    #[test]
    fn the_usual_branch_is_main() {
        assert_eq!(usual("dev\nmain", Some("dev")), "main");
        assert_eq!(usual("dev", Some("dev")), "dev");
        assert_eq!(usual("dev\nfix", Some("fix")), "main");
        assert_eq!(usual("", None), "main");
    }
}
