//! Parquet files with flat columns, behind the feature `parquet`: the library takes longer to build than all other
//! readers together.

#[cfg(feature = "parquet")]
mod rows;

use super::raw::RawTable;
use crate::catalog::CatalogEntry;
use crate::config::DataConfig;
use crate::error::DataError;
use crate::format::Format;
use crate::readers::{Reader, table};
use std::path::Path;

/// The reader of this format.
pub(in crate::readers) const READER: Reader = Reader {
    entry: CatalogEntry {
        name: "parquet",
        summary: "table of a .parquet file, uncompressed or with snappy or gzip (in builds with the feature parquet)",
    },
    format: Format::Parquet,
    read: table::read,
};

/// Reads a whole file.
///
/// # Errors
/// Fails if the file is damaged or larger than the config allows, uses a compression that is not built in, has columns
/// of lists or groups, or if the build has no reader.
#[cfg(feature = "parquet")]
pub(super) fn read(path: &Path, config: &DataConfig) -> Result<RawTable, DataError> {
    rows::read(path, config)
}

/// Rejects the file, since this build has no reader for it.
#[cfg(not(feature = "parquet"))]
pub(super) fn read(path: &Path, _config: &DataConfig) -> Result<RawTable, DataError> {
    let next = "Build Evenkeel with --features parquet, or save the table as CSV or .xlsx";
    Err(DataError::format(path, "this build does not read Parquet files", next))
}

#[cfg(all(test, not(feature = "parquet")))]
mod tests {
    use crate::config::DataConfig;
    use crate::load::load;

    #[test]
    fn a_build_without_the_reader_names_the_feature() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("t.parquet"), b"PAR1").unwrap();
        let message = load(&DataConfig::of_source("t.parquet"), folder.path()).unwrap_err().to_string();
        assert!(message.contains("--features parquet"), "{message}");
    }
}
