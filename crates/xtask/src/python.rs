//! Builds the Python package and runs its tests, in the environment created by `.ci/run`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::skips::note_skip;

/// Folder of the package, relative to the root.
pub(crate) const PACKAGE: &str = "python";

/// Environment with maturin and the packages of `python/tests/requirements.txt`, relative to the root; overridden by
/// `EVENKEEL_PYTHON_ENVIRONMENT`.
const ENVIRONMENT: &str = "target/python";

/// Reason why the package is not built.
pub(crate) const NO_ENVIRONMENT: &str = "no environment in target/python; python/README.md says how to make one";

/// Files below the package that pytest runs, and others with their own tests.
const STEPS: [(&str, &[&str]); 4] = [
    ("build", &["-m", "maturin", "develop", "--quiet"]),
    ("types", &["-m", "mypy", "evenkeel"]),
    ("stubs", &["-m", "mypy.stubtest", "evenkeel._native"]),
    ("tests", &["-m", "pytest", "--quiet", "-rs"]),
];

/// Builds the package, checks its types and runs its tests. Returns true if all passed, or, with a message, if there is
/// no environment. Skipped tests are recorded.
pub(crate) fn run(root: &Path) -> bool {
    let environment = environment(root);
    let python = interpreter(&environment);
    if !python.is_file() {
        return note_skip("the Python package", NO_ENVIRONMENT);
    }
    STEPS.iter().all(|(name, arguments)| {
        println!("-- python: {name}");
        let mut command = Command::new(&python);
        // `maturin develop` installs into the active environment.
        command.args(*arguments).current_dir(root.join(PACKAGE)).env("VIRTUAL_ENV", &environment);
        passed(name, &mut command)
    })
}

/// Returns the folder of the environment, which may not exist.
pub(crate) fn environment(root: &Path) -> PathBuf {
    std::env::var_os("EVENKEEL_PYTHON_ENVIRONMENT").map_or_else(|| root.join(ENVIRONMENT), PathBuf::from)
}

/// Returns the interpreter of an environment, which may not exist.
pub(crate) fn interpreter(environment: &Path) -> PathBuf {
    environment.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" })
}

fn passed(name: &str, command: &mut Command) -> bool {
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => {
            eprintln!("{command:?} did not start: {error}");
            return false;
        }
    };
    let text = String::from_utf8_lossy(&output.stdout);
    print!("{text}");
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    output.status.success() && skipped(&text).all(|line| note_skip(&format!("python {name}"), line))
}

/// Returns the tests that pytest reports as skipped, with their reasons.
fn skipped(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| line.strip_prefix("SKIPPED "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skipped_tests_are_read_from_what_pytest_prints() {
        let text = "....s\nSKIPPED [1] tests/watching/test_watch.py:3: could not import 'torch'\n5 passed, 1 skipped in 0.2s\n";
        let lines: Vec<&str> = skipped(text).collect();
        assert_eq!(lines, ["[1] tests/watching/test_watch.py:3: could not import 'torch'"]);
    }
}
