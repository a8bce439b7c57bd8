//! Commands for tagging and publishing a release.

use super::Release;
use super::packages::publication_order;
use super::repository::tag;

/// Returns the commands in order, one per line.
pub(super) fn text(release: &Release<'_>) -> String {
    let crates = publication_order(&release.metadata).unwrap_or_default();
    lines(&release.version, &crates, &release.folder.display().to_string()).join("\n")
}

fn lines(version: &str, crates: &[&str], folder: &str) -> Vec<String> {
    let tag = tag(version);
    let mut lines = vec![
        format!("git tag --annotate {tag} --message \"Evenkeel {version}\""),
        format!("git push origin {tag}        # starts the workflows that build archives and wheels for all systems"),
    ];
    lines.extend(crates.iter().map(|name| format!("cargo publish --locked --package {name}")));
    lines.push(format!("python -m twine upload {folder}/evenkeel-{version}-*.whl"));
    lines.push(format!("# attach evenkeel-{version}-*.tar.gz and SHA256SUMS of the workflows to the release of {tag}"));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_are_published_between_tag_and_wheel() {
        let lines = lines("0.2.0", &["keel_nn", "evenkeel"], "out");
        let commands: Vec<&str> = lines.iter().map(|line| line.split(" #").next().unwrap().trim_end()).collect();
        assert_eq!(
            commands[..5],
            [
                "git tag --annotate v0.2.0 --message \"Evenkeel 0.2.0\"",
                "git push origin v0.2.0",
                "cargo publish --locked --package keel_nn",
                "cargo publish --locked --package evenkeel",
                "python -m twine upload out/evenkeel-0.2.0-*.whl",
            ]
        );
    }
}
