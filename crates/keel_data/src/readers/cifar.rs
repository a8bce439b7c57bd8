//! Binary versions of CIFAR-10 and CIFAR-100 (Krizhevsky 2009): records of labels and 3 x 32 x 32 bytes.

use super::class_names::classes_of_numbers;
use super::data_file::{self, ByteLimit};
use super::{Reader, Request, file_name, sorted_entries};
use crate::catalog::CatalogEntry;
use crate::dataset::PartSizes;
use crate::dataset::{Dataset, Inputs, Provenance, SampleShape, Schema, TargetKind, Targets};
use crate::error::DataError;
use crate::format::Format;
use std::path::{Path, PathBuf};

/// The reader of this format.
pub(super) const READER: Reader = Reader {
    entry: CatalogEntry {
        name: "cifar",
        summary: "CIFAR-10 (data_batch_*.bin, test_batch.bin) or CIFAR-100 (train.bin, test.bin; fine labels)",
    },
    format: Format::Cifar,
    read,
};

const SIDE: usize = 32;
const PIXELS: usize = SIDE * SIDE;

/// Returns true if a file of this name, in lower case, is read in this format.
pub(super) fn is_name(name: &str) -> bool {
    name.ends_with(".bin")
}

/// Returns true if a file is named as part of CIFAR-10 or CIFAR-100.
pub(super) fn is_batch_name(name: &str) -> bool {
    name.starts_with("data_batch") && name.ends_with(".bin")
        || ["test_batch.bin", "train.bin", "test.bin"].contains(&name)
}

fn read(request: &Request) -> Result<Dataset, DataError> {
    let (files, limit) = (batch_files(request.path)?, ByteLimit::of_plain(request.config));
    let (mut pixels, mut labels, mut sizes, mut counts) = (Vec::new(), Vec::new(), PartSizes::default(), Vec::new());
    for file in &files {
        let before = labels.len();
        read_records(file, limit, &mut pixels, &mut labels)?;
        let count = labels.len() - before;
        counts.push((file.clone(), count));
        if file_name(file).starts_with("test") {
            sizes.test += count;
        } else {
            sizes.train += count;
        }
    }
    let folder = if request.path.is_dir() { request.path } else { request.path.parent().unwrap_or(Path::new(".")) };
    let numbers = || labels.iter().map(|&label| f64::from(label)).collect::<Vec<f64>>();
    let targets = match (request.schema, names_file(folder, limit)?) {
        (None, Some(class_names)) if labels.iter().all(|&label| (label as usize) < class_names.len()) => {
            Targets::Classes { labels, class_names }
        }
        (Some(Schema { target: TargetKind::Classes(class_names), .. }), _)
            if labels.iter().all(|&label| (label as usize) < class_names.len()) =>
        {
            // Records hold indices, whatever the classes are called.
            Targets::Classes { labels, class_names: class_names.clone() }
        }
        _ => {
            let least = labels.iter().max().map_or(0, |&largest| largest as usize + 1);
            classes_of_numbers(&numbers(), least, request.schema, request.path)?
        }
    };
    let shape = SampleShape::Image { height: SIDE, width: SIDE, channels: 3 };
    let dataset = Dataset::from_memory(file_name(request.path), shape, Inputs::Bytes(pixels), targets)?
        .with_provenance(Provenance::Records { files: counts });
    match sizes.division() {
        Some(division) => dataset.with_division(division),
        None => Ok(dataset),
    }
}

/// Returns the files to read, training before test.
fn batch_files(path: &Path) -> Result<Vec<PathBuf>, DataError> {
    if !path.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut files: Vec<PathBuf> =
        sorted_entries(path)?.into_iter().filter(|file| is_batch_name(&file_name(file))).collect();
    files.sort_by_key(|file| (file_name(file).starts_with("test"), file.clone()));
    if files.is_empty() {
        return Err(DataError::format(
            path,
            "no CIFAR batch found",
            "Give the folder with data_batch_1.bin or train.bin",
        ));
    }
    Ok(files)
}

/// Reads the names of the classes, if the folder has a file of them.
fn names_file(folder: &Path, limit: ByteLimit) -> Result<Option<Vec<String>>, DataError> {
    for name in ["batches.meta.txt", "fine_label_names.txt"] {
        let path = folder.join(name);
        if path.exists() {
            let text = String::from_utf8_lossy(&data_file::read(&path, limit)?).into_owned();
            return Ok(Some(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(String::from).collect()));
        }
    }
    Ok(None)
}

/// Appends the records of one file, converting planes to interleaved pixels.
fn read_records(path: &Path, limit: ByteLimit, pixels: &mut Vec<u8>, labels: &mut Vec<u32>) -> Result<(), DataError> {
    let bytes = data_file::read(path, limit)?;
    let hundred = ["train.bin", "test.bin"].contains(&file_name(path).as_str());
    let (label_bytes, classes) = if hundred { (2, 100) } else { (1, 10) };
    let record = label_bytes + 3 * PIXELS;
    if bytes.is_empty() || !bytes.len().is_multiple_of(record) {
        return Err(DataError::format(
            path,
            format!("{} bytes are not a multiple of the {record} of a record", bytes.len()),
            "Fetch the file again (it may be truncated)",
        ));
    }
    for (number, record) in bytes.chunks_exact(record).enumerate() {
        let (numbers, planes) = record.split_at_checked(label_bytes).unwrap_or_default();
        let label = numbers.last().copied().unwrap_or(u8::MAX);
        if label >= classes {
            let what = format!("record {number} has the label {label}, outside the {classes} classes");
            return Err(DataError::format(path, what, "Give the binary version of CIFAR-10 or CIFAR-100"));
        }
        labels.push(u32::from(label));
        let [red, green, blue] = [0, 1, 2].map(|plane| planes.get(plane * PIXELS..).unwrap_or_default());
        let colors = red.iter().zip(green).zip(blue).take(PIXELS);
        pixels.extend(colors.flat_map(|((red, green), blue)| [*red, *green, *blue]));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DataConfig;
    use crate::load::load;

    fn record(labels: &[u8], color: [u8; 3]) -> Vec<u8> {
        let mut bytes = labels.to_vec();
        color.iter().for_each(|&value| bytes.extend([value; PIXELS]));
        bytes
    }

    #[test]
    fn both_versions_are_read() {
        for (train, test, labels) in
            [("data_batch_1.bin", "test_batch.bin", &[4u8][..]), ("train.bin", "test.bin", &[0, 4])]
        {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join(train), [record(labels, [1, 2, 3]), record(labels, [4, 5, 6])].concat())
                .unwrap();
            std::fs::write(folder.path().join(test), record(labels, [7, 8, 9])).unwrap();
            let data = load(&DataConfig::of_source("."), folder.path()).unwrap();
            assert_eq!(data.division().unwrap().test, [2]);
            let Inputs::Bytes(bytes) = data.inputs() else { panic!("images are bytes") };
            assert!(bytes[..3 * PIXELS].chunks_exact(3).all(|pixel| pixel == [1, 2, 3]));
            let Targets::Classes { labels, .. } = data.targets() else { panic!("labels are classes") };
            assert_eq!(labels[..], [4, 4, 4]);
            assert!(data.provenance().describe(2).ends_with(&format!("{test}, record 0")));
        }
    }

    #[test]
    fn truncated_files_and_wrong_labels_are_named() {
        let cases = [
            (vec![], "0 bytes"),
            (record(&[1], [0; 3])[..3_000].to_vec(), "3000 bytes are not a multiple of the 3073"),
            (record(&[10], [0; 3]), "record 0 has the label 10"),
        ];
        for (bytes, expected) in cases {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("data_batch_1.bin"), bytes).unwrap();
            let message = load(&DataConfig::of_source("data_batch_1.bin"), folder.path()).unwrap_err().to_string();
            assert!(message.contains("data_batch_1.bin") && message.contains(expected), "{message}");
        }
    }
}
