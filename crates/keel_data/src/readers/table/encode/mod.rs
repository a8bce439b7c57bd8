//! Encoding of the cells of one column as features.

mod file_formats;
#[cfg(test)]
mod tests;

pub(super) use file_formats::{FileFormats, NumberColumn};

use super::missing::Missing;
use super::moment::Moment;
use super::number::{parse, without_unit};
use super::raw::{Cells, RawTable};
use super::time_column::{append_features, read};
use super::truth::truth_or_number;
use super::words::words;
use crate::dataset::{ColumnEncoding, DateOrder, NumberEncoding, NumberFormat, TableColumn};
use crate::error::DataError;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Rows that become samples, and the formats of their files.
#[derive(Clone, Copy)]
pub(super) struct RowsToEncode<'a> {
    pub(super) rows: &'a [usize],
    pub(super) formats: &'a FileFormats,
}

/// A column whose cells become features.
#[derive(Clone, Copy)]
pub(super) struct Encoder<'a> {
    pub(super) table: &'a RawTable,
    /// Position of the column in the table.
    pub(super) place: usize,
    /// Conversion into features.
    pub(super) column: &'a TableColumn,
    pub(super) missing: Missing<'a>,
    /// Formats of single files.
    pub(super) formats: &'a FileFormats,
    /// True if missing cells are an error.
    pub(super) refuses_missing: bool,
    /// True if a cell that cannot be parsed is an error; otherwise it counts as missing, unless no cell of a file can be
    /// parsed.
    pub(super) refuses_strays: bool,
}

/// The features of one column.
#[derive(Debug, Default)]
pub(super) struct Encoded {
    /// `[rows, features]`.
    pub(super) values: Vec<f32>,
    /// Number of missing cells.
    pub(super) missing: usize,
    /// Texts that are not categories of the column, with their number of cells.
    pub(super) unseen: BTreeMap<String, usize>,
    /// Cells that could not be parsed, with their counts.
    pub(super) strays: BTreeMap<String, usize>,
}

/// Place of a cell in its column.
#[derive(Clone, Copy)]
struct Place {
    /// Index of the file.
    file: usize,
    row: usize,
}

/// Content of a cell.
enum Held {
    Missing,
    /// Does not match the rest of the column.
    Stray(&'static str),
    /// A number beyond the range of features.
    Beyond,
    Features,
    /// A text that is not a category.
    Unseen,
}

impl Encoder<'_> {
    /// Encodes the cells of `rows`.
    ///
    /// # Errors
    /// Fails if a cell is missing or cannot be parsed and this is not allowed.
    pub(super) fn encode(&self, rows: &[usize]) -> Result<Encoded, DataError> {
        let width = self.column.features();
        let mut encoded = Encoded { values: Vec::with_capacity(rows.len() * width), ..Encoded::default() };
        let categories: HashMap<&str, usize> = match &self.column.encoding {
            ColumnEncoding::Category { categories: names, .. } | ColumnEncoding::Words { words: names } => {
                names.iter().enumerate().map(|(index, name)| (name.as_str(), index)).collect()
            }
            _ => HashMap::new(),
        };
        for (file, rows) in self.table.rows_by_file(rows).into_iter().enumerate() {
            let (mut has_readable, mut first_stray) = (false, None);
            for &row in rows {
                let text = self.table.columns[self.place].cells.text(row);
                let held = self.append(Place { file, row }, &text, &categories, &mut encoded.values);
                has_readable |= matches!(held, Held::Features | Held::Unseen | Held::Beyond);
                if let Held::Stray(expected) = held {
                    first_stray = first_stray.or(Some((row, expected)));
                }
                self.count(row, &text, &held, &mut encoded)?;
                if self.column.missing_flag {
                    let is_missing = matches!(held, Held::Missing | Held::Stray(_) | Held::Beyond);
                    encoded.values.push(f32::from(u8::from(is_missing)));
                }
            }
            if let (false, Some((row, expected))) = (has_readable, first_stray) {
                return Err(self.nothing_readable(row, expected));
            }
        }
        debug_assert_eq!(encoded.values.len(), rows.len() * width);
        Ok(encoded)
    }

    /// Counts the content of a cell, unless it is an error.
    fn count(&self, row: usize, text: &str, held: &Held, encoded: &mut Encoded) -> Result<(), DataError> {
        match held {
            Held::Features => {}
            Held::Unseen => *encoded.unseen.entry(text.to_string()).or_default() += 1,
            Held::Missing => {
                encoded.missing += 1;
                self.refuse_missing(row)?;
            }
            Held::Stray(_) | Held::Beyond => {
                self.refuse_stray(row, text, held)?;
                *encoded.strays.entry(text.to_string()).or_default() += 1;
            }
        }
        Ok(())
    }

    /// Appends the features of a cell, except the missing flag.
    fn append(&self, place: Place, text: &str, categories: &HashMap<&str, usize>, values: &mut Vec<f32>) -> Held {
        let cells = &self.table.columns[self.place].cells;
        let Place { file, row } = place;
        match &self.column.encoding {
            ColumnEncoding::Number(encoding) => {
                let format = self.formats.number(file, NumberColumn { place: self.place, encoding });
                let text = without_unit(text, &encoding.written_unit);
                let (feature, held) = self.number_feature(number(cells, row, text, format), text, encoding);
                values.push(feature);
                held
            }
            ColumnEncoding::Boolean => {
                let truth = truth_or_number(text);
                values.push(truth.map_or(f32::NAN, |truth| f32::from(u8::from(truth))));
                match truth {
                    Some(_) => Held::Features,
                    None if self.missing.holds(text) => Held::Missing,
                    None => Held::Stray("true or false"),
                }
            }
            ColumnEncoding::Category { categories: names, other } => {
                let known = categories.get(text).or_else(|| categories.get(spelled_as_whole(text)?.as_ref())).copied();
                let is_missing = known.is_none() && self.missing.holds(text);
                let start = values.len();
                values.extend(std::iter::repeat_n(0.0, names.len() + usize::from(*other)));
                match known {
                    Some(index) => values[start + index] = 1.0,
                    None if is_missing => return Held::Missing,
                    None if *other => values[start + names.len()] = 1.0,
                    None => {}
                }
                if known.is_some() { Held::Features } else { Held::Unseen }
            }
            ColumnEncoding::Time(encoding) => {
                let order = self.formats.order(file, self.place, encoding.order);
                let moment = self.moment(cells, row, text, order);
                append_features(moment, encoding, values);
                match moment {
                    Some(_) => Held::Features,
                    None if self.missing.holds(text) => Held::Missing,
                    None => Held::Stray("a date or time"),
                }
            }
            ColumnEncoding::Words { words: names } => {
                let start = values.len();
                values.extend(std::iter::repeat_n(0.0, names.len()));
                if self.missing.holds(text) {
                    return Held::Missing;
                }
                for word in words(text) {
                    if let Some(&index) = categories.get(word.as_str()) {
                        values[start + index] = 1.0;
                    }
                }
                Held::Features
            }
        }
    }

    /// Returns the feature of a numeric cell, NaN if it is missing; `number` is the value parsed from `text`.
    fn number_feature(&self, number: Option<f64>, text: &str, encoding: &NumberEncoding) -> (f32, Held) {
        let is_marker = || {
            self.missing.added.iter().any(|marker| marker.trim() == text)
                || encoding.missing_texts.iter().any(|marker| marker == text)
        };
        let feature = number.filter(|number| number.is_finite() && !is_marker()).map(|number| encoding.feature(number));
        let held = match (feature, number) {
            (Some(feature), _) if feature.is_infinite() => return (f32::NAN, Held::Beyond),
            (Some(feature), _) if !feature.is_nan() => Held::Features,
            (Some(_), _) => Held::Missing,
            (None, Some(number)) if !number.is_finite() => Held::Stray("a finite number"),
            (None, Some(_)) => Held::Missing,
            (None, None) if is_marker() || self.missing.holds(text) => Held::Missing,
            (None, None) => Held::Stray("a number"),
        };
        (feature.unwrap_or(f32::NAN), held)
    }

    fn moment(&self, cells: &Cells, row: usize, text: &str, order: DateOrder) -> Option<Moment> {
        match cells {
            Cells::Times(seconds) => Some(seconds[row]).filter(|seconds| !seconds.is_nan()).map(Moment::of_seconds),
            _ => read(text, order),
        }
    }

    fn refuse_missing(&self, row: usize) -> Result<(), DataError> {
        if !self.refuses_missing {
            return Ok(());
        }
        let next = "Fill it, or set data.missing to mean or median";
        Err(self.table.cell_error(row, self.place, "the cell is missing".to_string(), next))
    }

    fn refuse_stray(&self, row: usize, text: &str, held: &Held) -> Result<(), DataError> {
        if !self.refuses_strays {
            return Ok(());
        }
        let what = match held {
            Held::Stray(expected) => format!("\"{text}\" is not {expected}, as the rest of the column is"),
            _ => format!("\"{text}\" is beyond the range of 32-bit numbers"),
        };
        Err(self.table.cell_error(row, self.place, what, "Correct the cell, or leave it empty to mark it as missing"))
    }

    /// Returns the error for a file none of whose cells can be read; `row` is the first of them that is not missing.
    fn nothing_readable(&self, row: usize, expected: &str) -> DataError {
        let text = self.table.columns[self.place].cells.text(row);
        let what = format!("\"{text}\" is not {expected}, and no other cell of the column can be read either");
        let next = "Write the column as in the training table, or leave its cells empty to mark them as missing";
        self.table.cell_error(row, self.place, what, next)
    }
}

/// Returns the number in a cell, in the column's format or in program notation.
pub(super) fn number(cells: &Cells, row: usize, text: &str, format: NumberFormat) -> Option<f64> {
    match cells {
        Cells::Numbers(numbers) => Some(numbers[row]).filter(|number| !number.is_nan()),
        _ => parse(text, format).or_else(|| parse(text, NumberFormat::PLAIN).filter(|_| format.decimal_comma)),
    }
}

/// Returns "1" for "1.0": pandas writes integer codes with decimals if some were missing.
fn spelled_as_whole(text: &str) -> Option<Cow<'_, str>> {
    text.strip_suffix(".0").filter(|whole| whole.bytes().all(|byte| byte.is_ascii_digit())).map(Cow::Borrowed)
}

/// Describes cells with values unknown to the model's columns in one sentence.
pub(super) fn unseen_note(column: &TableColumn, encoded: &Encoded) -> Option<String> {
    let cells: usize = encoded.unseen.values().sum();
    let as_what = match &column.encoding {
        ColumnEncoding::Category { categories, .. } if categories.is_empty() => return None,
        ColumnEncoding::Category { other: true, .. } => "\"other\"",
        _ => "no category",
    };
    (cells > 0).then(|| {
        let have = if cells == 1 { "1 cell has a text that is" } else { "cells have texts that are" };
        let count = if cells == 1 { String::new() } else { format!("{cells} ") };
        format!(
            "column \"{}\": {count}{have} not a category of the model ({}), read as {as_what}",
            column.name,
            some(encoded.unseen.keys())
        )
    })
}

/// Describes cells that could not be parsed in one sentence.
pub(super) fn stray_note(column: &TableColumn, encoded: &Encoded) -> Option<String> {
    let cells: usize = encoded.strays.values().sum();
    (cells > 0).then(|| {
        format!(
            "column \"{}\": {cells} {} be read ({}), treated as missing",
            column.name,
            if cells == 1 { "cell cannot" } else { "cells cannot" },
            some(encoded.strays.keys())
        )
    })
}

/// Quotes the first three.
fn some<'a>(texts: impl ExactSizeIterator<Item = &'a String>) -> String {
    let more = texts.len() > 3;
    let unique: BTreeSet<String> = texts.take(3).map(|text| format!("\"{text}\"")).collect();
    let shown = unique.into_iter().collect::<Vec<_>>().join(", ");
    if more { format!("{shown}, ...") } else { shown }
}
