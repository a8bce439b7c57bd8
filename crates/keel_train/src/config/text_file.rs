//! The text of a config file.

use std::io;
use std::path::Path;

/// Reads the file at `path`. A pipe or a device is rejected, because reading it could block or never end.
pub(super) fn read(path: &Path) -> io::Result<String> {
    if path.exists() {
        keel_data::check_is_file(path).map_err(io::Error::other)?;
    }
    std::fs::read_to_string(path)
}
