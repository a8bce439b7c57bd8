//! Inputs of the graph in their raw form: images, rows of numbers, or the columns of a table.

use keel_data::{SampleShape, Schema};

use super::builder::{Builder, integer};
use super::{columns, value_info};
use crate::InterchangeError;
use crate::onnx::schema::{ValueInfoProto, element};

/// Name of the input if there is only one.
const INPUT: &str = "input";

/// Element type of image inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureValues {
    /// Bytes.
    Bytes,
    /// 32-bit floats.
    Floats,
}

/// Raw samples as read by preprocessing.
pub(super) struct Raw {
    /// Name of the value, `[batch, sample_shape]`.
    pub(super) value: String,
    /// True if the values are bytes.
    pub(super) are_bytes: bool,
    /// Declared inputs.
    pub(super) inputs: Vec<ValueInfoProto>,
}

/// Declares the inputs and joins columns into rows.
///
/// # Errors
/// A column that cannot be read, or two of one name.
pub(super) fn export(
    builder: &mut Builder,
    schema: &Schema,
    pictures: PictureValues,
    markers: &[String],
) -> Result<Raw, InterchangeError> {
    if !schema.columns.is_empty() {
        return of_columns(builder, schema, markers);
    }
    builder.reserve(INPUT);
    let are_bytes = schema.sample_shape.is_image() && pictures == PictureValues::Bytes;
    let kind = if are_bytes { element::UINT8 } else { element::FLOAT };
    let words = match schema.sample_shape {
        SampleShape::Image { height, width, channels } => {
            let values = if channels == 1 { "value" } else { "values" };
            format!("images of {height} rows, {width} columns and {channels} {values} per pixel, in this order")
        }
        SampleShape::Features(_) if schema.imputation.is_some() => "rows of numbers, NaN if missing".to_owned(),
        SampleShape::Features(_) => "rows of numbers".to_owned(),
    };
    let info = value_info(INPUT, kind, &schema.sample_shape.dimensions(), &words);
    Ok(Raw { value: INPUT.to_owned(), are_bytes, inputs: vec![info] })
}

fn of_columns(builder: &mut Builder, schema: &Schema, markers: &[String]) -> Result<Raw, InterchangeError> {
    let mut inputs = Vec::new();
    for column in &schema.columns {
        if column.name.is_empty() || !builder.reserve(&column.name) {
            return Err(InterchangeError::Export {
                part: format!("column `{}`", column.name),
                reason: "inputs are distinguished by their names, and this one is empty or already used".to_owned(),
                next: "give every column of the table a unique name and train again".to_owned(),
            });
        }
        let kind = columns::input_type(column);
        inputs.push(value_info(&column.name, kind, &[1], columns::input_words(column)));
    }
    let mut features = Vec::new();
    for column in schema.columns.iter().filter(|column| column.features() > 0) {
        features.push(columns::export(builder, column, &column.name, markers)?);
    }
    builder.enter("columns");
    let features: Vec<&str> = features.iter().map(String::as_str).collect();
    let value = match features.as_slice() {
        [one] => (*one).to_owned(),
        several => builder.node("Concat", several, vec![integer("axis", 1)]),
    };
    Ok(Raw { value, are_bytes: false, inputs })
}
