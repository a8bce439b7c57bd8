//! `doctor`: a training that fails, repaired.

use std::path::{Path, PathBuf};

use clap::{Args, value_parser};
use keel_data::SplitDataset;
use keel_lab::{Language, write_doctor_page};
use keel_train::config::MemoryLimit;
use keel_train::doctor::{
    Attempt, DoctorObserver, DoctorOptions, Ending, Judgement, LEAST_TRAININGS, Measured, Story, TrainingPlace,
    Treated, treat,
};
use keel_train::remedies::config_of;
use keel_train::runs::RunFolder;
use keel_train::{Config, load_data};
use serde::Serialize;

use crate::commands::lab::language;
use crate::commands::settings::{Settings, seconds};
use crate::failure::{Failure, Stop};
use crate::interruption::{Scratch, stop_flag};
use crate::terminal::{Align, Output, Status, loss_text, table, time_text, wrapped};

/// Arguments of `doctor`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evenkeel doctor my.toml                      a config whose training fails
  evenkeel doctor runs/digits-cnn              a run that went wrong
  evenkeel doctor customers.csv --target churned --budget 30m
  evenkeel doctor my.toml --trainings 40 --json

Checks and trains, tries the remedies of what leads, keeps a change if it makes the validation
result better beyond the spread over seeds, and goes on until nothing of level warn is left or
nothing helps. Then start and end are trained with seeds that decided nothing, and compared; the
test split is measured for that alone. Leaves repaired.toml, doctor.html and doctor.json in a
folder of its own; they are written after every change, so Ctrl-C loses nothing: give
repaired.toml to doctor to go on. Exit status 0: better than the start beyond the spread, or
nothing was wrong at the start. 1: anything else. 2: refused.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    settings: Settings,
    /// Time for everything (90s, 10m, 2h)
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = seconds)]
    budget: f64,
    /// Maximum number of trainings, the comparison at the end included
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(LEAST_TRAININGS..))]
    trainings: Option<u64>,
    /// Folder to write to; it must not exist [default: NAME-doctor beside the run, or in the folder of runs]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Language of the page: en or zh
    #[arg(long, default_value = "en", value_parser = language)]
    lang: Language,
    /// Refuse to start where more memory is needed (4GB, 800MB); default: what the machine has free
    #[arg(long, value_name = "SIZE")]
    memory_limit: Option<String>,
}

/// The outcome for a program.
#[derive(Debug, Serialize)]
struct Document<'a> {
    /// The repaired config; `None` where nothing was changed.
    repaired: Option<PathBuf>,
    page: PathBuf,
    #[serde(flatten)]
    story: &'a Story,
}

/// What is to be treated.
struct Patient {
    config: Config,
    data: SplitDataset,
    /// Name of the config or the run, without its ending.
    name: String,
    /// Folder that holds the folders of runs.
    directory: PathBuf,
}

/// Treats the training, writes the outcome and prints it.
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
    let mut record = Record { folder: folder.clone(), name, language: arguments.lang, told: 0, failure: None };
    let treated = treat(&config, data, &options, &mut record);
    if treated.is_err() {
        // A refused config leaves no empty folder behind.
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
                    let failure = Failure::new("--set and --target change a config, and a run has its own");
                    let config = folder.config();
                    return Err(failure.next_step(format!("Give {} in place of the run", config.display())).into());
                }
                (config_of(folder)?, folder.path().parent().unwrap_or(Path::new("")).to_owned())
            }
            None => {
                let config = self.settings.load()?;
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

/// Makes the folder `out`, which must not exist, or a new one named after the patient.
fn new_folder(out: Option<&Path>, patient: &Patient) -> Result<PathBuf, Failure> {
    let refuse = |path: &Path, error: std::io::Error| {
        let failure = Failure::new(format!("cannot make the folder {}: {error}", path.display()));
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
    Err(Failure::new("every number of a folder is taken"))
}

/// Writes the story as it grows, and tells it on standard error.
struct Record {
    folder: PathBuf,
    name: String,
    language: Language,
    /// Attempts that were told.
    told: usize,
    /// The first file that could not be written.
    failure: Option<Failure>,
}

impl Record {
    fn repaired(&self) -> PathBuf {
        self.folder.join("repaired.toml")
    }

    fn page(&self) -> PathBuf {
        self.folder.join("doctor.html")
    }

    /// Writes all files.
    fn write(&self, story: &Story, config: &Config) -> Result<(), Failure> {
        let written = |path: &Path, result: std::io::Result<()>| {
            result.map_err(|error| {
                let failure = Failure::new(format!("cannot write {}: {error}", path.display()));
                failure.next_step("Make room there, or give another folder with --out")
            })
        };
        if !story.changes.is_empty() {
            let mut config = config.clone();
            config.run.name = format!("{}-repaired", self.name);
            written(&self.repaired(), std::fs::write(self.repaired(), config.to_toml()))?;
        }
        let path = self.folder.join("doctor.json");
        let json = serde_json::to_string_pretty(story).map_err(|error| Failure::new(error.to_string()))?;
        written(&path, std::fs::write(&path, json + "\n"))?;
        write_doctor_page(story, &self.page(), self.language).map_err(|error| Failure::new(error.to_string()))
    }
}

impl DoctorObserver for Record {
    fn training(&mut self, place: &TrainingPlace<'_>) {
        let TrainingPlace { number, what, seed, seconds_left, trainings_left } = *place;
        let trainings = trainings_left.map(|left| format!(", {left} trainings")).unwrap_or_default();
        Output::note(&format!(
            "training {number:>3}  seed {seed}  {} left{trainings}  {what}",
            time_text(seconds_left)
        ));
    }

    fn story(&mut self, story: &Story, config: &Config) {
        if self.told == 0 && story.attempts.is_empty() {
            story.found.iter().for_each(|found| {
                Output::note(&format!(
                    "found         {} {} {}: {}",
                    found.level.name(),
                    found.code,
                    found.rule,
                    found.message
                ));
            });
        }
        // The last attempt may still change its judgement; it is told with the next one or at the end.
        let settled =
            if story.ending.is_some() { story.attempts.len() } else { story.attempts.len().saturating_sub(1) };
        for attempt in story.attempts.iter().take(settled).skip(self.told) {
            Output::note(&format!("  {}", attempt_text(attempt)));
        }
        self.told = self.told.max(settled);
        if let Err(failure) = self.write(story, config) {
            self.failure.get_or_insert(failure);
        }
    }
}

/// One attempt in one line.
fn attempt_text(attempt: &Attempt) -> String {
    let change = &attempt.change;
    let numbers = format!("{} -> {}", mean_text(attempt, true), mean_text(attempt, false));
    match (attempt.judgement, &attempt.refusal) {
        (Judgement::Refused, refusal) => format!("does not fit  {change}: {}", refusal.as_deref().unwrap_or_default()),
        (judgement, _) => format!("{}  {change}: {numbers}, seeds {}", judgement_text(judgement), attempt.with.len()),
    }
}

fn judgement_text(judgement: Judgement) -> &'static str {
    match judgement {
        Judgement::Helped => "kept",
        Judgement::Outdone => "outdone",
        Judgement::WithinSpread => "within the spread",
        Judgement::DidNotHelp => "did not help",
        Judgement::Refused => "does not fit",
    }
}

/// Mean score of one side, or its mean loss where there is no score.
fn mean_text(attempt: &Attempt, without: bool) -> String {
    let results = if without { &attempt.without } else { &attempt.with };
    let scores: Vec<f64> = results.iter().filter_map(|result| result.score).collect();
    let losses: Vec<f64> = results.iter().filter_map(|result| result.loss).collect();
    match (mean(&scores), mean(&losses)) {
        (Some(score), _) => format!("{score:.4}"),
        (None, Some(loss)) => format!("loss {}", loss_text(loss)),
        (None, None) => "no result".to_owned(),
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn text(document: &Document<'_>) -> String {
    let story = document.story;
    let mut text = attempts_table(story);
    if !story.start.is_empty() {
        text.push_str(&format!("\n{}\n", comparison_table(story)));
    }
    for change in &story.changes {
        let before = if change.before.is_empty() { "nothing" } else { &change.before };
        let after = if change.after.is_empty() { "nothing" } else { &change.after };
        text.push_str(&wrapped("  changed  ", &format!("{}: {before} -> {after}", change.key)));
    }
    if story.trained_epochs < story.epochs {
        let (trained, all) = (story.trained_epochs, story.epochs);
        text.push_str(&format!("Each training was cut to {trained} of {all} epochs; a longer --budget allows all.\n"));
    }
    text.push_str(&format!("\n{}", wrapped("", &ending_text(document))));
    text.push_str(&format!("Page: {}\n", document.page.display()));
    text
}

/// The attempts that were trained over several seeds or kept, and how many others there were.
fn attempts_table(story: &Story) -> String {
    if story.attempts.is_empty() {
        return "Nothing was tried.\n".to_owned();
    }
    let score = format!("validation {}", story.score);
    let columns = [
        ("tried", Align::Left),
        ("because of", Align::Left),
        (score.as_str(), Align::Right),
        ("with it", Align::Right),
        ("outcome", Align::Left),
    ];
    let row = |attempt: &Attempt| {
        vec![
            attempt.change.clone(),
            attempt.because.clone(),
            mean_text(attempt, true),
            mean_text(attempt, false),
            judgement_text(attempt.judgement).to_owned(),
        ]
    };
    table(&columns, &story.attempts.iter().map(row).collect::<Vec<_>>()) + "\n"
}

fn comparison_table(story: &Story) -> String {
    let names = [format!("validation {}", story.score), format!("test {}", story.score)];
    let columns = [
        ("mean over the seeds", Align::Left),
        (names[0].as_str(), Align::Right),
        ("validation loss", Align::Right),
        (names[1].as_str(), Align::Right),
    ];
    let row = |name: &str, side: &[Measured]| {
        let of = |value: fn(&Measured) -> Option<f64>| mean(&side.iter().filter_map(value).collect::<Vec<_>>());
        let number = |value: Option<f64>| value.map_or_else(|| "no result".to_owned(), loss_text);
        vec![
            format!("{name} ({} seeds)", side.len()),
            number(of(|run| run.validation.score)),
            number(of(|run| run.validation.loss)),
            number(of(|run| run.test.score)),
        ]
    };
    let sides = [("start", &story.start), ("end", &story.end)];
    let rows: Vec<_> = sides.iter().filter(|(_, side)| !side.is_empty()).map(|(name, side)| row(name, side)).collect();
    table(&columns, &rows)
}

fn ending_text(document: &Document<'_>) -> String {
    let story = document.story;
    let next = document.repaired.as_ref().map(|path| format!("evenkeel train {}", path.display()));
    let next = next.unwrap_or_default();
    let gain = story.comparison.map(|comparison| {
        format!("{} {:+.4}, limit {:.4}", story.score, comparison.score.mean, comparison.score.needed)
    });
    let gain = gain.unwrap_or_default();
    match story.ending {
        Some(Ending::Better) => format!("Better than the start, beyond the spread over seeds ({gain}). Next: {next}"),
        Some(Ending::NotBetter) => format!(
            "Not better than the start over seeds that decided nothing ({gain}). Next: more --budget, or look at the page"
        ),
        Some(Ending::NothingHelped) => {
            "Nothing that was tried helped. Next: more --budget, or look at the data and the labels: evenkeel check"
                .to_owned()
        }
        Some(Ending::Healthy) => "Healthy from the start: no error, no warning; nothing had to be changed.".to_owned(),
        Some(Ending::Stopped) if !next.is_empty() => {
            format!(
                "Stopped before the comparison; what was kept so far is written. Next: {next}, or doctor with that config"
            )
        }
        Some(Ending::Stopped) => "Stopped before anything was kept.".to_owned(),
        None => String::new(),
    }
}
