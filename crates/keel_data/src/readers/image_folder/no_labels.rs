//! Errors of folders whose images have no labels, with the folders that would give them some.

use super::part_names::part_of;
use super::walk::{Walk, folders_in, holds_images};
use crate::error::DataError;
use crate::readers::{file_name, sorted_entries};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Layout the user has to provide.
pub(super) const EXPECTED: &str =
    "Give a folder with at least two folders of images, one for each class, as in pets/cat/1.jpg and pets/dog/1.jpg";

/// Maximum number of classes that the names of files may state.
const CLASSES: usize = 20;

/// Returns the error for a folder without class folders.
pub(super) fn no_class_folders(root: &Path) -> DataError {
    let what = match Walk::default().images(root).map(|images| images.len()) {
        Ok(0) | Err(_) => "no images and no class folders found".to_owned(),
        Ok(count) => format!("{count} images and no class folders found"),
    };
    DataError::format(root, what, by_file_names(root, "").unwrap_or_else(|| EXPECTED.to_owned()))
}

/// Returns the error for a folder whose folders `parts` are named like parts of the data, none of which is a training
/// part with class folders.
pub(super) fn no_training_part(root: &Path, parts: &[PathBuf]) -> DataError {
    let has_classes =
        |folder: &Path| folders_in(folder).is_ok_and(|folders| folders.iter().any(|(_, folder)| holds_images(folder)));
    let training = parts.iter().find(|part| part_of(&file_name(part)) == Some(0));
    let Some(flat) = training.or_else(|| parts.iter().find(|part| !has_classes(part))) else {
        let names: Vec<String> = parts.iter().map(|part| file_name(part)).collect();
        let what = format!("there is no training part, only {}", names.join(", "));
        return DataError::format(root, what, "Rename the folder to train on to `train`, or give that folder alone");
    };
    let name = file_name(flat);
    let what = format!("the images in {name}/ are not in class folders, so they have no labels");
    let next = by_file_names(flat, &format!("{name}/")).unwrap_or_else(|| {
        format!("Put the images of each class into a folder of its own, as in {name}/cat/1.jpg and {name}/dog/1.jpg")
    });
    DataError::format(root, what, next)
}

/// Returns the next step for a folder whose file names begin with the names of classes, as `cat.1.jpg` and `dog.1.jpg`.
fn by_file_names(folder: &Path, place: &str) -> Option<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for entry in sorted_entries(folder).ok()?.iter().filter(|entry| entry.is_file()) {
        let name = file_name(entry);
        let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
        let beginning: String = stem.chars().take_while(|character| character.is_alphabetic()).collect();
        if beginning.is_empty() || beginning.len() == stem.len() {
            return None;
        }
        *counts.entry(beginning).or_default() += 1;
        if counts.len() > CLASSES {
            return None;
        }
    }
    let shared = counts.len() > 1 && counts.values().all(|count| *count > 1);
    let mut names = counts.keys().filter(|_| shared);
    let (first, second) = (names.next()?, names.next()?);
    Some(format!(
        "Put the images of each class into a folder of its own, such as {place}{first} and {place}{second}: the names \
         of the files begin with {first} and {second}"
    ))
}
