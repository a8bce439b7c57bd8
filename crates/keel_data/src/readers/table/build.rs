//! Conversion of a raw table to a dataset: target, columns, features.

use super::column::{Counted, Decision, Known, count, decide};
use super::encode::{Encoded, Encoder, FileFormats, NumberColumn, RowsToEncode, stray_note, unseen_note};
use super::missing::Missing;
use super::raw::RawTable;
use super::roles::Roles;
use super::target;
use crate::config::DataConfig;
use crate::dataset::PartSizes;
use crate::dataset::{
    ColumnEncoding, ColumnKind, ColumnReport, Dataset, Inputs, NumberEncoding, SampleShape, Schema, TableColumn,
    TargetKind, Targets, plural,
};
use crate::error::DataError;
use crate::imputation::Imputation;
use crate::readers::class_names::alike_names_note;
use crate::readers::data_file::{ByteLimit, megabytes};
use rayon::prelude::*;

/// Requirements for the dataset of a table.
pub(super) struct Asked<'a> {
    pub(super) config: &'a DataConfig,
    /// Columns and targets that a trained model expects.
    pub(super) schema: Option<&'a Schema>,
    /// True if the data is to be compared with the predictions of a trained model; otherwise all rows are kept, without labels.
    pub(super) wants_targets: bool,
    /// Name of the dataset.
    pub(super) name: String,
}

/// Builds the dataset of a table.
///
/// # Errors
/// Fails if a cell or a column cannot be used; the error names its place.
pub(super) fn dataset(table: RawTable, asked: &Asked) -> Result<Dataset, DataError> {
    if table.rows() == 0 {
        return Err(DataError::format(&table.path(), "the table has no rows", "Give a header and at least one row"));
    }
    match asked.schema {
        None => for_training(table, asked),
        Some(schema) => for_model(table, asked, schema),
    }
}

fn for_training(mut table: RawTable, asked: &Asked) -> Result<Dataset, DataError> {
    let (config, missing) = (asked.config, Missing { added: &asked.config.missing_values });
    let chosen = target::choose(&table, config)?;
    let roles = Roles::find(&table, config, chosen.column)?;
    let division = roles.divide(&mut table);
    let all: Vec<usize> = (0..table.rows()).collect();
    let rows = target::labelled(&table, chosen.column, &all, missing);
    let mut notes = std::mem::take(&mut table.notes);
    notes.extend(division);
    if rows.is_empty() {
        let what = format!("the target \"{}\" is missing in every row", table.columns[chosen.column].name);
        return Err(DataError::format(&table.path(), what, "Name the column to predict with data.target"));
    }
    if rows.len() < all.len() {
        let count = all.len() - rows.len();
        let what = if count == 1 {
            "1 row without a target is".to_string()
        } else {
            format!("{count} rows without a target are")
        };
        notes.push(format!("{what} left out"));
    }
    let parts = table.parts.map(|parts| parts_of(parts, &rows));
    // Column kinds, categories and formats are determined on the training rows, if the source identifies them.
    let deciding = &rows[..parts.map_or(rows.len(), |parts| parts.train)];
    let counted: Vec<Counted> =
        table.columns.par_iter().map(|column| count(&column.cells, deciding, missing)).collect();
    let has_decimal_commas = has_decimal_commas(&table, &counted);
    let known = Known { table: &table, rows: deciding, missing, has_decimal_commas, time: roles.time };
    let found = target::read(chosen, config, known, &rows)?;
    let decisions = decisions(counted, known, &roles)?;
    let mut reports = Vec::new();
    let mut columns: Vec<(usize, TableColumn)> = Vec::new();
    for (column, decision) in decisions.into_iter().enumerate() {
        let Some(decision) = decision else {
            reports.push(if column == chosen.column { found.report.clone() } else { roles.report(&table, column) });
            continue;
        };
        reports.push(decision.report);
        notes.extend(decision.notes);
        columns.extend(decision.encoding.map(|encoding| (column, encoding)));
    }
    if columns.is_empty() {
        columns = only_columns(&table, &rows, &mut reports)?;
    }
    notes.push(found.note.clone());
    if let Targets::Classes { class_names, .. } = &found.targets {
        notes.extend(alike_names_note(class_names));
    }
    // The one file of a table is the training table itself.
    let formats = match table.files.len() {
        0 | 1 => FileFormats::default(),
        _ => FileFormats::of(&table, &rows, &columns, found.number_column(chosen.column), missing),
    };
    notes.extend(formats.notes.iter().map(|(file, note)| format!("{file}: {note}")));
    let encoded = encode(&table, &columns, asked, RowsToEncode { rows: &rows, formats: &formats })?;
    let splits = roles.keys(&table, &rows, missing)?;
    finish(table, asked, Finished { rows, columns, encoded, targets: found.targets, notes })?
        .with_column_reports(reports)
        .with_table_target(found.reading)
        .with_split_keys(splits)?
        .with_parts(parts)
}

fn decisions(counted: Vec<Counted>, known: Known, roles: &Roles) -> Result<Vec<Option<Decision>>, DataError> {
    let judged: Vec<Result<Option<Decision>, DataError>> = counted
        .into_par_iter()
        .enumerate()
        .map(|(column, counted)| match roles.is_feature(column) {
            true => decide(column, counted, known).map(Some),
            false => Ok(None),
        })
        .collect();
    judged.into_iter().collect()
}

/// Returns true if numbers of this table have decimal commas, as seen in its unambiguous columns or else in the format.
fn has_decimal_commas(table: &RawTable, counted: &[Counted]) -> bool {
    let says = |counted: &Counted| counted.fitting.as_ref().and_then(|fitting| fitting.decimal_comma(&counted.tally));
    let votes: Vec<bool> = counted.iter().filter_map(says).collect();
    let commas = votes.iter().filter(|&&comma| comma).count();
    match votes.len() {
        0 => table.decimal_comma_likely(),
        all => commas * 2 > all || commas * 2 == all && table.decimal_comma_likely(),
    }
}

/// Keeps columns that count or name the rows if there is no other column.
fn only_columns(
    table: &RawTable,
    rows: &[usize],
    reports: &mut [ColumnReport],
) -> Result<Vec<(usize, TableColumn)>, DataError> {
    let mut columns = Vec::new();
    for (column, report) in reports.iter_mut().enumerate() {
        let counts_or_names = matches!(report.kind, ColumnKind::RowNumber | ColumnKind::Identifier);
        let is_number = |row: usize| table.columns[column].cells.text(row).parse::<f64>().is_ok();
        if counts_or_names && report.missing == 0 && rows.iter().copied().all(is_number) {
            let encoding = ColumnEncoding::Number(NumberEncoding::default());
            columns.push((column, TableColumn { name: report.name.clone(), encoding, missing_flag: false }));
            *report = report.clone().kept_as_number();
        }
    }
    if columns.is_empty() {
        let left_out: Vec<String> = reports
            .iter()
            .filter(|report| report.kind != ColumnKind::Target)
            .map(|report| format!("\"{}\" ({}: {})", report.name, report.kind, report.reason))
            .collect();
        let why = if left_out.is_empty() { String::new() } else { format!("; left out: {}", left_out.join(", ")) };
        let what = format!("the table has no feature column{why}");
        return Err(DataError::format(&table.path(), what, "Give at least one column besides the target"));
    }
    Ok(columns)
}

fn for_model(mut table: RawTable, asked: &Asked, schema: &Schema) -> Result<Dataset, DataError> {
    let found = super::model_columns::find(&table, asked.config, schema, asked.wants_targets)?;
    let missing = Missing { added: &asked.config.missing_values };
    let mut notes = std::mem::take(&mut table.notes);
    let target = found.target.filter(|_| asked.wants_targets);
    let all: Vec<usize> = (0..table.rows()).collect();
    let rows = match target {
        Some(column) => {
            let known = |row: &usize| match &schema.target {
                TargetKind::Classes(names) => names.contains(&table.columns[column].cells.text(*row).into_owned()),
                _ => false,
            };
            let labelled = target::labelled(&table, column, &all, missing);
            all.iter().copied().filter(|row| labelled.binary_search(row).is_ok() || known(row)).collect()
        }
        None => all.clone(),
    };
    let (rows, target) = if rows.is_empty() { (all.clone(), None) } else { (rows, target) };
    if rows.len() < all.len() {
        let count = all.len() - rows.len();
        let have = if count == 1 { "has no target and is" } else { "have no target and are" };
        notes.push(format!("{count} of {} {have} left out", plural(all.len(), "row", "rows")));
    }
    let columns = found.columns;
    let plain = NumberEncoding::default();
    let target = target.map(|place| {
        let encoding = schema.table_target.as_ref().map_or(&plain, |target| &target.encoding);
        NumberColumn { place, encoding }
    });
    let is_numeric = matches!(schema.target, TargetKind::Values(_));
    let formats = FileFormats::of(&table, &rows, &columns, target.filter(|_| is_numeric), missing);
    notes.extend(formats.notes.iter().map(|(_, note)| note.clone()));
    let targets = match target {
        Some(column) => {
            target::read_for_model(&table, column, RowsToEncode { rows: &rows, formats: &formats }, schema)?
        }
        None => Targets::Unlabelled,
    };
    let encoded = encode(&table, &columns, asked, RowsToEncode { rows: &rows, formats: &formats })?;
    let dataset = finish(table, asked, Finished { rows, columns, encoded, targets, notes })?;
    Ok(match &schema.table_target {
        Some(target) => dataset.with_table_target(target.clone()),
        None => dataset,
    })
}

/// Returns true for a model that was trained on rows of numbers, which has no replacement for a missing one.
fn is_without_columns(asked: &Asked) -> bool {
    asked.schema.is_some_and(|schema| schema.columns.is_empty())
}

fn imputation(asked: &Asked) -> Imputation {
    asked.schema.and_then(|schema| schema.imputation).unwrap_or(asked.config.missing)
}

fn encode(
    table: &RawTable,
    columns: &[(usize, TableColumn)],
    asked: &Asked,
    wanted: RowsToEncode,
) -> Result<Vec<Encoded>, DataError> {
    let RowsToEncode { rows, formats } = wanted;
    let width = columns.iter().fold(0usize, |width, (_, column)| width.saturating_add(column.features()));
    let demanded = (rows.len() as u64).saturating_mul(width as u64).saturating_mul(size_of::<f32>() as u64);
    let claim = || format!("its {} rows become {width} features each, {}", rows.len(), megabytes(demanded));
    ByteLimit::of_plain(asked.config).check(&table.path(), demanded, claim)?;
    let encoder = |(place, column)| Encoder {
        table,
        place,
        column,
        missing: Missing { added: &asked.config.missing_values },
        formats,
        refuses_missing: imputation(asked) == Imputation::Error || is_without_columns(asked),
        refuses_strays: asked.schema.is_none() || is_without_columns(asked),
    };
    let encoded: Vec<Result<Encoded, DataError>> =
        columns.par_iter().map(|(place, column)| encoder((*place, column)).encode(rows)).collect();
    encoded.into_iter().collect()
}

/// Components of the finished dataset.
struct Finished {
    rows: Vec<usize>,
    columns: Vec<(usize, TableColumn)>,
    encoded: Vec<Encoded>,
    targets: Targets,
    notes: Vec<String>,
}

fn finish(table: RawTable, asked: &Asked, finished: Finished) -> Result<Dataset, DataError> {
    let Finished { rows, columns, encoded, targets, mut notes } = finished;
    for ((_, column), encoded) in columns.iter().zip(&encoded) {
        // For texts grouped by training itself, the column report has the details.
        let unseen = if asked.schema.is_some() { unseen_note(column, encoded) } else { None };
        notes.extend(unseen);
        notes.extend(stray_note(column, encoded));
    }
    let missing: usize = encoded.iter().map(|encoded| encoded.missing).sum();
    if missing > 0 {
        let stand_in = if imputation(asked) == Imputation::Median { "median" } else { "mean" };
        let cells = if missing == 1 { "cell" } else { "cells" };
        notes.push(format!(
            "{missing} missing {cells}: numbers are replaced by the {stand_in} of the training split; a missing category \
             counts as none"
        ));
    }
    let columns: Vec<TableColumn> = columns.into_iter().map(|(_, column)| column).collect();
    let names: Vec<String> = columns.iter().flat_map(TableColumn::feature_names).collect();
    let shape = SampleShape::Features(names.len());
    let values = interleaved(&columns, encoded, rows.len());
    Dataset::unchecked(asked.name.clone(), shape, Inputs::Floats(values), targets)?
        .with_feature_names(names)?
        .with_provenance(table.provenance(&rows))
        .with_imputation(imputation(asked))
        .with_columns(columns)
        .with_notes(notes)
        .checked()
}

/// Interleaves the features of each column into `[rows, features]`.
fn interleaved(columns: &[TableColumn], encoded: Vec<Encoded>, rows: usize) -> Vec<f32> {
    let width: usize = columns.iter().map(TableColumn::features).sum();
    let mut values = vec![0.0; rows * width];
    let mut offset = 0;
    for (column, encoded) in columns.iter().zip(encoded) {
        let features = column.features();
        for (row, cells) in encoded.values.chunks_exact(features).enumerate() {
            values[row * width + offset..][..features].copy_from_slice(cells);
        }
        offset += features;
    }
    values
}

/// Returns the sizes of the parts after rows were left out.
fn parts_of(parts: PartSizes, rows: &[usize]) -> PartSizes {
    let until = |end: usize| rows.partition_point(|&row| row < end);
    let train = until(parts.train);
    let validation = until(parts.train + parts.validation) - train;
    PartSizes { train, validation, test: rows.len() - train - validation }
}
