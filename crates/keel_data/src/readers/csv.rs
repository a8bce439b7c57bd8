//! Tables of comma-, semicolon- or tab-separated values, plain or .gz.

use super::csv_columns::{Table, is_missing};
use super::{Request, file_name, read_bytes};
use crate::catalog::CatalogEntry;
use crate::config::Task;
use crate::dataset::{Dataset, Imputation, Inputs, Provenance, SampleShape, Schema, TableColumn, TargetKind, Targets};
use crate::error::DataError;
use std::io::Read;
use std::path::Path;

pub(super) const ENTRY: CatalogEntry = CatalogEntry {
    name: "csv",
    summary: "table with a header; categories become one feature each, missing cells are filled from the training split",
};

/// Most distinct whole numbers of a target that are taken for classes.
const MOST_NUMBERED_CLASSES: usize = 20;

pub(super) fn read(request: &Request) -> Result<Dataset, DataError> {
    dataset(request, &parse(request.path, read_bytes(request.path)?)?)
}

/// The samples in the rows of `table`.
pub(super) fn dataset(request: &Request, table: &Table) -> Result<Dataset, DataError> {
    let mut notes = table.notes.clone();
    let ignored = ignored_columns(request, table)?;
    let target = target_column(request, table)?;
    let columns = match request.schema {
        Some(schema) => schema.columns.clone(),
        None => feature_columns(table, target, &ignored)?,
    };
    let places = find_columns(table, &columns)?;
    let mut values = Vec::new();
    let mut missing = 0;
    for row in 0..table.rows.len() {
        for (column, &place) in columns.iter().zip(&places) {
            table.append_features(row, place, column, &mut values)?;
            if is_missing(table.cell(row, place)) {
                missing += 1;
                refuse_missing(request, table, row, place)?;
            }
        }
    }
    let targets = match target {
        Some(target) => targets(request, table, target, &mut notes)?,
        None => Targets::Unlabelled,
    };
    if missing > 0 {
        let stand_in = if imputation(request) == Imputation::Median { "median" } else { "mean" };
        notes.push(format!("{missing} missing cells: the {stand_in} over the training split, or no category at all"));
    }
    let names: Vec<String> = columns.iter().flat_map(feature_names).collect();
    let shape = SampleShape::Features(names.len());
    Dataset::unchecked(file_name(request.path), shape, Inputs::Floats(values), targets)?
        .with_feature_names(names)?
        .with_provenance(Provenance::Lines { file: request.path.to_path_buf(), lines: table.lines.clone() })
        .with_imputation(imputation(request))
        .with_columns(columns)
        .with_notes(notes)
        .checked()
}

fn imputation(request: &Request) -> Imputation {
    request.schema.and_then(|schema| schema.imputation).unwrap_or(request.config.missing)
}

fn refuse_missing(request: &Request, table: &Table, row: usize, column: usize) -> Result<(), DataError> {
    if imputation(request) != Imputation::Error {
        return Ok(());
    }
    Err(table.cell_error(
        row,
        column,
        "the cell is missing".to_string(),
        "Fill it, or set data.missing to mean or median",
    ))
}

/// The line, counted from 1, of a quote at the start of a cell that is never closed.
fn open_quote(text: &[u8], delimiter: u8) -> Option<usize> {
    let (mut line, mut opened, mut at_start) = (1, None, true);
    for &byte in text {
        line += usize::from(byte == b'\n');
        match (byte, opened) {
            // Two quotes within a quoted cell stand for one: the cell is closed and opened again.
            (b'"', Some(_)) => (opened, at_start) = (None, true),
            (b'"', None) if at_start => opened = Some(line),
            (_, Some(_)) => {}
            _ => at_start = byte == delimiter || byte == b'\n' || byte == b'\r',
        }
    }
    opened
}

/// Reads all rows; every row has as many cells as the header.
pub(super) fn parse(path: &Path, mut bytes: Vec<u8>) -> Result<Table, DataError> {
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut unpacked = Vec::new();
        flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_end(&mut unpacked).map_err(|error| {
            DataError::format(path, format!("the compressed table is damaged: {error}"), "Fetch the file again")
        })?;
        bytes = unpacked;
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    if let Some(line) = open_quote(text, delimiter(text)) {
        return Err(DataError::format(
            path,
            format!("the quoted cell that begins in line {line} never ends"),
            "Close the quote (the file may be cut off there)",
        ));
    }
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter(text)).from_reader(text);
    let mut table =
        Table { path: path.to_path_buf(), notes: Vec::new(), header: Vec::new(), rows: Vec::new(), lines: Vec::new() };
    for record in reader.records() {
        let record = record.map_err(|error| {
            let line = error.position().map_or(0, csv::Position::line);
            DataError::format(path, format!("line {line} cannot be read: {error}"), "Save the table as UTF-8 text")
        })?;
        let line = record.position().map_or(0, csv::Position::line);
        if table.header.is_empty() {
            if !looks_like_data(&record) {
                table.header = record.iter().map(|name| name.trim().to_string()).collect();
                continue;
            }
            table.header = (1..=record.len()).map(|column| format!("column_{column}")).collect();
            table.notes.push("no header: columns are named column_1, column_2, ...".to_string());
        }
        if record.len() != table.header.len() {
            return Err(DataError::format(
                path,
                format!("line {line} has {} cells, the header has {}", record.len(), table.header.len()),
                "Correct the line (the file may be cut off there)",
            ));
        }
        table.rows.push(record);
        table.lines.push(line);
    }
    if table.rows.is_empty() {
        return Err(DataError::format(path, "the table has no rows", "Give a header and at least one row"));
    }
    Ok(table)
}

/// The most frequent of comma, semicolon and tab in the first line.
fn delimiter(text: &[u8]) -> u8 {
    let first_line = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let count = |delimiter: &u8| first_line.iter().filter(|&byte| byte == delimiter).count();
    [b'\t', b';', b','].into_iter().max_by_key(count).unwrap_or(b',')
}

/// Whether more than half of the first row are numbers, so that it is no header.
fn looks_like_data(record: &csv::StringRecord) -> bool {
    record.iter().filter(|cell| cell.trim().parse::<f32>().is_ok()).count() * 2 > record.len()
}

fn column_number(table: &Table, name: &str, field: &str) -> Result<usize, DataError> {
    table.header.iter().position(|known| known == name).ok_or_else(|| {
        let known = table.header.join(", ");
        DataError::setting(
            field,
            format!("{} has no column \"{name}\"", table.path.display()),
            format!("Give one of {known}"),
        )
    })
}

fn ignored_columns(request: &Request, table: &Table) -> Result<Vec<usize>, DataError> {
    let names = &request.config.ignore_columns;
    names.iter().map(|name| column_number(table, name, "data.ignore_columns")).collect()
}

/// The target column; `None` if a trained model is given a table without it.
fn target_column(request: &Request, table: &Table) -> Result<Option<usize>, DataError> {
    let name = &request.config.target;
    if let Some(schema) = request.schema {
        let known = match &schema.target {
            TargetKind::Values(names) => names.first().cloned(),
            _ => None,
        };
        let wanted = if name.is_empty() { known.unwrap_or_else(|| "target".to_string()) } else { name.clone() };
        let by_name = table.header.iter().position(|column| *column == wanted);
        return Ok(by_name.or_else(|| unknown_last_column(table, schema)));
    }
    if !name.is_empty() {
        return column_number(table, name, "data.target").map(Some);
    }
    let by_name = table.header.iter().position(|column| column == "target");
    Ok(Some(by_name.unwrap_or(table.header.len() - 1)))
}

/// The last column if it is none of the model's features.
fn unknown_last_column(table: &Table, schema: &Schema) -> Option<usize> {
    let last = table.header.len() - 1;
    let is_feature = schema.columns.iter().any(|column| column.name == table.header[last]);
    (!is_feature && table.header.len() == schema.columns.len() + 1).then_some(last)
}

fn feature_columns(table: &Table, target: Option<usize>, ignored: &[usize]) -> Result<Vec<TableColumn>, DataError> {
    let columns: Vec<TableColumn> = (0..table.header.len())
        .filter(|column| Some(*column) != target && !ignored.contains(column))
        .map(|column| table.describe_column(column))
        .collect::<Result<_, _>>()?;
    if columns.is_empty() {
        let next = "Give at least one column beside the target";
        return Err(DataError::format(&table.path, "the table has no feature column", next));
    }
    Ok(columns)
}

fn find_columns(table: &Table, columns: &[TableColumn]) -> Result<Vec<usize>, DataError> {
    columns
        .iter()
        .map(|column| {
            table.header.iter().position(|name| *name == column.name).ok_or_else(|| {
                let what = format!("the column \"{}\" is missing", column.name);
                DataError::format(&table.path, what, "Add it: the model was trained on a table with this column")
            })
        })
        .collect()
}

fn feature_names(column: &TableColumn) -> Vec<String> {
    match &column.categories {
        None => vec![column.name.clone()],
        Some(categories) => categories.iter().map(|category| format!("{}={category}", column.name)).collect(),
    }
}

fn targets(request: &Request, table: &Table, target: usize, notes: &mut Vec<String>) -> Result<Targets, DataError> {
    if let Some(row) = (0..table.rows.len()).find(|&row| is_missing(table.cell(row, target))) {
        return Err(table.cell_error(
            row,
            target,
            "the target is missing".to_string(),
            "Fill the cell or delete the line",
        ));
    }
    if let Some(TargetKind::Classes(_)) = request.schema.map(|schema| &schema.target) {
        return classes(request, table, target);
    }
    let task = match (request.config.task, request.schema.is_some()) {
        (_, true) => Task::Regression,
        (Task::Auto, _) => infer_task(table, target),
        (task, _) => task,
    };
    if task == Task::Classification {
        if request.config.task == Task::Auto {
            notes.push(format!(
                "\"{}\" is taken for classes (data.task = \"regression\" changes this)",
                table.header[target]
            ));
        }
        return classes(request, table, target);
    }
    let mut values = Vec::with_capacity(table.rows.len());
    for row in 0..table.rows.len() {
        values.extend(table.number(row, target)?);
    }
    Ok(Targets::Values { values, target_names: vec![table.header[target].clone()] })
}

/// Text, and whole numbers of which at most 20 differ and each occurs twice on average, are classes.
fn infer_task(table: &Table, target: usize) -> Task {
    let distinct = table.categories(target);
    let whole = |cell: &&str| cell.parse::<f32>().is_ok_and(|value| value.fract() == 0.0);
    let few = distinct.len() <= MOST_NUMBERED_CLASSES && distinct.len() * 2 <= table.rows.len();
    if !table.is_numeric(target) || distinct.iter().all(whole) && few { Task::Classification } else { Task::Regression }
}

fn classes(request: &Request, table: &Table, target: usize) -> Result<Targets, DataError> {
    let mut distinct: Vec<&str> = table.categories(target).into_iter().collect();
    if table.is_numeric(target) {
        for row in 0..table.rows.len() {
            table.number(row, target)?;
        }
        distinct.sort_by(|a, b| a.parse().unwrap_or(f32::NAN).total_cmp(&b.parse().unwrap_or(f32::NAN)));
    }
    let class_names: Vec<String> = match request.schema.map(|schema| &schema.target) {
        Some(TargetKind::Classes(names)) => names.clone(),
        _ => distinct.into_iter().map(String::from).collect(),
    };
    let mut labels = Vec::with_capacity(table.rows.len());
    for row in 0..table.rows.len() {
        let cell = table.cell(row, target);
        let Some(class) = class_names.iter().position(|name| name == cell) else {
            let what = format!("\"{cell}\" is outside the classes of the model ({})", class_names.join(", "));
            return Err(table.cell_error(row, target, what, "Give data with the classes the model was trained on"));
        };
        labels.push(class as u32);
    }
    Ok(Targets::Classes { labels, class_names })
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
