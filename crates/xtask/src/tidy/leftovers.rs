//! Unfinished work, disabled tests, and machine-specific paths.

use super::problem::Problem;
use super::rust_source::{code_only, line_of};
use super::tree::Tree;

/// Words in any text that mark unfinished work; concatenated here so that this file does not contain them.
const MARKS: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("HA", "CK:")];

/// Rust code that marks unfinished work.
const UNFINISHED: [&str; 4] = ["todo!(", "unimplemented!(", "dbg!(", "#[ignore"];

/// Top-level folders that may contain a person's checkout.
const HOMES: [&str; 8] = ["home", "root", "Users", "opt", "work", "workspace", "mnt", "srv"];

/// File types that are checked.
const READ: [&str; 10] = ["rs", "py", "toml", "md", "json", "jsonl", "txt", "yml", "sh", "run"];

/// Checks every text file for leftovers.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in tree.files().filter(|(path, _)| READ.contains(&kind(path))) {
        for mark in MARKS {
            let found = text.match_indices(mark).map(|(offset, _)| line_of(text, offset));
            problems.extend(found.map(|line| Problem::error(path, line, format!("`{mark}`: finish it or drop it"))));
        }
        for (line, home) in machine_paths(text) {
            problems.push(Problem::error(path, line, format!("a path under `/{home}/` exists on one machine only")));
        }
    }
    for (path, text) in tree.rust_files().filter(|(_, text)| UNFINISHED.iter().any(|mark| text.contains(mark))) {
        let code = code_only(text);
        for mark in UNFINISHED {
            let found = code.match_indices(mark).map(|(offset, _)| line_of(&code, offset));
            problems.extend(found.map(|line| Problem::error(path, line, format!("`{mark}` must not be committed"))));
        }
    }
    problems
}

/// Returns a file's extension, or its whole name if it has none.
fn kind(path: &str) -> &str {
    path.rsplit(['.', '/']).next().unwrap_or_default()
}

/// Returns line and top-level folder of every absolute path into a user's folders.
fn machine_paths(text: &str) -> Vec<(usize, &'static str)> {
    let mut found = Vec::new();
    for home in HOMES {
        let start = format!("/{home}/");
        for (offset, _) in text.match_indices(&start) {
            let before = text[..offset].chars().next_back();
            let after = text[offset + start.len()..].chars().next();
            let absolute = before.is_none_or(|c| c.is_whitespace() || "\"'`(=:,".contains(c));
            if absolute && after.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.') {
                found.push((line_of(text, offset), home));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, text: &str) -> usize {
        check(&Tree::of(&[(path, text)])).len()
    }

    #[test]
    fn unfinished_work_is_found_in_code_and_prose() {
        let mark = MARKS[0];
        let cases = [
            ("a.rs", format!("// {mark}: later\n"), 1),
            ("a.md", format!("{mark}\n{mark}\n"), 2),
            ("a.rs", "fn f() { todo!() }".to_owned(), 1),
            ("a.rs", "#[test]\n#[ignore = \"slow\"]\nfn f() {}".to_owned(), 1),
            ("a.rs", "let text = \"#[ignore]\"; // todo!()".to_owned(), 0),
            ("a.rs", "//! Everything is done.\n".to_owned(), 0),
        ];
        for (path, text, expected) in cases {
            assert_eq!(count(path, &text), expected, "{text}");
        }
    }

    #[test]
    fn absolute_paths_of_a_machine_are_found() {
        let inside = |home: &str| format!("/{home}/name/file");
        for home in HOMES {
            assert_eq!(count("a.md", &format!("see {}", inside(home))), 1, "{home}");
        }
        let cases = [
            ("crates/keel_data/data/x", 0),
            ("https://example.org/home/page", 0),
            ("a / b /home/ c", 0),
            ("relative ../data/digits.csv", 0),
        ];
        for (text, expected) in cases {
            assert_eq!(count("a.md", text), expected, "{text}");
        }
    }
}
