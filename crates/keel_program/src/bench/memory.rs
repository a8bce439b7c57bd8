//! Memory of a training step: peak resident memory of a separate process.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::SEED;
use super::networks::{Description, STEPS, Spec};
use super::workload::Workload;
use crate::failure::Failure;

/// Number of steps after which the peak is read.
const STEPS_MEASURED: usize = 3;

/// Returns the output of the process started for this measurement: planned bytes, and the growth of the peak over that of a
/// process that has executed one step with two samples.
///
/// # Errors
/// If there is no yardstick of this name.
pub(crate) fn measure(name: &str) -> Result<Value, Failure> {
    let Some(network) = STEPS.into_iter().find(|network| *network == name) else {
        return Err(Failure::new(format!("unknown yardstick {name}")));
    };
    let description = Spec::new(network).description();
    Workload::new(&Description { batch: 2, ..description.clone() }, SEED)?.step();
    // On a system without this file, the peak is that of the whole process, which can only be larger.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let before = status_bytes("VmRSS:");
    let mut workload = Workload::new(&description, SEED)?;
    for _ in 0..STEPS_MEASURED {
        workload.step();
    }
    let grown = status_bytes("VmHWM:").zip(before).map(|(peak, before)| peak.saturating_sub(before));
    Ok(json!({ "peak_bytes": grown, "planned_bytes": workload.planned_bytes() }))
}

/// Runs [`measure`] in a separate process.
///
/// # Errors
/// If the process cannot be started or fails.
pub(super) fn measured_aside(yardstick: &str) -> Result<Value, Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::new(format!("cannot find this program to measure its memory: {error}")))?;
    let threads = keel_kernels::parallel::workers().to_string();
    let output = Command::new(program)
        .args(["bench", "--json", "--threads", &threads, "memory", yardstick])
        .stderr(Stdio::null())
        .output()
        .map_err(|error| Failure::new(format!("cannot start a process to measure memory: {error}")))?;
    serde_json::from_slice(&output.stdout)
        .map_err(|_| Failure::new(format!("the process that measures memory ended with {}", output.status)))
}

/// Reads a size from `/proc/self/status`, if it exists.
fn status_bytes(field: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find(|line| line.starts_with(field))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * 1024)
}
