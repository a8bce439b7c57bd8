//! Datasets: samples of one shape with their targets, held in memory in their stored form.

#[cfg(feature = "ndarray")]
mod arrays;
mod bilingual;
mod column_report;
mod digits;
mod fingerprint;
mod holding;
mod in_memory;
mod part_sizes;
mod peers;
mod permuted;
mod provenance;
mod rows;
mod schema;
mod shape;
mod sides;
mod table_column;

pub use bilingual::Bilingual;
pub(crate) use column_report::{
    Became, ColumnReason, ColumnUse, Conversion, DateOrderBasis, FormatRemark, NumberRange, NumberReason, TargetBasis,
    TargetChoice, TargetReading, TextReason, TextUse, TimeReason, plural, shown,
};
pub use column_report::{ColumnKind, ColumnReport};
pub(crate) use fingerprint::{fingerprint_of_names, fingerprint_of_splits};
pub(crate) use holding::{Holding, OwnInputs};
pub(crate) use part_sizes::PartSizes;
pub use peers::{Peers, RowRequest};
pub(crate) use peers::{RowReader, Work, check_same, join_results, map_shared, part};
pub use provenance::{Provenance, RowsOfFile, SampleOrigin};
pub use rows::LentRows;
pub(crate) use rows::{Row, Rows};
pub use schema::{ImageDecoding, Schema, TableTarget, TargetKind};
pub use shape::SampleShape;
pub(crate) use sides::Sides;
pub use table_column::{
    ColumnEncoding, DateOrder, Grouping, NumberEncoding, NumberFormat, TableColumn, TimeEncoding, TimePart,
};

use crate::config::{DIGITS, DataConfig};
use crate::error::DataError;
use crate::imputation::Imputation;
use crate::moments::Moments;
use crate::printable::printable;
use std::sync::Arc;

/// Inputs of all samples, contiguous and sample by sample, each row-major (images NHWC).
#[derive(Debug, Clone, PartialEq)]
pub enum Inputs {
    /// Bytes as decoded from images and byte arrays, `[samples, ...]`, values 0 to 255.
    Bytes(Vec<u8>),
    /// Numbers from tables and float arrays, `[samples, ...]`. NaN marks a missing cell and occurs only if
    /// [`Dataset::imputation`] is set.
    Floats(Vec<f32>),
}

impl Inputs {
    /// Returns the number of values over all samples.
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(values) => values.len(),
            Self::Floats(values) => values.len(),
        }
    }

    /// Returns true if there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Targets of all samples.
#[derive(Debug, Clone, PartialEq)]
pub enum Targets {
    /// One class per sample, `[samples]`, each below the number of names.
    Classes {
        /// Class of each sample, `[samples]`.
        labels: Vec<u32>,
        /// Name of each class.
        class_names: Vec<String>,
    },
    /// Numbers, `[samples, targets]`.
    Values {
        /// The numbers, row-major.
        values: Vec<f32>,
        /// Name of each target.
        target_names: Vec<String>,
    },
    /// No targets: samples to predict.
    Unlabelled,
}

/// Official division of a source. An empty list means that the source has no such part.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OfficialDivision {
    /// Sample indices of the training part.
    pub train: Vec<usize>,
    /// Sample indices of the validation part.
    pub validation: Vec<usize>,
    /// Sample indices of the test part.
    pub test: Vec<usize>,
}

/// Keys that keep samples together or in order when the dataset is split, one entry per sample.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SplitKeys {
    /// Group of each sample; a group is never divided.
    pub groups: Option<Vec<u32>>,
    /// Time of each sample; the latest samples form the test split.
    pub times: Option<Vec<f64>>,
}

/// Samples of one shape with their targets.
#[derive(Debug, Clone)]
pub struct Dataset {
    name: String,
    sample_shape: SampleShape,
    /// Inputs of all samples, or of those that this process holds.
    inputs: Arc<Inputs>,
    holding: Option<Holding>,
    targets: Targets,
    weights: Vec<f32>,
    samples: usize,
    feature_names: Vec<String>,
    division: Option<OfficialDivision>,
    provenance: Provenance,
    value_range: (f32, f32),
    imputation: Option<Imputation>,
    columns: Vec<TableColumn>,
    column_reports: Vec<ColumnReport>,
    table_target: Option<TableTarget>,
    split_keys: SplitKeys,
    image_decoding: Option<ImageDecoding>,
    notes: Vec<String>,
    origin: Option<Box<DataConfig>>,
}

impl Dataset {
    /// Loads the embedded handwritten digits: 1,797 images `[8, 8, 1]` with values 0 to 16 in ten classes.
    /// UCI optdigits (E. Alpaydin and C. Kaynak, 1998), CC BY 4.0.
    pub fn digits() -> Result<Self, DataError> {
        digits::digits().map(|dataset| dataset.with_origin(DataConfig::of_source(DIGITS)))
    }

    /// Creates a dataset from arrays in memory.
    ///
    /// `inputs` holds whole samples of `sample_shape`, contiguous; `targets` has one entry (or row) per sample.
    ///
    /// # Errors
    /// Fails if there are no samples, lengths do not match, a label has no class name, there are fewer than two
    /// classes, or a value is NaN or infinite.
    pub fn from_memory(
        name: impl Into<String>,
        sample_shape: SampleShape,
        inputs: Inputs,
        targets: Targets,
    ) -> Result<Self, DataError> {
        Self::unchecked(name, sample_shape, inputs, targets)?.checked()
    }

    /// Like [`Self::from_memory`], but does not search for NaN; a reader adds the names used in messages and calls
    /// [`Self::checked`] last.
    pub(crate) fn unchecked(
        name: impl Into<String>,
        sample_shape: SampleShape,
        inputs: Inputs,
        targets: Targets,
    ) -> Result<Self, DataError> {
        Self::held(name, sample_shape, inputs, targets, None)
    }

    /// Like [`Self::unchecked`], for `inputs` that are complete or the part described by `holding`.
    fn held(
        name: impl Into<String>,
        sample_shape: SampleShape,
        inputs: Inputs,
        targets: Targets,
        holding: Option<&Holding>,
    ) -> Result<Self, DataError> {
        let samples = match holding {
            None => count_samples(&sample_shape, &inputs)?,
            Some(holding) => holding.samples(),
        };
        let value_range = value_range(&inputs);
        let dataset = Self {
            name: name.into(),
            sample_shape,
            samples,
            feature_names: default_feature_names(&sample_shape),
            division: None,
            provenance: Provenance::Numbered,
            value_range,
            imputation: None,
            columns: Vec::new(),
            column_reports: Vec::new(),
            table_target: None,
            split_keys: SplitKeys::default(),
            image_decoding: None,
            notes: Vec::new(),
            origin: None,
            inputs: Arc::new(inputs),
            holding: None,
            targets,
            weights: Vec::new(),
        };
        dataset.check_targets()?;
        Ok(dataset)
    }

    /// Checks that every input is finite, or missing if [`Self::imputation`] allows it.
    pub(crate) fn checked(self) -> Result<Self, DataError> {
        let may_be_missing = matches!(self.imputation, Some(Imputation::Mean | Imputation::Median));
        if let Inputs::Floats(values) = self.inputs.as_ref() {
            let bad = values.iter().position(|value| !(value.is_finite() || may_be_missing && value.is_nan()));
            if let Some(position) = bad {
                return Err(self.not_finite(position, values[position]));
            }
        }
        Ok(self)
    }

    /// Returns the error for the value at `position`, counted over all samples.
    pub(crate) fn not_finite(&self, position: usize, value: f32) -> DataError {
        let length = self.sample_shape.len();
        DataError::NotFinite {
            sample: self.provenance.describe(position / length),
            feature: self.feature_label(position % length),
            value: value.to_string(),
        }
    }

    /// Returns the name of one value of a sample: the feature's name, or the pixel.
    pub fn feature_label(&self, feature: usize) -> String {
        match self.sample_shape {
            SampleShape::Image { width, channels, .. } => {
                let pixel = feature / channels;
                format!("row {}, column {}, channel {}", pixel / width, pixel % width, feature % channels)
            }
            SampleShape::Features(_) => match self.feature_names.get(feature) {
                Some(name) => format!("feature \"{name}\""),
                None => format!("feature {feature}"),
            },
        }
    }

    fn check_targets(&self) -> Result<(), DataError> {
        match &self.targets {
            Targets::Classes { labels, class_names } => {
                if labels.len() != self.samples {
                    return Err(DataError::shape("class labels", self.samples, labels.len()));
                }
                if class_names.len() < 2 {
                    return Err(DataError::setting(
                        "data",
                        format!("{} has {} class; a classifier needs at least two", self.name, class_names.len()),
                        "Add samples of another class, or set data.task = \"regression\" for a numeric target",
                    ));
                }
                match labels.iter().position(|&label| label as usize >= class_names.len()) {
                    Some(sample) => Err(DataError::Shape {
                        what: format!("class label of {}", self.provenance.describe(sample)),
                        expected: format!("a number below {}", class_names.len()),
                        found: labels[sample].to_string(),
                    }),
                    None => Ok(()),
                }
            }
            Targets::Values { values, target_names } => {
                let expected = self.samples * target_names.len();
                if values.len() != expected || expected == 0 {
                    return Err(DataError::shape("target values", expected.max(1), values.len()));
                }
                match values.iter().position(|value| !value.is_finite()) {
                    Some(position) => Err(DataError::NotFinite {
                        sample: format!("{}, {}", self.name, self.provenance.describe(position / target_names.len())),
                        feature: format!("target \"{}\"", target_names[position % target_names.len()]),
                        value: values[position].to_string(),
                    }),
                    None => Ok(()),
                }
            }
            Targets::Unlabelled => Ok(()),
        }
    }

    /// Replaces the feature names; expects one name per feature.
    pub fn with_feature_names(mut self, names: Vec<String>) -> Result<Self, DataError> {
        if names.len() != self.feature_names.len() {
            return Err(DataError::shape("feature names", self.feature_names.len(), names.len()));
        }
        self.feature_names = names;
        Ok(self)
    }

    /// Sets the weight of each sample in the training loss, `[samples]`: 0 or more, relative to each other.
    /// Metrics count each sample once.
    ///
    /// # Errors
    /// Fails unless there is one weight per sample, all are finite and not negative, and at least one is above 0.
    pub fn with_weights(mut self, weights: Vec<f32>) -> Result<Self, DataError> {
        if weights.len() != self.samples {
            return Err(DataError::shape("sample weights", self.samples, weights.len()));
        }
        if let Some(sample) = weights.iter().position(|weight| !(weight.is_finite() && *weight >= 0.0)) {
            let what = format!("weight of {}", self.provenance.describe(sample));
            return Err(DataError::shape(&what, "a finite number, 0 or more", weights[sample]));
        }
        if weights.iter().all(|&weight| weight == 0.0) {
            return Err(DataError::shape("sample weights", "one above 0", "none"));
        }
        self.weights = weights;
        Ok(self)
    }

    /// Sets the official division. Every sample belongs to at most one part.
    pub fn with_division(mut self, division: OfficialDivision) -> Result<Self, DataError> {
        let mut seen = vec![false; self.samples];
        for &sample in division.train.iter().chain(&division.validation).chain(&division.test) {
            if sample >= self.samples || std::mem::replace(&mut seen[sample], true) {
                return Err(DataError::Shape {
                    what: "official division".to_string(),
                    expected: format!("each sample below {} at most once", self.samples),
                    found: format!("sample {sample}"),
                });
            }
        }
        self.division = Some(division);
        Ok(self)
    }

    /// Sets the range of values shown from black to white in pictures.
    pub fn with_value_range(mut self, low: f32, high: f32) -> Self {
        self.value_range = (low, high);
        self
    }

    /// Sets the origin of each sample, which messages name.
    pub fn with_provenance(mut self, provenance: Provenance) -> Self {
        self.provenance = provenance;
        self
    }

    pub(crate) fn with_imputation(mut self, imputation: Imputation) -> Self {
        self.imputation = Some(imputation);
        self
    }

    pub(crate) fn with_columns(mut self, columns: Vec<TableColumn>) -> Self {
        self.columns = columns;
        self
    }

    pub(crate) fn with_column_reports(mut self, reports: Vec<ColumnReport>) -> Self {
        self.column_reports = reports;
        self
    }

    pub(crate) fn with_table_target(mut self, target: TableTarget) -> Self {
        self.table_target = Some(target);
        self
    }

    /// Sets the keys that keep samples together or in order when the dataset is split.
    ///
    /// # Errors
    /// Fails unless there is one entry per sample, and if a time is NaN.
    pub fn with_split_keys(mut self, keys: SplitKeys) -> Result<Self, DataError> {
        let lengths = [keys.groups.as_ref().map(Vec::len), keys.times.as_ref().map(Vec::len)];
        if let Some(length) = lengths.into_iter().flatten().find(|&length| length != self.samples) {
            return Err(DataError::shape("groups or times of the samples", self.samples, length));
        }
        if let Some(sample) = keys.times.iter().flatten().position(|time| time.is_nan()) {
            let (sample, feature) = (self.provenance.describe(sample), "time".to_string());
            return Err(DataError::NotFinite { sample, feature, value: "NaN".to_string() });
        }
        self.split_keys = keys;
        Ok(self)
    }

    /// Sets the parts of the source, in the order of the samples.
    pub(crate) fn with_parts(self, parts: Option<PartSizes>) -> Result<Self, DataError> {
        match parts.and_then(PartSizes::division) {
            Some(division) => self.with_division(division),
            None => Ok(self),
        }
    }

    pub(crate) fn with_image_decoding(mut self, decoding: ImageDecoding) -> Self {
        self.image_decoding = Some(decoding);
        self
    }

    /// Records the `[data]` section the dataset was loaded from.
    pub(crate) fn with_origin(mut self, config: DataConfig) -> Self {
        self.origin = Some(Box::new(config));
        self
    }

    /// Adds notes; names in them are escaped for display.
    pub(crate) fn with_notes(mut self, notes: Vec<String>) -> Self {
        self.notes.extend(notes.into_iter().map(|note| printable(&note).into_owned()));
        self
    }

    /// Returns the name of the dataset: that of the built-in set, or of the file or folder.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the `[data]` section that loads this dataset again, or `None` for data created in memory.
    pub fn origin(&self) -> Option<&DataConfig> {
        self.origin.as_deref()
    }

    /// Returns the number of samples.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Returns the shape of one sample.
    pub fn sample_shape(&self) -> &SampleShape {
        &self.sample_shape
    }

    /// Returns the inputs of all samples, contiguous. If other processes hold a part ([`Dataset::is_shared`]), returns
    /// only the inputs held by this process.
    pub fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// Returns the targets of all samples.
    pub fn targets(&self) -> &Targets {
        &self.targets
    }

    /// Returns the weight of each sample in the training loss, `[samples]`; empty if all weights are equal.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// Returns the names of the classes; empty for regression and unlabelled data.
    pub fn class_names(&self) -> &[String] {
        match &self.targets {
            Targets::Classes { class_names, .. } => class_names,
            _ => &[],
        }
    }

    /// Returns the number of network outputs per sample: classes, or numeric targets; 0 if unlabelled.
    pub fn outputs(&self) -> usize {
        match &self.targets {
            Targets::Classes { class_names, .. } => class_names.len(),
            Targets::Values { target_names, .. } => target_names.len(),
            Targets::Unlabelled => 0,
        }
    }

    /// Returns the names of the features of a table or of the channels of an image.
    pub fn feature_names(&self) -> &[String] {
        &self.feature_names
    }

    /// Returns the official division of the source, if any.
    pub fn division(&self) -> Option<&OfficialDivision> {
        self.division.as_ref()
    }

    /// Returns the origin of each sample.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Returns the range of values shown from black to white in pictures: (0, 255) for images.
    pub fn value_range(&self) -> (f32, f32) {
        self.value_range
    }

    /// Returns the replacement for missing cells, or `None` if no cell can be missing.
    pub fn imputation(&self) -> Option<Imputation> {
        self.imputation
    }

    /// Returns the columns that became features, in feature order; empty for other sources.
    pub fn columns(&self) -> &[TableColumn] {
        &self.columns
    }

    /// Returns the report on every column, in the order of the table; empty for other sources.
    pub fn column_reports(&self) -> &[ColumnReport] {
        &self.column_reports
    }

    /// Returns the offset that converts numeric targets back to their own unit, in f64.
    pub fn target_origin(&self) -> f64 {
        self.table_target.as_ref().map_or(0.0, |target| target.encoding.origin)
    }

    /// Returns the keys that keep samples together or in order when the dataset is split.
    pub fn split_keys(&self) -> &SplitKeys {
        &self.split_keys
    }

    /// Returns the decisions and omissions of the reader, as readable sentences.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Returns the columns of a table that were left out because they name or count the rows.
    fn identifiers(&self) -> Vec<String> {
        let names = |report: &&ColumnReport| matches!(report.kind, ColumnKind::Identifier | ColumnKind::RowNumber);
        self.column_reports.iter().filter(names).map(|report| report.name.clone()).collect()
    }

    /// Counts the samples of each class among `indices`; empty unless targets are classes.
    pub fn class_counts(&self, indices: &[usize]) -> Vec<usize> {
        let mut counts = vec![0; self.class_names().len()];
        if let Targets::Classes { labels, .. } = &self.targets {
            for &sample in indices {
                counts[labels[sample] as usize] += 1;
            }
        }
        counts
    }

    /// Returns mean, standard deviation and range of each numeric target over `indices`; empty unless targets are numbers.
    pub fn target_moments(&self, indices: &[usize]) -> Vec<Moments> {
        let mut moments = match &self.targets {
            Targets::Values { target_names, .. } => vec![Moments::default(); target_names.len()],
            _ => return Vec::new(),
        };
        if let Targets::Values { values, .. } = &self.targets {
            let width = moments.len();
            for &sample in indices {
                for (moments, &value) in moments.iter_mut().zip(&values[sample * width..]) {
                    moments.add(f64::from(value));
                }
            }
        }
        moments
    }

    /// Returns the schema that another source must match to be used with a model trained on this dataset.
    pub fn schema(&self) -> Schema {
        Schema {
            name: self.name.clone(),
            sample_shape: self.sample_shape,
            value_range: self.value_range,
            target: match &self.targets {
                Targets::Classes { class_names, .. } => TargetKind::Classes(class_names.clone()),
                Targets::Values { target_names, .. } => TargetKind::Values(target_names.clone()),
                Targets::Unlabelled => TargetKind::Unlabelled,
            },
            feature_names: self.feature_names.clone(),
            columns: self.columns.clone(),
            identifiers: self.identifiers(),
            table_target: self.table_target.clone(),
            imputation: self.imputation,
            image_decoding: self.image_decoding,
        }
    }
}

fn count_samples(sample_shape: &SampleShape, inputs: &Inputs) -> Result<usize, DataError> {
    if sample_shape.is_empty() || inputs.is_empty() {
        return Err(DataError::shape("inputs", "at least one sample with at least one value", sample_shape));
    }
    if !inputs.len().is_multiple_of(sample_shape.len()) {
        let expected = format!("a multiple of {} values ({sample_shape})", sample_shape.len());
        return Err(DataError::shape("inputs", expected, inputs.len()));
    }
    Ok(inputs.len() / sample_shape.len())
}

/// Returns (0, 255) for bytes, or the smallest and largest finite float.
fn value_range(inputs: &Inputs) -> (f32, f32) {
    match inputs {
        Inputs::Bytes(_) => (0.0, 255.0),
        Inputs::Floats(values) => {
            let finite = values.iter().copied().filter(|value| value.is_finite());
            let (low, high) = finite.fold((f32::MAX, f32::MIN), |(low, high), value| (low.min(value), high.max(value)));
            if low <= high { (low, high) } else { (0.0, 1.0) }
        }
    }
}

fn default_feature_names(sample_shape: &SampleShape) -> Vec<String> {
    match *sample_shape {
        SampleShape::Image { channels: 1, .. } => vec!["grey".to_string()],
        SampleShape::Image { channels: 3, .. } => ["red", "green", "blue"].map(String::from).to_vec(),
        SampleShape::Image { channels, .. } => (0..channels).map(|channel| format!("channel_{channel}")).collect(),
        SampleShape::Features(features) => (0..features).map(|feature| format!("feature_{feature}")).collect(),
    }
}

#[cfg(test)]
mod tests;
