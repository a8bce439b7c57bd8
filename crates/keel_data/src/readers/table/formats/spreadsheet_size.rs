//! Unpacked size of a spreadsheet, determined before its reader allocates memory for it.

use crate::config::DataConfig;
use crate::error::DataError;
use crate::readers::data_file::{self, ByteLimit, megabytes};
use std::io::BufReader;
use std::path::Path;
use zip::ZipArchive;

/// Rejects a spreadsheet that takes, or unpacks to, more bytes than the config allows.
///
/// # Errors
/// Fails if the path is not a file or exceeds the limit.
pub(super) fn check(path: &Path, config: &DataConfig) -> Result<(), DataError> {
    let (file, length) = data_file::open(path)?;
    ByteLimit::of_plain(config).check(path, length, || format!("it has {}", megabytes(length)))?;
    // The older format is not packed; anything else is rejected by its reader.
    let Ok(mut archive) = ZipArchive::new(BufReader::new(file)) else { return Ok(()) };
    let limit = ByteLimit::of_packed(config, length);
    let mut total = 0u64;
    for entry in 0..archive.len() {
        total = total.saturating_add(archive.by_index_raw(entry).map_or(0, |entry| entry.size()));
    }
    // An entry longer than declared is rejected by the library when it is read.
    limit.check(path, total, || format!("its {} unpack to {}", megabytes(length), megabytes(total)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::{Read, Write};

    /// Writes an archive of zeros that claims a size of `said` bytes, if given.
    fn write(path: &Path, length: usize, said: Option<u32>) {
        let mut archive = zip::ZipWriter::new(File::create(path).unwrap());
        archive.start_file("xl/sharedStrings.xml", zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(&vec![0; length]).unwrap();
        archive.finish().unwrap();
        if let Some(said) = said {
            let mut bytes = std::fs::read(path).unwrap();
            let places: Vec<usize> =
                (0..bytes.len() - 4).filter(|&at| bytes[at..at + 4] == (length as u32).to_le_bytes()).collect();
            assert!(!places.is_empty());
            places.iter().for_each(|&at| bytes[at..at + 4].copy_from_slice(&said.to_le_bytes()));
            std::fs::write(path, bytes).unwrap();
        }
    }

    #[test]
    fn archives_that_unpack_to_more_than_the_limit_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.xlsx");
        let config = |largest_file_megabytes| DataConfig { largest_file_megabytes, ..DataConfig::of_source("t.xlsx") };
        let cases = [
            (600_000_000, None, "unpack to 600.0 MB; at most 512 MB of one file are read"),
            (3_000_000, Some(2), "unpack to 3.0 MB; at most 2 MB of one file are read"),
        ];
        for (length, megabytes, expected) in cases {
            write(&path, length, None);
            let message = crate::load::load(&config(megabytes), folder.path()).unwrap_err().to_string();
            assert!(message.contains("t.xlsx") && message.contains(expected), "{message}");
        }
        write(&path, 3_000_000, None);
        check(&path, &config(None)).unwrap();
    }

    #[test]
    fn the_library_reads_no_more_of_an_entry_than_the_archive_says() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.xlsx");
        write(&path, 3_000_000, Some(200));
        let mut archive = ZipArchive::new(BufReader::new(File::open(&path).unwrap())).unwrap();
        let (mut entry, mut bytes) = (archive.by_index(0).unwrap(), Vec::new());
        assert_eq!(entry.size(), 200);
        assert!(entry.read_to_end(&mut bytes).is_err() && bytes.len() < 1_000);
    }
}
