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
    let data = shortened(session.data().dataset.name());
    let name = format!("{data}-{model}");
    let name: String = name.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
    name.trim_start_matches('.').to_owned()
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
}
