//! `bench doctor`: compares the doctor with a random search at equal training time.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::bench::doctor::{measure, outcomes_table, read_cases};
use crate::commands::settings::seconds;
use crate::failure::Stop;
use crate::interruption::stop_flag;
use crate::terminal::{Output, Status};

/// Arguments of `bench doctor`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evenkeel bench doctor --cases cases
  evenkeel bench doctor --cases cases --data cases/data --budget 2m --only sigmoid
  evenkeel bench doctor --cases cases --json > doctor.json

FOLDER holds faulty/NAME.toml and its repaired version faulty/NAME_fixed.toml. The random search
draws learning rate, optimizer, decay, preprocessing, initialisation, activation, width, depth,
dropout, batch size and epochs, for as long as the doctor took. A cure closes 80 % of the distance
to the repaired program on the test split, in the mean over three seeds.")]
pub(crate) struct Arguments {
    /// Folder with the faulty programs
    #[arg(long, value_name = "FOLDER")]
    cases: PathBuf,
    /// Folder to search for data that is not next to its config
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Time the doctor may take for each case (90s, 10m)
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = seconds)]
    budget: f64,
    /// Only cases whose name contains this
    #[arg(long, value_name = "WORD", default_value = "")]
    only: String,
}

/// Measures all cases and prints the results.
pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<Status, Stop> {
    let cases = read_cases(&arguments.cases, arguments.data.as_deref(), &arguments.only)?;
    let outcomes = measure(&cases, arguments.budget, &stop_flag())?;
    let document = json!({ "budget_seconds": arguments.budget, "cases": outcomes });
    output.result(&document, || outcomes_table(&outcomes, &arguments.cases))?;
    Ok(Status::Done)
}
