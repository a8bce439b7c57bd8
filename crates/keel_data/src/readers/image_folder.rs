//! A folder of class folders with images, optionally inside `train/`, `val/` and `test/`.

mod alpha;
mod decoder;
mod depth;
mod eight_bits;
#[cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::cast_possible_truncation))]
mod header;
#[cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::cast_possible_truncation))]
pub(super) mod kind;
mod layout;
mod left_out;
mod listing;
mod no_labels;
mod part_names;
mod pixels;
mod shape;
mod shrink;
mod size;
mod survey;
#[cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::cast_possible_truncation))]
mod truncation;
mod walk;

pub use listing::why_unlabelled;
pub use size::{ImageSizeChoice, PIXEL_BUDGET, choose_image_size};
pub use survey::ImageSurvey;

use self::listing::{ImageFile, Listing};
use self::shape::Target;
use self::survey::Surveyed;
use super::data_file::ByteLimit;
use super::{Reader, Request, file_name};
use crate::catalog::CatalogEntry;
use crate::dataset::{
    Dataset, Inputs, OwnInputs, PartSizes, Peers, Provenance, Targets, check_same, fingerprint_of_names, join_results,
    part,
};
use crate::error::DataError;
use crate::format::Format;
use rayon::prelude::*;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The reader of this format.
pub(super) const READER: Reader = Reader {
    entry: CatalogEntry {
        name: "image_folder",
        summary: "folder of class folders (optionally in train/ val/ test/): JPEG, PNG, BMP, GIF, WebP, TIFF, PNM",
    },
    format: Format::ImageFolder,
    read,
};

/// Reads and decodes all images.
fn read(request: &Request) -> Result<Dataset, DataError> {
    let listing = Listing::of(request)?;
    if let Some(peers) = request.peers {
        // Each process decodes its part of the same list.
        let name = |path: &Path| path.strip_prefix(request.path).unwrap_or(path).display().to_string();
        let names: Vec<String> = listing.files.iter().map(|file| name(&file.path)).collect();
        check_same(peers, "list of image files has the fingerprint", fingerprint_of_names(&names))?;
    }
    read_listing(request, listing)
}

/// Reads single files for a trained model: with the names of their folders as classes if targets are requested, else
/// without labels.
pub(super) fn read_files(request: &Request, files: &[PathBuf]) -> Result<Dataset, DataError> {
    read_listing(request, Listing::of_files(request, files)?)
}

/// Images below a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageFiles {
    /// The files, sorted by path.
    pub files: Vec<PathBuf>,
    /// Notes about files that were left out, one sentence each.
    pub notes: Vec<String>,
    /// Number of images that were left out because their format cannot be decoded.
    pub unsupported: usize,
}

/// Returns every image below `folder`, each physical file once; hidden entries are left out.
///
/// # Errors
/// Fails if a folder cannot be read.
pub fn image_files_below(folder: &Path) -> Result<ImageFiles, DataError> {
    let mut walk = walk::Walk::default();
    walk.own(folder);
    let files = walk.images(folder)?;
    let left_out = walk.left_out;
    Ok(ImageFiles { files, notes: left_out.notes(), unsupported: left_out.unsupported.values().sum() })
}

/// Returns true if the file is an image, even of a format that cannot be decoded.
pub fn is_image(path: &Path) -> bool {
    kind::of_file(path) != kind::FileKind::Other
}

fn read_listing(request: &Request, listing: Listing) -> Result<Dataset, DataError> {
    let (mut surveyed, mut target) = survey_of(request, listing)?;
    set_depth(request, &surveyed, &mut target)?;
    let pixels = decode_all(request, &mut surveyed, &target)?;
    let Surveyed { mut listing, headers } = surveyed;
    if request.schema.is_none() {
        listing.drop_empty_classes();
        listing.check_classes(request.path)?;
    }
    let mut notes = std::mem::take(&mut listing.notes);
    notes.extend(target.notes.iter().cloned());
    notes.extend(target.changes(&headers));
    if pixels.transparent > 0 {
        notes.push(format!("images with transparent parts, shown on white: {}", pixels.transparent));
    }
    notes.extend(listing.walk.left_out.notes());
    if listing.files.is_empty() {
        return Err(no_image(request, &notes));
    }
    dataset(request, listing, pixels, &target).map(|dataset| dataset.with_notes(notes))
}

/// Reads only the headers.
pub(super) fn survey(request: &Request) -> Result<ImageSurvey, DataError> {
    let (surveyed, target) = survey_of(request, Listing::of(request)?)?;
    Ok(surveyed.survey(&target))
}

fn survey_of(request: &Request, listing: Listing) -> Result<(Surveyed, Target), DataError> {
    let surveyed = Surveyed::of(request, listing)?;
    if surveyed.listing.files.is_empty() {
        return Err(no_image(request, &surveyed.listing.walk.left_out.notes()));
    }
    let target = Target::new(request, &surveyed.headers)?;
    Ok((surveyed, target))
}

/// Determines the bits used by 16-bit images, for a model that is not trained yet.
fn set_depth(request: &Request, surveyed: &Surveyed, target: &mut Target) -> Result<(), DataError> {
    let files = surveyed.listing.files.iter().zip(&surveyed.headers);
    let deep: Vec<&Path> = files.filter(|(_, header)| header.deep).map(|(file, _)| file.path.as_path()).collect();
    if request.schema.is_some() || deep.is_empty() {
        return Ok(());
    }
    target.decoding.sample_bits = depth::bits_in_use(request.peers, &deep, ByteLimit::of_image(request.config))?;
    if target.decoding.sample_bits < 16 {
        let (count, bits) = (deep.len(), target.decoding.sample_bits);
        target.notes.push(format!("{count} images of 16 bits use {bits} of them, which are scaled to 0 to 255"));
    }
    Ok(())
}

fn no_image(request: &Request, notes: &[String]) -> DataError {
    let what = ["no readable image".to_owned()].iter().chain(notes).cloned().collect::<Vec<_>>().join("; ");
    DataError::format(request.path, what, "Give JPEG, PNG, BMP, GIF, WebP, TIFF or PNM files")
}

fn dataset(request: &Request, listing: Listing, pixels: Pixels, target: &Target) -> Result<Dataset, DataError> {
    let count = |part| listing.files.iter().filter(|file| file.part == part).count();
    let sizes = PartSizes { train: count(0), validation: count(1), test: count(2) };
    let labels = listing.files.iter().map(|file| file.class).collect();
    let targets = match listing.labelled {
        true => Targets::Classes { labels, class_names: listing.class_names },
        false => Targets::Unlabelled,
    };
    let directory = if request.path.is_dir() { request.path } else { Path::new("") };
    let name = |path: &Path| path.strip_prefix(directory).unwrap_or(path).display().to_string();
    let names = listing.files.iter().map(|file| name(&file.path)).collect();
    let dataset = match request.peers.filter(|peers| peers.size() > 1) {
        None => Dataset::from_memory(file_name(request.path), target.shape, Inputs::Bytes(pixels.bytes), targets)?,
        Some(peers) => {
            let Pixels { bytes, counts, .. } = pixels;
            let own = OwnInputs { peers: Arc::clone(peers), bytes, counts };
            Dataset::of_own_inputs(file_name(request.path), target.shape, own, targets)?
        }
    };
    let dataset = dataset
        .with_provenance(Provenance::Files { directory: directory.to_path_buf(), names })
        .with_image_decoding(target.decoding);
    match sizes.division() {
        Some(division) => dataset.with_division(division),
        None => Ok(dataset),
    }
}

/// Returns the size of `samples` samples in bytes, or an error if they exceed the available memory.
fn bytes_of_all(request: &Request, samples: usize, target: &Target) -> Result<usize, DataError> {
    let total = samples.saturating_mul(target.shape.len());
    let largest = request.config.largest_bytes.unwrap_or(isize::MAX as u64);
    if total as u64 <= largest {
        return Ok(total);
    }
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let what = format!(
        "{samples} images of {} take {:.1} MB of memory, {:.1} MB are free",
        target.shape,
        megabytes(total as u64),
        megabytes(largest)
    );
    let side = (target.shape.len() as f64 * largest as f64 / total as f64 / target.shape.channels() as f64).sqrt();
    Err(DataError::setting("data.image_size", what, format!("Give a size of at most {}", side.max(1.0) as usize)))
}

/// Decoded images.
struct Pixels {
    /// Bytes of the files that this process decodes.
    bytes: Vec<u8>,
    /// Number of images with transparent parts, over all files.
    transparent: usize,
    /// Number of images decoded by each process, `[processes]`; a single process decodes all.
    counts: Vec<usize>,
}

/// Returns the range of files that each process decodes.
fn parts_of(peers: Option<&Arc<dyn Peers>>, files: usize) -> Vec<Range<usize>> {
    let size = peers.map_or(1, |peers| peers.size());
    (0..size).map(|rank| part(rank, size, files)).collect()
}

/// Decodes the files of the listing in parallel, each directly into its place; each process decodes its part.
fn decode_all(request: &Request, surveyed: &mut Surveyed, target: &Target) -> Result<Pixels, DataError> {
    let (length, files) = (target.shape.len(), &surveyed.listing.files);
    let parts = parts_of(request.peers, files.len());
    let own = parts[request.peers.map_or(0, |peers| peers.rank())].clone();
    let total = bytes_of_all(request, own.len(), target)?;
    let mut bytes = vec![0u8; total];
    let places = files[own.clone()].par_iter().zip(bytes.par_chunks_exact_mut(length));
    let limit = ByteLimit::of_image(request.config);
    let decode = |(file, output): (&ImageFile, &mut [u8])| {
        decoder::decode(&file.path, &target.shape, &target.decoding, limit, output)
    };
    let results: Vec<Result<decoder::Decoded, DataError>> = places.map(decode).collect();
    let readable_here: Vec<bool> = results.iter().map(Result::is_ok).collect();
    let results = join_results(request.peers, results)?;
    let readable: Vec<bool> = results.iter().map(Result::is_ok).collect();
    let decoded = surveyed.listing.keep_readable(request, results)?;
    let mut kept = 0;
    for (sample, readable) in readable_here.iter().enumerate() {
        if *readable {
            bytes.copy_within(sample * length..(sample + 1) * length, kept * length);
            kept += 1;
        }
    }
    bytes.truncate(kept * length);
    let counts = parts.into_iter().map(|part| readable[part].iter().filter(|readable| **readable).count()).collect();
    let mut readable = readable.into_iter();
    surveyed.headers.retain(|_| readable.next().unwrap_or(false));
    Ok(Pixels { bytes, transparent: decoded.iter().filter(|decoded| decoded.transparent).count(), counts })
}

#[cfg(test)]
#[path = "image_folder/tests.rs"]
mod tests;

#[cfg(test)]
#[path = "image_folder/layout_tests.rs"]
mod layout_tests;
