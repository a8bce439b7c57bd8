//! Meaning of the argument after a command: a preset, a config file, or data.

use std::path::{Path, PathBuf};

use super::presets::{PRESETS, PresetFile};

/// Kinds of things that a name on the command line can refer to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// A shipped config.
    Preset(&'static PresetFile),
    /// A config file.
    Config(PathBuf),
    /// A file or a folder of data.
    Data(PathBuf),
}

/// Determines what `name` refers to. The name of a shipped preset takes precedence (`./digits` is the folder); a folder, or a
/// file with the extension of a data format, is data; anything else is a config file.
pub fn named(name: &str) -> Named {
    if let Some(preset) = PRESETS.iter().find(|preset| preset.name == name) {
        return Named::Preset(preset);
    }
    let path = Path::new(name);
    if path.is_dir() || keel_data::is_data_file(path) {
        Named::Data(path.to_owned())
    } else {
        Named::Config(path.to_owned())
    }
}

impl Named {
    /// Returns a note for an ambiguous name: a preset with the same name as a file or folder in the current folder.
    pub fn ambiguity(&self) -> Option<String> {
        let Named::Preset(preset) = self else { return None };
        let name = preset.name;
        Path::new(name).exists().then(|| {
            format!("`{name}` is a shipped preset and also a file or folder here: using the preset; write ./{name} for the other")
        })
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
        for name in ["rows.csv", "rows.tsv.gz", "a.npz", "b.toml"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        assert!(matches!(named("mlp"), Named::Preset(preset) if preset.name == "mlp"));
        for name in ["mlp", "rows.csv", "rows.tsv.gz", "a.npz", "missing.csv"] {
            assert_eq!(named(&path(name)), Named::Data(folder.path().join(name)), "{name}");
        }
        for name in ["b.toml", "missing.toml", "missing"] {
            assert_eq!(named(&path(name)), Named::Config(folder.path().join(name)), "{name}");
        }
    }
}
