//! Versions and lints are defined once in the root manifest and inherited by every crate.

use super::arrows::dependencies;
use super::problem::Problem;
use super::tree::Tree;

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
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lints_and_versions_come_from_the_workspace() {
        let good = "[lints]\nworkspace = true\n\n[dependencies]\nserde.workspace = true\n# a remark\nrand = { workspace = true }\n";
        assert!(check(&Tree::of(&[("crates/a/Cargo.toml", good)])).is_empty());
        let bad = "[dependencies]\nserde = \"1\"\n";
        let found: Vec<String> =
            check(&Tree::of(&[("crates/a/Cargo.toml", bad)])).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "crates/a/Cargo.toml: add `[lints]` with `workspace = true`",
                "crates/a/Cargo.toml:2: take `serde` from the workspace table: `workspace = true`",
            ]
        );
    }
}
