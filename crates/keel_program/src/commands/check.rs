//! `check`: examines a training run before its first step.

use std::time::Duration;

use clap::Args;
use keel_train::check::{Check, CheckedLayer, GradientComparison, ParameterComparison, check};
use keel_train::load_data;

use super::settings::{Settings, seconds};
use crate::failure::Stop;
use crate::terminal::{Align, Output, Status, findings_text, percent, shape_text, status_of, table, wrapped};

/// Arguments of `check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evenkeel check                                   the default network
  evenkeel check my.toml --set model.init=zeros    a config file, one key changed
  evenkeel check resnet20 --budget 60s --json      more time for the slow tests

Checks the data, the labels and the signal before the first update, compares the gradient with
finite differences and the outputs of a sample alone with those of the same sample in a batch, and
memorises a handful of samples. Nothing is written. Exit status 1 if a finding is an error.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    settings: Settings,
    /// Time limit of each of the two slow tests (10s, 1m); a test that exceeds it is reported as inconclusive
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = seconds)]
    budget: f64,
    /// Exit with status 1 on warnings as well
    #[arg(long)]
    strict: bool,
}

/// Checks the config and prints the findings.
pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<Status, Stop> {
    let config = arguments.settings.load(output)?;
    let placed = |error| arguments.settings.placed(error);
    let data = load_data(&config).map_err(placed)?;
    let checked = check(&config, data, Duration::from_secs_f64(arguments.budget.min(86_400.0))).map_err(placed)?;
    output.result(&checked, || text(&checked))?;
    Ok(status_of(&checked.findings, arguments.strict))
}

fn text(checked: &Check) -> String {
    let mut text = format!("{}\n", layers_text(&checked.layers));
    if let Some(gradient) = &checked.gradient {
        text.push_str(&format!("\n{}\n", gradient_text(gradient)));
    }
    text.push('\n');
    for note in &checked.notes {
        text.push_str(&wrapped("", note));
    }
    text.push_str(&format!("\n{}\nThe check took {:.1} s.\n", findings_text(&checked.findings), checked.seconds));
    text
}

/// Formats the signal and its gradient before the first update, layer by layer.
fn layers_text(layers: &[CheckedLayer]) -> String {
    let columns = [
        ("layer at the start", Align::Left),
        ("output", Align::Right),
        ("std", Align::Right),
        ("gradient rms", Align::Right),
        ("dead", Align::Right),
        ("saturated", Align::Right),
    ];
    let share = |value: Option<f32>| value.map(|value| percent(f64::from(value))).unwrap_or_default();
    let row = |layer: &CheckedLayer| {
        vec![
            layer.name.clone(),
            shape_text(&layer.output_shape),
            layer.output_std.map(|value| format!("{value:.3}")).unwrap_or_default(),
            layer.gradient_rms.map(|value| format!("{value:.1e}")).unwrap_or_default(),
            share(layer.dead_fraction),
            share(layer.saturated_fraction),
        ]
    };
    table(&columns, &layers.iter().map(row).collect::<Vec<_>>())
}

/// Formats the comparison of the gradient with finite differences, parameter by parameter.
fn gradient_text(gradient: &GradientComparison) -> String {
    let columns = [
        ("gradient check", Align::Left),
        ("error beyond rounding", Align::Right),
        ("directions", Align::Right),
        ("lost in rounding", Align::Right),
        ("at kinks", Align::Right),
    ];
    let row = |parameter: &ParameterComparison| {
        let error = match (parameter.compared, parameter.relative_error) {
            (0, _) => "-".to_owned(),
            (_, 0.0) => "none".to_owned(),
            (_, error) => format!("{error:.1e}"),
        };
        let counts = [parameter.compared, parameter.undecided, parameter.at_kinks];
        [parameter.name.clone(), error].into_iter().chain(counts.map(|count| count.to_string())).collect()
    };
    table(&columns, &gradient.parameters.iter().map(row).collect::<Vec<_>>())
}
