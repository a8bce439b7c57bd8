//! Runs the fuzz targets in `fuzz/`, several at once.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Instant;

use crate::skips::note_skip;

/// Duration of each target in the gate, in seconds.
const SECONDS: u64 = 10;

/// Memory limit of a target.
const MEMORY_MEGABYTES: u64 = 512;

/// Time limit of one input, in seconds: inputs take milliseconds, and a busy machine pauses for longer than one.
const INPUT_SECONDS: u64 = 5;

/// Folder of builds, new inputs and failures, relative to the root.
const RESULTS: &str = "target/fuzz";

/// Folder of builds without the address sanitizer, inside the results folder.
const UNSANITIZED: &str = "readers";

/// Platform with support for the address sanitizer.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// Options of the sanitizer: freed memory is quarantined for a while, but not enough to count as growth.
const SANITIZER: &str = "quarantine_size_mb=16:detect_leaks=0:allocator_may_return_null=1";

/// Name for all targets that are built without networks.
const READERS: &str = "readers";

/// Fuzz target in the manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Target<'a> {
    name: &'a str,
    /// True if it needs the crates of networks and training.
    trains: bool,
}

/// Arguments of `cargo xtask fuzz`.
#[derive(Debug, PartialEq, Eq)]
struct Request<'a> {
    seconds: u64,
    targets: Vec<Target<'a>>,
    sanitizer: Sanitizer,
}

/// Sanitizer that checks the memory accesses of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sanitizer {
    Address,
    /// Bounds are checked only by the language: readers are safe code, and their builds take half the time.
    None,
}

impl Sanitizer {
    fn name(self) -> &'static str {
        match self {
            Sanitizer::Address => "address",
            Sanitizer::None => "none",
        }
    }

    /// Returns the folder of builds below `root`.
    fn folder(self, root: &Path) -> PathBuf {
        let results = root.join(RESULTS);
        match self {
            Sanitizer::Address => results,
            Sanitizer::None => results.join(UNSANITIZED),
        }
    }
}

/// Builds the targets and runs each for some seconds: `[SECONDS] [readers | TARGET]…`. Returns true if none of them
/// found anything, or, with a message, if the fuzzer is not installed.
pub(crate) fn run(root: &Path, arguments: &[&str]) -> bool {
    let manifest = std::fs::read_to_string(root.join("fuzz/Cargo.toml")).unwrap_or_default();
    let known = targets_of(&manifest);
    let request = match request(arguments, &known) {
        Ok(request) => request,
        Err(message) => {
            eprintln!("{message}");
            return false;
        }
    };
    if let Some(reason) = reason_to_skip() {
        return note_skip("fuzz targets", reason);
    }
    let start = Instant::now();
    if !build(root, &request) {
        return false;
    }
    println!("built in {:.1} s", start.elapsed().as_secs_f64());
    let queue: Mutex<VecDeque<&str>> = Mutex::new(request.targets.iter().map(|target| target.name).collect());
    let failed: Mutex<usize> = Mutex::new(0);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(target) = queue.lock().ok().and_then(|mut queue| queue.pop_front()) {
                    let passed = fuzz(root, target, &request);
                    if let (false, Ok(mut failed)) = (passed, failed.lock()) {
                        *failed += 1;
                    }
                }
            });
        }
    });
    failed.into_inner().is_ok_and(|failed| failed == 0)
}

fn reason_to_skip() -> Option<&'static str> {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu")) {
        return Some("they are built for Linux on x86-64");
    }
    let installed = Command::new(cargo()).args(["fuzz", "--version"]).output();
    let is_installed = installed.is_ok_and(|output| output.status.success());
    (!is_installed).then_some("cargo-fuzz is not installed (cargo install cargo-fuzz)")
}

/// Parses the `[[bin]]` tables of a manifest.
fn targets_of(manifest: &str) -> Vec<Target<'_>> {
    let tables = manifest.split("[[bin]]").skip(1);
    tables
        .filter_map(|table| {
            let name = table.split_once("name = \"")?.1.split('"').next()?;
            Some(Target { name, trains: table.contains("required-features") })
        })
        .collect()
}

fn request<'a>(arguments: &[&str], known: &[Target<'a>]) -> Result<Request<'a>, String> {
    let (seconds, names) = match arguments {
        [first, rest @ ..] if first.starts_with(|c: char| c.is_ascii_digit()) => {
            (first.parse().map_err(|_| format!("`{first}` is not a number of seconds"))?, rest)
        }
        names => (SECONDS, names),
    };
    let sanitizer = if names == [READERS] { Sanitizer::None } else { Sanitizer::Address };
    if names.is_empty() {
        return Ok(Request { seconds, targets: known.to_vec(), sanitizer });
    }
    let mut targets = Vec::new();
    for &name in names {
        let before = targets.len();
        targets.extend(known.iter().filter(|target| target.name == name || name == READERS && !target.trains));
        if targets.len() == before {
            let names: Vec<&str> = known.iter().map(|target| target.name).collect();
            return Err(format!("unknown fuzz target `{name}`; expected {READERS} or one of {}", names.join(", ")));
        }
    }
    Ok(Request { seconds, targets, sanitizer })
}

/// Builds with flags that are only stable on nightly compilers; uses several codegen units per crate, because builds
/// take longer than runs.
fn build(root: &Path, request: &Request<'_>) -> bool {
    let mut command = Command::new(cargo());
    command.current_dir(root.join("fuzz")).env("RUSTC_BOOTSTRAP", "1");
    command.args(["fuzz", "build", "--codegen-units", "16", "--sanitizer", request.sanitizer.name()]);
    command.args(["--target", PLATFORM, "--target-dir"]).arg(request.sanitizer.folder(root));
    if request.targets.iter().all(|target| !target.trains) {
        command.arg("--no-default-features");
    }
    match command.status() {
        Ok(status) => status.success(),
        Err(error) => {
            eprintln!("`cargo fuzz build` did not start: {error}");
            false
        }
    }
}

/// Runs one target on its seeds and the inputs found by earlier runs; prints the number of inputs tried, or the input
/// that failed.
fn fuzz(root: &Path, target: &str, request: &Request<'_>) -> bool {
    let results = root.join(RESULTS);
    let (corpus, failures) = (results.join("corpus").join(target), results.join("failures").join(target));
    for folder in [&corpus, &failures] {
        if let Err(error) = std::fs::create_dir_all(folder) {
            eprintln!("{}: {error}", folder.display());
            return false;
        }
    }
    let program = request.sanitizer.folder(root).join(PLATFORM).join("release").join(target);
    let seeds = root.join("fuzz/seeds").join(target);
    let mut command = Command::new(&program);
    command.arg(&corpus).args(seeds.is_dir().then_some(&seeds)).args(limits(request.seconds, &failures));
    command.env("ASAN_OPTIONS", SANITIZER).env("RAYON_NUM_THREADS", "1").current_dir(root);
    match command.output() {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stderr);
            println!("{}", report(target, &text, output.status.success(), &program));
            output.status.success()
        }
        Err(error) => {
            eprintln!("{} did not start: {error}", program.display());
            false
        }
    }
}

fn limits(seconds: u64, failures: &Path) -> [String; 6] {
    [
        format!("-max_total_time={seconds}"),
        format!("-rss_limit_mb={MEMORY_MEGABYTES}"),
        format!("-timeout={INPUT_SECONDS}"),
        format!("-artifact_prefix={}/", failures.display()),
        "-print_final_stats=1".to_owned(),
        "-verbosity=0".to_owned(),
    ]
}

/// Returns one line for a target that found nothing, or else the end of its output and the command that repeats it.
fn report(target: &str, text: &str, passed: bool, program: &Path) -> String {
    let executed = text.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    let executed = executed.map_or("?", str::trim);
    if passed {
        return format!("ok   {target:<20} {executed:>10} inputs");
    }
    // Lines with the panic message and the file with the input.
    let telling: Vec<&str> = text
        .lines()
        .filter(|line| {
            ["panicked at", "ERROR:", "SUMMARY:", "Test unit written to"].iter().any(|mark| line.contains(mark))
        })
        .collect();
    let input = text.lines().find_map(|line| line.split("Test unit written to ").nth(1)).map(PathBuf::from);
    let input = input.map_or_else(String::new, |input| format!("\n     {} {}", program.display(), input.display()));
    format!("FAIL {target} after {executed} inputs\n     {}{input}", telling.join("\n     "))
}

fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_its_file_and_seeds() {
        let fuzz = crate::root().join("fuzz");
        let manifest = std::fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
        let targets = targets_of(&manifest);
        assert_eq!(targets.len(), std::fs::read_dir(fuzz.join("targets")).unwrap().count());
        assert_eq!(targets[0], Target { name: "csv", trains: false });
        assert!(targets.contains(&Target { name: "model", trains: true }));
        for Target { name, .. } in targets {
            assert!(fuzz.join(format!("targets/{name}.rs")).is_file(), "{name}");
            assert!(std::fs::read_dir(fuzz.join("seeds").join(name)).unwrap().count() > 0, "{name} has no seeds");
        }
    }

    #[test]
    fn seconds_and_targets_are_read_and_unknown_ones_refused() {
        let known = [("csv", false), ("idx", false), ("model", true)].map(|(name, trains)| Target { name, trains });
        let asked_with = |sanitizer, seconds, targets: &[usize]| {
            Ok(Request { seconds, targets: targets.iter().map(|&index| known[index]).collect(), sanitizer })
        };
        let asked = |seconds, targets: &[usize]| asked_with(Sanitizer::Address, seconds, targets);
        let cases: [(&[&str], Result<Request<'_>, String>); 7] = [
            (&[], asked(SECONDS, &[0, 1, 2])),
            (&["60"], asked(60, &[0, 1, 2])),
            (&["60", "idx"], asked(60, &[1])),
            (&["model", "csv"], asked(SECONDS, &[2, 0])),
            (&["readers"], asked_with(Sanitizer::None, SECONDS, &[0, 1])),
            (&["60", "readers", "model"], asked(60, &[0, 1, 2])),
            (&["csw"], Err("unknown fuzz target `csw`; expected readers or one of csv, idx, model".to_owned())),
        ];
        for (arguments, expected) in cases {
            assert_eq!(request(arguments, &known), expected, "{arguments:?}");
        }
        assert!(request(&["6x"], &known).is_err());
    }

    #[test]
    fn failures_say_how_to_repeat_them() {
        let text =
            "INFO: x\nthread panicked at a.rs:3\nTest unit written to f/crash-1\nstat::number_of_executed_units: 7\n";
        let program = Path::new("p/csv");
        assert_eq!(report("csv", text, true, program), "ok   csv                           7 inputs");
        let failure = report("csv", text, false, program);
        assert!(failure.contains("after 7 inputs") && failure.contains("a.rs:3"), "{failure}");
        assert!(failure.ends_with("p/csv f/crash-1"), "{failure}");
    }
}
