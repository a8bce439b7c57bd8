//! Requirements of a trained model on its data sources; stored with the model.

use super::{Imputation, NumberEncoding, SampleShape, TableColumn};
use crate::config::{Fit, ResizeFilter};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The kind and the names of the targets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// Classes with these names, in index order.
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
    /// Number format, and the origin subtracted from numeric targets in f64 before conversion to f32.
    pub encoding: NumberEncoding,
}

/// Conversion of images of other sizes to the sample shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageDecoding {
    /// Interpolation.
    pub resize_filter: ResizeFilter,
    /// Stretch or crop.
    pub fit: Fit,
    /// Significant bits of 16-bit image values: 12 for 12-bit camera data stored in 16 bits.
    #[serde(default = "all_bits")]
    pub sample_bits: u8,
}

/// Default bit depth for models saved before the depth was recorded.
fn all_bits() -> u8 {
    16
}

/// Requirements of a trained model on its data sources.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// Name of the dataset the model was trained on.
    pub name: String,
    /// Shape of one sample.
    pub sample_shape: SampleShape,
    /// Range of values shown from black to white.
    pub value_range: (f32, f32),
    /// Targets of the model.
    pub target: TargetKind,
    /// Names of features or channels.
    pub feature_names: Vec<String>,
    /// Columns of the table; empty for other sources.
    pub columns: Vec<TableColumn>,
    /// Columns of the table that were left out because they identify the rows.
    #[serde(default)]
    pub identifiers: Vec<String>,
    /// Target column of a table; `None` for other sources and for models of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table_target: Option<TableTarget>,
    /// Replacement for missing cells.
    pub imputation: Option<Imputation>,
    /// Conversion of images to their size; `None` for other sources.
    pub image_decoding: Option<ImageDecoding>,
}

impl Schema {
    /// Returns the offset that converts numeric targets back to their own unit, in f64: 0 except for tables whose
    /// numbers differ by little relative to their size.
    pub fn target_origin(&self) -> f64 {
        self.table_target.as_ref().map_or(0.0, |target| target.encoding.origin)
    }

    /// Returns the names of the columns of the table; empty for other sources.
    pub(crate) fn column_names(&self) -> Vec<&str> {
        self.columns.iter().map(|column| column.name.as_str()).collect()
    }

    /// Returns true if a column of the table has dates, or times of day.
    pub fn has_times(&self) -> bool {
        self.columns.iter().any(TableColumn::is_time)
    }

    /// Returns the columns of the source with the range of features of each; without columns, every feature by itself.
    /// Empty for images.
    pub fn groups(&self) -> Vec<(String, Range<usize>)> {
        let SampleShape::Features(features) = self.sample_shape else { return Vec::new() };
        if self.columns.is_empty() {
            let name = |feature: usize| self.feature_names.get(feature).cloned().unwrap_or_else(|| feature.to_string());
            return (0..features).map(|feature| (name(feature), feature..feature + 1)).collect();
        }
        let group = |start: &mut usize, column: &TableColumn| {
            let range = *start..*start + column.features();
            *start = range.end;
            Some((column.name.clone(), range))
        };
        self.columns.iter().scan(0, group).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{ColumnEncoding, DateOrder, TimeEncoding};

    #[test]
    fn a_column_is_all_its_features() {
        let column = |name: &str, encoding| TableColumn { name: name.to_owned(), encoding, missing_flag: false };
        let category = |name: &str, count: usize| {
            let categories = (0..count).map(|category| category.to_string()).collect();
            column(name, ColumnEncoding::Category { categories, other: false })
        };
        let schema = Schema {
            name: "t".to_owned(),
            sample_shape: SampleShape::Features(6),
            value_range: (0.0, 1.0),
            target: TargetKind::Unlabelled,
            feature_names: Vec::new(),
            columns: vec![category("colour", 3), column("age", ColumnEncoding::Boolean), category("shape", 2)],
            table_target: None,
            identifiers: Vec::new(),
            imputation: None,
            image_decoding: None,
        };
        let groups = schema.groups();
        let expected = [("colour", 0..3), ("age", 3..4), ("shape", 4..6)];
        assert_eq!(groups, expected.map(|(name, range)| (name.to_owned(), range)));
        assert!(!schema.has_times());
        let time = TimeEncoding { order: DateOrder::DayFirst, origin: 0.0, parts: Vec::new() };
        let mut dated = schema.clone();
        dated.columns.push(column("born", ColumnEncoding::Time(time)));
        assert!(dated.has_times());
        let unnamed = Schema { columns: Vec::new(), ..schema };
        assert_eq!(unnamed.groups()[5], ("5".to_owned(), 5..6));
    }
}
