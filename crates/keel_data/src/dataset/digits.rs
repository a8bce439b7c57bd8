//! The embedded handwritten digits: UCI optdigits by E. Alpaydin and C. Kaynak (1998), CC BY 4.0.

use super::{Dataset, Inputs, SampleShape, Targets};
use crate::config::DIGITS;
use crate::error::DataError;
use flate2::read::GzDecoder;
use std::io::Read;
use std::path::Path;

const COMPRESSED: &[u8] = include_bytes!("../../assets/digits.csv.gz");
const ATTRIBUTION: &str = "UCI optdigits (E. Alpaydin, C. Kaynak, 1998), CC BY 4.0";
const SIDE: usize = 8;

/// Loads 1,797 images `[8, 8, 1]`, values 0 to 16, ten classes.
pub(super) fn digits() -> Result<Dataset, DataError> {
    let path = Path::new("embedded digits.csv.gz");
    let mut text = String::new();
    GzDecoder::new(COMPRESSED).read_to_string(&mut text).map_err(|error| DataError::io(path, error))?;
    let mut pixels = Vec::with_capacity(1_797 * SIDE * SIDE);
    let mut labels = Vec::with_capacity(1_797);
    for line in text.lines().skip(1) {
        let mut cells = line.split(',').map(|cell| cell.parse::<u8>());
        let row: Result<Vec<u8>, _> = cells.by_ref().collect();
        match row {
            Ok(row) if row.len() == SIDE * SIDE + 1 => {
                pixels.extend_from_slice(&row[..SIDE * SIDE]);
                labels.push(u32::from(row[SIDE * SIDE]));
            }
            _ => {
                return Err(DataError::format(
                    path,
                    "a row does not have 65 bytes",
                    "Re-install Evenkeel: the file is damaged",
                ));
            }
        }
    }
    let class_names = (0..10).map(|digit| digit.to_string()).collect();
    let shape = SampleShape::Image { height: SIDE, width: SIDE, channels: 1 };
    let dataset = Dataset::from_memory(DIGITS, shape, Inputs::Bytes(pixels), Targets::Classes { labels, class_names })?;
    Ok(dataset.with_value_range(0.0, 16.0).with_notes(vec![ATTRIBUTION.to_string()]))
}
