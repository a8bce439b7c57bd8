//! Names of files and folders that do not describe their content.

use super::problem::Problem;
use super::tree::Tree;

/// Generic names that do not describe a concept.
const DRAWERS: [&str; 7] = ["utils", "util", "common", "helpers", "helper", "misc", "base"];

/// Checks files and folders for generic names.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, _) in tree.files() {
        for name in path.split('/') {
            let stem = name.split('.').next().unwrap_or_default().to_lowercase();
            if DRAWERS.contains(&stem.as_str()) {
                let message = format!("`{name}` does not describe its content; name the concept");
                problems.push(Problem::error(path, 0, message));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawers_are_found_as_files_and_as_folders() {
        let cases = [
            ("crates/a/src/utils.rs", 1),
            ("crates/a/src/common/mod.rs", 1),
            ("crates/a/src/Helpers.py", 1),
            ("crates/a/src/base_rate.rs", 0),
            ("crates/a/src/baseline.rs", 0),
            ("crates/a/tests/golden_files.rs", 0),
        ];
        for (path, expected) in cases {
            assert_eq!(check(&Tree::of(&[(path, "")])).len(), expected, "{path}");
        }
    }
}
