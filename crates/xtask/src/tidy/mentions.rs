//! The name of an item is defined in the item's own file; other code refers to its constant.

use super::problem::Problem;
use super::rust_source::literals;
use super::test_code::{is_test_file, without_tests};
use super::tree::Tree;

/// A folder whose files each define the names of one item.
struct Folder {
    path: &'static str,
    statements: &'static [Statement],
    homonyms: &'static [Homonym],
    /// Path prefixes of code that cannot refer to the items, or has its own names for them.
    strangers: &'static [&'static str],
}

/// Form in which a file defines a name.
struct Statement {
    /// Code before the name, up to the quotation mark.
    mark: &'static str,
    mention: Mention,
}

/// Literals that mention a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mention {
    /// A literal equal to the name.
    Whole,
    /// A literal with the name as one of its words.
    Word,
}

/// A literal spelled like a name but with another meaning.
struct Homonym {
    name: &'static str,
    /// Path prefix of the files with the other meaning.
    path: &'static str,
}

/// A catalog entry: a separate constant, or part of a type or of a larger constant.
const CATALOG_ENTRY: [Statement; 3] = [
    Statement { mark: "CatalogEntry { name: ", mention: Mention::Whole },
    Statement { mark: "CatalogEntry {\n    name: ", mention: Mention::Whole },
    Statement { mark: "CatalogEntry {\n        name: ", mention: Mention::Whole },
];

/// The entry of a layer.
const LAYER_ENTRY: [Statement; 2] = [
    Statement { mark: "LayerEntry { name: ", mention: Mention::Whole },
    Statement { mark: "LayerEntry {\n        name: ", mention: Mention::Whole },
];

/// The entry of an activation.
const FACTS: [Statement; 1] = [Statement { mark: "Facts {\n        name: ", mention: Mention::Whole }];

/// Code that uses its own names for layers and their parts.
const STRANGERS: [&str; 10] = [
    // Depends on no other crate: its names are those of recordings from any program.
    "crates/keel_health/src/",
    // Recordings of another program.
    "crates/keel_python/src/watching/",
    // Keys of documents and labels of charts, which stay the same if an item is renamed.
    "crates/keel_lab/src/experiments/",
    "crates/keel_lab/src/exhibits/",
    "crates/keel_lab/src/recipe.rs",
    "crates/keel_lab/src/samples/points.rs",
    "crates/keel_lab/src/watched/",
    // The same keys, read from the documents.
    "crates/keel_lab/src/site/notes/",
    // Cases named after the key they change.
    "crates/keel_program/src/bench/health/",
    // Words of other programs with the names that they mean; a test compares these with the config.
    "crates/keel_train/src/config/habits.rs",
];

/// Every folder of items that are named once.
const FOLDERS: [Folder; 11] = [
    Folder {
        path: "crates/keel_health/src/rules",
        statements: &[
            Statement { mark: "const CODE: &str = ", mention: Mention::Word },
            Statement { mark: "    name: ", mention: Mention::Whole },
        ],
        homonyms: &[
            // Two arrays of a data set, and the columns and files they are read from.
            Homonym { name: "inputs", path: "crates/keel_data/src/" },
            Homonym { name: "labels", path: "crates/keel_data/src/" },
            Homonym { name: "labels", path: "crates/keel_program/src/bench/health/samples.rs" },
            // Fields of a record, keys of a layer, words of a message.
            Homonym { name: "inputs", path: "crates/keel_health/src/diagnose.rs" },
            Homonym { name: "inputs", path: "crates/keel_health/src/rules/non_finite.rs" },
            Homonym { name: "inputs", path: "crates/keel_nn/src/layers/" },
            Homonym { name: "frozen", path: "crates/keel_nn/src/layers/" },
            // The experiment of the lab, and fields written by experiments.
            Homonym { name: "zigzag", path: "crates/keel_lab/src/experiments/" },
            Homonym { name: "inputs", path: "crates/keel_lab/src/experiments/" },
            Homonym { name: "zigzag", path: "crates/keel_lab/src/exhibits/" },
            Homonym { name: "inputs", path: "crates/keel_lab/src/exhibits/" },
            Homonym { name: "zigzag", path: "crates/keel_lab/src/site/notes/" },
            Homonym { name: "inputs", path: "crates/keel_lab/src/site/notes/" },
        ],
        // Rules with their diagnoses.
        strangers: &["crates/keel_lab/src/exhibits/break_and_repair/sickness.rs"],
    },
    Folder { path: "crates/keel_nn/src/activations", statements: &FACTS, homonyms: &[], strangers: &STRANGERS },
    Folder {
        path: "crates/keel_nn/src/init",
        statements: &CATALOG_ENTRY,
        homonyms: &[
            // A value of many config keys.
            Homonym { name: "auto", path: "crates/" },
            // A kind of column; the name of a random stream.
            Homonym { name: "constant", path: "crates/keel_data/src/dataset/column_report/" },
            Homonym { name: "signs", path: "crates/keel_train/src/check/gradient.rs" },
        ],
        strangers: &STRANGERS,
    },
    Folder {
        path: "crates/keel_nn/src/layers",
        statements: &LAYER_ENTRY,
        homonyms: &[
            // The scale of an axis; a model that is not a preset.
            Homonym { name: "linear", path: "crates/keel_page/src/charts/" },
            Homonym { name: "linear", path: "crates/keel_lab/src/site/exhibit_page.rs" },
            Homonym { name: "custom", path: "crates/keel_train/src/trainer/" },
        ],
        strangers: &STRANGERS,
    },
    Folder {
        path: "crates/keel_train/src/optimizers",
        statements: &CATALOG_ENTRY,
        homonyms: &[],
        strangers: &STRANGERS,
    },
    Folder {
        path: "crates/keel_train/src/schedules",
        statements: &CATALOG_ENTRY,
        homonyms: &[
            // The unit of training time; the step wave.
            Homonym { name: "step", path: "crates/" },
            Homonym { name: "cosine", path: "crates/keel_data/src/dataset/table_column.rs" },
        ],
        strangers: &STRANGERS,
    },
    Folder {
        path: "crates/keel_data/src/preprocess/steps",
        statements: &CATALOG_ENTRY,
        homonyms: &[
            // Tags of stored preprocessors, which stay the same if a step is renamed.
            Homonym { name: "clip", path: "crates/keel_data/src/preprocess/fitted.rs" },
            Homonym { name: "soft_clip", path: "crates/keel_data/src/preprocess/fitted.rs" },
            Homonym { name: "piecewise_linear", path: "crates/keel_data/src/preprocess/fitted.rs" },
        ],
        strangers: &STRANGERS,
    },
    Folder {
        path: "crates/keel_data/src/readers",
        statements: &CATALOG_ENTRY,
        homonyms: &[
            // File extensions, a command option, a build feature, and column names.
            Homonym { name: "csv", path: "crates/keel_program/src/" },
            Homonym { name: "parquet", path: "crates/keel_program/src/inputs/" },
            Homonym { name: "parquet", path: "crates/keel_program/src/commands/interchange/metrics" },
            Homonym { name: "parquet", path: "crates/keel_data/src/readers/table/raw.rs" },
            Homonym { name: "idx", path: "crates/keel_data/src/readers/table/names.rs" },
        ],
        strangers: &STRANGERS,
    },
    Folder { path: "crates/keel_nn/src/losses", statements: &CATALOG_ENTRY, homonyms: &[], strangers: &STRANGERS },
    Folder { path: "crates/keel_data/src/synthetic", statements: &CATALOG_ENTRY, homonyms: &[], strangers: &STRANGERS },
    Folder {
        path: "crates/keel_data/src/augment",
        statements: &CATALOG_ENTRY,
        homonyms: &[
            // Keys of the section, in a note.
            Homonym { name: "crop_padding", path: "crates/keel_train/src/trainer/" },
            Homonym { name: "random_resized_crop", path: "crates/keel_train/src/trainer/" },
        ],
        strangers: &STRANGERS,
    },
];

/// Crates whose literals are not checked: test tools, and these checks.
const EXEMPT: [&str; 2] = ["crates/keel_testkit/", "crates/xtask/"];

/// Checks for literals that repeat a name.
pub(crate) fn check(tree: &Tree) -> Vec<Problem> {
    look_for_mentions(&FOLDERS, tree)
}

/// A name and the file that defines it.
struct Stated<'a> {
    name: String,
    path: &'a str,
    mention: Mention,
    homonyms: &'a [Homonym],
    strangers: &'a [&'a str],
}

fn look_for_mentions(folders: &[Folder], tree: &Tree) -> Vec<Problem> {
    let stated: Vec<Stated> = folders.iter().flat_map(|folder| statements(folder, tree)).collect();
    let mut problems: Vec<Problem> = folders
        .iter()
        .filter(|folder| tree.contains(folder.path) && !stated.iter().any(|stated| lies_in(stated.path, folder.path)))
        .map(|folder| Problem::error(folder.path, 0, "no file states a name; are its marks still those of the files?"))
        .collect();
    for (path, text) in tree.rust_files().filter(|(path, _)| is_read(path)) {
        for literal in literals(&without_tests(text)) {
            let repeated = stated.iter().find(|stated| stated.is_repeated_by(&literal.text));
            let Some(repeated) = repeated.filter(|repeated| !is_allowed(&stated, repeated, path)) else { continue };
            let message = format!("`{}` is the name stated in {}: refer to it there", repeated.name, repeated.path);
            problems.push(Problem::error(path, literal.line, message));
        }
    }
    problems
}

/// Returns the names defined by the files of `folder`.
fn statements<'a>(folder: &'a Folder, tree: &'a Tree) -> Vec<Stated<'a>> {
    let mut stated = Vec::new();
    for (path, text) in tree.rust_files().filter(|(path, _)| lies_in(path, folder.path) && !is_test_file(path)) {
        let text = without_tests(text);
        for Statement { mark, mention } in folder.statements {
            let mark = format!("{mark}\"");
            let names = text.split(&mark).skip(1).filter_map(|rest| rest.split('"').next());
            stated.extend(names.map(|name| Stated {
                name: name.to_owned(),
                path,
                mention: *mention,
                homonyms: folder.homonyms,
                strangers: folder.strangers,
            }));
        }
    }
    stated
}

/// Returns true for files of crates that are neither tests nor exempt.
fn is_read(path: &str) -> bool {
    let source = path.strip_prefix("crates/").and_then(|path| path.split('/').nth(1)) == Some("src");
    source && !is_test_file(path) && !EXEMPT.iter().any(|exempt| path.starts_with(exempt))
}

fn lies_in(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// Returns true if the file at `path` defines the name or uses it with another meaning.
fn is_allowed(stated: &[Stated], repeated: &Stated, path: &str) -> bool {
    let own = stated.iter().any(|stated| stated.name == repeated.name && stated.path == path);
    let is_homonym = |homonym: &Homonym| homonym.name == repeated.name && path.starts_with(homonym.path);
    own || repeated.homonyms.iter().any(is_homonym)
        || repeated.strangers.iter().any(|stranger| path.starts_with(stranger))
}

impl Stated<'_> {
    fn is_repeated_by(&self, literal: &str) -> bool {
        match self.mention {
            Mention::Whole => literal == self.name,
            Mention::Word => literal.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str =
        "pub const CODE: &str = \"K010\";\npub const RULE: Rule = Rule {\n    name: \"dead-relu\",\n};\n";

    fn messages(files: &[(&str, &str)]) -> Vec<String> {
        let mut tree = vec![("crates/keel_health/src/rules/dead_relu.rs", RULE)];
        tree.extend_from_slice(files);
        check(&Tree::of(&tree)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_name_is_written_once() {
        let elsewhere = "crates/keel_report/src/record.rs";
        let cases = [
            ("code as a whole literal", elsewhere, "const A: &str = \"K010\";", 1),
            ("code as a word", elsewhere, "fn f() { println!(\"see K010: {a}\"); }", 1),
            ("code in a raw literal", elsewhere, "const A: &str = r#\"K010\"#;", 1),
            ("code in a longer word", elsewhere, "const A: &str = \"K0101\";", 0),
            ("name as a whole literal", elsewhere, "const A: &str = \"dead-relu\";", 1),
            ("name in a sentence", elsewhere, "const A: &str = \"a dead-relu case\";", 0),
            ("another rule's file", "crates/keel_health/src/rules/frozen.rs", "const A: &str = \"K010\";", 1),
            ("two in one file", elsewhere, "const A: [&str; 2] = [\"K010\", \"K010\"];", 2),
            ("a comment", elsewhere, "//! The rule \"K010\".\n", 0),
            ("a reference", elsewhere, "const A: &str = dead_relu::CODE;", 0),
            ("a test module", elsewhere, "#[cfg(test)]\nmod tests {\n    const A: &str = \"K010\";\n}\n", 0),
            ("a file of tests", "crates/keel_report/tests/report.rs", "const A: &str = \"K010\";", 0),
            ("a module of tests", "crates/keel_report/src/sections/tests.rs", "const A: &str = \"K010\";", 0),
            ("the tools for tests", "crates/keel_testkit/src/lib.rs", "const A: &str = \"K010\";", 0),
        ];
        for (case, path, text, expected) in cases {
            assert_eq!(messages(&[(path, text)]).len(), expected, "{case}");
        }
    }

    #[test]
    fn the_message_names_both_places() {
        let found = messages(&[("crates/keel_report/src/record.rs", "//! Report.\nconst A: &str = \"K010\";")]);
        let expected = "crates/keel_report/src/record.rs:2: `K010` is the name stated in \
                        crates/keel_health/src/rules/dead_relu.rs: refer to it there";
        assert_eq!(found, [expected]);
    }

    #[test]
    fn homonyms_and_names_of_two_things_are_allowed_where_they_are_meant() {
        let folder = |path| Folder {
            path,
            statements: &[Statement { mark: "const NAME: &str = ", mention: Mention::Whole }],
            homonyms: &[Homonym { name: "linear", path: "crates/a/src/fits" }],
            strangers: &["crates/b/"],
        };
        let folders = [folder("crates/a/src/layers"), folder("crates/a/src/schedules")];
        let own = "pub const NAME: &str = \"linear\";";
        let tree = Tree::of(&[
            ("crates/a/src/layers/linear.rs", own),
            ("crates/a/src/schedules/linear.rs", own),
            ("crates/a/src/fits/line.rs", "const KIND: &str = \"linear\";"),
            ("crates/a/src/other.rs", "const KIND: &str = \"linear\";"),
            ("crates/b/src/other.rs", "const KIND: &str = \"linear\";"),
        ]);
        let found: Vec<String> = look_for_mentions(&folders, &tree).into_iter().map(|problem| problem.path).collect();
        assert_eq!(found, ["crates/a/src/other.rs"]);
    }

    #[test]
    fn a_folder_that_states_nothing_is_an_error() {
        let found = check(&Tree::of(&[("crates/keel_health/src/rules/dead_relu.rs", "")]));
        assert!(found.len() == 1 && found[0].message.starts_with("no file states a name"));
    }
}
