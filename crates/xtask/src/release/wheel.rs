//! Wheel of the Python package, built in the environment of `cargo xtask python`.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::Release;
use super::outcome::Outcome;
use super::process::output;
use crate::python;

/// Builds the wheel into the release folder.
pub(super) fn build(release: &Release<'_>) -> Outcome {
    if release.options.binary.is_some() {
        return Outcome::skipped("nothing is compiled with --binary");
    }
    let environment = python::environment(release.root);
    if !python::interpreter(&environment).is_file() {
        return Outcome::skipped(python::NO_ENVIRONMENT);
    }
    let mut outcome = Outcome::default();
    let package = release.root.join(python::PACKAGE);
    outcome.add(built(&environment, &package, &release.folder).and_then(|names| named(&names, &release.version)));
    outcome
}

/// Builds the wheel of the package into `folder`, replacing earlier ones, and returns the names of the wheels there.
fn built(environment: &Path, package: &Path, folder: &Path) -> Result<Vec<String>, String> {
    for old in wheels(folder)? {
        fs::remove_file(folder.join(&old)).map_err(|error| format!("cannot remove the earlier {old}: {error}"))?;
    }
    let mut command = Command::new(python::interpreter(environment));
    command.args(["-m", "maturin", "build", "--release", "--locked", "--quiet", "--out"]).arg(folder);
    output(command.current_dir(package).env("VIRTUAL_ENV", environment))?;
    wheels(folder)
}

/// Returns the names of the wheels in a folder.
pub(super) fn wheels(folder: &Path) -> Result<Vec<String>, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut wheels: Vec<String> = names.filter(|name| name.ends_with(".whl")).collect();
    wheels.sort();
    Ok(wheels)
}

/// Checks that there is one wheel with the version in its name.
fn named(names: &[String], version: &str) -> Result<String, String> {
    match names {
        [name] if name.starts_with(&format!("evenkeel-{version}-")) => Ok(name.clone()),
        [] => Err("maturin wrote no wheel".to_owned()),
        names => Err(format!("expected one wheel of version {version}, found {}", names.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Creates an environment whose Python is the given shell script.
    #[cfg(unix)]
    fn with_python(name: &str, script: &str) -> std::path::PathBuf {
        let environment = std::env::temp_dir().join(format!("xtask-wheel-{name}-{}", std::process::id()));
        super::super::process::tests::write_script(&python::interpreter(&environment), script);
        fs::create_dir_all(environment.join("out")).unwrap();
        environment
    }

    #[cfg(unix)]
    #[test]
    fn a_wheel_takes_the_place_of_an_earlier_one() {
        let environment = with_python("new", "touch \"$VIRTUAL_ENV/out/evenkeel-0.2.0-$2-$3.whl\"");
        let folder = environment.join("out");
        fs::write(folder.join("evenkeel-0.1.0-cp310.whl"), "old").unwrap();
        let names = built(&environment, &environment, &folder);
        fs::remove_dir_all(&environment).unwrap();
        assert_eq!(names.unwrap(), ["evenkeel-0.2.0-maturin-build.whl"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_build_that_fails_is_reported() {
        let environment = with_python("none", "echo no maturin >&2; exit 1");
        let message = built(&environment, &environment, &environment.join("out"));
        fs::remove_dir_all(&environment).unwrap();
        assert!(message.unwrap_err().ends_with("failed: no maturin"));
    }

    #[test]
    fn a_wheel_has_the_version_in_its_name() {
        let name = |version: &str| format!("evenkeel-{version}-cp310-abi3-linux_x86_64.whl");
        assert!(named(&[name("0.2.0")], "0.2.0").is_ok());
        assert_eq!(named(&[], "0.2.0").unwrap_err(), "maturin wrote no wheel");
        assert!(named(&[name("0.1.0")], "0.2.0").unwrap_err().contains("expected one wheel of version 0.2.0"));
        assert!(named(&[name("0.2.0"), name("0.2.0")], "0.2.0").is_err());
    }
}
