//! Image files of a source, with their classes and parts.

use super::layout::Layout;
use super::no_labels::{EXPECTED, no_class_folders, no_training_part};
use super::part_names::part_name;
use super::walk::{Walk, folders_in, holds_images};
use crate::dataset::{Dataset, TargetKind};
use crate::error::DataError;
use crate::readers::class_names::alike_names_note;
use crate::readers::{Request, file_name, sorted_entries};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// One image file, its class and its part.
#[derive(Debug, Clone)]
pub(super) struct ImageFile {
    pub(super) path: PathBuf,
    pub(super) class: u32,
    pub(super) part: usize,
}

/// Files of all parts in reading order: training, validation, test.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) files: Vec<ImageFile>,
    pub(super) class_names: Vec<String>,
    pub(super) labelled: bool,
    pub(super) walk: Walk,
    pub(super) notes: Vec<String>,
}

/// Class folders by name, each with the number of its part.
type ClassFolders = BTreeMap<String, Vec<(usize, PathBuf)>>;

impl Listing {
    /// Lists all images of `request`.
    pub(super) fn of(request: &Request) -> Result<Self, DataError> {
        if !request.path.is_dir() {
            return Self::of_file(request);
        }
        match request.schema {
            None => Self::for_training(request.path),
            Some(schema) => match &schema.target {
                TargetKind::Classes(known) => Self::for_model(request.path, known),
                _ => Self::unlabelled(request.path, Vec::new()),
            },
        }
    }

    /// Lists single files for a trained model, with the names of their folders as classes if targets are needed.
    pub(super) fn of_files(request: &Request, files: &[PathBuf]) -> Result<Self, DataError> {
        let mut listing = Listing { labelled: request.wants_targets, ..Listing::default() };
        let known = match request.schema.map(|schema| &schema.target) {
            Some(TargetKind::Classes(names)) if listing.labelled => names.clone(),
            _ => Vec::new(),
        };
        for path in files {
            if !path.exists() {
                let missing = std::io::Error::new(std::io::ErrorKind::NotFound, "no such file or folder");
                return Err(DataError::io(path, missing));
            }
            let folder = path.parent().map(file_name).unwrap_or_default();
            let class = known.iter().position(|name| *name == folder);
            if listing.labelled && class.is_none() {
                return Err(DataError::Shape {
                    what: format!("{}: class the model was not trained on", path.display()),
                    expected: format!("a folder named after one of {}", known.join(", ")),
                    found: format!("\"{folder}\""),
                });
            }
            listing.files.push(ImageFile { path: path.clone(), class: class.unwrap_or(0) as u32, part: 0 });
        }
        listing.class_names = known;
        Ok(listing)
    }

    fn of_file(request: &Request) -> Result<Self, DataError> {
        if request.schema.is_none() {
            let next = "Give a folder with one folder of images for each class";
            return Err(DataError::format(request.path, "a single image cannot be trained on", next));
        }
        let file = ImageFile { path: request.path.to_path_buf(), class: 0, part: 0 };
        Ok(Listing { files: vec![file], ..Listing::default() })
    }

    /// Lists images for training; the folders of the training part are the classes.
    fn for_training(root: &Path) -> Result<Self, DataError> {
        let layout = Layout::of(root)?;
        if !layout.without_training.is_empty() {
            return Err(no_training_part(root, &layout.without_training));
        }
        let mut listing = Listing { labelled: true, notes: layout.notes.clone(), ..Listing::default() };
        let mut folders = class_folders(&layout)?;
        listing.pass_over_loose_images(&layout)?;
        if folders.is_empty() {
            return Err(no_class_folders(root));
        }
        listing.drop_classes_without_training(&mut folders);
        for (class, (name, folders)) in listing.owned(folders).into_iter().enumerate() {
            listing.class_names.push(name);
            for (part, folder) in folders {
                listing.add(&folder, class as u32, part)?;
            }
        }
        listing.drop_empty_classes();
        listing.check_classes(root)?;
        listing.notes.extend(alike_names_note(&listing.class_names));
        listing.sort();
        Ok(listing)
    }

    /// Lists images with labels if every folder with images is a class of the model, else all images below `root`
    /// without labels.
    fn for_model(root: &Path, known: &[String]) -> Result<Self, DataError> {
        let layout = Layout::of(root)?;
        let mut folders = class_folders(&layout)?;
        folders.retain(|_, folders| folders.iter().any(|(_, folder)| holds_images(folder)));
        let (same, other): (Vec<&String>, Vec<&String>) = folders.keys().partition(|name| known.contains(name));
        let mut listing = Listing { labelled: true, notes: layout.notes.clone(), ..Listing::default() };
        let loose = listing.loose_images(&layout)?;
        if same.is_empty() || !other.is_empty() || loose > 0 {
            let known: Vec<&String> = known.iter().collect();
            let known = names_of(&known);
            let why = match (same.is_empty(), &other[..]) {
                (true, []) => None,
                (true, other) => Some(format!("none of them ({}) is a class of the model ({known})", names_of(other))),
                (false, []) => Some(format!("there are {loose} images outside class folders")),
                (false, other) => {
                    let other = names_of(other);
                    Some(format!("there are folders that are not classes of the model ({other}; its classes: {known})"))
                }
            };
            let note = why.map(|why| format!("{NO_LABELS}, because {why}"));
            return Self::unlabelled(root, note.into_iter().collect());
        }
        listing.pass_over_flat_parts(&layout)?;
        listing.class_names = known.to_vec();
        for (name, folders) in listing.owned(folders) {
            let class = known.iter().position(|known| *known == name).unwrap_or(0) as u32;
            for (part, folder) in folders {
                listing.add(&folder, class, part)?;
            }
        }
        listing.sort();
        Ok(listing)
    }

    fn unlabelled(root: &Path, notes: Vec<String>) -> Result<Self, DataError> {
        let mut listing = Listing { notes, ..Listing::default() };
        listing.walk.own(root);
        listing.add(root, 0, 0)?;
        Ok(listing)
    }

    /// Drops class folders that are links into another one.
    fn owned(&mut self, folders: ClassFolders) -> ClassFolders {
        let (links, real): (Vec<_>, Vec<_>) = folders
            .into_iter()
            .flat_map(|(name, folders)| folders.into_iter().map(move |folder| (name.clone(), folder)))
            .partition(|(_, (_, folder))| super::walk::is_link(folder));
        let mut owned = ClassFolders::new();
        for (name, (part, folder)) in real.into_iter().chain(links) {
            let folders = owned.entry(name).or_default();
            if self.walk.own(&folder) {
                folders.push((part, folder));
            }
        }
        owned
    }

    fn add(&mut self, folder: &Path, class: u32, part: usize) -> Result<(), DataError> {
        let images = self.walk.images(folder)?;
        self.files.extend(images.into_iter().map(|path| ImageFile { path, class, part }));
        Ok(())
    }

    fn sort(&mut self) {
        self.files.sort_by(|a, b| (a.part, a.class, &a.path).cmp(&(b.part, b.class, &b.path)));
    }

    /// Adds a note that counts images outside class folders, which have no class.
    fn pass_over_loose_images(&mut self, layout: &Layout) -> Result<(), DataError> {
        let loose = self.loose_images(layout)?;
        if loose > 0 {
            self.notes.push(format!("images outside class folders left out: {loose}"));
        }
        self.pass_over_flat_parts(layout)
    }

    fn loose_images(&mut self, layout: &Layout) -> Result<usize, DataError> {
        let mut loose = 0;
        for (_, part) in &layout.parts {
            for file in sorted_entries(part)?.iter().filter(|entry| entry.is_file()) {
                loose += usize::from(self.walk.is_image(file));
            }
        }
        Ok(loose)
    }

    fn pass_over_flat_parts(&mut self, layout: &Layout) -> Result<(), DataError> {
        for part in &layout.flat {
            let count = Walk::default().images(part)?.len();
            if count > 0 {
                let name = file_name(part);
                self.notes.push(format!(
                    "{name}/ left out: {count} images without class folders, so without labels; `evenkeel predict` \
                     reads them"
                ));
            }
        }
        Ok(())
    }

    /// Drops folders of the validation and the test part whose name does not occur in the training part.
    fn drop_classes_without_training(&mut self, folders: &mut ClassFolders) {
        let trained = |folders: &[(usize, PathBuf)]| folders.iter().any(|(part, _)| *part == 0);
        let mut unknown: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for (name, folders) in folders.iter().filter(|(_, folders)| !trained(folders)) {
            for (part, folder) in folders {
                if holds_images(folder) {
                    unknown.entry(*part).or_default().push(name.clone());
                }
            }
        }
        folders.retain(|_, folders| trained(folders));
        for (part, names) in unknown {
            let (part, names) = (part_name(part), names_of(&names.iter().collect::<Vec<_>>()));
            self.notes
                .push(format!("folders of the {part} part left out, because the training part lacks them: {names}"));
        }
    }

    /// Leaves out classes without an image in the training part, with a note.
    pub(super) fn drop_empty_classes(&mut self) {
        let mut images = vec![0usize; self.class_names.len()];
        self.files.iter().filter(|file| file.part == 0).for_each(|file| images[file.class as usize] += 1);
        let empty: Vec<&String> =
            self.class_names.iter().zip(&images).filter(|(_, images)| **images == 0).map(|(name, _)| name).collect();
        if empty.is_empty() {
            return;
        }
        self.notes.push(format!("class folders without a readable image left out: {}", names_of(&empty)));
        // The new index of a class is the number of classes with images before it.
        let number = |class: u32| images[..class as usize].iter().filter(|images| **images > 0).count() as u32;
        self.files.retain(|file| images[file.class as usize] > 0);
        self.files.iter_mut().for_each(|file| file.class = number(file.class));
        let mut images = images.iter();
        self.class_names.retain(|_| images.next().is_some_and(|images| *images > 0));
    }

    /// Drops the files whose result is an error from the listing, or returns the first such error.
    pub(super) fn keep_readable<T>(
        &mut self,
        request: &Request,
        results: Vec<Result<T, DataError>>,
    ) -> Result<Vec<T>, DataError> {
        let mut found = Vec::with_capacity(results.len());
        let mut readable = Vec::with_capacity(results.len());
        for result in results {
            readable.push(result.is_ok());
            match result {
                Ok(value) => found.push(value),
                Err(DataError::Image { path, .. }) if request.config.skip_unreadable => {
                    let name = path.strip_prefix(request.path).ok().filter(|name| !name.as_os_str().is_empty());
                    self.walk.left_out.unreadable.push(name.unwrap_or(&path).display().to_string());
                }
                Err(error) => return Err(error),
            }
        }
        let mut readable = readable.into_iter();
        self.files.retain(|_| readable.next().unwrap_or(false));
        Ok(found)
    }

    /// Checks that at least two classes are left.
    pub(super) fn check_classes(&self, root: &Path) -> Result<(), DataError> {
        let (count, names) = (self.class_names.len(), self.class_names.join(", "));
        let found = match count {
            0 => "no class folder with images found".to_owned(),
            1 => format!("1 class folder with images found ({names})"),
            _ => return Ok(()),
        };
        let left_out = match self.left_out_in_words() {
            words if words.is_empty() => String::new(),
            words => format!("; {words}"),
        };
        Err(DataError::format(root, format!("{found}{left_out}"), EXPECTED))
    }

    /// Describes the files that were left out, for an error they caused.
    fn left_out_in_words(&self) -> String {
        let notes = self.notes.iter().cloned().chain(self.walk.left_out.notes());
        notes.filter(|note| note.contains("left out")).collect::<Vec<_>>().join("; ")
    }
}

/// Beginning of a note about a folder whose samples stay without labels.
const NO_LABELS: &str = "no labels taken from the folders' names";

/// Returns the reason why the samples of an image folder, read for a trained model, have no labels.
pub fn why_unlabelled(dataset: &Dataset) -> Option<&str> {
    dataset.notes().iter().map(String::as_str).find(|note| note.starts_with(NO_LABELS))
}

fn class_folders(layout: &Layout) -> Result<ClassFolders, DataError> {
    let mut folders = ClassFolders::new();
    for (part, root) in &layout.parts {
        for (name, folder) in folders_in(root)? {
            folders.entry(name).or_default().push((*part, folder));
        }
    }
    Ok(folders)
}

/// Formats up to five names, and the number of further ones.
fn names_of(names: &[&String]) -> String {
    let shown: Vec<&str> = names.iter().take(5).map(|name| name.as_str()).collect();
    match names.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
