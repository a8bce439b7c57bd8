//! Test code among the sources.

use super::rust_source::code_only;

/// Returns true if a whole file is test code.
pub(crate) fn is_test_file(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs") || path.ends_with("_tests.rs")
}

/// Blanks the items under `#[cfg(test)]` or `#[cfg(all(test, …))]` in `text`; line numbers are unchanged.
pub(crate) fn without_tests(text: &str) -> String {
    let code = code_only(text);
    let mut kept = String::with_capacity(text.len());
    let mut item = Item::Kept;
    for (line, code) in text.lines().zip(code.lines()) {
        let condition = code.trim();
        let is_of_tests = condition == "#[cfg(test)]" || condition.starts_with("#[cfg(all(test,");
        if item == Item::Kept && is_of_tests {
            item = Item::Test { depth: 0 };
        } else if let Item::Test { depth } = item {
            item = after(code, depth);
        } else {
            kept.push_str(line);
        }
        kept.push('\n');
    }
    kept
}

/// Kind of item a line belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Item {
    Kept,
    /// An item under `#[cfg(test)]`, inside `depth` brackets of any kind.
    Test {
        depth: usize,
    },
}

/// Tracks an item of test code through one line.
fn after(code: &str, mut depth: usize) -> Item {
    for character in code.chars() {
        match character {
            '{' | '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            '}' if depth > 1 => depth -= 1,
            '}' => return Item::Kept,
            ';' if depth == 0 => return Item::Kept,
            _ => {}
        }
    }
    Item::Test { depth }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_under_cfg_test_are_left_empty() {
        let cases = [
            ("a\n#[cfg(test)]\nmod tests;\nb\n", "a\n\n\nb\n"),
            ("a\n#[cfg(test)]\nimpl A {\n    fn f() {}\n}\nb\n", "a\n\n\n\n\nb\n"),
            ("#[cfg(test)]\n#[derive(Debug)]\nstruct A {\n    b: [u8; 2],\n}\nb\n", "\n\n\n\n\nb\n"),
            ("#[cfg(test)]\nmod tests {\n    const A: &str = \"}\";\n}\nb\n", "\n\n\n\nb\n"),
            ("#[cfg(test)]\nfn f(a: [u8; 2]) {\n}\nb\n", "\n\n\nb\n"),
            ("#[cfg(all(test, not(feature = \"b\")))]\nmod tests {\n}\nb\n", "\n\n\nb\n"),
            ("#[cfg(not(test))]\nfn f() {}\n", "#[cfg(not(test))]\nfn f() {}\n"),
            ("// #[cfg(test)]\na\n", "// #[cfg(test)]\na\n"),
        ];
        for (text, expected) in cases {
            assert_eq!(without_tests(text), expected, "{text}");
        }
    }

    #[test]
    fn files_of_tests_are_known_by_their_path() {
        let cases =
            [("crates/a/src/tests.rs", true), ("crates/a/src/b/golden_tests.rs", true), ("crates/a/src/b.rs", false)];
        for (path, expected) in cases {
            assert_eq!(is_test_file(path), expected, "{path}");
        }
    }
}
