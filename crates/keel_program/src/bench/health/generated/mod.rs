//! Data of the shipped cases that is not built in: tables and arrays, generated on demand.
//!
//! A case names them as files of the folder `data` (`data/rings.csv`), as if they were stored there.

mod arrays;
mod draws;
mod npy;
mod tables;

use std::fs;
use std::io;
use std::path::Path;

use keel_data::DataError;

use arrays::ARRAYS;
pub(super) use npy::Array;
use tables::TABLES;

/// Writes the data that a case names as `data/NAME` into `folder`; returns false if `name` is not generated data.
///
/// # Errors
/// If the file system rejects it.
pub(super) fn write(name: &str, folder: &Path) -> io::Result<bool> {
    if let Some(table) = TABLES.iter().find(|table| table.name == name) {
        fs::create_dir_all(folder)?;
        fs::write(folder.join(name), (table.text)())?;
        return Ok(true);
    }
    let Some(arrays) = ARRAYS.iter().find(|arrays| arrays.name == name) else { return Ok(false) };
    let folder = folder.join(name);
    fs::create_dir_all(&folder)?;
    let pair = (arrays.make)().map_err(|error: DataError| io::Error::other(error.to_string()))?;
    fs::write(folder.join("x.npy"), pair.inputs.to_npy())?;
    fs::write(folder.join("y.npy"), pair.targets.to_npy())?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use keel_data::DataConfig;

    #[test]
    fn every_generated_file_is_small_and_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let names = TABLES.iter().map(|table| table.name).chain(ARRAYS.iter().map(|arrays| arrays.name));
        for name in names {
            assert!(write(name, folder.path()).unwrap(), "{name}");
            let path = folder.path().join(name);
            let data = keel_data::load(&DataConfig::of_source(path.display().to_string()), folder.path())
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(data.samples() >= 80, "{name}: {} samples", data.samples());
            assert!(path.is_dir() || fs::metadata(&path).unwrap().len() <= 61_440, "{name} has over 60 KB");
        }
        assert!(!write("unknown.csv", folder.path()).unwrap());
    }
}
