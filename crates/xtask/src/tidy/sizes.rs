//! Lengths of files and functions, and numbers of entries in folders.

use std::collections::{BTreeMap, BTreeSet};

use super::problem::Problem;
use super::rust_source::functions;
use super::test_code::is_test_file;
use super::tree::Tree;

/// Maximum number of lines in a file.
const FILE_LIMIT: usize = 600;

/// Number of lines in a file, without its test module, above which it is noted.
const FILE_NOTE: usize = 300;

/// Maximum number of lines in a function.
const FUNCTION_LIMIT: usize = 100;

/// Maximum number of entries in a folder.
const FOLDER_LIMIT: usize = 20;

/// Measures sources (Rust and Python) and all folders.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in tree.files().filter(|(path, _)| path.ends_with(".rs") || path.ends_with(".py")) {
        let (all, own) = (text.lines().count(), if is_test_file(path) { 0 } else { lines_without_tests(text) });
        if all > FILE_LIMIT {
            problems.push(Problem::error(path, 0, format!("{all} lines; {FILE_LIMIT} at most: part it by concepts")));
        } else if own > FILE_NOTE {
            problems.push(Problem::note(path, 0, format!("{own} lines without tests; {FILE_NOTE} is the aim")));
        }
    }
    for (path, text) in tree.rust_files() {
        for function in functions(text).into_iter().filter(|function| function.lines > FUNCTION_LIMIT) {
            let message = format!("`{}` has {} lines; {FUNCTION_LIMIT} at most", function.name, function.lines);
            problems.push(Problem::error(path, function.line, message));
        }
    }
    let folders = entries(tree);
    let full = folders.iter().filter(|(_, entries)| entries.len() > FOLDER_LIMIT);
    problems.extend(full.map(|(folder, entries)| {
        Problem::error(folder, 0, format!("{} entries; {FOLDER_LIMIT} at most: group them", entries.len()))
    }));
    problems
}

/// Counts the lines before the first test module.
fn lines_without_tests(text: &str) -> usize {
    text.lines().take_while(|line| *line != "#[cfg(test)]").count()
}

/// Returns the entries of every folder; `mod.rs` is the folder itself.
fn entries(tree: &Tree) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut folders: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (mut path, _) in tree.files() {
        while let Some((folder, name)) = path.rsplit_once('/') {
            let entries = folders.entry(folder).or_default();
            if name != "mod.rs" {
                entries.insert(name);
            }
            path = folder;
        }
        folders.entry(".").or_default().insert(path);
    }
    folders
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::problem::Weight;

    fn found(path: &str, text: &str) -> Vec<(Weight, String)> {
        check(&Tree::of(&[(path, text)])).into_iter().map(|problem| (problem.weight, problem.message)).collect()
    }

    #[test]
    fn files_are_measured_with_and_without_tests() {
        let lines = |count: usize| "//\n".repeat(count);
        let tested = |own: usize, tests: usize| format!("{}#[cfg(test)]\n{}", lines(own), lines(tests));
        let cases = [
            ("a.rs", lines(300), None),
            ("a.rs", lines(301), Some(Weight::Note)),
            ("a.rs", lines(601), Some(Weight::Error)),
            ("a.rs", tested(300, 299), None),
            ("a.rs", tested(300, 300), Some(Weight::Error)),
            ("a/tests.rs", lines(600), None),
            ("a/tests/step.rs", lines(601), Some(Weight::Error)),
            ("a.py", lines(601), Some(Weight::Error)),
            ("golden.json", lines(5000), None),
        ];
        for (path, text, expected) in cases {
            let weights: Vec<Weight> = found(path, &text).into_iter().map(|(weight, _)| weight).collect();
            assert_eq!(weights, Vec::from_iter(expected), "{path}, {} lines", text.lines().count());
        }
    }

    #[test]
    fn long_functions_are_named() {
        let function = |lines: usize| format!("fn endless() {{\n{}}}\n", "    step();\n".repeat(lines - 2));
        assert!(found("a.rs", &function(100)).is_empty());
        assert_eq!(found("a.rs", &function(101)), [(Weight::Error, "`endless` has 101 lines; 100 at most".to_owned())]);
    }

    #[test]
    fn folders_count_files_and_folders_but_not_what_is_deeper() {
        let tree = |files: usize| {
            let names: Vec<String> = (0..files).map(|index| format!("a/{index}.txt")).collect();
            let mut files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
            files.extend([("a/mod.rs", ""), ("a/b/1.txt", ""), ("a/b/2.txt", "")]);
            Tree::of(&files)
        };
        assert!(check(&tree(19)).is_empty());
        let problems = check(&tree(20));
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].to_string(), "a: 21 entries; 20 at most: group them");
    }
}
