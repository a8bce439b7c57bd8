//! The other side of a comparison: a child process that answers one JSON line per command (`bench/peers/`).

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::failure::Failure;

/// The ways PyTorch can run a network.
pub(crate) const VARIANTS: [&str; 3] = ["eager", "channels_last", "compile"];

/// A running peer process with one workload prepared.
pub(crate) struct Peer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// What it is called in results.
    pub(crate) name: String,
}

impl Peer {
    /// Starts `python script` and prepares `workload` in `variant` on `threads` threads.
    ///
    /// # Errors
    /// A process that does not start, or answers with an error: most often PyTorch is not installed.
    pub(crate) fn start(
        (python, script): (&str, &Path),
        (workload, variant): (&str, &str),
        threads: usize,
    ) -> Result<Self, Failure> {
        let mut command = Command::new(python);
        command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let problem =
            |error: std::io::Error| Failure::new(format!("cannot run {python} {}: {error}", script.display()));
        let mut child = command.spawn().map_err(problem)?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Failure::new("the peer has no pipes"));
        };
        let mut peer = Peer { child, input, output: BufReader::new(output), name: format!("pytorch {variant}") };
        peer.ask(&json!({"prepare": workload, "variant": variant, "threads": threads}))?;
        Ok(peer)
    }

    /// The losses of its first three steps from the weights of `seed`.
    pub(crate) fn first_losses(&mut self, seed: u64) -> Result<Vec<f64>, Failure> {
        let answer = self.ask(&json!({"loss_check": {"seed": seed}}))?;
        Ok(numbers(&answer["losses"]))
    }

    /// Milliseconds of each of `count` steps.
    pub(crate) fn timed_steps(&mut self, count: usize) -> Result<Vec<f64>, Failure> {
        let answer = self.ask(&json!({"steps": count}))?;
        Ok(numbers(&answer["milliseconds"]))
    }

    /// Most memory it has used since it was prepared.
    pub(crate) fn peak_bytes(&mut self) -> Result<u64, Failure> {
        Ok(self.ask(&json!({"peak_bytes": true}))?["peak_bytes"].as_u64().unwrap_or(0))
    }

    fn ask(&mut self, command: &Value) -> Result<Value, Failure> {
        let problem = |error: std::io::Error| Failure::new(format!("the peer process ended: {error}"));
        writeln!(self.input, "{command}").and_then(|()| self.input.flush()).map_err(problem)?;
        let mut line = String::new();
        self.output.read_line(&mut line).map_err(problem)?;
        let answer: Value = serde_json::from_str(&line).map_err(|_| {
            Failure::new("the peer process gave no answer")
                .next_step("install bench/peers/requirements.txt and name that Python with --python, or use --no-peers")
        })?;
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

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().map(|values| values.iter().filter_map(Value::as_f64).collect()).unwrap_or_default()
}
