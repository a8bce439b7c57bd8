//! Links between the documents of the repository.

use super::problem::Problem;
use super::rust_source::line_of;
use super::tree::Tree;

/// Checks Markdown files for broken links.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in tree.files().filter(|(path, _)| path.ends_with(".md")) {
        for (offset, _) in text.match_indices("](") {
            let target = text[offset + 2..].split([')', ' ', '\n']).next().unwrap_or_default();
            let file = target.split('#').next().unwrap_or_default();
            let external = target.contains("://") || target.starts_with("mailto:") || file.is_empty();
            if !external && !tree.contains(&path_from_root(path, file)) {
                let message = format!("`{target}` does not exist");
                problems.push(Problem::error(path, line_of(text, offset), message));
            }
        }
    }
    problems
}

/// Resolves `target` in the document `document` to a path from the root.
pub(crate) fn path_from_root(document: &str, target: &str) -> String {
    let mut parts: Vec<&str> = document.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_files_and_folders() {
        let cases = [
            ("[a](docs/rules.md)", 0),
            ("[a](docs/)", 0),
            ("[a](./docs/rules.md#k010)", 0),
            ("[a](#below)", 0),
            ("[a](https://example.org)", 0),
            ("![a](picture.png)", 1),
            ("[a](../README.md)", 0),
            ("[a](docs/missing.md)", 1),
        ];
        for (text, expected) in cases {
            let tree = Tree::of(&[("README.md", text), ("docs/rules.md", "[b](../README.md)")]);
            assert_eq!(check(&tree).len(), expected, "{text}");
        }
    }
}
