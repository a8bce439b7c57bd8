//! NumPy arrays: an .npz archive, or .npy files beside each other.

use super::class_names::for_numbers;
use super::parts::PartSizes;
use super::{Request, file_name, read_bytes};
use crate::catalog::CatalogEntry;
use crate::config::Task;
use crate::dataset::{Dataset, Inputs, Provenance, SampleShape, TargetKind, Targets};
use crate::error::DataError;
use npyz::npz::NpzArchive;
use npyz::{DType, NpyFile, Order, TypeChar};
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

pub(super) const ENTRY: CatalogEntry = CatalogEntry {
    name: "npy",
    summary: "NumPy arrays x and y (and x_test, y_test) in an .npz, or as x.npy and y.npy; images are NHWC",
};

/// Names under which inputs and targets are looked for: (inputs, targets) of training, validation and test part.
const NAMES: [&[(&str, &str)]; 3] = [
    &[
        ("x", "y"),
        ("x_train", "y_train"),
        ("inputs", "targets"),
        ("images", "labels"),
        ("data", "target"),
        ("arr_0", "arr_1"),
    ],
    &[("x_val", "y_val"), ("x_valid", "y_valid")],
    &[("x_test", "y_test")],
];

/// One array, row-major.
struct Array {
    sizes: Vec<usize>,
    values: Values,
}

impl Array {
    fn samples(&self) -> usize {
        self.sizes.first().copied().unwrap_or(0)
    }
}

enum Values {
    Bytes(Vec<u8>),
    Floats(Vec<f64>),
}

/// Where arrays are taken from.
enum Container {
    Archive(Box<NpzArchive<Cursor<Vec<u8>>>>),
    Folder(PathBuf),
}

impl Container {
    /// Where the array `name` is stored, for messages.
    fn file(&self, path: &Path, name: &str) -> PathBuf {
        match self {
            Container::Archive(_) => path.join(format!("{name}.npy")),
            Container::Folder(folder) => folder.join(format!("{name}.npy")),
        }
    }
}

pub(super) fn read(request: &Request) -> Result<Dataset, DataError> {
    let mut container = open(request.path)?;
    let (mut parts, mut files) = (Vec::new(), Vec::new());
    for (part, names) in NAMES.iter().enumerate() {
        for (inputs_name, targets_name) in *names {
            let Some(inputs) = take(request.path, &mut container, inputs_name)? else { continue };
            let targets = take(request.path, &mut container, targets_name)?;
            if targets.is_none() && request.schema.is_none() {
                let what = format!("array \"{inputs_name}\" has no \"{targets_name}\" beside it");
                return Err(DataError::format(request.path, what, "Store the targets under that name"));
            }
            files.push((container.file(request.path, inputs_name), inputs.samples()));
            parts.push((part, inputs, targets));
            break;
        }
    }
    let sizes = part_sizes(&parts);
    let Some((_, first, _)) = parts.first() else {
        let next = "Store them as x and y, x_train and y_train, inputs and targets, or images and labels";
        return Err(DataError::format(request.path, "no array of inputs found", next));
    };
    let shape = sample_shape(request.path, &first.sizes)?;
    let (mut inputs, mut targets) = (Vec::new(), Vec::new());
    for (_, part_inputs, part_targets) in parts {
        if part_inputs.sizes[1..] != first_sizes(&shape, part_inputs.sizes.len())[..] {
            return Err(DataError::shape("inputs of all parts", shape, format!("{:?}", &part_inputs.sizes[1..])));
        }
        if let Some(part_targets) = &part_targets
            && part_targets.sizes.first() != part_inputs.sizes.first()
        {
            let what = format!("{:?} targets for {:?} inputs", part_targets.sizes, part_inputs.sizes);
            return Err(DataError::format(request.path, what, "Give one target for each sample"));
        }
        inputs.push(part_inputs.values);
        targets.extend(part_targets);
    }
    let mut notes = Vec::new();
    let targets = join_targets(request, targets, &mut notes)?;
    let dataset = Dataset::unchecked(file_name(request.path), shape, join_inputs(inputs), targets)?
        .with_provenance(Provenance::Records { files })
        .with_notes(notes)
        .checked()?;
    match sizes.division() {
        Some(division) => dataset.with_division(division),
        None => Ok(dataset),
    }
}

fn part_sizes(parts: &[(usize, Array, Option<Array>)]) -> PartSizes {
    let count = |wanted| {
        let of_part = parts.iter().filter(|(part, ..)| *part == wanted);
        of_part.map(|(_, inputs, _)| inputs.samples()).sum()
    };
    PartSizes { train: count(0), validation: count(1), test: count(2) }
}

/// Sizes of one sample as an array of `dimensions` dimensions has them.
fn first_sizes(shape: &SampleShape, dimensions: usize) -> Vec<usize> {
    let mut sizes = shape.dimensions();
    sizes.truncate(dimensions.saturating_sub(1));
    sizes
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

fn open(path: &Path) -> Result<Container, DataError> {
    let single = |entry: &Path| entry.extension().is_some_and(|ending| ending == "npz");
    if path.is_dir() {
        let archives: Vec<PathBuf> = super::sorted_entries(path)?.into_iter().filter(|entry| single(entry)).collect();
        return match &archives[..] {
            [archive] => open(archive),
            _ => Ok(Container::Folder(path.to_path_buf())),
        };
    }
    if !single(path) {
        return Ok(Container::Folder(path.parent().unwrap_or(Path::new(".")).to_path_buf()));
    }
    let archive = NpzArchive::new(Cursor::new(read_bytes(path)?)).map_err(|error| damaged(path, &error))?;
    Ok(Container::Archive(Box::new(archive)))
}

fn damaged(path: &Path, error: &std::io::Error) -> DataError {
    DataError::format(path, format!("the array cannot be read: {error}"), "Write the file again (it may be cut off)")
}

/// The array `name`, if the container has it.
fn take(path: &Path, container: &mut Container, name: &str) -> Result<Option<Array>, DataError> {
    match container {
        Container::Archive(archive) => match archive.by_name(name).map_err(|error| damaged(path, &error))? {
            Some(file) => read_array(path, file).map(Some),
            None => Ok(None),
        },
        Container::Folder(folder) => {
            let file = folder.join(format!("{name}.npy"));
            if !file.exists() {
                return Ok(None);
            }
            let bytes = read_bytes(&file)?;
            let array = NpyFile::new(&bytes[..]).map_err(|error| damaged(&file, &error))?;
            read_array(&file, array).map(Some)
        }
    }
}

fn read_array<R: Read>(path: &Path, file: NpyFile<R>) -> Result<Array, DataError> {
    let sizes: Vec<usize> = file.shape().iter().map(|&size| size as usize).collect();
    if file.order() == Order::Fortran && sizes.len() > 1 {
        let what = "the array is stored column by column";
        return Err(DataError::format(path, what, "Store numpy.ascontiguousarray(x) instead"));
    }
    let DType::Plain(kind) = file.dtype() else {
        return Err(DataError::format(path, "the array has named fields", "Store a plain array of numbers"));
    };
    let values = match (kind.type_char(), kind.size_field()) {
        (TypeChar::Uint, 1) => file.into_vec::<u8>().map(Values::Bytes),
        (TypeChar::Bool, _) => floats(file.into_vec::<bool>(), |value| f64::from(u8::from(value))),
        (TypeChar::Float, 4) => floats(file.into_vec::<f32>(), f64::from),
        (TypeChar::Float, 8) => floats(file.into_vec::<f64>(), |value| value),
        (TypeChar::Int, 1) => floats(file.into_vec::<i8>(), f64::from),
        (TypeChar::Int, 2) => floats(file.into_vec::<i16>(), f64::from),
        (TypeChar::Int, 4) => floats(file.into_vec::<i32>(), f64::from),
        (TypeChar::Int, 8) => floats(file.into_vec::<i64>(), |value| value as f64),
        (TypeChar::Uint, 2) => floats(file.into_vec::<u16>(), f64::from),
        (TypeChar::Uint, 4) => floats(file.into_vec::<u32>(), f64::from),
        (TypeChar::Uint, 8) => floats(file.into_vec::<u64>(), |value| value as f64),
        _ => {
            let what = format!("elements of type {kind} cannot be read");
            return Err(DataError::format(path, what, "Store bytes, integers, float32 or float64"));
        }
    };
    Ok(Array { sizes, values: values.map_err(|error| damaged(path, &error))? })
}

fn floats<T>(values: std::io::Result<Vec<T>>, convert: impl Fn(T) -> f64) -> std::io::Result<Values> {
    Ok(Values::Floats(values?.into_iter().map(convert).collect()))
}

impl Values {
    fn into_floats(self) -> Vec<f64> {
        match self {
            Self::Bytes(values) => values.into_iter().map(f64::from).collect(),
            Self::Floats(values) => values,
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

/// Classes where targets are stored as whole numbers from 0 of one column, else values; a note says which, unless the
/// config does.
fn join_targets(request: &Request, parts: Vec<Array>, notes: &mut Vec<String>) -> Result<Targets, DataError> {
    let Some(first) = parts.first() else { return Ok(Targets::Unlabelled) };
    let width: usize = first.sizes.iter().skip(1).product();
    let values: Vec<f64> = parts.into_iter().flat_map(|part| part.values.into_floats()).collect();
    let as_label = |value: f64| (value.fract() == 0.0 && (0.0..65_536.0).contains(&value)).then_some(value as u32);
    let task = match (request.schema.map(|schema| &schema.target), request.config.task) {
        (Some(TargetKind::Classes(_)), _) => Task::Classification,
        (Some(_), _) => Task::Regression,
        (None, Task::Auto) if width == 1 && values.iter().all(|&value| as_label(value).is_some()) => {
            Task::Classification
        }
        (None, Task::Auto) => Task::Regression,
        (None, task) => task,
    };
    if request.schema.is_none() && request.config.task == Task::Auto {
        let (found, other) = match task {
            Task::Regression => ("values", "classification"),
            _ => ("classes", "regression"),
        };
        notes.push(format!("the targets are taken for {found} (data.task = \"{other}\" changes this)"));
    }
    if task == Task::Regression {
        let target_names = (0..width).map(|target| format!("target_{target}")).collect();
        return Ok(Targets::Values { values: values.into_iter().map(|value| value as f32).collect(), target_names });
    }
    let label = |(sample, &value): (usize, &f64)| {
        as_label(value).ok_or_else(|| {
            let what = format!("the label of sample {sample} is {value}, which is no class number");
            DataError::format(request.path, what, "Store classes as 0, 1, 2, ..., or set data.task = \"regression\"")
        })
    };
    let labels = values.iter().enumerate().map(label).collect::<Result<Vec<u32>, _>>()?;
    let class_names = for_numbers(&labels, request.schema, request.path)?;
    Ok(Targets::Classes { labels, class_names })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DataConfig;
    use crate::load::load;
    use npyz::WriterBuilder;

    fn npy<T: npyz::AutoSerialize + Copy>(sizes: &[u64], values: &[T]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = npyz::WriteOptions::new().default_dtype().shape(sizes).writer(&mut bytes).begin_nd().unwrap();
        writer.extend(values.iter().copied()).unwrap();
        writer.finish().unwrap();
        bytes
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
        assert_eq!(data.notes(), ["the targets are taken for classes (data.task = \"regression\" changes this)"]);
        std::fs::write(folder.path().join("y.npy"), npy(&[2], &[1i64, -1])).unwrap();
        let data = load(&DataConfig::of_source("."), folder.path()).unwrap();
        assert_eq!(data.notes(), ["the targets are taken for values (data.task = \"classification\" changes this)"]);
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
        assert_eq!(
            data.targets(),
            &Targets::Values { values: vec![0.5, 1.0, 2.0], target_names: vec!["target_0".into()] }
        );
        assert_eq!(data.division().unwrap().test, [2]);
    }

    #[test]
    fn an_archive_is_read_and_a_truncated_one_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npz");
        let mut archive = npyz::npz::NpzWriter::create(&path).unwrap();
        let options = Default::default();
        archive
            .array("x", options)
            .unwrap()
            .default_dtype()
            .shape(&[2, 1])
            .begin_nd()
            .unwrap()
            .extend([1.0f32, 2.0])
            .unwrap();
        archive.array("y", options).unwrap().default_dtype().shape(&[2]).begin_nd().unwrap().extend([0i32, 1]).unwrap();
        drop(archive);
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
        std::fs::write(path.join("y.npy"), npy(&[2], &[-1i64, 0])).unwrap();
        assert!(message(path, Task::Classification).contains("the label of sample 0 is -1"));
        std::fs::remove_file(path.join("y.npy")).unwrap();
        assert!(message(path, Task::Auto).contains("array \"x\" has no \"y\""));
    }
}
