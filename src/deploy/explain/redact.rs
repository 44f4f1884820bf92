//! Lines of foreign logs, made fit to be shown: values that look like secrets are taken out, and
//! so is whatever would move a terminal's cursor or command a CI runner.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex_lite::Regex;

/// What stands where a secret stood.
const HIDDEN: &str = "[redacted]";

/// The longest line that is shown whole.
const WIDTH: usize = 600;

struct Rule {
    /// A line without any of these (in lower case) is not looked at.
    any: &'static [&'static str],
    pattern: LazyLock<Regex>,
    with: &'static str,
}

macro_rules! rule {
    ($any:expr, $pattern:literal, $with:literal) => {
        Rule {
            any: &$any,
            pattern: LazyLock::new(|| Regex::new($pattern).expect("a valid pattern")),
            with: $with,
        }
    };
}

/// In this order: what a later rule sees was not hidden by an earlier one.
static RULES: [Rule; 7] = [
    rule!(
        ["://"],
        r"([A-Za-z][A-Za-z0-9+.-]*://)[^\s/@'\x22]+@",
        "${1}[redacted]@"
    ),
    rule!(
        ["signature", "credential", "token", "sig="],
        r"(?i)([?&](?:x-amz-signature|x-amz-credential|x-amz-security-token|signature|sig|[a-z_-]*token)=)[^&\s'\x22]+",
        "${1}[redacted]"
    ),
    rule!(
        ["bearer ", "basic "],
        r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/._~=-]{8,}",
        "${1} [redacted]"
    ),
    rule!(
        ["akia", "asia"],
        r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
        "[redacted]"
    ),
    rule!(
        ["eyj"],
        r"\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*",
        "[redacted]"
    ),
    rule!(
        [
            "pass",
            "pwd",
            "secret",
            "token",
            "key",
            "credential",
            "auth",
            "dsn",
            "cookie"
        ],
        r#"(?i)([\w.-]*(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|encryption[_-]?key|signing[_-]?key|secret[_-]?key|credentials?|authorization|dsn|cookie)[\w.-]*(?:\s*=\s*|\s*:\s+|\\?["']\s*[:=]\s*))(\[redacted\]|"(?:[^"\\]|\\.)*"|\\"[^"\\]*\\"|'[^']*'|[^\s,;&"'}\]]+)"#,
        "${1}[redacted]"
    ),
    rule!(
        ["password:", "passwd:", "pwd:"],
        r"(?i)((?:password|passwd|pwd):)[^\s,;'\x22]+",
        "${1}[redacted]"
    ),
];

/// Makes the lines of one file fit to be shown, in order: a private key spans several.
#[derive(Debug, Default)]
pub struct Redactor {
    inside_key: bool,
}

impl Redactor {
    /// One line, cut where it is too long to be shown; none for a line inside a private key.
    pub fn line(&mut self, line: &str) -> Option<String> {
        self.whole_line(line).map(shorten)
    }

    /// A text, line by line, for a file that is kept.
    pub fn text(text: &str) -> String {
        let mut redactor = Self::default();
        let lines = text.lines().filter_map(|line| redactor.whole_line(line));
        lines.map(|line| line + "\n").collect()
    }

    fn whole_line(&mut self, line: &str) -> Option<String> {
        if self.inside_key {
            self.inside_key = !line.contains("-----END");
            return None;
        }
        if let Some((before, rest)) = line.split_once("-----BEGIN")
            && rest.contains("PRIVATE KEY")
        {
            self.inside_key = !rest.contains("-----END");
            return Some(format!("{}{HIDDEN}", redact(&plain(before))));
        }
        Some(redact(&plain(line)))
    }

    /// All lines of a file.
    pub fn lines<'a>(lines: impl IntoIterator<Item = &'a String>) -> Vec<String> {
        let mut redactor = Self::default();
        lines
            .into_iter()
            .filter_map(|line| redactor.line(line))
            .collect()
    }
}

/// A text without what looks like a secret.
#[must_use]
pub fn redact(text: &str) -> String {
    let mut text = Cow::Borrowed(text);
    for rule in &RULES {
        let small = text.to_ascii_lowercase();
        if rule.any.iter().any(|word| small.contains(word))
            && let Cow::Owned(changed) = rule.pattern.replace_all(&text, rule.with)
        {
            text = Cow::Owned(changed);
        }
    }
    text.into_owned()
}

/// Without escape sequences, control characters and the commands of CI runners.
fn plain(line: &str) -> String {
    let text = anstream::adapter::strip_str(line).to_string();
    let text: String = text
        .chars()
        .map(|char| if char == '\t' { ' ' } else { char })
        .filter(|char| !char.is_control())
        .collect();
    let text = text.replace("##[", "## [");
    if text.trim_start().starts_with("::") {
        return format!("| {text}");
    }
    text
}

/// The two ends of a line that is too long.
fn shorten(line: String) -> String {
    if line.chars().count() <= WIDTH {
        return line;
    }
    let chars: Vec<char> = line.chars().collect();
    let half = WIDTH / 2 - 3;
    let (head, tail) = (&chars[..half], &chars[chars.len() - half..]);
    format!(
        "{} ... {}",
        head.iter().collect::<String>(),
        tail.iter().collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_secret_is_taken_out() {
        for (line, expected) in [
            (
                "DB_PASSWORD=hunter2 DB_HOST=db",
                "DB_PASSWORD=[redacted] DB_HOST=db",
            ),
            ("password: hunter2", "password: [redacted]"),
            (
                "login app password:hunter2",
                "login app password:[redacted]",
            ),
            (
                r#"{"api_key": "a b\"c", "user": "x"}"#,
                r#"{"api_key": [redacted], "user": "x"}"#,
            ),
            (
                r#"msg="{\"token\":\"abc\"}""#,
                r#"msg="{\"token\":[redacted]}""#,
            ),
            (
                "AWS_SECRET_ACCESS_KEY='wJalr/x+y'",
                "AWS_SECRET_ACCESS_KEY=[redacted]",
            ),
            ("key id AKIAIOSFODNN7EXAMPLE used", "key id [redacted] used"),
            (
                "Authorization: Bearer abc.def-123456",
                "Authorization: [redacted] [redacted]",
            ),
            (
                "curl -H 'X: Bearer abcdefgh12'",
                "curl -H 'X: Bearer [redacted]'",
            ),
            (
                "connect postgres://app:s3cr3t@db:5432/shop failed",
                "connect postgres://[redacted]@db:5432/shop failed",
            ),
            (
                "GET https://b.s3.amazonaws.com/k?X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F1&X-Amz-Signature=abc123&x=1",
                "GET https://b.s3.amazonaws.com/k?X-Amz-Credential=[redacted]&X-Amz-Signature=[redacted]&x=1",
            ),
            (
                "jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig-1",
                "jwt [redacted]",
            ),
        ] {
            assert_eq!(redact(line), expected, "{line}");
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        for line in [
            "2026/01/02 10:00:00.123456 [ERROR] pull access denied for shop/web, repository does not exist",
            "failed to get one or more secrets",
            "is not authorized to perform: secretsmanager:GetSecretValue on resource: arn:aws:secretsmanager:eu-central-1:1:secret:prod/db-AbC",
            "web-1 exited with code 137",
            "Digest: sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            "services.web.environment must be a mapping: see https://docs.docker.com/",
            "KeyError: 'name'",
            "the tokenizer took 12 ms",
        ] {
            assert_eq!(redact(line), line);
        }
    }

    #[test]
    fn lines_cannot_command_a_terminal_or_a_runner() {
        let text = [
            "\u{1b}[31mred\u{1b}[0m\u{7} ##[error]x",
            "-----BEGIN RSA PRIVATE KEY-----",
            "MIIEow",
            "-----END RSA PRIVATE KEY-----",
            "::set-output name=x::y",
        ]
        .map(str::to_owned);
        assert_eq!(
            Redactor::lines(&text),
            ["red ## [error]x", "[redacted]", "| ::set-output name=x::y"]
        );
        let long = Redactor::default().line(&"x".repeat(5000));
        assert!(long.is_some_and(|line| line.len() <= WIDTH));
    }
}
