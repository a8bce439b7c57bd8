//! Minimum compiler version: `rust-version`, the workflow that tests it, and the dependencies that require it.

use std::fs;
use std::path::Path;

use super::Release;
use super::agreement::value_in;
use super::metadata::Package;
use super::outcome::Outcome;

/// Workflow that compiles the workspace with the minimum version.
const WORKFLOW: &str = ".github/workflows/systems.yml";

/// Line of the workflow that reads the version from the manifest of the workspace.
const READ: &str = r#"version=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)"#;

/// Manifests outside the workspace with their own `rust-version`.
const OUTSIDE: [&str; 2] = ["fuzz/Cargo.toml", "bench/products/Cargo.toml"];

/// Compares `rust-version` with the workflow, with the other manifests and with the dependencies.
pub(super) fn check(release: &Release<'_>) -> Outcome {
    let mut outcome = Outcome::default();
    let read = |path: &str| read(release.root, path);
    let manifest = match read("Cargo.toml") {
        Ok(manifest) => manifest,
        Err(problem) => return Outcome::failed(problem),
    };
    let Some(oldest) = value_in(&manifest, "[workspace.package]", "rust-version") else {
        return Outcome::failed("Cargo.toml: `[workspace.package]` has no `rust-version`");
    };
    outcome.add(read(WORKFLOW).and_then(|workflow| tested(&workflow, oldest)));
    for path in OUTSIDE {
        outcome
            .add(read(path).and_then(|manifest| same(path, value_in(&manifest, "[package]", "rust-version"), oldest)));
    }
    outcome.add(needs_no_later(release.metadata.packages.values(), oldest));
    outcome
}

fn read(root: &Path, path: &str) -> Result<String, String> {
    fs::read_to_string(root.join(path)).map_err(|error| format!("{path}: {error}"))
}

/// Checks that the workflow installs `oldest`, named directly or read from the manifest.
fn tested(workflow: &str, oldest: &str) -> Result<String, String> {
    let installed =
        workflow.lines().filter_map(|line| line.split_once("rustup toolchain install ")).map(|(_, rest)| {
            let name = rest.split_whitespace().next().unwrap_or_default();
            name.trim_matches('"').to_owned()
        });
    let installed: Vec<String> = installed.collect();
    let reads = workflow.lines().any(|line| line.trim() == READ);
    let is_oldest = |name: &String| name == oldest || (name == "$version" && reads);
    match installed.iter().find(|name| !is_oldest(name)) {
        _ if installed.is_empty() => Err(format!("{WORKFLOW} installs no compiler {oldest}")),
        Some(name) if name == "$version" => {
            Err(format!("{WORKFLOW} installs `$version`, which is not read from `rust-version` of Cargo.toml"))
        }
        Some(name) => Err(format!("{WORKFLOW} installs Rust {name}, but `rust-version` is {oldest}")),
        None => Ok(format!("Rust {oldest}, installed by {WORKFLOW}")),
    }
}

fn same(path: &str, found: Option<&str>, oldest: &str) -> Result<String, String> {
    match found {
        Some(found) if found == oldest => Ok(format!("{path}: Rust {oldest}")),
        found => {
            Err(format!("{path}: `rust-version` is {}, but the workspace has {oldest}", found.unwrap_or("missing")))
        }
    }
}

/// Checks that no dependency requires a later compiler.
fn needs_no_later<'a>(packages: impl Iterator<Item = &'a Package>, oldest: &str) -> Result<String, String> {
    let limit = numbers(oldest);
    let asked = packages.filter_map(|package| Some((numbers(package.rust_version.as_deref()?), package)));
    let Some((_, latest)) = asked.max_by(|a, b| a.0.cmp(&b.0)) else {
        return Ok("no dependency asks for a compiler".to_owned());
    };
    let asked = latest.rust_version.as_deref().unwrap_or_default();
    match numbers(asked) > limit {
        true => Err(format!("`{} {}` asks for Rust {asked}; `rust-version` is {oldest}", latest.name, latest.version)),
        false => Ok(format!("dependencies need Rust {asked} or earlier")),
    }
}

/// Parses the numbers of a version; a missing one is 0.
pub(super) fn numbers(version: &str) -> [u64; 3] {
    let mut numbers = [0; 3];
    for (number, text) in numbers.iter_mut().zip(version.split('.')) {
        *number = text.parse().unwrap_or(0);
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workflow_installs_the_oldest_compiler() {
        let install = "          rustup toolchain install \"$version\" --profile minimal\n";
        let cases = [
            (format!("          {READ}\n{install}"), ""),
            ("run: rustup toolchain install 1.90 --profile minimal\n".to_owned(), ""),
            ("run: rustup toolchain install 1.91\n".to_owned(), "installs Rust 1.91, but `rust-version` is 1.90"),
            (install.to_owned(), "not read from `rust-version`"),
            ("run: rustup update stable\n".to_owned(), "installs no compiler 1.90"),
        ];
        for (workflow, expected) in cases {
            match (tested(&workflow, "1.90"), expected) {
                (Ok(_), "") => {}
                (Err(message), expected) => assert!(!expected.is_empty() && message.contains(expected), "{message}"),
                (Ok(fact), _) => panic!("{fact}, but expected: {expected}"),
            }
        }
    }

    #[test]
    fn the_workflow_of_this_repository_installs_it() {
        let read = |path: &str| read(&crate::root(), path).unwrap();
        let (manifest, workflow) = (read("Cargo.toml"), read(WORKFLOW));
        let oldest = value_in(&manifest, "[workspace.package]", "rust-version").unwrap();
        tested(&workflow, oldest).unwrap();
    }

    #[test]
    fn a_dependency_that_needs_a_later_compiler_is_named() {
        let package =
            |name, version: &str| Package { rust_version: Some(version.to_owned()), ..Package::complete(name) };
        let old = [package("a", "1.9"), package("b", "1.90.0"), Package::complete("c")];
        assert_eq!(needs_no_later(old.iter(), "1.90").unwrap(), "dependencies need Rust 1.90.0 or earlier");
        let new = [package("a", "1.9"), package("b", "1.91")];
        assert_eq!(
            needs_no_later(new.iter(), "1.90").unwrap_err(),
            "`b 1.2.3` asks for Rust 1.91; `rust-version` is 1.90"
        );
        assert!(needs_no_later([].iter(), "1.90").is_ok());
    }

    #[test]
    fn other_manifests_name_the_same_compiler() {
        assert!(same("fuzz", Some("1.90"), "1.90").is_ok());
        assert_eq!(
            same("fuzz", None, "1.90").unwrap_err(),
            "fuzz: `rust-version` is missing, but the workspace has 1.90"
        );
    }
}
