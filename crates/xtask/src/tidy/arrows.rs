//! Permitted dependencies between the crates; `ARCHITECTURE.md` shows the same arrows.

use super::problem::Problem;
use super::tree::Tree;

/// Each crate of the workspace with the crates it may depend on.
const ARROWS: [(&str, &[&str]); 19] = [
    ("evenkeel", &["keel_program", "keel_report", "keel_train", "keel_nn", "keel_kernels", "keel_health", "keel_data"]),
    (
        "keel_python",
        &[
            "keel_program",
            "keel_interchange",
            "keel_report",
            "keel_page",
            "keel_train",
            "keel_nn",
            "keel_health",
            "keel_data",
        ],
    ),
    (
        "keel_program",
        &[
            "keel_ranks",
            "keel_studio",
            "keel_interchange",
            "keel_report",
            "keel_lab",
            "keel_page",
            "keel_train",
            "keel_nn",
            "keel_kernels",
            "keel_health",
            "keel_data",
        ],
    ),
    (
        "keel_studio",
        &["keel_report", "keel_lab", "keel_page", "keel_train", "keel_nn", "keel_kernels", "keel_health", "keel_data"],
    ),
    ("keel_interchange", &["keel_train", "keel_onnx", "keel_nn", "keel_health", "keel_data"]),
    ("keel_browser", &["keel_lab"]),
    ("keel_report", &["keel_page", "keel_train", "keel_nn", "keel_health", "keel_data"]),
    ("keel_lab", &["keel_page", "keel_nn", "keel_kernels", "keel_health", "keel_data"]),
    (
        "keel_train",
        &["keel_ranks", "keel_optimizers", "keel_onnx", "keel_nn", "keel_kernels", "keel_health", "keel_data"],
    ),
    ("keel_optimizers", &["keel_nn", "keel_kernels"]),
    ("keel_onnx", &["keel_nn", "keel_data"]),
    ("keel_nn", &["keel_kernels"]),
    ("keel_kernels", &[]),
    ("keel_health", &[]),
    ("keel_data", &[]),
    ("keel_page", &[]),
    ("keel_ranks", &[]),
    ("keel_testkit", &[]),
    ("xtask", &[]),
];

/// Crate that all other crates may use in tests.
const TEST_TOOLS: &str = "keel_testkit";

/// Compares the manifests with the arrows.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (name, manifest) in tree.crates() {
        let path = format!("crates/{name}/Cargo.toml");
        let Some((_, allowed)) = ARROWS.iter().find(|(known, _)| *known == name) else {
            let message =
                format!("`{name}` has no place among the crates; give it one in ARCHITECTURE.md and arrows.rs");
            problems.push(Problem::error(&path, 0, message));
            continue;
        };
        if !manifest.lines().any(|line| line == format!("name = \"{name}\"")) {
            problems.push(Problem::error(&path, 0, format!("the package must be called `{name}` like its folder")));
        }
        for dependency in dependencies(manifest).filter(|dependency| is_ours(dependency.name)) {
            let for_tests =
                dependency.section == "dev-dependencies" && dependency.name == TEST_TOOLS && name != TEST_TOOLS;
            if !allowed.contains(&dependency.name) && !for_tests {
                let message = format!("`{name}` must not depend on `{}`; it may use {allowed:?}", dependency.name);
                problems.push(Problem::error(&path, dependency.line, message));
            }
        }
    }
    problems
}

fn is_ours(name: &str) -> bool {
    ARROWS.iter().any(|(known, _)| *known == name)
}

/// One line of a dependency section of a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dependency<'a> {
    /// `dependencies`, `dev-dependencies` or `build-dependencies`.
    pub(crate) section: &'a str,
    pub(crate) name: &'a str,
    /// Whole line.
    pub(crate) text: &'a str,
    /// Line number in the manifest, from 1.
    pub(crate) line: usize,
}

/// Returns the dependencies listed in a manifest, one per line.
pub(crate) fn dependencies(manifest: &str) -> impl Iterator<Item = Dependency<'_>> {
    let mut section = "";
    manifest.lines().enumerate().filter_map(move |(index, text)| {
        if let Some(header) = text.strip_prefix('[') {
            section = header.trim_end().trim_end_matches(']').rsplit('.').next().unwrap_or_default();
            return None;
        }
        let name = text.split(['.', '=', ' ']).next().unwrap_or_default();
        let listed = section.ends_with("dependencies") && !name.is_empty() && !name.starts_with('#');
        listed.then_some(Dependency { section, name, text, line: index + 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(name: &str, sections: &str) -> Vec<String> {
        let (path, text) = (format!("crates/{name}/Cargo.toml"), format!("[package]\nname = \"{name}\"\n{sections}"));
        check(&Tree::of(&[(&path, &text)])).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn arrows_to_the_right_pass_and_others_are_named() {
        let cases = [
            ("keel_nn", "[dependencies]\nkeel_kernels.workspace = true\nserde.workspace = true", ""),
            ("keel_nn", "[dev-dependencies]\nkeel_testkit.workspace = true", ""),
            ("keel_nn", "[dependencies]\nkeel_testkit.workspace = true", "must not depend on `keel_testkit`"),
            ("keel_kernels", "[dependencies]\nkeel_nn = { path = \"../keel_nn\" }", "must not depend on `keel_nn`"),
            ("keel_health", "[dev-dependencies]\nkeel_data.workspace = true", "must not depend on `keel_data`"),
            ("keel_data", "[target.x.dependencies]\nkeel_nn.workspace = true", "must not depend on `keel_nn`"),
            ("keel_testkit", "[dev-dependencies]\nkeel_testkit.workspace = true", "must not depend on"),
            ("keel_gpu", "", "no place among the crates"),
        ];
        for (name, sections, expected) in cases {
            let found = problems(name, sections);
            match expected {
                "" => assert!(found.is_empty(), "{name}: {found:?}"),
                _ => assert!(found.len() == 1 && found[0].contains(expected), "{name}: {found:?}"),
            }
        }
    }

    #[test]
    fn a_package_is_called_like_its_folder() {
        let tree = Tree::of(&[("crates/keel_nn/Cargo.toml", "[package]\nname = \"nn\"")]);
        assert!(check(&tree)[0].message.contains("must be called `keel_nn`"));
    }

    #[test]
    fn an_arrow_points_at_later_crates_only() {
        let place = |name: &str| ARROWS.iter().position(|(known, _)| *known == name);
        for (name, allowed) in ARROWS {
            assert!(allowed.iter().all(|other| place(other) > place(name)), "{name}");
        }
    }
}
