//! `predict`: what a model says about new data.

use std::path::PathBuf;

use clap::Args;
use keel_data::TargetKind;
use keel_train::{Prediction, Predictor};
use serde_json::{Map, Value, json};

use super::eval::notes_of;
use crate::failure::{Failure, Stop};
use crate::failure_sources::of_source;
use crate::terminal::{Align, Output, Status, percent, table};

/// Arguments of `predict`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evenkeel predict runs/digits-cnn seven.png       one image
  evenkeel predict runs/pets-cnn photos/ --csv     a folder of images, as CSV
  evenkeel predict runs/wine-mlp wines.csv --json  a table")]
pub(crate) struct Arguments {
    /// Folder of a run, or its model.safetensors
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Images, folders of images, tables or arrays, as the model was trained on
    #[arg(value_name = "INPUT", required = true)]
    inputs: Vec<String>,
    /// Print comma-separated values, with one column a class or target
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// Leave unreadable images out and count them, instead of stopping at the first
    #[arg(long)]
    skip_unreadable: bool,
}

/// Samples without a prediction that are named.
const NAMED: usize = 3;

/// A sample and what the model says about it.
struct Row {
    input: String,
    prediction: Prediction,
}

/// Predicts every sample of every input.
pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<Status, Stop> {
    let mut predictor = Predictor::load(&arguments.run)?;
    if arguments.skip_unreadable {
        predictor.skip_unreadable();
    }
    let mut rows = Vec::new();
    for source in &arguments.inputs {
        let dataset = predictor.load_inputs(source).map_err(|error| of_source(source, &error))?;
        notes_of(source, &dataset, output);
        let predictions = predictor.predict(&dataset)?;
        let origin = dataset.provenance();
        rows.extend(predictions.into_iter().enumerate().map(|(sample, prediction)| {
            let described = origin.describe(sample);
            let input = if described.starts_with("sample ") { format!("{source}, {described}") } else { described };
            Row { input, prediction }
        }));
    }
    if rows.is_empty() {
        return Err(Failure::new("there is nothing to predict in the inputs")
            .next_step("Name files with samples")
            .into());
    }
    let names: Vec<String> = match &predictor.schema().target {
        TargetKind::Classes(names) | TargetKind::Values(names) => names.clone(),
        TargetKind::Unlabelled => Vec::new(),
    };
    let undefined: Vec<&str> = rows.iter().filter_map(undefined_sample).collect();
    undefined.iter().take(NAMED).for_each(|sample| output.remark(&undefined_words(sample)));
    if undefined.len() > NAMED {
        output.remark(&format!("and {} more samples without a prediction", undefined.len() - NAMED));
    }
    let status = if undefined.is_empty() { Status::Done } else { Status::Findings };
    let document: Vec<Value> = rows.iter().map(|row| row_json(row, &names)).collect();
    output.result(&document, || if arguments.csv { csv_text(&rows, &names) } else { table_text(&rows, &names) })?;
    Ok(status)
}

fn table_text(rows: &[Row], names: &[String]) -> String {
    let classifies = rows.iter().any(|row| matches!(row.prediction, Prediction::Class { .. }));
    let mut columns = vec![("input", Align::Left)];
    if classifies {
        columns.extend([("class", Align::Left), ("probability", Align::Right), ("next best", Align::Left)]);
    } else {
        columns.extend(names.iter().map(|name| (name.as_str(), Align::Right)));
    }
    let cells = |row: &Row| {
        let mut cells = vec![row.input.clone()];
        match &row.prediction {
            Prediction::Class { index, name, probabilities } => {
                let share = percent(f64::from(probabilities[*index]));
                cells.extend([name.clone(), share, next_best(*index, probabilities, names)]);
            }
            Prediction::Values(values) => cells.extend(values.iter().map(|value| format!("{value:.4}"))),
            Prediction::Undefined { .. } => cells.extend((1..columns.len()).map(|_| "undefined".to_owned())),
        }
        cells
    };
    table(&columns, &rows.iter().map(cells).collect::<Vec<_>>())
}

/// The sample of a row without a prediction.
fn undefined_sample(row: &Row) -> Option<&str> {
    match &row.prediction {
        Prediction::Undefined { sample } => Some(sample),
        Prediction::Class { .. } | Prediction::Values(_) => None,
    }
}

fn undefined_words(sample: &str) -> String {
    format!(
        "no prediction: the values of a sample or the outputs for it are NaN or infinite ({sample}); correct or drop it"
    )
}

/// The second most probable class; empty if there is only one.
fn next_best(best: usize, probabilities: &[f32], names: &[String]) -> String {
    let others = (0..probabilities.len()).filter(|&class| class != best);
    let second = others.max_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b]).then(b.cmp(&a)));
    second.map(|class| format!("{} {}", names[class], percent(f64::from(probabilities[class])))).unwrap_or_default()
}

fn csv_text(rows: &[Row], names: &[String]) -> String {
    let classifies = rows.iter().any(|row| matches!(row.prediction, Prediction::Class { .. }));
    let mut header = vec!["input".to_owned()];
    if classifies {
        header.push("class".to_owned());
    }
    header.extend(names.iter().cloned());
    let mut lines = vec![csv_line(&header)];
    for row in rows {
        let mut cells = vec![row.input.clone()];
        match &row.prediction {
            Prediction::Class { name, probabilities, .. } => {
                cells.push(name.clone());
                cells.extend(probabilities.iter().map(f32::to_string));
            }
            Prediction::Values(values) => cells.extend(values.iter().map(f64::to_string)),
            Prediction::Undefined { .. } => cells.extend((1..header.len()).map(|_| String::new())),
        }
        lines.push(csv_line(&cells));
    }
    lines.join("\n")
}

/// Cells with commas, quotes or line breaks are quoted, quotes in them doubled (RFC 4180).
fn csv_line(cells: &[String]) -> String {
    let quoted = |cell: &String| match cell.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.clone(),
    };
    cells.iter().map(quoted).collect::<Vec<_>>().join(",")
}

fn row_json(row: &Row, names: &[String]) -> Value {
    let by_name = |values: Vec<Value>| -> Map<String, Value> { names.iter().cloned().zip(values).collect() };
    match &row.prediction {
        Prediction::Class { index, name, probabilities } => json!({
            "input": row.input, "class": name, "probability": probabilities[*index],
            "probabilities": by_name(probabilities.iter().map(|&value| Value::from(value)).collect()),
        }),
        Prediction::Values(values) => {
            json!({ "input": row.input, "values": by_name(values.iter().map(|&value| Value::from(value)).collect()) })
        }
        Prediction::Undefined { sample } => json!({ "input": row.input, "undefined": undefined_words(sample) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        let cells = ["plain", "a,b", "say \"x\"", ""].map(String::from);
        assert_eq!(csv_line(&cells), "plain,\"a,b\",\"say \"\"x\"\"\",");
    }

    #[test]
    fn the_next_best_class_is_the_second() {
        let names = ["a", "b", "c"].map(String::from);
        assert_eq!(next_best(1, &[0.25, 0.5, 0.25], &names), "a 25.00 %");
        assert_eq!(next_best(0, &[1.0], &names[..1]), "");
    }
}
