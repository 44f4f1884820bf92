//! git itself is asked about random trees with random ignore files: whatever it would list, and
//! nothing else, goes into the bundle.

use std::collections::BTreeSet;
use std::process::Command;

use proptest::prelude::*;

use super::*;

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("a"),
        Just("b"),
        Just("ab"),
        Just("a.x"),
        Just("b.x"),
        Just(".h"),
        Just("{a}")
    ]
    .prop_map(str::to_owned)
}

fn path() -> impl Strategy<Value = String> {
    prop::collection::vec(name(), 1..4).prop_map(|names| names.join("/"))
}

fn pattern() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => name(),
        1 => Just("*".to_owned()),
        1 => Just("*.x".to_owned()),
        1 => Just("?".to_owned()),
        1 => Just("**".to_owned()),
        1 => Just("[ab]".to_owned()),
        1 => Just("[!a]*".to_owned()),
        1 => Just("\\a".to_owned()),
    ];
    let ends = (
        prop::bool::weighted(0.25),
        prop::bool::weighted(0.3),
        prop::bool::weighted(0.3),
    );
    (prop::collection::vec(part, 1..4), ends).prop_map(|(parts, (negated, anchored, directory))| {
        let start = if negated { "!" } else { "" };
        let anchor = if anchored { "/" } else { "" };
        let end = if directory { "/" } else { "" };
        format!("{start}{anchor}{}{end}", parts.join("/"))
    })
}

fn git(tree: &Tree, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(tree.root())
        .args(arguments)
        .output()
        .expect("git is installed");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("UTF-8")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn git_lists_the_same_files(
        paths in prop::collection::vec(path(), 1..12),
        root_patterns in prop::collection::vec(pattern(), 0..5),
        nested in (name(), prop::collection::vec(pattern(), 0..4)),
    ) {
        let tree = Tree::of(&[]);
        for path in &paths {
            // A path may want a directory where there is a file already; then it is left away.
            let place = tree.at(path);
            if fs::create_dir_all(place.parent().expect("a parent")).is_ok() && !place.exists() {
                fs::write(place, path).expect("a file");
            }
        }
        tree.file(".gitignore", root_patterns.join("\n"));
        if tree.at(&nested.0).is_dir() {
            tree.file(&format!("{}/.gitignore", nested.0), nested.1.join("\n"));
        }
        git(&tree, &["init", "--quiet"]);
        let listed = git(&tree, &["ls-files", "--others", "--exclude-standard", "-z"]);
        let expected: BTreeSet<&str> =
            listed.split('\0').filter(|name| !name.is_empty() && *name != "docker-compose.yml").collect();
        let names = tree.names();
        prop_assert_eq!(names.iter().map(String::as_str).collect::<BTreeSet<_>>(), expected);
    }
}
