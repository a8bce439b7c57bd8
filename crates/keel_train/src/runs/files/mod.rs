//! All operations on files of a run, so that a test can make each of them fail.
//!
//! A file is either the old or the new one, never a mixture: [`write_atomically`] writes a temporary file in the same folder,
//! syncs it, renames it and syncs the folder. What has returned without an error survives a power loss.

#[cfg(any(test, debug_assertions))]
pub mod faults;

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Prefix of the names of temporary files.
const TEMPORARY: &str = ".writing-";

/// Number of bytes per write.
const CHUNK: usize = 1 << 16;

/// One operation on a file of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Creates a folder.
    CreateFolder,
    /// Creates an empty temporary file.
    Create,
    /// Appends bytes to it.
    Write,
    /// Syncs its bytes to disk.
    Sync,
    /// Renames it to the file that it was written for.
    Rename,
    /// Syncs the entries of a folder to disk.
    SyncFolder,
    /// Removes a file.
    Remove,
    /// Takes the lock of a run.
    Lock,
    /// Opens the database and creates its tables.
    OpenDatabase,
    /// Commits rows of the database to disk.
    Commit,
}

/// Executes `act`, an `operation` on `path`; repeats it if a signal interrupts it.
///
/// The error of `act`, or an injected error in a test.
pub(crate) fn attempt<T>(operation: Operation, path: &Path, mut act: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        let done = before(operation, path).and_then(|()| act());
        match done {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

#[cfg(any(test, debug_assertions))]
fn before(operation: Operation, path: &Path) -> io::Result<()> {
    faults::before(operation, path)
}

#[cfg(not(any(test, debug_assertions)))]
fn before(_operation: Operation, _path: &Path) -> io::Result<()> {
    Ok(())
}

/// Reports a completed operation to a recording test.
macro_rules! note {
    ($($event:tt)*) => {
        #[cfg(any(test, debug_assertions))]
        $crate::runs::files::faults::note(|| $crate::runs::files::faults::Event::$($event)*);
    };
}

/// Creates the folder `path`, which must not exist.
///
/// # Errors
/// Returns the error of the system.
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    attempt(Operation::CreateFolder, path, || std::fs::create_dir(path))?;
    note!(CreateFolder(path.to_owned()));
    Ok(())
}

/// Creates the folder `path` and all missing parent folders.
///
/// # Errors
/// Returns the error of the system.
pub(crate) fn create_folders(path: &Path) -> io::Result<()> {
    attempt(Operation::CreateFolder, path, || std::fs::create_dir_all(path))?;
    note!(CreateFolder(path.to_owned()));
    Ok(())
}

/// Removes the file `path`.
///
/// # Errors
/// Returns the error of the system.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    attempt(Operation::Remove, path, || std::fs::remove_file(path))?;
    note!(Remove(path.to_owned()));
    Ok(())
}

/// Copies the file `from` to `to`, which is either complete or absent.
///
/// # Errors
/// Returns the error of the system.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = File::open(from)?;
    write_atomically(to, |writer| io::copy(&mut source, writer).map(drop))
}

/// Writes `path` through `write`: into a temporary file in the same folder, synced, renamed to `path`, folder synced. Its
/// permissions are those of any new file.
///
/// # Errors
/// Returns the error of the system or of `write`, for example if the disk is full; then `path` is unchanged and the temporary
/// file is removed.
pub fn write_atomically(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (mut file, temporary) = create_temporary(folder)?;
    let written = fill(&mut file, &temporary, write).and_then(|()| {
        drop(file);
        attempt(Operation::Rename, path, || std::fs::rename(&temporary, path))?;
        note!(Rename(temporary.clone(), path.to_owned()));
        Ok(())
    });
    if let Err(error) = written {
        // The first error matters more than one during cleanup.
        let _ = remove(&temporary);
        return Err(error);
    }
    sync_folder(folder)
}

fn fill(file: &mut File, path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut buffered = io::BufWriter::with_capacity(CHUNK, Chunks { file, path });
    write(&mut buffered)?;
    buffered.flush()?;
    drop(buffered);
    attempt(Operation::Sync, path, || file.sync_all())?;
    note!(Sync(path.to_owned()));
    Ok(())
}

/// A file that is written in chunks.
struct Chunks<'a> {
    file: &'a mut File,
    path: &'a Path,
}

impl Write for Chunks<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = attempt(Operation::Write, self.path, || self.file.write(bytes))?;
        note!(Write(self.path.to_owned(), bytes[..written].to_vec()));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn create_temporary(folder: &Path) -> io::Result<(File, PathBuf)> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY).disable_cleanup(true);
    #[cfg(unix)]
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    #[cfg(unix)]
    builder.permissions(permissions);
    let file = attempt(Operation::Create, folder, || builder.tempfile_in(folder));
    let file = file.map_err(|error| in_folder(folder, error))?;
    let (file, path) = file.into_parts();
    let path = path.to_path_buf();
    note!(Create(path.clone()));
    Ok((file, path))
}

/// Returns the error of a file that could not be created in `folder`, without the temporary name.
fn in_folder(folder: &Path, error: io::Error) -> io::Error {
    if error.kind() == ErrorKind::NotFound && !folder.exists() {
        return io::Error::new(ErrorKind::NotFound, format!("the folder {} does not exist", folder.display()));
    }
    // The error of `tempfile` ends in the name of the file.
    match error.to_string().rsplit_once(" at path ") {
        Some((cause, _)) => io::Error::new(error.kind(), cause),
        None => error,
    }
}

/// Makes the entries of `folder` durable, if the system can.
fn sync_folder(folder: &Path) -> io::Result<()> {
    let synced = attempt(Operation::SyncFolder, folder, || File::open(folder)?.sync_all());
    match synced.map_err(|error| (error.kind(), error)) {
        // Not every system can open or sync a folder; the rename has happened anyway.
        Ok(()) | Err((ErrorKind::Unsupported | ErrorKind::InvalidInput | ErrorKind::PermissionDenied, _)) => {
            note!(SyncFolder(folder.to_owned()));
            Ok(())
        }
        Err((_, error)) => Err(error),
    }
}

/// Maximum size of a config, a summary or another text document, in bytes.
const LARGEST_TEXT: u64 = 64 << 20;

/// Reads the whole file `path`. A pipe or a device is rejected, because reading it could block or never end.
///
/// # Errors
/// Returns the error of the system, or one if the path is not a file.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    check_is_file(path)?;
    std::fs::read(path)
}

/// Reads the whole text file `path`.
///
/// # Errors
/// See [`read`]; also if it is longer than 64 MiB or not UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    let length = check_is_file(path)?;
    if length > LARGEST_TEXT {
        return Err(io::Error::new(ErrorKind::FileTooLarge, format!("{length} bytes are too many for a text")));
    }
    std::fs::read_to_string(path)
}

/// Returns the length of a file.
fn check_is_file(path: &Path) -> io::Result<u64> {
    let metadata = std::fs::metadata(path)?;
    match metadata.is_file() {
        true => Ok(metadata.len()),
        false => Err(io::Error::new(ErrorKind::InvalidInput, "it is not a file")),
    }
}

/// Removes the temporary files that a killed process left in `folder`. Only for folders that no process is writing to.
pub(crate) fn remove_leftovers(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(TEMPORARY)) {
        // A file that cannot be removed does no harm.
        let _ = remove(&entry.path());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_folder_and_no_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let absent = folder.path().join("absent");
        let cases = [
            (absent.join("x.csv"), format!("the folder {} does not exist", absent.display())),
            (file.join("x.csv"), "directory".to_owned()),
        ];
        for (path, expected) in cases {
            let error = write_atomically(&path, |_| Ok(())).unwrap_err().to_string();
            assert!(error.contains(&expected) && !error.contains(TEMPORARY), "{error}");
        }
    }

    #[test]
    fn a_disk_that_fills_up_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("last.safetensors");
        write_atomically(&path, |file| file.write_all(b"old")).unwrap();
        let error = write_atomically(&path, |file| {
            file.write_all(&[1; 200_000])?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        });
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    /// Makes every operation of one write fail in turn: the file is the old one, or the new one if only the sync of the folder
    /// failed.
    #[test]
    fn whatever_fails_the_file_is_whole() {
        for fault in [faults::Fault::Error(ErrorKind::StorageFull), faults::Fault::Kill] {
            for number in 1.. {
                let folder = tempfile::tempdir().unwrap();
                let path = folder.path().join("file");
                write_atomically(&path, |file| file.write_all(b"old")).unwrap();
                let injection = faults::Injection::at(folder.path(), number, fault);
                let written = write_atomically(&path, |file| file.write_all(&[1; 100_000]));
                let (hit, ended) = (injection.hit(), injection.last());
                drop(injection);
                if !hit {
                    written.unwrap();
                    assert_eq!(number, 6, "create, write, sync, rename, sync of the folder");
                    break;
                }
                assert!(written.is_err(), "{number}: {ended:?}");
                let new = ended == Some(Operation::SyncFolder);
                assert_eq!(std::fs::read(&path).unwrap().len(), if new { 100_000 } else { 3 }, "{number}: {ended:?}");
                remove_leftovers(folder.path());
                assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "{number}: {ended:?}");
            }
        }
    }

    #[test]
    fn a_signal_only_delays() {
        for number in 1..=5 {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("file");
            let injection = faults::Injection::at(folder.path(), number, faults::Fault::Error(ErrorKind::Interrupted));
            write_atomically(&path, |file| file.write_all(&[1; 100_000])).unwrap();
            assert!(injection.hit());
            assert_eq!(std::fs::read(&path).unwrap().len(), 100_000);
        }
    }

    #[test]
    fn only_files_are_read_and_only_short_texts() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(folder.path()).unwrap_err().to_string().contains("it is not a file"));
        let path = folder.path().join("long");
        File::create(&path).unwrap().set_len(LARGEST_TEXT + 1).unwrap();
        assert!(read_text(&path).unwrap_err().to_string().contains("67108865 bytes are too many"));
        std::fs::write(&path, "text").unwrap();
        assert_eq!((read(&path).unwrap().as_slice(), read_text(&path).unwrap().as_str()), (&b"text"[..], "text"));
    }

    #[cfg(unix)]
    #[test]
    fn files_have_the_permissions_of_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (plain, atomic) = (folder.path().join("plain"), folder.path().join("atomic"));
        std::fs::write(&plain, "text").unwrap();
        write_atomically(&atomic, |file| file.write_all(b"text")).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&atomic), mode(&plain));
    }
}
