//! NumPy arrays: an .npz archive, or .npy files next to each other.

mod array;
mod header;
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

/// Names of the arrays of one part.
struct Names {
    inputs: &'static [&'static str],
    targets: &'static [&'static str],
}

/// Names of the arrays of training, validation and test part; the first that exists is used.
const PARTS: [Names; 3] = [
    Names {
        inputs: &[
            "x",
            "X",
            "x_train",
            "X_train",
            "train_x",
            "train_X",
            "train_images",
            "train_data",
            "train_features",
            "inputs",
            "images",
            "features",
            "data",
            "arr_0",
        ],
        targets: &[
            "y",
            "Y",
            "y_train",
            "Y_train",
            "train_y",
            "train_Y",
            "train_labels",
            "train_targets",
            "targets",
            "target",
            "labels",
            "label",
            "arr_1",
        ],
    },
    Names {
        inputs: &["x_val", "X_val", "x_valid", "X_valid", "val_x", "val_images", "val_data", "validation_images"],
        targets: &["y_val", "Y_val", "y_valid", "Y_valid", "val_y", "val_labels", "val_targets", "validation_labels"],
    },
    Names {
        inputs: &["x_test", "X_test", "test_x", "test_X", "test_images", "test_data", "test_features"],
        targets: &["y_test", "Y_test", "test_y", "test_Y", "test_labels", "test_targets"],
    },
];

/// Largest value from which numbers count as pixels of 0 to 255, next to others that end at 1.
const PIXELS: f64 = 16.0;

/// Source of arrays.
enum Container {
    /// An archive, with the largest size that its arrays may have.
    Archive(Box<ZipArchive<BufReader<File>>>, ByteLimit),
    Folder(PathBuf),
}

/// The arrays of one part.
struct ArrayPart {
    number: usize,
    name: &'static str,
    inputs: Array,
    targets: Option<Array>,
}

fn read(request: &Request) -> Result<Dataset, DataError> {
    let mut container = open(request.path, request.config)?;
    let parts = parts(request, &mut container)?;
    let count = |wanted| parts.iter().filter(|part| part.number == wanted).map(|part| part.inputs.samples()).sum();
    let sizes = PartSizes { train: count(0), validation: count(1), test: count(2) };
    let files = parts.iter().map(|part| (container.file(request.path, part.name), part.inputs.samples())).collect();
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
    let mut parts = Vec::new();
    for (number, names) in PARTS.iter().enumerate() {
        let Some((name, inputs)) = first_of(request, container, names.inputs)? else { continue };
        let targets = first_of(request, container, names.targets)?.map(|(_, targets)| targets);
        if targets.is_none() && request.schema.is_none() {
            let beside = name.replace("images", "labels").replace("features", "labels").replace(['x', 'X'], "y");
            let there = container.names()?.join(", ");
            let what = format!("array \"{name}\" has no matching \"{beside}\"; the file has {there}");
            return Err(DataError::format(request.path, what, "Store the targets under that name"));
        }
        parts.push(ArrayPart { number, name, inputs, targets });
    }
    if parts.is_empty() {
        let there = container.names()?.join(", ");
        let what = format!("no array of inputs found; there are {}", if there.is_empty() { "none" } else { &there });
        let next = "Store them as x and y, x_train and y_train, train_images and train_labels, or inputs and targets";
        return Err(DataError::format(request.path, what, next));
    }
    Ok(parts)
}

fn first_of(
    request: &Request,
    container: &mut Container,
    names: &'static [&'static str],
) -> Result<Option<(&'static str, Array)>, DataError> {
    for name in names {
        if let Some(array) = container.take(request, name)? {
            return Ok(Some((name, array)));
        }
    }
    Ok(None)
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
    let scales: Vec<(&str, f64)> = parts.iter().map(|part| (part.name, part.inputs.values.largest())).collect();
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
    let single = |entry: &Path| entry.extension().is_some_and(|ending| ending == "npz");
    if path.is_dir() {
        let archives: Vec<PathBuf> = sorted_entries(path)?.into_iter().filter(|entry| single(entry)).collect();
        return match &archives[..] {
            [archive] => open(archive, config),
            _ => Ok(Container::Folder(path.to_path_buf())),
        };
    }
    if !single(path) {
        return Ok(Container::Folder(path.parent().unwrap_or(Path::new(".")).to_path_buf()));
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
                let names = sorted_entries(folder)?.into_iter().map(|entry| file_name(&entry));
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
            Values::Floats(_) => Vec::new(),
        });
        return Inputs::Bytes(bytes.collect());
    }
    Inputs::Floats(parts.into_iter().flat_map(Values::into_floats).map(|value| value as f32).collect())
}

#[cfg(test)]
mod tests;
