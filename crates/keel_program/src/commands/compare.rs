//! `compare`: shows runs side by side.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};

use clap::Args;
use keel_train::Config;
use keel_train::config::{Difference, differences};
use keel_train::metrics::{MetricName, Metrics};
use keel_train::runs::{RunFolder, RunState, Status as RunStatus, Summary};
use serde_json::{Value, json};

use crate::failure::Stop;
use crate::terminal::{Align, Output, Status, fitting_tables, metric_text, plural};

/// Arguments of `compare`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evenkeel compare runs/digits runs/digits-2
  evenkeel compare runs/digits runs/digits-2 runs/digits-3
  evenkeel compare runs/* --json                    long names and values in full")]
pub(crate) struct Arguments {
    /// Folders of two or more runs
    #[arg(value_name = "RUN", required = true, num_args = 2..)]
    runs: Vec<PathBuf>,
    /// List the settings of all layers that differ, not only of the three that differ most
    #[arg(long)]
    all: bool,
}

/// Number of layers whose settings are listed without `--all`.
const LAYERS: usize = 3;

/// One column of the comparison.
struct Run {
    path: PathBuf,
    summary: Summary,
    state: RunState,
}

/// Prints the results and the settings that differ.
pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<Status, Stop> {
    let read = arguments.runs.iter().map(|path| read(path)).collect::<Result<Vec<(Run, Config)>, Stop>>()?;
    let (runs, configs): (Vec<Run>, Vec<Config>) = read.into_iter().unzip();
    let differences = differences(&configs);
    let document = json!({
        "runs": runs.iter().map(|run| json!({ "run": run.path, "summary": run.summary })).collect::<Vec<_>>(),
        "settings": differences,
    });
    let layers = if arguments.all { usize::MAX } else { LAYERS };
    output.result(&document, || text(&runs, &Shown::of(&differences, layers)))?;
    Ok(Status::Done)
}

fn read(path: &Path) -> Result<(Run, Config), Stop> {
    let folder = RunFolder::open(path)?;
    let writer = folder.writer();
    let summary = folder.read_progress()?;
    let state = folder.state(writer.as_ref(), Ok(&summary));
    let config = keel_train::config::load(folder.config().to_str(), &[])?;
    Ok((Run { path: path.to_owned(), summary, state }, config))
}

/// The settings that are listed.
struct Shown<'a> {
    differences: Vec<&'a Difference>,
    /// Number of layers, and of their settings, that are not.
    left_out: (usize, usize),
}

impl<'a> Shown<'a> {
    /// Leaves out the settings of all but the `most` layers with the largest number of them.
    fn of(differences: &'a [Difference], most: usize) -> Self {
        let mut layers: Vec<(String, usize)> = Vec::new();
        for layer in differences.iter().filter_map(|difference| layer_of(&difference.key)) {
            match layers.iter_mut().find(|(known, _)| *known == layer) {
                Some((_, settings)) => *settings += 1,
                None => layers.push((layer, 1)),
            }
        }
        layers.sort_by_key(|&(_, settings)| Reverse(settings));
        let others = layers.split_off(most.min(layers.len()));
        let is_shown = |difference: &&Difference| {
            let layer = layer_of(&difference.key);
            layer.is_none_or(|layer| others.iter().all(|(other, _)| *other != layer))
        };
        let settings = others.iter().map(|(_, settings)| settings).sum();
        Shown { differences: differences.iter().filter(is_shown).collect(), left_out: (others.len(), settings) }
    }
}

/// Returns the key of the layer that a setting belongs to; `None` for other settings.
fn layer_of(key: &str) -> Option<String> {
    let parts: Vec<&str> = key.strip_prefix("model.layers.")?.split('.').collect();
    let number = parts.iter().rposition(|part| part.parse::<usize>().is_ok())?;
    Some(parts[..=number].join("."))
}

fn text(runs: &[Run], shown: &Shown<'_>) -> String {
    let names: Vec<String> = runs.iter().map(|run| name_of(&run.path)).collect();
    let mut columns = vec![("", Align::Left)];
    columns.extend(names.iter().map(|name| (name.as_str(), Align::Right)));
    let mut text = fitting_tables(&columns, &result_rows(runs));
    text.push_str("\n\n");
    if on_different_data(runs) {
        text.push_str("Trained on different data: the results do not compare the settings alone.\n\n");
    }
    if shown.differences.is_empty() {
        text.push_str("All settings are the same.\n");
        return text;
    }
    let rows: Vec<Vec<String>> = shown
        .differences
        .iter()
        .map(|Difference { key, values }| std::iter::once(key.clone()).chain(values.iter().map(setting_text)).collect())
        .collect();
    columns[0].0 = "settings that differ";
    text.push_str(&fitting_tables(&columns, &rows));
    let (layers, settings) = shown.left_out;
    if layers > 0 {
        let (layers, settings) = (plural(layers as u64, "more layer"), plural(settings as u64, "setting"));
        text.push_str(&format!("\n... and {layers} with {settings}: --all lists them\n"));
    }
    text
}

fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

fn setting_text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Returns true if two runs state data of different content, or of different names if the content is unknown.
fn on_different_data(runs: &[Run]) -> bool {
    runs.windows(2).any(|pair| {
        let [one, other] = pair else { return false };
        match (&one.summary.data_fingerprint, &other.summary.data_fingerprint) {
            (Some(one), Some(other)) => one != other,
            _ => one.summary.data != other.summary.data,
        }
    })
}

/// Returns the results, one row each; rows without a value for any run are left out.
fn result_rows(runs: &[Run]) -> Vec<Vec<String>> {
    type Cell = fn(&Summary) -> Option<String>;
    let before: [(&str, Cell); 3] = [
        ("data", |summary| Some(summary.data.clone())),
        ("epochs", |summary| Some(summary.epochs.to_string())),
        ("best epoch", |summary| {
            let is_known = summary.best_epoch > 0 || summary.status != RunStatus::Running;
            is_known.then(|| summary.best_epoch.to_string())
        }),
    ];
    let after: [(&str, Cell); 3] = [
        ("seconds", |summary| Some(format!("{:.1}", summary.seconds))),
        ("samples/s", |summary| Some(format!("{:.0}", summary.samples_per_second))),
        ("findings", |summary| Some(summary.findings.len().to_string())),
    ];
    let row = |(name, cell): &(&str, Cell)| row_of(runs, name, |run| cell(&run.summary));
    let mut rows: Vec<Vec<String>> =
        row_of(runs, "status", |run| Some(run.state.name().to_owned())).into_iter().collect();
    rows.extend(before.iter().filter_map(row));
    rows.extend(metric_rows(runs));
    rows.extend(after.iter().filter_map(row));
    rows
}

/// Returns every metric of the test split, with the score of a constant guess for the leading ones, and accuracy or R2 and the
/// loss of the other splits.
fn metric_rows(runs: &[Run]) -> Vec<Vec<String>> {
    let test = |run: &Run| run.summary.metrics.test.clone();
    let validation = |run: &Run| run.summary.metrics.validation.clone();
    let train = |run: &Run| run.summary.metrics.train.clone();
    let mut rows = Vec::new();
    let metrics = MetricName::shown(true).chain(MetricName::shown(false).filter(|&metric| metric != MetricName::Loss));
    for metric in metrics {
        let value = |metrics: &Metrics| {
            let known = metrics.shown().contains(&metric);
            known.then(|| metric_text(metric, metric.value(metrics)))
        };
        let title = metric.title();
        rows.extend(row_of(runs, &format!("test {title}"), |run| value(&test(run)?)));
        let words = match metric {
            MetricName::Accuracy => Some("largest class"),
            MetricName::Rmse | MetricName::Mae => Some("mean"),
            _ => None,
        };
        let guess = |run: &Run| Some(metric_text(metric, Some(test(run)?.baseline?.value(metric)?)));
        if let Some(words) = words {
            rows.extend(row_of(runs, &format!("  of the {words}"), guess));
        }
        if [MetricName::Accuracy, MetricName::R2, MetricName::Loss].contains(&metric) {
            rows.extend(row_of(runs, &format!("validation {title}"), |run| value(&validation(run)?)));
            rows.extend(row_of(runs, &format!("train {title}"), |run| value(&train(run)?)));
        }
    }
    rows
}

/// Returns a row with one cell per run; `None` if no run has a value.
fn row_of(runs: &[Run], name: &str, cell: impl Fn(&Run) -> Option<String>) -> Option<Vec<String>> {
    let values: Vec<Option<String>> = runs.iter().map(cell).collect();
    values.iter().any(Option::is_some).then(|| {
        let texts = values.into_iter().map(|value| value.unwrap_or_else(|| "-".to_owned()));
        std::iter::once(name.to_owned()).chain(texts).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layers_that_differ_most_are_listed() {
        let keys = [
            "model.layers.0.type",
            "model.layers.1.type",
            "model.layers.1.bias",
            "model.layers.2.layers.0.type",
            "model.layers.2.layers.0.bias",
            "model.layers.2.type",
            "model.width",
        ];
        let differences = keys.map(|key| Difference { key: key.to_owned(), values: Vec::new() });
        let listed = |most: usize| {
            let Shown { differences, left_out } = Shown::of(&differences, most);
            (differences.iter().map(|difference| difference.key.as_str()).collect::<Vec<_>>(), left_out)
        };
        assert_eq!(listed(usize::MAX), (keys.to_vec(), (0, 0)));
        assert_eq!(listed(3), (keys.iter().copied().filter(|key| *key != "model.layers.2.type").collect(), (1, 1)));
        assert_eq!(listed(2), ([&keys[1..5], &keys[6..]].concat(), (2, 2)));
        assert_eq!(listed(1), (vec![keys[1], keys[2], "model.width"], (3, 4)));
    }
}
