//! A user's own defaults: a config that all others override.

use std::path::{Path, PathBuf};

use super::located::{Entry, Located, Node, Origin};
use super::problem::{ConfigError, Problem, line_of};
use super::text_file::read;
use super::{stored_schema, validate};

/// A config file whose values apply where neither the config nor an override gives one.
#[derive(Debug, Clone)]
pub struct UserDefaults {
    file: PathBuf,
    root: Located,
}

impl UserDefaults {
    /// Reads and checks the file at `path`.
    ///
    /// # Errors
    /// [`ConfigError`] with every problem and its line, or the reason why the file cannot be read.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let refuse = |text: &str, problems| ConfigError {
            file: path.to_owned(),
            text: text.to_owned(),
            overrides: Vec::new(),
            problems,
        };
        let whole = |message: String, origin| vec![Problem { key: String::new(), message, origin }];
        let text = read(path)
            .map_err(|reason| refuse("", whole(format!("cannot read your defaults: {reason}"), Origin::Default)))?;
        let mut root = Located::parse(&text).map_err(|(message, span)| {
            let message = format!("not valid TOML: {}", message.trim().replace('\n', ", "));
            refuse(&text, whole(message, Origin::File(span)))
        })?;
        // The check fills in the kinds of sections that the file leaves open, which belongs to the merged config.
        let problems = validate::validate(&mut root.clone(), stored_schema());
        if !problems.is_empty() {
            return Err(refuse(&text, problems));
        }
        mark(&mut root, path, &text);
        Ok(UserDefaults { file: path.to_owned(), root })
    }

    /// Path of the file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Merges the values into `root`, whose own values take precedence. A network in `root` replaces that of the defaults as a
    /// whole.
    pub(super) fn below(&self, root: &mut Located) {
        let mut lower = self.root.clone();
        let has_network =
            |root: &Located| NETWORK.iter().any(|key| root.get("model").is_some_and(|model| model.get(key).is_some()));
        if has_network(root) {
            forget_network(&mut lower);
        }
        merge(root, &lower);
    }
}

/// Keys of the section `model` that each determine the whole network.
const NETWORK: [&str; 3] = ["preset", "layers", "source"];

fn forget_network(root: &mut Located) {
    let Node::Table(sections) = &mut root.node else { return };
    for section in sections.iter_mut().filter(|section| section.key == "model") {
        if let Node::Table(entries) = &mut section.value.node {
            entries.retain(|entry| !NETWORK.contains(&entry.key.as_str()));
        }
    }
}

/// Sets the place of every value of `root` to its place in `file` with the text `text`.
fn mark(root: &mut Located, file: &Path, text: &str) {
    let place = |origin: &Origin| match origin {
        Origin::File(span) => Origin::UserDefaults { file: file.to_owned(), line: line_of(text, span) },
        other => other.clone(),
    };
    root.origin = place(&root.origin);
    match &mut root.node {
        Node::Table(entries) => entries.iter_mut().for_each(|entry| {
            entry.key_origin = place(&entry.key_origin);
            mark(&mut entry.value, file, text);
        }),
        Node::Array(values) => values.iter_mut().for_each(|value| mark(value, file, text)),
        _ => {}
    }
}

/// Adds the values of `lower` that `upper` lacks. Two tables of different `type`, including an absent one, are not mixed: the
/// keys of one optimizer have no meaning for another.
fn merge(upper: &mut Located, lower: &Located) {
    let same = upper.get("type").and_then(Located::as_str) == lower.get("type").and_then(Located::as_str);
    let (Node::Table(entries), Node::Table(defaults)) = (&mut upper.node, &lower.node) else { return };
    if !same {
        return;
    }
    for Entry { key, key_origin, value } in defaults {
        match entries.iter_mut().find(|entry| entry.key == *key) {
            Some(entry) => merge(&mut entry.value, value),
            None => entries.push(Entry { key: key.clone(), key_origin: key_origin.clone(), value: value.clone() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Sources, load_from, place_of};
    use super::*;

    struct Files {
        folder: tempfile::TempDir,
    }

    impl Files {
        fn new(defaults: &str, project: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("defaults.toml"), defaults).unwrap();
            std::fs::write(folder.path().join("project.toml"), project).unwrap();
            Files { folder }
        }

        fn defaults(&self) -> Result<UserDefaults, ConfigError> {
            UserDefaults::read(&self.folder.path().join("defaults.toml"))
        }

        fn load(&self, overrides: &[&str]) -> Config {
            let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
            let (project, defaults) = (self.folder.path().join("project.toml"), self.defaults().unwrap());
            let sources = Sources { name: project.to_str(), overrides: &overrides, defaults: Some(&defaults) };
            load_from(sources).unwrap_or_else(|error| panic!("{error}"))
        }
    }

    #[test]
    fn values_lie_below_those_of_the_config_and_of_overrides() {
        let files = Files::new(
            "[train]\nepochs = 7\nbatch_size = 16\nthreads = 2\n[optimizer]\ntype = \"adam\"\n",
            "[train]\nbatch_size = 64\n",
        );
        let config = files.load(&["train.threads=1"]);
        let train = &config.train;
        assert_eq!((train.epochs, train.batch_size, train.threads), (7, 64, 1));
        assert_eq!(config.optimizer.name(), "adam");
        assert_eq!(config.given.of_user(), ["train.epochs", "optimizer.type"]);
        assert!(config.is_given("train.epochs"), "no automatic choice replaces it");
    }

    #[test]
    fn sections_of_different_kinds_are_not_mixed() {
        let cases: [(&str, &str, &[&str], &str, f64); 5] = [
            ("type = \"adam\"\nlearning_rate = 0.5", "type = \"sgd\"", &[], "sgd", 0.05),
            ("type = \"adam\"\nlearning_rate = 0.5", "momentum = 0.8", &[], "sgd", 0.05),
            ("learning_rate = 0.5", "momentum = 0.8", &[], "sgd", 0.5),
            ("type = \"sgd\"\nmomentum = 0.8", "", &["optimizer.type=adam"], "adam", 0.001),
            ("type = \"adam\"", "", &["optimizer.learning_rate=0.5"], "adam", 0.5),
        ];
        for (defaults, project, overrides, name, rate) in cases {
            let section = |keys: &str| if keys.is_empty() { String::new() } else { format!("[optimizer]\n{keys}\n") };
            let files = Files::new(&section(defaults), &section(project));
            let optimizer = files.load(overrides).optimizer;
            assert_eq!(optimizer.name(), name, "{defaults} {project} {overrides:?}");
            assert_eq!(optimizer.learning_rate(), rate, "{defaults} {project} {overrides:?}");
        }
        let network = "[model]\nlayers = [{ type = \"linear\" }]\ndropout = 0.2\n";
        let model = Files::new(network, "[model]\npreset = \"mlp\"\n").load(&[]).model;
        assert!(model.layers.is_empty() && model.dropout > 0.1, "{model:?}");
    }

    #[test]
    fn faults_name_the_file_and_the_line() {
        let cases = [
            ("[train]\nepoch = 3\n", "defaults.toml:2: `train.epoch`: unknown key; did you mean `epochs`?"),
            ("[train]\nepochs = 0\n", "defaults.toml:2: `train.epochs`: must be at least 1, is 0"),
            ("[train\n", "defaults.toml:1: not valid TOML"),
        ];
        for (text, expected) in cases {
            let message = Files::new(text, "").defaults().unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
        let missing = UserDefaults::read(Path::new("nothing/here.toml")).unwrap_err().to_string();
        assert!(missing.starts_with("nothing/here.toml: cannot read your defaults"), "{missing}");
        let files = Files::new("[data]\n\ntest = 0.9\n", "");
        let (project, defaults) = (files.folder.path().join("project.toml"), files.defaults().unwrap());
        let sources = Sources { name: project.to_str(), overrides: &[], defaults: Some(&defaults) };
        let place = place_of(sources, "data.test").unwrap();
        assert!(matches!(place.origin, Origin::UserDefaults { line: 3, .. }), "{:?}", place.origin);
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let files = Files::new("[data]\nsource = \"rows.csv\"\n", "");
        let data = files.folder.path().join("rows.csv");
        std::fs::write(&data, "a,b\n1,2\n").unwrap();
        let config = files.load(&[]);
        assert_eq!(Path::new(&config.data.source), data.canonicalize().unwrap());
    }
}
