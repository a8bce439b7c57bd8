//! Repository rules that can be checked from its files, one check per file; this file is their catalog.

mod arrows;
mod catalogs;
mod circles;
mod leftovers;
mod links;
mod manifests;
mod mentions;
mod names;
mod problem;
mod rust_source;
mod safety;
mod sizes;
mod test_code;
mod tree;

use std::path::Path;

pub(crate) use links::path_from_root;
use problem::{Problem, Weight};
use tree::Tree;

/// A check: maps the files to the problems in them.
type Check = fn(&Tree) -> Vec<Problem>;

/// All checks, with the rules they enforce.
const CHECKS: [(&str, Check); 10] = [
    ("crates use only the crates to their right", arrows::check),
    ("modules of a folder import each other in one direction", circles::check),
    ("manifests take lints and versions from the workspace", manifests::check),
    ("files, functions and folders are small", sizes::check),
    ("names describe the content", names::check),
    ("unsafe code stays in the kernels", safety::check),
    ("catalog rows have files and files have rows", catalogs::check),
    ("a thing's name stands in its own file", mentions::check),
    ("nothing unfinished, nothing of one machine", leftovers::check),
    ("documents link to files that exist", links::check),
];

/// Runs all checks on the files under `root` and prints the problems; returns true if there are no errors.
pub(crate) fn run(root: &Path) -> bool {
    let tree = match Tree::read(root) {
        Ok(tree) => tree,
        Err(error) => {
            eprintln!("the files cannot be read: {error}");
            return false;
        }
    };
    let mut errors = 0;
    for (name, check) in CHECKS {
        let problems = check(&tree);
        let wrong = problems.iter().filter(|problem| problem.weight == Weight::Error).count();
        println!("{} {name}", if wrong == 0 { "ok  " } else { "FAIL" });
        for problem in &problems {
            println!("     {problem}");
        }
        errors += wrong;
    }
    if errors > 0 {
        println!("\n{errors} to change; CONTRIBUTING.md gives the reasons");
    }
    errors == 0
}
