//! `bench`: speed yardsticks, compared with PyTorch on the same cores if it is installed.

mod doctor;
mod health;

use std::cell::RefCell;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use clap::{Args, Subcommand};
use keel_train::threads;
use serde_json::{Value, json};

use crate::bench::machine::{self, Limits};
use crate::bench::matrix::Finished;
use crate::bench::rows::{ROWS, Row};
use crate::bench::{Context, PeerCommand, matrix, memory, peer, scaling, tables};
use crate::failure::{Failure, Stop};
use crate::terminal::{Output, Status};

/// Usual name of Python 3.
const PYTHON: &str = if cfg!(windows) { "python" } else { "python3" };

/// Arguments of `bench`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evenkeel bench --no-peers
  evenkeel bench --python venv/bin/python --only cnn,mlp
  evenkeel bench --json > result.json
  evenkeel bench --only image-folder --images cifar10/train
  evenkeel bench networks --python venv/bin/python
  evenkeel bench scaling
  evenkeel bench health --seeds 1
  evenkeel bench doctor --cases cases")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    part: Option<BenchPart>,
    /// Only these rows: cnn, resnet20, mlp, cifar10-fast, evaluation, threads, kernels,
    /// health-standard, health-full, start, image-folder
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    only: Vec<String>,
    /// Leave PyTorch out
    #[arg(long, global = true)]
    no_peers: bool,
    /// Python with PyTorch (bench/peers/requirements.txt)
    #[arg(long, default_value = PYTHON, global = true)]
    python: String,
    /// Ways to run a network in PyTorch; the fastest counts
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "NAMES",
        default_value = "eager,channels_last,compile",
        global = true
    )]
    #[arg(value_parser = peer::VARIANTS)]
    variants: Vec<String>,
    /// Folder of the peer scripts
    #[arg(long, default_value = "bench/peers", value_name = "FOLDER", global = true)]
    peers: PathBuf,
    /// Turns of each side, taken alternately
    #[arg(long, default_value_t = 9, global = true)]
    turns: usize,
    /// Threads; 0 = all cores
    #[arg(long, default_value_t = 0, global = true)]
    threads: usize,
    /// Folder of class folders with 32x32 images for the row image-folder; without it, images are generated
    #[arg(long, value_name = "FOLDER")]
    images: Option<PathBuf>,
}

/// Further benchmarks.
#[derive(Debug, Subcommand)]
enum BenchPart {
    /// Test the health rules on training runs with known faults, and on healthy ones
    Health(health::Arguments),
    /// Compare the doctor with a random search at equal training time, on a folder of faulty programs
    Doctor(doctor::Arguments),
    /// Measure steps and training runs of some fifty dense and convolutional networks, in turn with PyTorch
    #[command(after_help = "\
Examples:
  evenkeel bench networks --no-peers
  evenkeel bench networks --python venv/bin/python --only gelu,VGG
  evenkeel bench networks --turns 10 --json > networks.json
  evenkeel bench networks --resume finished.jsonl --json > networks.json")]
    Networks {
        /// Only networks with one of these words in their name
        #[arg(long, value_delimiter = ',', value_name = "WORDS")]
        only: Vec<String>,
        /// Add each finished network to this file, and do not measure those in it again
        #[arg(long, value_name = "FILE")]
        resume: Option<PathBuf>,
    },
    /// Measure how the time of a step grows with batch, width, depth and threads
    #[command(after_help = "\
Examples:
  evenkeel bench scaling
  evenkeel bench scaling --turns 3
  evenkeel bench scaling --json > scaling.json")]
    Scaling,
    /// Measure the memory of one training step, for the process that requests it
    #[command(hide = true)]
    Memory {
        /// Name of the row
        row: String,
    },
}

/// Runs the yardsticks.
pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<Status, Stop> {
    if let Some(unknown) = arguments.only.iter().find(|name| ROWS.iter().all(|row| row.name != name.as_str())) {
        let names: Vec<String> = ROWS.iter().map(|row| format!("{} ({})", row.name, row.summary)).collect();
        let next = format!("the rows are {}", names.join(", "));
        return Err(Failure::new(format!("--only {unknown}: no such row")).next_step(next).into());
    }
    let pool =
        threads::pool(arguments.threads).map_err(|error| Failure::new(format!("cannot start threads: {error}")))?;
    match &arguments.part {
        // The doctor's training runs start their own pools.
        Some(BenchPart::Doctor(doctor)) => doctor::run(doctor, output),
        Some(BenchPart::Health(health)) => pool.install(|| health::run(health, output)),
        Some(BenchPart::Memory { row }) => {
            let document = pool.install(|| memory::measure(row))?;
            output.result(&document, || format!("{document:#}"))?;
            Ok(Status::Done)
        }
        Some(BenchPart::Networks { only, resume }) => {
            let document = pool.install(|| {
                let (peer, missing) = chosen_peer(arguments);
                let context = context(arguments, peer);
                let finished = match resume {
                    Some(path) => Finished::open(path, &matrix::settings(&context))?,
                    None => Finished::default(),
                };
                let mut document = matrix::measure(&context, only, finished)?;
                document["machine"] = machine::describe(context.limits);
                document["peer_missing"] = json!(missing);
                Ok::<Value, Failure>(document)
            })?;
            output.result(&document, || tables::networks(&document))?;
            Ok(status_of(&document["networks"]))
        }
        Some(BenchPart::Scaling) => {
            let document = pool.install(|| {
                let context = context(arguments, None);
                let mut document = scaling::measure(&context)?;
                document["machine"] = machine::describe(context.limits);
                Ok::<Value, Failure>(document)
            })?;
            output.result(&document, || tables::points(&document))?;
            Ok(Status::Done)
        }
        None => {
            let document = pool.install(|| rows(arguments));
            output.result(&document, || tables::rows(&document))?;
            Ok(status_of(&document["rows"]))
        }
    }
}

/// Returns [`Status::Findings`] if a row has failed.
fn status_of(rows: &Value) -> Status {
    let failed = rows.as_array().into_iter().flatten().any(|row| !row["error"].is_null());
    if failed { Status::Findings } else { Status::Done }
}

/// Returns the peer unless it is left out, or the reason why there is none, which is also reported.
fn chosen_peer(arguments: &Arguments) -> (Option<PeerCommand>, Option<String>) {
    if arguments.no_peers {
        return (None, None);
    }
    match find_peer(arguments) {
        Ok(peer) => (Some(peer), None),
        Err(reason) => {
            progress(&format!("no peer: {reason}"));
            (None, Some(reason))
        }
    }
}

/// Measures all requested rows; a row that fails gives the reason in its `error`, and the others continue.
fn rows(arguments: &Arguments) -> Value {
    let (peer, missing) = chosen_peer(arguments);
    let context = context(arguments, peer);
    let wanted = |row: &&Row| arguments.only.is_empty() || arguments.only.iter().any(|name| name == row.name);
    let mut results = Vec::new();
    for row in ROWS.iter().filter(wanted) {
        progress(&format!("{}: {}", row.name, row.summary));
        results.push((row.measure)(row.name, &context).unwrap_or_else(|failure| {
            progress(&format!("  {} failed: {failure}", row.name));
            json!({ "name": row.name, "error": failure.to_string() })
        }));
    }
    let mut document = json!({ "machine": machine::describe(context.limits), "rows": results });
    if let Some(reason) = missing {
        document["peer_missing"] = json!(reason);
    }
    document
}

fn context(arguments: &Arguments, peer: Option<PeerCommand>) -> Context {
    progress("limits of the machine");
    let limits = Limits::measured();
    Context {
        limits,
        peer,
        turns: arguments.turns,
        images: arguments.images.clone(),
        variants: arguments.variants.clone(),
        progress,
        fastest: RefCell::default(),
    }
}

/// Returns the peer if its script exists and its Python has PyTorch; otherwise the missing part and the next step.
fn find_peer(arguments: &Arguments) -> Result<PeerCommand, String> {
    let script = arguments.peers.join("pytorch_peer.py");
    if !script.is_file() {
        return Err(format!(
            "there is no {}; run in the repository, or name the folder with --peers",
            script.display()
        ));
    }
    let python = arguments.python.clone();
    let found = Command::new(&python).args(["-c", "import torch"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    match found {
        Ok(status) if status.success() => Ok(PeerCommand { python, script }),
        Ok(_) => Err(format!(
            "{python} has no PyTorch; install bench/peers/requirements.txt and name that Python with --python"
        )),
        Err(error) => Err(format!("cannot run {python}: {error}; name a Python that has PyTorch with --python")),
    }
}

/// Reports the current work on standard error.
fn progress(text: &str) {
    Output::note(text);
}
