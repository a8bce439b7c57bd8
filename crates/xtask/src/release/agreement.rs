//! Check that all places name the same version.

use std::fs;
use std::path::Path;

use super::Release;
use super::outcome::Outcome;

/// A check: maps a text and the workspace version to a fact or a problem.
type Check = fn(&str, &str) -> Result<String, String>;

const CHANGELOG: &str = "CHANGELOG.md";

/// All places that name the version.
const PLACES: [(&str, Check); 10] = [
    ("Cargo.toml", requirements),
    ("fuzz/Cargo.toml", package_version),
    ("bench/products/Cargo.toml", package_version),
    ("Cargo.lock", locked),
    ("fuzz/Cargo.lock", locked),
    ("bench/products/Cargo.lock", locked),
    (CHANGELOG, newest_heading),
    ("python/pyproject.toml", python_version),
    ("crates/keel_python/Cargo.toml", inherited),
    (".github/CITATION.cff", cited),
];

/// Compares every place that names the version with the manifest of the workspace.
pub(super) fn check(release: &Release<'_>) -> Outcome {
    let mut outcome = Outcome::default();
    PLACES.into_iter().for_each(|place| outcome.add(checked(release.root, place, &release.version)));
    outcome
}

fn checked(root: &Path, (path, check): (&str, Check), version: &str) -> Result<String, String> {
    let found = text(root, path).and_then(|text| check(&text, version));
    found.map(|fact| format!("{path}: {fact}")).map_err(|problem| format!("{path}: {problem}"))
}

fn text(root: &Path, path: &str) -> Result<String, String> {
    fs::read_to_string(root.join(path)).map_err(|error| error.to_string())
}

/// Returns the version of `[workspace.package]`.
pub(super) fn workspace_version(manifest: &str) -> Option<&str> {
    value_in(manifest, "[workspace.package]", "version")
}

/// Returns the text in quotes after `key =` in a section of a TOML text.
pub(super) fn value_in<'a>(manifest: &'a str, section: &str, key: &str) -> Option<&'a str> {
    let lines = manifest.lines().skip_while(|line| line.trim() != section).skip(1);
    let mut lines = lines.take_while(|line| !line.starts_with('['));
    lines.find_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == key).then(|| value.split('"').nth(1)).flatten()
    })
}

fn equal(found: Option<&str>, version: &str) -> Result<String, String> {
    match found {
        Some(found) if found == version => Ok(found.to_owned()),
        Some(found) => Err(format!("version {found}, but the workspace has {version}")),
        None => Err(format!("no version; expected {version}")),
    }
}

/// Checks that workspace crates depend on each other in this version. Dependencies without a version are for tests only.
fn requirements(manifest: &str, version: &str) -> Result<String, String> {
    let lines = manifest.lines().filter(|line| line.contains("path = \"crates/"));
    let asked: Vec<_> = lines.filter_map(|line| line.split_once("version = \"")).collect();
    let other = asked.iter().find(|(_, rest)| rest.split('"').next() != Some(version));
    match other {
        _ if asked.is_empty() => Err("no crate of the workspace is asked for by version".to_owned()),
        Some((line, _)) => {
            let name = line.split([' ', '.', '=']).next().unwrap_or_default();
            Err(format!("`{name}` is asked for in another version than {version}"))
        }
        None => Ok(format!("{version}, and {} crates ask for each other in it", asked.len())),
    }
}

fn package_version(manifest: &str, version: &str) -> Result<String, String> {
    equal(value_in(manifest, "[package]", "version"), version)
}

/// Checks that every local package in a lock file has the version.
fn locked(lock: &str, version: &str) -> Result<String, String> {
    let field = |package: &str, key: &str| {
        let line = package.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \"").map(str::to_owned));
        line.map(|line| line.trim_end_matches('"').to_owned()).unwrap_or_default()
    };
    let packages: Vec<&str> = lock.split("[[package]]").skip(1).collect();
    let own: Vec<_> = packages.iter().filter(|package| field(package, "source").is_empty()).collect();
    match own.iter().find(|package| field(package, "version") != version) {
        _ if own.is_empty() => Err("no package of this repository".to_owned()),
        Some(package) => Err(format!(
            "`{}` has version {}, not {version}; `cargo update --workspace` corrects it",
            field(package, "name"),
            field(package, "version")
        )),
        None => Ok(format!("{} packages of this repository", own.len())),
    }
}

/// Checks that the newest heading is the version, with no unreleased changes above it.
fn newest_heading(changelog: &str, version: &str) -> Result<String, String> {
    let heading = changelog.lines().find_map(|line| line.strip_prefix("## "));
    let name = heading.map(|heading| heading.split([' ', ',']).next().unwrap_or_default());
    match name {
        Some(name) if name == version => Ok(format!("newest heading {version}")),
        Some(name) => Err(format!("the newest heading is `{name}`; expected `{version}`")),
        None => Err(format!("no heading; expected `## {version}`")),
    }
}

/// Checks that the Python package takes its version from the compiled module, or names the same one.
fn python_version(project: &str, version: &str) -> Result<String, String> {
    let is_dynamic = project.lines().any(|line| line.starts_with("dynamic") && line.contains("\"version\""));
    match value_in(project, "[project]", "version") {
        None if is_dynamic => Ok("version of crates/keel_python".to_owned()),
        found => equal(found, version),
    }
}

fn inherited(manifest: &str, version: &str) -> Result<String, String> {
    match manifest.lines().any(|line| line.trim() == "version.workspace = true") {
        true => Ok(format!("{version}, from the workspace")),
        false => package_version(manifest, version),
    }
}

fn cited(citation: &str, version: &str) -> Result<String, String> {
    let line = citation.lines().find_map(|line| line.strip_prefix("version:"));
    equal(line.map(|value| value.trim().trim_matches('"')), version)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Between releases, the newest heading of the changelog may be unreleased.
    #[test]
    fn places_of_this_repository_agree() {
        let root = crate::root();
        let manifest = text(&root, "Cargo.toml").unwrap();
        let version = workspace_version(&manifest).unwrap();
        for place in PLACES.into_iter().filter(|(path, _)| *path != CHANGELOG) {
            checked(&root, place, version).unwrap();
        }
    }

    #[test]
    fn every_place_agrees_or_is_named() {
        let lock = |version: &str| {
            format!(
                "[[package]]\nname = \"b\"\nversion = \"1.0.0\"\nsource = \"r\"\n\n[[package]]\nname = \"a\"\nversion = \"{version}\"\n"
            )
        };
        let asked = |version: &str| {
            format!("a = {{ path = \"crates/a\", version = \"{version}\" }}\nb = {{ path = \"crates/b\" }}\n")
        };
        let package = |version: &str| format!("[package]\nname = \"a\"\nversion = \"{version}\"\n[dependencies]\n");
        let heading = |version: &str| format!("# Changelog\n\n## {version}, 2026\n\n## 0.1.0\n");
        let project = |version: &str| format!("[project]\nname = \"a\"\nversion = \"{version}\"\n");
        let citation = |version: &str| format!("title: a\nversion: {version}\n");
        let cases: [(&str, Check, &dyn Fn(&str) -> String, &str); 6] = [
            ("requirements", requirements, &asked, "`a` is asked for in another version than 0.2.0"),
            ("package", package_version, &package, "version 0.1.9, but the workspace has 0.2.0"),
            ("lock", locked, &lock, "`a` has version 0.1.9, not 0.2.0; `cargo update --workspace` corrects it"),
            ("changelog", newest_heading, &heading, "the newest heading is `0.1.9`; expected `0.2.0`"),
            ("python", python_version, &project, "version 0.1.9, but the workspace has 0.2.0"),
            ("citation", cited, &citation, "version 0.1.9, but the workspace has 0.2.0"),
        ];
        for (name, check, text, expected) in cases {
            assert!(check(&text("0.2.0"), "0.2.0").is_ok(), "{name}: {:?}", check(&text("0.2.0"), "0.2.0"));
            assert_eq!(check(&text("0.1.9"), "0.2.0").unwrap_err(), expected, "{name}");
            assert!(check("", "0.2.0").is_err(), "{name}: an empty file");
        }
    }

    #[test]
    fn changes_of_no_version_are_refused() {
        let text = "# Changelog\n\n## Unreleased\n\n- a change\n\n## 0.2.0\n";
        assert_eq!(newest_heading(text, "0.2.0").unwrap_err(), "the newest heading is `Unreleased`; expected `0.2.0`");
    }

    #[test]
    fn versions_are_inherited_or_named() {
        assert_eq!(
            python_version("[project]\ndynamic = [\"version\"]\n", "0.2.0").unwrap(),
            "version of crates/keel_python"
        );
        assert!(inherited("[package]\nversion.workspace = true\n", "0.2.0").is_ok());
        assert!(inherited("[package]\nversion = \"0.1.0\"\n", "0.2.0").is_err());
        let manifest =
            "[workspace]\nversion = \"9\"\n[workspace.package]\nversion = \"0.2.0\" # of all\n[x]\nversion = \"8\"\n";
        assert_eq!(workspace_version(manifest), Some("0.2.0"));
        assert_eq!(workspace_version("[workspace]\nversion = \"9\"\n"), None);
    }
}
