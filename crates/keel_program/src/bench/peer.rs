//! The other side of a comparison: a child process that answers one JSON line per command (`bench/peers/`).

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use keel_kernels::simd;
use keel_nn::Shape;
use serde_json::{Value, json};

use super::networks::Description;
use super::turns::{median, repetitions};
use super::{Context, PeerCommand, SEED};
use crate::failure::Failure;

/// Ways in which PyTorch can run a network.
pub(crate) const VARIANTS: [&str; 3] = ["eager", "channels_last", "compile"];

/// Duration of the trial that finds the fastest variant.
const TRIAL_MILLISECONDS: f64 = 250.0;

/// Advice if an answer is missing.
const ADVICE: &str =
    "install bench/peers/requirements.txt and name that Python with --python, or leave PyTorch out with --no-peers";

/// A running peer process with one workload prepared.
pub(super) struct Peer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// Name of the peer in results.
    pub(super) name: String,
}

/// Checks before a peer is timed, and the timing of a trial.
pub(super) struct Trial<'a> {
    /// Command that requests numbers, and the key of the answer.
    pub(super) check: (&'a Value, &'a str),
    /// Numbers of this side.
    pub(super) expected: &'a [f64],
    /// Maximum relative difference.
    pub(super) tolerance: f64,
    /// Command to time, as [`Peer::timed`] takes it.
    pub(super) timing: &'a str,
}

/// Starts every variant, checks that its results agree with `trial`, and keeps the fastest. Returns `None` without a peer.
///
/// # Errors
/// If a peer computes something different, or none runs.
pub(super) fn fastest(context: &Context, network: &Description, trial: &Trial<'_>) -> Result<Option<Peer>, Failure> {
    let Some(command) = &context.peer else { return Ok(None) };
    let mut best: Option<(f64, &'static str, Peer)> = None;
    let mut last_failure = None;
    let work = format!("{} {}", network.name, trial.timing);
    let known = context.fastest.borrow().get(&work).copied();
    let possible = |variant: &&str| match known {
        Some(known) => **variant == *known,
        None => matches!(network.input, Shape::Image { .. }) || **variant != *"channels_last",
    };
    let wanted = |variant: &&str| context.variants.iter().any(|name| name == variant);
    for variant in VARIANTS.into_iter().filter(wanted).filter(possible) {
        (context.progress)(&format!("  {}: pytorch {variant}", network.name));
        let mut peer = match Peer::start(command, network, variant) {
            Ok(peer) => peer,
            Err(failure) => {
                (context.progress)(&format!("  pytorch {variant} left out: {failure}"));
                last_failure = Some(failure);
                continue;
            }
        };
        peer.check(trial)?;
        let first = median(&peer.timed(trial.timing, 1)?);
        let milliseconds = median(&peer.timed(trial.timing, repetitions(first, TRIAL_MILLISECONDS))?);
        if best.as_ref().is_none_or(|(fastest, _, _)| milliseconds < *fastest) {
            best = Some((milliseconds, variant, peer));
        }
    }
    match (best, last_failure) {
        (Some((_, variant, peer)), _) => {
            context.fastest.borrow_mut().insert(work, variant);
            Ok(Some(peer))
        }
        (None, Some(failure)) => Err(failure),
        (None, None) => Ok(None),
    }
}

impl Peer {
    /// Starts the process and prepares `network` in `variant` on as many threads as the current pool has.
    ///
    /// # Errors
    /// If the process does not start, or answers with an error, usually because PyTorch is not installed.
    pub(super) fn start(command: &PeerCommand, network: &Description, variant: &str) -> Result<Self, Failure> {
        let PeerCommand { python, script } = command;
        let mut process = Command::new(python);
        process
            .arg(script)
            .envs(same_instructions())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let problem = |error: std::io::Error| {
            Failure::new(format!("cannot run {python} {}: {error}", script.display())).next_step(ADVICE)
        };
        let mut child = process.spawn().map_err(problem)?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Failure::new("the peer has no pipes"));
        };
        let mut peer = Peer { child, input, output: BufReader::new(output), name: format!("pytorch {variant}") };
        let threads = keel_kernels::parallel::workers();
        peer.ask(&json!({"prepare": network.to_json(), "variant": variant, "threads": threads}))?;
        Ok(peer)
    }

    /// Compares its numbers with those of this side.
    fn check(&mut self, trial: &Trial<'_>) -> Result<(), Failure> {
        let (command, key) = trial.check;
        let theirs = numbers(&self.ask(command)?[key]);
        let agree = |ours: f64, theirs: f64| (ours - theirs).abs() <= trial.tolerance * theirs.abs();
        let equal = theirs.len() == trial.expected.len()
            && trial.expected.iter().zip(&theirs).all(|(&ours, &theirs)| agree(ours, theirs));
        match equal {
            true => Ok(()),
            false => Err(Failure::new(format!(
                "both sides should compute the same {key}: {:?} here, {theirs:?} in {}",
                trial.expected, self.name
            ))),
        }
    }

    /// Returns the milliseconds of each of `count` steps or evaluations, by the name of the command, after one that is not
    /// counted.
    pub(super) fn timed(&mut self, command: &str, count: usize) -> Result<Vec<f64>, Failure> {
        let answer = self.ask(&json!({ command: count + 1 }))?;
        Ok(numbers(&answer["milliseconds"]).into_iter().skip(1).collect())
    }

    /// Returns the milliseconds of one pass over `images` images in memory with augmentation.
    pub(super) fn timed_epoch(&mut self, images: usize) -> Result<f64, Failure> {
        let answer = self.ask(&json!({"epoch": {"images": images}}))?;
        answer["milliseconds"].as_f64().ok_or_else(|| Failure::new("the peer gave no time for its epoch"))
    }

    /// Returns the growth of its peak memory since it was prepared.
    pub(super) fn peak_bytes(&mut self) -> Result<u64, Failure> {
        Ok(self.ask(&json!({"peak_bytes": true}))?["peak_bytes"].as_u64().unwrap_or(0))
    }

    fn ask(&mut self, command: &Value) -> Result<Value, Failure> {
        let problem =
            |error: std::io::Error| Failure::new(format!("the peer process ended: {error}")).next_step(ADVICE);
        writeln!(self.input, "{command}").and_then(|()| self.input.flush()).map_err(problem)?;
        let mut line = String::new();
        self.output.read_line(&mut line).map_err(problem)?;
        let answer: Value = serde_json::from_str(&line)
            .map_err(|_| Failure::new("the peer process ended without an answer").next_step(ADVICE))?;
        match answer["error"].as_str() {
            Some(error) => Err(Failure::new(format!("the peer failed: {error}"))),
            None => Ok(answer),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // The process may have ended already; then there is nothing left to stop.
        let _ = writeln!(self.input, "{}", json!({"quit": true}));
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns environment variables that limit the peer's libraries to the SIMD level of this process.
fn same_instructions() -> Vec<(&'static str, &'static str)> {
    match simd::level().name() {
        "avx2" => {
            vec![("ATEN_CPU_CAPABILITY", "avx2"), ("ONEDNN_MAX_CPU_ISA", "AVX2"), ("MKL_ENABLE_INSTRUCTIONS", "AVX2")]
        }
        _ => Vec::new(),
    }
}

/// Returns the command for the losses of the first three steps, to check training steps.
pub(super) fn loss_check() -> Value {
    json!({"loss_check": {"seed": SEED}})
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().filter_map(Value::as_f64).collect(),
        value => value.as_f64().into_iter().collect(),
    }
}
