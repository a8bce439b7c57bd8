//! `doctor`: repairs a training run that fails.

mod record;
mod text;

use std::path::{Path, PathBuf};

use clap::{Args, value_parser};
use keel_data::SplitDataset;
use keel_page::Language;
use keel_train::config::MemoryLimit;
use keel_train::doctor::{DoctorOptions, Ending, LEAST_TRAININGS, Story, Treated, treat};
use keel_train::remedies::config_of;
use keel_train::runs::RunFolder;
use keel_train::{Config, load_data};
use serde::Serialize;

use crate::commands::pages::lab::language;
use crate::commands::settings::{Settings, seconds};
use crate::failure::{Failure, Stop};
use crate::interruption::{Scratch, stop_flag};
use crate::terminal::{Output, Status};

use self::record::Record;
use self::text::text;

/// Arguments of `doctor`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evenkeel doctor my.toml                      a config whose training run fails
  evenkeel doctor runs/digits-cnn              a run that went wrong
  evenkeel doctor customers.csv --target churned --budget 30m
  evenkeel doctor my.toml --trainings 40 --json

Checks and trains, tries the remedies of the leading findings, keeps a change if it improves the
validation result by more than the spread over seeds, and continues until no finding of level warn
is left or nothing helps. Then start and end are compared with seeds that took no part in any
decision; the test split is used for this alone. Writes repaired.toml, doctor.html and doctor.json
to a separate folder after every change, so Ctrl-C loses nothing: to continue, give repaired.toml
to doctor. Exit status 0: better than the start by more than the spread, or healthy from the start.
1: anything else. 2: refused.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    settings: Settings,
    /// Total time (90s, 10m, 1h30m)
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = seconds)]
    budget: f64,
    /// Maximum number of training runs, including the comparison at the end
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(LEAST_TRAININGS..))]
    trainings: Option<u64>,
    /// Folder to write to; it must not exist [default: NAME-doctor next to the run, or in the folder of runs]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Language of the page: en or zh
    #[arg(long, default_value = "en", value_parser = language)]
    lang: Language,
    /// Refuse to start if more memory is needed (4GB, 800MB); default: the free memory of the machine
    #[arg(long, value_name = "SIZE")]
    memory_limit: Option<String>,
}

/// Outcome as JSON.
#[derive(Debug, Serialize)]
pub(super) struct Document<'a> {
    /// Path of the repaired config; `None` if nothing was changed.
    repaired: Option<PathBuf>,
    page: PathBuf,
    #[serde(flatten)]
    story: &'a Story,
}

/// The training run to be treated.
struct Patient {
    config: Config,
    data: SplitDataset,
    /// Name of the config without its extension, or of the run.
    name: String,
    /// Folder that contains the folders of runs.
    directory: PathBuf,
}

/// Treats the training run, writes the outcome and prints it.
pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<Status, Stop> {
    let patient = arguments.patient(output)?;
    let folder = new_folder(arguments.out.as_deref(), &patient)?;
    let scratch = Scratch::new("doctor")?;
    let options = DoctorOptions {
        seconds: arguments.budget,
        trainings: arguments.trainings,
        scratch: scratch.path().to_owned(),
        stop: stop_flag(),
    };
    let Patient { config, data, name, .. } = patient;
    let mut record = Record::new(folder.clone(), name, arguments.lang);
    let treated = treat(&config, data, &options, &mut record);
    if treated.is_err() {
        // A rejected config leaves no empty folder behind.
        let _ = std::fs::remove_dir(&folder);
    }
    let Treated { story, .. } = treated.map_err(|error| arguments.settings.placed(error))?;
    if let Some(failure) = record.failure.take() {
        return Err(failure.into());
    }
    let repaired = (!story.changes.is_empty()).then(|| record.repaired());
    let document = Document { repaired, page: record.page(), story: &story };
    output.result(&document, || text(&document))?;
    Ok(if story.ending.is_some_and(Ending::is_good) { Status::Done } else { Status::Findings })
}

impl Arguments {
    /// Reads the config or the run, and its data.
    fn patient(&self, output: &Output) -> Result<Patient, Stop> {
        let named = self.settings.config.as_deref().map(Path::new);
        let run = named.filter(|path| path.is_dir()).and_then(|path| RunFolder::open(path).ok());
        let (mut config, directory) = match &run {
            Some(folder) => {
                if !self.settings.overrides().is_empty() {
                    let failure = Failure::new("--set and --target change a config, but a run has its own");
                    let config = folder.config();
                    return Err(failure.next_step(format!("Give {} instead of the run", config.display())).into());
                }
                (config_of(folder)?, folder.path().parent().unwrap_or(Path::new("")).to_owned())
            }
            None => {
                let config = self.settings.load(output)?;
                let directory = PathBuf::from(&config.run.directory);
                (config, directory)
            }
        };
        if let Some(note) = self.settings.ambiguity() {
            output.remark(&format!("note        {note}"));
        }
        if let Some(limit) = &self.memory_limit {
            config.train.memory_limit = MemoryLimit::Text(limit.clone());
        }
        let data = load_data(&config).map_err(|error| self.settings.placed(error))?;
        let stem = named.and_then(Path::file_stem).map(|stem| stem.to_string_lossy().into_owned());
        let name = stem.unwrap_or_else(|| data.dataset.name().to_owned());
        let name: String =
            name.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
        Ok(Patient { config, data, name: name.trim_start_matches('.').to_owned(), directory })
    }
}

/// Creates the folder `out`, which must not exist, or a new one named after the patient.
fn new_folder(out: Option<&Path>, patient: &Patient) -> Result<PathBuf, Failure> {
    let refuse = |path: &Path, error: std::io::Error| {
        let failure = Failure::new(format!("cannot create the folder {}: {error}", path.display()));
        failure.next_step("Give another one with --out")
    };
    if let Some(out) = out {
        if out.exists() {
            let failure = Failure::new(format!("{} exists already", out.display()));
            return Err(failure.next_step("Give a folder that does not exist yet with --out"));
        }
        std::fs::create_dir_all(out).map_err(|error| refuse(out, error))?;
        return Ok(out.to_owned());
    }
    std::fs::create_dir_all(&patient.directory).map_err(|error| refuse(&patient.directory, error))?;
    let first = format!("{}-doctor", patient.name);
    for number in 1_u64.. {
        let name = if number == 1 { first.clone() } else { format!("{first}-{number}") };
        let path = patient.directory.join(name);
        match std::fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(refuse(&path, error)),
        }
    }
    Err(Failure::new("all numbers for a folder are taken"))
}
