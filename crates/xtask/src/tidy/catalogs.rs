//! Catalogs and the folders they list: every row has a file, and every file that holds such a thing has a row.

use super::problem::Problem;
use super::tree::Tree;

/// A folder with one file for each thing, and the file that lists them.
struct Catalog {
    /// Where the files are.
    folder: &'static str,
    /// The file with the rows.
    list: &'static str,
    /// How a row names its thing.
    rows: Rows,
    /// How a file is recognised as one of the things rather than something they all use.
    member: Member,
    /// Rows whose file is called otherwise: `(row, file)`.
    renamed: &'static [(&'static str, &'static str)],
}

/// How a row is written.
#[derive(Clone, Copy, Debug)]
enum Rows {
    /// `file::ENTRY`, or another constant of that file.
    Constant(&'static str),
    /// `entry("file", "…")`.
    Call,
    /// `name: "file"`.
    NameField,
    /// `("file", "…")` in a constant called `CATALOG`.
    Pair,
}

/// What a file of the catalog holds.
#[derive(Clone, Copy, Debug)]
enum Member {
    /// Every file is one of the things.
    Every,
    /// A line with this text.
    Text(&'static str),
    /// A public struct whose name ends so.
    Struct(&'static str),
}

const CATALOGS: [Catalog; 12] = [
    Catalog {
        folder: "crates/keel_nn/src/losses",
        list: "crates/keel_nn/src/losses/mod.rs",
        rows: Rows::Constant("ENTRY"),
        member: Member::Text("const ENTRY:"),
        renamed: &[],
    },
    Catalog {
        folder: "crates/keel_lab/src/experiments",
        list: "crates/keel_lab/src/catalog.rs",
        rows: Rows::Constant("ENTRY"),
        member: Member::Text("const ENTRY:"),
        renamed: &[],
    },
    Catalog {
        folder: "crates/keel_nn/src/activations",
        list: "crates/keel_nn/src/activations/mod.rs",
        rows: Rows::Constant("FACTS"),
        member: Member::Text("const FACTS:"),
        renamed: &[],
    },
    Catalog {
        folder: "crates/keel_nn/src/init",
        list: "crates/keel_nn/src/init/catalog.rs",
        rows: Rows::Call,
        member: Member::Every,
        renamed: &[
            ("auto", "mod"),
            ("zeros", "constant"),
            ("xavier_normal", "xavier"),
            ("xavier_uniform", "xavier"),
            ("kaiming_normal", "kaiming"),
            ("kaiming_uniform", "kaiming"),
            ("lecun_normal", "lecun"),
        ],
    },
    Catalog {
        folder: "crates/keel_nn/src/layers",
        list: "crates/keel_nn/src/layers/catalog.rs",
        rows: Rows::NameField,
        member: Member::Struct("Spec"),
        renamed: &[],
    },
    Catalog {
        folder: "crates/keel_data/src/readers",
        list: "crates/keel_data/src/readers/mod.rs",
        rows: Rows::Constant("ENTRY"),
        member: Member::Text("const ENTRY:"),
        renamed: &[],
    },
    Catalog {
        folder: "crates/keel_data/src/preprocess/steps",
        list: "crates/keel_data/src/preprocess/steps/mod.rs",
        rows: Rows::Constant("ENTRY"),
        member: Member::Text("const ENTRY:"),
        renamed: &[],
    },
    Catalog {
        folder: "crates/keel_data/src/augment",
        list: "crates/keel_data/src/augment/mod.rs",
        rows: Rows::Constant("ENTRY"),
        member: Member::Text("const ENTRY:"),
        renamed: &[],
    },
    Catalog {
        folder: "crates/keel_data/src/synthetic",
        list: "crates/keel_data/src/synthetic/mod.rs",
        rows: Rows::Constant("ENTRY"),
        member: Member::Text("const ENTRY:"),
        renamed: &[],
    },
    Catalog {
        folder: "crates/keel_health/src/rules",
        list: "crates/keel_health/src/rules/mod.rs",
        rows: Rows::Constant("RULE"),
        member: Member::Text("const RULE:"),
        renamed: &[],
    },
    Catalog {
        folder: "crates/keel_train/src/optimizers",
        list: "crates/keel_train/src/optimizers/mod.rs",
        rows: Rows::Pair,
        member: Member::Struct("Config"),
        renamed: &[],
    },
    Catalog {
        folder: "crates/keel_train/src/schedules",
        list: "crates/keel_train/src/schedules/mod.rs",
        rows: Rows::Pair,
        member: Member::Struct("Config"),
        renamed: &[("reduce_on_plateau", "plateau")],
    },
];

/// Compares all catalogs with their folders.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    CATALOGS.iter().flat_map(|catalog| compare(catalog, tree)).collect()
}

fn compare(catalog: &Catalog, tree: &Tree) -> Vec<Problem> {
    let Some(list) = tree.text(catalog.list) else {
        if !tree.contains(catalog.folder) {
            return Vec::new();
        }
        return vec![Problem::error(catalog.folder, 0, format!("its catalog {} is missing", catalog.list))];
    };
    let listed: Vec<&str> = rows(catalog.rows, list).into_iter().map(|row| file_of(catalog, row)).collect();
    let prefix = format!("{}/", catalog.folder);
    // Things may be grouped in folders below, except where every file is one of them.
    let is_grouped = !matches!(catalog.member, Member::Every);
    let files = || {
        tree.rust_files().filter(|(path, _)| *path != catalog.list).filter_map(|(path, text)| {
            let place = path.strip_prefix(&prefix)?.strip_suffix(".rs")?;
            let file = place.rsplit('/').next().filter(|file| is_grouped || *file == place)?;
            Some((path, file, text))
        })
    };
    let mut problems = Vec::new();
    if listed.is_empty() {
        problems.push(Problem::error(catalog.list, 0, format!("no row found; written as {:?}?", catalog.rows)));
    }
    for row in &listed {
        if !files().any(|(_, file, _)| file == *row) {
            problems.push(Problem::error(catalog.list, 0, format!("row `{row}` has no file {row}.rs")));
        }
    }
    for (path, file, text) in files().filter(|(_, file, _)| *file != "mod") {
        if holds(catalog.member, text) && !listed.contains(&file) {
            problems.push(Problem::error(path, 0, format!("has no row in {}", catalog.list)));
        }
    }
    problems
}

fn file_of<'a>(catalog: &Catalog, row: &'a str) -> &'a str {
    catalog.renamed.iter().find(|(name, _)| *name == row).map_or(row, |(_, file)| file)
}

/// What the rows of a list call their things; tests at its end are not looked at.
fn rows(kind: Rows, list: &str) -> Vec<&str> {
    let list = list.split("#[cfg(test)]").next().unwrap_or_default();
    match kind {
        Rows::Constant(name) => {
            let mut pieces: Vec<&str> = list.split(&format!("::{name}")).collect();
            pieces.pop();
            pieces.into_iter().map(last_word).collect()
        }
        Rows::Call => {
            let calls = list.split("entry(").skip(1);
            calls.filter_map(|call| call.trim_start().strip_prefix('"')?.split('"').next()).collect()
        }
        Rows::NameField => between(list, "name: \"", "\""),
        Rows::Pair => {
            let table = between(list, "const CATALOG", "];");
            table.into_iter().flat_map(|table| between(table, "(\"", "\"")).collect()
        }
    }
}

/// The word a text ends with.
fn last_word(text: &str) -> &str {
    let start = text.rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |index| index + 1);
    &text[start..]
}

/// Every stretch of `text` between `start` and the next `end`.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    text.split(start).skip(1).filter_map(|rest| rest.split(end).next()).collect()
}

fn holds(member: Member, text: &str) -> bool {
    match member {
        Member::Every => true,
        Member::Text(mark) => text.contains(mark),
        Member::Struct(suffix) => between(text, "\npub struct ", "\n").into_iter().any(|line| {
            let name = line.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            name.ends_with(suffix)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_in_every_way_they_are_written() {
        let cases = [
            (Rows::Constant("ENTRY"), "const R: &[E] = &[a_b::ENTRY, c::ENTRY];", vec!["a_b", "c"]),
            (Rows::Constant("ENTRY"), "const R: &[E] = &[\n    a::ENTRY,\n];\nfn f() {}", vec!["a"]),
            (Rows::Constant("FACTS"), "A::B { .. } => a::FACTS,", vec!["a"]),
            (Rows::Call, "const fn entry(name: X)\n[entry(\"a\", \"A\"), entry(\n\"b\", \"B\")]", vec!["a", "b"]),
            (Rows::NameField, "E { name: \"a\", s: 1 }, E { name: \"b\" }\n#[cfg(test)] name: \"t\"", vec!["a", "b"]),
            (
                Rows::Pair,
                "f(\"no\");\npub const CATALOG: &[(&str, &str)] = &[\n(\"a\", \"A (x)\"),\n(\"b\", \"B\"),\n];",
                vec!["a", "b"],
            ),
        ];
        for (kind, list, expected) in cases {
            assert_eq!(rows(kind, list), expected, "{kind:?}");
        }
    }

    #[test]
    fn a_missing_file_and_a_missing_row_are_found() {
        let folder = "crates/keel_data/src/readers";
        let path = |name: &str| format!("{folder}/{name}.rs");
        let list = "pub const READERS: &[E] = &[csv::ENTRY, idx::ENTRY];";
        let member = "pub(super) const ENTRY: CatalogEntry = x;";
        let cases: [(&[(&str, &str)], &str); 4] = [
            (&[("csv", member), ("idx", member), ("class_names", "")], ""),
            (&[("csv", member)], "row `idx` has no file idx.rs"),
            (&[("csv", member), ("idx", member), ("npy", member)], "has no row in crates/keel_data/src/readers/mod.rs"),
            (&[("group/csv", member), ("idx", member), ("deeper/shared", "")], ""),
        ];
        for (files, expected) in cases {
            let paths: Vec<(String, &str)> = files.iter().map(|(name, text)| (path(name), *text)).collect();
            let list_path = path("mod");
            let mut tree: Vec<(&str, &str)> = paths.iter().map(|(path, text)| (path.as_str(), *text)).collect();
            tree.push((&list_path, list));
            let messages: Vec<String> = check(&Tree::of(&tree)).into_iter().map(|problem| problem.message).collect();
            let expected: Vec<&str> = [expected].into_iter().filter(|message| !message.is_empty()).collect();
            assert_eq!(messages, expected, "{files:?}");
        }
    }

    #[test]
    fn a_list_without_rows_is_an_error() {
        let tree = Tree::of(&[("crates/keel_train/src/schedules/mod.rs", "mod step;")]);
        assert!(check(&tree)[0].message.starts_with("no row found"));
    }

    #[test]
    fn members_are_told_from_what_they_share() {
        let cases = [
            (Member::Struct("Spec"), "/// A\n#[derive(Debug)]\npub struct Conv2dSpec {\n", true),
            (Member::Struct("Spec"), "//! A\npub struct Conv2d {\n", false),
            (Member::Struct("Config"), "//! A\npub struct FlattenConfig {}\n", true),
            (Member::Every, "", true),
            (Member::Text("const RULE:"), "pub const RULE: Rule = x;", true),
            (Member::Text("const RULE:"), "use super::RULE;", false),
        ];
        for (member, text, expected) in cases {
            assert_eq!(holds(member, text), expected, "{text}");
        }
    }
}
