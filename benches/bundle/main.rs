//! How long a bundle takes, next to the other ways to make one of the same tree, in turn in one run:
//!
//! ```text
//! cargo bench --bench bundle [-- TREE]
//! ```
//!
//! - `beanship bundle`
//! - `eb`: the zip code of awsebcli, called as `eb deploy` calls it where there is an `.ebignore`
//! - `zip -qr`: Info-ZIP
//! - `floor`: what nothing that compresses every file on its own can beat: reading all files and
//!   packing them with libdeflate's level 6 on all cores, into nothing
//!
//! Then a whole deploy of the first tree, next to `eb deploy`, and one that has nothing to do (`deploy.rs`).
//!
//! TREE defaults to the sources below Cargo's registry. The first 350 MB of it are copied to the target directory, which
//! the deploys write to, without ignore files, so that all bundle the same; a tree of 50 files comes after it. Needs zip, python3
//! with venv (awsebcli is installed to the target directory) and GNU time as /usr/bin/time.

#![allow(clippy::print_stdout)]

mod deploy;

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use libdeflater::{CompressionLvl, Compressor};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const ROUNDS: usize = 5;
/// How much of the registry's sources makes the large tree, in bytes.
const LARGE: u64 = 350_000_000;
const EBCLI: &str = "awsebcli==3.27.5";
/// Called with the tree and the zip.
const EB_ZIP: &str = "import sys; from ebcli.core import fileoperations; \
                      fileoperations.zip_up_folder(sys.argv[1], sys.argv[2], ignore_list=set())";

/// One way to make a bundle.
struct Contender {
    name: &'static str,
    command: Vec<String>,
    /// Where it has to run.
    directory: PathBuf,
    /// What it makes, if anything.
    zip: Option<PathBuf>,
}

/// One run: seconds, and the peak memory in MiB.
#[derive(Clone, Copy)]
struct Run {
    wall: f64,
    cpu: f64,
    memory: f64,
}

fn main() -> Result<()> {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    if let [flag, tree] = arguments.as_slice()
        && flag == "--floor"
    {
        return floor(Path::new(tree));
    }
    let work = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bundle-bench");
    fs::create_dir_all(&work)?;
    let python = ebcli(&work)?;
    let sources = arguments.first().map_or_else(registry, PathBuf::from);
    let large = copy(&sources, &work)?;
    compare(&large, &work, &python)?;
    compare(&small_tree(&work)?, &work, &python)?;
    deploy::compare(&large, &work, &python)
}

fn compare(tree: &Path, work: &Path, python: &Path) -> Result<()> {
    let compose = tree.join("docker-compose.yml");
    if !compose.exists() {
        fs::write(
            compose,
            "services:\n  web:\n    image: nginx:1.27\n    ports: ['80:80']\n",
        )?;
    }
    let (files, bytes) = sizes(tree)?;
    println!(
        "\n{}: {files} files, {:.1} MB",
        tree.display(),
        bytes as f64 / 1e6
    );
    let contenders = contenders(tree, work, python);
    let mut runs = vec![Vec::new(); contenders.len()];
    for round in 0..=ROUNDS {
        for (contender, runs) in contenders.iter().zip(&mut runs) {
            let run = contender.run(work)?;
            // The first round only warms up.
            if round > 0 {
                runs.push(run);
            }
        }
    }
    println!(
        "{:<10} {:>8} {:>8} {:>8} {:>12} {:>10} {:>10}",
        "", "wall s", "cpu s", "MiB", "bytes", "wall: us", "cpu: us"
    );
    for (contender, own) in contenders.iter().zip(&runs) {
        let size = match &contender.zip {
            Some(zip) => fs::metadata(zip)?.len().to_string(),
            None => "-".to_owned(),
        };
        let ratio = |of: fn(&Run) -> f64| {
            median(
                own.iter()
                    .zip(&runs[0])
                    .map(|(theirs, ours)| of(theirs) / of(ours)),
            )
        };
        println!(
            "{:<10} {:>8.3} {:>8.3} {:>8.1} {size:>12} {:>9.2}x {:>9.2}x",
            contender.name,
            median(own.iter().map(|run| run.wall)),
            median(own.iter().map(|run| run.cpu)),
            median(own.iter().map(|run| run.memory)),
            ratio(|run| run.wall),
            ratio(|run| run.cpu),
        );
    }
    Ok(())
}

fn contenders(tree: &Path, work: &Path, python: &Path) -> Vec<Contender> {
    let contender = |name: &'static str, command: &[&str], makes: bool| {
        let zip = work.join(format!("{}.zip", name.replace(' ', "-")));
        let command = command
            .iter()
            .map(|part| part.replace("ZIP", &zip.display().to_string()));
        Contender {
            name,
            command: command.collect(),
            directory: tree.to_owned(),
            zip: makes.then_some(zip),
        }
    };
    let this = env::current_exe().unwrap_or_default();
    let ours = [env!("CARGO_BIN_EXE_beanship"), "-q", "bundle", "-o", "ZIP"];
    vec![
        contender("beanship", &ours, true),
        contender(
            "eb",
            &[&python.display().to_string(), "-c", EB_ZIP, ".", "ZIP"],
            true,
        ),
        contender("zip -qr", &["zip", "-qr", "ZIP", "."], true),
        contender(
            "floor",
            &[&this.display().to_string(), "--floor", "."],
            false,
        ),
    ]
}

impl Contender {
    fn run(&self, work: &Path) -> Result<Run> {
        if let Some(zip) = &self.zip
            && zip.exists()
        {
            fs::remove_file(zip)?;
        }
        measured(&self.command, &self.directory, work, [])
    }
}

/// Runs a command under GNU time.
fn measured<'a>(
    command: &[String],
    directory: &Path,
    work: &Path,
    variables: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Run> {
    let noted = work.join("time");
    let status = Command::new("/usr/bin/time")
        .args(["-f", "%e %U %S %M", "-o"])
        .arg(&noted)
        .args(command)
        .current_dir(directory)
        .envs(variables)
        .stdout(std::process::Stdio::null())
        .status()?;
    if !status.success() {
        return Err(format!("{command:?}: {status}").into());
    }
    let text = fs::read_to_string(noted)?;
    let numbers: Vec<f64> = text
        .split_whitespace()
        .map(str::parse)
        .collect::<std::result::Result<_, _>>()?;
    let [wall, user, system, kibibytes] = numbers[..] else {
        return Err(format!("not what GNU time writes: {text}").into());
    };
    // Small runs are shorter than what is measured.
    let at_least = |seconds: f64| seconds.max(0.005);
    Ok(Run {
        wall: at_least(wall),
        cpu: at_least(user + system),
        memory: kibibytes / 1024.0,
    })
}

/// Reads and compresses every file, and keeps nothing.
fn floor(tree: &Path) -> Result<()> {
    let mut files = Vec::new();
    walk(tree, &mut files)?;
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism()?;
    std::thread::scope(|scope| {
        let worker = || -> std::io::Result<()> {
            let mut compressor = Compressor::new(CompressionLvl::new(6).unwrap_or_default());
            let mut packed = Vec::new();
            while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                let content = fs::read(file)?;
                let bound = compressor.deflate_compress_bound(content.len());
                if packed.len() < bound {
                    packed.resize(bound, 0);
                }
                compressor
                    .deflate_compress(&content, &mut packed)
                    .map_err(std::io::Error::other)?;
            }
            Ok(())
        };
        let workers: Vec<_> = (0..threads.get()).map(|_| scope.spawn(worker)).collect();
        for worker in workers {
            worker
                .join()
                .map_err(|_| "a thread of the floor panicked")??;
        }
        Ok(())
    })
}

fn walk(directory: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for child in fs::read_dir(directory)? {
        let child = child?;
        let kind = child.file_type()?;
        if kind.is_dir() {
            walk(&child.path(), files)?;
        } else if kind.is_file() {
            files.push(child.path());
        }
    }
    Ok(())
}

fn sizes(tree: &Path) -> Result<(usize, u64)> {
    let mut files = Vec::new();
    walk(tree, &mut files)?;
    let bytes = files
        .iter()
        .map(|file| fs::metadata(file).map(|metadata| metadata.len()));
    let bytes: u64 = bytes.sum::<std::io::Result<u64>>()?;
    Ok((files.len(), bytes))
}

fn median(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut numbers: Vec<f64> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A Python that has awsebcli.
fn ebcli(work: &Path) -> Result<PathBuf> {
    let python = work.join("ebcli/bin/python");
    if !python.exists() {
        run(
            "python3",
            &["-m", "venv", &work.join("ebcli").display().to_string()],
        )?;
    }
    run(
        &python.display().to_string(),
        &["-m", "pip", "install", "--quiet", EBCLI],
    )?;
    Ok(python)
}

/// The crates' sources below Cargo's registry.
fn registry() -> PathBuf {
    let home = env::var_os("CARGO_HOME").map_or_else(
        || PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(".cargo"),
        PathBuf::from,
    );
    home.join("registry/src")
}

/// A new copy of a tree, which the deploys may write to. Without `.gitignore` files: not every contender reads them.
fn copy(sources: &Path, work: &Path) -> Result<PathBuf> {
    let copy = work.join("large");
    if copy.exists() {
        fs::remove_dir_all(&copy)?;
    }
    let mut files = Vec::new();
    walk(sources, &mut files)?;
    files.retain(|file| !file.ends_with(".gitignore"));
    // The same crates in every run.
    files.sort();
    let mut bytes = 0;
    for file in &files {
        bytes += fs::metadata(file)?.len();
        if bytes > LARGE {
            break;
        }
        let place = copy.join(file.strip_prefix(sources)?);
        fs::create_dir_all(place.parent().ok_or("a file without a directory")?)?;
        fs::copy(file, place)?;
    }
    Ok(copy)
}

/// As small apps are: 50 files of a few kilobytes.
fn small_tree(work: &Path) -> Result<PathBuf> {
    let tree = work.join("small");
    for index in 0..50 {
        let file = tree.join(format!("service-{}/src/module-{index}.js", index % 5));
        fs::create_dir_all(file.parent().ok_or("a file without a directory")?)?;
        let lines =
            (0..index * 4).map(|line| format!("export const value{line} = {};\n", line * index));
        fs::write(file, lines.collect::<String>())?;
    }
    Ok(tree)
}

fn run(program: &str, arguments: &[&str]) -> Result<()> {
    let status = Command::new(program).args(arguments).status()?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{program} {arguments:?}: {status}").into())
    }
}
