//! Measures the seconds from the start of the process to the first training step.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::super::Context;
use super::super::turns::in_turn;
use crate::environment::{DEFAULTS_FILE, NO_DEFAULTS};
use crate::failure::Failure;
use crate::interruption::Scratch;

/// Starts `evenkeel train` on the embedded digits several times; each process ends after its first step.
pub(super) fn measure(name: &'static str, context: &Context) -> Result<Value, Failure> {
    let scratch = Scratch::new("bench-start")?;
    let program = std::env::current_exe()
        .map_err(|error| Failure::new(format!("cannot find this program to start it: {error}")))?;
    let mut failure = None;
    let once = || match start_once(&program, scratch.path()) {
        Ok(seconds) => seconds * 1000.0,
        Err(error) => {
            failure = Some(error);
            f64::NAN
        }
    };
    let none: Option<fn() -> Result<f64, Failure>> = None;
    let turns = in_turn(context.turns, once, none);
    if let Some(failure) = failure {
        return Err(failure);
    }
    let mut row = json!({ "name": name });
    turns?.write(&mut row, "");
    row["seconds"] = json!(row["milliseconds"].as_f64().map(|milliseconds| milliseconds / 1000.0));
    Ok(row)
}

/// Returns the seconds from before the start of the process to the end of its first step.
fn start_once(program: &PathBuf, folder: &Path) -> Result<f64, Failure> {
    let before = seconds_since_1970();
    let directory = format!("run.directory=\"{}\"", folder.display());
    let output = Command::new(program)
        .args(["--json", "train", "--set", "train.time_limit=1e-9", "--set", &directory])
        .env(DEFAULTS_FILE, NO_DEFAULTS)
        .stderr(Stdio::null())
        .output()
        .map_err(|error| Failure::new(format!("cannot start a training run: {error}")))?;
    let summary: Value = serde_json::from_slice(&output.stdout)
        .map_err(|_| Failure::new(format!("a training run on the digits ended with {}", output.status)))?;
    match summary["first_step_at"].as_f64() {
        Some(after) => Ok(after - before),
        None => Err(Failure::new("the summary of a training run does not record the end of its first step")),
    }
}

fn seconds_since_1970() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}
