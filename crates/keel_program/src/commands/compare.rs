//! `compare`: shows runs side by side.

use std::path::{Path, PathBuf};

use clap::Args;
use keel_train::Config;
use keel_train::config::{Difference, differences};
use keel_train::metrics::{MetricName, Metrics};
use keel_train::runs::{RunFolder, Status as RunStatus, Summary};
use serde_json::{Value, json};

use crate::failure::Stop;
use crate::terminal::{Align, Output, Status, metric_text, status_word, table};

/// Arguments of `compare`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evenkeel compare runs/digits runs/digits-2
  evenkeel compare runs/digits runs/digits-2 runs/digits-3
  evenkeel compare runs/* --json")]
pub(crate) struct Arguments {
    /// Folders of two or more runs
    #[arg(value_name = "RUN", required = true, num_args = 2..)]
    runs: Vec<PathBuf>,
}

/// One column of the comparison.
struct Run {
    path: PathBuf,
    summary: Summary,
    /// A process is writing to it.
    is_written: bool,
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
    output.result(&document, || text(&runs, &differences))?;
    Ok(Status::Done)
}

fn read(path: &Path) -> Result<(Run, Config), Stop> {
    let folder = RunFolder::open(path)?;
    let summary = folder.read_progress()?;
    let is_written = folder.writer().is_some();
    let config = keel_train::config::load(folder.config().to_str(), &[])?;
    Ok((Run { path: path.to_owned(), summary, is_written }, config))
}

fn text(runs: &[Run], differences: &[Difference]) -> String {
    let names: Vec<String> = runs.iter().map(|run| name_of(&run.path)).collect();
    let mut columns = vec![("", Align::Left)];
    columns.extend(names.iter().map(|name| (name.as_str(), Align::Right)));
    let mut text = table(&columns, &result_rows(runs));
    text.push_str("\n\n");
    if on_different_data(runs) {
        text.push_str("The runs were trained on different data: their results do not compare the settings alone.\n\n");
    }
    if differences.is_empty() {
        text.push_str("All settings are the same.\n");
        return text;
    }
    let rows: Vec<Vec<String>> = differences
        .iter()
        .map(|Difference { key, values }| std::iter::once(key.clone()).chain(values.iter().map(setting_text)).collect())
        .collect();
    columns[0].0 = "settings that differ";
    text.push_str(&table(&columns, &rows));
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

/// Returns the word for the status: a run marked as running that no process writes to was killed.
fn state_of(run: &Run) -> String {
    match (run.summary.status, run.is_written) {
        (RunStatus::Running, true) => "running".to_owned(),
        (RunStatus::Running, false) => "killed".to_owned(),
        (status, _) => status_word(status).to_owned(),
    }
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
    let mut rows: Vec<Vec<String>> = row_of(runs, "status", |run| Some(state_of(run))).into_iter().collect();
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
