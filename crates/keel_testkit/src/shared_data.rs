//! Data sets next to the checkout, for tests that use them if available.

use std::path::PathBuf;

use crate::skipping::skipped;

/// Returns the path of `name` in the folder `../shared/data` next to the workspace, if it exists.
pub fn shared_data_path(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")).join(name);
    path.exists().then_some(path)
}

/// Like [`shared_data_path`], but reports on standard error that `test` is skipped if the data is missing:
/// `let Some(path) = shared_data_or_skip("iris.csv", "reads_iris") else { return };`.
pub fn shared_data_or_skip(name: &str, test: &str) -> Option<PathBuf> {
    let path = shared_data_path(name);
    if path.is_none() {
        skipped(test, &format!("../shared/data/{name} is not there"));
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_data_is_none() {
        assert_eq!(shared_data_path("no such file.csv"), None);
    }
}
