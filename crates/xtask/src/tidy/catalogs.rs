//! Catalogs and the folders they list: every row has a file, and every member file has a row.

use super::problem::Problem;
use super::tree::Tree;

/// A folder with one file per item, and the file that lists them.
struct Catalog {
    /// Folder of the files.
    folder: &'static str,
    /// File with the rows.
    list: &'static str,
    /// Form of the rows.
    rows: Rows,
    /// Text that identifies a file as an item rather than shared code.
    member: &'static str,
    /// Rows whose file has another name: `(row, file)`.
    renamed: &'static [(&'static str, &'static str)],
}

/// Form of a row.
#[derive(Clone, Copy, Debug)]
enum Rows {
    /// `file::ENTRY`, or another constant of that file.
    Constant(&'static str),
    /// `OneFile: Type,` or `OneFile(one_file: Type),` in a `catalog_enum!`: the variant in snake case is the file.
    Variant,
}

const CATALOGS: [Catalog; 12] = [
    Catalog {
        folder: "crates/keel_nn/src/losses",
        list: "crates/keel_nn/src/losses/mod.rs",
        rows: Rows::Constant("ENTRY"),
        member: "const ENTRY:",
        renamed: &[],
    },
    Catalog {
        folder: "crates/keel_lab/src/experiments",
        list: "crates/keel_lab/src/catalog.rs",
        rows: Rows::Constant("ENTRY"),
        member: "const ENTRY:",
        renamed: &[],
    },
    Catalog {
        folder: "crates/keel_nn/src/activations",
        list: "crates/keel_nn/src/activations/mod.rs",
        rows: Rows::Variant,
        member: "const ENTRY:",
        renamed: &[],
    },
    Catalog {
        folder: "crates/keel_nn/src/init",
        list: "crates/keel_nn/src/init/mod.rs",
        rows: Rows::Variant,
        member: "const ENTRY:",
        renamed: &[],
    },
    Catalog {
        folder: "crates/keel_nn/src/layers",
        list: "crates/keel_nn/src/layers/mod.rs",
        rows: Rows::Variant,
        member: "const ENTRY:",
        renamed: &[],
    },
    Catalog {
        folder: "crates/keel_data/src/readers",
        list: "crates/keel_data/src/readers/mod.rs",
        rows: Rows::Constant("READER"),
        member: "const READER:",
        renamed: &[],
    },
    Catalog {
        folder: "crates/keel_data/src/preprocess/steps",
        list: "crates/keel_data/src/preprocess/steps/mod.rs",
        rows: Rows::Variant,
        member: "const ENTRY:",
        renamed: &[],
    },
    Catalog {
        folder: "crates/keel_data/src/augment",
        list: "crates/keel_data/src/augment/mod.rs",
        rows: Rows::Constant("ENTRY"),
        member: "const ENTRY:",
        renamed: &[],
    },
    Catalog {
        folder: "crates/keel_data/src/synthetic",
        list: "crates/keel_data/src/synthetic/mod.rs",
        rows: Rows::Constant("SET"),
        member: "const SET:",
        renamed: &[],
    },
    Catalog {
        folder: "crates/keel_health/src/rules",
        list: "crates/keel_health/src/rules/mod.rs",
        rows: Rows::Constant("RULE"),
        member: "const RULE:",
        renamed: &[],
    },
    Catalog {
        folder: "crates/keel_train/src/optimizers",
        list: "crates/keel_train/src/optimizers/mod.rs",
        rows: Rows::Variant,
        member: "const ENTRY:",
        renamed: &[],
    },
    Catalog {
        folder: "crates/keel_train/src/schedules",
        list: "crates/keel_train/src/schedules/mod.rs",
        rows: Rows::Variant,
        member: "const ENTRY:",
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
    let listed: Vec<String> = rows(catalog.rows, list).into_iter().map(|row| file_of(catalog, row)).collect();
    let prefix = format!("{}/", catalog.folder);
    let files = || {
        tree.rust_files().filter(|(path, _)| *path != catalog.list).filter_map(|(path, text)| {
            let place = path.strip_prefix(&prefix)?.strip_suffix(".rs")?;
            // Items may be grouped in subfolders.
            place.rsplit('/').next().map(|file| (path, file, text))
        })
    };
    let mut problems = Vec::new();
    if listed.is_empty() {
        problems.push(Problem::error(catalog.list, 0, format!("no row found; written as {:?}?", catalog.rows)));
    }
    for row in &listed {
        if !files().any(|(_, file, _)| file == row) {
            problems.push(Problem::error(catalog.list, 0, format!("row `{row}` has no file {row}.rs")));
        }
    }
    for (path, file, text) in files().filter(|(_, file, _)| *file != "mod") {
        if text.contains(catalog.member) && !listed.iter().any(|row| row == file) {
            problems.push(Problem::error(path, 0, format!("has no row in {}", catalog.list)));
        }
    }
    problems
}

fn file_of(catalog: &Catalog, row: String) -> String {
    catalog.renamed.iter().find(|(name, _)| *name == row).map_or(row, |(_, file)| (*file).to_owned())
}

/// Returns the files named by the rows of a list; tests at its end are ignored.
fn rows(kind: Rows, list: &str) -> Vec<String> {
    let list = list.split("#[cfg(test)]").next().unwrap_or_default();
    match kind {
        Rows::Constant(name) => {
            let mut pieces: Vec<&str> = list.split(&format!("::{name}")).collect();
            pieces.pop();
            pieces.into_iter().map(|piece| last_word(piece).to_owned()).collect()
        }
        Rows::Variant => {
            let lists = between(list, "catalog_enum! {", "\n}");
            let rows = lists.into_iter().flat_map(str::lines).map(str::trim).filter(|line| line.ends_with(','));
            rows.filter_map(|row| row.split_once([':', '(']).map(|(variant, _)| snake_case(variant))).collect()
        }
    }
}

/// Returns the name of a variant in configs and file names.
fn snake_case(variant: &str) -> String {
    let mut name = String::new();
    for (index, letter) in variant.char_indices() {
        if letter.is_uppercase() && index > 0 {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

/// Returns the last word of a text.
fn last_word(text: &str) -> &str {
    let start = text.rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |index| index + 1);
    &text[start..]
}

/// Returns every part of `text` between `start` and the next `end`.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    text.split(start).skip(1).filter_map(|rest| rest.split(end).next()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_in_every_way_they_are_written() {
        let cases = [
            (Rows::Constant("ENTRY"), "const R: &[E] = &[a_b::ENTRY, c::ENTRY];", vec!["a_b", "c"]),
            (Rows::Constant("ENTRY"), "const R: &[E] = &[\n    a::ENTRY,\n];\nfn f() {}", vec!["a"]),
            (
                Rows::Variant,
                "catalog_enum! {\n    /// A: b.\n    pub enum S: D, E {\n        OneCycle: A,\n        Conv2d(conv2d: B),\n    }\n}\n",
                vec!["one_cycle", "conv2d"],
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
        let list = "const READERS: [&R; 2] = [&csv::READER, &idx::READER];";
        let member = "pub(super) const READER: Reader = x;";
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
}
