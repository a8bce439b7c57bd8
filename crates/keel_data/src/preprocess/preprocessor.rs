//! Fitted pipeline: fitted on the training split, stored with the model, and applied to every split in the same way.

use super::elementwise::Elementwise;
use super::fitted::FittedStep;
use super::plan::{PreprocessPlan, PreprocessScratch};
use crate::dataset::{Dataset, Inputs, Row, SampleShape};
use crate::error::DataError;
use serde::{Deserialize, Serialize};

/// Fitted preprocessing. Serialises to a document with all statistics; loading fits nothing again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Document", into = "Document")]
pub struct Preprocessor {
    input_shape: SampleShape,
    output_shape: SampleShape,
    steps: Vec<FittedStep>,
    plan: PreprocessPlan,
}

/// Stored form of a preprocessor.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    input_shape: SampleShape,
    steps: Vec<FittedStep>,
}

impl From<Preprocessor> for Document {
    fn from(preprocessor: Preprocessor) -> Self {
        Self { input_shape: preprocessor.input_shape, steps: preprocessor.steps }
    }
}

impl TryFrom<Document> for Preprocessor {
    type Error = DataError;

    fn try_from(document: Document) -> Result<Self, DataError> {
        Self::from_steps(document.input_shape, document.steps)
    }
}

impl Preprocessor {
    /// Returns the pipeline without steps: raw values.
    pub fn identity(input_shape: SampleShape) -> Self {
        Self { plan: PreprocessPlan::new(&input_shape, &[]), input_shape, output_shape: input_shape, steps: Vec::new() }
    }

    /// Creates a pipeline from fitted steps.
    pub(super) fn from_steps(input_shape: SampleShape, steps: Vec<FittedStep>) -> Result<Self, DataError> {
        let mut output_shape = input_shape;
        for step in &steps {
            step.check(&output_shape)?;
            output_shape = step.output_shape(&output_shape);
        }
        Ok(Self { plan: PreprocessPlan::new(&input_shape, &steps), input_shape, output_shape, steps })
    }

    /// Returns the shape of a raw sample.
    pub fn input_shape(&self) -> &SampleShape {
        &self.input_shape
    }

    /// Returns the shape of a preprocessed sample.
    pub fn output_shape(&self) -> &SampleShape {
        &self.output_shape
    }

    /// Returns the fitted steps in order.
    pub fn steps(&self) -> &[FittedStep] {
        &self.steps
    }

    /// Consumes the pipeline and returns its steps.
    pub(super) fn into_steps(self) -> Vec<FittedStep> {
        self.steps
    }

    /// Describes each step that changes values in one sentence.
    pub fn describe(&self) -> Vec<String> {
        self.steps.iter().filter(|step| !step.is_idle()).map(FittedStep::describe).collect()
    }

    /// Returns the names of the raw features or channels that the steps found to have no variance in the training split.
    pub fn constant_features(&self, dataset: &Dataset) -> Vec<String> {
        let mut names = Vec::new();
        for step in &self.steps {
            match step {
                FittedStep::Elementwise { constant, shift, .. } => {
                    for &position in constant {
                        let per_channel = self.input_shape.is_image() && shift.len() == self.input_shape.channels();
                        let name = match dataset.feature_names().get(position) {
                            Some(name) if per_channel => format!("channel \"{name}\""),
                            _ => dataset.feature_label(position),
                        };
                        if !names.contains(&name) {
                            names.push(name);
                        }
                    }
                }
                FittedStep::Projection { .. } | FittedStep::PiecewiseLinear { .. } => break,
                FittedStep::Impute { .. } | FittedStep::Clip { .. } | FittedStep::SoftClip { .. } => {}
            }
        }
        names
    }

    /// Applies the pipeline to raw rows `[batch, input_shape]`, giving `[batch, output_shape]`. Allocates nothing once
    /// `scratch` has seen a batch of this size, except that projections may allocate packing buffers.
    ///
    /// # Errors
    /// Fails if lengths do not match or a result is not finite.
    pub fn apply(&self, inputs: &[f32], outputs: &mut [f32], scratch: &mut PreprocessScratch) -> Result<(), DataError> {
        let (length, out_length) = (self.input_shape.len(), self.output_shape.len());
        let batch = inputs.len() / length;
        if batch * length != inputs.len() || batch * out_length != outputs.len() {
            let expected = format!("rows of {} and as many of {}", self.input_shape, self.output_shape);
            return Err(DataError::shape(
                "batch to preprocess",
                expected,
                format!("{} and {}", inputs.len(), outputs.len()),
            ));
        }
        let mut row_buffer = std::mem::take(&mut scratch.row);
        let first = self.plan.first_rows(batch, outputs, &mut scratch.first);
        for (source, output) in inputs.chunks_exact(length).zip(first.chunks_exact_mut(length)) {
            self.plan.apply_first(self.plan.fill_missing(source, &mut row_buffer), output);
        }
        self.plan.apply_rest(batch, scratch, outputs);
        scratch.row = row_buffer;
        check_finite(outputs, out_length).map_err(|(row, value)| DataError::NotFinite {
            sample: format!("row {row} of the batch"),
            feature: "after preprocessing".to_string(),
            value,
        })
    }

    /// Returns the preprocessed samples `indices`, `[indices, output_shape]`.
    ///
    /// # Errors
    /// Fails if samples have another shape or a result is not finite.
    pub fn gather(
        &self,
        dataset: &Dataset,
        indices: &[usize],
        outputs: &mut [f32],
        scratch: &mut PreprocessScratch,
    ) -> Result<(), DataError> {
        self.gather_unchecked(dataset, indices, outputs, scratch)?;
        self.check_outputs(dataset, indices, outputs)
    }

    /// Works like [`Preprocessor::gather`], but keeps results that are not finite.
    ///
    /// # Errors
    /// Fails if samples have another shape.
    pub fn gather_unchecked(
        &self,
        dataset: &Dataset,
        indices: &[usize],
        outputs: &mut [f32],
        scratch: &mut PreprocessScratch,
    ) -> Result<(), DataError> {
        self.check_dataset(dataset)?;
        let length = self.input_shape.len();
        let mut row_buffer = std::mem::take(&mut scratch.row);
        let first = self.plan.first_rows(indices.len(), outputs, &mut scratch.first);
        let rows = dataset.rows(indices)?;
        for (row, output) in rows.iter().zip(first.chunks_exact_mut(length)) {
            match row {
                Row::Bytes(values) => self.plan.apply_first(values, output),
                Row::Floats(values) => {
                    self.plan.apply_first(self.plan.fill_missing(values, &mut row_buffer), output);
                }
            }
        }
        self.plan.apply_rest(indices.len(), scratch, outputs);
        scratch.row = row_buffer;
        Ok(())
    }

    /// Checks that every output of a batch is finite. Skipped for bytes with a first pass only, which cannot become non-finite.
    pub(crate) fn check_outputs(&self, dataset: &Dataset, indices: &[usize], outputs: &[f32]) -> Result<(), DataError> {
        if matches!(dataset.inputs(), Inputs::Bytes(_)) && self.plan.is_elementwise() {
            return Ok(());
        }
        check_finite(outputs, self.output_shape.len()).map_err(|(row, value)| DataError::NotFinite {
            sample: dataset.provenance().describe(indices[row]),
            feature: "after preprocessing".to_string(),
            value,
        })
    }

    /// Checks that the samples of `dataset` have the shape this pipeline was fitted to.
    pub(crate) fn check_dataset(&self, dataset: &Dataset) -> Result<(), DataError> {
        if dataset.sample_shape() == &self.input_shape {
            return Ok(());
        }
        Err(DataError::shape(
            "shape of a sample, as preprocessing was fitted",
            self.input_shape,
            dataset.sample_shape(),
        ))
    }

    /// Returns the folded passes.
    pub(crate) fn plan(&self) -> &PreprocessPlan {
        &self.plan
    }

    /// Returns the first pass, if it is the only one.
    pub(crate) fn only_elementwise(&self) -> Option<&Elementwise> {
        self.plan.is_elementwise().then(|| self.plan.first())
    }
}

/// Number of values of a block that [`check_finite`] checks at once.
const CHECKED_AT_ONCE: usize = 1024;

/// Fails with the index of the first row of `values`, `[batch, length]`, that holds a value that is not finite, and that value.
fn check_finite(values: &[f32], length: usize) -> Result<(), (usize, String)> {
    // Whole blocks are checked without a branch for each value, so that the loop is vectorised.
    let all_finite = |block: &[f32]| block.iter().fold(true, |finite, value| finite & value.is_finite());
    if values.chunks(CHECKED_AT_ONCE).all(all_finite) {
        return Ok(());
    }
    match values.iter().position(|value| !value.is_finite()) {
        Some(position) => Err((position / length, values[position].to_string())),
        None => Ok(()),
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
