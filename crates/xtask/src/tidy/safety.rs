//! `unsafe` is limited to a few places, with a reason for each block; every other crate forbids it.

use super::problem::Problem;
use super::rust_source::{code_only, words};
use super::tree::Tree;

/// Places that may contain `unsafe`: the kernels, the counting allocator for tests, the functions exported to a
/// browser, the functions of an MPI library, and the bench that calls the matrix products of another library.
const UNSAFE: [&str; 5] = [
    "crates/keel_kernels/",
    "crates/keel_testkit/src/allocation.rs",
    "crates/keel_browser/src/lib.rs",
    "crates/keel_ranks/src/mpi/",
    "bench/products/",
];

/// Crates that contain such a place and therefore cannot forbid it as a whole.
const WITHOUT_FORBID: [&str; 4] = ["keel_kernels", "keel_testkit", "keel_browser", "keel_ranks"];

const FORBID: &str = "#![forbid(unsafe_code)]";

/// Maximum number of lines between a block and the start of its `SAFETY` comment.
const REACH: usize = 6;

/// Checks for `unsafe` outside its places or without a reason, and for crates that do not forbid it.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in tree.rust_files() {
        if !text.contains("unsafe") {
            continue;
        }
        let code = code_only(text);
        let allowed = UNSAFE.iter().any(|place| path.starts_with(place));
        for (offset, line) in words(&code, "unsafe") {
            if !allowed {
                problems.push(Problem::error(path, line, "`unsafe` belongs into keel_kernels"));
            } else if !is_function(&code[offset..]) && !has_reason(text, line) {
                problems.push(Problem::error(path, line, "say above it, after `SAFETY:`, why this block is sound"));
            }
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

/// Returns true if this `unsafe` belongs to a function, whose doc comment states the contract.
fn is_function(code: &str) -> bool {
    let mut words = code.split_whitespace().skip(1);
    let next = words.next();
    next == Some("fn") || next == Some("extern") || next.is_some_and(|word| word.starts_with("fn("))
}

/// Returns true if there is a `SAFETY` comment just above `line` (from 1).
fn has_reason(text: &str, line: usize) -> bool {
    let first = line.saturating_sub(REACH + 1);
    text.lines().skip(first).take(line - first).any(|line| line.contains("SAFETY:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_is_found_outside_its_places_only() {
        let code = "// unsafe, in a comment. SAFETY: none needed.\nfn f() { unsafe { g() } }\n";
        let cases = [
            ("crates/keel_kernels/src/matmul.rs", 0),
            ("crates/keel_testkit/src/allocation.rs", 0),
            ("bench/products/src/main.rs", 0),
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
    fn every_block_has_its_reason_and_functions_have_theirs_in_the_contract() {
        let cases = [
            ("fn f() {\n    // SAFETY: asserted.\n    unsafe { g() }\n}", 0),
            ("fn f() {\n    unsafe { g() }\n}", 1),
            ("// SAFETY: it counts only.\nunsafe impl Sync for A {}", 0),
            ("unsafe impl Sync for A {}", 1),
            ("pub(crate) unsafe fn f() {}", 0),
            ("type F = unsafe fn(u8);", 0),
            ("// SAFETY: too far away.\n\n\n\n\n\n\n\nfn f() { unsafe { g() } }", 1),
        ];
        for (text, expected) in cases {
            assert_eq!(check(&Tree::of(&[("crates/keel_kernels/src/a.rs", text)])).len(), expected, "{text}");
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
