//! Conversion of a Python program's settings to a config and divided data.

use keel_data::{IN_MEMORY, SplitDataset};
use keel_train::Config;
use keel_train::config::{self, GivenKeys};
use pyo3::prelude::*;

use crate::errors::Raise;
use crate::samples::Samples;

/// A config: its file or preset, the dotted keys set by the program, and the name of its data.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Settings {
    /// A preset, or the path of a file; `None` for all defaults.
    config: Option<String>,
    /// `key=value` with values in TOML syntax.
    overrides: Vec<String>,
    /// Name of the data in messages.
    name: String,
}

impl Settings {
    /// Loads the config without resolving keys that were not given.
    pub(crate) fn load(&self) -> PyResult<Config> {
        let mut config = config::load(self.config.as_deref(), &self.overrides).map_err(Raise::raise)?;
        config.data.source = format!("{IN_MEMORY}{}", self.name);
        Ok(config)
    }

    /// Returns the config, and `samples` divided according to it.
    pub(crate) fn with_data(&self, samples: &Samples) -> PyResult<(Config, SplitDataset)> {
        let config = self.load()?.settled();
        let dataset = samples.to_train(&config.data).map_err(Raise::raise)?;
        let data = config.data.split().divide(dataset).map_err(Raise::raise)?;
        Ok((config, data))
    }
}

/// Returns the keys and values of a whole config, as JSON.
pub(crate) fn config_json(config: &Config) -> String {
    // A config contains only texts, numbers, booleans, lists and tables.
    serde_json::to_string(&Config { given: GivenKeys::default(), ..config.clone() }).unwrap_or_default()
}
