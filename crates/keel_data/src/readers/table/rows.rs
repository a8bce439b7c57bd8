//! Datasets from rows or columns in a program's memory.

use super::source::{ColumnCells, TableSource};
use crate::config::DataConfig;
use crate::dataset::{ColumnEncoding, Dataset, TableColumn};
use crate::error::DataError;

/// A cell of a row in memory.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Missing cell.
    Missing,
    /// A number; NaN also counts as missing.
    Number(f64),
    /// Text: a category, a date, or a number as text, as in a file.
    Text(String),
}

impl Dataset {
    /// Creates a dataset from rows of a table, interpreted like a table in a file: kinds of columns, target and
    /// features are found by the same rules, and the table keys of `config` apply, such as `target` and `task`.
    ///
    /// `header` names the columns; without it they are called `column_1`, `column_2`, …. Every row has the same number
    /// of cells.
    ///
    /// ```
    /// use keel_data::{DataConfig, Dataset};
    ///
    /// let rows = (0..20).map(|row| [Some(f64::from(row)), (row != 3).then_some(0.5), Some(f64::from(2 * row))]);
    /// let data = Dataset::from_rows("pumps", ["speed", "flow", "power"], rows, &DataConfig::for_target("power"))?;
    /// assert_eq!((data.samples(), data.outputs()), (20, 1));
    /// # Ok::<(), keel_data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// Fails if there are no rows, a row has another number of cells, or for any reason a file would be rejected.
    pub fn from_rows<Row>(
        name: impl Into<String>,
        header: impl IntoIterator<Item = impl Into<String>>,
        rows: impl IntoIterator<Item = Row>,
        config: &DataConfig,
    ) -> Result<Self, DataError>
    where
        Row: IntoIterator<Item: Into<Cell>>,
    {
        let mut names: Vec<String> = header.into_iter().map(Into::into).collect();
        let mut columns: Vec<Vec<Cell>> = names.iter().map(|_| Vec::new()).collect();
        for (index, row) in rows.into_iter().enumerate() {
            let row: Vec<Cell> = row.into_iter().map(Into::into).collect();
            if index == 0 && names.is_empty() {
                names = (1..=row.len()).map(|number| format!("column_{number}")).collect();
                columns = names.iter().map(|_| Vec::new()).collect();
            }
            if row.len() != columns.len() {
                return Err(DataError::shape(&format!("cells of row {}", index + 1), columns.len(), row.len()));
            }
            columns.iter_mut().zip(row).for_each(|(column, cell)| column.push(cell));
        }
        Self::from_columns(name, names.into_iter().zip(columns.into_iter().map(ColumnCells::from)), config)
    }

    /// Creates a dataset from named columns, interpreted like a table in a file; see [`Dataset::from_rows`].
    ///
    /// ```
    /// use keel_data::{DataConfig, Dataset};
    ///
    /// let columns = [
    ///     ("size", vec![Some(1.5), None, Some(2.5), Some(2.0)].into()),
    ///     ("kind", vec!["nut", "bolt", "nut", "bolt"].into()),
    /// ];
    /// let data = Dataset::from_columns("parts", columns, &DataConfig::for_target("kind"))?;
    /// assert_eq!(data.class_names(), ["bolt", "nut"]);
    /// # Ok::<(), keel_data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// Fails if there are no rows, columns have different lengths, or for any reason a file would be rejected.
    pub fn from_columns(
        name: impl Into<String>,
        columns: impl IntoIterator<Item = (impl Into<String>, ColumnCells)>,
        config: &DataConfig,
    ) -> Result<Self, DataError> {
        let table = TableSource::new(name);
        columns.into_iter().fold(table, |table, (name, cells)| table.column(name, cells)).read(config)
    }
}

/// Converts to numbers if no cell is text, else to text.
impl<Value: Into<Cell>> From<Vec<Value>> for ColumnCells {
    fn from(values: Vec<Value>) -> Self {
        let cells: Vec<Cell> = values.into_iter().map(Into::into).collect();
        if cells.iter().any(|cell| matches!(cell, Cell::Text(_))) {
            let text = |cell| match cell {
                Cell::Missing => None,
                Cell::Number(number) => (!number.is_nan()).then(|| number.to_string()),
                Cell::Text(text) => Some(text),
            };
            return ColumnCells::Text(cells.into_iter().map(text).collect());
        }
        let number = |cell| if let Cell::Number(number) = cell { Some(number) } else { None };
        ColumnCells::Numbers(cells.into_iter().map(number).collect())
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl From<$number> for Cell {
            fn from(number: $number) -> Self {
                Cell::Number(number as f64)
            }
        }
    )*};
}

numbers!(f64, f32, i64, i32, i16, u64, u32, u16, u8, usize);

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Cell::Text(text.to_string())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Cell::Text(text)
    }
}

impl From<bool> for Cell {
    fn from(value: bool) -> Self {
        Cell::Text(value.to_string())
    }
}

impl<Value: Into<Cell>> From<Option<Value>> for Cell {
    fn from(value: Option<Value>) -> Self {
        value.map_or(Cell::Missing, Into::into)
    }
}

impl TableColumn {
    /// Returns the cell that the features of this column represent; `None` if they do not determine one, as those of dates
    /// and of words.
    pub fn cell(&self, features: &[f32]) -> Option<Cell> {
        let is_flagged = self.missing_flag && features.last() == Some(&1.0);
        let first = features.first().copied().unwrap_or(f32::NAN);
        match &self.encoding {
            ColumnEncoding::Time(_) | ColumnEncoding::Words { .. } => None,
            _ if is_flagged => Some(Cell::Missing),
            ColumnEncoding::Number(_) | ColumnEncoding::Boolean if first.is_nan() => Some(Cell::Missing),
            ColumnEncoding::Number(encoding) => Some(Cell::Number(encoding.number(first))),
            ColumnEncoding::Boolean => Some(Cell::Text(if first == 0.0 { "no" } else { "yes" }.to_string())),
            ColumnEncoding::Category { categories, .. } => {
                let known = categories.iter().zip(features).find(|(_, share)| **share == 1.0);
                known.map(|(category, _)| Cell::Text(category.clone()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{NumberEncoding, Targets};

    fn row(size: Option<f64>, color: &str, kind: &str) -> [Cell; 3] {
        [size.into(), color.into(), kind.into()]
    }

    #[test]
    fn rows_of_mixed_cells_are_a_table() {
        let rows = [
            row(Some(1.5), "red", "a"),
            row(None, "blue", "b"),
            row(Some(2.5), "red", "a"),
            row(Some(3.5), "blue", "b"),
        ];
        let config = DataConfig::for_target("kind");
        let data = Dataset::from_rows("flowers", ["size", "color", "kind"], rows.clone(), &config).unwrap();
        assert_eq!((data.samples(), data.class_names()), (4, &["a".to_string(), "b".to_string()][..]));
        assert!(matches!(data.targets(), Targets::Classes { labels, .. } if labels == &[0, 1, 0, 1]));
        assert!(data.feature_names().contains(&"color=red".to_string()), "{:?}", data.feature_names());
        assert_eq!(data.name(), "flowers");
        assert!(data.origin().is_none());

        let unnamed = Dataset::from_rows("flowers", [""; 0], rows, &DataConfig::for_target("column_3")).unwrap();
        assert_eq!(unnamed.targets(), data.targets());
    }

    #[test]
    fn short_rows_are_named() {
        let rows = [vec![1.0, 2.0], vec![1.0]];
        let message = Dataset::from_rows("t", ["a", "target"], rows, &DataConfig::default()).unwrap_err().to_string();
        assert_eq!(message, "cells of row 2: expected 2, found 1");
        let none: [[f64; 2]; 0] = [];
        let message = Dataset::from_rows("t", ["a", "target"], none, &DataConfig::default()).unwrap_err().to_string();
        assert!(message.contains("the table has no rows"), "{message}");
    }

    #[test]
    fn features_give_their_cells_back() {
        let column = |encoding, missing_flag| TableColumn { name: "x".to_string(), encoding, missing_flag };
        let categories = vec!["blue".to_string(), "red".to_string()];
        let colour = column(ColumnEncoding::Category { categories, other: true }, true);
        let year = NumberEncoding { origin: 2000.0, unit: 10.0, ..NumberEncoding::PLAIN };
        let number = column(ColumnEncoding::Number(year), false);
        let truth = column(ColumnEncoding::Boolean, false);
        let text = |text: &str| Some(Cell::Text(text.to_string()));
        assert_eq!(number.cell(&[2.5]), Some(Cell::Number(2025.0)));
        assert_eq!(number.cell(&[f32::NAN]), Some(Cell::Missing));
        assert_eq!((truth.cell(&[0.0]), truth.cell(&[1.0])), (text("no"), text("yes")));
        assert_eq!(colour.cell(&[0.0, 1.0, 0.0, 0.0]), text("red"));
        assert_eq!(colour.cell(&[0.0, 0.0, 1.0, 0.0]), None, "another text, which is not kept");
        assert_eq!(colour.cell(&[0.0, 0.0, 0.0, 1.0]), Some(Cell::Missing));
    }
}
