//! Creates the folder of a new run and chooses its name.

use std::path::Path;

use keel_nn::Preset;

use crate::config::Config;
use crate::error::TrainError;
use crate::runs::{RunFolder, RunLock};
use crate::session::Session;

/// Creates the folder, locks it and writes the resolved config into it.
///
/// # Errors
/// If the name is not a valid folder name, or the folder cannot be written.
pub(super) fn new_folder(config: &Config, session: &Session) -> Result<(RunFolder, RunLock), TrainError> {
    let name = if config.run.name.is_empty() { default_name(config, session) } else { config.run.name.clone() };
    let plain = !name.starts_with('.') && !name.contains(['/', '\\', '\0']);
    if !plain {
        return Err(TrainError::setting(
            "run.name",
            format!("`{name}` is not a valid folder name; leave out slashes and a leading dot"),
        ));
    }
    let folder = RunFolder::create(Path::new(&config.run.directory), &name)?;
    let lock = folder.lock()?;
    folder.write_text(&folder.config(), &config.to_toml())?;
    Ok((folder, lock))
}

/// Maximum length in bytes of the part of a run's name that comes from the data: file systems allow 255 for the whole name.
const DATA_NAME_BYTES: usize = 80;

/// Truncates a long name.
fn shortened(name: &str) -> &str {
    let end = (0..=DATA_NAME_BYTES.min(name.len())).rev().find(|&end| name.is_char_boundary(end));
    &name[..end.unwrap_or(0)]
}

/// Default name from data and model, such as `digits-cnn`.
fn default_name(config: &Config, session: &Session) -> String {
    let preset = || Preset::ALL.iter().find(|entry| entry.0 == config.model.preset).map_or("model", |entry| entry.1);
    let model = if config.model.layers.is_empty() { preset() } else { "custom" };
    let dataset = &session.data().dataset;
    let is_file = dataset.origin().is_some_and(|origin| Path::new(&origin.source).is_file());
    let data = if is_file { without_ending(dataset.name()) } else { dataset.name() };
    folder_name(data, model)
}

/// Returns the name of a file without its extension, and without that of its compression.
fn without_ending(file: &str) -> &str {
    let file = Path::new(file.strip_suffix(".gz").unwrap_or(file));
    file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
}

/// Joins `data` and `model` to a valid name of a folder.
fn folder_name(data: &str, model: &str) -> String {
    let name = format!("{}-{model}", shortened(data));
    let name: String = name.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
    name.trim_start_matches(['.', '-']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_long_data_leave_room_for_a_file_system() {
        for (name, bytes) in
            [("digits".to_owned(), 6), ("x".repeat(252), 80), ("é".repeat(252), 80), ("字".repeat(90), 78)]
        {
            assert_eq!(shortened(&name).len(), bytes, "{name}");
        }
    }

    #[test]
    fn files_give_their_names_without_endings() {
        for (file, expected) in [
            ("customers.csv", "customers-mlp"),
            ("customers.csv.gz", "customers-mlp"),
            ("sales.2024.parquet", "sales.2024-mlp"),
            ("unit prices.xlsx", "unit-prices-mlp"),
            ("customers", "customers-mlp"),
            (".csv", "csv-mlp"),
            ("..csv", "mlp"),
            (".gz", "mlp"),
        ] {
            assert_eq!(folder_name(without_ending(file), "mlp"), expected, "{file}");
        }
        assert_eq!(folder_name("photos.v2", "cnn"), "photos.v2-cnn", "a folder");
    }
}
