//! `predict`: predicts new data with a model.

mod columns;
mod csv_text;
mod dialect;
mod json_text;
mod out_file;
mod rows;
mod text;

use std::path::PathBuf;

use clap::Args;
use keel_data::Wanted;
use keel_train::Predictor;
use serde_json::json;

use crate::failure::Stop;
use crate::inputs;
use crate::terminal::{Output, Status, inputs_finding, plural};
use columns::Columns;
use out_file::OutFile;
use rows::Row;

/// Arguments of `predict`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evenkeel predict runs/digits-cnn seven.png                one image
  evenkeel predict runs/pets-cnn photos/ 'new/**/*.jpg'     folders of any layout and patterns
  evenkeel predict runs/wine-mlp wines.csv --json           a table
  evenkeel predict runs/wine-mlp wines.csv --append --out wines-predicted.csv
  evenkeel predict runs/wine-mlp wines.csv --id bottle      rows named by a column
  cat wines.jsonl | evenkeel predict runs/wine-mlp -        standard input: CSV or JSON lines")]
pub(crate) struct Arguments {
    /// Folder of a run, or its model.safetensors
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Files, folders, patterns in quotes, or - for standard input, of the kind the model was trained on
    #[arg(value_name = "INPUT", required = true, value_hint = clap::ValueHint::AnyPath)]
    inputs: Vec<String>,
    /// Print comma-separated values, with one column per class or target
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// Write the predictions to a file that ends in .csv, .json or .jsonl; an existing file is replaced as a whole
    #[arg(long, value_name = "FILE", conflicts_with = "csv")]
    out: Option<PathBuf>,
    /// Keep the columns of the input and add those of the prediction; CSV keeps its delimiter, decimal sign and line
    /// ends, is written in UTF-8, and has quotes only around cells that need them
    #[arg(long)]
    append: bool,
    /// Show this column of the input next to each prediction; may be repeated
    #[arg(long, value_name = "COLUMN")]
    id: Vec<String>,
    /// Leave out unreadable images and count them, instead of stopping at the first one
    #[arg(long)]
    skip_unreadable: bool,
}

/// Maximum number of samples without a prediction that are named.
const NAMED: usize = 3;

/// Predicts every sample of every input.
pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<Status, Stop> {
    let file = arguments.out.as_deref().map(OutFile::new).transpose()?;
    let mut predictor = Predictor::load(&arguments.run)?;
    if arguments.skip_unreadable {
        predictor.skip_unreadable();
    }
    let loaded = inputs::load(&predictor, &arguments.inputs, Wanted::Inputs, output)?;
    let columns = Columns::new(&predictor, &loaded, arguments)?;
    let mut rows = Vec::new();
    for input in &loaded {
        rows.extend(Row::of(&predictor, input, &columns)?);
    }
    let findings = inputs::findings(&predictor, &loaded);
    findings.iter().for_each(|finding| output.remark(&inputs_finding(finding)));
    match file {
        Some(file) => {
            file.write(&columns, &rows)?;
            let written = json!({ "written": file.path(), "samples": rows.len(), "findings": findings });
            let predictions = plural(rows.len() as u64, "prediction");
            output.result(&written, || format!("{predictions} written to {}", file.described(&columns)))?;
        }
        None => {
            let documents = json_text::documents(&columns, &rows);
            match arguments.csv {
                true => output.data(&documents, || csv_text::text(&columns, &rows))?,
                false => output.result(&documents, || text::text(&columns, &rows))?,
            }
        }
    }
    let undefined: Vec<&str> = rows.iter().filter_map(Row::undefined).collect();
    undefined.iter().take(NAMED).for_each(|sample| output.warning(&undefined_words(sample)));
    if undefined.len() > NAMED {
        output.warning(&format!("and {} further samples without a prediction", undefined.len() - NAMED));
    }
    Ok(if undefined.is_empty() { Status::Done } else { Status::Findings })
}

fn undefined_words(sample: &str) -> String {
    format!("no prediction: inputs or outputs of a sample are NaN or infinite ({sample}); correct or drop it")
}
