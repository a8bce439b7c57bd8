//! Search for images below a folder. Each physical file is found once, and symbolic links that lead back into the data
//! are not followed.

use super::kind::{self, FileKind};
use super::left_out::LeftOut;
use crate::error::DataError;
use crate::readers::junk::is_junk;
use crate::readers::run_folder::{is_folder_of_runs, is_run_folder};
use crate::readers::{file_name, sorted_entries};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// A search for images that remembers visited folders.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// Canonical paths of folders listed separately; no link may lead to one or to a folder that contains one.
    owned: Vec<PathBuf>,
    /// Canonical paths of folders reached through links.
    followed: HashSet<PathBuf>,
    /// Images found so far, by their identity in the file system.
    files: HashSet<FileIdentity>,
    /// Files that were skipped.
    pub(super) left_out: LeftOut,
}

/// Identity of a file, independent of its names.
#[derive(Debug, PartialEq, Eq, Hash)]
enum FileIdentity {
    /// Device and inode number.
    #[cfg(unix)]
    Number(u64, u64),
    /// Canonical path.
    #[cfg(not(unix))]
    Path(PathBuf),
}

impl FileIdentity {
    /// Returns the identity of the file at `path`, or `None` if it cannot be read.
    fn of(path: &Path) -> Option<Self> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            path.metadata().ok().map(|metadata| Self::Number(metadata.dev(), metadata.ino()))
        }
        #[cfg(not(unix))]
        {
            path.canonicalize().ok().map(Self::Path)
        }
    }
}

impl Walk {
    /// Registers `folder` as listed separately. Returns false if it must not be listed: it is a link to a folder
    /// already listed, or to one that contains such a folder.
    pub(super) fn own(&mut self, folder: &Path) -> bool {
        match folder.canonicalize() {
            Ok(target) if is_link(folder) && (self.is_owned(&target) || leads_back(folder, &target)) => {
                self.pass_over(folder, &target);
                false
            }
            Ok(target) => {
                self.owned.push(target);
                true
            }
            Err(_) => {
                self.left_out.broken_links += 1;
                false
            }
        }
    }

    /// Returns the images in `folder` and the folders in it, sorted by name.
    pub(super) fn images(&mut self, folder: &Path) -> Result<Vec<PathBuf>, DataError> {
        let mut found = Vec::new();
        self.collect(folder, false, &mut found)?;
        Ok(found)
    }

    /// Adds the images in `folder`, which is part of the data or reached through a link.
    fn collect(&mut self, folder: &Path, is_beyond: bool, found: &mut Vec<PathBuf>) -> Result<(), DataError> {
        for path in sorted_entries(folder)? {
            let is_folder = path.is_dir();
            if is_folder && is_run_folder(&path) {
                self.left_out.runs += 1;
                continue;
            }
            let is_beyond = is_beyond || is_link(&path);
            if is_beyond && !self.follows(&path, is_folder) {
                continue;
            }
            if is_folder {
                self.collect(&path, is_beyond, found)?;
            } else if self.is_image(&path) && self.is_new(&path) {
                found.push(path);
            }
        }
        Ok(())
    }

    /// Returns true if a file is an image; counts it otherwise.
    pub(super) fn is_image(&mut self, path: &Path) -> bool {
        match kind::of_file(path) {
            FileKind::Image => return true,
            FileKind::Unsupported(format) => *self.left_out.unsupported.entry(format).or_default() += 1,
            FileKind::Other => self.left_out.other += 1,
        }
        false
    }

    /// Returns true if no other name of the same file was found before.
    fn is_new(&mut self, path: &Path) -> bool {
        // An unreadable file is reported when its header is read.
        let new = FileIdentity::of(path).is_none_or(|identity| self.files.insert(identity));
        self.left_out.inner_links += usize::from(!new);
        new
    }

    /// Returns true if `path`, a link or a path reached through one, leads out of the data to a new target.
    fn follows(&mut self, path: &Path, is_folder: bool) -> bool {
        let Ok(target) = path.canonicalize() else {
            self.left_out.broken_links += 1;
            return false;
        };
        let is_inside = self.is_owned(&target) || is_folder && leads_back(path, &target);
        if is_inside || is_folder && !self.followed.insert(target.clone()) {
            self.pass_over(path, &target);
            return false;
        }
        true
    }

    /// Counts a link that is not followed.
    fn pass_over(&mut self, path: &Path, target: &Path) {
        if leads_back(path, target) {
            self.left_out.circles += 1;
        } else {
            self.left_out.inner_links += 1;
        }
    }

    fn is_owned(&self, target: &Path) -> bool {
        self.owned.iter().any(|owned| target.starts_with(owned) || owned.starts_with(target))
    }
}

/// Returns true if `target` of the link `path` is a folder that contains the link.
fn leads_back(path: &Path, target: &Path) -> bool {
    let folder = path.parent().and_then(|parent| parent.canonicalize().ok());
    is_link(path) && folder.is_some_and(|folder| folder.starts_with(target))
}

/// Returns true if `path` is a symbolic link.
pub(super) fn is_link(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink())
}

/// Maximum depth below a class folder to search for its first image.
const DEPTH: usize = 6;

/// Returns true if there is an image in or below `folder`, folders of training runs aside.
pub(super) fn holds_images(folder: &Path) -> bool {
    holds_images_within(folder, DEPTH, &mut HashSet::new())
}

/// Visits names in file system order and stops at the first image, since a class may have very many.
fn holds_images_within(folder: &Path, depth: usize, seen: &mut HashSet<PathBuf>) -> bool {
    // Cyclic links lead to folders already visited.
    if !folder.canonicalize().is_ok_and(|folder| seen.insert(folder)) {
        return false;
    }
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    let mut folders = Vec::new();
    for entry in entries.flatten().filter(|entry| !is_junk(&entry.file_name().to_string_lossy())) {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() || kind.is_symlink() && path.is_dir() => folders.push(path),
            _ if kind::of_file(&path) == FileKind::Image => return true,
            _ => {}
        }
    }
    let mut folders = folders.iter().filter(|folder| !is_run_folder(folder));
    depth > 0 && folders.any(|folder| holds_images_within(folder, depth - 1, seen))
}

/// Returns the folders in `folder`, with their names, without those of training runs.
pub(super) fn folders_in(folder: &Path) -> Result<Vec<(String, PathBuf)>, DataError> {
    let entries = sorted_entries(folder)?.into_iter().filter(|entry| entry.is_dir() && !is_folder_of_runs(entry));
    Ok(entries.map(|entry| (file_name(&entry), entry)).collect())
}
