//! Which files go in: one table of trees and rules, and the cases that need more than names.

use super::*;

struct Case {
    name: &'static str,
    tree: &'static [&'static str],
    ignore: &'static [(&'static str, &'static str)],
    include: &'static [&'static str],
    exclude: &'static [&'static str],
    only: &'static [&'static str],
    goes_in: &'static [&'static str],
}

const PLAIN: Case = Case {
    name: "",
    tree: &[],
    ignore: &[],
    include: &[],
    exclude: &[],
    only: &[],
    goes_in: &[],
};

const CASES: &[Case] = &[
    Case {
        name: "hidden files and empty directories go in, the tool's and git's places never",
        tree: &[
            ".hidden",
            "a/.git/config",
            ".git/config",
            ".beanship/x",
            "b/.elasticbeanstalk/y",
            "empty/",
            "c/d/",
        ],
        goes_in: &[".hidden", "c/d/", "empty/"],
        ..PLAIN
    },
    Case {
        name: "a .gitignore counts for its directory and below, the nearest first",
        tree: &["x.log", "a/x.log", "a/keep.log", "b/x.log", "b/only.txt"],
        ignore: &[
            (".gitignore", "*.log\n"),
            ("a/.gitignore", "!keep.log\n"),
            ("b/.gitignore", "/only.txt\n"),
        ],
        goes_in: &[".gitignore", "a/.gitignore", "a/keep.log", "b/.gitignore"],
        ..PLAIN
    },
    Case {
        name: "nothing comes back from a directory that is left out",
        tree: &["dist/a", "dist/keep", "src/dist/b"],
        ignore: &[(".gitignore", "dist/\n!dist/keep\n")],
        goes_in: &[".gitignore"],
        ..PLAIN
    },
    Case {
        name: "a directory that holds only what is left out leaves no trace",
        tree: &["logs/a.log", "logs/old/b.log"],
        ignore: &[(".gitignore", "*.log\n")],
        goes_in: &[".gitignore"],
        ..PLAIN
    },
    Case {
        name: "an .ebignore takes the place of every .gitignore and stays out",
        tree: &["a.log", "a.tmp", "b/a.log"],
        ignore: &[
            (".ebignore", "*.tmp\n"),
            (".gitignore", "*.log\n"),
            ("b/.gitignore", "*\n"),
        ],
        goes_in: &[".gitignore", "a.log", "b/.gitignore", "b/a.log"],
        ..PLAIN
    },
    Case {
        name: "include wins over ignore files and over exclude, also below a directory left out",
        tree: &[
            "dist/app.js",
            "dist/app.js.map",
            "node_modules/x/y",
            "docs/a.md",
            "docs/b.md",
        ],
        ignore: &[(".gitignore", "dist/\nnode_modules/\n")],
        include: &["dist/", "!*.map", "/docs/a.md"],
        exclude: &["docs/"],
        goes_in: &[".gitignore", "dist/app.js", "docs/a.md"],
        ..PLAIN
    },
    Case {
        name: "exclude comes on top of ignore files and may take back what they say",
        tree: &["a.log", "keep.log", "docs/x", "src/docs/x"],
        ignore: &[(".gitignore", "*.log\n")],
        exclude: &["/docs/", "!keep.log"],
        goes_in: &[".gitignore", "keep.log", "src/docs/x"],
        ..PLAIN
    },
    Case {
        name: "only names what goes in, and ignore files still count below it",
        tree: &[
            "src/a",
            ".platform/hooks/predeploy/a",
            ".platform/x.log",
            ".ebextensions/a.config",
            "README",
        ],
        ignore: &[(".gitignore", "*.log\n")],
        only: &["docker-compose.yml", ".platform", ".ebextensions"],
        goes_in: &[".ebextensions/a.config", ".platform/hooks/predeploy/a"],
        ..PLAIN
    },
    Case {
        name: "only and include reach into directories that are not named themselves",
        tree: &["a/b/c.txt", "a/b/d.txt", "e/f.txt", "g"],
        include: &["e/f.txt"],
        only: &["/a/b/c.txt"],
        goes_in: &["a/b/c.txt", "e/f.txt"],
        ..PLAIN
    },
    Case {
        name: "names that gitignore reads in its own way",
        tree: &[
            "!bang",
            "#hash",
            "sp ace",
            "x.{a,b}",
            "x.a",
            "a/foo/b",
            "foo/b",
            "deep/x/y/z",
        ],
        ignore: &[(
            ".gitignore",
            "\\!bang\n\\#hash\nsp\\ ace   \n*.{a,b}\n/foo\ndeep/**/z\n.gitignore\n",
        )],
        goes_in: &["a/foo/b", "x.a"],
        ..PLAIN
    },
];

#[test]
fn the_rules_decide_as_in_the_table() {
    for case in CASES {
        let mut tree = Tree::of(case.tree);
        for (name, patterns) in case.ignore {
            tree.file(name, patterns);
        }
        tree.rules = Rules {
            include: list(case.include),
            exclude: list(case.exclude),
            only: list(case.only),
            follow_symlinks: false,
        };
        assert_eq!(tree.names(), case.goes_in, "{}", case.name);
    }
}

#[test]
fn ignore_files_of_the_enclosing_repository_count() {
    let tree = Tree::of(&["a.log", "app-only", "keep", "secret"]);
    let home = tree.home.path();
    fs::create_dir_all(home.join(".git/info")).expect("a repository");
    fs::write(home.join(".git/info/exclude"), "secret\n").expect("info/exclude");
    fs::write(home.join(".gitignore"), "*.log\n/app/app-only\n/keep\n").expect(".gitignore");
    assert_eq!(tree.names(), ["keep"]);
    assert_eq!(
        tree.why("app-only"),
        "stays out: `/app/app-only` in ../.gitignore line 2"
    );
}

#[test]
fn a_repository_inside_the_tree_goes_by_its_own_rules() {
    let tree = Tree::of(&["sub/.git", "sub/a.log", "sub/b.tmp", "c.log"]);
    tree.file(".gitignore", "*.log\n");
    tree.file("sub/.gitignore", "*.tmp\n");
    assert_eq!(tree.names(), [".gitignore", "sub/.gitignore", "sub/a.log"]);
}

#[test]
fn the_root_env_stays_out_and_a_nested_one_is_warned_about() {
    let mut tree = Tree::of(&[".env", "backend/.env", ".env.example"]);
    tree.rules.include = list(&[".env"]);
    assert_eq!(tree.names(), [".env.example", "backend/.env"]);
    assert_eq!(
        tree.notes(),
        [
            ".env stays out: Elastic Beanstalk writes it from the environment properties",
            "backend/.env goes into the bundle: whoever can read the bundle can read it",
        ]
    );
}

#[test]
fn another_compose_file_takes_the_place_of_the_usual_one() {
    let mut tree = Tree::of(&[
        "docker-compose.dev.yml",
        "deploy/compose.yml",
        "compose.yaml",
    ]);
    tree.file(".gitignore", "deploy/\n");
    tree.compose = "deploy/compose.yml".into();
    let (bytes, _) = tree.zip();
    let members = unzip(&bytes);
    assert_eq!(
        members.keys().collect::<Vec<_>>(),
        [
            ".gitignore",
            "compose.yaml",
            "docker-compose.dev.yml",
            "docker-compose.yml"
        ]
    );
    assert_eq!(
        members["docker-compose.yml"].1,
        b"content of deploy/compose.yml\n"
    );
    assert_eq!(
        tree.why("deploy/compose.yml"),
        "goes in as docker-compose.yml"
    );
    let selection = tree.select().expect("a selection");
    assert!(
        selection
            .left_out()
            .iter()
            .any(|left_out| left_out.why == super::super::Why::Replaced)
    );
}

#[test]
fn the_tools_own_files_stay_out_however_they_are_named() {
    let mut tree = Tree::of(&["beanship.yml", "out/bundle.zip", "nested/beanship.yml"]);
    tree.own = vec!["beanship.yml".into(), tree.at("out/../out/bundle.zip")];
    assert_eq!(tree.names(), ["nested/beanship.yml"]);
}

#[test]
fn why_names_the_rule_and_its_line() {
    let mut tree = Tree::of(&["a/b/c", "x.log", "y.log", "src/main", "docs/a"]);
    tree.file(".gitignore", "# comment\n\na/b/\n*.log\n!y.log\n");
    tree.rules.exclude = list(&["docs/"]);
    let table = [
        ("a/b/c", "stays out with a/b/: `a/b/` in .gitignore line 3"),
        ("./x.log", "stays out: `*.log` in .gitignore line 4"),
        ("y.log", "goes in as y.log: `!y.log` in .gitignore line 5"),
        ("docs", "stays out with docs/: `docs/` in bundle.exclude"),
        ("src/", "goes in with 1 members"),
        ("src/main", "goes in as src/main"),
        ("nowhere", "there is no such file"),
        ("../up", "there is no such file"),
    ];
    for (path, answer) in table {
        assert_eq!(tree.why(path), answer, "{path}");
    }
}

#[test]
fn a_line_that_is_no_pattern_is_told_and_counts_for_nothing() {
    let mut tree = Tree::of(&["a"]);
    tree.file(".gitignore", "a\n[z-a]\n");
    assert_eq!(tree.names(), [".gitignore"]);
    let notes = tree.notes();
    assert!(
        notes[0].starts_with("`[z-a]` in .gitignore line 2 counts for nothing: "),
        "{notes:?}"
    );
    tree.rules.exclude = list(&["[z-a]"]);
    let problems = tree.problems();
    assert!(
        problems[0].starts_with("cannot use the pattern `[z-a]` in bundle.exclude"),
        "{problems:?}"
    );
}

#[test]
fn a_missing_compose_file_or_directory_is_an_error() {
    let mut tree = Tree::of(&["dir/"]);
    tree.compose = "other.yml".into();
    assert_eq!(
        tree.problems(),
        ["cannot read ROOT/other.yml: there is no such file"]
    );
    tree.compose = "dir".into();
    assert_eq!(tree.problems(), ["cannot read ROOT/dir: it is no file"]);
    fs::remove_dir_all(tree.root()).expect("removed");
    assert_eq!(
        tree.problems(),
        ["cannot read the directory ROOT: there is no such file"]
    );
}

#[test]
fn a_lone_dockerfile_needs_no_compose_file() {
    let mut tree = Tree::of(&["Dockerfile", "app.py"]);
    fs::remove_file(tree.at("docker-compose.yml")).expect("removed");
    assert_eq!(tree.names(), ["Dockerfile", "app.py"]);
    tree.compose = "other.yml".into();
    let missing = "cannot read ROOT/other.yml: there is no such file";
    assert_eq!(
        tree.problems(),
        [missing],
        "one that is named must be there"
    );
}
