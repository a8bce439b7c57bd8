//! `eval`: computes metrics of a trained model.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use keel_data::{Dataset, Wanted};
use keel_health::Finding;
use keel_train::metrics::Metrics;
use keel_train::{Predictor, UnlikeInputs};
use serde_json::json;

use crate::failure::{Failure, Stop};
use crate::failure_sources::of_source;
use crate::inputs::{self, ChangedDataOption, RunDataReader};
use crate::terminal::{
    Output, Status, classes_table, confusion_text, inputs_finding, metrics_line, metrics_table, targets_table,
};

/// Arguments of `eval`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evenkeel eval runs/digits-cnn                    the test split of the run's own data
  evenkeel eval runs/digits-cnn --part validation
  evenkeel eval runs/wine-mlp new-wines.csv        other labelled data
  evenkeel eval runs/wine-mlp 'wines-*.csv'        several files as one
  evenkeel eval runs/digits-cnn --json")]
pub(crate) struct Arguments {
    /// Folder of a run, or its model.safetensors
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Labelled data to use instead of the run's own: files, folders, patterns in quotes, or - for standard input
    #[arg(value_name = "DATA", conflicts_with = "part", value_hint = clap::ValueHint::AnyPath)]
    data: Vec<String>,
    /// Part of the run's own data
    #[arg(long, value_enum, default_value_t = EvaluatedPart::Test)]
    part: EvaluatedPart,
    /// Leave out unreadable images and count them, instead of stopping at the first one
    #[arg(long)]
    skip_unreadable: bool,
    #[command(flatten)]
    changed: ChangedDataOption,
}

/// A part of a run's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum EvaluatedPart {
    /// The samples the network was trained on
    Train,
    /// The samples by which the best epoch was chosen
    Validation,
    /// The samples that took no part in training
    Test,
}

impl EvaluatedPart {
    fn name(self) -> &'static str {
        match self {
            EvaluatedPart::Train => "train",
            EvaluatedPart::Validation => "validation",
            EvaluatedPart::Test => "test",
        }
    }
}

/// Evaluates the model and prints the metrics.
pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<Status, Stop> {
    let mut predictor = Predictor::load(&arguments.run)?;
    if arguments.skip_unreadable {
        predictor.skip_unreadable();
    }
    let Evaluated { name, metrics, findings } = match arguments.data.as_slice() {
        [] => evaluate_part(&predictor, arguments, output)?,
        data => {
            let loaded = inputs::load(&predictor, data, Wanted::Targets, output)?;
            let datasets: Vec<&Dataset> = loaded.iter().map(|input| &input.dataset).collect();
            let name = data.join(", ");
            let metrics = predictor.evaluate_all(&datasets).map_err(|error| of_source(&name, &error))?;
            Evaluated { metrics, findings: inputs::findings(&predictor, &loaded), name }
        }
    };
    findings.iter().for_each(|finding| output.remark(&inputs_finding(finding)));
    let document = json!({ "run": arguments.run, "data": name, "metrics": metrics, "findings": findings });
    output.result(&document, || text(&name, &metrics, predictor.class_names()))?;
    Ok(if metrics.left_out.is_some() { Status::Findings } else { Status::Done })
}

/// Data with its metrics, and findings about its inputs.
struct Evaluated {
    name: String,
    metrics: Metrics,
    findings: Vec<Finding>,
}

fn evaluate_part(predictor: &Predictor, arguments: &Arguments, output: &Output) -> Result<Evaluated, Stop> {
    let Arguments { run, part, changed, .. } = arguments;
    let reader = RunDataReader { command: "eval", run, changed: changed.treatment() };
    let data = reader.read(predictor, output)?.split;
    let indices = match part {
        EvaluatedPart::Train => &data.train,
        EvaluatedPart::Validation => &data.validation,
        EvaluatedPart::Test => &data.test,
    };
    if indices.is_empty() {
        let failure = Failure::new(format!("the run's data has no {} split", part.name()));
        return Err(failure.next_step("Name other data, or another part with --part").into());
    }
    let metrics = predictor.evaluate(&data.dataset, indices)?;
    let mut unlike = UnlikeInputs::new(predictor.training_ranges());
    unlike.add(&data.dataset, indices.iter().copied());
    Ok(Evaluated { name: part.name().to_owned(), metrics, findings: unlike.findings() })
}

fn text(name: &str, metrics: &Metrics, classes: &[String]) -> String {
    let line = metrics_line(name, metrics);
    let mut text = format!("{line}\n\n{}\n", metrics_table(&[("value", metrics)]));
    for table in [classes_table(metrics), targets_table(metrics)] {
        if !table.is_empty() {
            text.push_str(&format!("\n{table}\n"));
        }
    }
    if let Some(confusion) = &metrics.confusion {
        text.push_str(&format!("\n{}\n", confusion_text(confusion, classes)));
    }
    text
}
