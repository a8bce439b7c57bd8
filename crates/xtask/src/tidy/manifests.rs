//! Versions and lints are defined once in the root manifest and inherited by every crate; a published crate has the licences.

use super::arrows::dependencies;
use super::problem::Problem;
use super::tree::Tree;
use crate::release::LICENCES;

/// Checks the manifest of every crate.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (name, manifest) in tree.crates() {
        let path = format!("crates/{name}/Cargo.toml");
        if !manifest.contains("[lints]\nworkspace = true") {
            problems.push(Problem::error(&path, 0, "add `[lints]` with `workspace = true`"));
        }
        for dependency in dependencies(manifest).filter(|dependency| !dependency.text.contains("workspace = true")) {
            let message = format!("take `{}` from the workspace table: `workspace = true`", dependency.name);
            problems.push(Problem::error(&path, dependency.line, message));
        }
        if !manifest.contains("\npublish = false") {
            problems.extend(LICENCES.into_iter().filter_map(|licence| without_licence(tree, name, licence)));
        }
    }
    problems
}

/// Returns the problem of a crate whose package would not contain the text of `licence`.
fn without_licence(tree: &Tree, name: &str, licence: &str) -> Option<Problem> {
    let path = format!("crates/{name}/{licence}");
    let text = tree.text(&path);
    let message = format!("link to the licence of the repository: `ln -s ../../{licence} {path}`");
    (text.is_none() || text != tree.text(licence)).then(|| Problem::error(&path, 0, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        check(&Tree::of(files)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn lints_and_versions_come_from_the_workspace() {
        let good = "[package]\npublish = false\n\n[lints]\nworkspace = true\n\n[dependencies]\nserde.workspace = true\n\
                    # a remark\nrand = { workspace = true }\n";
        assert!(found(&[("crates/a/Cargo.toml", good)]).is_empty());
        let bad = "[package]\npublish = false\n[dependencies]\nserde = \"1\"\n";
        assert_eq!(
            found(&[("crates/a/Cargo.toml", bad)]),
            [
                "crates/a/Cargo.toml: add `[lints]` with `workspace = true`",
                "crates/a/Cargo.toml:4: take `serde` from the workspace table: `workspace = true`",
            ]
        );
    }

    #[test]
    fn published_crates_have_the_licences_of_the_repository() {
        let mut files = vec![
            ("crates/a/Cargo.toml", "[lints]\nworkspace = true\n"),
            ("LICENSE-APACHE", "Apache"),
            ("LICENSE-MIT", "MIT"),
            ("crates/a/LICENSE-APACHE", "another text"),
        ];
        let link = |name| {
            format!("crates/a/{name}: link to the licence of the repository: `ln -s ../../{name} crates/a/{name}`")
        };
        assert_eq!(found(&files), ["LICENSE-APACHE", "LICENSE-MIT"].map(link));
        files[3] = ("crates/a/LICENSE-APACHE", "Apache");
        files.push(("crates/a/LICENSE-MIT", "MIT"));
        assert!(found(&files).is_empty());
    }
}
