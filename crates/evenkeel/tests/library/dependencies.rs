//! Crates that a user of the library compiles.

use std::collections::BTreeSet;
use std::process::Command;

/// Crates of the command line, the pages, the studio and the database of measurements.
const OF_THE_PROGRAM: [&str; 13] = [
    "axum",
    "clap",
    "comfy-table",
    "indicatif",
    "keel_lab",
    "keel_page",
    "keel_program",
    "keel_report",
    "keel_studio",
    "libsqlite3-sys",
    "miette",
    "rusqlite",
    "tokio",
];

/// Largest number of crates that the library, and the program, are made of, their own included.
const LIBRARY: usize = 150;
const PROGRAM: usize = 250;

/// Names and versions of all crates that the package is compiled from, apart from macros and build scripts.
fn crates(arguments: &[&str]) -> BTreeSet<String> {
    let fixed = ["tree", "--offline", "--locked", "-p", "evenkeel", "-e", "normal,no-proc-macro", "--prefix", "none"];
    let output = Command::new(env!("CARGO")).args(fixed).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect()
}

fn names(crates: &BTreeSet<String>) -> BTreeSet<&str> {
    crates.iter().filter_map(|name| name.split(' ').next()).collect()
}

#[test]
fn a_library_user_compiles_no_command_line_no_pages_and_no_database() {
    let (library, program) = (crates(&["--no-default-features"]), crates(&[]));
    let (of_library, of_program) = (names(&library), names(&program));
    let found: Vec<&str> = OF_THE_PROGRAM.into_iter().filter(|name| of_library.contains(name)).collect();
    assert_eq!(found, [""; 0], "the library is compiled with crates of the program");
    let missing: Vec<&str> = OF_THE_PROGRAM.into_iter().filter(|name| !of_program.contains(name)).collect();
    assert_eq!(missing, [""; 0], "these crates are looked for and are nowhere");
    assert!(library.len() <= LIBRARY, "the library is made of {} crates, more than {LIBRARY}", library.len());
    assert!(program.len() <= PROGRAM, "the program is made of {} crates, more than {PROGRAM}", program.len());
}
