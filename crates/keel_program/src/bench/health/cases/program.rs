//! Runs this program in a separate process, as a user starts it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use keel_train::config::string_override;
use serde_json::Value;

use super::trained::Trained;
use crate::failure::{Failure, unreadable, unwritable};

/// Maximum duration of a training run.
const LONGEST: Duration = Duration::from_secs(300);
/// Time between two checks of a process.
const PAUSE: Duration = Duration::from_millis(10);

/// The program, and the folder to which its runs are written.
#[derive(Debug)]
pub(super) struct Program {
    path: PathBuf,
    scratch: PathBuf,
}

/// A training run of a config.
#[derive(Debug)]
pub(super) struct Training<'a> {
    /// Path of the config.
    pub(super) config: &'a Path,
    /// Path of its data, if the config does not find it itself.
    pub(super) source: Option<&'a Path>,
    /// Folder of the run below the scratch folder.
    pub(super) place: &'a str,
    /// Name of the run.
    pub(super) name: &'a str,
    /// `train.seed`; the seed of the split is not changed.
    pub(super) seed: u64,
}

/// Result of applying a remedy.
#[derive(Debug)]
pub(super) enum Fixed {
    /// No program can apply it, or it does not fit.
    Refused,
    /// A config to be trained from the start.
    Config(PathBuf),
    /// Training was continued.
    Trained(Trained),
}

impl Program {
    /// Returns the running program; its training runs are written to `scratch`.
    ///
    /// # Errors
    /// If the system does not report the program's path.
    pub(super) fn this(scratch: &Path) -> Result<Program, Failure> {
        let path = std::env::current_exe().map_err(|error| {
            Failure::new(format!("cannot find the program itself: {error}")).next_step("Start it by its full path")
        })?;
        Ok(Program { path, scratch: scratch.to_owned() })
    }

    /// Trains a config to its end.
    ///
    /// # Errors
    /// If the program cannot be started.
    pub(super) fn train(&self, training: &Training<'_>) -> Result<Trained, Failure> {
        let runs = self.folder(training.place)?;
        let mut command = Command::new(&self.path);
        command.arg("train").arg(training.config);
        let mut settings = vec![
            string_override("run.directory", &runs.display().to_string()),
            string_override("run.name", training.name),
            format!("train.seed={}", training.seed),
            "data.seed=0".to_owned(),
            "train.threads=1".to_owned(),
        ];
        settings.extend(training.source.map(|path| string_override("data.source", &path.display().to_string())));
        for setting in &settings {
            command.args(["--set", setting]);
        }
        let run = runs.join(training.name);
        let answer = self.answer(command, &runs)?;
        if answer.get("metrics").is_some() {
            return Ok(Trained::of_summary(run, &answer));
        }
        // A training run that failed midway keeps its summary.
        let kept = fs::read_to_string(run.join("summary.json")).ok();
        let kept: Option<Value> = kept.and_then(|text| serde_json::from_str(&text).ok());
        Ok(match kept {
            Some(summary) => Trained::of_summary(run, &summary),
            None => Trained::refused(run, reason(&answer)),
        })
    }

    /// Applies the remedy of the finding `code` of a run.
    ///
    /// # Errors
    /// If the program cannot be started.
    pub(super) fn fix(&self, run: &Path, code: &str) -> Result<Fixed, Failure> {
        let mut command = Command::new(&self.path);
        command.arg("fix").arg(run).arg(code);
        let answer = self.answer(command, run)?;
        let path = |key: &str| answer[key].as_str().map(PathBuf::from);
        Ok(match (path("config"), path("run")) {
            (Some(config), _) => Fixed::Config(config),
            (None, Some(run)) => Fixed::Trained(Trained::of_summary(run, &answer["summary"])),
            (None, None) => Fixed::Refused,
        })
    }

    /// Removes the runs below `place`.
    ///
    /// # Errors
    /// If the file system rejects it.
    pub(super) fn forget(&self, place: &str) -> Result<(), Failure> {
        let folder = self.scratch.join(place);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unwritable(&folder, &error)),
            _ => Ok(()),
        }
    }

    fn folder(&self, place: &str) -> Result<PathBuf, Failure> {
        let folder = self.scratch.join(place);
        fs::create_dir_all(&folder).map_err(|error| unwritable(&folder, &error))?;
        Ok(folder)
    }

    /// Returns the document that `command` prints with `--json`; null if it prints none or takes too long.
    fn answer(&self, mut command: Command, folder: &Path) -> Result<Value, Failure> {
        let path = folder.join("answer.json");
        let file = File::create(&path).map_err(|error| unwritable(&path, &error))?;
        command.arg("--json").stdin(Stdio::null()).stdout(file).stderr(Stdio::null());
        let failed = |error: io::Error| Failure::new(format!("cannot run {}: {error}", self.path.display()));
        let mut process = command.spawn().map_err(failed)?;
        let began = Instant::now();
        while process.try_wait().map_err(failed)?.is_none() {
            if began.elapsed() > LONGEST {
                process.kill().and_then(|()| process.wait()).map_err(failed)?;
                return Ok(Value::Null);
            }
            sleep(PAUSE);
        }
        let text = fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }
}

/// Returns the reason why there is no result.
fn reason(answer: &Value) -> String {
    answer["error"]["message"].as_str().unwrap_or("no answer").to_owned()
}
