//! `bench health`: the fault suite of the health rules.

use std::path::PathBuf;

use clap::Args;
use keel_health::find_rule;
use keel_health::rules::{dead_relu, update_ratio};
use serde_json::json;

use crate::bench::health::{
    CALIBRATION_SEED, FAULTS, HEALTHY, SCORING_SEED, cases, distributions, distributions_table, run as run_suite,
    score, study, table,
};
use crate::failure::{Failure, Stop};
use crate::terminal::{Output, Status};

/// Arguments of `bench health`.
#[derive(Debug, Args)]
#[command(after_help = format!(
    "\
Examples:
  evenkeel bench health
  evenkeel bench health --seeds 1 --only constant_init,raw_inputs,plain
  evenkeel bench health --only healthy --seeds 3
  evenkeel bench health --calibrate
  evenkeel bench health --cases bench/health/cases
  evenkeel bench health --cases bench/health/cases --only sgd,dropout --seeds 1
  evenkeel bench health --remedies
  evenkeel bench health --remedies --only {dead},{update} --json > study.json
  evenkeel bench health --json > suite.json",
    dead = dead_relu::CODE,
    update = update_ratio::CODE,
))]
pub(crate) struct Arguments {
    /// Seeds of every fault and network
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=1000))]
    seeds: u64,
    /// Only these faults and healthy training runs, by name; `faults` and `healthy` select all of a kind. With --cases: only
    /// cases with one of these words in their names. With --remedies: only these rules
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    only: Vec<String>,
    /// Also measure the statistics behind the thresholds, on seeds that are never used for scores
    #[arg(long)]
    calibrate: bool,
    /// Train the cases of this folder instead: faulty/NAME.toml, faulty/NAME_fixed.toml and healthy/NAME.toml, each with
    /// its expected findings in the first line
    #[arg(long, value_name = "FOLDER", conflicts_with = "calibrate")]
    cases: Option<PathBuf>,
    /// Folder that the cases call `data` [default: the folder `data` next to them]
    #[arg(long, value_name = "FOLDER", requires = "cases")]
    data: Option<PathBuf>,
    /// Study the levels instead: train faults from mild to severe with and without the remedy of each finding, and report
    /// how often and by how much the validation result improves
    #[arg(long, conflicts_with_all = ["calibrate", "cases"])]
    remedies: bool,
}

/// Runs the suite, scores it, and shows the statistics behind the thresholds if requested; or trains a folder of
/// cases, or studies the remedies.
pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<Status, Stop> {
    if let Some(folder) = &arguments.cases {
        let options = cases::Options {
            folder,
            data: arguments.data.as_deref(),
            only: &arguments.only,
            seeds: arguments.seeds,
            note: Output::note,
        };
        let document = cases::run(&options)?;
        output.result(&document, || cases::table(&document))?;
        return Ok(Status::Done);
    }
    if arguments.remedies {
        let only = codes(&arguments.only)?;
        let document = study::run(&study::Options { only: &only, seeds: arguments.seeds, note: Output::note })?;
        output.result(&document, || study::table(&document))?;
        return Ok(Status::Done);
    }
    check_names(&arguments.only)?;
    let first_seed = if arguments.calibrate { CALIBRATION_SEED } else { SCORING_SEED };
    let runs = run_suite(&arguments.only, first_seed, arguments.seeds)?;
    let mut document = score(&runs);
    document["seeds"] = json!({ "first": first_seed, "count": arguments.seeds });
    if arguments.calibrate {
        document["statistics"] = distributions(&runs);
    }
    output.result(&document, || match document.get("statistics") {
        Some(statistics) => format!("{}\n\n{}", distributions_table(statistics), table(&document)),
        None => table(&document),
    })?;
    Ok(Status::Done)
}

/// Returns the codes of the named rules.
fn codes(only: &[String]) -> Result<Vec<&'static str>, Stop> {
    only.iter().map(|name| Ok(find_rule(name)?.code)).collect()
}

fn check_names(only: &[String]) -> Result<(), Failure> {
    let known = || {
        FAULTS.iter().map(|fault| (fault.name, fault.summary)).chain(HEALTHY.iter().map(|run| (run.name, run.summary)))
    };
    let unknown = only.iter().find(|name| {
        !["faults", "healthy"].contains(&name.as_str()) && known().all(|(known, _)| known != name.as_str())
    });
    let Some(unknown) = unknown else { return Ok(()) };
    let names: Vec<String> = known().map(|(name, summary)| format!("{name} ({summary})")).collect();
    let next = format!("there are faults, healthy, {}", names.join(", "));
    Err(Failure::new(format!("--only {unknown}: no such fault or network")).next_step(next))
}
