//! Images below a folder, each real file once: symbolic links never lead back into the data.

use super::kind::{self, FileKind};
use super::left_out::LeftOut;
use crate::error::DataError;
use crate::readers::junk::is_junk;
use crate::readers::{file_name, sorted_entries};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// A search for images that remembers where it has been.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// Canonical folders that are listed by themselves; no link may lead to or around one.
    owned: Vec<PathBuf>,
    /// Canonical targets of links that were followed.
    followed: HashSet<PathBuf>,
    /// What was passed over.
    pub(super) left_out: LeftOut,
}

impl Walk {
    /// Takes `folder`, a folder that is listed by itself, into the walk. Returns whether it may be listed: a link to or
    /// around a folder that already is one may not.
    pub(super) fn own(&mut self, folder: &Path) -> bool {
        match folder.canonicalize() {
            Ok(target) if is_link(folder) && self.is_owned(&target) => {
                self.left_out.inner_links += 1;
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

    /// Images in `folder` and in the folders in it, in the order of their names.
    pub(super) fn images(&mut self, folder: &Path) -> Result<Vec<PathBuf>, DataError> {
        let mut found = Vec::new();
        self.collect(folder, &mut found)?;
        Ok(found)
    }

    fn collect(&mut self, folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), DataError> {
        for path in sorted_entries(folder)? {
            if is_link(&path) && !self.follows(&path) {
                continue;
            }
            if path.is_dir() {
                self.collect(&path, found)?;
            } else if self.is_image(&path) {
                found.push(path);
            }
        }
        Ok(())
    }

    /// Returns true if a file is an image; counts it where it is not.
    pub(super) fn is_image(&mut self, path: &Path) -> bool {
        match kind::of_file(path) {
            FileKind::Image => return true,
            FileKind::Unsupported(format) => *self.left_out.unsupported.entry(format).or_default() += 1,
            FileKind::Other => self.left_out.other += 1,
        }
        false
    }

    /// Returns true if the link at `path` leads to something new.
    fn follows(&mut self, path: &Path) -> bool {
        let Ok(target) = path.canonicalize() else {
            self.left_out.broken_links += 1;
            return false;
        };
        let new = !self.is_owned(&target) && self.followed.insert(target);
        self.left_out.inner_links += usize::from(!new);
        new
    }

    fn is_owned(&self, target: &Path) -> bool {
        self.owned.iter().any(|owned| target.starts_with(owned) || owned.starts_with(target))
    }
}

/// Returns true if `path` is a symbolic link.
pub(super) fn is_link(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink())
}

/// Deepest folder below a class folder that is looked into for its first image.
const DEPTH: usize = 6;

/// Returns true if there is an image in `folder` or below it.
pub(super) fn holds_images(folder: &Path) -> bool {
    holds_images_within(folder, DEPTH)
}

/// Looks at names as the system gives them and stops at the first image: a class may hold very many.
fn holds_images_within(folder: &Path, depth: usize) -> bool {
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
    depth > 0 && folders.iter().any(|folder| holds_images_within(folder, depth - 1))
}

/// Folders in `folder`, with their names.
pub(super) fn folders_in(folder: &Path) -> Result<Vec<(String, PathBuf)>, DataError> {
    let entries = sorted_entries(folder)?.into_iter().filter(|entry| entry.is_dir());
    Ok(entries.map(|entry| (file_name(&entry), entry)).collect())
}
