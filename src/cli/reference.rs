//! The command line as a document: `docs/reference.md`, which a test keeps up to date.

use std::path::Path;

use clap::{Arg, Command, CommandFactory};

use super::Cli;

/// The variable that has the test write the document in place of comparing it.
const WRITE: &str = "BEANSHIP_WRITE_REFERENCE";

#[test]
fn the_reference_is_what_help_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference.md");
    let text = reference();
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, &text).expect("the reference is written");
    }
    let written = std::fs::read_to_string(&path).expect("the reference");
    assert!(
        written.replace("\r\n", "\n") == text,
        "docs/reference.md is out of date: {WRITE}=1 cargo test --lib reference"
    );
}

#[test]
fn readme_lists_every_command() {
    let readme = include_str!("../../README.md");
    let cli = Cli::command();
    for command in cli.get_subcommands().map(Command::get_name) {
        let row = format!("\n| `{command}` | ");
        assert!(readme.contains(&row), "README.md has no row for {command}");
    }
}

fn reference() -> String {
    let mut cli = Cli::command();
    cli.build();
    let mut text = String::from(
        "# Command line\n\nMade from the program's own help; `beanship COMMAND --help` shows the same.\n\n## Global options\n\n",
    );
    text.push_str(&table(cli.get_arguments()));
    let footer = cli
        .get_after_help()
        .map(ToString::to_string)
        .unwrap_or_default();
    text.push_str(&format!("\n```text\n{footer}\n```\n"));
    for command in cli.get_subcommands().filter(|it| it.get_name() != "help") {
        add(&mut text, "beanship", command);
    }
    text
}

fn add(text: &mut String, above: &str, command: &Command) {
    let name = format!("{above} {}", command.get_name());
    let about = command
        .get_about()
        .map(ToString::to_string)
        .unwrap_or_default();
    text.push_str(&format!("\n## {name}\n\n{about}.\n"));
    let own = table(command.get_arguments().filter(|it| !it.is_global_set()));
    if !own.is_empty() {
        text.push_str(&format!("\n{own}"));
    }
    for below in command
        .get_subcommands()
        .filter(|it| it.get_name() != "help")
    {
        add(text, &name, below);
    }
}

fn table<'a>(arguments: impl Iterator<Item = &'a Arg>) -> String {
    let row = |argument: &Arg| {
        let names = argument.get_value_names().unwrap_or_default();
        let value = match argument.get_action().takes_values() {
            true => names.join(" "),
            false => String::new(),
        };
        let short = argument.get_short().map(|short| format!("-{short}"));
        let long = argument.get_long().map(|long| format!("--{long}"));
        let flags: Vec<String> = short.into_iter().chain(long).collect();
        let all = format!("{} {value}", flags.join(", "));
        let help = argument.get_long_help().or(argument.get_help());
        let help = help.map(ToString::to_string).unwrap_or_default();
        let words = argument.get_possible_values();
        let words: Vec<&str> = words
            .iter()
            .map(clap::builder::PossibleValue::get_name)
            .collect();
        let words = match words.is_empty() || value.is_empty() {
            true => String::new(),
            false => format!(" ({})", words.join(", ")),
        };
        let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
        format!("| `{}` | {}{} |\n", all.trim(), cell(&help), cell(&words))
    };
    let rows: String = arguments
        .filter(|it| !it.is_hide_set() && !["help", "version"].contains(&it.get_id().as_str()))
        .map(row)
        .collect();
    match rows.is_empty() {
        true => rows,
        false => format!("| | |\n|---|---|\n{rows}"),
    }
}
