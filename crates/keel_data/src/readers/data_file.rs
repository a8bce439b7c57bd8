//! Opening of data files, with checks of their kind and of the memory they take.

use super::lfs_pointer;
use crate::config::DataConfig;
use crate::error::DataError;
use std::fs::{File, FileType};
use std::io::Read;
use std::path::Path;

const MEGABYTE: u64 = 1_000_000;
/// Default maximum size of an image, a spreadsheet or an unpacked file, in megabytes.
const DECODED_MEGABYTES: u64 = 512;
/// Default maximum size of a file that is read unchanged, in megabytes.
const PLAIN_MEGABYTES: u64 = 4_096;
/// Maximum ratio of unpacked to packed size that is accepted beyond [`DECODED_MEGABYTES`].
const BELIEVED_RATIO: u64 = 20;

/// Maximum number of bytes that one file may take in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByteLimit {
    bytes: u64,
    reason: Reason,
}

/// Origin of a limit, which determines how it can be raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    /// The key `data.largest_file_megabytes` or its default.
    Key,
    /// The available memory.
    Memory,
}

impl ByteLimit {
    /// Returns the limit for the pixels of one image.
    pub(crate) fn of_image(config: &DataConfig) -> Self {
        // The memory of all images together is checked where their size is known.
        Self {
            bytes: config.largest_file_megabytes.unwrap_or(DECODED_MEGABYTES).saturating_mul(MEGABYTE),
            reason: Reason::Key,
        }
    }

    /// Returns the limit for a file that is read unchanged.
    pub(crate) fn of_plain(config: &DataConfig) -> Self {
        Self::of_megabytes(config, PLAIN_MEGABYTES.saturating_mul(MEGABYTE))
    }

    /// Returns the limit for the content of a packed file of `packed` bytes.
    pub(crate) fn of_packed(config: &DataConfig, packed: u64) -> Self {
        let believed = packed.saturating_mul(BELIEVED_RATIO);
        Self::of_megabytes(config, believed.clamp(DECODED_MEGABYTES * MEGABYTE, PLAIN_MEGABYTES * MEGABYTE))
    }

    fn of_megabytes(config: &DataConfig, default_bytes: u64) -> Self {
        let bytes = config.largest_file_megabytes.map_or(default_bytes, |megabytes| megabytes.saturating_mul(MEGABYTE));
        match config.largest_bytes {
            Some(memory) if memory < bytes => Self { bytes: memory, reason: Reason::Memory },
            _ => Self { bytes, reason: Reason::Key },
        }
    }

    /// Returns the limit in bytes.
    pub(crate) fn bytes(self) -> u64 {
        self.bytes
    }

    /// Rejects `bytes` beyond the limit; `what` describes the size of `path`.
    ///
    /// # Errors
    /// Fails if there are more bytes than the limit.
    pub(crate) fn check(self, path: &Path, bytes: u64, what: impl FnOnce() -> String) -> Result<(), DataError> {
        if bytes <= self.bytes {
            return Ok(());
        }
        Err(self.refusal(path, bytes, &what()))
    }

    /// Returns the error for a file that takes `bytes`, more than the limit; `what` describes it.
    pub(crate) fn refusal(self, path: &Path, bytes: u64, what: &str) -> DataError {
        let (limit, asked) = (self.bytes / MEGABYTE, bytes.div_ceil(MEGABYTE));
        match self.reason {
            Reason::Key => DataError::format(
                path,
                format!("{what}; at most {limit} MB of one file are read"),
                format!("Set data.largest_file_megabytes = {asked} to read it anyway"),
            ),
            Reason::Memory => DataError::format(
                path,
                format!("{what}; {limit} MB of memory are free"),
                "Give less data, or raise train.memory_limit if the machine has more memory",
            ),
        }
    }
}

/// Formats a size in megabytes.
pub(crate) fn megabytes(bytes: u64) -> String {
    match bytes {
        0..MEGABYTE => format!("{bytes} bytes"),
        _ => format!("{:.1} MB", bytes as f64 / MEGABYTE as f64),
    }
}

/// Opens a file and returns its length. Rejects everything but regular files first, since opening a pipe would block
/// until there is a writer, and pointers of Git LFS, which stand for files that were not fetched.
///
/// # Errors
/// Fails if the path cannot be read, is a folder, a pipe, a socket or a device, or is such a pointer.
pub(crate) fn open(path: &Path) -> Result<(File, u64), DataError> {
    check_is_file(path)?;
    let mut file = File::open(path).map_err(|error| DataError::io(path, error))?;
    let length = file.metadata().map_err(|error| DataError::io(path, error))?.len();
    lfs_pointer::check(path, &mut file, length)?;
    Ok((file, length))
}

/// Rejects an existing path that is not a regular file, naming its kind.
///
/// # Errors
/// Fails if the path cannot be read or is a folder, a pipe, a socket or a device.
pub fn check_is_file(path: &Path) -> Result<(), DataError> {
    let kind = path.metadata().map_err(|error| DataError::io(path, error))?.file_type();
    match name_of(kind) {
        None => Ok(()),
        Some(name) => Err(DataError::format(path, format!("it is {name}, not a file"), "Give a file")),
    }
}

/// Returns the kind of a path that is not a regular file: a folder, a named pipe, a socket, a device.
fn name_of(kind: FileType) -> Option<&'static str> {
    if kind.is_file() {
        return None;
    }
    if kind.is_dir() {
        return Some("a folder");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return Some("a named pipe");
        }
        if kind.is_socket() {
            return Some("a socket");
        }
        if kind.is_char_device() || kind.is_block_device() {
            return Some("a device");
        }
    }
    Some("something else")
}

/// Reads a whole file of at most `limit` bytes.
///
/// # Errors
/// Fails if the path is not a file or has more bytes than the limit.
pub(crate) fn read(path: &Path, limit: ByteLimit) -> Result<Vec<u8>, DataError> {
    let (file, length) = open(path)?;
    limit.check(path, length, || format!("it has {}", megabytes(length)))?;
    let read = read_at_most(file, limit.bytes(), length).map_err(|error| DataError::io(path, error))?;
    read.ok_or_else(|| limit.refusal(path, limit.bytes().saturating_add(1), "it grows while it is read"))
}

/// Reads `source` to its end, or returns `None` if it has more than `most` bytes. `expected` is an estimate of the size.
///
/// # Errors
/// Fails if the source fails or its content does not fit in memory.
pub(crate) fn read_at_most(source: impl Read, most: u64, expected: u64) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let expected = usize::try_from(expected.min(most)).unwrap_or(usize::MAX);
    bytes.try_reserve_exact(expected).map_err(|_| std::io::ErrorKind::OutOfMemory)?;
    source.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= most).then_some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(largest_file_megabytes: Option<u64>, largest_bytes: Option<u64>) -> DataConfig {
        DataConfig { largest_file_megabytes, largest_bytes, ..DataConfig::default() }
    }

    #[test]
    fn limits_follow_the_key_the_file_and_the_memory() {
        let (nothing, key, memory) = (config(None, None), config(Some(3), None), config(None, Some(7)));
        let megabytes = |limit: ByteLimit| limit.bytes() / MEGABYTE;
        assert_eq!([&nothing, &key, &memory].map(|config| megabytes(ByteLimit::of_image(config))), [512, 3, 512]);
        assert_eq!([&nothing, &key, &memory].map(|config| megabytes(ByteLimit::of_plain(config))), [4_096, 3, 0]);
        for (packed, expected) in [(0, 512), (100, 512), (100 * MEGABYTE, 2_000), (u64::MAX, 4_096)] {
            assert_eq!(megabytes(ByteLimit::of_packed(&nothing, packed)), expected);
        }
        assert_eq!(ByteLimit::of_image(&config(Some(u64::MAX), None)).bytes(), u64::MAX);
        let refused = |config: &DataConfig| {
            ByteLimit::of_plain(config)
                .check(Path::new("x"), 5_000_000_000, || "it has 5 GB".into())
                .unwrap_err()
                .to_string()
        };
        let expected = "x: it has 5 GB; at most 3 MB of one file are read. Set data.largest_file_megabytes = 5000 to read it anyway";
        assert_eq!(refused(&key), expected);
        assert!(refused(&memory).contains("0 MB of memory are free. Give less data, or raise train.memory_limit"));
    }

    #[test]
    fn nothing_is_read_beyond_the_limit() {
        let zeros = || std::io::repeat(0).take(1_000);
        assert_eq!(read_at_most(zeros(), 1_000, 0).unwrap().map(|bytes| bytes.len()), Some(1_000));
        assert_eq!(read_at_most(zeros(), 999, u64::MAX).unwrap(), None);
        assert_eq!(read_at_most(std::io::repeat(0), 999, 10).unwrap(), None);
    }

    #[cfg(unix)]
    #[test]
    fn pipes_sockets_devices_and_folders_are_refused_by_what_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let (pipe, socket) = (folder.path().join("pipe"), folder.path().join("socket"));
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&pipe, &link).unwrap();
        let cases = [
            (pipe.as_path(), "a named pipe"),
            (&link, "a named pipe"),
            (&socket, "a socket"),
            (Path::new("/dev/zero"), "a device"),
            (folder.path(), "a folder"),
        ];
        for (path, expected) in cases {
            let message = read(path, ByteLimit::of_plain(&DataConfig::default())).unwrap_err().to_string();
            assert!(message.contains(&format!("it is {expected}, not a file")), "{message}");
        }
    }
}
