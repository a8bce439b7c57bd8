//! Checkpoints: named tensors and a JSON description in one safetensors file.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, View};
use serde::{Deserialize, Serialize};

use keel_health::MonitorState;

use super::{CheckpointError, files, write_atomically};
use crate::schedules::{PlateauState, Shortened};

/// Version of the layout of checkpoints and model files. Files of version 1, which had no checksum, are read too; those of
/// other versions are rejected.
pub const FORMAT_VERSION: u32 = 2;

/// The last version without a checksum.
const UNCHECKED_VERSION: u32 = 1;

/// One tensor of a checkpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTensor<'a> {
    /// Name, unique in the file: `conv2d_1.weight`.
    pub name: String,
    /// Dimensions, row-major.
    pub shape: Vec<usize>,
    /// Values, as many as the dimensions say; those of a network are borrowed.
    pub values: Cow<'a, [f32]>,
}

/// Named f32 tensors with a JSON document.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint<'a, Description> {
    /// Description of the tensors.
    pub description: Description,
    /// Tensors, sorted by name in the file.
    pub tensors: Vec<NamedTensor<'a>>,
}

/// State needed to resume exactly, in addition to tensors.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainingState {
    /// [`crate::config::Config::fingerprint`] of the run.
    pub fingerprint: String,
    /// Number of completed steps.
    pub step: u64,
    /// Number of completed epochs.
    pub epoch: u64,
    /// Number of completed steps of the current epoch.
    pub step_in_epoch: u64,
    /// Number of updates by the optimizer.
    pub optimizer_steps: u64,
    /// State of the schedule.
    pub plateau: PlateauState,
    /// Present if training was shortened to stay within its time limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shortened: Option<Shortened>,
    /// Sum of the losses of the current epoch, weighted by samples.
    pub epoch_loss_sum: f64,
    /// Number of samples of the current epoch so far.
    pub epoch_samples: u64,
    /// Number of correct predictions of the current epoch.
    pub epoch_right: u64,
    /// Best score so far; higher is better.
    pub best_score: Option<f64>,
    /// Number of validation samples without a finite result at the best score.
    #[serde(default)]
    pub best_left_out: u64,
    /// Epoch of the best score.
    pub best_epoch: u64,
    /// Seconds of training so far.
    pub seconds: f64,
    /// [`keel_data::SplitDataset::fingerprint`] of the data.
    #[serde(default)]
    pub data_fingerprint: String,
    /// Number of findings recorded in the database.
    #[serde(default)]
    pub finding_rows: u64,
    /// State of the health rules; `None` at level off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<MonitorState>,
}

#[derive(Serialize, Deserialize)]
struct Header<Description> {
    format: String,
    version: u32,
    content: Description,
}

const FORMAT: &str = "evenkeel";

/// Key of the checksum in the metadata of a file.
const CHECKSUM: &str = "checksum";

/// Returns true if the metadata of a safetensors file identify it as written by Evenkeel.
pub(crate) fn is_own_file(bytes: &[u8]) -> bool {
    let Ok((_, metadata)) = SafeTensors::read_metadata(bytes) else { return false };
    metadata.metadata().as_ref().is_some_and(|entries| [FORMAT, CHECKSUM].iter().any(|key| entries.contains_key(*key)))
}

impl View for &NamedTensor<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        match cfg!(target_endian = "little") {
            true => Cow::Borrowed(bytemuck::cast_slice(&self.values)),
            false => Cow::Owned(self.values.iter().flat_map(|value| value.to_le_bytes()).collect()),
        }
    }

    fn data_len(&self) -> usize {
        size_of_val::<[f32]>(&self.values)
    }
}

/// Returns the CRC-32 of a description and of the names, shapes and values of tensors, in any order, as eight hexadecimal
/// digits.
fn checksum(description: &str, tensors: &[NamedTensor<'_>]) -> String {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(description.as_bytes());
    let mut sorted: Vec<&NamedTensor<'_>> = tensors.iter().collect();
    sorted.sort_by(|left, right| left.name.cmp(&right.name));
    for tensor in sorted {
        hasher.update(tensor.name.as_bytes());
        tensor.shape.iter().for_each(|&side| hasher.update(&(side as u64).to_le_bytes()));
        hasher.update(&tensor.data());
    }
    format!("{:08x}", hasher.finalize())
}

impl<'a, Description> Checkpoint<'a, Description> {
    /// Moves the checkpoint to `kept`, reusing the memory of its tensors if they have the same lengths.
    pub(crate) fn keep_in(self, kept: &mut Option<Checkpoint<'static, Description>>) {
        let mut before = kept.take().map(|kept| kept.tensors).unwrap_or_default().into_iter();
        let tensors = self.tensors.into_iter().map(|tensor| {
            let NamedTensor { name, shape, values } = tensor;
            let values = match (before.next().map(|tensor| tensor.values), values) {
                (Some(Cow::Owned(mut memory)), Cow::Borrowed(values)) if memory.len() == values.len() => {
                    memory.copy_from_slice(values);
                    memory
                }
                (_, values) => values.into_owned(),
            };
            NamedTensor { name, shape, values: Cow::Owned(values) }
        });
        *kept = Some(Checkpoint { description: self.description, tensors: tensors.collect() });
    }

    /// Returns the values of tensor `name`, which must have `length` of them.
    ///
    /// # Errors
    /// [`CheckpointError::Foreign`] with the tensor and both lengths.
    pub fn values(&self, path: &Path, name: &str, length: usize) -> Result<&[f32], CheckpointError> {
        let foreign = |reason: String| CheckpointError::Foreign { path: path.to_owned(), reason };
        let tensor = self.tensors.iter().find(|tensor| tensor.name == name);
        let values = &tensor.ok_or_else(|| foreign(format!("it has no tensor {name}")))?.values;
        if values.len() != length {
            return Err(foreign(format!("tensor {name} has {} values, the model needs {length}", values.len())));
        }
        Ok(values)
    }
}

impl<Description: Serialize> Checkpoint<'_, Description> {
    /// Writes the file atomically.
    ///
    /// # Errors
    /// [`CheckpointError::Unwritable`]; the previous file is unchanged.
    pub fn write(&self, path: &Path) -> Result<(), CheckpointError> {
        let unwritable = |reason: String| CheckpointError::Unwritable { path: path.to_owned(), reason };
        let header = Header { format: FORMAT.to_owned(), version: FORMAT_VERSION, content: &self.description };
        let header = serde_json::to_string(&header).map_err(|error| unwritable(error.to_string()))?;
        let sum = checksum(&header, &self.tensors);
        let metadata = HashMap::from([(FORMAT.to_owned(), header), (CHECKSUM.to_owned(), sum)]);
        let tensors = self.tensors.iter().map(|tensor| (tensor.name.as_str(), tensor));
        let file = safetensors::serialize(tensors, Some(metadata)).map_err(|error| unwritable(error.to_string()))?;
        write_atomically(path, |writer| writer.write_all(&file)).map_err(|error| unwritable(error.to_string()))
    }
}

impl<Description: for<'de> Deserialize<'de>> Checkpoint<'static, Description> {
    /// Reads a file written by [`Checkpoint::write`] and verifies its checksum.
    ///
    /// # Errors
    /// [`CheckpointError`], which distinguishes missing, damaged and foreign files.
    pub fn read(path: &Path) -> Result<Self, CheckpointError> {
        let bytes = files::read(path)
            .map_err(|error| CheckpointError::Unreadable { path: path.to_owned(), reason: error.to_string() })?;
        Checkpoint::of_bytes(&bytes, path)
    }

    /// Reads the contents of a file written by [`Checkpoint::write`]; `path` is for messages.
    ///
    /// # Errors
    /// See [`Checkpoint::read`].
    pub fn of_bytes(bytes: &[u8], path: &Path) -> Result<Self, CheckpointError> {
        let damaged = |reason: String| CheckpointError::Damaged { path: path.to_owned(), reason };
        let foreign = |reason: String| CheckpointError::Foreign { path: path.to_owned(), reason };
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| damaged(error.to_string()))?;
        let entry = |key: &str| metadata.metadata().as_ref().and_then(|entries| entries.get(key));
        let header = entry(FORMAT).ok_or_else(|| foreign(format!("its metadata has no entry `{FORMAT}`")))?;
        let version = version_of(header).map_err(damaged)?;
        let file = SafeTensors::deserialize(bytes).map_err(|error| damaged(error.to_string()))?;
        let mut tensors = Vec::with_capacity(file.len());
        for (name, view) in file.iter() {
            if view.dtype() != Dtype::F32 {
                return Err(foreign(format!("tensor {name} is {:?}, expected F32", view.dtype())));
            }
            let (quads, _) = view.data().as_chunks::<4>();
            tensors.push(NamedTensor {
                name: name.to_owned(),
                shape: view.shape().to_vec(),
                values: quads.iter().map(|quad| f32::from_le_bytes(*quad)).collect(),
            });
        }
        tensors.sort_by(|left, right| left.name.cmp(&right.name));
        match version {
            UNCHECKED_VERSION => {}
            FORMAT_VERSION => {
                let (given, found) = (entry(CHECKSUM), checksum(header, &tensors));
                if given != Some(&found) {
                    let given = given.map_or("none", String::as_str);
                    return Err(damaged(format!("its checksum is {given}, that of its contents {found}")));
                }
            }
            other => {
                let reason =
                    format!("format version {other}, this program reads {UNCHECKED_VERSION} and {FORMAT_VERSION}");
                return Err(foreign(reason));
            }
        }
        let header: Header<Description> =
            serde_json::from_str(header).map_err(|error| foreign(format!("format version {version}: {error}")))?;
        Ok(Checkpoint { description: header.content, tensors })
    }
}

fn version_of(header: &str) -> Result<u32, String> {
    #[derive(Deserialize)]
    struct Version {
        version: u32,
    }
    serde_json::from_str(header).map(|Version { version }| version).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint<'static, TrainingState> {
        let tensor = |name: &str, shape: &[usize], values: &[f32]| NamedTensor {
            name: name.to_owned(),
            shape: shape.to_vec(),
            values: Cow::Owned(values.to_vec()),
        };
        let tensors = vec![
            tensor("a.weight", &[2, 3], &[1.0, -0.0, f32::MIN_POSITIVE, 0.1, 5e-40, 6.0]),
            tensor("b", &[1], &[f32::MAX]),
        ];
        let description = TrainingState { step: 7, best_score: Some(0.1 + 0.2), ..TrainingState::default() };
        Checkpoint { description, tensors }
    }

    #[test]
    fn every_bit_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("last.safetensors");
        checkpoint().write(&path).unwrap();
        let read = Checkpoint::<TrainingState>::read(&path).unwrap();
        assert_eq!(read, checkpoint());
        let bits = |c: &Checkpoint<'_, TrainingState>| {
            c.tensors[0].values.iter().map(|value| value.to_bits()).collect::<Vec<_>>()
        };
        assert_eq!(bits(&read), bits(&checkpoint()));
        assert!(read.values(&path, "a.weight", 5).unwrap_err().to_string().contains("has 6 values, the model needs 5"));
        assert!(read.values(&path, "c", 5).unwrap_err().to_string().contains("no tensor c"));
    }

    #[test]
    fn missing_truncated_and_foreign_files_are_named_and_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("last.safetensors");
        let read = || Checkpoint::<TrainingState>::read(&path).unwrap_err();
        assert!(matches!(read(), CheckpointError::Unreadable { .. }));
        checkpoint().write(&path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        for length in [0, 1, 8, 100, bytes.len() - 1] {
            std::fs::write(&path, &bytes[..length]).unwrap();
            let error = read();
            assert!(matches!(error, CheckpointError::Damaged { .. }), "{length} bytes: {error}");
            assert!(error.to_string().contains("last.safetensors"), "{error}");
        }
        let foreign = safetensors::serialize(Vec::<(&str, &NamedTensor<'_>)>::new(), None).unwrap();
        std::fs::write(&path, foreign).unwrap();
        assert!(matches!(read(), CheckpointError::Foreign { .. }));
    }

    /// Changes every bit of a file in turn: the file is rejected, or its contents are the same.
    #[test]
    fn no_changed_bit_changes_what_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("last.safetensors");
        checkpoint().write(&path).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        let mut refused = 0;
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            match Checkpoint::<TrainingState>::of_bytes(&bytes, &path) {
                Ok(read) => assert_eq!(read, checkpoint(), "bit {bit}"),
                Err(_) => refused += 1,
            }
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        assert!(refused > bytes.len() * 7, "{refused} of {} bits", bytes.len() * 8);
    }

    #[test]
    fn files_without_a_checksum_are_read_if_they_are_of_the_first_version() {
        let path = Path::new("model.safetensors");
        let file = |version: u32| {
            let header = format!(r#"{{"format":"evenkeel","version":{version},"content":{{"step":3}}}}"#);
            let tensors = checkpoint().tensors;
            let tensors = tensors.iter().map(|tensor| (tensor.name.as_str(), tensor));
            safetensors::serialize(tensors, Some(HashMap::from([(FORMAT.to_owned(), header)]))).unwrap()
        };
        #[derive(Debug, Deserialize)]
        struct Place {
            step: u64,
        }
        assert_eq!(Checkpoint::<Place>::of_bytes(&file(1), path).unwrap().description.step, 3);
        let refused = |version| Checkpoint::<Place>::of_bytes(&file(version), path).unwrap_err().to_string();
        assert!(refused(2).contains("its checksum is none"), "{}", refused(2));
        assert!(refused(3).contains("format version 3, this program reads 1 and 2"), "{}", refused(3));
    }

    #[test]
    fn what_is_kept_in_memory_is_overwritten_in_place() {
        let mut kept = None;
        checkpoint().keep_in(&mut kept);
        let place =
            |kept: &Option<Checkpoint<'static, TrainingState>>| kept.as_ref().unwrap().tensors[0].values.as_ptr();
        let before = place(&kept);
        let values = [9.0; 6];
        let mut next = checkpoint();
        next.tensors[0].values = Cow::Borrowed(&values);
        next.clone().keep_in(&mut kept);
        assert_eq!((place(&kept), kept.as_ref()), (before, Some(&next)));
    }
}
