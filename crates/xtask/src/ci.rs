//! Gate for every change, cheapest checks first.

use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use crate::skips::SKIPPED_TESTS;
use crate::tidy;

/// One command line of the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    name: &'static str,
    /// Arguments of `cargo`; empty for the tidy check.
    arguments: &'static [&'static str],
    /// Environment variables of the command.
    environment: &'static [(&'static str, &'static str)],
}

/// Creates a step without environment variables.
const fn step(name: &'static str, arguments: &'static [&'static str]) -> Step {
    Step { name, arguments, environment: &[] }
}

const FORMAT: Step = step("format", &["fmt", "--all", "--check"]);
const TIDY: Step = step("tidy", &[]);
const LINTS: Step = step("lints", &["clippy", "--workspace", "--all-targets", "--quiet", "--", "--deny", "warnings"]);
/// The library without the program, whose parts the other steps compile with all features.
const LIBRARY_ALONE: Step = step(
    "lints of the library alone",
    &["clippy", "--package", "evenkeel", "--no-default-features", "--lib", "--quiet", "--", "--deny", "warnings"],
);
const NEXTEST: Step = step("tests", &["nextest", "run", "--workspace", "--no-fail-fast"]);
const TESTS: Step =
    step("tests", &["test", "--workspace", "--lib", "--bins", "--tests", "--examples", "--no-fail-fast"]);
/// Tests of networks and of whole training runs at SIMD levels below the widest. Tests of the kernels cover all levels anyway, and
/// training runs of the command line and the lab take minutes without vectors.
const NEXTEST_ON_LEVEL: Step = step(
    "tests",
    &["nextest", "run", "--workspace", "--no-fail-fast", "-E", "package(keel_nn) + package(keel_train) & binary(runs)"],
);
const TESTS_ON_LEVEL: Step =
    step("tests", &["test", "--package", "keel_nn", "--package", "keel_train", "--tests", "--no-fail-fast"]);
const DOCUMENTATION_TESTS: Step = step("documentation tests", &["test", "--workspace", "--doc"]);
const DOCUMENTATION: Step = Step {
    environment: &[("RUSTDOCFLAGS", "--deny warnings")],
    ..step("documentation", &["doc", "--workspace", "--no-deps", "--quiet"])
};
/// Kernels under the address sanitizer, which needs a compiler flag that is only stable on nightly.
const SANITIZER: Step = Step {
    environment: &[("RUSTC_BOOTSTRAP", "1"), ("RUSTFLAGS", "-Zsanitizer=address")],
    ..step(
        "kernels under the address sanitizer",
        &[
            "test",
            "--package",
            "keel_kernels",
            "--lib",
            "--target",
            SANITIZER_TARGET,
            "--target-dir",
            "target/sanitizer",
        ],
    )
};
/// The sanitizer needs an explicit target, so that build scripts are built without it.
const SANITIZER_TARGET: &str = "x86_64-unknown-linux-gnu";

/// Check of the dependencies against `.cargo/deny.toml`, if cargo-deny is installed.
const SUPPLY_CHAIN: Step = step("supply chain", &["xtask", "deny"]);
/// The Python package, if its environment exists.
const PYTHON: Step = step("Python package", &["xtask", "python"]);
/// The lab's exhibits in a browser, if the compiler has the target and there is a browser.
const SITE: Step = step("exhibits in a browser", &["xtask", "site", "--check"]);
/// Fuzz targets of data readers for a few seconds each, if cargo-fuzz is installed; those of networks take too long to build.
const FUZZ: Step = step("fuzz targets", &["xtask", "fuzz", "readers"]);

/// Maximum number of skipped tests and steps. Tests: those with data sets next to the checkout, those with a browser,
/// one with PyTorch, six with `mpirun`, four with bash, groff or a terminal created by `script`, and one that the
/// exhibits step runs. Steps: Python package, fuzz targets, supply chain, exhibits.
const MOST_SKIPPED: usize = 31;

/// Half of the gate: `.ci/run` fetches the test tools while the checks compile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Steps that only read or compile the sources.
    Checks,
    /// Steps that run the tests.
    Tests,
}

impl Part {
    /// The whole gate.
    pub(crate) const ALL: [Part; 2] = [Part::Checks, Part::Tests];
}

/// Runs the steps of `parts` at `root` until one fails; returns true if all passed.
pub(crate) fn run(root: &Path, parts: &[Part]) -> bool {
    let has_nextest = succeeds(root, &["nextest", "--version"]);
    let skipped = root.join("target/skipped-tests.txt");
    if parts.contains(&Part::Checks) {
        // Remove the file of an earlier run, which would be counted again; it may not exist.
        let _ = std::fs::remove_file(&skipped);
    }
    let mut times = Vec::new();
    let start = Instant::now();
    for steps in parts.iter().flat_map(|part| steps(*part, has_nextest, &lower_levels())) {
        let outcomes = match *steps.as_slice() {
            [step] => vec![outcome(root, step, &skipped)],
            _ => concurrent_outcomes(root, &steps, &skipped),
        };
        for Outcome { step, passed, time } in outcomes {
            times.push((step.name, time));
            if !passed {
                println!("\n{} failed; `{}` repeats this step alone", step.name, command_line(step));
                return false;
            }
        }
    }
    let skipped = std::fs::read_to_string(&skipped).unwrap_or_default();
    println!("\n{}\n{}", summary(&times, start.elapsed()), skipped_text(&skipped));
    skipped.lines().count() <= MOST_SKIPPED
}

/// Returns the number of skipped tests with the name and reason of each.
fn skipped_text(lines: &str) -> String {
    let count = lines.lines().count();
    let verdict = if count > MOST_SKIPPED { format!(", more than the {MOST_SKIPPED} allowed") } else { String::new() };
    let mut text = format!("{count} tests skipped{verdict}");
    lines.lines().for_each(|line| text.push_str(&format!("\n  {line}")));
    text
}

/// Result of a step.
struct Outcome {
    step: Step,
    passed: bool,
    time: Duration,
}

/// Runs a step with its output on the terminal.
fn outcome(root: &Path, step: Step, skipped: &Path) -> Outcome {
    println!("\n== {}", step.name);
    let start = Instant::now();
    let passed = match step.arguments {
        [] => tidy::run(root),
        _ => ended(step, command(root, step, skipped).status()),
    };
    Outcome { step, passed, time: start.elapsed() }
}

/// Runs steps at the same time and prints the output of each when it has ended.
fn concurrent_outcomes(root: &Path, steps: &[Step], skipped: &Path) -> Vec<Outcome> {
    let names: Vec<&str> = steps.iter().map(|step| step.name).collect();
    println!("\n== {}, at the same time", names.join(" and "));
    let run = |step: Step| {
        let start = Instant::now();
        let output = command(root, step, skipped).output();
        if let Ok(output) = &output {
            let [text, messages] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
            println!("\n== {}\n{text}{messages}", step.name);
        }
        Outcome { step, passed: ended(step, output.map(|output| output.status)), time: start.elapsed() }
    };
    std::thread::scope(|scope| {
        let started: Vec<_> = steps.iter().map(|&step| scope.spawn(move || run(step))).collect();
        started
            .into_iter()
            .zip(steps)
            .map(|(thread, &step)| thread.join().unwrap_or(Outcome { step, passed: false, time: Duration::ZERO }))
            .collect()
    })
}

/// Returns the steps of a part of the gate, cheapest first; those of one list run at the same time. Tests of networks run again at
/// each SIMD level below the processor's widest.
fn steps(part: Part, has_nextest: bool, lower_levels: &[&str]) -> Vec<Vec<Step>> {
    if part == Part::Checks {
        return [FORMAT, TIDY, SUPPLY_CHAIN, LINTS, LIBRARY_ALONE, DOCUMENTATION].map(|step| vec![step]).into();
    }
    let (tests, on_level) = if has_nextest { (NEXTEST, NEXTEST_ON_LEVEL) } else { (TESTS, TESTS_ON_LEVEL) };
    // A browser and an interpreter keep one core busy each.
    let mut steps = vec![vec![tests], vec![SITE, PYTHON], vec![DOCUMENTATION_TESTS]];
    let on_level = [
        Step { name: "tests on avx2", environment: &[("KEEL_SIMD", "avx2")], ..on_level },
        Step { name: "tests on scalar", environment: &[("KEEL_SIMD", "scalar")], ..on_level },
    ];
    steps.extend(
        on_level.into_iter().filter(|step| lower_levels.contains(&step.environment[0].1)).map(|step| vec![step]),
    );
    if cfg!(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu")) {
        steps.push(vec![SANITIZER]);
    }
    steps.push(vec![FUZZ]);
    steps
}

/// Returns the SIMD levels of this processor below its widest.
fn lower_levels() -> Vec<&'static str> {
    let mut levels = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        if std::is_x86_feature_detected!("avx512f") && std::is_x86_feature_detected!("avx2") {
            levels.push("avx2");
        }
        if std::is_x86_feature_detected!("avx2") {
            levels.push("scalar");
        }
    }
    #[cfg(target_arch = "aarch64")]
    levels.push("scalar");
    levels
}

fn command_line(step: Step) -> String {
    let quoted = |word: &str| if word.contains(' ') { format!("\"{word}\"") } else { word.to_owned() };
    let variables = step.environment.iter().map(|(name, value)| format!("{name}={} ", quoted(value)));
    match step.arguments {
        [] => "cargo xtask tidy".to_owned(),
        arguments => {
            let words: Vec<String> = arguments.iter().map(|word| quoted(word)).collect();
            format!("{}cargo {}", variables.collect::<String>(), words.join(" "))
        }
    }
}

/// Lists the time of every step, and the `total`, which is less than their sum if some run at the same time.
fn summary(times: &[(&str, Duration)], total: Duration) -> String {
    let lines = times.iter().map(|(name, time)| format!("{name:<20} {:>6.1} s\n", time.as_secs_f64()));
    lines.chain([format!("{:<20} {:>6.1} s", "all passed", total.as_secs_f64())]).collect()
}

/// Returns the command of a step; tests skipped at the widest level are recorded in `skipped`.
fn command(root: &Path, step: Step, skipped: &Path) -> Command {
    let mut command = cargo(root, step.arguments);
    command.envs(step.environment.iter().copied());
    if step.environment.is_empty() {
        command.env(SKIPPED_TESTS, skipped);
    }
    command
}

/// Returns true if the command of a step succeeded; prints why it did not start.
fn ended(step: Step, status: std::io::Result<ExitStatus>) -> bool {
    match status {
        Ok(status) => status.success(),
        Err(error) => {
            eprintln!("`{}` did not start: {error}", command_line(step));
            false
        }
    }
}

/// Runs cargo silently and returns true if it succeeds.
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
        for (has_nextest, whole, on_level) in [(true, NEXTEST, NEXTEST_ON_LEVEL), (false, TESTS, TESTS_ON_LEVEL)] {
            let steps = steps(Part::Tests, has_nextest, &["avx2", "scalar"]).concat();
            assert!(steps.contains(&whole));
            for level in ["avx2", "scalar"] {
                let repeated = steps.iter().filter(|step| step.environment.contains(&("KEEL_SIMD", level)));
                assert_eq!(repeated.map(|step| step.arguments).collect::<Vec<_>>(), [on_level.arguments], "{level}");
            }
        }
        assert!(steps(Part::Tests, true, &[]).concat().iter().all(|step| !step.name.starts_with("tests on")));
    }

    #[test]
    fn a_failed_step_can_be_repeated_by_its_command_line() {
        let steps = Part::ALL.into_iter().flat_map(|part| steps(part, true, &["scalar"]).concat());
        let lines: Vec<String> = steps.map(command_line).collect();
        assert_eq!(lines[0], "cargo fmt --all --check");
        assert_eq!(lines[1], "cargo xtask tidy");
        assert_eq!(lines[2], "cargo xtask deny");
        assert_eq!(lines.last().map(String::as_str), Some("cargo xtask fuzz readers"));
        assert_eq!(lines[3], "cargo clippy --workspace --all-targets --quiet -- --deny warnings");
        let alone = "cargo clippy --package evenkeel --no-default-features --lib --quiet -- --deny warnings";
        assert_eq!(lines[4], alone);
        assert_eq!(lines[5], "RUSTDOCFLAGS=\"--deny warnings\" cargo doc --workspace --no-deps --quiet");
        assert_eq!(lines[7], "cargo xtask site --check");
        assert_eq!(lines[8], "cargo xtask python");
        assert_eq!(lines[9], "cargo test --workspace --doc");
        let filter = "package(keel_nn) + package(keel_train) & binary(runs)";
        let on_level = format!("KEEL_SIMD=scalar cargo nextest run --workspace --no-fail-fast -E \"{filter}\"");
        assert_eq!(lines[10], on_level);
    }

    #[test]
    fn of_steps_at_the_same_time_the_one_that_failed_is_known() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let [good, bad] = [step("good", &["--version"]), step("bad", &["no-such-command"])];
        let outcomes = concurrent_outcomes(root, &[good, bad], Path::new("skipped"));
        assert_eq!(
            outcomes.iter().map(|one| (one.step.name, one.passed)).collect::<Vec<_>>(),
            [("good", true), ("bad", false)]
        );
    }

    #[test]
    fn skipped_tests_are_counted_and_named() {
        assert_eq!(skipped_text(""), "0 tests skipped");
        assert_eq!(skipped_text("skipped a: no b\n"), "1 tests skipped\n  skipped a: no b");
        let many = "skipped a: no b\n".repeat(MOST_SKIPPED + 1);
        let text = skipped_text(&many);
        let expected = format!("{} tests skipped, more than the {MOST_SKIPPED} allowed\n", MOST_SKIPPED + 1);
        assert!(text.starts_with(&expected), "{text}");
    }

    #[test]
    fn the_summary_has_every_step_and_the_whole_time() {
        let times = [("format", Duration::from_millis(1500)), ("tests", Duration::from_secs(60))];
        let text = summary(&times, Duration::from_millis(60_250));
        let expected = "format                  1.5 s\ntests                  60.0 s\nall passed             60.2 s";
        assert_eq!(text, expected);
    }
}
