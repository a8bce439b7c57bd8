//! IDX files as used by MNIST: pairs of images and labels, plain or .gz; a training pair and a `t10k` or `test` pair.

use super::class_names::classes_of_numbers;
use super::data_file::{self, ByteLimit, megabytes};
use super::{Reader, Request, file_name, sorted_entries};
use crate::catalog::CatalogEntry;
use crate::config::DataConfig;
use crate::dataset::PartSizes;
use crate::dataset::{Dataset, Inputs, Provenance, SampleShape};
use crate::error::DataError;
use crate::format::Format;
use flate2::read::MultiGzDecoder;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

/// The reader of this format.
pub(super) const READER: Reader = Reader {
    entry: CatalogEntry {
        name: "idx",
        summary: "pairs of IDX files as of MNIST, plain or .gz; finds the t10k test pair",
    },
    format: Format::Idx,
    read,
};

const NEXT: &str = "Fetch the file again (it may be truncated)";

/// Returns true if a file of this name, in lower case, is read in this format.
pub(super) fn is_name(name: &str) -> bool {
    is_images_name(name) || name.contains("ubyte")
}

/// Returns true if a file is named like the images of an IDX pair.
pub(super) fn is_images_name(name: &str) -> bool {
    name.contains("images") && (name.contains("idx3") || name.contains("idx4") || name.contains("ubyte"))
}

fn read(request: &Request) -> Result<Dataset, DataError> {
    let (training, test) = find_pairs(request.path)?;
    let (shape, mut pixels, mut labels) = read_pair(&training, request.config)?;
    let mut sizes = PartSizes { train: labels.len(), ..PartSizes::default() };
    let mut files = vec![(training, labels.len())];
    if let Some(test) = test {
        let (test_shape, test_pixels, test_labels) = read_pair(&test, request.config)?;
        if test_shape != shape {
            return Err(DataError::shape("images of the test file", shape, test_shape));
        }
        sizes.test = test_labels.len();
        files.push((test, test_labels.len()));
        pixels.extend(test_pixels);
        labels.extend(test_labels);
    }
    let targets = classes_of_numbers(&labels, 0, request.schema, request.path)?;
    let dataset = Dataset::from_memory(file_name(request.path), shape, Inputs::Bytes(pixels), targets)?
        .with_provenance(Provenance::Records { files });
    match sizes.division() {
        Some(division) => dataset.with_division(division),
        None => Ok(dataset),
    }
}

/// Returns the images file of the training pair, and that of the test pair if there is one.
fn find_pairs(path: &Path) -> Result<(PathBuf, Option<PathBuf>), DataError> {
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new(".")) };
    let images: Vec<PathBuf> =
        sorted_entries(folder)?.into_iter().filter(|file| is_images_name(&file_name(file))).collect();
    let training = if path.is_dir() {
        let sets: Vec<&PathBuf> = images.iter().filter(|file| !is_test(file)).collect();
        if let [one, other, ..] = sets[..] {
            let what = format!("several sets of images, including {} and {}", file_name(one), file_name(other));
            return Err(DataError::format(path, what, "Name the file of training images as data.source"));
        }
        sets.first().copied().or(images.first()).cloned()
    } else if is_images_name(&file_name(path)) {
        Some(path.to_path_buf())
    } else {
        images.into_iter().find(|images| labels_of(images) == path)
    };
    let Some(training) = training else {
        let next = "Give the folder, or a file such as train-images-idx3-ubyte.gz next to its labels";
        return Err(DataError::format(path, "no IDX file of images found", next));
    };
    let name = file_name(&training);
    let Some((start, ending)) = name.split_once("train").filter(|_| !is_test(&training)) else {
        return Ok((training, None));
    };
    // EMNIST puts its own name first: emnist-letters-train-images-idx3-ubyte.
    let test = ["t10k", "test"].map(|part| training.with_file_name(format!("{start}{part}{ending}")));
    Ok((training, test.into_iter().find(|file| file.exists())))
}

/// Returns true if a file is named like part of a test pair.
fn is_test(file: &Path) -> bool {
    file_name(file).split(['-', '_', '.']).any(|word| word == "t10k" || word == "test")
}

/// Returns the labels file that belongs to an images file.
fn labels_of(images: &Path) -> PathBuf {
    let name = file_name(images).replace("images", "labels").replace("idx3", "idx1").replace("idx4", "idx1");
    images.with_file_name(name)
}

/// Reads shape, pixels and labels of one pair.
fn read_pair(images: &Path, config: &DataConfig) -> Result<(SampleShape, Vec<u8>, Vec<f64>), DataError> {
    let (sizes, pixels) = read_array(images, config)?;
    let shape = match sizes[..] {
        [_, height, width] => SampleShape::Image { height, width, channels: 1 },
        [_, height, width, channels] => SampleShape::Image { height, width, channels },
        _ => {
            let what = format!("an array of {} dimensions is not a set of images", sizes.len());
            return Err(DataError::format(images, what, "Give images of three or four dimensions"));
        }
    };
    let labels_path = labels_of(images);
    let (label_sizes, labels) = read_array(&labels_path, config)?;
    let count = sizes.first().copied().unwrap_or(0);
    if label_sizes[..] != [count] {
        let what = format!("{label_sizes:?} labels for {count} images of {}", file_name(images));
        return Err(DataError::format(&labels_path, what, "Give the two files of one pair"));
    }
    Ok((shape, pixels, labels.into_iter().map(f64::from).collect()))
}

/// Reads dimensions and bytes of one IDX file, plain or packed.
fn read_array(path: &Path, config: &DataConfig) -> Result<(Vec<usize>, Vec<u8>), DataError> {
    let (file, length) = data_file::open(path)?;
    let mut file = BufReader::new(file);
    let mut begin = Vec::new();
    (&mut file).take(2).read_to_end(&mut begin).map_err(|error| DataError::io(path, error))?;
    let (is_packed, file) = (begin == [0x1f, 0x8b], begin.as_slice().chain(file));
    if is_packed {
        read_values(path, MultiGzDecoder::new(BufReader::new(file)), None, ByteLimit::of_packed(config, length))
    } else {
        read_values(path, file, Some(length), ByteLimit::of_plain(config))
    }
}

/// Reads dimensions and bytes of an array: two zero bytes, element type, number of dimensions, big-endian sizes,
/// values. The sizes are checked before memory is allocated for the values. `length` is the length of the source, if
/// known.
fn read_values(
    path: &Path,
    mut source: impl Read,
    length: Option<u64>,
    limit: ByteLimit,
) -> Result<(Vec<usize>, Vec<u8>), DataError> {
    let damaged = |error| DataError::format(path, format!("the file is damaged: {error}"), NEXT);
    let mut start = Vec::new();
    (&mut source).take(4).read_to_end(&mut start).map_err(damaged)?;
    let [0, 0, element, dimensions] = start[..] else {
        return Err(DataError::format(path, "not an IDX file: it does not begin with two zero bytes", NEXT));
    };
    if element != 0x08 || dimensions == 0 {
        let what = format!("elements of type {element:#04x} in {dimensions} dimensions; only bytes (0x08) are read");
        return Err(DataError::format(path, what, "Convert the file to bytes or to NPY"));
    }
    let header = 4 + 4 * u64::from(dimensions);
    let other_size = |found: String, demanded: String| {
        DataError::format(path, format!("the file has {found} bytes, but its header requires {demanded}"), NEXT)
    };
    let mut size_bytes = Vec::new();
    (&mut source).take(header - 4).read_to_end(&mut size_bytes).map_err(damaged)?;
    if size_bytes.len() as u64 + 4 < header {
        return Err(other_size((size_bytes.len() + 4).to_string(), format!("at least {header}")));
    }
    let (sizes, _) = size_bytes.as_chunks::<4>();
    let sizes: Vec<u32> = sizes.iter().map(|size| u32::from_be_bytes(*size)).collect();
    let demanded = || format!("{header} and {sizes:?} values");
    let claimed = sizes.iter().try_fold(1u64, |product, &size| product.checked_mul(u64::from(size)));
    let Some(claimed) = claimed.filter(|claimed| *claimed <= u64::MAX - header) else {
        let what = format!("its header requires {sizes:?} values, more than memory can hold");
        return Err(DataError::format(path, what, NEXT));
    };
    if let Some(length) = length.filter(|length| *length != header + claimed) {
        return Err(other_size(length.to_string(), demanded()));
    }
    limit.check(path, claimed, || format!("its header claims {sizes:?} values, {}", megabytes(claimed)))?;
    // A packed file may hold less than its header claims, so memory grows with the bytes read.
    let Some(values) = data_file::read_at_most(source, claimed, 0).map_err(damaged)? else {
        return Err(other_size(format!("more than {}", header + claimed), demanded()));
    };
    if (values.len() as u64) < claimed {
        return Err(other_size((header + values.len() as u64).to_string(), demanded()));
    }
    Ok((sizes.iter().map(|&size| size as usize).collect(), values))
}

#[cfg(test)]
mod tests {
    use crate::config::DataConfig;
    use crate::dataset::{Inputs, Targets};
    use crate::load::load;
    use std::io::Write;
    use std::path::Path;

    fn idx(sizes: &[u32], values: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, sizes.len() as u8];
        sizes.iter().for_each(|size| bytes.extend(size.to_be_bytes()));
        bytes.extend(values);
        bytes
    }

    fn zipped(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn write_pairs(folder: &Path, ending: &str, pack: impl Fn(&[u8]) -> Vec<u8>) {
        let write =
            |name: &str, bytes: Vec<u8>| std::fs::write(folder.join(format!("{name}{ending}")), pack(&bytes)).unwrap();
        write("train-images-idx3-ubyte", idx(&[3, 1, 2], &[1, 2, 3, 4, 5, 6]));
        write("train-labels-idx1-ubyte", idx(&[3], &[0, 1, 2]));
        write("t10k-images-idx3-ubyte", idx(&[1, 1, 2], &[7, 8]));
        write("t10k-labels-idx1-ubyte", idx(&[1], &[1]));
    }

    #[test]
    fn both_pairs_are_found_plain_and_compressed() {
        for ending in ["", ".gz"] {
            let folder = tempfile::tempdir().unwrap();
            write_pairs(folder.path(), ending, |bytes| if ending.is_empty() { bytes.to_vec() } else { zipped(bytes) });
            for source in [
                ".".to_string(),
                format!("train-images-idx3-ubyte{ending}"),
                format!("train-labels-idx1-ubyte{ending}"),
            ] {
                let data = load(&DataConfig::of_source(source), folder.path()).unwrap();
                assert_eq!(data.inputs(), &Inputs::Bytes(vec![1, 2, 3, 4, 5, 6, 7, 8]));
                assert_eq!(data.sample_shape().dimensions(), [1, 2, 1]);
                assert_eq!(data.division().unwrap().test, [3]);
                let Targets::Classes { labels, .. } = data.targets() else { panic!("labels are classes") };
                assert_eq!(labels[..], [0, 1, 2, 1]);
            }
        }
    }

    #[test]
    fn the_files_of_emnist_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: Vec<u8>| {
            std::fs::write(folder.path().join(format!("emnist-letters-{name}-ubyte.gz")), zipped(&bytes)).unwrap();
        };
        write("train-images-idx3", idx(&[3, 1, 2], &[1, 2, 3, 4, 5, 6]));
        write("train-labels-idx1", idx(&[3], &[1, 2, 26]));
        write("test-images-idx3", idx(&[1, 1, 2], &[7, 8]));
        write("test-labels-idx1", idx(&[1], &[2]));
        let data = load(&DataConfig::of_source("."), folder.path()).unwrap();
        assert_eq!((data.class_names().join(" "), data.division().unwrap().test.clone()), ("1 2 26".into(), vec![3]));
        std::fs::write(folder.path().join("emnist-digits-train-images-idx3-ubyte"), idx(&[1, 1, 2], &[1, 2])).unwrap();
        let message = load(&DataConfig::of_source("."), folder.path()).unwrap_err().to_string();
        assert!(message.contains("several sets of images"), "{message}");
    }

    #[test]
    fn claims_beyond_the_limit_are_refused_before_they_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let zeros = vec![0; 3_000_000];
        let cases = [
            (
                zipped(&idx(&[4_000, 1_000, 1_000], &[1, 2])),
                None,
                "[4000, 1000, 1000] values, 4000.0 MB; at most 512 MB",
            ),
            (zipped(&idx(&[3_000, 10, 100], &zeros)), Some(2), "3.0 MB; at most 2 MB of one file are read"),
            (zipped(&idx(&[3_000, 10, 10], &zeros)), Some(2), "has more than 300016 bytes"),
            (idx(&[3_000, 10, 100], &zeros), Some(2), "3.0 MB; at most 2 MB of one file are read"),
        ];
        for (bytes, largest_file_megabytes, expected) in cases {
            write_pairs(folder.path(), "", <[u8]>::to_vec);
            std::fs::write(folder.path().join("train-images-idx3-ubyte"), bytes).unwrap();
            let config = DataConfig { largest_file_megabytes, ..DataConfig::of_source(".") };
            let message = load(&config, folder.path()).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn damaged_files_are_named() {
        let images = idx(&[3, 1, 2], &[1, 2, 3, 4, 5, 6]);
        let cases: [(&str, Vec<u8>, &str); 7] = [
            ("train-images-idx3-ubyte", vec![], "does not begin with two zero bytes"),
            ("train-images-idx3-ubyte", images[..9].to_vec(), "requires at least 16"),
            (
                "train-images-idx3-ubyte",
                images[..20].to_vec(),
                "has 20 bytes, but its header requires 16 and [3, 1, 2]",
            ),
            ("train-images-idx3-ubyte", zipped(&images)[..15].to_vec(), "the file is damaged"),
            ("train-images-idx3-ubyte", idx(&[u32::MAX; 3], &[1]), "header requires"),
            ("train-labels-idx1-ubyte", idx(&[2], &[0, 1]), "[2] labels for 3 images"),
            ("train-images-idx3-ubyte", vec![0, 0, 13, 3, 0], "only bytes (0x08) are read"),
        ];
        for (name, bytes, expected) in cases {
            let folder = tempfile::tempdir().unwrap();
            write_pairs(folder.path(), "", <[u8]>::to_vec);
            std::fs::write(folder.path().join(name), bytes).unwrap();
            let message = load(&DataConfig::of_source("."), folder.path()).unwrap_err().to_string();
            assert!(message.contains(name) && message.contains(expected), "{message}");
        }
    }
}
