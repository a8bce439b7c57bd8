//! Selects the config that a command works on.

mod user_defaults;

use clap::{Args, ValueHint};
use keel_data::shell_word;
use keel_train::config::{ConfigError, Sources, UserDefaults, load_from, named, string_override};
use keel_train::{Config, TrainError};

use crate::failure::Stop;
use crate::failure_sources::of_config;
use crate::terminal::Output;

/// A config file or preset, and changes to it.
#[derive(Debug, Args)]
pub(crate) struct Settings {
    /// Data to train on (a folder of images, a table, arrays), a config file, or a shipped preset such as digits or
    /// resnet20; the embedded digits if absent
    #[arg(value_name = "DATA|CONFIG|PRESET", value_hint = ValueHint::AnyPath)]
    pub(crate) config: Option<String>,
    /// Column to predict, for tables; the same as --set data.target=COLUMN
    #[arg(long, value_name = "COLUMN")]
    pub(crate) target: Option<String>,
    /// Set a dotted key of the config, for example train.epochs=5; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

impl Settings {
    /// Reads and checks the config, with the user's own defaults. Defaults that apply are reported.
    pub(crate) fn load(&self, output: &Output) -> Result<Config, ConfigError> {
        let (overrides, defaults) = (self.overrides(), user_defaults::read()?);
        let config = load_from(self.sources(&overrides, defaults.as_ref()))?;
        let report = defaults.and_then(|defaults| user_defaults::report(&defaults, &config));
        report.iter().for_each(|line| output.remark(line));
        Ok(config)
    }

    fn sources<'a>(&'a self, overrides: &'a [String], defaults: Option<&'a UserDefaults>) -> Sources<'a> {
        Sources { name: self.config.as_deref(), overrides, defaults }
    }

    /// Returns all overrides, including those of separate options.
    pub(crate) fn overrides(&self) -> Vec<String> {
        let target = self.target.iter().map(|column| string_override("data.target", column));
        self.set.iter().cloned().chain(target).collect()
    }

    /// Returns a note about an ambiguous name; `None` for an unambiguous one.
    pub(crate) fn ambiguity(&self) -> Option<String> {
        self.config.as_deref().and_then(|name| named(name, &self.overrides()).ambiguity())
    }

    /// Returns the arguments that select the same config, each after a space, quoted for a shell if necessary.
    pub(crate) fn as_arguments(&self) -> String {
        let set = self.set.iter().map(|setting| format!(" --set {}", shell_word(setting)));
        let target = self.target.iter().map(|column| format!(" --target {}", shell_word(column)));
        self.config.iter().map(|config| format!(" {}", shell_word(config))).chain(target).chain(set).collect()
    }

    /// Returns an error that occurred when the config was used, with the place of its key.
    pub(crate) fn placed(&self, error: impl Into<TrainError>) -> Stop {
        let (overrides, defaults) = (self.overrides(), user_defaults::read().ok().flatten());
        of_config(self.sources(&overrides, defaults.as_ref()), error.into())
    }
}

/// Maximum number of seconds that a command accepts: the maximum of `train.time_limit`, 31 years.
const MOST_SECONDS: f64 = 1e9;

/// Parses a time such as `90`, `90s`, `10m`, `1.5h` or `1h30m` as seconds.
pub(crate) fn seconds(text: &str) -> Result<f64, String> {
    let plain = || text.parse::<f64>().map_err(|_| ());
    let time = plain().or_else(|()| humantime::parse_duration(text).map(|time| time.as_secs_f64()));
    match time {
        Ok(seconds) if seconds > MOST_SECONDS => {
            Err(format!("longer than {MOST_SECONDS:.0} s; remove it for no limit"))
        }
        Ok(seconds) if seconds > 0.0 => Ok(seconds),
        Ok(_) => Err("not a time above 0; write 90s, 10m or 1h30m".to_owned()),
        Err(error) => Err(format!("{error}; write 90s, 10m or 1h30m")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_given_again_as_a_shell_reads_them() {
        let set = ["train.epochs=3", "model.layers=[{type=\"linear\"}]", "run.name=it's"].map(String::from).to_vec();
        let settings = Settings { config: Some("my.toml".to_owned()), target: Some("unit price".to_owned()), set };
        let expected = r#" my.toml --target 'unit price' --set train.epochs=3 --set 'model.layers=[{type="linear"}]' --set 'run.name=it'\''s'"#;
        assert_eq!(settings.as_arguments(), expected);
        assert_eq!(Settings { config: None, target: None, set: Vec::new() }.as_arguments(), "");
    }

    #[test]
    fn times_have_units() {
        let times =
            [("90", 90.0), ("90s", 90.0), ("10m", 600.0), ("1.5h", 5400.0), ("1h30m", 5400.0), ("2 days", 172_800.0)];
        for (text, expected) in times {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for text in ["", "0", "0s", "-1", "-1s", "10x", "m", "inf", "nan", "1e308", "1e308h", "280000h"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
