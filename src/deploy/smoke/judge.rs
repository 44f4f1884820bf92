//! What an answer means. Pure: a check and an answer in, words out.

use url::Url;

use super::super::explain::redact::{Redactor, redact};
use super::HttpCheck;

/// How much of a body is shown.
const SHOWN: usize = 200;

/// How many redirects are followed.
const REDIRECTS: usize = 5;

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Where a redirect leads to.
    pub location: Option<String>,
    /// The body, or its beginning.
    pub body: Vec<u8>,
    /// Whether there was more of it.
    pub cut: bool,
}

impl HttpCheck {
    /// The address that is asked: the check's own or the environment's, and the path.
    ///
    /// # Errors
    /// Why there is none.
    pub fn address(&self, environment: Option<&str>) -> Result<Url, String> {
        let Some(base) = self.url.as_deref().or(environment) else {
            return Err("the environment has no address".into());
        };
        let text = match self.path.as_deref() {
            Some(path) => format!("{}{path}", base.trim_end_matches('/')),
            None => base.to_owned(),
        };
        Url::parse(&text).map_err(|why| format!("{} is no address: {why}", shown(&text)))
    }

    /// Where an answer sends to, if it is a redirect that is followed: not where its status is
    /// what is expected, and only so many.
    ///
    /// # Errors
    /// Why a redirect cannot be followed.
    pub fn follows(
        &self,
        answer: &Answer,
        from: &Url,
        before: usize,
    ) -> Result<Option<Url>, String> {
        let redirects = matches!(answer.status, 301 | 302 | 303 | 307 | 308);
        let Some(location) = answer.location.as_deref().filter(|_| redirects) else {
            return Ok(None);
        };
        if self.status.contains(&answer.status) {
            return Ok(None);
        }
        if before == REDIRECTS {
            return Err(format!("was redirected more than {REDIRECTS} times"));
        }
        match from.join(location) {
            Ok(to) if matches!(to.scheme(), "http" | "https") => Ok(Some(to)),
            _ => Err(format!(
                "was redirected to {}, which is no web address",
                shown(location)
            )),
        }
    }

    /// Whether an answer is good.
    ///
    /// # Errors
    /// What is wrong with it, with the beginning of its body.
    pub fn judge(&self, answer: &Answer) -> Result<(), String> {
        if !self.status.contains(&answer.status) {
            let why = format!("answered {}, not {}", answer.status, self.expected());
            return Err(with_body(&why, &answer.body));
        }
        let Some(text) = &self.contains else {
            return Ok(());
        };
        if contains(&answer.body, text.as_bytes()) {
            return Ok(());
        }
        let place = match answer.cut {
            true => format!(
                "the first {}",
                crate::output::bytes(answer.body.len() as u64)
            ),
            false => "its body".into(),
        };
        let why = format!(
            "answered {}, but {place} does not contain `{text}`",
            answer.status
        );
        Err(with_body(&why, &answer.body))
    }

    /// `200`, `200 or 204`.
    fn expected(&self) -> String {
        let statuses: Vec<String> = self.status.iter().map(ToString::to_string).collect();
        statuses.join(" or ")
    }
}

fn contains(body: &[u8], text: &[u8]) -> bool {
    body.windows(text.len()).any(|part| part == text)
}

fn with_body(why: &str, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut begin: String = words.chars().take(SHOWN * 2).collect();
    begin = Redactor::default().line(&begin).unwrap_or_default();
    if begin.is_empty() {
        return format!("{why}; the body is empty");
    }
    let cut = begin.chars().count() > SHOWN;
    let dots = if cut { " ..." } else { "" };
    let begin: String = begin.chars().take(SHOWN).collect();
    format!("{why}; the body begins: {begin}{dots}")
}

/// An address without what looks like a secret.
pub(super) fn shown(address: &str) -> String {
    redact(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{SmokeConfig, Statuses};

    fn check(config: &SmokeConfig) -> HttpCheck {
        HttpCheck::of(config)
    }

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status,
            location: None,
            body: body.into(),
            cut: false,
        }
    }

    #[test]
    fn status_and_body_are_what_counts() {
        let usual = check(&SmokeConfig::default());
        let strict = check(&SmokeConfig {
            status: Some(Statuses(vec![200, 204])),
            contains: Some("\"ok\"".into()),
            ..SmokeConfig::default()
        });
        let long = "x".repeat(500);
        let cut = Answer {
            cut: true,
            ..answer(200, "half")
        };
        let secret = "<p>token=abcdefgh123 &amp;\n::error::x\u{1b}[31m</p>";
        let judged = [
            usual.judge(&answer(200, "")),
            usual.judge(&answer(503, "")),
            usual.judge(&answer(500, secret)),
            usual.judge(&answer(404, &long)),
            strict.judge(&answer(200, "{\"status\": \"ok\"}")),
            strict.judge(&answer(204, "nope")),
            strict.judge(&answer(302, "moved")),
            strict.judge(&cut),
        ];
        let lines: Vec<_> = judged
            .iter()
            .map(|it| it.as_ref().err().map_or("good", |why| why))
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
        good
        answered 503, not 200; the body is empty
        answered 500, not 200; the body begins: <p>token=[redacted] &amp; ::error::x</p>
        answered 404, not 200; the body begins: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx ...
        good
        answered 204, but its body does not contain `"ok"`; the body begins: nope
        answered 302, not 200 or 204; the body begins: moved
        answered 200, but the first 4 B does not contain `"ok"`; the body begins: half
        "#);
    }

    #[test]
    fn the_address_is_the_checks_own_or_the_environments() {
        let at = |url: Option<&str>, path: Option<&str>, environment: Option<&str>| {
            let config = SmokeConfig {
                url: url.map(Into::into),
                path: path.map(Into::into),
                ..SmokeConfig::default()
            };
            check(&config)
                .address(environment)
                .map_or_else(|why| why, |url| url.to_string())
        };
        let environment = Some("http://shop.example.com");
        let addresses = [
            at(None, None, environment),
            at(None, Some("/health?deep=1"), environment),
            at(
                Some("https://shop.example.org/"),
                Some("/health"),
                environment,
            ),
            at(Some("https://shop.example.org/api"), None, None),
            at(None, Some("/health"), None),
        ];
        insta::assert_snapshot!(addresses.join("\n"), @"
        http://shop.example.com/
        http://shop.example.com/health?deep=1
        https://shop.example.org/health
        https://shop.example.org/api
        the environment has no address
        ");
    }

    #[test]
    fn a_redirect_is_followed_unless_it_is_what_is_expected() {
        let usual = check(&SmokeConfig::default());
        let moved = check(&SmokeConfig {
            status: Some(Statuses(vec![301])),
            ..SmokeConfig::default()
        });
        let from = Url::parse("http://shop.example.com/a").expect("an address");
        let to = |check: &HttpCheck, status: u16, location: &str, before: usize| {
            let answer = Answer {
                location: Some(location.into()),
                ..answer(status, "")
            };
            match check.follows(&answer, &from, before) {
                Ok(Some(to)) => to.to_string(),
                Ok(None) => "stays".into(),
                Err(why) => why,
            }
        };
        let followed = [
            to(&usual, 301, "https://shop.example.com/a", 0),
            to(&usual, 302, "/login", 4),
            to(&usual, 302, "/login", 5),
            to(&usual, 307, "ftp://elsewhere/", 0),
            to(&usual, 200, "/login", 0),
            to(&moved, 301, "https://shop.example.com/a", 0),
        ];
        insta::assert_snapshot!(followed.join("\n"), @"
        https://shop.example.com/a
        http://shop.example.com/login
        was redirected more than 5 times
        was redirected to ftp://elsewhere/, which is no web address
        stays
        stays
        ");
    }
}
