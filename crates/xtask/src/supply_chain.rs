//! Checks the dependencies against `.cargo/deny.toml`: licences, duplicate versions, sources, bans.

use std::path::Path;
use std::process::Command;

use crate::skips::note_skip;

/// Checks that need only the lock file and the sources of the dependencies. Advisories need their database, which may
/// not be available: `cargo deny check advisories`, or `cargo audit`.
const CHECKS: [&str; 5] = ["check", "--hide-inclusion-graph", "licenses", "bans", "sources"];

/// Runs cargo-deny on the workspace, the fuzz targets and the products bench; returns true if all satisfy
/// `.cargo/deny.toml`, or, with a message, if it is not installed.
pub(crate) fn run(root: &Path) -> bool {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let installed = Command::new(&cargo).args(["deny", "--version"]).output();
    if !installed.is_ok_and(|output| output.status.success()) {
        return note_skip("supply chain", "cargo-deny is not installed (cargo install cargo-deny)");
    }
    // Packages outside the workspace have fewer dependencies, so some exceptions do not apply to them.
    let fewer: &[&str] = &["--allow", "unmatched-skip", "--allow", "unnecessary-skip"];
    let folders: [(_, &[&str]); 3] = [
        (root.to_path_buf(), &["--deny", "unmatched-skip"]),
        (root.join("fuzz"), fewer),
        (root.join("bench/products"), fewer),
    ];
    folders.iter().all(|(folder, more)| {
        let mut command = Command::new(&cargo);
        command.arg("deny").arg("--config").arg(root.join(".cargo/deny.toml")).args(CHECKS).args(*more);
        command.current_dir(folder).status().is_ok_and(|status| status.success())
    })
}
