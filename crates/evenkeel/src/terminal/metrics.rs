//! Metrics as text: one line, a table of classes, a confusion matrix.

use keel_train::metrics::{ConfusionMatrix, Metrics};
use keel_train::runs::Status;

use super::tables::{Align, table};
use super::text::{loss_text, plural};

/// Classes up to which a confusion matrix is shown.
const MATRIX_CLASSES: usize = 20;

/// A share as a percentage with two decimals.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// A run's status in one word.
pub(crate) fn status_word(status: Status) -> &'static str {
    match status {
        Status::Running => "running or killed",
        Status::Finished => "finished",
        Status::Stopped => "stopped",
        Status::Failed => "failed",
    }
}

/// Loss and accuracy, or loss and errors, of one part of the data.
pub(crate) fn metrics_line(part: &str, metrics: &Metrics) -> String {
    let mut line = format!("{part}: ");
    if let Some(accuracy) = metrics.accuracy {
        line.push_str(&format!("accuracy {}, ", percent(accuracy)));
    }
    if let Some(errors) = &metrics.regression {
        line.push_str(&format!("R2 {:.4}, RMSE {:.4}, MAE {:.4}, ", errors.r2, errors.rmse, errors.mae));
    }
    line.push_str(&format!("loss {} over {}", loss_text(metrics.loss), plural(metrics.samples, "sample")));
    line
}

/// Precision, recall and F1 of every class; empty for regression.
pub(crate) fn classes_table(metrics: &Metrics) -> String {
    if metrics.classes.is_empty() {
        return String::new();
    }
    let columns = [
        ("class", Align::Left),
        ("samples", Align::Right),
        ("precision", Align::Right),
        ("recall", Align::Right),
        ("F1", Align::Right),
    ];
    let number = |value: f64| format!("{value:.4}");
    let rows: Vec<Vec<String>> = metrics
        .classes
        .iter()
        .map(|class| {
            let quality = [number(class.precision), number(class.recall), number(class.f1)];
            [class.name.clone(), class.samples.to_string()].into_iter().chain(quality).collect()
        })
        .collect();
    table(&columns, &rows)
}

/// How often each class was taken for each other; the most frequent mistakes where the table would be too wide.
pub(crate) fn confusion_text(matrix: &ConfusionMatrix, names: &[String]) -> String {
    if names.len() > MATRIX_CLASSES {
        return mistakes(matrix, names);
    }
    let mut columns = vec![("true \\ predicted", Align::Left)];
    columns.extend(names.iter().map(|name| (name.as_str(), Align::Right)));
    let row = |(counts, name): (&Vec<u64>, &String)| {
        let counts = counts.iter().map(|&count| if count == 0 { ".".to_owned() } else { count.to_string() });
        std::iter::once(name.clone()).chain(counts).collect()
    };
    let rows: Vec<Vec<String>> = matrix.counts.iter().zip(names).map(row).collect();
    table(&columns, &rows)
}

fn mistakes(matrix: &ConfusionMatrix, names: &[String]) -> String {
    let mut pairs: Vec<(u64, usize, usize)> = Vec::new();
    for (actual, row) in matrix.counts.iter().enumerate() {
        let wrong = row.iter().enumerate().filter(|&(predicted, &count)| predicted != actual && count > 0);
        pairs.extend(wrong.map(|(predicted, &count)| (count, actual, predicted)));
    }
    pairs.sort_by_key(|&(count, actual, predicted)| (std::cmp::Reverse(count), actual, predicted));
    let row = |&(count, actual, predicted): &(u64, usize, usize)| {
        vec![names[actual].clone(), names[predicted].clone(), count.to_string()]
    };
    let rows: Vec<Vec<String>> = pairs.iter().take(MATRIX_CLASSES).map(row).collect();
    let columns =
        [("most frequent mistakes: true", Align::Left), ("predicted", Align::Left), ("samples", Align::Right)];
    table(&columns, &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confusion_matrix_is_a_table_and_a_large_one_a_list() {
        let mut matrix = ConfusionMatrix::new(2);
        matrix.counts = vec![vec![3, 0], vec![2, 5]];
        let names = ["cat", "dog"].map(String::from);
        let text = confusion_text(&matrix, &names);
        assert_eq!(text.lines().next().map(str::trim_end), Some("true \\ predicted  cat  dog"), "{text}");
        assert!(text.contains("cat                 3    ."), "{text}");
        let names: Vec<String> = (0..30).map(|class| format!("c{class}")).collect();
        let mut matrix = ConfusionMatrix::new(30);
        (matrix.counts[4][7], matrix.counts[5][6], matrix.counts[1][1]) = (2, 9, 100);
        let text = confusion_text(&matrix, &names);
        assert_eq!(text.lines().count(), 4, "{text}");
        assert!(text.lines().nth(2).is_some_and(|line| line.starts_with("c5") && line.ends_with('9')), "{text}");
    }
}
