//! Formats metrics: one line, a table with the scores of a constant guess, a table of classes, a confusion matrix.

use std::collections::BTreeMap;

use keel_train::metrics::{ConfusionMatrix, MetricName, Metrics, TargetMetrics};
use keel_train::runs::Status;

use super::tables::{Align, table};
use super::text::{loss_text, plural, wrapped};

/// Maximum number of classes for which a confusion matrix is shown.
const MATRIX_CLASSES: usize = 20;

/// Formats a fraction as a percentage with two decimals.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// Returns a run's status in one word.
pub(crate) fn status_word(status: Status) -> &'static str {
    match status {
        Status::Running => "running or killed",
        Status::Finished => "finished",
        Status::Stopped => "stopped",
        Status::Failed => "failed",
    }
}

/// Formats the value of a metric; `undefined` if it has none.
pub(crate) fn metric_text(metric: MetricName, value: Option<f64>) -> String {
    match value.filter(|value| value.is_finite()) {
        Some(value) if metric.is_share() => percent(value),
        Some(value) => loss_text(value),
        None => "undefined".to_owned(),
    }
}

/// Formats accuracy, or R2 and errors, with the score of a constant guess, and the loss of one part of the data.
pub(crate) fn metrics_line(part: &str, metrics: &Metrics) -> String {
    let main: &[MetricName] = match metrics.is_classification() {
        true => &[MetricName::Accuracy, MetricName::Loss],
        false => &[MetricName::R2, MetricName::Rmse, MetricName::Mae, MetricName::Loss],
    };
    let baseline = metrics.baseline.as_ref();
    let scores: Vec<String> = main
        .iter()
        .map(|&metric| {
            let guess =
                baseline.filter(|_| metric != MetricName::R2).and_then(|guess| Some((guess, guess.value(metric)?)));
            let guess = guess.map(|(guess, value)| match metrics.is_classification() {
                true => format!(" ({} {})", guess.words(), metric_text(metric, Some(value))),
                // A mean has the unit of the targets: without words, it would be taken for the mean of the errors.
                false => format!(" (always guessing the {}: {})", guess.words(), metric_text(metric, Some(value))),
            });
            let reason = metrics.undefined.get(metric.name()).map(|reason| format!(" ({reason})"));
            let more = reason.or(guess).unwrap_or_default();
            format!("{} {}{more}", metric.title(), metric_text(metric, metric.value(metrics)))
        })
        .collect();
    let mut text = format!("{} over {}", scores.join(", "), plural(metrics.samples, "sample"));
    if let Some(left_out) = &metrics.left_out {
        let (count, first) = (plural(left_out.samples, "sample"), left_out.first.join("; "));
        text.push_str(&format!("; {count} with NaN or infinite inputs or outputs left out: {first}"));
    }
    wrapped(&format!("{part}: "), &text).trim_end().to_owned()
}

/// Formats every metric of some parts of the data, with the score of a constant guess on the last part in the last column, and
/// the reasons for undefined metrics below.
pub(crate) fn metrics_table(parts: &[(&str, &Metrics)]) -> String {
    let Some(&(last, shown)) = parts.last() else { return String::new() };
    let baseline = shown.baseline.as_ref();
    let guess = baseline.map(|baseline| match parts.len() {
        1 => baseline.words().to_owned(),
        _ => format!("{last}: {}", baseline.words()),
    });
    let mut columns = vec![("metric", Align::Left)];
    columns.extend(parts.iter().map(|(part, _)| (*part, Align::Right)));
    columns.extend(guess.as_deref().map(|guess| (guess, Align::Right)));
    let row = |&metric: &MetricName| {
        let values = parts.iter().map(|(_, metrics)| metric_text(metric, metric.value(metrics)));
        let guessed = baseline.map(|baseline| {
            baseline.value(metric).map_or_else(|| "-".to_owned(), |value| metric_text(metric, Some(value)))
        });
        std::iter::once(shown.title(metric)).chain(values).chain(guessed).collect()
    };
    let rows: Vec<Vec<String>> = shown.shown().iter().map(row).collect();
    let mut text = table(&columns, &rows);
    for (part, metrics) in parts {
        let mut reasons: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (metric, reason) in &metrics.undefined {
            let title = MetricName::with_name(metric).map_or_else(|| metric.clone(), |name| metrics.title(name));
            reasons.entry(reason).or_default().push(title);
        }
        for (reason, titles) in reasons {
            text.push_str(&format!("\n{part}: undefined: {} ({reason})", titles.join(", ")));
        }
        if let Some(samples) = metrics.ranked_samples {
            text.push_str(&format!("\n{part}: ROC AUC and PR AUC over {} spread over all", plural(samples, "sample")));
        }
    }
    text
}

/// Formats the errors of every target; empty for classes and for one target.
pub(crate) fn targets_table(metrics: &Metrics) -> String {
    let targets = metrics.regression.as_ref().map_or(&[][..], |errors| &errors.targets);
    if targets.is_empty() {
        return String::new();
    }
    let names = ["R2", "RMSE", "MAE", "median abs. error", "max error"].map(|name| (name, Align::Right));
    let columns: Vec<_> = std::iter::once(("target", Align::Left)).chain(names).collect();
    let row = |target: &TargetMetrics| {
        let errors = [Some(target.rmse), Some(target.mae), target.median_absolute_error, target.max_error];
        let r2 = metric_text(MetricName::R2, target.r2);
        let errors = errors.map(|error| metric_text(MetricName::Rmse, error));
        [target.name.clone(), r2].into_iter().chain(errors).collect()
    };
    table(&columns, &targets.iter().map(row).collect::<Vec<_>>())
}

/// Formats precision, recall and F1 of every class; empty for regression.
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

/// Formats the confusions of each pair of classes, or the most frequent mistakes if the table would be too wide.
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
    use keel_train::metrics::{Baseline, RegressionMetrics};

    use super::*;

    fn classified() -> Metrics {
        let mut baseline = Baseline::default();
        baseline.scores.insert("accuracy".to_owned(), 0.625);
        let undefined = [("roc_auc".to_owned(), "only one class present".to_owned())];
        Metrics {
            loss: 0.25,
            samples: 40,
            accuracy: Some(0.925),
            f1: Some(0.5),
            baseline: Some(baseline),
            undefined: undefined.into(),
            ..Metrics::default()
        }
    }

    #[test]
    fn the_guess_stands_beside_the_score_and_what_is_undefined_says_why() {
        let line = metrics_line("test", &classified());
        assert_eq!(line, "test: accuracy 92.50 % (largest class 62.50 %), loss 0.2500 over 40 samples");
        let names = ["y".to_owned()];
        let mut values = Metrics { loss: 1.0, samples: 1, ..Metrics::default() };
        values.regression = RegressionMetrics::new(&[1.0], &[2.0], &names);
        values.undefined.insert("r2".to_owned(), "only one sample".to_owned());
        let line = metrics_line("test", &values);
        assert!(line.starts_with("test: R2 undefined (only one sample), RMSE 1.0000, MAE 1.0000,"), "{line}");
        let text = metrics_table(&[("train", &classified()), ("validation", &classified()), ("test", &classified())]);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].ends_with("test: largest class") && lines[2].ends_with("62.50 %"), "{text}");
        assert!(text.contains("test: undefined: ROC AUC (only one class present)"), "{text}");
        assert!(lines.iter().all(|line| line.chars().count() <= 80) && !text.contains("NaN"), "{text}");
    }

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
