use super::*;
use crate::config::DataConfig;
use crate::config::Task;
use crate::dataset::Targets;
use crate::load::{load, load_for_model, load_to_predict};
use std::io::Write;

/// A number that can be written to an array, with NumPy's name of its type.
trait Number: Copy {
    const TYPE: &'static str;
    fn bytes(self) -> Vec<u8>;
}

macro_rules! number {
    ($($number:ty: $name:literal),*) => {$(
        impl Number for $number {
            const TYPE: &'static str = $name;
            fn bytes(self) -> Vec<u8> {
                self.to_le_bytes().to_vec()
            }
        }
    )*};
}

number!(u8: "|u1", i32: "<i4", i64: "<i8", f32: "<f4", f64: "<f8");

/// A file of version 1 as NumPy writes it, its values aligned to 64 bytes.
fn npy<T: Number>(sizes: &[u64], values: &[T]) -> Vec<u8> {
    let sizes: String = sizes.iter().map(|size| format!("{size}, ")).collect();
    let mut header = format!("{{'descr': '{}', 'fortran_order': False, 'shape': ({sizes}), }}", T::TYPE);
    header.push_str(&" ".repeat(64 - (10 + header.len() + 1) % 64));
    header.push('\n');
    let length = (header.len() as u16).to_le_bytes().to_vec();
    let values = values.iter().flat_map(|value| value.bytes());
    [b"\x93NUMPY\x01\x00".to_vec(), length, header.into_bytes(), values.collect()].concat()
}

fn write_pair(folder: &Path) {
    std::fs::write(folder.join("x.npy"), npy(&[2, 1, 2], &[1u8, 2, 3, 4])).unwrap();
    std::fs::write(folder.join("y.npy"), npy(&[2], &[1i64, 0])).unwrap();
}

fn message(folder: &Path, task: Task) -> String {
    load(&DataConfig { task, ..DataConfig::of_source("x.npy") }, folder).unwrap_err().to_string()
}

#[test]
fn a_pair_of_files_is_read_as_images_with_classes() {
    let folder = tempfile::tempdir().unwrap();
    write_pair(folder.path());
    let data = load(&DataConfig::of_source("."), folder.path()).unwrap();
    assert_eq!(data.inputs(), &Inputs::Bytes(vec![1, 2, 3, 4]));
    assert_eq!(data.sample_shape().dimensions(), [1, 2, 1]);
    let Targets::Classes { labels, .. } = data.targets() else { panic!("whole numbers are classes") };
    assert_eq!(labels[..], [1, 0]);
    assert_eq!(data.notes(), ["the targets are read as classes (0 and 1): data.task = \"regression\" changes this"]);
    std::fs::write(folder.path().join("y.npy"), npy(&[2], &[1i64, -1])).unwrap();
    let data = load(&DataConfig::of_source("."), folder.path()).unwrap();
    assert_eq!(
        data.notes(),
        [
            "the targets are read as values (2 different whole numbers in 2 rows): data.task = \"classification\" changes this"
        ]
    );
}

/// Writes an archive of arrays given as the bytes of .npy files would be.
fn write_archive(path: &Path, arrays: &[(&str, &[u64], &[f32])]) {
    let arrays: Vec<(String, Vec<u8>)> =
        arrays.iter().map(|(name, sizes, values)| (format!("{name}.npy"), npy(sizes, values))).collect();
    write_entries(path, &arrays);
}

fn write_entries(path: &Path, entries: &[(String, Vec<u8>)]) {
    let mut archive = zip::ZipWriter::new(File::create(path).unwrap());
    for (name, bytes) in entries {
        archive.start_file(name.as_str(), zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap();
}

/// A header of version 1 that claims `sizes`, and `body` bytes of zeros.
fn claiming(sizes: &str, body: usize) -> Vec<u8> {
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({sizes}), }}");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.resize(bytes.len() + body, 0);
    bytes
}

#[test]
fn archives_that_unpack_to_more_than_the_limit_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bomb.npz");
    let cases = [
        (claiming("3000, 250", 3_000_000), Some(2), "it has 3.0 MB once unpacked; at most 2 MB of one file are read"),
        (claiming("4000000000, 4", 100), None, "claims [4000000000, 4] values, but the file has 100 bytes"),
        (claiming("0, 9223372036854775807, 4", 0), None, "claims [0, 9223372036854775807, 4] values"),
        (vec![0; 600_000_000], None, "it has 600.0 MB once unpacked; at most 512 MB"),
    ];
    for (bytes, largest_file_megabytes, expected) in cases {
        write_entries(&path, &[("x.npy".into(), bytes), ("y.npy".into(), npy(&[2], &[0i64, 1]))]);
        let config = DataConfig { largest_file_megabytes, ..DataConfig::of_source("bomb.npz") };
        let message = load(&config, folder.path()).unwrap_err().to_string();
        assert!(message.contains("bomb.npz/x.npy") && message.contains(expected), "{message}");
    }
}

#[test]
fn an_archive_whose_entry_is_longer_than_it_says_is_read_as_far_as_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lie.npz");
    write_entries(&path, &[("x.npy".into(), claiming("2, 100000", 800_000)), ("y.npy".into(), npy(&[2], &[0i64, 1]))]);
    let mut bytes = std::fs::read(&path).unwrap();
    // The size of an entry stands in its own header and in the directory.
    let size = (claiming("2, 100000", 800_000).len() as u32).to_le_bytes();
    let places: Vec<usize> = (0..bytes.len() - 4).filter(|&at| bytes[at..at + 4] == size).collect();
    assert!(!places.is_empty());
    places.iter().for_each(|&at| bytes[at..at + 4].copy_from_slice(&200u32.to_le_bytes()));
    std::fs::write(&path, bytes).unwrap();
    let message = load(&DataConfig::of_source("lie.npz"), folder.path()).unwrap_err().to_string();
    assert!(message.contains("lie.npz") && message.contains("cannot be read"), "{message}");
}

#[test]
fn arrays_without_dimensions_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (name, sizes, bytes) in [("x_train.npy", "6, 2", 48), ("x_test.npy", "", 4)] {
        std::fs::write(folder.path().join(name), claiming(sizes, bytes)).unwrap();
    }
    std::fs::write(folder.path().join("y_train.npy"), npy(&[6], &[0i64, 1, 0, 1, 0, 1])).unwrap();
    std::fs::write(folder.path().join("y_test.npy"), npy(&[], &[0i64])).unwrap();
    let message = load(&DataConfig::of_source("."), folder.path()).unwrap_err().to_string();
    assert!(message.contains("x_test.npy: the array is a single number without dimensions"), "{message}");
    write_archive(&folder.path().join("z.npz"), &[("x", &[], &[1.0]), ("y", &[], &[1.0])]);
    let archive = load(&DataConfig::of_source("z.npz"), folder.path()).unwrap_err().to_string();
    assert!(archive.contains("z.npz/x.npy: the array is a single number"), "{archive}");
    std::fs::remove_file(folder.path().join("z.npz")).unwrap();
    std::fs::write(folder.path().join("x_test.npy"), claiming("1, 2", 8)).unwrap();
    let message = load(&DataConfig::of_source("."), folder.path()).unwrap_err().to_string();
    assert!(message.contains("y_test.npy: the array is a single number without dimensions"), "{message}");
}

#[test]
fn targets_of_more_columns_than_the_limit_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.npy"), npy(&[2, 1], &[1u8, 2])).unwrap();
    std::fs::write(folder.path().join("y.npy"), npy(&[2, 4], &[0u8; 8])).unwrap();
    let read = |largest_columns| {
        let config = DataConfig { largest_columns, task: Task::Regression, ..DataConfig::of_source("x.npy") };
        load(&config, folder.path())
    };
    let Targets::Values { target_names, .. } = read(4).unwrap().targets().clone() else {
        panic!("values were asked for")
    };
    assert_eq!(target_names.len(), 4);
    let message = read(3).unwrap_err().to_string();
    assert!(message.contains("4 targets per sample, but the limit is 3 columns"), "{message}");
    assert!(message.contains("set data.largest_columns = 4"), "{message}");
}

#[test]
fn one_hot_targets_and_names_of_keras_are_classes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("o.npz");
    let one_hot: &[f32] = &[0.0, 1.0, 0.0, 1.0, 0.0, 0.0];
    write_archive(&path, &[("x", &[2, 2], &[1.0, 2.0, 3.0, 4.0]), ("y", &[2, 3], one_hot)]);
    for task in [Task::Auto, Task::Classification] {
        let data = load(&DataConfig { task, ..DataConfig::of_source("o.npz") }, folder.path()).unwrap();
        assert!(
            matches!(data.targets(), Targets::Classes { labels, class_names } if labels == &[1, 0] && class_names.len() == 3)
        );
    }
    write_archive(&path, &[("x", &[2, 2], &[1.0; 4]), ("y", &[2, 2], &[0.5, 0.5, 1.0, 0.0])]);
    let config = DataConfig { task: Task::Classification, ..DataConfig::of_source("o.npz") };
    let message = load(&config, folder.path()).unwrap_err().to_string();
    assert!(
        message.contains("2 columns that are not one-hot") && message.contains("one column of labels"),
        "{message}"
    );
    let pixels: &[f32] = &[0.0, 255.0, 3.0, 4.0];
    let keras: &[(&str, &[u64], &[f32])] = &[
        ("train_images", &[2, 1, 2], pixels),
        ("train_labels", &[2], &[1.0, 0.0]),
        ("test_images", &[1, 1, 2], &[255.0, 1.0]),
        ("test_labels", &[1], &[1.0]),
    ];
    write_archive(&path, keras);
    assert_eq!(load(&DataConfig::of_source("o.npz"), folder.path()).unwrap().division().unwrap().test, [2]);
    write_archive(&path, &[keras[0], keras[1], ("test_images", &[1, 1, 2], &[1.0, 0.5]), keras[3]]);
    let message = load(&DataConfig::of_source("o.npz"), folder.path()).unwrap_err().to_string();
    assert!(message.contains("\"train_images\" has values up to 255, but \"test_images\" only up to 1"), "{message}");
    write_archive(&path, &[("alpha", &[1], &[1.0]), ("beta", &[1], &[1.0])]);
    let message = load(&DataConfig::of_source("o.npz"), folder.path()).unwrap_err().to_string();
    assert!(message.contains("no array of inputs found; there are alpha, beta"), "{message}");
}

/// A file of the given element type with elements as they are stored.
fn of_type(code: &str, sizes: &str, body: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{code}', 'fortran_order': False, 'shape': ({sizes}), }}");
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), body].concat()
}

#[test]
fn labels_that_are_text_are_classes_and_inputs_of_16_bits_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: Vec<u8>| std::fs::write(folder.path().join(name), bytes).unwrap();
    let read = |source: &str| load(&DataConfig::of_source(source), folder.path());
    // 1.5, -2, 0.5
    write("x_train.npy", of_type("<f2", "3, 1", &[0x00, 0x3e, 0x00, 0xc0, 0x00, 0x38]));
    write("y_train.npy", of_type("|S3", "3, 1", b"dogcatdog"));
    write("x_test.npy", npy(&[1, 1], &[7.0f32]));
    write("y_test.npy", of_type("<U3", "1,", &[b'e', 0, 0, 0, b'l', 0, 0, 0, b'k', 0, 0, 0]));
    let data = read(".").unwrap();
    assert_eq!(data.inputs(), &Inputs::Floats(vec![1.5, -2.0, 0.5, 7.0]));
    assert_eq!(data.class_names(), ["cat", "dog", "elk"]);
    assert_eq!(data.notes(), ["the targets are read as classes (text)"]);
    assert!(matches!(data.targets(), Targets::Classes { labels, .. } if labels == &[1, 0, 1, 2]));
    // A model gives its own numbers to the classes.
    write("new.npy", npy(&[2, 1], &[1.0f32, 2.0]));
    write("new_y.npy", of_type("|S3", "2,", b"dogelk"));
    let schema = data.schema();
    let labelled = load_for_model(&DataConfig::of_source("new.npy"), folder.path(), &schema).unwrap();
    assert!(matches!(labelled.targets(), Targets::Classes { labels, .. } if labels == &[1, 2]));
    let refused = |targets: Vec<u8>, for_model: bool, task: Task| {
        write("new_y.npy", targets);
        let config = DataConfig { task, ..DataConfig::of_source("new.npy") };
        let data =
            if for_model { load_for_model(&config, folder.path(), &schema) } else { load(&config, folder.path()) };
        data.unwrap_err().to_string()
    };
    let cases = [
        (
            of_type("|S3", "2,", b"dogemu"),
            true,
            Task::Auto,
            "the label \"emu\" of sample 1 is not a class of the model",
        ),
        (of_type("|S3", "2,", b"dog\0\0\0"), false, Task::Auto, "the label of sample 1 is empty"),
        (of_type("|S1", "2, 2", b"abab"), false, Task::Auto, "the targets are texts of several columns"),
        (of_type("|S1", "2,", b"ab"), false, Task::Regression, "which cannot be read as values"),
    ];
    for (targets, for_model, task, expected) in cases {
        let message = refused(targets, for_model, task);
        assert!(message.contains(expected), "{message}");
    }
    write("y_test.npy", npy(&[1], &[1i64]));
    assert!(read(".").unwrap_err().to_string().contains("one part are text, those of another numbers"));
    write("x_train.npy", of_type("|S1", "3, 1", b"abc"));
    assert!(read(".").unwrap_err().to_string().contains("the array \"x_train\" is text"));
}

#[test]
fn float_targets_are_values_and_a_test_part_is_official() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in [
        ("x_train", npy(&[2, 2], &[1.0f64, 2.0, 3.0, 4.0])),
        ("y_train", npy(&[2], &[0.5f32, 1.0])),
        ("x_test", npy(&[1, 2], &[5.0f64, 6.0])),
        ("y_test", npy(&[1], &[2.0f32])),
    ] {
        std::fs::write(folder.path().join(format!("{name}.npy")), bytes).unwrap();
    }
    let data = load(&DataConfig::of_source("."), folder.path()).unwrap();
    assert_eq!(data.inputs(), &Inputs::Floats(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
    assert_eq!(data.targets(), &Targets::Values { values: vec![0.5, 1.0, 2.0], target_names: vec!["target_0".into()] });
    assert_eq!(data.division().unwrap().test, [2]);
}

#[test]
fn the_named_file_is_read_with_the_targets_that_belong_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: Vec<u8>| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("x.npy", npy(&[1, 2], &[9.0f32, 9.0]));
    write("x_train.npy", npy(&[2, 2], &[1.0f32, 2.0, 3.0, 4.0]));
    write("y_train.npy", npy(&[2], &[0i64, 1]));
    write("points.npy", npy(&[1, 2], &[5.0f32, 6.0]));
    let read = |name: &str| load(&DataConfig::of_source(name), folder.path());
    for source in ["x_train.npy", "./x_train.npy", "."] {
        let data = read(source).unwrap();
        assert_eq!(data.inputs(), &Inputs::Floats(vec![1.0, 2.0, 3.0, 4.0]), "{source}");
        assert!(data.provenance().describe(1).ends_with("x_train.npy, record 1"));
    }
    for (source, expected) in [
        ("x.npy", "array \"x\" has no matching \"y\"; there are points, x, x_train, y_train"),
        ("points.npy", "array \"points\" has no matching \"points_y\" or \"points_labels\" or \"points_targets\""),
    ] {
        let message = read(source).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
    // A model predicts the named file, whatever its name, and a folder or archive with one array.
    let schema = read("x_train.npy").unwrap().schema();
    let predicted = |name: &str| load_to_predict(&DataConfig::of_source(name), folder.path(), &schema).unwrap();
    assert_eq!(predicted("points.npy").inputs(), &Inputs::Floats(vec![5.0, 6.0]));
    assert_eq!(predicted("x.npy").inputs(), &Inputs::Floats(vec![9.0, 9.0]));
    write_archive(&folder.path().join("one.npz"), &[("points", &[1, 2], &[7.0, 8.0])]);
    assert_eq!(predicted("one.npz").inputs(), &Inputs::Floats(vec![7.0, 8.0]));
    let labelled = load_for_model(&DataConfig::of_source("x_train.npy"), folder.path(), &schema).unwrap();
    assert!(matches!(labelled.targets(), Targets::Classes { labels, .. } if labels == &[0, 1]));
}

#[test]
fn an_archive_is_read_and_a_truncated_one_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let entries = [("x.npy".into(), npy(&[2, 1], &[1.0f32, 2.0])), ("y.npy".into(), npy(&[2], &[0i32, 1]))];
    write_entries(&path, &entries);
    let data = load(&DataConfig::of_source("a.npz"), folder.path()).unwrap();
    assert_eq!((data.samples(), data.outputs()), (2, 2));
    let bytes = std::fs::read(&path).unwrap();
    for length in [0, 30, bytes.len() - 10] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let message = load(&DataConfig::of_source("a.npz"), folder.path()).unwrap_err().to_string();
        assert!(message.contains("a.npz: the array cannot be read"), "{message}");
    }
}

#[test]
fn damaged_and_unfitting_arrays_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    write_pair(path);
    let whole = std::fs::read(path.join("x.npy")).unwrap();
    for length in [0, 20, whole.len() - 1] {
        std::fs::write(path.join("x.npy"), &whole[..length]).unwrap();
        assert!(message(path, Task::Auto).contains("x.npy: the array cannot be read"));
    }
    std::fs::write(path.join("x.npy"), npy(&[1, 1, 2], &[1u8, 2])).unwrap();
    assert!(message(path, Task::Auto).contains("[2] targets for [1, 1, 2] inputs"));
    std::fs::write(path.join("x.npy"), npy(&[2], &[1u8, 2])).unwrap();
    assert!(message(path, Task::Auto).contains("neither rows nor images"));
    std::fs::write(path.join("x.npy"), npy(&[2, 1], &[1.0f32, f32::NAN])).unwrap();
    assert!(message(path, Task::Auto).contains("x.npy, record 1, feature \"feature_0\": the value is NaN"));
    std::fs::write(path.join("x.npy"), npy(&[2, 1], &[1.0f32, 2.0])).unwrap();
    std::fs::write(path.join("y.npy"), npy(&[2], &[f32::NAN, 0.0])).unwrap();
    assert!(message(path, Task::Classification).contains("the label of sample 0 is NaN"));
    std::fs::remove_file(path.join("y.npy")).unwrap();
    assert!(message(path, Task::Auto).contains("array \"x\" has no matching \"y\""));
}
