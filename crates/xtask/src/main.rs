//! Checks and tools of the repository: `cargo xtask ci`, `cargo xtask tidy`, `cargo xtask fuzz`, `cargo xtask deny`,
//! `cargo xtask python`, `cargo xtask site`, `cargo xtask release`.
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a tool for the terminal of a developer")]

mod ci;
mod fuzz;
mod python;
mod release;
mod site;
mod skips;
mod supply_chain;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ci::Part;

const HELP: &str = "\
Checks and tools of the repository

Usage: cargo xtask <COMMAND>

Commands:
  ci      [checks | tests]: everything a change has to pass: format, tidy, lints, documentation; tests, documentation
          tests, the Python package, fuzz targets
  tidy    the rules of ARCHITECTURE.md and CONTRIBUTING.md that can be read off the files
  fuzz    [SECONDS] [readers | TARGET]…: every fuzz target, those of data readers, or those named; 10 seconds each by default
  python  builds the Python package, checks its types and runs its tests, in the environment target/python
  site    [FOLDER] the lab with its engine inside, and the documents in its folder docs; in target/site if no folder is
          given; --docs [FOLDER] writes the documents alone; --check compares the engine's answers in a browser with
          the native ones
  deny    the dependencies against .cargo/deny.toml
  release --dry-run [--allow-dirty] [--tagged] [--offline] [--binary PATH]: checks the version, packages the crates, builds
          the archive and the wheel, and prints the commands of a maintainer; publishes nothing
  help    this text

`ci` stops at the first step that fails and prints the time of each. It runs the tests with cargo-nextest
if that is installed and with `cargo test` otherwise.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let passed = match arguments.as_slice() {
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            true
        }
        ["ci"] => ci::run(&root(), &Part::ALL),
        ["ci", "checks"] => ci::run(&root(), &[Part::Checks]),
        ["ci", "tests"] => ci::run(&root(), &[Part::Tests]),
        ["tidy"] => tidy::run(&root()),
        ["fuzz", arguments @ ..] => fuzz::run(&root(), arguments),
        ["python"] => python::run(&root()),
        ["site", arguments @ ..] => site::run(&root(), arguments),
        ["release", arguments @ ..] => release::run(&root(), arguments),
        ["deny"] => supply_chain::run(&root()),
        other => {
            eprintln!("unknown command `{}`\n\n{HELP}", other.join(" "));
            false
        }
    };
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Returns the workspace root, two folders above this crate.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
