//! Pointers of Git LFS, which stand in the place of files that were not fetched.
//!
//! Format: <https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>

use crate::error::DataError;
use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

/// Beginning of every pointer.
const START: &[u8] = b"version https://git-lfs.github.com/spec/";
/// Number of bytes that every pointer is shorter than.
const BYTES: u64 = 1024;

/// Rejects a file of `length` bytes that is a pointer; the file is left at its start.
///
/// # Errors
/// Fails if the file is a pointer or cannot be read.
pub(super) fn check(path: &Path, file: &mut File, length: u64) -> Result<(), DataError> {
    if length >= BYTES {
        return Ok(());
    }
    let mut start = Vec::new();
    let read = file.take(START.len() as u64).read_to_end(&mut start).and_then(|_| file.rewind());
    read.map_err(|error| DataError::io(path, error))?;
    match start == START {
        false => Ok(()),
        true => Err(DataError::format(
            path,
            "it is a pointer of Git LFS, not the data itself",
            "Fetch the data with `git lfs pull` in the folder of the repository",
        )),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::DataConfig;
    use crate::load::load;

    #[test]
    fn every_reader_names_a_pointer_and_the_command_that_fetches_the_data() {
        let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n";
        let cases: [(&str, &str, &[&str]); 11] = [
            ("t.dat", "t.dat", &[]),
            ("photos.zip", "photos.zip", &[]),
            ("t.csv", "t.csv", &[]),
            ("t.csv.gz", "t.csv.gz", &[]),
            ("t.xlsx", "t.xlsx", &[]),
            ("x.npy", "x.npy", &["y.npy"]),
            ("a.npz", "a.npz", &[]),
            ("train-images-idx3-ubyte", ".", &["train-labels-idx1-ubyte"]),
            ("data_batch_1.bin", ".", &[]),
            ("photos/cat/1.jpg", "photos", &["photos/dog/1.jpg"]),
            ("train.csv", ".", &["test.csv"]),
        ];
        for (name, source, others) in cases {
            let folder = tempfile::tempdir().unwrap();
            for file in [&[name], others].concat() {
                let path = folder.path().join(file);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, pointer).unwrap();
            }
            let message = load(&DataConfig::of_source(source), folder.path()).unwrap_err().to_string();
            assert!(message.contains(name) && message.contains("it is a pointer of Git LFS"), "{message}");
            assert!(message.contains(". Fetch the data with `git lfs pull`"), "{message}");
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("t.csv"), "version,https,kind\n1,2,a\n2,3,b\n1,3,a\n").unwrap();
        assert_eq!(load(&DataConfig::of_source("t.csv"), folder.path()).unwrap().samples(), 3);
    }
}
