//! NumPy arrays: an .npz archive, or .npy files next to each other.

mod array;
mod header;
mod names;
mod targets;

use super::data_file::{self, ByteLimit, megabytes};
use super::{Reader, Request, file_name, sorted_entries};
use crate::catalog::CatalogEntry;
use crate::config::DataConfig;
use crate::dataset::PartSizes;
use crate::dataset::{Dataset, Inputs, Provenance, SampleShape};
use crate::error::DataError;
use crate::format::Format;
use array::{Array, Values};
use header::damaged;
use names::{PARTS, part_of, partners, targets_of};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use zip::ZipArchive;

/// The reader of this format.
pub(super) const READER: Reader = Reader {
    entry: CatalogEntry {
        name: "npy",
        summary: "NumPy arrays x and y (and x_test, y_test) in an .npz, or as x.npy and y.npy; images are NHWC",
    },
    format: Format::Npy,
    read,
};

/// Returns true if a file of this name is read in this format.
pub(super) fn is_name(name: &str) -> bool {
    name.ends_with(".npy") || name.ends_with(".npz")
}

/// Largest value from which numbers count as pixels of 0 to 255, next to others that end at 1.
const PIXELS: f64 = 16.0;

/// Source of arrays.
enum Container {
    /// An archive, with the largest size that its arrays may have.
    Archive(Box<ZipArchive<BufReader<File>>>, ByteLimit),
    /// Files in a folder.
    Folder(PathBuf),
}

/// The arrays of one part.
struct ArrayPart {
    number: usize,
    name: String,
    inputs: Array,
    targets: Option<Array>,
}

fn read(request: &Request) -> Result<Dataset, DataError> {
    let mut container = open(request.path, request.config)?;
    let parts = parts(request, &mut container)?;
    let count = |wanted| parts.iter().filter(|part| part.number == wanted).map(|part| part.inputs.samples()).sum();
    let sizes = PartSizes { train: count(0), validation: count(1), test: count(2) };
    let files = parts.iter().map(|part| (container.file(request.path, &part.name), part.inputs.samples())).collect();
    let sizes_of_first = parts.first().map(|part| part.inputs.sizes.clone()).unwrap_or_default();
    let shape = sample_shape(request.path, &sizes_of_first)?;
    check_parts(request.path, &parts, &shape)?;
    let (mut inputs, mut targets) = (Vec::new(), Vec::new());
    for part in parts {
        inputs.push(part.inputs.values);
        targets.extend(part.targets);
    }
    let mut notes = Vec::new();
    let targets = targets::join(request, targets, &mut notes)?;
    let dataset = Dataset::unchecked(file_name(request.path), shape, join_inputs(inputs), targets)?
        .with_provenance(Provenance::Records { files })
        .with_notes(notes)
        .checked()?;
    dataset.with_parts(Some(sizes))
}

/// The arrays of every part that is there.
fn parts(request: &Request, container: &mut Container) -> Result<Vec<ArrayPart>, DataError> {
    let there = container.names()?;
    let chosen = inputs(request, &there);
    if chosen.is_empty() {
        let all = if there.is_empty() { "none".to_string() } else { there.join(", ") };
        let what = format!("no array of inputs found; there are {all}");
        let next = "Store them as x and y, x_train and y_train, train_images and train_labels, or inputs and targets";
        return Err(DataError::format(request.path, what, next));
    }
    let mut parts = Vec::new();
    for (number, name) in chosen {
        let Some(inputs) = container.take(request, &name)? else { continue };
        if let Values::Texts(_) = inputs.values {
            let next = "Store numbers as inputs; only targets may be text";
            return Err(DataError::format(request.path, format!("the array \"{name}\" is text"), next));
        }
        // Inputs to predict may be named like anything, and other arrays next to them may have any meaning.
        let wanted = targets_of(&name, &there).filter(|_| request.schema.is_none() || request.wants_targets);
        let targets = wanted.map(|name| container.take(request, name)).transpose()?.flatten();
        if targets.is_none() && request.schema.is_none() {
            let (beside, all) = (partners(&name).join("\" or \""), there.join(", "));
            let what = format!("array \"{name}\" has no matching \"{beside}\"; there are {all}");
            return Err(DataError::format(request.path, what, "Store the targets under that name"));
        }
        parts.push(ArrayPart { number, name, inputs, targets });
    }
    Ok(parts)
}

/// Names of the inputs to read among the arrays `there`, each with the number of its part: a named file, with the other
/// parts next to it if it is the training part; or the first of the known names, preferably one with targets.
fn inputs(request: &Request, there: &[String]) -> Vec<(usize, String)> {
    let first_of = |number: usize| {
        let names = PARTS.get(number)?.inputs.iter().filter_map(|name| there.iter().find(|known| known == name));
        let with_targets = names.clone().find(|name| targets_of(name, there).is_some());
        with_targets.or_else(|| names.clone().next()).map(|name| (number, name.clone()))
    };
    let Some(named) = named_array(request.path) else {
        let chosen: Vec<_> = (0..PARTS.len()).filter_map(first_of).collect();
        return match (&chosen[..], there, request.schema) {
            ([], [only], Some(_)) => vec![(0, only.clone())],
            _ => chosen,
        };
    };
    let others = match (request.schema, part_of(&named)) {
        (None, Some(0)) => (1..PARTS.len()).filter_map(first_of).collect(),
        _ => Vec::new(),
    };
    [vec![(0, named)], others].concat()
}

/// Returns the name of the array in the file `path`; `None` for an archive or a folder.
fn named_array(path: &Path) -> Option<String> {
    let is_array = !path.is_dir() && !is_archive(path);
    path.file_stem().filter(|_| is_array).map(|name| name.to_string_lossy().into_owned())
}

fn is_archive(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npz"))
}

/// Refuses parts of different shapes or scales, and targets that are not one for each sample.
fn check_parts(path: &Path, parts: &[ArrayPart], shape: &SampleShape) -> Result<(), DataError> {
    let Some(sizes) = parts.first().map(|part| &part.inputs.sizes) else { return Ok(()) };
    for part in parts {
        if part.inputs.sizes.get(1..) != sizes.get(1..) {
            let found = format!("{:?} in {}", part.inputs.sizes.get(1..).unwrap_or_default(), part.name);
            return Err(DataError::shape("inputs of all parts", shape, found));
        }
        if let Some(targets) = &part.targets
            && targets.sizes.first() != part.inputs.sizes.first()
        {
            let what = format!("{:?} targets for {:?} inputs", targets.sizes, part.inputs.sizes);
            return Err(DataError::format(path, what, "Give one target for each sample"));
        }
    }
    let scales: Vec<(&str, f64)> =
        parts.iter().map(|part| (part.name.as_str(), part.inputs.values.largest())).collect();
    let pixels = scales.iter().find(|(_, largest)| *largest > PIXELS);
    let shares = scales.iter().find(|(_, largest)| *largest <= 1.0);
    if let (true, Some((pixels, largest)), Some((shares, _))) = (shape.is_image(), pixels, shares) {
        let what =
            format!("\"{pixels}\" has values up to {largest}, but \"{shares}\" only up to 1: their scales differ");
        return Err(DataError::format(path, what, "Store all parts as bytes, or divide all of them by 255"));
    }
    Ok(())
}

fn sample_shape(path: &Path, sizes: &[usize]) -> Result<SampleShape, DataError> {
    match *sizes {
        [_, features] => Ok(SampleShape::Features(features)),
        [_, height, width] => Ok(SampleShape::Image { height, width, channels: 1 }),
        [_, height, width, channels] if channels <= 4 => Ok(SampleShape::Image { height, width, channels }),
        _ => Err(DataError::format(
            path,
            format!("inputs of shape {sizes:?} are neither rows nor images"),
            "Give [samples, features], [samples, height, width] or [samples, height, width, channels]",
        )),
    }
}

fn open(path: &Path, config: &DataConfig) -> Result<Container, DataError> {
    if path.is_dir() {
        let archives: Vec<PathBuf> = sorted_entries(path)?.into_iter().filter(|entry| is_archive(entry)).collect();
        return match &archives[..] {
            [archive] => open(archive, config),
            _ => Ok(Container::Folder(path.to_path_buf())),
        };
    }
    if !is_archive(path) {
        return Ok(Container::Folder(path.parent().unwrap_or(Path::new("")).to_path_buf()));
    }
    let (file, length) = data_file::open(path)?;
    let archive = ZipArchive::new(BufReader::new(file)).map_err(|error| damaged(path, error))?;
    Ok(Container::Archive(Box::new(archive), ByteLimit::of_packed(config, length)))
}

impl Container {
    /// Returns the place of the array `name`, for messages.
    fn file(&self, path: &Path, name: &str) -> PathBuf {
        match self {
            Container::Archive(..) => path.join(format!("{name}.npy")),
            Container::Folder(_) if named_array(path).as_deref() == Some(name) => path.to_path_buf(),
            Container::Folder(folder) => folder.join(format!("{name}.npy")),
        }
    }

    /// Names of all arrays.
    fn names(&self) -> Result<Vec<String>, DataError> {
        match self {
            Container::Archive(archive, _) => {
                let names = archive.file_names_raw().map(|name| String::from_utf8_lossy(name).into_owned());
                let mut names: Vec<String> =
                    names.filter_map(|name| name.strip_suffix(".npy").map(String::from)).collect();
                names.sort();
                Ok(names)
            }
            Container::Folder(folder) => {
                // The folder of a file named without one is the current folder.
                let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder.as_path() };
                let names = sorted_entries(here)?.into_iter().map(|entry| file_name(&entry));
                Ok(names.filter_map(|name| name.strip_suffix(".npy").map(String::from)).collect())
            }
        }
    }

    /// The array `name`, if there is one.
    fn take(&mut self, request: &Request, name: &str) -> Result<Option<Array>, DataError> {
        let path = self.file(request.path, name);
        match self {
            Container::Archive(archive, limit) => {
                let entry_name = format!("{name}.npy");
                if !archive.file_names_raw().any(|known| known == entry_name.as_bytes()) {
                    return Ok(None);
                }
                let entry = archive.by_name(&entry_name);
                let entry = entry.map_err(|error| damaged(request.path, error))?;
                let length = entry.size();
                limit.check(&path, length, || format!("it has {} once unpacked", megabytes(length)))?;
                Array::read(&path, entry, length, *limit).map(Some)
            }
            Container::Folder(_) if path.exists() => {
                let (file, length) = data_file::open(&path)?;
                Array::read(&path, BufReader::new(file), length, ByteLimit::of_plain(request.config)).map(Some)
            }
            Container::Folder(_) => Ok(None),
        }
    }
}

/// Bytes if every part is bytes, else floats.
fn join_inputs(parts: Vec<Values>) -> Inputs {
    if parts.iter().all(|part| matches!(part, Values::Bytes(_))) {
        let bytes = parts.into_iter().flat_map(|part| match part {
            Values::Bytes(values) => values,
            Values::Floats(_) | Values::Texts(_) => Vec::new(),
        });
        return Inputs::Bytes(bytes.collect());
    }
    Inputs::Floats(parts.into_iter().flat_map(Values::into_floats).map(|value| value as f32).collect())
}

#[cfg(test)]
mod tests;
