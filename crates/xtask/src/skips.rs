//! Counting of steps and tests that a machine cannot run.

use std::fs::OpenOptions;
use std::io::Write;

/// Environment variable with the file to which skipped tests and steps add a line each; `keel_testkit::skipping` writes
/// it as well.
pub(crate) const SKIPPED_TESTS: &str = "EVENKEEL_SKIPPED_TESTS";

/// Reports that `step` is skipped and why, and records it for the gate's count; returns true, like a step that passed.
pub(crate) fn note_skip(step: &str, reason: &str) -> bool {
    let line = format!("skipped {step}: {reason}");
    println!("{line}");
    let Some(path) = std::env::var_os(SKIPPED_TESTS) else { return true };
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes())).is_ok()
}
