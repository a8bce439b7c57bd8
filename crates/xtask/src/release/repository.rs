//! State of the repository: everything is committed, and the tag is free.

use super::Release;
use super::outcome::Outcome;
use super::process::{git, output};

/// Checks the tree and the tag.
pub(super) fn check(release: &Release<'_>) -> Outcome {
    let read = |arguments: &[&str]| output(&mut git(release.root, arguments));
    let mut outcome = Outcome::default();
    match read(&["status", "--porcelain"]) {
        Ok(_) if release.options.allow_dirty => outcome.facts.push("changes are permitted (--allow-dirty)".to_owned()),
        status => outcome.add(status.and_then(|status| clean(&status))),
    }
    let name = tag(&release.version);
    let tagged = read(&["tag", "--list", &name]).and_then(|listed| match listed.trim() {
        "" => Ok(None),
        _ => read(&["rev-parse", &format!("{name}^{{commit}}")]).map(Some),
    });
    let head = read(&["rev-parse", "HEAD"]);
    outcome.add(tagged.and_then(|tagged| {
        let head = head?;
        if release.options.tagged { is_at(&name, tagged.as_deref(), &head) } else { is_free(&name, tagged.as_deref()) }
    }));
    outcome
}

/// Returns the name of the tag of a version.
pub(super) fn tag(version: &str) -> String {
    format!("v{version}")
}

fn clean(status: &str) -> Result<String, String> {
    match status.lines().count() {
        0 => Ok("everything is committed".to_owned()),
        count => {
            let first = status.lines().next().unwrap_or_default().trim();
            Err(format!("{count} changes are not committed, the first `{first}`; commit them or use --allow-dirty"))
        }
    }
}

fn is_free(name: &str, commit: Option<&str>) -> Result<String, String> {
    match commit {
        None => Ok(format!("the tag {name} is free")),
        Some(commit) => Err(format!("the tag {name} exists already, at {}; raise the version", commit.trim())),
    }
}

fn is_at(name: &str, commit: Option<&str>, head: &str) -> Result<String, String> {
    match commit.map(str::trim) {
        Some(commit) if commit == head.trim() => Ok(format!("the tag {name} names this commit")),
        Some(commit) => Err(format!("the tag {name} names {commit}, but {} is checked out", head.trim())),
        None => Err(format!("the tag {name} does not exist, which --tagged asks for")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_counted_and_the_first_is_named() {
        assert!(clean("").is_ok());
        let message = clean(" M a.rs\n?? b.rs\n").unwrap_err();
        assert_eq!(message, "2 changes are not committed, the first `M a.rs`; commit them or use --allow-dirty");
    }

    #[test]
    fn the_tag_is_free_before_and_at_the_commit_after() {
        assert!(is_free("v1", None).is_ok());
        assert_eq!(is_free("v1", Some("abc\n")).unwrap_err(), "the tag v1 exists already, at abc; raise the version");
        assert!(is_at("v1", Some("abc\n"), "abc\n").is_ok());
        assert_eq!(is_at("v1", Some("abc"), "def").unwrap_err(), "the tag v1 names abc, but def is checked out");
        assert!(is_at("v1", None, "def").unwrap_err().contains("does not exist"));
    }
}
