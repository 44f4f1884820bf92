//! Hostile and random texts.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

/// How long this thread has worked: other tests run beside it. Where the system does not tell, how
/// long the test has taken.
fn busy() -> Duration {
    static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let told = told.and_then(|text| text.split(' ').next()?.parse().ok());
    told.map_or_else(|| BEGUN.elapsed(), Duration::from_nanos)
}

#[test]
fn hostile_texts_end_soon() {
    let nested = |open: &str, count: usize| format!("a: {}", open.repeat(count));
    let mut bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for (name, of) in ('b'..='z').zip('a'..='y') {
        bomb.push_str(&format!(
            "{name}: &{name} [{}]\n",
            vec![format!("*{of}"); 9].join(",")
        ));
    }
    let many = |item: &str, count: usize| {
        format!(
            "services: {{a: {{image: x, ports: [{}]}}}}",
            vec![item; count].join(",")
        )
    };
    let texts: Vec<Vec<u8>> = vec![
        bomb.into_bytes(),
        nested("[", 200_000).into_bytes(),
        nested("{a: ", 100_000).into_bytes(),
        "- ".repeat(200_000).into_bytes(),
        b"a\0: 1".to_vec(),
        b"a: \xff".to_vec(),
        vec![b'#'; 10_000_000],
        b"a: &a [*a]".to_vec(),
        many("1-65535:1-65535", 20_000).into_bytes(),
        format!("services: {{a: {{image: \"{}\"}}}}", "${A:-".repeat(80_000)).into_bytes(),
        (0..40_000)
            .map(|n| format!("k{n}: 1\n"))
            .collect::<String>()
            .into_bytes(),
    ];
    for text in texts {
        let before = busy();
        let verdict = of_text(&text);
        // The code is not optimised here.
        let took = busy().saturating_sub(before);
        let limit = Duration::from_secs(10);
        assert!(took < limit, "{took:?}: {:?}", &text[..20.min(text.len())]);
        assert!(verdict.stop().is_err(), "{:?}", &text[..20.min(text.len())]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_text_makes_it_panic(words in prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..60)) {
        let _ = of_text(words.concat().as_bytes());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = of_text(&bytes);
    }

    #[test]
    fn a_damaged_file_is_put_right_or_left(at in 0..SAMPLE.len(), word in prop::sample::select(WORDS.to_vec())) {
        let mut text = SAMPLE.to_owned();
        text.insert_str(at, word);
        let directory = project(&[(FILE_NAME, text.as_bytes())]);
        let around = Surroundings::of(directory.path(), Path::new(FILE_NAME));
        let (verdict, _) = fix::apply(&around).expect("it can be written");
        let again = fix::apply(&around).expect("it can be written").1;
        prop_assert!(again.is_empty(), "{}", brief(&verdict));
    }
}

/// What compose files are made of, and what YAML trips over.
const WORDS: [&str; 52] = [
    "services:",
    "\n",
    "\n  ",
    "\n    ",
    "\n      ",
    "- ",
    "a",
    "web:",
    "image: ",
    "nginx",
    "ports:",
    " [",
    "]",
    "{",
    "}",
    ", ",
    ": ",
    "\"",
    "'",
    "80:80",
    "-80:80",
    "&a ",
    "*a",
    "<<: ",
    "!reset ",
    "${A",
    ":-b}",
    "$",
    "$$",
    "#",
    " # c",
    "|\n",
    ">-\n",
    "\t",
    "\r\n",
    "é",
    "🐳",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "? ",
    "volumes:",
    "./a:/b",
    "environment:",
    "PASSWORD=x",
    "no",
    "depends_on:",
    "x-a:",
    "1e9",
    "~",
    "!!str ",
    "restart: ",
];
