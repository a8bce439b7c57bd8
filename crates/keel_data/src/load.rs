//! Loading of the dataset described by a `[data]` section.

use crate::config::{DIGITS, DataConfig};
use crate::dataset::{Dataset, Peers, Schema};
use crate::error::DataError;
use crate::readers::{ImageSurvey, READ, Request, Table, nearest_path, read, read_image_files, survey_images};
use crate::synthetic::{generate, is_synthetic, synthetic_sets};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Prefix of `data.source` for data created in memory; the name of the dataset follows.
pub const IN_MEMORY: &str = "memory:";

impl Dataset {
    /// Loads the source named by `config`: a built-in set, or a file or folder relative to the current folder.
    ///
    /// # Errors
    /// Fails if the source cannot be read completely; the message names the file and the next step.
    pub fn load(config: &DataConfig) -> Result<Self, DataError> {
        load(config, Path::new(""))
    }
}

/// Returns true if `source` names a built-in set. It takes precedence over a file of that name, which `./digits` refers to.
pub fn is_built_in(source: &str) -> bool {
    source == DIGITS || is_synthetic(source)
}

/// Iterates over the names of the built-in sets.
pub fn built_in_sets() -> impl Iterator<Item = &'static str> {
    std::iter::once(DIGITS).chain(synthetic_sets().map(|entry| entry.name))
}

/// Loads the source named by `config`: a built-in set, or a path relative to `base_directory`, the folder of the config file.
///
/// # Errors
/// Fails if the source cannot be read completely; the message names the file and the next step.
pub fn load(config: &DataConfig, base_directory: &Path) -> Result<Dataset, DataError> {
    with_source_as_origin(&SourceRequest { config, base_directory, schema: None, wanted: Wanted::Targets, peers: None })
}

/// Like [`load`], for processes that train together: each keeps the inputs of its part of the samples and fetches
/// others from the process that holds them. Each process decodes only its part of an image folder; tables and arrays
/// are read whole before the rest is dropped. All processes call this at the same time with the same config.
///
/// # Errors
/// Fails on all processes under the same conditions as [`load`], and with [`DataError::Peers`] if one of them cannot
/// answer or has other data.
pub fn load_shared(config: &DataConfig, base_directory: &Path, peers: &Arc<dyn Peers>) -> Result<Dataset, DataError> {
    let request = SourceRequest { config, base_directory, schema: None, wanted: Wanted::Targets, peers: Some(peers) };
    let dataset = with_source_as_origin(&request)?;
    if dataset.is_shared() || peers.size() == 1 { Ok(dataset) } else { dataset.shared_by(Arc::clone(peers)) }
}

/// Like [`load`], for a trained model: images are converted to its size and channels, classes and columns get its
/// indices, and anything the model was not trained on is rejected. Tables without the target column, folders without
/// class folders and single images give unlabelled samples.
pub fn load_for_model(config: &DataConfig, base_directory: &Path, schema: &Schema) -> Result<Dataset, DataError> {
    let wanted = Wanted::Targets;
    let request = SourceRequest { config, base_directory, schema: Some(schema), wanted, peers: None };
    of_model_shape(load_source(&request)?, schema)
}

/// Like [`load_for_model`], for prediction: every row of a table is kept, whatever its target column contains, and
/// samples of tables are unlabelled.
pub fn load_to_predict(config: &DataConfig, base_directory: &Path, schema: &Schema) -> Result<Dataset, DataError> {
    let wanted = Wanted::Inputs;
    let request = SourceRequest { config, base_directory, schema: Some(schema), wanted, peers: None };
    of_model_shape(load_source(&request)?, schema)
}

fn of_model_shape(dataset: Dataset, schema: &Schema) -> Result<Dataset, DataError> {
    if dataset.sample_shape() == &schema.sample_shape {
        return Ok(dataset);
    }
    Err(DataError::shape("shape of a sample for this model", schema.sample_shape, dataset.sample_shape()))
}

/// Returns number, sizes and classes of the images named by `config`, read from their headers alone, or `None` if the
/// source is not an image folder.
///
/// # Errors
/// Fails if a header cannot be read or there are no class folders.
pub fn survey(config: &DataConfig, base_directory: &Path) -> Result<Option<ImageSurvey>, DataError> {
    let path = base_directory.join(&config.source);
    if is_built_in(&config.source) || !path.exists() {
        return Ok(None);
    }
    survey_images(&Request { path: &path, config, schema: None, peers: None, wants_targets: true })
}

/// Like [`load_for_model`] or [`load_to_predict`], for single image `files` in any folders. If targets are needed, each
/// file's folder names its class.
///
/// # Errors
/// Fails if a file cannot be decoded or, when targets are needed, if a folder is not named after a class of the model.
pub fn load_images_for_model(
    config: &DataConfig,
    schema: &Schema,
    files: &[PathBuf],
    wanted: Wanted,
) -> Result<Dataset, DataError> {
    let path = files.first().map(PathBuf::as_path).unwrap_or(Path::new(""));
    let wants_targets = wanted == Wanted::Targets;
    read_image_files(&Request { path, config, schema: Some(schema), peers: None, wants_targets }, files)
}

/// Like [`load_for_model`] or [`load_to_predict`], for a table in memory.
///
/// # Errors
/// Fails if the table lacks a column of the model or a cell cannot be read.
pub fn load_table_for_model(
    config: &DataConfig,
    schema: &Schema,
    table: &Table,
    wanted: Wanted,
) -> Result<Dataset, DataError> {
    of_model_shape(table.for_model(config, schema, wanted == Wanted::Targets)?, schema)
}

/// Part of a source to read for a trained model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Samples to predict, without labels.
    Inputs,
    /// Samples with their labels.
    Targets,
}

/// A source and the purpose of reading it.
struct SourceRequest<'a> {
    config: &'a DataConfig,
    base_directory: &'a Path,
    /// Schema the data must match, if it is for a trained model.
    schema: Option<&'a Schema>,
    wanted: Wanted,
    /// Processes that read the source together.
    peers: Option<&'a Arc<dyn Peers>>,
}

/// Loads a source and records the config that loads it again.
fn with_source_as_origin(request: &SourceRequest) -> Result<Dataset, DataError> {
    let absolute = |path: PathBuf| path.canonicalize().unwrap_or(path).display().to_string();
    let config = request.config;
    let source = match config.source.as_str() {
        name if is_built_in(name) => config.source.clone(),
        path => absolute(request.base_directory.join(path)),
    };
    Ok(load_source(request)?.with_origin(DataConfig { source, ..config.clone() }))
}

fn load_source(request: &SourceRequest) -> Result<Dataset, DataError> {
    let dataset = read_source(request)?;
    let is_table = !dataset.columns().is_empty();
    let unused = if request.schema.is_some() || is_table { Vec::new() } else { keys_of_tables(request.config) };
    if unused.is_empty() {
        return Ok(dataset);
    }
    let (keys, what) = (unused.join(", "), if unused.len() == 1 { "has" } else { "have" });
    Ok(dataset.with_notes(vec![format!("{keys} {what} no effect: only tables have columns")]))
}

/// Returns the keys about columns of tables that `config` sets.
fn keys_of_tables(config: &DataConfig) -> Vec<&'static str> {
    let keys = [
        ("data.target", !config.target.is_empty()),
        ("data.ignore_columns", !config.ignore_columns.is_empty()),
        ("data.missing_values", !config.missing_values.is_empty()),
        ("data.header", config.header.is_some()),
        ("data.group", !config.group.is_empty()),
        ("data.time", !config.time.is_empty()),
    ];
    keys.into_iter().filter(|(_, is_set)| *is_set).map(|(key, _)| key).collect()
}

fn read_source(request: &SourceRequest) -> Result<Dataset, DataError> {
    let SourceRequest { config, base_directory, schema, wanted, peers } = *request;
    if config.source == DIGITS {
        return Dataset::digits();
    }
    if let Some(dataset) = generate(config)? {
        return Ok(dataset);
    }
    if let Some(name) = config.source.strip_prefix(IN_MEMORY) {
        let what = format!("this run was trained on data in the memory of a program (\"{name}\") that has ended");
        let next = "Give the data: `evenkeel eval RUN FILE`, or from that program with Trainer::resume";
        return Err(DataError::setting("data.source", what, next));
    }
    let path = base_directory.join(&config.source);
    if !path.exists() {
        // Data given to a model is nearly always a file; listing the built-in sets would mislead.
        let missing =
            || DataError::io(&path, std::io::Error::new(std::io::ErrorKind::NotFound, "no such file or folder"));
        return Err(if schema.is_some() { missing() } else { unknown_source(config, &path) });
    }
    read(&Request { path: &path, config, schema, peers, wants_targets: wanted == Wanted::Targets })
}

fn unknown_source(config: &DataConfig, path: &Path) -> DataError {
    let names: Vec<&str> = built_in_sets().collect();
    let near = nearest_path(path).and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    let near = near.map(|name| format!("Did you mean \"{name}\"? ")).unwrap_or_default();
    DataError::UnknownSource {
        source_name: config.source.clone(),
        path: path.to_path_buf(),
        next: format!("{near}Give one of {}, or the path of {READ}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_tables_are_noted_where_there_are_no_columns() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("t.csv"), "a,b\n1,x\n2,y\n3,x\n").unwrap();
        let of_target = |source: &str| DataConfig { target: "b".into(), ..DataConfig::of_source(source) };
        let note = "data.target has no effect: only tables have columns";
        let several = DataConfig { group: "a".into(), header: Some(true), ..of_target("digits") };
        let cases = [
            (of_target("t.csv"), None),
            (of_target("spiral"), Some(note)),
            (DataConfig::of_source("digits"), None),
            (several, Some("data.target, data.header, data.group have no effect: only tables have columns")),
        ];
        for (config, expected) in cases {
            let data = load(&config, folder.path()).unwrap();
            let found = data.notes().iter().find(|note| note.contains("no effect"));
            assert_eq!(found.map(String::as_str), expected, "{}", config.source);
        }
        // A model is given the config of its training run, whose note was shown then.
        let schema = load(&of_target("digits"), folder.path()).unwrap().schema();
        let notes = load_for_model(&of_target("digits"), folder.path(), &schema).unwrap().notes().join("; ");
        assert!(!notes.contains("no effect"), "{notes}");
    }

    #[test]
    fn an_unknown_source_is_answered_with_what_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let message = load(&DataConfig::of_source("absent"), folder.path()).unwrap_err().to_string();
        let expected = "or the path of a folder with one folder of images for each class, a table (.csv, .tsv, .xlsx";
        assert!(message.contains(expected), "{message}");
    }
}
