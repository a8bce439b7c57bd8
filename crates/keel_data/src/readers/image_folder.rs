//! A folder of class folders with images, optionally inside `train/`, `val/` and `test/`.

use super::image_decoder::{self, ImageHeader, is_image_file};
use super::parts::PartSizes;
use super::{Request, file_name, sorted_entries};
use crate::catalog::CatalogEntry;
use crate::config::ColorMode;
use crate::dataset::{Dataset, ImageDecoding, Inputs, Provenance, SampleShape, TargetKind, Targets};
use crate::error::DataError;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(super) const ENTRY: CatalogEntry = CatalogEntry {
    name: "image_folder",
    summary: "folder of class folders (optionally in train/ val/ test/): JPEG, PNG, BMP, GIF, WebP, TIFF",
};

/// One image file and its class.
struct ImageFile {
    path: PathBuf,
    class: u32,
    part: usize,
}

/// Files of all parts in reading order: training, validation, test.
struct Listing {
    files: Vec<ImageFile>,
    class_names: Vec<String>,
    ignored: usize,
    labelled: bool,
}

pub(super) fn read(request: &Request) -> Result<Dataset, DataError> {
    read_listing(request, list(request)?)
}

/// Reads single files for a trained model: with the names of the folders they lie in as their classes if targets are
/// wanted, else without labels.
pub(super) fn read_files(request: &Request, files: &[PathBuf]) -> Result<Dataset, DataError> {
    let labelled = request.wants_targets;
    let mut listing = Listing { files: Vec::new(), class_names: Vec::new(), ignored: 0, labelled };
    if labelled {
        listing.class_names = class_names(request, std::iter::empty())?;
    }
    for path in files {
        let folder = path.parent().map(file_name).unwrap_or_default();
        let class = match request.schema.filter(|_| labelled) {
            Some(schema) => schema.class_number(&folder, &path.display().to_string())?,
            None => 0,
        };
        listing.files.push(ImageFile { path: path.clone(), class, part: 0 });
    }
    read_listing(request, listing)
}

fn read_listing(request: &Request, mut listing: Listing) -> Result<Dataset, DataError> {
    let decoding = decoding(request);
    let headers = headers(request, &mut listing)?;
    let (shape, mut notes) = choose_shape(request, &headers.found, &decoding)?;
    let pixels = decode_all(request, &mut listing, &shape, &decoding)?;
    let left_out = headers.left_out + pixels.left_out;
    if left_out > 0 {
        notes.push(format!("unreadable images left out: {left_out}"));
    }
    if listing.ignored > 0 {
        notes.push(format!("{} files that are no images ignored", listing.ignored));
    }
    if listing.files.is_empty() {
        return Err(DataError::format(
            request.path,
            "no readable image",
            "Give JPEG, PNG, BMP, GIF, WebP or TIFF files",
        ));
    }
    let count = |part| listing.files.iter().filter(|file| file.part == part).count();
    let sizes = PartSizes { train: count(0), validation: count(1), test: count(2) };
    let labels = listing.files.iter().map(|file| file.class).collect();
    let targets = match listing.labelled {
        true => Targets::Classes { labels, class_names: listing.class_names },
        false => Targets::Unlabelled,
    };
    let directory = if request.path.is_dir() { request.path } else { Path::new("") };
    let name = |file: &ImageFile| file.path.strip_prefix(directory).unwrap_or(&file.path).display().to_string();
    let names = listing.files.iter().map(name).collect();
    let dataset = Dataset::from_memory(file_name(request.path), shape, Inputs::Bytes(pixels.bytes), targets)?
        .with_provenance(Provenance::Files { directory: directory.to_path_buf(), names })
        .with_image_decoding(decoding)
        .with_notes(notes);
    match sizes.division() {
        Some(division) => dataset.with_division(division),
        None => Ok(dataset),
    }
}

fn decoding(request: &Request) -> ImageDecoding {
    let config = ImageDecoding { resize_filter: request.config.resize_filter, fit: request.config.fit };
    request.schema.and_then(|schema| schema.image_decoding).unwrap_or(config)
}

/// All image files with their classes and parts.
fn list(request: &Request) -> Result<Listing, DataError> {
    let mut listing = Listing { files: Vec::new(), class_names: Vec::new(), ignored: 0, labelled: true };
    if !request.path.is_dir() {
        if request.schema.is_none() {
            let next = "Give a folder with one folder of images for each class";
            return Err(DataError::format(request.path, "a single image cannot be trained on", next));
        }
        listing.labelled = false;
        listing.files.push(ImageFile { path: request.path.to_path_buf(), class: 0, part: 0 });
        return Ok(listing);
    }
    let parts = part_folders(request.path)?;
    let mut folders: BTreeMap<String, Vec<(usize, PathBuf)>> = BTreeMap::new();
    for (part, root) in parts {
        for entry in sorted_entries(&root)? {
            if entry.is_dir() {
                folders.entry(file_name(&entry)).or_default().push((part, entry));
            } else if request.schema.is_none() || !is_image_file(&entry) {
                listing.ignored += 1;
            }
        }
    }
    if folders.is_empty() && request.schema.is_some() {
        listing.labelled = false;
        list_class(&mut listing, request.path, 0, 0)?;
        return Ok(listing);
    }
    listing.class_names = class_names(request, folders.keys())?;
    for (name, folders) in &folders {
        let class = match request.schema {
            Some(schema) => schema.class_number(name, &request.path.join(name).display().to_string())?,
            None => listing.class_names.iter().position(|known| known == name).unwrap_or(0) as u32,
        };
        for (part, folder) in folders {
            let before = listing.files.len();
            list_class(&mut listing, folder, class, *part)?;
            if listing.files.len() == before {
                return Err(DataError::format(
                    folder,
                    "the class folder holds no image",
                    "Add JPEG, PNG, BMP, GIF, WebP or TIFF files, or delete the folder",
                ));
            }
        }
    }
    listing.files.sort_by(|a, b| (a.part, a.class, &a.path).cmp(&(b.part, b.class, &b.path)));
    Ok(listing)
}

fn class_names<'a>(request: &Request, found: impl Iterator<Item = &'a String>) -> Result<Vec<String>, DataError> {
    if let Some(TargetKind::Classes(names)) = request.schema.map(|schema| &schema.target) {
        return Ok(names.clone());
    }
    let names: Vec<String> = found.cloned().collect();
    if names.len() < 2 {
        return Err(DataError::format(
            request.path,
            format!(
                "{} class folder{} found ({})",
                names.len(),
                if names.len() == 1 { "" } else { "s" },
                names.join(", ")
            ),
            "Give at least two folders with images, one for each class",
        ));
    }
    Ok(names)
}

/// `(0 | 1 | 2, folder)` of training, validation and test part; the folder itself if it has no `train/`.
fn part_folders(root: &Path) -> Result<Vec<(usize, PathBuf)>, DataError> {
    let folders: Vec<PathBuf> = sorted_entries(root)?.into_iter().filter(|entry| entry.is_dir()).collect();
    let named = |names: &[&str]| {
        folders.iter().find(|folder| names.contains(&file_name(folder).to_lowercase().as_str())).cloned()
    };
    let Some(train) = named(&["train", "training"]) else { return Ok(vec![(0, root.to_path_buf())]) };
    let mut parts = vec![(0, train)];
    parts.extend(named(&["val", "valid", "validation"]).map(|folder| (1, folder)));
    parts.extend(named(&["test", "testing"]).map(|folder| (2, folder)));
    Ok(parts)
}

/// Adds the images of a folder and of the folders in it.
fn list_class(listing: &mut Listing, folder: &Path, class: u32, part: usize) -> Result<(), DataError> {
    for path in sorted_entries(folder)? {
        if path.is_dir() {
            list_class(listing, &path, class, part)?;
        } else if is_image_file(&path) {
            listing.files.push(ImageFile { path, class, part });
        } else {
            listing.ignored += 1;
        }
    }
    Ok(())
}

struct Headers {
    found: Vec<ImageHeader>,
    left_out: usize,
}

/// Headers of all files, in parallel; unreadable files leave the listing or stop.
fn headers(request: &Request, listing: &mut Listing) -> Result<Headers, DataError> {
    let results: Vec<_> = listing.files.par_iter().map(|file| image_decoder::read_header(&file.path)).collect();
    let (found, left_out) = keep_readable(request, listing, results)?;
    Ok(Headers { found, left_out })
}

/// Drops the files whose result is an error from the listing, or returns the first such error.
fn keep_readable<T>(
    request: &Request,
    listing: &mut Listing,
    results: Vec<Result<T, DataError>>,
) -> Result<(Vec<T>, usize), DataError> {
    let total = results.len();
    let mut found = Vec::with_capacity(total);
    let mut readable = Vec::with_capacity(total);
    for result in results {
        readable.push(result.is_ok());
        match result {
            Ok(value) => found.push(value),
            Err(DataError::Image { .. }) if request.config.skip_unreadable => {}
            Err(error) => return Err(error),
        }
    }
    let mut readable = readable.into_iter();
    listing.files.retain(|_| readable.next().unwrap_or(false));
    let left_out = total - found.len();
    Ok((found, left_out))
}

/// The size and channels of all samples, and what has to be done to images to get there.
fn choose_shape(
    request: &Request,
    headers: &[ImageHeader],
    decoding: &ImageDecoding,
) -> Result<(SampleShape, Vec<String>), DataError> {
    if let Some(schema) = request.schema {
        return Ok((schema.sample_shape, changes(headers, &schema.sample_shape, decoding)));
    }
    let mut counts: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for header in headers {
        *counts.entry((header.height, header.width)).or_default() += 1;
    }
    let most_common = counts.iter().max_by_key(|&(size, &count)| (count, *size)).map(|(&size, _)| size);
    let (height, width) = match (request.config.image_size, most_common) {
        (Some(size), _) => size.sides()?,
        (None, Some(size)) => size,
        (None, None) => {
            return Err(DataError::format(request.path, "no readable image", "Check the files of the folder"));
        }
    };
    let grey = match request.config.color {
        ColorMode::Auto => headers.iter().all(|header| header.grey),
        ColorMode::Grey => true,
        ColorMode::Color => false,
    };
    let shape = SampleShape::Image { height, width, channels: if grey { 1 } else { 3 } };
    Ok((shape, changes(headers, &shape, decoding)))
}

/// A note for each kind of change that brings images to `shape`: another size, other channels.
fn changes(headers: &[ImageHeader], shape: &SampleShape, decoding: &ImageDecoding) -> Vec<String> {
    let SampleShape::Image { height, width, channels } = *shape else { return Vec::new() };
    let count = |changed: &dyn Fn(&ImageHeader) -> bool| headers.iter().filter(|header| changed(header)).count();
    let resized = count(&|header| (header.height, header.width) != (height, width));
    let (total, filter, fit) = (headers.len(), decoding.resize_filter.name(), decoding.fit.name());
    let changes = [
        (resized, format!("brought to {height} x {width} ({filter}, {fit})")),
        (count(&|header| channels == 1 && !header.grey), "turned from colour to grey".to_owned()),
        (count(&|header| channels == 3 && header.grey), "turned from grey to colour".to_owned()),
    ];
    let note = |(count, change): (usize, String)| (count > 0).then(|| format!("{count} of {total} images {change}"));
    changes.into_iter().filter_map(note).collect()
}

struct Pixels {
    bytes: Vec<u8>,
    left_out: usize,
}

/// Decodes all files of the listing in parallel, each straight to its place.
fn decode_all(
    request: &Request,
    listing: &mut Listing,
    shape: &SampleShape,
    decoding: &ImageDecoding,
) -> Result<Pixels, DataError> {
    let length = shape.len();
    let mut bytes = vec![0u8; listing.files.len() * length];
    let results: Vec<Result<(), DataError>> = listing
        .files
        .par_iter()
        .zip(bytes.par_chunks_exact_mut(length))
        .map(|(file, output)| image_decoder::decode(&file.path, shape, decoding, output))
        .collect();
    let readable: Vec<bool> = results.iter().map(Result::is_ok).collect();
    let (_, left_out) = keep_readable(request, listing, results)?;
    let mut kept = 0;
    for (sample, readable) in readable.into_iter().enumerate() {
        if readable {
            bytes.copy_within(sample * length..(sample + 1) * length, kept * length);
            kept += 1;
        }
    }
    bytes.truncate(kept * length);
    Ok(Pixels { bytes, left_out })
}

#[cfg(test)]
#[path = "image_folder_tests.rs"]
mod tests;
