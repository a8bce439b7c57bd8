//! Changes of the public interface since the previous version, as reported by cargo-semver-checks.

use super::Release;
use super::compiler::numbers;
use super::outcome::Outcome;
use super::process::{cargo, git, output};
use super::repository::tag;

/// Compares the library with the previous tag, if the tool is installed and there is one.
pub(super) fn check(release: &Release<'_>) -> Outcome {
    let tags = match output(&mut git(release.root, &["tag", "--list", "v*"])) {
        Ok(tags) => tags,
        Err(problem) => return Outcome::failed(problem),
    };
    let Some(previous) = previous(&tags, &release.version) else {
        let own = tag(&release.version);
        return Outcome::skipped(format!("no tag of a version before {own} to compare with"));
    };
    if release.options.binary.is_some() {
        return Outcome::skipped("nothing is compiled with --binary");
    }
    if output(&mut cargo(release.root, &["semver-checks", "--version"])).is_err() {
        return Outcome::skipped("cargo-semver-checks is not installed (cargo install --locked cargo-semver-checks)");
    }
    let arguments = ["semver-checks", "--package", "evenkeel", "--baseline-rev", previous];
    match output(&mut cargo(release.root, &arguments)) {
        Ok(_) => Outcome { facts: vec![format!("compared with {previous}")], ..Outcome::default() },
        Err(problem) => Outcome::failed(problem),
    }
}

/// Returns the tag of the highest version below `version`.
fn previous<'a>(tags: &'a str, version: &str) -> Option<&'a str> {
    let versions = tags.lines().filter_map(|tag| Some((numbers(tag.trim().strip_prefix('v')?), tag.trim())));
    versions.filter(|(numbers_of_tag, _)| *numbers_of_tag < numbers(version)).max().map(|(_, tag)| tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_previous_version_is_the_highest_below() {
        let cases = [
            ("", "0.2.0", None),
            ("v0.2.0\n", "0.2.0", None),
            ("v0.1.0\nv0.1.10\nv0.1.9\nv0.2.0\nv0.3.0\n", "0.2.0", Some("v0.1.10")),
            ("v0.9.0\nv0.10.0\n", "1.0.0", Some("v0.10.0")),
        ];
        for (tags, version, expected) in cases {
            assert_eq!(previous(tags, version), expected, "{tags}");
        }
    }
}
