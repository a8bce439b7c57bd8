//! What a source has to look like to be fed to a trained model; stored with the model.

use super::{Imputation, NumberEncoding, SampleShape, TableColumn};
use crate::config::{Fit, ResizeFilter};
use crate::error::DataError;
use serde::{Deserialize, Serialize};

/// The kind and the names of the targets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// Classes with these names, in order of their numbers.
    Classes(Vec<String>),
    /// Numbers with these names.
    Values(Vec<String>),
    /// No targets.
    Unlabelled,
}

/// The target column of a table and how its numbers are read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableTarget {
    /// Name in the header.
    pub column: String,
    /// Format, and the origin that is subtracted from numeric targets in f64 before they become f32.
    pub encoding: NumberEncoding,
}

/// How images of other sizes are brought to the sample shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageDecoding {
    /// Interpolation.
    pub resize_filter: ResizeFilter,
    /// Stretch or crop.
    pub fit: Fit,
}

/// What a source has to look like to be fed to a trained model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// Name of the dataset the model was trained on.
    pub name: String,
    /// Shape of one sample.
    pub sample_shape: SampleShape,
    /// Range shown from black to white.
    pub value_range: (f32, f32),
    /// Targets of the model.
    pub target: TargetKind,
    /// Names of features or channels.
    pub feature_names: Vec<String>,
    /// Columns of the table; empty for other sources.
    pub columns: Vec<TableColumn>,
    /// Columns of the table that the model left out because they name the rows.
    #[serde(default)]
    pub identifiers: Vec<String>,
    /// The target column of a table; `None` for other sources and for models of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table_target: Option<TableTarget>,
    /// What stands in for missing cells.
    pub imputation: Option<Imputation>,
    /// How images are brought to size; `None` for other sources.
    pub image_decoding: Option<ImageDecoding>,
}

impl Schema {
    /// What is added to numeric targets to have them in their own unit, in f64: 0 but for tables whose numbers differ by
    /// little beside their size.
    pub fn target_origin(&self) -> f64 {
        self.table_target.as_ref().map_or(0.0, |target| target.encoding.origin)
    }

    /// The class number of `name`; the error lists what the model knows and says where the name stood.
    pub(crate) fn class_number(&self, name: &str, place: &str) -> Result<u32, DataError> {
        let TargetKind::Classes(names) = &self.target else {
            return Err(DataError::shape(place, "numeric targets", format!("class \"{name}\"")));
        };
        names.iter().position(|known| known == name).map(|class| class as u32).ok_or_else(|| DataError::Shape {
            what: format!("{place}: class the model was not trained on"),
            expected: format!("one of {}", names.join(", ")),
            found: format!("\"{name}\""),
        })
    }
}
