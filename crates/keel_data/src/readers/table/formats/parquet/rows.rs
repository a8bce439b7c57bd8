//! Conversion of the rows of a Parquet file to columns.

use super::super::raw::{Cells, RawColumn, RawTable, SourceFile, TextCells, tell_apart};
use super::super::sheet::check_columns;
use crate::config::DataConfig;
use crate::error::DataError;
use crate::readers::data_file::{self, ByteLimit, megabytes};
use parquet::basic::{LogicalType, TimeUnit};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use parquet::schema::types::Type;
use std::path::Path;

/// Reads a whole file.
///
/// # Errors
/// Fails if the file is damaged or larger than the config allows, uses a compression that is not built in, or has
/// columns of lists or groups.
pub(super) fn read(path: &Path, config: &DataConfig) -> Result<RawTable, DataError> {
    // A crafted file may cause the library to panic; no state it was using is used afterwards.
    std::panic::catch_unwind(|| read_rows(path, config)).unwrap_or_else(|_| {
        let what = "the Parquet file cannot be read: its reader failed";
        Err(DataError::format(path, what, "Write the file again, or as CSV"))
    })
}

/// Rejects a file whose metadata claims more columns, bytes or cells than the config allows.
fn check_claims(path: &Path, length: u64, metadata: &ParquetMetaData, config: &DataConfig) -> Result<(), DataError> {
    let groups = metadata.row_groups();
    let columns = metadata.file_metadata().schema_descr().root_schema().get_fields().len();
    check_columns(path, config, ("row", 1), columns)?;
    let sum = |sizes: &mut dyn Iterator<Item = i64>| {
        sizes.fold(0u64, |sum, size| sum.saturating_add(u64::try_from(size).unwrap_or(u64::MAX)))
    };
    let unpacked = sum(&mut groups.iter().map(|group| group.total_byte_size()));
    let limit = ByteLimit::of_packed(config, length);
    limit.check(path, unpacked, || format!("it claims {} once unpacked", megabytes(unpacked)))?;
    // Repeated values take no space in the file, but eight bytes each in memory.
    let rows = sum(&mut groups.iter().map(|group| group.num_rows()));
    let cells = rows.saturating_mul(columns as u64).saturating_mul(size_of::<f64>() as u64);
    let claim = || format!("its {rows} rows of {columns} columns take {}", megabytes(cells));
    ByteLimit::of_plain(config).check(path, cells, claim)
}

fn read_rows(path: &Path, config: &DataConfig) -> Result<RawTable, DataError> {
    let damaged = |error: parquet::errors::ParquetError| {
        let next = "Write the file again, with snappy or gzip compression, or as CSV";
        DataError::format(path, format!("the Parquet file cannot be read: {error}"), next)
    };
    let (file, length) = data_file::open(path)?;
    let reader = SerializedFileReader::new(file).map_err(damaged)?;
    check_claims(path, length, reader.metadata(), config)?;
    let schema = reader.metadata().file_metadata().schema_descr().root_schema().clone();
    let fields = schema.get_fields();
    let mut names: Vec<String> = fields.iter().map(|field| field.name().to_string()).collect();
    let scales: Vec<f64> = fields.iter().map(|field| nanoseconds(field)).collect();
    let mut columns: Vec<Column> = fields.iter().map(|_| Column::default()).collect();
    let (mut text_bytes, limit) = (0u64, ByteLimit::of_plain(config));
    for row in reader.get_row_iter(None).map_err(damaged)? {
        for (index, (name, field)) in row.map_err(damaged)?.into_columns().into_iter().enumerate() {
            text_bytes += length_of(&field);
            // Many cells may share a text stored once in the file.
            limit.check(path, text_bytes, || "its texts take more memory than allowed".to_string())?;
            let (Some(column), Some(scale)) = (columns.get_mut(index), scales.get(index)) else { continue };
            if !column.push(field, *scale) {
                let what = format!("column \"{name}\" holds lists or groups");
                return Err(DataError::format(path, what, "Write its values into separate columns"));
            }
        }
    }
    let rows = columns.first().map_or(0, |column| column.rows);
    let mut notes = Vec::new();
    let unnamed = tell_apart(&mut names, &mut notes);
    let columns = names.into_iter().zip(unnamed).zip(columns);
    let columns =
        columns.map(|((name, is_unnamed), column)| RawColumn { name, is_unnamed, cells: column.cells }).collect();
    let files =
        vec![SourceFile { path: path.to_path_buf(), lines: (1..=rows as u64).collect(), has_rows: true, text: None }];
    Ok(RawTable { columns, files, parts: None, notes })
}

/// Returns the length of a text in bytes; 0 for other values.
fn length_of(field: &Field) -> u64 {
    match field {
        Field::Str(text) => text.len() as u64,
        Field::Bytes(bytes) => bytes.len() as u64,
        _ => 0,
    }
}

/// Returns the unit in seconds of a column of nanosecond time stamps, which are read as plain numbers; 0 for other columns.
fn nanoseconds(field: &Type) -> f64 {
    match field.get_basic_info().logical_type_ref() {
        Some(LogicalType::Timestamp(stamp)) if stamp.unit == TimeUnit::NANOS => 1e-9,
        _ => 0.0,
    }
}

/// Magnitude from which f64 does not keep every whole number.
const EXACT: u64 = 1 << 53;

/// A column being read.
struct Column {
    cells: Cells,
    rows: usize,
}

impl Default for Column {
    fn default() -> Self {
        Self { cells: Cells::Numbers(Vec::new()), rows: 0 }
    }
}

impl Column {
    /// Adds a value; returns false if it is a list or a group. `step` is the unit of nanosecond time stamps.
    fn push(&mut self, field: Field, step: f64) -> bool {
        match field {
            Field::Null => self.nothing(),
            Field::Bool(value) => self.text(if value { "true" } else { "false" }),
            Field::Byte(value) => self.number(f64::from(value)),
            Field::Short(value) => self.number(f64::from(value)),
            Field::Int(value) => self.number(f64::from(value)),
            Field::Long(value) if step > 0.0 => self.time(value as f64 * step),
            // Text keeps all digits of whole numbers that f64 does not.
            Field::Long(value) if value.unsigned_abs() >= EXACT => self.text(&value.to_string()),
            Field::Long(value) => self.number(value as f64),
            Field::UByte(value) => self.number(f64::from(value)),
            Field::UShort(value) => self.number(f64::from(value)),
            Field::UInt(value) => self.number(f64::from(value)),
            Field::ULong(value) if value >= EXACT => self.text(&value.to_string()),
            Field::ULong(value) => self.number(value as f64),
            Field::Float16(value) => self.number(f64::from(value)),
            Field::Float(value) => self.number(f64::from(value)),
            Field::Double(value) => self.number(value),
            Field::Str(text) => self.text(&text),
            Field::Bytes(bytes) => self.text(&String::from_utf8_lossy(bytes.data())),
            Field::Date(days) => self.time(f64::from(days) * 86_400.0),
            Field::TimestampMillis(value) => self.time(value as f64 / 1e3),
            Field::TimestampMicros(value) => self.time(value as f64 / 1e6),
            Field::TimeMillis(value) => self.number(f64::from(value) / 1e3),
            Field::TimeMicros(value) => self.number(value as f64 / 1e6),
            decimal @ Field::Decimal(_) => self.text(&decimal.to_string()),
            Field::Group(_) | Field::ListInternal(_) | Field::MapInternal(_) => return false,
        }
        self.rows += 1;
        true
    }

    fn nothing(&mut self) {
        match &mut self.cells {
            Cells::Text(cells) => cells.push(""),
            Cells::Numbers(cells) | Cells::Times(cells) => cells.push(f64::NAN),
        }
    }

    /// Converts the column to text; the cells before are empty, or whole numbers that f64 keeps.
    fn text(&mut self, value: &str) {
        if !matches!(self.cells, Cells::Text(_)) {
            let mut text = TextCells::default();
            (0..self.rows).for_each(|row| text.push(&self.cells.text(row)));
            self.cells = Cells::Text(text);
        }
        if let Cells::Text(cells) = &mut self.cells {
            cells.push(value);
        }
    }

    fn number(&mut self, value: f64) {
        match &mut self.cells {
            Cells::Text(cells) => cells.push(&value.to_string()),
            Cells::Numbers(cells) | Cells::Times(cells) => cells.push(value),
        }
    }

    fn time(&mut self, seconds: f64) {
        if matches!(self.cells, Cells::Numbers(_)) {
            self.cells = Cells::Times(vec![f64::NAN; self.rows]);
        }
        if let Cells::Times(cells) = &mut self.cells {
            cells.push(seconds);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DataConfig;
    use crate::dataset::{Inputs, Targets};
    use crate::load::load;

    /// Written by `tools/fixtures/tables.py` with pyarrow: a number with a missing cell, a time stamp, a boolean, a
    /// text and a target.
    const TABLE: &[u8] = include_bytes!("../../../../../tests/fixtures/table.parquet");

    #[test]
    fn plain_columns_are_read() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("t.parquet"), TABLE).unwrap();
        let data = load(&DataConfig::of_source("t.parquet"), folder.path()).unwrap();
        let kinds: Vec<String> =
            data.column_reports().iter().map(|report| format!("{} {}", report.name, report.kind)).collect();
        assert_eq!(kinds, ["size number", "sold time", "new boolean", "color category", "price target"]);
        let Inputs::Floats(values) = data.inputs() else { panic!("tables are floats") };
        assert_eq!(values[0], 1.5);
        assert!(matches!(data.targets(), Targets::Values { values, .. } if values == &[10.5, 20.25, 30.0, 41.0]));
        assert!(data.provenance().describe(0).ends_with("t.parquet, row 1"));
    }

    #[test]
    fn whole_numbers_keep_all_digits() {
        let mut column = Column::default();
        for field in [Field::Long(7), Field::Null, Field::Long(9_007_199_254_740_993), Field::Long(-8)] {
            assert!(column.push(field, 0.0));
        }
        column.push(Field::ULong(u64::MAX), 0.0);
        let cells: Vec<String> = (0..5).map(|row| column.cells.text(row).into_owned()).collect();
        assert_eq!(cells, ["7", "", "9007199254740993", "-8", "18446744073709551615"]);
    }

    #[test]
    fn claims_beyond_the_limits_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("t.parquet"), TABLE).unwrap();
        let refused = |config: DataConfig| load(&config, folder.path()).unwrap_err().to_string();
        let memory = DataConfig { largest_bytes: Some(20), ..DataConfig::of_source("t.parquet") };
        assert!(refused(memory).contains("once unpacked; 0 MB of memory are free"));
        let columns = DataConfig { largest_columns: 3, ..DataConfig::of_source("t.parquet") };
        assert!(refused(columns).contains("has 5 cells; at most 3 columns are read"));
    }

    #[test]
    fn damaged_files_are_named() {
        let folder = tempfile::tempdir().unwrap();
        for bytes in [&TABLE[..0], &TABLE[..100], &TABLE[50..], b"PAR1PAR1"] {
            std::fs::write(folder.path().join("t.parquet"), bytes).unwrap();
            let message = load(&DataConfig::of_source("t.parquet"), folder.path()).unwrap_err().to_string();
            assert!(message.contains("t.parquet: the Parquet file cannot be read"), "{message}");
        }
    }
}
