//! A table in memory, by columns, interpreted like a table in a file.

use super::build::{Asked, dataset};
use super::raw::{Cells, RawColumn, RawTable, SourceFile, TextCells, tell_apart};
use crate::config::DataConfig;
use crate::dataset::{Dataset, Schema};
use crate::error::DataError;
use std::path::PathBuf;

/// Cells of one column in memory; `None` for a missing cell.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnCells {
    /// Numbers. NaN also counts as missing.
    Numbers(Vec<Option<f64>>),
    /// Texts: categories, dates, or numbers as text, as in a file.
    Text(Vec<Option<String>>),
}

impl ColumnCells {
    fn len(&self) -> usize {
        match self {
            Self::Numbers(cells) => cells.len(),
            Self::Text(cells) => cells.len(),
        }
    }
}

/// A table in memory.
///
/// Column kinds, missing markers, target and features are found as for a table in a file; `data.target`, `data.task`,
/// `data.ignore_columns` and the other table keys apply.
#[derive(Debug, Clone, Default)]
pub struct TableSource {
    name: String,
    columns: Vec<(String, ColumnCells)>,
}

impl TableSource {
    /// Creates an empty table; `name` identifies it in messages.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), columns: Vec::new() }
    }

    /// Adds a column.
    pub fn column(mut self, name: impl Into<String>, cells: ColumnCells) -> Self {
        self.columns.push((name.into(), cells));
        self
    }

    /// Builds the dataset to train on, according to `config`; its `source` and `format` are not used.
    ///
    /// # Errors
    /// Fails if columns have different lengths, there are no rows, or for any reason a file would be rejected.
    pub fn read(self, config: &DataConfig) -> Result<Dataset, DataError> {
        let name = self.name.clone();
        dataset(self.raw()?, &Asked { config, schema: None, wants_targets: true, name })
    }

    /// Builds the dataset for a trained model, with its columns, categories and scales. Rows without a target are kept,
    /// and all rows are unlabelled, unless `wants_targets`.
    ///
    /// # Errors
    /// Fails under the same conditions as [`Self::read`], or if a column of the model is missing.
    pub fn read_for_model(
        self,
        config: &DataConfig,
        schema: &Schema,
        wants_targets: bool,
    ) -> Result<Dataset, DataError> {
        let name = self.name.clone();
        dataset(self.raw()?, &Asked { config, schema: Some(schema), wants_targets, name })
    }

    /// Returns the name of the table in messages.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn raw(self) -> Result<RawTable, DataError> {
        let path = PathBuf::from(&self.name);
        let rows = self.columns.first().map_or(0, |(_, cells)| cells.len());
        if let Some((name, cells)) = self.columns.iter().find(|(_, cells)| cells.len() != rows) {
            return Err(DataError::shape(&format!("cells of column \"{name}\""), rows, cells.len()));
        }
        let mut names: Vec<String> = self.columns.iter().map(|(name, _)| name.trim().to_string()).collect();
        let mut notes = Vec::new();
        let unnamed = tell_apart(&mut names, &mut notes);
        let columns = names.into_iter().zip(unnamed).zip(self.columns);
        let columns = columns
            .map(|((name, is_unnamed), (_, cells))| RawColumn { name, is_unnamed, cells: raw_cells(cells) })
            .collect();
        let lines = (1..=rows as u64).collect();
        let files = vec![SourceFile { path, lines, has_rows: true, text: None }];
        Ok(RawTable { columns, files, parts: None, notes })
    }
}

fn raw_cells(cells: ColumnCells) -> Cells {
    match cells {
        ColumnCells::Numbers(numbers) => {
            Cells::Numbers(numbers.into_iter().map(|number| number.unwrap_or(f64::NAN)).collect())
        }
        ColumnCells::Text(texts) => {
            let mut cells = TextCells::default();
            texts.iter().for_each(|text| cells.push(text.as_deref().unwrap_or("")));
            Cells::Text(cells)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Inputs, Targets};

    fn flowers() -> TableSource {
        TableSource::new("flowers")
            .column("size", ColumnCells::Numbers(vec![Some(1.5), None, None, Some(2.5)]))
            .column(
                "color",
                ColumnCells::Text(["red", "blue", "red", "green"].map(|color| Some(color.into())).to_vec()),
            )
            .column(
                "kind",
                ColumnCells::Text([Some("a"), Some("b"), None, Some("a")].map(|kind| kind.map(String::from)).to_vec()),
            )
    }

    #[test]
    fn a_table_in_memory_is_read_as_a_file_is() {
        let data = flowers().read(&DataConfig::default()).unwrap();
        assert_eq!(data.feature_names(), ["size", "color=blue", "color=green", "color=red"]);
        let Inputs::Floats(values) = data.inputs() else { panic!("tables are floats") };
        assert_eq!(values[..4], [1.5, 0.0, 0.0, 1.0]);
        assert!(values[4].is_nan());
        assert!(matches!(data.targets(), Targets::Classes { labels, .. } if labels == &[0, 1, 0]));
        assert_eq!(data.provenance().describe(2), "flowers, row 4");
        let schema = data.schema();
        let again = flowers().read_for_model(&DataConfig::default(), &schema, false).unwrap();
        assert_eq!((again.samples(), again.targets()), (4, &Targets::Unlabelled));
        let labelled = flowers().read_for_model(&DataConfig::default(), &schema, true).unwrap();
        assert_eq!((labelled.samples(), labelled.targets()), (3, data.targets()));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let short = flowers().column("more", ColumnCells::Numbers(vec![None]));
        let message = short.read(&DataConfig::default()).unwrap_err().to_string();
        assert!(message.contains("cells of column \"more\": expected 4, found 1"), "{message}");
        assert!(TableSource::new("none").read(&DataConfig::default()).is_err());
        let cells = ColumnCells::Numbers(vec![Some(1.0), Some(f64::INFINITY), Some(3.0)]);
        let infinite = TableSource::new("t").column("a", cells).column("y", ColumnCells::Numbers(vec![Some(0.5); 3]));
        let message = infinite.read(&DataConfig::default()).unwrap_err().to_string();
        assert!(message.starts_with("t, row 2, column \"a\": \"inf\" is not a finite number"), "{message}");
    }
}
