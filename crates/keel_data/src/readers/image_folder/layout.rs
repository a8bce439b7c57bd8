//! Search for class folders: below wrapping folders, and in the folders of training, validation and test parts.

use super::kind::{self, FileKind};
use super::part_names::{exact_part, part_of, part_pair, preference};
use super::walk::{folders_in, holds_images, is_link};
use crate::error::DataError;
use crate::readers::run_folder::runs_in;
use crate::readers::{file_name, sorted_entries};
use std::path::{Path, PathBuf};

/// Folders that contain class folders.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// `(0 | 1 | 2, folder)` for the training, validation and test part; a single folder with number 0 if there are no parts.
    pub(super) parts: Vec<(usize, PathBuf)>,
    /// Parts whose images are not in class folders.
    pub(super) flat: Vec<PathBuf>,
    /// True if the source is divided into parts.
    pub(super) divided: bool,
    /// Folders that are named like parts although no training part with class folders was found, so that their names are
    /// not classes.
    pub(super) without_training: Vec<PathBuf>,
    /// Decisions, one sentence each.
    pub(super) notes: Vec<String>,
}

/// Folders of the parts of a source.
#[derive(Debug, Default)]
struct Parts {
    /// Number and folder of each part, the training part first.
    folders: Vec<(usize, PathBuf)>,
    /// The folder that is the test part because it has the class folders of the training part.
    test_by_classes: Option<String>,
}

impl Layout {
    /// Finds the layout of the data in `root`.
    pub(super) fn of(root: &Path) -> Result<Self, DataError> {
        let mut layout = Layout::default();
        let folder = unwrapped(root)?;
        if folder != root {
            let name = folder.strip_prefix(root).unwrap_or(&folder).display();
            layout.notes.push(format!("{} holds only the folder {name}, which is read instead", file_name(root)));
        }
        let runs = runs_in(&folder)?;
        if !runs.is_empty() {
            layout.notes.push(format!("folders of training runs left out: {}", runs.join(", ")));
        }
        let Some(parts) = divided(&folder)? else {
            layout.judge_part_names(&folder)?;
            layout.parts.push((0, folder));
            return Ok(layout);
        };
        layout.divided = true;
        if let Some(name) = parts.test_by_classes {
            layout
                .notes
                .push(format!("{name}/ has the class folders of the training part and is read as the test part"));
        }
        for (number, part) in parts.folders {
            let part = unwrapped(&part)?;
            match has_class_folders(&part)? {
                true => layout.parts.push((number, part)),
                false => layout.flat.push(part),
            }
        }
        layout.note_folders_left_out(&folder)?;
        Ok(layout)
    }

    /// Notes folders with images next to those of the parts, which are left out.
    fn note_folders_left_out(&mut self, folder: &Path) -> Result<(), DataError> {
        let used = |path: &PathBuf| {
            self.parts.iter().map(|(_, part)| part).chain(&self.flat).any(|part| part.starts_with(path))
        };
        let others: Vec<String> =
            image_folders(folder)?.into_iter().filter(|(_, path)| !used(path)).map(|(name, _)| name).collect();
        if !others.is_empty() {
            self.notes.push(format!("folders next to the training part left out: {}", others.join(", ")));
        }
        Ok(())
    }

    /// Decides whether folders of a source without parts that are named like parts are classes: they are not if their
    /// names belong together, as `train` and `test` do, or if no other folder has images.
    fn judge_part_names(&mut self, folder: &Path) -> Result<(), DataError> {
        let folders = image_folders(folder)?;
        let names: Vec<&str> = folders.iter().map(|(name, _)| name.as_str()).collect();
        let named: Vec<&(String, PathBuf)> = folders.iter().filter(|(name, _)| exact_part(name).is_some()).collect();
        if part_pair(&names) || !named.is_empty() && named.len() == folders.len() {
            let of_part = folders.iter().filter(|(name, _)| part_of(name).is_some());
            self.without_training = of_part.map(|(_, path)| path.clone()).collect();
        } else if !named.is_empty() {
            let names: Vec<&str> = named.iter().map(|(name, _)| name.as_str()).collect();
            self.notes.push(format!(
                "read as classes, like the folders next to them: {}; rename or move them if they are parts of the data",
                names.join(", ")
            ));
        }
        Ok(())
    }
}

/// Descends into a single subfolder if `root` holds images only there and that folder has folders itself, as archives
/// often do when unpacked.
fn unwrapped(root: &Path) -> Result<PathBuf, DataError> {
    let mut folder = root.to_path_buf();
    for _ in 0..8 {
        let is_image = |path: &PathBuf| !path.is_dir() && kind::of_file(path) == FileKind::Image;
        let folders: Vec<_> = folders_in(&folder)?.into_iter().filter(|(_, folder)| holds_images(folder)).collect();
        let [(name, only)] = &folders[..] else { break };
        let wraps = *name == file_name(&folder) || !folders_in(only)?.is_empty();
        if !wraps || is_link(only) || sorted_entries(&folder)?.iter().any(is_image) {
            break;
        }
        folder.clone_from(only);
    }
    Ok(folder)
}

/// Returns number and folder of each part if `root` is divided into parts: its `train` contains class folders, and
/// there are other parts next to it or nothing else. A folder with class folders of the same names as those of `train` is
/// the test part, whatever its own name, if no other folder is. A class may be called `train`, too.
fn divided(root: &Path) -> Result<Option<Parts>, DataError> {
    let folders = image_folders(root)?;
    let named = |number: usize| {
        let exact = folders.iter().filter(|(name, _)| exact_part(name) == Some(number));
        exact
            .min_by_key(|(name, _)| preference(name))
            .or_else(|| folders.iter().find(|(name, _)| part_of(name) == Some(number)))
    };
    let Some(train) = named(0) else { return Ok(None) };
    let classes = class_names(&train.1)?;
    if classes.is_empty() {
        return Ok(None);
    }
    let (validation, mut test, mut test_by_classes) = (named(1), named(2), None);
    if test.is_none() {
        for folder in folders.iter().filter(|folder| part_of(&folder.0).is_none()) {
            let own = class_names(&folder.1)?;
            if !own.is_empty() && own.iter().all(|name| classes.contains(name)) {
                (test, test_by_classes) = (Some(folder), Some(folder.0.clone()));
                break;
            }
        }
    }
    let chosen = [Some(train), validation, test].into_iter().enumerate();
    let parts: Vec<(usize, PathBuf)> =
        chosen.filter_map(|(number, folder)| Some((number, folder?.1.clone()))).collect();
    let is_alone = folders.iter().all(|(_, path)| parts.iter().any(|(_, part)| part == path));
    Ok((parts.len() > 1 || is_alone).then_some(Parts { folders: parts, test_by_classes }))
}

/// Returns the folders in `folder` that hold images, with their names.
fn image_folders(folder: &Path) -> Result<Vec<(String, PathBuf)>, DataError> {
    Ok(folders_in(folder)?.into_iter().filter(|(_, path)| holds_images(path)).collect())
}

/// Returns the names of the class folders of a part.
fn class_names(part: &Path) -> Result<Vec<String>, DataError> {
    Ok(image_folders(&unwrapped(part)?)?.into_iter().map(|(name, _)| name).collect())
}

fn has_class_folders(folder: &Path) -> Result<bool, DataError> {
    Ok(folders_in(folder)?.iter().any(|(_, folder)| holds_images(folder)))
}
