//! From a `[data]` section to a dataset.

use crate::config::DataConfig;
use crate::dataset::{Dataset, Schema};
use crate::error::DataError;
use crate::readers::{ImageSurvey, READERS, Request, read, survey_images};
use crate::synthetic::{SYNTHETIC, generate};
use std::path::Path;

/// Loads what `config` names: a built-in set, or a path relative to `base_directory`, the folder of the config file.
///
/// # Errors
/// Whatever keeps the source from being read completely; the message names the file and the next step.
pub fn load(config: &DataConfig, base_directory: &Path) -> Result<Dataset, DataError> {
    load_source(config, base_directory, None, Wanted::Targets)
}

/// Like [`load`], for a trained model: images are brought to its size and channels, classes and columns get its
/// numbers, and anything the model was not trained on is refused. Tables without the target column, folders without
/// class folders and single images give unlabelled samples.
pub fn load_for_model(config: &DataConfig, base_directory: &Path, schema: &Schema) -> Result<Dataset, DataError> {
    of_model_shape(load_source(config, base_directory, Some(schema), Wanted::Targets)?, schema)
}

/// Like [`load_for_model`], to predict: every row of a table stays in, whatever stands in its target column, and samples
/// of tables are unlabelled.
pub fn load_to_predict(config: &DataConfig, base_directory: &Path, schema: &Schema) -> Result<Dataset, DataError> {
    of_model_shape(load_source(config, base_directory, Some(schema), Wanted::Inputs)?, schema)
}

fn of_model_shape(dataset: Dataset, schema: &Schema) -> Result<Dataset, DataError> {
    if dataset.sample_shape() == &schema.sample_shape {
        return Ok(dataset);
    }
    Err(DataError::shape("shape of a sample for this model", schema.sample_shape, dataset.sample_shape()))
}

/// Number, sizes and classes of the images `config` names, from their headers alone; `None` where the source is not an
/// image folder.
///
/// # Errors
/// Headers that cannot be read, no class folders.
pub fn survey(config: &DataConfig, base_directory: &Path) -> Result<Option<ImageSurvey>, DataError> {
    let path = base_directory.join(&config.source);
    let built_in = config.source == "digits" || SYNTHETIC.iter().any(|entry| entry.name == config.source);
    if built_in || !path.exists() {
        return Ok(None);
    }
    survey_images(&Request { path: &path, config, schema: None, wants_targets: true })
}

/// What is wanted of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Inputs,
    Targets,
}

fn load_source(
    config: &DataConfig,
    base_directory: &Path,
    schema: Option<&Schema>,
    wanted: Wanted,
) -> Result<Dataset, DataError> {
    if config.source == "digits" {
        return Dataset::digits();
    }
    if SYNTHETIC.iter().any(|entry| entry.name == config.source) {
        return generate(config);
    }
    let path = base_directory.join(&config.source);
    if !path.exists() {
        // What a model is asked about is nearly always a file; the names of the built-in sets would lead astray.
        let missing =
            || DataError::io(&path, std::io::Error::new(std::io::ErrorKind::NotFound, "no such file or folder"));
        return Err(if schema.is_some() { missing() } else { unknown_source(config, &path) });
    }
    read(&Request { path: &path, config, schema, wants_targets: wanted == Wanted::Targets })
}

fn unknown_source(config: &DataConfig, path: &Path) -> DataError {
    let mut names = vec!["digits"];
    names.extend(SYNTHETIC.iter().map(|entry| entry.name));
    let formats: Vec<&str> = READERS.iter().map(|entry| entry.name).collect();
    DataError::UnknownSource {
        source_name: config.source.clone(),
        path: path.to_path_buf(),
        next: format!("Give one of {}, or a path to {}", names.join(", "), formats.join(", ")),
    }
}
