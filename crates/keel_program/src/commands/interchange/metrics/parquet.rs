//! Metrics as a Parquet file, in builds with the feature `parquet`.

use super::Row;

/// Returns the bytes of a file with `rows`.
///
/// # Errors
/// If the format cannot represent a value; the message describes it.
#[cfg(feature = "parquet")]
pub(super) fn bytes(rows: &[Row]) -> Result<Vec<u8>, String> {
    write(rows).map_err(|error| error.to_string())
}

/// Rejects the request: this build cannot write the format.
///
/// # Errors
/// Always.
#[cfg(not(feature = "parquet"))]
pub(super) fn bytes(_rows: &[Row]) -> Result<Vec<u8>, String> {
    Err("this build does not write Parquet; build it with `--features parquet`, or give a name that ends in .csv"
        .to_owned())
}

#[cfg(feature = "parquet")]
fn write(rows: &[Row]) -> Result<Vec<u8>, parquet::errors::ParquetError> {
    use std::sync::Arc;

    use parquet::basic::Compression;
    use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
    use parquet::file::properties::WriterProperties;
    use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
    use parquet::schema::parser::parse_message_type;

    /// One row per number, as in the CSV file.
    const SCHEMA: &str = "message metrics {
        optional int64 step;
        optional int64 epoch;
        required binary part (utf8);
        required binary layer (utf8);
        required binary name (utf8);
        required double value;
    }";

    type Numbers = fn(&Row) -> Option<u64>;
    type Texts = fn(&Row) -> &str;

    fn column<T: parquet::data_type::DataType>(
        group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
        values: &[T::T],
        defined: Option<&[i16]>,
    ) -> Result<(), parquet::errors::ParquetError> {
        let Some(mut column) = group.next_column()? else { return Ok(()) };
        column.typed::<T>().write_batch(values, defined, None)?;
        column.close()
    }

    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    let numbers: [Numbers; 2] = [|row| row.step, |row| row.epoch];
    for number in numbers {
        let values: Vec<i64> = rows.iter().filter_map(number).map(u64::cast_signed).collect();
        let defined: Vec<i16> = rows.iter().map(|row| i16::from(number(row).is_some())).collect();
        column::<Int64Type>(&mut group, &values, Some(&defined))?;
    }
    let texts: [Texts; 3] = [|row| row.part, |row| &row.layer, |row| &row.name];
    for text in texts {
        let values: Vec<ByteArray> = rows.iter().map(|row| ByteArray::from(text(row))).collect();
        column::<ByteArrayType>(&mut group, &values, None)?;
    }
    let values: Vec<f64> = rows.iter().map(|row| row.value).collect();
    column::<DoubleType>(&mut group, &values, None)?;
    group.close()?;
    writer.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(not(feature = "parquet"))]
    #[test]
    fn a_build_without_the_format_says_so() {
        assert!(bytes(&[]).unwrap_err().contains("--features parquet"));
    }

    #[cfg(feature = "parquet")]
    #[test]
    fn rows_are_read_back() {
        use parquet::file::reader::{FileReader, SerializedFileReader};
        let row = |step, epoch, part, layer: &str, value| Row {
            step,
            epoch,
            part,
            layer: layer.to_owned(),
            name: "loss".to_owned(),
            value,
        };
        let rows = [
            row(Some(3), Some(1), "step", "", 0.25),
            row(None, Some(2), "val", "", -1.5),
            row(Some(9), None, "layer", "é", 2.0),
        ];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.parquet");
        std::fs::write(&path, bytes(&rows).unwrap()).unwrap();
        let reader = SerializedFileReader::new(std::fs::File::open(&path).unwrap()).unwrap();
        let read: Vec<String> = reader.get_row_iter(None).unwrap().map(|row| row.unwrap().to_string()).collect();
        assert_eq!(read.len(), 3);
        for (row, words) in read.iter().zip([["step: 3", "0.25"], ["step: null", "val"], ["epoch: null", "é"]]) {
            assert!(words.iter().all(|word| row.contains(word)), "{row} {words:?}");
        }
    }
}
