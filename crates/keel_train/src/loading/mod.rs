//! Loading of the data that a config names, and of the data of an earlier run.

mod run_data;

use std::path::Path;

use keel_data::{DataConfig, SplitDataset};

use crate::config::Config;
use crate::error::TrainError;

pub use run_data::{ChangedData, RunData};
pub(crate) use run_data::{DataRecord, compare_data};

/// Loads and splits the data named by a config.
///
/// # Errors
/// If the data cannot be read or split, or images would take more than `train.memory_limit`.
pub fn load_data(config: &Config) -> Result<SplitDataset, TrainError> {
    let data = data_config(config)?;
    Ok(keel_data::load(&data, Path::new(""))?.split(data.split())?)
}

/// Returns the `[data]` section with all settings resolved and the memory limit it has to keep.
pub(crate) fn data_config(config: &Config) -> Result<DataConfig, TrainError> {
    let mut data = config.clone().settled().data;
    let limit = config.train.memory_limit.resolve();
    let limit = limit.map_err(|message| TrainError::setting("train.memory_limit", message))?;
    data.largest_bytes = limit.map(|(bytes, _)| bytes);
    Ok(data)
}
