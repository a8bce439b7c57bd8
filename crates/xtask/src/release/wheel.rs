//! The wheel of the Python package, built in the environment that `cargo xtask python` uses.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::Release;
use super::outcome::Outcome;
use super::process::output;
use crate::python;

/// Builds the wheel into the folder of the release.
pub(super) fn build(release: &Release<'_>) -> Outcome {
    if release.options.binary.is_some() {
        return Outcome::skipped("nothing is compiled with --binary");
    }
    let environment = python::environment(release.root);
    let python = environment.join("bin/python");
    if !python.is_file() {
        return Outcome::skipped(python::NO_ENVIRONMENT);
    }
    let removed = wheels(&release.folder).and_then(|old| {
        let removed = old.iter().try_for_each(|name| fs::remove_file(release.folder.join(name)));
        removed.map_err(|error| format!("cannot remove an earlier wheel: {error}"))
    });
    let mut command = Command::new(&python);
    command.args(["-m", "maturin", "build", "--release", "--locked", "--quiet", "--out"]).arg(&release.folder);
    command.current_dir(release.root.join(python::PACKAGE)).env("VIRTUAL_ENV", &environment);
    let mut outcome = Outcome::default();
    let built = removed.and_then(|()| output(&mut command)).and_then(|_| wheels(&release.folder));
    outcome.add(built.and_then(|names| named(&names, &release.version)));
    outcome
}

/// Names of the wheels in a folder.
pub(super) fn wheels(folder: &Path) -> Result<Vec<String>, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut wheels: Vec<String> = names.filter(|name| name.ends_with(".whl")).collect();
    wheels.sort();
    Ok(wheels)
}

/// The wheel is one file with the version in its name.
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

    #[test]
    fn a_wheel_has_the_version_in_its_name() {
        let name = |version: &str| format!("evenkeel-{version}-cp310-abi3-linux_x86_64.whl");
        assert!(named(&[name("0.2.0")], "0.2.0").is_ok());
        assert_eq!(named(&[], "0.2.0").unwrap_err(), "maturin wrote no wheel");
        assert!(named(&[name("0.1.0")], "0.2.0").unwrap_err().contains("expected one wheel of version 0.2.0"));
        assert!(named(&[name("0.2.0"), name("0.2.0")], "0.2.0").is_err());
    }
}
