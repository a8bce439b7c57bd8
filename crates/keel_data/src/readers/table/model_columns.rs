//! Columns of a table that a trained model reads: by name, or by position if it was trained on rows of numbers.

use super::number::parse;
use super::raw::RawTable;
use super::{names, target};
use crate::config::DataConfig;
use crate::dataset::{ColumnEncoding, NumberEncoding, SampleShape, Schema, TableColumn, plural};
use crate::error::DataError;

/// Maximum number of missing columns that are named.
const NAMED: usize = 20;

/// Columns of a table, for a trained model.
#[derive(Debug)]
pub(super) struct ModelColumns {
    /// Position and encoding of each column of the inputs, in the order of the model.
    pub(super) columns: Vec<(usize, TableColumn)>,
    /// Position of the target, if the table has one.
    pub(super) target: Option<usize>,
}

/// Finds the columns that the model of `schema` reads. With `wants_targets`, a column behind those of a model without names is
/// the target.
///
/// # Errors
/// Fails if columns are missing, or the model does not take rows.
pub(super) fn find(
    table: &RawTable,
    config: &DataConfig,
    schema: &Schema,
    wants_targets: bool,
) -> Result<ModelColumns, DataError> {
    let target = target::choose_for_model(table, config, schema);
    if schema.columns.is_empty() {
        return by_position(table, schema, target, wants_targets);
    }
    let positions = table.positions();
    let place = |column: &TableColumn| positions.get(column.name.as_str()).map(|place| (*place, column.clone()));
    let columns: Vec<_> = schema.columns.iter().filter_map(place).collect();
    match columns.len() == schema.columns.len() {
        true => Ok(ModelColumns { columns, target }),
        false => Err(missing_columns(table, schema)),
    }
}

/// Returns the error for all columns that the table lacks.
fn missing_columns(table: &RawTable, schema: &Schema) -> DataError {
    let all: Vec<&str> = schema.columns.iter().map(|column| column.name.as_str()).collect();
    let missing: Vec<&str> = all.iter().copied().filter(|name| table.position(name).is_none()).collect();
    let is_data = has_data_as_names(table) && !all.contains(&"column_1");
    let meant = |name: &str| {
        let nearest = names::nearest(table, name).filter(|known| !all.contains(known) && !is_data);
        nearest.map(|known| format!(" (\"{known}\" may be meant)")).unwrap_or_default()
    };
    let mut what = match &missing[..] {
        [only] => format!("the column \"{only}\" is missing{}", meant(only)),
        several => {
            let named = several.iter().map(|name| format!("\"{name}\"{}", meant(name)));
            format!("{} columns are missing: {}", several.len(), listed(named))
        }
    };
    if is_data {
        what.push_str("; the first line looks like data, not like names of columns");
        let next =
            format!("Write a line with the names above it: {}", listed(all.iter().map(|name| (*name).to_owned())));
        return DataError::format(&table.path(), what, next);
    }
    let next = match missing.len() {
        1 => "Add it: the model was trained on a table with this column",
        _ => "Add them: the model was trained on a table with these columns",
    };
    DataError::format(&table.path(), what, next)
}

fn listed(names: impl ExactSizeIterator<Item = String>) -> String {
    let more = names.len().saturating_sub(NAMED);
    let shown = names.take(NAMED).collect::<Vec<_>>().join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

/// Returns true if the table has no header, or one in which at least every second name is a number.
fn has_data_as_names(table: &RawTable) -> bool {
    let is_numbered = |(place, name): (usize, &str)| name == format!("column_{}", place + 1);
    let names = table.columns.iter().map(|column| column.name.as_str());
    let is_number = |name: &str| parse(name, NumberEncoding::default().format).is_some();
    let numbers = names.clone().filter(|name| is_number(name)).count();
    2 * numbers >= table.columns.len() || names.enumerate().all(is_numbered)
}

/// Takes the columns of a model that was trained on rows of numbers: by the names of its features if the table has them
/// all, else in order.
fn by_position(
    table: &RawTable,
    schema: &Schema,
    target: Option<usize>,
    wants_targets: bool,
) -> Result<ModelColumns, DataError> {
    let SampleShape::Features(width) = schema.sample_shape else {
        let what = format!("this model takes images of {}, not tables", schema.sample_shape);
        return Err(DataError::format(&table.path(), what, "Give data of the kind the model was trained on"));
    };
    let named: Option<Vec<usize>> = schema.feature_names.iter().map(|name| table.position(name)).collect();
    let found = table.columns.len();
    let last = found.checked_sub(1);
    let target = target.or(last.filter(|_| wants_targets && found == width + 1));
    let in_order = || (0..found).filter(|place| found == width || Some(*place) != target).collect();
    let places: Vec<usize> = named.unwrap_or_else(in_order);
    if places.len() != width {
        let columns = |count| plural(count, "column", "columns");
        let (numbers, found) = (plural(width, "number", "numbers"), columns(found));
        let what = format!("this model takes {numbers} per sample, but the table has {found}");
        let next = format!("Give a table with {}, in the order of the training data", columns(width));
        return Err(DataError::format(&table.path(), what, next));
    }
    let target = target.filter(|target| !places.contains(target));
    let column = |place: usize| {
        let name = table.columns[place].name.clone();
        (place, TableColumn { name, encoding: ColumnEncoding::Number(NumberEncoding::default()), missing_flag: false })
    };
    Ok(ModelColumns { columns: places.into_iter().map(column).collect(), target })
}
