//! `unsafe` stays where the arithmetic is, and every other crate forbids it.

use super::problem::Problem;
use super::rust_source::{code_only, words};
use super::tree::Tree;

/// Where `unsafe` may stand: the kernels, and the allocator that counts allocations in tests.
const UNSAFE: [&str; 2] = ["crates/keel_kernels/", "crates/keel_testkit/src/allocation.rs"];

/// Crates that hold such a place and so cannot forbid it as a whole.
const WITHOUT_FORBID: [&str; 2] = ["keel_kernels", "keel_testkit"];

const FORBID: &str = "#![forbid(unsafe_code)]";

/// Looks for `unsafe` outside its places and for crates that do not forbid it.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in tree.rust_files() {
        if UNSAFE.iter().any(|place| path.starts_with(place)) || !text.contains("unsafe") {
            continue;
        }
        for (_, line) in words(&code_only(text), "unsafe") {
            problems.push(Problem::error(path, line, "`unsafe` belongs into keel_kernels"));
        }
    }
    for (name, _) in tree.crates().filter(|(name, _)| !WITHOUT_FORBID.contains(name)) {
        for root in ["lib.rs", "main.rs"] {
            let path = format!("crates/{name}/src/{root}");
            if tree.text(&path).is_some_and(|text| !text.lines().any(|line| line == FORBID)) {
                problems.push(Problem::error(&path, 0, format!("add `{FORBID}` under the module doc")));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_is_found_outside_its_places_only() {
        let code = "// unsafe in a comment\nfn f() { unsafe { g() } }\n";
        let cases = [
            ("crates/keel_kernels/src/matmul.rs", 0),
            ("crates/keel_testkit/src/allocation.rs", 0),
            ("crates/keel_testkit/src/closeness.rs", 1),
            ("crates/keel_nn/src/plan.rs", 1),
            ("crates/keel_nn/tests/step.rs", 1),
        ];
        for (path, expected) in cases {
            let problems = check(&Tree::of(&[(path, code)]));
            assert_eq!(problems.len(), expected, "{path}");
            assert!(problems.iter().all(|problem| problem.line == 2));
        }
    }

    #[test]
    fn every_other_crate_forbids_unsafe_code() {
        let cases = [
            ("keel_nn", "lib.rs", "//! Doc.\n#![forbid(unsafe_code)]\n", 0),
            ("keel_nn", "lib.rs", "//! Doc.\n", 1),
            ("evenkeel", "main.rs", "//! #![forbid(unsafe_code)]\nfn main() {}\n", 1),
            ("keel_kernels", "lib.rs", "//! Doc.\n", 0),
        ];
        for (name, root, text, expected) in cases {
            let (manifest, path) = (format!("crates/{name}/Cargo.toml"), format!("crates/{name}/src/{root}"));
            assert_eq!(check(&Tree::of(&[(&manifest, ""), (&path, text)])).len(), expected, "{path}: {text}");
        }
    }
}
