//! Sibling modules import each other in one direction, without cycles. A parent and its children may import each other.

use std::collections::{BTreeMap, BTreeSet};

use super::problem::Problem;
use super::rust_source::code_only;
use super::test_code::without_tests;
use super::tree::Tree;

/// A module by its path from the crate root: `["trainer", "run"]`.
type Module = Vec<String>;

/// Folders whose files reference each other: a rule names the rules it explains by the constants of their files.
const MUTUAL: [&str; 1] = ["crates/keel_health/src/rules"];

/// Checks every crate for cycles.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    tree.crates().flat_map(|(name, _)| circles(name, &Modules::of(tree, name))).collect()
}

/// Modules of a crate with their imports.
struct Modules {
    imports: BTreeMap<Module, BTreeSet<Module>>,
    /// Names that each module re-exports from others.
    exports: BTreeMap<Module, BTreeMap<String, Module>>,
}

impl Modules {
    fn of(tree: &Tree, name: &str) -> Self {
        let prefix = format!("crates/{name}/src/");
        let texts: BTreeMap<Module, String> = tree
            .rust_files()
            .filter_map(|(path, text)| Some((module(path.strip_prefix(&prefix)?)?, code_only(&without_tests(text)))))
            .collect();
        let mut modules = Modules { imports: BTreeMap::new(), exports: BTreeMap::new() };
        for (module, code) in &texts {
            for statement in statements(code) {
                for path in expand(&statement.tree) {
                    let Some(target) = absolute(&texts, module, &path) else { continue };
                    match target.last().filter(|_| statement.is_public) {
                        Some(name) => {
                            let exports = modules.exports.entry(module.clone()).or_default();
                            exports.insert(name.clone(), target.clone());
                        }
                        None => {
                            modules.imports.entry(module.clone()).or_default().insert(target);
                        }
                    }
                }
            }
            for path in inline_paths(code) {
                if let Some(target) = absolute(&texts, module, &path) {
                    modules.imports.entry(module.clone()).or_default().insert(target);
                }
            }
        }
        for (module, targets) in modules.imports.clone() {
            let resolved = targets.iter().map(|target| modules.home(&texts, target, 0)).collect();
            modules.imports.insert(module, resolved);
        }
        modules
    }

    /// Returns the module that defines the item at `path`, following re-exports.
    fn home(&self, texts: &BTreeMap<Module, String>, path: &Module, depth: usize) -> Module {
        let length = (0..=path.len()).rev().find(|&length| texts.contains_key(&path[..length])).unwrap_or(0);
        let handed_on = path.get(length).and_then(|name| self.exports.get(&path[..length])?.get(name));
        match handed_on {
            Some(origin) if depth < 8 && origin[..] != path[..] => {
                let rest = path[length + 1..].iter().cloned();
                self.home(texts, &origin.iter().cloned().chain(rest).collect(), depth + 1)
            }
            _ => path[..length].to_vec(),
        }
    }

    /// Returns edges between siblings: from the module whose subtree imports to the one whose subtree is imported.
    fn arrows(&self) -> BTreeMap<Module, BTreeSet<Module>> {
        let mut arrows: BTreeMap<Module, BTreeSet<Module>> = BTreeMap::new();
        for (from, targets) in &self.imports {
            for to in targets {
                let common = from.iter().zip(to).take_while(|(one, other)| one == other).count();
                if common < from.len() && common < to.len() {
                    arrows.entry(from[..=common].to_vec()).or_default().insert(to[..=common].to_vec());
                }
            }
        }
        arrows
    }
}

/// Returns one problem for each group of siblings that reach each other.
fn circles(name: &str, modules: &Modules) -> Vec<Problem> {
    let arrows = modules.arrows();
    let reachable = |start: &Module| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![start.clone()]);
        while let Some(module) = open.pop() {
            for next in arrows.get(&module).into_iter().flatten() {
                if seen.insert(next.clone()) {
                    open.push(next.clone());
                }
            }
        }
        seen
    };
    let reach: BTreeMap<&Module, BTreeSet<Module>> = arrows.keys().map(|module| (module, reachable(module))).collect();
    let mut named = BTreeSet::new();
    let mut problems = Vec::new();
    for (module, targets) in &reach {
        if !targets.contains(*module) || named.contains(*module) {
            continue;
        }
        let others = targets.iter().filter(|other| reach.get(other).is_some_and(|back| back.contains(*module)));
        let circle: Vec<&Module> = others.collect();
        named.extend(circle.iter().map(|&module| module.clone()));
        let folder = &circle[0][..circle[0].len() - 1];
        if MUTUAL.contains(&format!("crates/{name}/src/{}", folder.join("/")).as_str()) {
            continue;
        }
        let names: Vec<String> = circle.iter().map(|module| module.join("/")).collect();
        let message = format!("modules import each other in a circle: {}; move what both need", names.join(", "));
        problems.push(Problem::error(&format!("crates/{name}/src"), 0, message));
    }
    problems
}

/// Returns the module of a file below `src`, or `None` for tests.
fn module(path: &str) -> Option<Module> {
    let mut parts: Vec<String> = path.strip_suffix(".rs")?.split('/').map(str::to_owned).collect();
    if matches!(parts.last()?.as_str(), "mod" | "lib" | "main") {
        parts.pop();
    }
    (!parts.iter().any(|part| part.ends_with("tests"))).then_some(parts)
}

/// A `use` statement.
struct Statement {
    is_public: bool,
    tree: String,
}

fn statements(code: &str) -> Vec<Statement> {
    let mut found = Vec::new();
    for statement in code.split(['\n', ';', '}']).scan(0, |offset, part| {
        let start = *offset;
        *offset += part.len() + 1;
        Some((start, part))
    }) {
        let (start, line) = statement;
        let words = line.trim_start();
        let indent = line.len() - words.len();
        let (is_public, rest) = match words.strip_prefix("pub") {
            Some(rest) => {
                let rest = rest.strip_prefix('(').and_then(|rest| rest.split_once(')')).map_or(rest, |(_, rest)| rest);
                (true, rest.trim_start())
            }
            None => (false, words),
        };
        if rest.starts_with("use ") {
            let from = start + indent + (words.len() - rest.len()) + "use ".len();
            let tree = code[from..].split(';').next().unwrap_or_default();
            found.push(Statement { is_public, tree: tree.split_whitespace().collect::<Vec<_>>().join(" ") });
        }
    }
    found
}

/// Expands a tree of imports: `a::{b, c as d}` is `a::b` and `a::c`.
fn expand(tree: &str) -> Vec<Vec<String>> {
    let tree = tree.trim();
    let Some((head, group)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        return vec![path.split("::").map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()];
    };
    let head: Vec<String> =
        head.split("::").map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect();
    let group = group.trim_end().strip_suffix('}').unwrap_or(group);
    let mut paths = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (index, character) in group.char_indices().chain([(group.len(), ',')]) {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let part = &group[start..index];
                start = index + 1;
                let inner = expand(part).into_iter().filter(|path| !path.is_empty());
                paths.extend(inner.map(|path| head.iter().cloned().chain(path).collect::<Vec<String>>()));
            }
            _ => {}
        }
    }
    paths
}

/// Returns paths in the code that begin at the crate, here or above.
fn inline_paths(code: &str) -> Vec<Vec<String>> {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    for start in ["crate::", "super::", "self::"].into_iter().flat_map(|key| code.match_indices(key)) {
        let (offset, _) = start;
        if code[..offset].chars().next_back().is_some_and(|before| word(before) || before == ':') {
            continue;
        }
        let end = code[offset..].find(|c: char| !word(c) && c != ':').map_or(code.len(), |end| offset + end);
        found.push(code[offset..end].split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect());
    }
    found
}

/// Resolves `path`, as written in `module`, from the crate root; returns `None` for another crate's path.
fn absolute(texts: &BTreeMap<Module, String>, module: &Module, path: &[String]) -> Option<Module> {
    let (first, rest) = path.split_first()?;
    match first.as_str() {
        "crate" => Some(rest.to_vec()),
        "self" => Some(module.iter().chain(rest).cloned().collect()),
        "super" => {
            let above = path.iter().take_while(|part| *part == "super").count();
            let kept = module.len().checked_sub(above)?;
            Some(module[..kept].iter().chain(&path[above..]).cloned().collect())
        }
        _ => {
            let child: Module = module.iter().chain([first]).cloned().collect();
            texts.contains_key(&child).then(|| child.into_iter().chain(rest.iter().cloned()).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(files: &[(&str, &str)]) -> Vec<String> {
        let paths: Vec<(String, &str)> =
            files.iter().map(|(path, text)| (format!("crates/x/src/{path}"), *text)).collect();
        let mut tree: Vec<(&str, &str)> = paths.iter().map(|(path, text)| (path.as_str(), *text)).collect();
        tree.push(("crates/x/Cargo.toml", ""));
        check(&Tree::of(&tree)).into_iter().map(|problem| problem.message).collect()
    }

    #[test]
    fn circles_of_siblings_are_found_and_named() {
        let found = "modules import each other in a circle: a, b; move what both need";
        let cases: [(&[(&str, &str)], &[&str]); 7] = [
            (&[("lib.rs", "mod a;\nmod b;"), ("a.rs", "use crate::b::B;"), ("b.rs", "use crate::a::A;")], &[found]),
            (&[("a.rs", "use crate::b::B;"), ("b.rs", "struct B;")], &[]),
            // Through a folder, and through a re-exported name.
            (&[("a/mod.rs", "mod c;"), ("a/c.rs", "use crate::b::{X, Y};"), ("b.rs", "use super::a::Z;")], &[found]),
            (
                &[
                    ("lib.rs", "pub use a::A;\npub use b::B;"),
                    ("a.rs", "use crate::B;"),
                    ("b.rs", "fn f(a: crate::A) {}"),
                ],
                &[found],
            ),
            // A parent and its child may import each other; tests may import anything.
            (&[("a/mod.rs", "mod c;\nuse c::C;"), ("a/c.rs", "use super::A;")], &[]),
            (
                &[
                    ("a.rs", "use crate::b::B;\n#[cfg(test)]\nmod tests { use crate::c::C; }"),
                    ("b.rs", ""),
                    ("c.rs", "use crate::a::A;"),
                ],
                &[],
            ),
            (&[("a.rs", "// use crate::b::B;\nconst T: &str = \"crate::b\";"), ("b.rs", "use crate::a::A;")], &[]),
        ];
        for (files, expected) in cases {
            assert_eq!(problems(files), expected, "{files:?}");
        }
    }

    #[test]
    fn trees_of_imports_are_taken_apart() {
        let paths = |tree: &str| expand(tree).iter().map(|path| path.join("::")).collect::<Vec<_>>();
        assert_eq!(paths("crate::a::{b, c::{d as e, f}}"), ["crate::a::b", "crate::a::c::d", "crate::a::c::f"]);
        assert_eq!(paths("std::fmt"), ["std::fmt"]);
    }
}
