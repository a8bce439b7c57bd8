//! Location of the user's own defaults, and the line that reports their use.

use std::env;
use std::path::{Path, PathBuf};

use keel_train::Config;
use keel_train::config::{ConfigError, UserDefaults};

use crate::environment::{DEFAULTS_FILE, NO_DEFAULTS};

/// Path of the file relative to the folder of configs.
const FILE: &str = "evenkeel/config.toml";

/// Reads the user's defaults; `None` if there is no file.
///
/// # Errors
/// If the file is invalid, cannot be read, or was named by the variable and does not exist.
pub(super) fn read() -> Result<Option<UserDefaults>, ConfigError> {
    place(|name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from))
        .map(|path| UserDefaults::read(&path))
        .transpose()
}

/// Returns the file to read; `variable` returns the values of environment variables. Only an explicitly named file may be
/// missing.
fn place(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    if let Some(named) = variable(DEFAULTS_FILE) {
        return (named != Path::new(NO_DEFAULTS)).then_some(named);
    }
    let folder = match cfg!(windows) {
        true => variable("APPDATA"),
        // A relative path is invalid by the XDG Base Directory Specification.
        false => (variable("XDG_CONFIG_HOME").filter(|path| path.is_absolute()))
            .or_else(|| Some(variable("HOME")?.join(".config"))),
    };
    folder.map(|folder| folder.join(FILE)).filter(|file| file.exists())
}

/// Returns the line about the defaults that `config` uses; `None` if none applies.
pub(super) fn report(defaults: &UserDefaults, config: &Config) -> Option<String> {
    let keys = config.given.of_user();
    let setting = |key: &String| format!("{key} = {}", config.value_text(key));
    let settings: Vec<String> = keys.iter().map(setting).collect();
    (!keys.is_empty()).then(|| format!("defaults    {}: {}", defaults.file().display(), settings.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(not(windows))]
    fn the_file_is_where_configs_are() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        let (own, of_home) = (folder.path().join("own").join(FILE), home.join(".config").join(FILE));
        for file in [&own, &of_home] {
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, "").unwrap();
        }
        let (config_home, home) = (folder.path().join("own"), home.as_path());
        let empty = folder.path().join("empty");
        let cases: [(&[(&str, &Path)], Option<&Path>); 7] = [
            (&[], None),
            (&[("HOME", home)], Some(&of_home)),
            (&[("HOME", home), ("XDG_CONFIG_HOME", &config_home)], Some(&own)),
            (&[("HOME", home), ("XDG_CONFIG_HOME", Path::new("own"))], Some(&of_home)),
            (&[("HOME", &empty), ("XDG_CONFIG_HOME", &empty)], None),
            (&[("HOME", home), (DEFAULTS_FILE, Path::new(NO_DEFAULTS))], None),
            (&[("HOME", home), (DEFAULTS_FILE, Path::new("missing.toml"))], Some(Path::new("missing.toml"))),
        ];
        for (variables, expected) in cases {
            let value =
                |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_path_buf());
            assert_eq!(place(value).as_deref(), expected, "{variables:?}");
        }
    }
}
