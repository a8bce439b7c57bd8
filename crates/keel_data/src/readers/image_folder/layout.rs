//! Search for class folders: below wrapping folders, and in the folders of training, validation and test parts.

use super::kind::{self, FileKind};
use super::walk::{folders_in, holds_images, is_link};
use crate::error::DataError;
use crate::readers::{file_name, sorted_entries};
use std::path::{Path, PathBuf};

/// Training, validation and test part, in reading order, with the words that identify their folders.
const PARTS: [(&str, &[&str]); 3] = [
    ("training", &["train", "training"]),
    ("validation", &["val", "valid", "validation", "dev"]),
    ("test", &["test", "testing"]),
];

/// Folders that contain class folders.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// `(0 | 1 | 2, folder)` for the training, validation and test part; a single folder with number 0 if there are no parts.
    pub(super) parts: Vec<(usize, PathBuf)>,
    /// Parts whose images are not in class folders.
    pub(super) flat: Vec<PathBuf>,
    /// True if the source is divided into parts.
    pub(super) divided: bool,
    /// Decisions, one sentence each.
    pub(super) notes: Vec<String>,
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
        let Some(parts) = divided(&folder)? else {
            layout.parts.push((0, folder));
            return Ok(layout);
        };
        layout.divided = true;
        for (number, part) in parts {
            let part = unwrapped(&part)?;
            match has_class_folders(&part)? {
                true => layout.parts.push((number, part)),
                false => layout.flat.push(part),
            }
        }
        layout.note_what_is_beside(&folder)?;
        Ok(layout)
    }

    /// Notes folders with images next to those of the parts, which are left out.
    fn note_what_is_beside(&mut self, folder: &Path) -> Result<(), DataError> {
        let used = |path: &PathBuf| {
            self.parts.iter().map(|(_, part)| part).chain(&self.flat).any(|part| part.starts_with(path))
        };
        let beside: Vec<String> = folders_in(folder)?
            .into_iter()
            .filter(|(_, path)| !used(path) && holds_images(path))
            .map(|(name, _)| name)
            .collect();
        if !beside.is_empty() {
            self.notes.push(format!("folders next to the training part left out: {}", beside.join(", ")));
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
/// there are other parts next to it or nothing else. A class may be called `train`, too.
fn divided(root: &Path) -> Result<Option<Vec<(usize, PathBuf)>>, DataError> {
    let folders = folders_in(root)?;
    let part = |number: usize| {
        let words = PARTS[number].1;
        let exact = folders.iter().find(|(name, _)| words.contains(&name.to_lowercase().as_str()));
        let (mut by_word, is_named) = (folders.iter(), |name: &str| has_word(name, words));
        exact.or_else(|| by_word.find(|(name, _)| is_named(name))).map(|(_, path)| (number, path.clone()))
    };
    let Some(train) = part(0) else { return Ok(None) };
    if !has_class_folders(&unwrapped(&train.1)?)? {
        return Ok(None);
    }
    let parts: Vec<(usize, PathBuf)> = [Some(train), part(1), part(2)].into_iter().flatten().collect();
    let beside = |path: &PathBuf| !parts.iter().any(|(_, part)| part == path) && holds_images(path);
    let classes_beside = folders.iter().any(|(_, path)| beside(path));
    Ok((parts.len() > 1 || !classes_beside).then_some(parts))
}

/// Returns true if one of the words of `name`, as in `seg_train` or `test-images`, is in `words`.
fn has_word(name: &str, words: &[&str]) -> bool {
    name.to_lowercase().split(|character: char| !character.is_alphanumeric()).any(|word| words.contains(&word))
}

fn has_class_folders(folder: &Path) -> Result<bool, DataError> {
    Ok(folders_in(folder)?.iter().any(|(_, folder)| holds_images(folder)))
}

/// Returns the name of part `number` in messages.
pub(super) fn part_name(number: usize) -> &'static str {
    PARTS[number].0
}
