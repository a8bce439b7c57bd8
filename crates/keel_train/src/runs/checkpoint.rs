//! Checkpoints: named tensors and a JSON description in one safetensors file.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde::{Deserialize, Serialize};

use keel_health::MonitorState;

use super::write_atomically;
use crate::schedules::{PlateauState, Shortened};

/// Version of the layout of checkpoints and model files; a file of another version is refused.
pub const FORMAT_VERSION: u32 = 1;

/// Why a checkpoint could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// Writing failed; the previous file is untouched.
    #[error("cannot write {}: {reason}; the previous checkpoint is untouched. Make room or choose another run.directory, then resume", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },
    /// The file cannot be opened.
    #[error("cannot read {}: {reason}; give the folder of a run or a model.safetensors", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },
    /// The file is truncated or no safetensors file.
    #[error("{} is damaged or no safetensors file: {reason}; use another checkpoint of the run, or train again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the reader found.
        reason: String,
    },
    /// A safetensors file that Evenkeel did not write, or of another version.
    #[error("{} is no checkpoint of this version of Evenkeel: {reason}; train again, or use the version that wrote it", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What is missing or different.
        reason: String,
    },
}

/// Named tensors of f32 with one JSON document.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint<Description> {
    /// What the tensors belong to.
    pub description: Description,
    /// Name, shape and values, sorted by name in the file.
    pub tensors: Vec<(String, Vec<usize>, Vec<f32>)>,
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
            .map(|(_, _, values)| values.iter().flat_map(|value| value.to_le_bytes()).collect())
            .collect();
        let views: Result<Vec<(&str, TensorView<'_>)>, _> = self
            .tensors
            .iter()
            .zip(&bytes)
            .map(|((name, shape, _), bytes)| {
                TensorView::new(Dtype::F32, shape.clone(), bytes).map(|view| (name.as_str(), view))
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
            tensors.push((
                name.to_owned(),
                view.shape().to_vec(),
                quads.iter().map(|quad| f32::from_le_bytes(*quad)).collect(),
            ));
        }
        tensors.sort_by(|left, right| left.0.cmp(&right.0));
        Ok(Checkpoint { description: header.content, tensors })
    }

    /// The values of tensor `name`, which must hold `length` of them.
    ///
    /// # Errors
    /// [`CheckpointError::Foreign`] naming the tensor and both lengths.
    pub fn values(&self, path: &Path, name: &str, length: usize) -> Result<&[f32], CheckpointError> {
        let foreign = |reason: String| CheckpointError::Foreign { path: path.to_owned(), reason };
        let tensor = self.tensors.iter().find(|tensor| tensor.0 == name);
        let (_, _, values) = tensor.ok_or_else(|| foreign(format!("it has no tensor {name}")))?;
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
        let tensors = vec![
            ("a.weight".to_owned(), vec![2, 3], vec![1.0, -0.0, f32::MIN_POSITIVE, 0.1, 5e-40, 6.0]),
            ("b".to_owned(), vec![1], vec![f32::MAX]),
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
            |c: &Checkpoint<TrainingState>| c.tensors[0].2.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
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
