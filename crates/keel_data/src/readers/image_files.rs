//! Single image files, wherever they lie, for a trained model.

use super::image_decoder::is_image_file;
use super::{file_name, sorted_entries};
use crate::error::DataError;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Names of folders that archive programs add and that hold no pictures of a person's own.
const NOT_PICTURES: &[&str] = &["__MACOSX"];

/// Every image file in `folder` and the folders in it, sorted by path; hidden entries are left out, and a folder that
/// symbolic links lead to again is read once.
///
/// # Errors
/// A folder that cannot be read.
pub fn image_files_below(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
    collect(folder, &mut seen, &mut found)?;
    Ok(found)
}

/// Whether the file's ending is that of an image format.
pub fn is_image(path: &Path) -> bool {
    is_image_file(path)
}

fn collect(folder: &Path, seen: &mut BTreeSet<PathBuf>, found: &mut Vec<PathBuf>) -> Result<(), DataError> {
    let real = folder.canonicalize().map_err(|error| DataError::io(folder, error))?;
    if !seen.insert(real) {
        return Ok(());
    }
    for entry in sorted_entries(folder)? {
        if !entry.is_dir() {
            found.extend(is_image_file(&entry).then_some(entry));
        } else if !NOT_PICTURES.contains(&file_name(&entry).as_str()) {
            collect(&entry, seen, found)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_any_shape_are_walked_once() {
        let root = tempfile::tempdir().unwrap();
        let files = ["b.png", "2026-01/a.JPG", "2026-01/day/c.webp", "notes.txt", ".hidden/d.png", "__MACOSX/e.png"];
        for file in files {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(root.path(), root.path().join("2026-01/circle")).unwrap();
        let found = image_files_below(root.path()).unwrap();
        let names: Vec<_> =
            found.iter().map(|path| path.strip_prefix(root.path()).unwrap().display().to_string()).collect();
        assert_eq!(names, ["2026-01/a.JPG", "2026-01/day/c.webp", "b.png"]);
        assert!(image_files_below(&root.path().join("absent")).unwrap_err().to_string().contains("absent"));
    }
}
