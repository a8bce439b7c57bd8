//! `bench`: the speed yardsticks, against PyTorch on the same cores where it is installed.

use std::path::{Path, PathBuf};

use clap::Args;
use keel_train::threads;
use serde_json::{Value, json};

use crate::bench::peer::{Peer, VARIANTS};
use crate::bench::workload::{NAMES, Workload};
use crate::bench::{machine, median, spread};
use crate::failure::{Failure, Stop};
use crate::terminal::{Align, Output, Status, table};

/// Largest relative difference of the first losses of both sides.
const LOSS_TOLERANCE: f64 = 1e-3;

/// Seed of the weights both sides start from.
const SEED: u64 = 1;

/// Arguments of `bench`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evenkeel bench --no-peers
  evenkeel bench --python venv/bin/python --only cnn,mlp
  evenkeel bench --json > result.json")]
pub(crate) struct Arguments {
    /// Only these rows: cnn, resnet20, mlp
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    only: Vec<String>,
    /// Leave PyTorch out
    #[arg(long)]
    no_peers: bool,
    /// The Python that has PyTorch (bench/peers/requirements.txt)
    #[arg(long, default_value = "python3")]
    python: String,
    /// Folder of the peer scripts
    #[arg(long, default_value = "bench/peers", value_name = "FOLDER")]
    peers: PathBuf,
    /// Turns of each side, taken alternately
    #[arg(long, default_value_t = 9)]
    turns: usize,
    /// Threads; 0 = all cores
    #[arg(long, default_value_t = 0)]
    threads: usize,
}

/// Runs the yardsticks.
pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<Status, Stop> {
    if let Some(unknown) = arguments.only.iter().find(|name| !NAMES.contains(&name.as_str())) {
        let next = format!("the rows are {}", NAMES.join(", "));
        return Err(Failure::new(format!("--only {unknown}: no such row")).next_step(next).into());
    }
    let pool =
        threads::pool(arguments.threads).map_err(|error| Failure::new(format!("cannot start threads: {error}")))?;
    let document = pool.install(|| document(arguments, output))?;
    output.result(&document, || text(&document))?;
    Ok(Status::Done)
}

fn document(arguments: &Arguments, output: &Output) -> Result<Value, Failure> {
    let peak = machine::peak_multiply_adds_per_second();
    let mut rows = Vec::new();
    for name in NAMES.into_iter().filter(|name| arguments.only.is_empty() || arguments.only.iter().any(|n| n == name)) {
        output.remark(&format!("{name} …"));
        rows.push(row(name, arguments, peak)?);
    }
    Ok(json!({ "machine": machine::describe(peak), "rows": rows }))
}

fn row(name: &str, arguments: &Arguments, peak: f64) -> Result<Value, Failure> {
    let mut workload = Workload::new(name, SEED);
    let losses: Vec<f64> = (0..3).map(|_| workload.step()).collect();
    let steps = if name == "mlp" { 200 } else { 3 };
    workload.timed_steps(steps);
    let mut peer = match arguments.no_peers {
        true => None,
        false => Some(fastest_peer(name, arguments, &losses)?),
    };
    let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..arguments.turns.max(1) {
        let turn = median(&workload.timed_steps(steps));
        ours.push(turn);
        if let Some(peer) = &mut peer {
            let other = median(&peer.timed_steps(steps)?);
            theirs.push(other);
            ratios.push(turn / other);
        }
    }
    let milliseconds = median(&ours);
    let mut row = json!({
        "name": name,
        "milliseconds": milliseconds,
        "spread": spread(&ours),
        "samples_per_second": workload.samples() as f64 / milliseconds * 1000.0,
        "peak_bytes": workload.bytes(),
        "roofline": workload.multiply_adds() / (milliseconds / 1000.0) / peak,
    });
    if let Some(mut peer) = peer {
        let bytes = peer.peak_bytes()?;
        row["peer"] = json!({
            "name": peer.name, "milliseconds": median(&theirs), "spread": spread(&theirs), "peak_bytes": bytes,
        });
        row["ratio"] = json!(median(&ratios));
    }
    Ok(row)
}

/// Starts every variant, checks that it computes the same losses, and keeps the fastest.
fn fastest_peer(name: &str, arguments: &Arguments, losses: &[f64]) -> Result<Peer, Failure> {
    let script: &Path = &arguments.peers.join("pytorch_peer.py");
    if !script.is_file() {
        let next = "run from the repository, name the folder with --peers, or use --no-peers";
        return Err(Failure::new(format!("there is no {}", script.display())).next_step(next));
    }
    let threads = keel_kernels::parallel::workers();
    let mut best: Option<(f64, Peer)> = None;
    for variant in VARIANTS.into_iter().filter(|variant| name != "mlp" || *variant != "channels_last") {
        let mut peer = Peer::start((&arguments.python, script), (name, variant), threads)?;
        let theirs = peer.first_losses(SEED)?;
        for (ours, theirs) in losses.iter().zip(&theirs) {
            if (ours - theirs).abs() > LOSS_TOLERANCE * theirs.abs() {
                let message =
                    format!("{name}: the first losses differ, {losses:?} here and {theirs:?} in {}", peer.name);
                return Err(Failure::new(message));
            }
        }
        let milliseconds = median(&peer.timed_steps(if name == "mlp" { 200 } else { 5 })?);
        if best.as_ref().is_none_or(|(fastest, _)| milliseconds < *fastest) {
            best = Some((milliseconds, peer));
        }
    }
    best.map(|(_, peer)| peer).ok_or_else(|| Failure::new("no peer could be started"))
}

fn text(document: &Value) -> String {
    let columns = [
        ("yardstick", Align::Left),
        ("ms a step", Align::Right),
        ("samples/s", Align::Right),
        ("of peak", Align::Right),
        ("MB", Align::Right),
        ("peer", Align::Left),
        ("ms a step", Align::Right),
        ("ratio", Align::Right),
    ];
    let number =
        |value: &Value, digits: usize| value.as_f64().map_or_else(|| "–".to_owned(), |v| format!("{v:.digits$}"));
    let rows = document["rows"].as_array().into_iter().flatten().map(|row| {
        vec![
            row["name"].as_str().unwrap_or_default().to_owned(),
            number(&row["milliseconds"], 3),
            number(&row["samples_per_second"], 0),
            number(&row["roofline"], 2),
            row["peak_bytes"].as_f64().map_or_else(String::new, |bytes| format!("{:.1}", bytes / 1e6)),
            row["peer"]["name"].as_str().unwrap_or("–").to_owned(),
            number(&row["peer"]["milliseconds"], 3),
            number(&row["ratio"], 3),
        ]
    });
    let machine = &document["machine"];
    format!(
        "{}, {} threads, {}, {:.0} GFLOP/s in a matrix product\n\n{}\n",
        machine["processor"].as_str().unwrap_or_default(),
        machine["threads"],
        machine["simd"].as_str().unwrap_or_default(),
        machine["peak_gigaflops"].as_f64().unwrap_or_default(),
        table(&columns, &rows.collect::<Vec<_>>())
    )
}
