//! `metrics`: writes every number of a run as one table.

mod parquet;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use keel_train::runs::{EpochRecord, MetricReader, RunFolder, StepRecord, write_atomically};
use serde::Serialize;

use crate::failure::{Failure, Stop, from_sentence, unwritable};
use crate::terminal::{Output, Status, plural};

/// Arguments of `metrics`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evenkeel metrics runs/digits-cnn                      the table, as CSV, on standard output
  evenkeel metrics runs/digits-cnn --out digits.csv
  evenkeel metrics runs/digits-cnn --out digits.parquet  in builds with --features parquet
  evenkeel metrics runs/digits-cnn --json               the same with histograms and findings

Writes one row per number: step, epoch, part (step, train, val, test or layer), layer, name, value.
A number that is not finite is written as NaN, and as null in JSON.")]
pub(crate) struct Arguments {
    /// Folder of a run
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// File to write, NAME.csv or NAME.parquet
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// One number of the table.
#[derive(Debug, Serialize)]
struct Row {
    step: Option<u64>,
    epoch: Option<u64>,
    part: &'static str,
    layer: String,
    name: String,
    value: f64,
}

/// Everything a run measured.
#[derive(Debug, Serialize)]
struct Measured {
    metrics: Vec<Row>,
    histograms: Vec<HistogramRow>,
    findings: Vec<serde_json::Value>,
}

/// One histogram.
#[derive(Debug, Serialize)]
struct HistogramRow {
    step: u64,
    layer: String,
    name: String,
    low: f64,
    high: f64,
    counts: Vec<u64>,
}

/// Reads the numbers and prints or writes them.
pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<Status, Stop> {
    let out = arguments.out.as_deref().map(|file| Ok::<_, Stop>((file, Format::of(file)?))).transpose()?;
    let folder = RunFolder::open(&arguments.run)?;
    let measured = measured(&MetricReader::open(&folder.metrics())?)?;
    let Some((file, format)) = out else {
        output.data(&measured, || csv(&measured.metrics))?;
        return Ok(Status::Done);
    };
    let bytes = match format {
        Format::Csv => csv(&measured.metrics).into_bytes(),
        Format::Parquet => parquet::bytes(&measured.metrics)
            .map_err(|reason| from_sentence(&format!("{}: {reason}", file.display())))?,
    };
    write_atomically(file, |writer| writer.write_all(&bytes)).map_err(|error| unwritable(file, &error))?;
    let rows = measured.metrics.len();
    let document = serde_json::json!({ "file": file, "rows": rows, "bytes": bytes.len() });
    output.result(&document, || format!("{}: {}", file.display(), plural(rows as u64, "number")))?;
    Ok(Status::Done)
}

/// Format of a table in a file.
#[derive(Debug, Clone, Copy)]
enum Format {
    Csv,
    Parquet,
}

impl Format {
    /// Returns the format for the extension of the file.
    fn of(file: &Path) -> Result<Self, Stop> {
        let ending = |known: &str| file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case(known));
        match (ending("csv"), ending("parquet")) {
            (true, _) => Ok(Format::Csv),
            (_, true) => Ok(Format::Parquet),
            _ => {
                let failure = Failure::new(format!("{}: metrics are written as CSV or Parquet", file.display()));
                Err(failure.next_step("Give a file name that ends in .csv or .parquet, or use --json").into())
            }
        }
    }
}

fn measured(reader: &MetricReader) -> Result<Measured, Stop> {
    let mut metrics = Vec::new();
    for StepRecord { step, epoch, loss, learning_rate, gradient_norm } in reader.steps()? {
        for (name, value) in [("loss", loss), ("learning_rate", learning_rate), ("gradient_norm", gradient_norm)] {
            let (step, epoch) = (Some(step), Some(epoch));
            metrics.push(Row { step, epoch, part: "step", layer: String::new(), name: name.to_owned(), value });
        }
    }
    for EpochRecord { epoch, part, loss, accuracy, rmse, r2, seconds } in reader.epochs()? {
        let all =
            [("loss", Some(loss)), ("accuracy", accuracy), ("rmse", rmse), ("r2", r2), ("seconds", Some(seconds))];
        for (name, value) in all.into_iter().filter_map(|(name, value)| value.map(|value| (name, value))) {
            let (step, epoch) = (None, Some(epoch));
            metrics.push(Row { step, epoch, part, layer: String::new(), name: name.to_owned(), value });
        }
    }
    for series in reader.layers()? {
        for &(step, value) in &series.points {
            let (layer, name) = (series.layer.clone(), series.name.clone());
            metrics.push(Row { step: Some(step), epoch: None, part: "layer", layer, name, value });
        }
    }
    let histogram = |record: keel_train::runs::HistogramRecord| HistogramRow {
        step: record.step,
        layer: record.layer,
        name: record.name,
        low: record.low,
        high: record.high,
        counts: record.counts,
    };
    let histograms = reader.histograms()?.into_iter().map(histogram).collect();
    let document = |text: String| serde_json::from_str(&text).unwrap_or(serde_json::Value::String(text));
    let findings = reader.findings()?.into_iter().map(|record| document(record.document)).collect();
    Ok(Measured { metrics, histograms, findings })
}

fn csv(rows: &[Row]) -> String {
    let mut text = "step,epoch,part,layer,name,value\n".to_owned();
    let number = |value: Option<u64>| value.map_or_else(String::new, |value| value.to_string());
    for Row { step, epoch, part, layer, name, value } in rows {
        // Writing to a string cannot fail.
        let _ =
            writeln!(text, "{},{},{part},{},{},{value}", number(*step), number(*epoch), quoted(layer), quoted(name));
    }
    text
}

/// Quotes a cell that could otherwise be read as several.
fn quoted(cell: &str) -> String {
    match cell.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn cells_are_quoted_where_they_need_it() {
        let cases = [("conv2d_1", "conv2d_1"), ("a,b", "\"a,b\""), ("a\"b", "\"a\"\"b\""), ("", "")];
        for (cell, expected) in cases {
            assert_eq!(quoted(cell), expected);
        }
    }
}
