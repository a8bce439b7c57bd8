//! Operations between processes of Open MPI's `mpirun`, with the example `collectives`, if it is installed.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use keel_ranks::LIBRARY_VARIABLE;
use keel_testkit::skipped;

/// Time after which a job that should have ended counts as hanging.
const LIMIT: Duration = Duration::from_secs(60);

/// Returns the example, which is built with the tests; reports a skipped test and returns `None` without Open MPI's `mpirun`.
fn example_or_skip(test: &str) -> Option<PathBuf> {
    let version = Command::new("mpirun").arg("--version").output();
    if !version.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("Open MPI")) {
        skipped(test, "there is no mpirun of Open MPI");
        return None;
    }
    let test = std::env::current_exe().unwrap();
    let example = test.parent().unwrap().with_file_name("examples").join("collectives");
    assert!(example.is_file(), "{} is not built: `cargo build -p keel_ranks --examples`", example.display());
    Some(example)
}

/// Starts `ranks` processes of the example.
fn start(example: &PathBuf, ranks: usize, arguments: &[&str]) -> Child {
    let mut command = Command::new("mpirun");
    command.args(["--oversubscribe", "-n", &ranks.to_string()]).arg(example).args(arguments);
    // Containers run tests as root, which mpirun otherwise rejects.
    command.envs(["OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"].map(|name| (name, "1")));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until the job ends; its output fits into the pipes.
fn end(mut job: Child, limit: Duration) -> Output {
    let start = Instant::now();
    while job.try_wait().unwrap().is_none() {
        if start.elapsed() > limit {
            job.kill().unwrap();
            panic!("the job runs for more than {limit:?}: {:?}", job.wait_with_output());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    job.wait_with_output().unwrap()
}

#[test]
fn operations_between_processes_are_right() {
    let Some(example) = example_or_skip("operations_between_processes_are_right") else { return };
    for ranks in [1, 2, 3, 4, 9] {
        let output = end(start(&example, ranks, &[]), LIMIT);
        let text = String::from_utf8_lossy(&output.stdout);
        let mut lines: Vec<&str> = text.lines().collect();
        lines.sort_unstable();
        let expected: Vec<String> = (0..ranks).map(|rank| format!("rank {rank} of {ranks}: right")).collect();
        assert_eq!(lines, expected, "{output:?}");
        assert!(output.status.success(), "{output:?}");
    }
}

#[test]
fn a_killed_or_failed_process_ends_the_job() {
    let Some(example) = example_or_skip("a_killed_or_failed_process_ends_the_job") else { return };
    for (argument, expected) in
        [("lost", "signal 9"), ("panic", "this rank panics"), ("mismatch", "all_reduce of 7 values")]
    {
        let job = end(start(&example, 3, &[argument]), Duration::from_secs(10));
        let text = String::from_utf8_lossy(&job.stderr);
        assert!(!job.status.success() && text.contains(expected), "{argument}: {job:?}");
    }
}

#[test]
fn a_library_that_is_not_there_is_named() {
    let test = std::env::current_exe().unwrap();
    let example = test.parent().unwrap().with_file_name("examples").join("collectives");
    let output = Command::new(example).env(LIBRARY_VARIABLE, "libmissing.so").output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    for expected in ["libmissing.so", "openmpi-bin", LIBRARY_VARIABLE] {
        assert!(text.contains(expected), "{expected} is missing in: {text}");
    }
}
