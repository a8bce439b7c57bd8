//! Golden files: values and gradients computed by another implementation with the scripts in `tools/golden`.
//!
//! A file contains the cases of one family. Activations are `[batch, height, width, channels]` or `[batch, features]`,
//! convolution weights `[kernel_h, kernel_w, in_channels / groups, out_channels]`, linear weights
//! `[in_features, out_features]`; every value has nine digits, enough for f32.

mod curve;
mod layer;
mod loss;
mod optimizer;
mod schedule;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

pub use curve::{CurveCase, CurveInput, CurveParameter};
pub use layer::{GoldenCase, Mode, Pass};
pub use loss::{LossCase, Targets};
pub use optimizer::OptimizerCase;
pub use schedule::ScheduleCase;

/// Tensors by name: `weight`, `bias`, `scale`, `shift`, `slope`, `running_mean`, `running_variance`; inside a residual
/// block prefixed with the position, as in `body.0.weight` and `shortcut.1.scale`.
pub type NamedTensors = BTreeMap<String, Tensor>;

/// A shape with its values in row-major order.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tensor {
    /// Length of each dimension, the batch first.
    pub shape: Vec<usize>,
    /// Values, as many as the product of `shape`.
    pub values: Vec<f32>,
}

/// One golden file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoldenFile<Case> {
    /// Subject of the cases, for example `conv2d`.
    pub family: String,
    /// Implementation that computed the values, for example `PyTorch 2.15.0, float64`.
    pub source: String,
    /// Description of this family.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Cases, each with a unique name.
    pub cases: Vec<Case>,
}

/// Reason why a golden file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum GoldenError {
    /// The file is missing or unreadable.
    #[error("cannot read golden file {path}: {source}; `python tools/golden/generate.py` writes it")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Message of the operating system.
        source: std::io::Error,
    },
    /// The file is not JSON in the expected format.
    #[error("golden file {path} is malformed: {source}; `python tools/golden/generate.py` writes it again")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Line, column and reason.
        source: serde_json::Error,
    },
    /// The file has no cases, so a test over it would prove nothing.
    #[error("golden file {path} contains no cases")]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// A loss with class weights, from `weighted_losses.json`.
#[derive(Debug, Clone, Deserialize)]
pub struct WeightedLossCase {
    /// Name of the loss and number of the case.
    pub name: String,
    /// Name of the loss in config files.
    pub loss: String,
    /// Number of classes.
    pub classes: usize,
    /// One weight per class.
    pub class_weights: Vec<f32>,
    /// One class per sample.
    pub labels: Vec<u32>,
    /// `[samples, outputs]`.
    pub outputs: Vec<f32>,
    /// Weighted mean loss.
    pub value: f64,
    /// Gradient with respect to the outputs, in the same layout.
    pub gradient: Vec<f32>,
}

impl WeightedLossCase {
    /// Reads all cases of the file `path`.
    ///
    /// # Errors
    /// Fails with a [`GoldenError`] if the file is missing, malformed or without cases.
    pub fn read_all(path: impl AsRef<Path>) -> Result<Vec<Self>, GoldenError> {
        let path = path.as_ref();
        let cases: Vec<Self> = parsed(path)?;
        if cases.is_empty() {
            return Err(GoldenError::Empty { path: path.to_owned() });
        }
        Ok(cases)
    }
}

impl<Case: DeserializeOwned> GoldenFile<Case> {
    /// Reads the file `path`, usually `concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/linear.json")`.
    ///
    /// # Errors
    /// Fails with a [`GoldenError`] if the file is missing, malformed or without cases.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, GoldenError> {
        let path = path.as_ref();
        let file: Self = parsed(path)?;
        if file.cases.is_empty() {
            return Err(GoldenError::Empty { path: path.to_owned() });
        }
        Ok(file)
    }
}

/// Reads a JSON document.
fn parsed<T: DeserializeOwned>(path: &Path) -> Result<T, GoldenError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| GoldenError::Unreadable { path: path.to_owned(), source })?;
    serde_json::from_str(&text).map_err(|source| GoldenError::Malformed { path: path.to_owned(), source })
}

impl Tensor {
    /// Returns the number of values in the shape.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Returns true if the shape has no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
