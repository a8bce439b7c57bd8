//! Columns of a table that are shown with each of its worst predictions.

use std::collections::HashMap;
use std::ops::Range;

use keel_data::{Cell, ColumnEncoding, Dataset, TableColumn};
use keel_page::Language;
use keel_page::charts::number;
use keel_train::Importance;

/// Maximum number of columns shown.
const MOST: usize = 8;

/// Columns that are shown, or features of data without columns; none for images.
#[derive(Debug, Default)]
pub(crate) struct ShownColumns {
    columns: Vec<ShownColumn>,
    /// True if they are ordered by importance, false if they keep the order of the table.
    by_importance: bool,
    /// True if the table has others.
    has_more: bool,
}

#[derive(Debug)]
struct ShownColumn {
    /// Place among the columns of the table.
    place: usize,
    title: String,
    features: Range<usize>,
}

impl ShownColumns {
    /// Selects the most important columns, or the first ones if no importance was measured. Columns of dates and of texts
    /// are left out: their features do not determine a cell.
    pub(crate) fn of(dataset: &Dataset, importance: Option<&Importance>) -> Self {
        let known = importance.iter().flat_map(|importance| &importance.columns);
        let ranks: HashMap<&str, usize> = known.zip(0..).map(|(column, rank)| (column.name.as_str(), rank)).collect();
        let groups = dataset.schema().groups().into_iter().enumerate();
        let mut ranked: Vec<(usize, ShownColumn)> = groups
            .filter(|(place, _)| dataset.columns().get(*place).is_none_or(has_cells))
            .map(|(place, (name, features))| {
                let rank = ranks.get(name.as_str()).copied().unwrap_or(ranks.len());
                let title = if dataset.columns().is_empty() { dataset.feature_label(place) } else { name };
                (rank, ShownColumn { place, title, features })
            })
            .collect();
        let by_importance = ranked.iter().any(|(rank, _)| *rank < ranks.len());
        let has_more = ranked.len() > MOST;
        // The sort is stable: columns without a rank keep the order of the table.
        ranked.sort_by_key(|(rank, _)| *rank);
        let columns = ranked.into_iter().map(|(_, column)| column).take(MOST).collect();
        ShownColumns { columns, by_importance, has_more }
    }

    /// Returns the titles of the columns.
    pub(crate) fn titles(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.title.as_str())
    }

    /// Returns the cells of a sample with these feature `values`, with numbers and categories as they are in the table;
    /// empty where a cell is missing.
    pub(crate) fn cells(&self, dataset: &Dataset, values: &[f32]) -> Vec<String> {
        let cell = |ShownColumn { place, features, .. }: &ShownColumn| {
            let values = values.get(features.clone()).unwrap_or_default();
            match dataset.columns().get(*place).map(|column| column.cell(values)) {
                None => values.first().map(|value| number(f64::from(*value))).unwrap_or_default(),
                Some(Some(Cell::Number(value))) => number(value),
                Some(Some(Cell::Text(text))) => text,
                Some(Some(Cell::Missing) | None) => String::new(),
            }
        };
        self.columns.iter().map(cell).collect()
    }

    /// Describes the selection; empty without columns.
    pub(crate) fn caption(&self, language: Language) -> String {
        let count = self.columns.len();
        match (self.by_importance, self.has_more, language) {
            _ if count == 0 => String::new(),
            (true, true, Language::English) => {
                format!("The {count} most important columns by permutation importance, the most important first.")
            }
            (true, true, Language::Chinese) => format!("置换重要性最高的 {count} 列，最重要的在前。"),
            (true, false, Language::English) => {
                "The columns by permutation importance, the most important first.".to_owned()
            }
            (true, false, Language::Chinese) => "各列按置换重要性排列，最重要的在前。".to_owned(),
            (false, true, Language::English) => format!("The first {count} columns of the table."),
            (false, true, Language::Chinese) => format!("表格的前 {count} 列。"),
            (false, false, Language::English) => "The columns in the order of the table.".to_owned(),
            (false, false, Language::Chinese) => "各列按其在表格中的顺序排列。".to_owned(),
        }
    }
}

/// Returns true if the features of a column determine its cells.
fn has_cells(column: &TableColumn) -> bool {
    !matches!(column.encoding, ColumnEncoding::Time(_) | ColumnEncoding::Words { .. })
}

#[cfg(test)]
mod tests {
    use keel_data::{DataConfig, Inputs, SampleShape, Targets};
    use keel_train::ColumnImportance;
    use keel_train::metrics::MetricName;

    use super::*;

    fn importance(names: &[&str]) -> Importance {
        let column = |name: &&str| ColumnImportance { name: (*name).into(), mean: 0.1, std: 0.0, drops: vec![0.1] };
        Importance {
            part: "test".into(),
            metric: MetricName::Accuracy,
            score: 0.9,
            samples: 10,
            repeats: 1,
            seed: 0,
            columns: names.iter().map(column).collect(),
        }
    }

    /// Returns a table with ten columns of numbers, `c0` to `c9`, and one of colours.
    fn table() -> Dataset {
        let names: Vec<String> = (0..10).map(|column| format!("c{column}")).collect();
        let header = names.iter().map(String::as_str).chain(["colour", "kind"]);
        let rows = (0..12).map(|row| {
            let numbers = (0..10).map(|column| Cell::Number(f64::from((37 * row + 13 * column) % 50) / 2.0));
            let texts = [["red", "blue"], ["a", "b"]].map(|pair| Cell::from(pair[row as usize % 2]));
            numbers.chain(texts).collect::<Vec<Cell>>()
        });
        Dataset::from_rows("made", header, rows, &DataConfig::for_target("kind")).unwrap()
    }

    fn cells(dataset: &Dataset, shown: &ShownColumns, sample: usize) -> Vec<String> {
        let mut values = vec![0.0; dataset.sample_shape().len()];
        dataset.copy_sample(sample, &mut values).unwrap();
        shown.cells(dataset, &values)
    }

    #[test]
    fn the_first_columns_are_shown_unless_their_importance_is_known() {
        let table = table();
        let first = ShownColumns::of(&table, None);
        assert!(first.titles().eq(["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7"]));
        assert_eq!(cells(&table, &first, 1), ["18.5", "0", "6.5", "13", "19.5", "1", "7.5", "14"]);
        assert_eq!(first.caption(Language::English), "The first 8 columns of the table.");
        assert_eq!(first.caption(Language::Chinese), "表格的前 8 列。");

        let names = ["colour", "c9", "c3", "c2", "c8", "c7", "c6", "c5", "c4", "c1", "c0"];
        let ranked = ShownColumns::of(&table, Some(&importance(&names)));
        assert!(ranked.titles().eq(names[..8].iter().copied()));
        assert_eq!(cells(&table, &ranked, 1)[..3], ["blue", "2", "13"]);
        let english = "The 8 most important columns by permutation importance, the most important first.";
        assert_eq!(ranked.caption(Language::English), english);
        assert_eq!(ranked.caption(Language::Chinese), "置换重要性最高的 8 列，最重要的在前。");

        let of_other_data = ShownColumns::of(&table, Some(&importance(&["x", "y"])));
        assert!(of_other_data.titles().eq(first.titles()) && !of_other_data.by_importance);
    }

    #[test]
    fn features_without_columns_are_ranked_by_their_names() {
        let targets = Targets::Classes { labels: vec![0, 1], class_names: vec!["a".into(), "b".into()] };
        let inputs = Inputs::Floats(vec![1.0, 2.0, 3.0, 4.0]);
        let data = Dataset::from_memory("made", SampleShape::Features(2), inputs, targets).unwrap();
        let names = data.schema().groups().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        let last_first = importance(&[&names[1], &names[0]]);
        let shown = ShownColumns::of(&data, Some(&last_first));
        assert_eq!(cells(&data, &shown, 1), ["4", "3"]);
        assert!(shown.titles().eq([data.feature_label(1), data.feature_label(0)]));
        assert_eq!(
            shown.caption(Language::English),
            "The columns by permutation importance, the most important first."
        );
        let plain = ShownColumns::of(&data, None);
        assert_eq!(cells(&data, &plain, 0), ["1", "2"]);
        assert_eq!(plain.caption(Language::Chinese), "各列按其在表格中的顺序排列。");
    }
}
