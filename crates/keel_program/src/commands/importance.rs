//! `importance`: measures which columns of a table a model relies on.

use std::path::{Path, PathBuf};

use clap::Args;
use keel_data::SplitDataset;
use keel_train::metrics::MetricName;
use keel_train::runs::RunFolder;
use keel_train::{ColumnImportance, Importance, ImportanceOptions, Predictor, RunData};

use super::pages::report;
use crate::failure::{Failure, Stop};
use crate::failure_sources::of_source;
use crate::inputs::{ChangedDataOption, RunDataReader};
use crate::terminal::{Align, Output, Status, metric_text, plural, table, wrapped};

/// Maximum number of multiplications for which `train` measures importance at its end: under two seconds.
const WORK_AFTER_TRAINING: f64 = 4e9;

/// Maximum number of features for which `train` measures importance at its end.
const FEATURES_AFTER_TRAINING: usize = 200;

/// Arguments of `importance`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evenkeel importance runs/wine-mlp                   the test split of the run's own data
  evenkeel importance runs/wine-mlp new-wines.csv     other labelled data
  evenkeel importance runs/wine-mlp --metric log_loss --repeats 20

The values of one column are exchanged between the samples, and the loss in the metric is
measured. Columns with the same information can replace each other, so both look unimportant.")]
pub(crate) struct Arguments {
    /// Folder of a run, or its model.safetensors
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Labelled data to use instead of the run's own
    #[arg(value_name = "DATA", value_hint = clap::ValueHint::AnyPath)]
    data: Option<String>,
    /// Number of permutations of each column
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    repeats: u16,
    /// Seed of the random draws
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Metric to measure [default: train.metric, or accuracy and R2]
    #[arg(long, value_name = "METRIC")]
    metric: Option<String>,
    #[command(flatten)]
    changed: ChangedDataOption,
}

/// Measures the importance, prints it, and writes it to the folder of the run.
pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<Status, Stop> {
    let metric = metric_of(arguments.metric.as_deref())?;
    let options = ImportanceOptions { repeats: arguments.repeats.into(), seed: arguments.seed, metric };
    let predictor = Predictor::load(&arguments.run)?;
    let importance = match &arguments.data {
        Some(source) => {
            let dataset = predictor.load_data(source).map_err(|error| of_source(source, &error))?;
            let notes = dataset.notes().iter();
            notes.for_each(|note| output.remark(&format!("note        {source}: {note}")));
            let all: Vec<usize> = (0..dataset.samples()).collect();
            Importance::measure(&predictor, &dataset, &all, source, options)?
        }
        None => {
            let Arguments { run, changed, .. } = arguments;
            let reader = RunDataReader { command: "importance", run, changed: changed.treatment() };
            let RunData { split, change } = reader.read(&predictor, output)?;
            let importance = of_run(&predictor, &split, options)?;
            output.result(&importance, || text(&importance))?;
            // Importance on changed data is not a result of the run.
            if run.is_dir() && change.is_none() {
                store(&importance, run, output);
            }
            return Ok(Status::Done);
        }
    };
    output.result(&importance, || text(&importance))?;
    Ok(Status::Done)
}

/// Writes the importance to the folder of the run and renews its report; a failure to write is reported as a remark, because the
/// result has been printed.
fn store(importance: &Importance, run: &Path, output: &Output) {
    let written = RunFolder::open(run).and_then(|folder| importance.write(&folder).map(|()| folder));
    match written {
        Ok(folder) => report::after_change(&folder, output),
        Err(error) => output.warning(&format!("note        not stored in the run: {error}")),
    }
}

/// Measures importance after training on a small table, for its report; a failure is reported as a remark.
pub(super) fn after_training(folder: &Path, data: &SplitDataset, output: &Output) {
    let measured = || -> Result<(), Stop> {
        let predictor = Predictor::load(folder)?;
        let columns = predictor.schema().groups().len();
        let features = predictor.schema().sample_shape.len();
        let rows = tested(data).1.len();
        let options = ImportanceOptions::default();
        let passes = (columns * options.repeats) as f64 * rows as f64;
        let work = passes * predictor.network().graph.parameter_length() as f64;
        if columns < 2 || rows < 2 || features > FEATURES_AFTER_TRAINING || work > WORK_AFTER_TRAINING {
            return Ok(());
        }
        of_run(&predictor, data, options)?.write(&RunFolder::open(folder)?)?;
        Ok(())
    };
    if let Err(Stop::Failed(failure)) = measured() {
        output.warning(&format!("the importance of the columns was not measured: {failure}"));
    }
}

/// Measures importance on the test split, or on the validation split if there is none.
fn of_run(predictor: &Predictor, data: &SplitDataset, options: ImportanceOptions) -> Result<Importance, Stop> {
    let (part, indices) = tested(data);
    Ok(Importance::measure(predictor, &data.dataset, indices, part, options)?)
}

fn tested(data: &SplitDataset) -> (&'static str, &[usize]) {
    if data.test.is_empty() { ("validation", &data.validation) } else { ("test", &data.test) }
}

fn metric_of(name: Option<&str>) -> Result<MetricName, Stop> {
    let Some(name) = name else { return Ok(MetricName::Auto) };
    MetricName::with_name(name).ok_or_else(|| {
        let of_classes = MetricName::shown(true).filter(|&metric| metric != MetricName::Loss);
        let names: Vec<&str> = of_classes.chain(MetricName::shown(false)).map(MetricName::name).collect();
        let failure = Failure::new(format!("--metric: there is no metric `{name}`"));
        failure.next_step(format!("Use one of {}", names.join(", "))).into()
    })
}

fn text(importance: &Importance) -> String {
    let Importance { part, metric, score, samples, repeats, .. } = importance;
    let title = metric.title();
    let lead = format!(
        "{title} is {} over {} of {part}. Exchanging the values of one column between the samples makes it worse by:",
        metric_text(*metric, Some(*score)),
        plural(*samples, "sample"),
    );
    let number = |value: f64| if metric.is_share() { format!("{:.2} %", 100.0 * value) } else { format!("{value:.4}") };
    let row = |column: &ColumnImportance| vec![column.name.clone(), number(column.mean), number(column.std)];
    let rows: Vec<Vec<String>> = importance.columns.iter().map(row).collect();
    let spread = format!("std of {repeats}");
    let columns = [("column", Align::Left), ("mean", Align::Right), (spread.as_str(), Align::Right)];
    format!("{}\n{}\n", wrapped("", &lead), table(&columns, &rows))
}
