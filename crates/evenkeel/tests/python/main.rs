//! Tests that call Python, where there is one with the modules they need.

#[path = "../program/mod.rs"]
mod program;
mod pytorch;
mod recomputed_findings;

use std::path::PathBuf;
use std::process::Command;

/// `EVENKEEL_PYTHON`, or `python3`, if it can import `modules`; else says that `test` is skipped.
fn python(test: &str, modules: &str) -> Option<PathBuf> {
    let python = std::env::var_os("EVENKEEL_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from);
    let import = format!("import {modules}");
    let imported = Command::new(&python).args(["-c", &import]).output().is_ok_and(|output| output.status.success());
    if !imported {
        let reason = format!("{} cannot import {modules}; EVENKEEL_PYTHON names another Python", python.display());
        keel_testkit::skipped(test, &reason);
    }
    imported.then_some(python)
}
