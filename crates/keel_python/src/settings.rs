//! From settings of a Python program to a config and divided data.

use keel_data::{IN_MEMORY, SplitDataset};
use keel_train::Config;
use keel_train::config::{self, GivenKeys};
use pyo3::prelude::*;

use crate::errors::Raise;
use crate::samples::Samples;

/// A config: its file or preset, the dotted keys a program set, and the name of its data.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Settings {
    /// A preset, or the path of a file; `None` is all defaults.
    config: Option<String>,
    /// `key=value` with values as TOML writes them.
    overrides: Vec<String>,
    /// Stands for the data in messages.
    name: String,
}

impl Settings {
    /// The config with nothing decided that was not given.
    pub(crate) fn load(&self) -> PyResult<Config> {
        let mut config = config::load(self.config.as_deref(), &self.overrides).map_err(Raise::raise)?;
        config.data.source = format!("{IN_MEMORY}{}", self.name);
        Ok(config)
    }

    /// The config, and `samples` divided according to it.
    pub(crate) fn with_data(&self, samples: &Samples) -> PyResult<(Config, SplitDataset)> {
        let config = self.load()?.settled();
        let dataset = samples.to_train(&config.data).map_err(Raise::raise)?;
        let data = config.data.split().divide(dataset).map_err(Raise::raise)?;
        Ok((config, data))
    }
}

/// The keys and the values of a whole config, as JSON.
pub(crate) fn config_json(config: &Config) -> String {
    // A config holds only texts, numbers, truths, lists and tables.
    serde_json::to_string(&Config { given: GivenKeys::default(), ..config.clone() }).unwrap_or_default()
}
