//! A whole deploy, next to `eb deploy`, against the same endpoint on this machine: the sandbox.
//!
//! Both stop once the update has started, so that the environment's own time does not count, and before every deploy a
//! file of the tree changes. Then a deploy of the tree as it is, which has nothing to do.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::{Result, Run, measured, median};

const ROUNDS: usize = 3;
const ENVIRONMENT: &str = "bench-production";
const OURS: [&str; 5] = ["-q", "deploy", "--env", ENVIRONMENT, "--no-wait"];

/// The sandbox, served until this goes.
struct Served {
    child: Child,
    variables: Vec<(String, String)>,
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(super) fn compare(tree: &Path, work: &Path, python: &Path) -> Result<()> {
    fs::write(
        tree.join("beanship.yml"),
        format!(
            "app: bench\nregion: eu-central-1\nenvironments: {{ production: {{ name: {ENVIRONMENT} }} }}\n"
        ),
    )?;
    let own = tree.join(".elasticbeanstalk");
    fs::create_dir_all(&own)?;
    fs::write(
        own.join("config.yml"),
        format!(
            "global: {{application_name: bench, default_region: eu-central-1, workspace_type: Application, sc: null}}\n\
             branch-defaults: {{default: {{environment: {ENVIRONMENT}}}}}\n"
        ),
    )?;
    // eb keeps its archives below the tree, and the sandbox its buckets.
    fs::write(tree.join(".ebignore"), ".elasticbeanstalk/\n.beanship/\n")?;
    let served = serve(tree)?;
    let eb = python.with_file_name("eb");
    let (mut ours, mut theirs, mut unchanged) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let warm = round > 0;
        change(tree, round * 2)?;
        let run = deploy(&served, tree, work, &program(), &OURS)?;
        ours.extend(warm.then_some(run));
        change(tree, round * 2 + 1)?;
        let run = deploy(&served, tree, work, &eb, &["deploy", "--nohang"])?;
        theirs.extend(warm.then_some(run));
    }
    change(tree, 1000)?;
    // Files that were only just written to are not yet known to be the same.
    std::thread::sleep(Duration::from_secs(3));
    for round in 0..=ROUNDS {
        let run = deploy(&served, tree, work, &program(), &OURS)?;
        unchanged.extend((round > 1).then_some(run));
    }
    println!("\n{:<18} {:>8} {:>8} {:>8}", "", "wall s", "cpu s", "MiB");
    for (name, runs) in [
        ("beanship deploy", &ours),
        ("eb deploy", &theirs),
        ("  unchanged", &unchanged),
    ] {
        let of = |of: fn(&Run) -> f64| median(runs.iter().map(of));
        let (wall, cpu, memory) = (of(|run| run.wall), of(|run| run.cpu), of(|run| run.memory));
        println!("{name:<18} {wall:>8.3} {cpu:>8.3} {memory:>8.1}");
    }
    let ratios = theirs.iter().zip(&ours).map(|(eb, us)| eb.wall / us.wall);
    println!("eb deploy takes {:.1} times as long", median(ratios));
    Ok(())
}

fn program() -> PathBuf {
    env!("CARGO_BIN_EXE_beanship").into()
}

/// Something that every bundle differs in.
fn change(tree: &Path, round: usize) -> Result<()> {
    Ok(fs::write(tree.join("round.txt"), round.to_string())?)
}

/// Starts the sandbox anew and reads from what it prints where it is.
fn serve(tree: &Path) -> Result<Served> {
    let status = Command::new(program())
        .args(["sandbox", "--reset"])
        .current_dir(tree)
        .stdout(Stdio::null())
        .status()?;
    if !status.success() {
        return Err(format!("the sandbox cannot be reset: {status}").into());
    }
    fs::create_dir_all(tree.join(".beanship/sandbox"))?;
    fs::write(tree.join(".beanship/sandbox/trouble.yml"), "speed: 1000\n")?;
    let mut child = Command::new(program())
        .arg("sandbox")
        .current_dir(tree)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut lines = BufReader::new(child.stdout.take().ok_or("no pipe")?).lines();
    let mut variables = Vec::new();
    let wanted = [
        "AWS_ENDPOINT_URL",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
    ];
    while wanted
        .iter()
        .any(|name| !variables.iter().any(|(has, _)| has == name))
    {
        let line = lines.next().ok_or("the sandbox names no endpoint")??;
        if let Some((name, value)) = line.trim_start_matches("export ").split_once('=') {
            variables.push((name.to_owned(), value.trim_matches(['"', '\'']).to_owned()));
        }
    }
    // Read on for as long as it runs.
    std::thread::spawn(move || lines.for_each(drop));
    Ok(Served { child, variables })
}

fn deploy(
    served: &Served,
    tree: &Path,
    work: &Path,
    program: &Path,
    arguments: &[&str],
) -> Result<Run> {
    let mut command = vec![program.display().to_string()];
    command.extend(arguments.iter().map(ToString::to_string));
    let variables = served
        .variables
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .chain([
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_DEFAULT_REGION", "eu-central-1"),
        ]);
    measured(&command, tree, work, variables)
}
