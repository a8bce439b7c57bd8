//! Tests that cannot run on a machine are reported as skipped, and the gate counts them.

use std::fs::OpenOptions;
use std::io::Write;

/// Names the file to which skipped tests add a line each; `cargo xtask ci` sets it.
pub const SKIPPED_TESTS: &str = "EVENKEEL_SKIPPED_TESTS";

/// Says on standard error that `test` is skipped and why, and adds the line to the file named by [`SKIPPED_TESTS`].
#[expect(clippy::print_stderr, reason = "a test that did not run must say so")]
pub fn skipped(test: &str, reason: &str) {
    let line = format!("skipped {test}: {reason}");
    eprintln!("{line}");
    let Some(path) = std::env::var_os(SKIPPED_TESTS) else { return };
    // One write of one short line in append mode: lines of several processes do not mix.
    let written = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
    assert!(written.is_ok(), "cannot note the skipped test in {}: {written:?}", path.display());
}
