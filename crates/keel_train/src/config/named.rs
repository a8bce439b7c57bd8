//! Meaning of the argument after a command: a preset, a config file, or data.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::presets::{PRESETS, PresetFile};
use super::validate::nearest;
use keel_data::shell_path;

/// Kinds of things that a name on the command line can refer to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// A shipped config.
    Preset(&'static PresetFile),
    /// A config file.
    Config(PathBuf),
    /// A file or a folder of data.
    Data(PathBuf),
    /// A built-in data set.
    BuiltIn(String),
}

/// Determines what `name` refers to, given the `key=value` overrides of the config. The name of a shipped preset takes precedence
/// (`./digits` is the folder); a folder, or a file with the extension or the first bytes of a data format, is data; the name of a
/// built-in data set is that set, unless there is a file of this name; anything else is a config file, or data if `data.format`
/// is given and it is not named as TOML.
pub fn named(name: &str, overrides: &[String]) -> Named {
    if let Some(preset) = PRESETS.iter().find(|preset| preset.name == name) {
        return Named::Preset(preset);
    }
    let path = Path::new(name);
    if path.is_dir() || keel_data::is_data_file(path) {
        Named::Data(path.to_owned())
    } else if keel_data::is_built_in(name) && !path.exists() {
        Named::BuiltIn(name.to_owned())
    } else if gives_format(overrides) && !is_toml(path) {
        Named::Data(path.to_owned())
    } else {
        Named::Config(path.to_owned())
    }
}

/// Returns true if an override sets the format of the data.
fn gives_format(overrides: &[String]) -> bool {
    let value = |text: &str| {
        text.split_once('=')
            .filter(|(key, _)| key.trim() == "data.format")
            .map(|(_, value)| value.trim().trim_matches(['"', '\'']).to_owned())
    };
    overrides.iter().filter_map(|text| value(text)).next_back().is_some_and(|format| format != "auto")
}

/// Returns true if a file is named as TOML.
pub(super) fn is_toml(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("toml"))
}

impl Named {
    /// Returns a note for an ambiguous name: a preset or a built-in data set with the same name as a file or folder in the
    /// current folder.
    pub fn ambiguity(&self) -> Option<String> {
        match self {
            Named::Preset(PresetFile { name, .. }) => Path::new(name).exists().then(|| {
                format!("`{name}` is a shipped preset and also a file or folder here: using the preset; write ./{name} for the other")
            }),
            Named::Data(path) | Named::Config(path) => {
                let name = path.to_str().filter(|name| keel_data::is_built_in(name))?;
                Some(format!(
                    "`{name}` is a file or folder here and also a built-in data set: using the file or folder; write \
                     --set data.source={name} for the set"
                ))
            }
            Named::BuiltIn(_) => None,
        }
    }

    /// Returns the value of `data.source` that a name of data stands for; `None` for a config.
    pub(super) fn source(&self) -> Option<String> {
        match self {
            Named::Preset(_) | Named::Config(_) => None,
            Named::BuiltIn(name) => Some(name.clone()),
            // As a source, the bare name would be the built-in set.
            Named::Data(path) => match path.to_str() {
                Some(name) if keel_data::is_built_in(name) => Some(format!("./{name}")),
                _ => Some(path.display().to_string()),
            },
        }
    }

    /// Returns the reason why the name cannot be used, and the next step: nothing exists under it, or it is the folder of a run.
    pub(super) fn fault(&self) -> Option<String> {
        let (Named::Data(path) | Named::Config(path)) = self else { return None };
        if path.metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound) {
            return Some(missing(path));
        }
        let (run, config) = (shell_path(path), shell_path(&path.join("config.toml")));
        keel_data::is_run_folder(path).then(|| {
            format!(
                "this is the folder of a run, neither data nor a config; continue the run with `evenkeel train --resume \
                 {run}`, use its model with `evenkeel predict {run} INPUT`, or start a new run with \
                 `evenkeel train {config}`"
            )
        })
    }
}

/// Returns the message about a path that does not exist.
fn missing(path: &Path) -> String {
    let fault = "there is no file or folder of this name";
    let presets: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
    let sets: Vec<&str> = keel_data::built_in_sets().collect();
    // A name of a file has an extension, the shipped names have none.
    let shipped = || nearest(path.to_str()?, presets.iter().chain(&sets).copied()).map(str::to_owned);
    let beside = || keel_data::nearest_path(path).map(|path| path.display().to_string());
    let near = if path.extension().is_none() { shipped().or_else(beside) } else { beside() };
    match near {
        Some(near) => format!("{fault}; did you mean `{near}`?"),
        None => format!(
            "{fault}; use data (a folder, a table, arrays), a TOML file (`evenkeel init` writes one), one of the presets {}, \
             or one of the built-in data sets {}",
            presets.join(", "),
            sets.join(", ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_presets_data_or_configs() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::create_dir(folder.path().join("mlp")).unwrap();
        for name in ["rows.csv", "rows.tsv.gz", "a.npz", "b.toml", "table", "photos.zip"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        std::fs::write(folder.path().join("archive"), b"PK\x03\x04").unwrap();
        assert!(matches!(named("mlp", &[]), Named::Preset(preset) if preset.name == "mlp"));
        for name in ["mlp", "rows.csv", "rows.tsv.gz", "a.npz", "missing.csv", "photos.zip", "archive", "rows.jsonl"] {
            assert_eq!(named(&path(name), &[]), Named::Data(folder.path().join(name)), "{name}");
        }
        for name in ["b.toml", "missing.toml", "missing"] {
            assert_eq!(named(&path(name), &[]), Named::Config(folder.path().join(name)), "{name}");
        }
        for (name, format, is_data) in [
            ("table", "data.format=csv", true),
            ("table", "data.format = \"csv\"", true),
            ("table", "data.format=auto", false),
            ("table", "data.target=csv", false),
            ("b.toml", "data.format=csv", false),
        ] {
            let meant = named(&path(name), &[format.to_owned()]);
            assert_eq!(matches!(meant, Named::Data(_)), is_data, "{name} {format}: {meant:?}");
        }
        for name in ["spiral", "moons", "blobs", "gaussian_mixture"] {
            assert_eq!(named(name, &[]), Named::BuiltIn(name.to_owned()));
        }
    }

    #[test]
    fn a_name_without_a_file_and_a_run_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::create_dir(folder.path().join("run")).unwrap();
        for name in ["titanic.csv", "run/config.toml", "run/summary.json"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let cases = [
            ("titanic.csv", None),
            ("run/config.toml", None),
            ("titanic.cvs", Some("did you mean `")),
            ("kunden.csv", Some("there is no file or folder of this name; use data")),
            ("absent", Some("one of the built-in data sets digits")),
            ("run", Some("--resume")),
        ];
        for (name, expected) in cases {
            let fault = named(&path(name), &[]).fault();
            assert_eq!(fault.is_some(), expected.is_some(), "{name}: {fault:?}");
            assert!(fault.unwrap_or_default().contains(expected.unwrap_or_default()), "{name}");
        }
        assert!(named("resnet2", &[]).fault().unwrap().ends_with("did you mean `resnet20`?"));
    }
}
