//! Everything a change has to pass, cheapest first.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::tidy;

/// One command line of the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    name: &'static str,
    /// What follows `cargo`.
    arguments: &'static [&'static str],
}

const FORMAT: Step = Step { name: "format", arguments: &["fmt", "--all", "--check"] };
const LINTS: Step = Step {
    name: "lints",
    arguments: &["clippy", "--workspace", "--all-targets", "--quiet", "--", "--deny", "warnings"],
};
const NEXTEST: Step = Step { name: "tests", arguments: &["nextest", "run", "--workspace", "--no-fail-fast"] };
const TESTS: Step = Step {
    name: "tests",
    arguments: &["test", "--workspace", "--lib", "--bins", "--tests", "--examples", "--no-fail-fast"],
};
const DOCUMENTATION: Step = Step { name: "documentation tests", arguments: &["test", "--workspace", "--doc"] };

/// Names the file to which skipped tests add a line each; `keel_testkit::skipping` writes it.
const SKIPPED_TESTS: &str = "EVENKEEL_SKIPPED_TESTS";

/// Maximum number of skipped tests: those with data sets beside the checkout, those with a browser, the one with PyTorch.
const MOST_SKIPPED: usize = 20;

/// Runs all steps at `root` until one fails; true if none did.
pub(crate) fn run(root: &Path) -> bool {
    let has_nextest = succeeds(root, &["nextest", "--version"]);
    let skipped = root.join("target/skipped-tests.txt");
    // A file of an earlier run would be counted again; where there is none, that is fine.
    let _ = std::fs::remove_file(&skipped);
    let mut times = Vec::new();
    for step in steps(has_nextest) {
        println!("\n== {}", step.name);
        let start = Instant::now();
        let passed = match step.arguments {
            [] => tidy::run(root),
            arguments => passes(root, arguments, &skipped),
        };
        times.push((step.name, start.elapsed()));
        if !passed {
            println!("\n{} failed; `{}` repeats this step alone", step.name, command_line(step));
            return false;
        }
    }
    let skipped = std::fs::read_to_string(&skipped).unwrap_or_default();
    println!("\n{}\n{}", summary(&times), skipped_text(&skipped));
    skipped.lines().count() <= MOST_SKIPPED
}

/// Returns the number of skipped tests, with the name and the reason of each.
fn skipped_text(lines: &str) -> String {
    let count = lines.lines().count();
    let verdict = if count > MOST_SKIPPED { format!(", more than the {MOST_SKIPPED} allowed") } else { String::new() };
    let mut text = format!("{count} tests skipped{verdict}");
    lines.lines().for_each(|line| text.push_str(&format!("\n  {line}")));
    text
}

/// The gate, cheapest first; the step without arguments is our own tidy check.
fn steps(has_nextest: bool) -> [Step; 5] {
    let tests = if has_nextest { NEXTEST } else { TESTS };
    [FORMAT, Step { name: "tidy", arguments: &[] }, LINTS, tests, DOCUMENTATION]
}

fn command_line(step: Step) -> String {
    match step.arguments {
        [] => "cargo xtask tidy".to_owned(),
        arguments => format!("cargo {}", arguments.join(" ")),
    }
}

fn summary(times: &[(&str, Duration)]) -> String {
    let lines = times.iter().map(|(name, time)| format!("{name:<20} {:>6.1} s\n", time.as_secs_f64()));
    let total: Duration = times.iter().map(|(_, time)| *time).sum();
    lines.chain([format!("{:<20} {:>6.1} s", "all passed", total.as_secs_f64())]).collect()
}

/// Runs cargo with its output on the terminal; skipped tests are noted in `skipped`.
fn passes(root: &Path, arguments: &[&str], skipped: &Path) -> bool {
    match cargo(root, arguments).env(SKIPPED_TESTS, skipped).status() {
        Ok(status) => status.success(),
        Err(error) => {
            eprintln!("cargo {} did not start: {error}", arguments.join(" "));
            false
        }
    }
}

/// Runs cargo silently.
fn succeeds(root: &Path, arguments: &[&str]) -> bool {
    cargo(root, arguments).output().is_ok_and(|output| output.status.success())
}

fn cargo(root: &Path, arguments: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_run_with_or_without_nextest() {
        let cases = [(true, NEXTEST), (false, TESTS)];
        for (has_nextest, expected) in cases {
            assert_eq!(steps(has_nextest)[3], expected);
        }
    }

    #[test]
    fn a_failed_step_can_be_repeated_by_its_command_line() {
        let lines: Vec<String> = steps(true).into_iter().map(command_line).collect();
        assert_eq!(lines[0], "cargo fmt --all --check");
        assert_eq!(lines[1], "cargo xtask tidy");
        assert_eq!(lines[2], "cargo clippy --workspace --all-targets --quiet -- --deny warnings");
        assert_eq!(lines[4], "cargo test --workspace --doc");
    }

    #[test]
    fn skipped_tests_are_counted_and_named() {
        assert_eq!(skipped_text(""), "0 tests skipped");
        assert_eq!(skipped_text("skipped a: no b\n"), "1 tests skipped\n  skipped a: no b");
        let many = "skipped a: no b\n".repeat(MOST_SKIPPED + 1);
        assert!(skipped_text(&many).starts_with("21 tests skipped, more than the 20 allowed\n"));
    }

    #[test]
    fn the_summary_adds_up() {
        let text = summary(&[("format", Duration::from_millis(1500)), ("tests", Duration::from_secs(60))]);
        let expected = "format                  1.5 s\ntests                  60.0 s\nall passed             61.5 s";
        assert_eq!(text, expected);
    }
}
