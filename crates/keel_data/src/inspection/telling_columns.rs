//! Columns of a table that leak the target or identify rows.

use super::{features_of_columns, spread};
use crate::dataset::{ColumnEncoding, Dataset, NumberEncoding, Row, Rows, TableColumn, Targets};
use crate::error::DataError;
use crate::moments::Moments;
use crate::split::SplitDataset;
use rayon::prelude::*;
use std::ops::Range;

/// Maximum number of training rows used, half of them to predict and half to check.
const ROWS: usize = 4_096;
/// Minimum number of rows.
const FEWEST_ROWS: usize = 100;
/// Minimum number of errors of a constant guess for a meaningful score.
const FEWEST_ERRORS: usize = 20;
/// Maximum difference between the cumulative distribution of the values and that of evenly spaced ones.
const UNEVEN: f64 = 0.1;
/// Key of a missing cell, and of a row in none of the categories.
const ABSENT: f32 = f32::MIN;

/// A column and its score as the only predictor of the target.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredColumn {
    /// Name in the header.
    pub name: String,
    /// Share of the errors of a constant guess that a prediction from this column alone avoids on held-back rows; R2
    /// for values.
    pub score: f64,
}

/// Columns of a table, each assessed separately.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ColumnSurvey {
    /// Scores of all columns except text columns; empty if scores would be meaningless.
    pub scores: Vec<ScoredColumn>,
    /// Names of columns with a different whole number in every row, evenly spaced.
    pub identifiers: Vec<String>,
}

impl SplitDataset {
    /// Assesses every column of a table on up to 4,096 training rows, evenly spaced. Empty for other data.
    ///
    /// # Errors
    /// Fails if a process that holds a part of the rows cannot answer.
    pub fn survey_columns(&self) -> Result<ColumnSurvey, DataError> {
        let columns = self.dataset.columns();
        if columns.is_empty() || self.train.len() < FEWEST_ROWS {
            return Ok(ColumnSurvey::default());
        }
        let rows = spread(&self.train, ROWS);
        let read = self.dataset.rows(&rows)?;
        let places = features_of_columns(&self.dataset);
        let identifies = |(column, features): (&TableColumn, &Range<usize>)| match &column.encoding {
            ColumnEncoding::Number(encoding) => {
                let number = Number { feature: features.start, encoding };
                if !identifies(&number.of_rows(&read)) {
                    return Ok(None);
                }
                let all = number.of_samples(&self.dataset, &self.train)?;
                Ok(identifies(&all).then(|| column.name.clone()))
            }
            _ => Ok(None),
        };
        let pairs = || columns.par_iter().zip(&places).filter(|(_, features)| !features.is_empty());
        let identifiers = pairs().map(identifies).collect::<Result<Vec<_>, DataError>>()?;
        Ok(ColumnSurvey {
            identifiers: identifiers.into_iter().flatten().collect(),
            scores: pairs()
                .filter_map(|(column, features)| {
                    let keys = keys(&read, column, features)?;
                    let score = score(&self.dataset, &keys, &rows)?;
                    Some(ScoredColumn { name: column.name.clone(), score })
                })
                .collect(),
        })
    }
}

/// A feature that holds the numbers of a column.
struct Number<'a> {
    feature: usize,
    encoding: &'a NumberEncoding,
}

impl Number<'_> {
    /// Returns the numbers of `rows` in the column's own unit.
    fn of_rows(&self, rows: &Rows) -> Vec<f64> {
        let NumberEncoding { unit, origin, .. } = *self.encoding;
        rows.iter().map(|row| f64::from(row.value(self.feature)) * unit + origin).collect()
    }

    /// Returns the numbers of `samples`, reading only some of them at a time.
    fn of_samples(&self, dataset: &Dataset, samples: &[usize]) -> Result<Vec<f64>, DataError> {
        let chunks = samples.chunks(ROWS).map(|chunk| Ok(self.of_rows(&dataset.rows(chunk)?)));
        Ok(chunks.collect::<Result<Vec<_>, DataError>>()?.concat())
    }
}

/// Returns true if `numbers` are whole, distinct, and evenly spaced between the smallest and the largest: typical of
/// counters and random identifiers, not of quantities.
fn identifies(numbers: &[f64]) -> bool {
    if numbers.is_empty() || !numbers.iter().all(|number| number.fract() == 0.0) {
        return false;
    }
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let (first, last) = (sorted[0], sorted[sorted.len() - 1]);
    let share = |place: usize| (place as f64 + 0.5) / sorted.len() as f64;
    let is_even = |(place, number): (usize, &f64)| ((number - first) / (last - first) - share(place)).abs() <= UNEVEN;
    sorted.windows(2).all(|pair| pair[0] < pair[1]) && sorted.iter().enumerate().all(is_even)
}

/// Returns one number per row that represents its cell, or `None` for a text column.
fn keys(rows: &Rows, column: &TableColumn, features: &Range<usize>) -> Option<Vec<f32>> {
    let number = |row: Row| Some(row.value(features.start)).filter(|value| !value.is_nan()).unwrap_or(ABSENT);
    let hot = |row: Row| features.clone().position(|feature| row.value(feature) == 1.0);
    let category = |row: Row| hot(row).map_or(ABSENT, |hot| hot as f32);
    match column.encoding {
        ColumnEncoding::Number(_) | ColumnEncoding::Boolean | ColumnEncoding::Time(_) => {
            Some(rows.iter().map(number).collect())
        }
        ColumnEncoding::Category { .. } => Some(rows.iter().map(category).collect()),
        ColumnEncoding::Words { .. } => None,
    }
}

/// Scores predictions from `keys` alone: every other row is predicted from the rows between.
fn score(dataset: &Dataset, keys: &[f32], rows: &[usize]) -> Option<f64> {
    let halves = |odd: usize| (odd..rows.len()).step_by(2);
    match dataset.targets() {
        Targets::Classes { labels, class_names } => {
            let pairs = |odd| halves(odd).map(|place| (keys[place], labels[rows[place]] as usize)).collect();
            score_of_classes(pairs(0), &pairs(1), class_names.len())
        }
        Targets::Values { values, target_names } if target_names.len() == 1 => {
            let pairs = |odd| halves(odd).map(|place| (keys[place], f64::from(values[rows[place]]))).collect();
            score_of_values(pairs(0), &pairs(1))
        }
        _ => None,
    }
}

/// Predicts the most frequent class of the nearest key.
fn score_of_classes(mut known: Vec<(f32, usize)>, held_back: &[(f32, usize)], classes: usize) -> Option<f64> {
    known.sort_by(|a, b| a.0.total_cmp(&b.0));
    let most_frequent = |pairs: &[(f32, usize)]| {
        let mut counts = vec![0; classes];
        pairs.iter().for_each(|&(_, class)| counts[class] += 1);
        (0..classes).max_by_key(|&class| (counts[class], std::cmp::Reverse(class))).unwrap_or(0)
    };
    let guess = most_frequent(&known);
    let table: Vec<(f32, usize)> =
        known.chunk_by(|a, b| a.0 == b.0).map(|chunk| (chunk[0].0, most_frequent(chunk))).collect();
    let guess_errors = held_back.iter().filter(|&&(_, class)| class != guess).count();
    let errors = held_back.iter().filter(|&&(key, class)| table[nearest(&table, key)].1 != class).count();
    (guess_errors >= FEWEST_ERRORS).then(|| 1.0 - errors as f64 / guess_errors as f64)
}

/// Predicts the mean for an equal key, or interpolates linearly between the means of neighbouring keys.
fn score_of_values(mut known: Vec<(f32, f64)>, held_back: &[(f32, f64)]) -> Option<f64> {
    known.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mean = |pairs: &[(f32, f64)]| pairs.iter().map(|pair| pair.1).sum::<f64>() / pairs.len() as f64;
    let guess = mean(&known);
    let table: Vec<(f32, f64)> = known.chunk_by(|a, b| a.0 == b.0).map(|chunk| (chunk[0].0, mean(chunk))).collect();
    let mut total = Moments::default();
    let mut errors = Moments::default();
    for &(key, value) in held_back {
        total.add((value - guess).powi(2));
        errors.add((value - between(&table, key)).powi(2));
    }
    let score = 1.0 - errors.mean / total.mean;
    (total.mean > 0.0 && score.is_finite()).then_some(score)
}

/// Returns the position in `table` of the key nearest to `key`; keys are ascending.
fn nearest<T>(table: &[(f32, T)], key: f32) -> usize {
    let above = table.partition_point(|known| known.0 < key).min(table.len() - 1);
    let below = above.saturating_sub(1);
    if (table[above].0 - key).abs() <= (key - table[below].0).abs() { above } else { below }
}

/// Interpolates linearly between the entries of `table` at `key`, extrapolating the first and last segments.
fn between(table: &[(f32, f64)], key: f32) -> f64 {
    if table.len() == 1 {
        return table[0].1;
    }
    let above = table.partition_point(|known| known.0 < key).clamp(1, table.len() - 1);
    let ((low, start), (high, end)) = (table[above - 1], table[above]);
    if low == ABSENT {
        return end;
    }
    let share = (f64::from(key) - f64::from(low)) / (f64::from(high) - f64::from(low));
    start + (end - start) * share
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DataConfig;
    use crate::random::{Purpose, below, normal, stream};

    /// Surveys a table of 400 rows with three noise columns, the target `y` and the column `extra`.
    fn survey(extra: impl Fn(usize, f64) -> String, target: impl Fn(f64) -> String) -> ColumnSurvey {
        let mut stream = stream(5, Purpose::Synthetic, 0, 0);
        let mut text = String::from("a,b,c,extra,y\n");
        for row in 0..400 {
            let [a, b, c] = [0; 3].map(|_| normal(&mut stream));
            let hidden = a + b + 0.5 * normal(&mut stream);
            text.push_str(&format!("{a},{b},{c},{},{}\n", extra(row, hidden), target(hidden)));
        }
        read(&text).split(DataConfig::default().split()).unwrap().survey_columns().unwrap()
    }

    fn read(text: &str) -> Dataset {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        std::fs::write(&path, text).unwrap();
        Dataset::load(&DataConfig::of_source(path.display().to_string())).unwrap()
    }

    fn class(hidden: f64) -> String {
        if hidden > 0.0 { "yes" } else { "no" }.to_owned()
    }

    fn score_of(survey: &ColumnSurvey, name: &str) -> f64 {
        survey.scores.iter().find(|column| column.name == name).unwrap().score
    }

    #[test]
    fn a_column_written_down_with_the_answer_scores_one() {
        let code = survey(|_, hidden| if hidden > 0.0 { "x7" } else { "q2" }.to_owned(), class);
        assert_eq!(score_of(&code, "extra"), 1.0);
        assert!(["a", "b", "c"].iter().all(|name| score_of(&code, name) < 0.8), "{code:?}");
        let scaled = survey(|_, hidden| format!("{}", 3.7 * hidden + 2.0), |hidden| format!("{hidden}"));
        assert!(score_of(&scaled, "extra") > 0.999, "{scaled:?}");
        assert!(["a", "b", "c"].iter().all(|name| score_of(&scaled, name) < 0.8), "{scaled:?}");
    }

    #[test]
    fn a_column_that_helps_does_not_tell() {
        let noisy = survey(|row, hidden| format!("{}", hidden + (row as f64).sin()), class);
        assert!(score_of(&noisy, "extra") < 0.9, "{noisy:?}");
        assert_eq!(noisy.identifiers, [""; 0]);
    }

    #[test]
    fn numbers_that_only_identify_rows_are_named() {
        let code = survey(|row, _| format!("{}", 5_000 + (row * 7919) % 100_000), class);
        assert_eq!(code.identifiers, ["extra"]);
        // Quantities: unevenly spaced, or with a repeated number, or not whole.
        for quantity in [
            survey(|row, _| format!("{}", 100 + row * row), class),
            survey(|row, _| format!("{}", (row * 7919) % 300), class),
            survey(|row, _| format!("{}.5", (row * 7919) % 100_000), class),
        ] {
            assert_eq!(quantity.identifiers, [""; 0]);
        }
    }

    #[test]
    fn few_rows_and_rare_classes_are_not_scored() {
        let mut stream = stream(5, Purpose::Synthetic, 1, 0);
        let rare: Vec<(f32, usize)> =
            (0..2_000).map(|row| (below(&mut stream, 9) as f32, usize::from(row % 110 == 0))).collect();
        assert_eq!(score_of_classes(rare.clone(), &rare, 2), None);
        assert!(
            score_of_classes(rare.clone(), &rare.iter().map(|&(key, _)| (key, 1)).collect::<Vec<_>>(), 2).is_some()
        );
    }
}
