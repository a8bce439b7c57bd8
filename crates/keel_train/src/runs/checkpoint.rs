//! Checkpoints: named tensors and a JSON description in one safetensors file.

use std::collections::HashMap;
use std::path::Path;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde::{Deserialize, Serialize};

use keel_health::MonitorState;

use super::{CheckpointError, write_atomically};
use crate::schedules::{PlateauState, Shortened};

/// Version of the layout of checkpoints and model files; a file of another version is refused.
pub const FORMAT_VERSION: u32 = 1;

/// One tensor of a checkpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTensor {
    /// Unique in the file: `conv2d_1.weight`.
    pub name: String,
    /// Dimensions, row-major.
    pub shape: Vec<usize>,
    /// As many as the dimensions say.
    pub values: Vec<f32>,
}

/// Named tensors of f32 with one JSON document.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint<Description> {
    /// What the tensors belong to.
    pub description: Description,
    /// Sorted by name in the file.
    pub tensors: Vec<NamedTensor>,
}

/// Everything beside tensors that an exact continuation needs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainingState {
    /// [`crate::config::Config::fingerprint`] of the run.
    pub fingerprint: String,
    /// Steps done.
    pub step: u64,
    /// Epochs completed.
    pub epoch: u64,
    /// Steps done of the epoch under way.
    pub step_in_epoch: u64,
    /// Updates the optimiser has made.
    pub optimizer_steps: u64,
    /// State of the schedule.
    pub plateau: PlateauState,
    /// Present if the training was shortened to keep its time limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shortened: Option<Shortened>,
    /// Sum of the losses of the epoch under way, weighted by samples.
    pub epoch_loss_sum: f64,
    /// Samples and right predictions of the epoch under way.
    pub epoch_samples: u64,
    /// Right predictions of the epoch under way.
    pub epoch_right: u64,
    /// Best score so far, higher is better.
    pub best_score: Option<f64>,
    /// Validation samples without a finite result at the best score.
    #[serde(default)]
    pub best_left_out: u64,
    /// Epoch of the best score.
    pub best_epoch: u64,
    /// Seconds trained so far.
    pub seconds: f64,
    /// What the health rules know; nothing at level off.
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

impl<Description: Serialize + for<'de> Deserialize<'de>> Checkpoint<Description> {
    /// Writes the file atomically.
    ///
    /// # Errors
    /// [`CheckpointError::Unwritable`]; the file that was there before is untouched.
    pub fn write(&self, path: &Path) -> Result<(), CheckpointError> {
        let unwritable = |reason: String| CheckpointError::Unwritable { path: path.to_owned(), reason };
        let header = Header { format: FORMAT.to_owned(), version: FORMAT_VERSION, content: &self.description };
        let header = serde_json::to_string(&header).map_err(|error| unwritable(error.to_string()))?;
        let bytes: Vec<Vec<u8>> = self
            .tensors
            .iter()
            .map(|tensor| tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect())
            .collect();
        let views: Result<Vec<(&str, TensorView<'_>)>, _> = self
            .tensors
            .iter()
            .zip(&bytes)
            .map(|(tensor, bytes)| {
                TensorView::new(Dtype::F32, tensor.shape.clone(), bytes).map(|view| (tensor.name.as_str(), view))
            })
            .collect();
        let metadata = HashMap::from([(FORMAT.to_owned(), header)]);
        let file = views
            .and_then(|views| safetensors::serialize(views, Some(metadata)))
            .map_err(|error| unwritable(error.to_string()))?;
        write_atomically(path, |writer| writer.write_all(&file)).map_err(|error| unwritable(error.to_string()))
    }

    /// Reads a file written by [`Checkpoint::write`].
    ///
    /// # Errors
    /// [`CheckpointError`], telling missing, damaged and foreign files apart.
    pub fn read(path: &Path) -> Result<Self, CheckpointError> {
        let path_buf = path.to_owned();
        let bytes = std::fs::read(path)
            .map_err(|error| CheckpointError::Unreadable { path: path_buf.clone(), reason: error.to_string() })?;
        let damaged = |reason: String| CheckpointError::Damaged { path: path_buf.clone(), reason };
        let foreign = |reason: String| CheckpointError::Foreign { path: path_buf.clone(), reason };
        let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|error| damaged(error.to_string()))?;
        let header = metadata.metadata().as_ref().and_then(|entries| entries.get(FORMAT));
        let header = header.ok_or_else(|| foreign("its metadata has no entry `evenkeel`".to_owned()))?;
        let version =
            serde_json::from_str::<serde_json::Value>(header).map_err(|error| damaged(error.to_string()))?["version"]
                .as_u64();
        if version != Some(u64::from(FORMAT_VERSION)) {
            return Err(foreign(format!("format version {version:?}, this is {FORMAT_VERSION}")));
        }
        let header: Header<Description> = serde_json::from_str(header).map_err(|error| foreign(error.to_string()))?;
        let file = SafeTensors::deserialize(&bytes).map_err(|error| damaged(error.to_string()))?;
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
        Ok(Checkpoint { description: header.content, tensors })
    }

    /// The values of tensor `name`, which must hold `length` of them.
    ///
    /// # Errors
    /// [`CheckpointError::Foreign`] naming the tensor and both lengths.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint<TrainingState> {
        let tensor = |name: &str, shape: &[usize], values: &[f32]| NamedTensor {
            name: name.to_owned(),
            shape: shape.to_vec(),
            values: values.to_vec(),
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
        let bits =
            |c: &Checkpoint<TrainingState>| c.tensors[0].values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
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
        let foreign = safetensors::serialize(Vec::<(&str, TensorView<'_>)>::new(), None).unwrap();
        std::fs::write(&path, foreign).unwrap();
        assert!(matches!(read(), CheckpointError::Foreign { .. }));
    }
}
