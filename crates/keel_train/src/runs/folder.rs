//! The folder of one run.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{Summary, database, files, write_atomically};
use crate::config::RunConfig;
use crate::error::TrainError;

/// Paths of the files of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Creates a new folder `name` in `directory`; if it exists already, `name-2`, `name-3` and so on.
    ///
    /// # Errors
    /// [`TrainError::Run`] if the folder cannot be created.
    pub fn create(directory: &Path, name: &str) -> Result<Self, TrainError> {
        files::create_folders(directory).map_err(|error| TrainError::run(directory, error))?;
        let mut number = 1;
        loop {
            let path = directory.join(if number == 1 { name.to_owned() } else { format!("{name}-{number}") });
            match files::create_folder(&path) {
                Ok(()) => {
                    let folder = RunFolder { path };
                    let checkpoints = folder.path.join("checkpoints");
                    files::create_folder(&checkpoints).map_err(|error| TrainError::run(&checkpoints, error))?;
                    return Ok(folder);
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(TrainError::run(&path, error)),
            }
        }
    }

    /// Creates the folder `path` itself, which must be absent or empty.
    ///
    /// # Errors
    /// [`TrainError::Run`] if it is not empty or cannot be created.
    pub fn create_at(path: &Path) -> Result<Self, TrainError> {
        let full = std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
        if full {
            let next = "use a folder that does not exist yet";
            return Err(TrainError::of_file(path, "the folder is not empty", next));
        }
        let checkpoints = path.join("checkpoints");
        files::create_folders(&checkpoints).map_err(|error| TrainError::run(&checkpoints, error))?;
        Ok(RunFolder { path: path.to_owned() })
    }

    /// Copies the run into the folder `path`, which must be absent or empty.
    ///
    /// # Errors
    /// [`TrainError::Run`] with the file or folder that cannot be read or written.
    pub fn copy_to(&self, path: &Path) -> Result<Self, TrainError> {
        let copy = RunFolder::create_at(path)?;
        let files: [fn(&RunFolder) -> PathBuf; 6] = [
            RunFolder::config,
            RunFolder::last_checkpoint,
            RunFolder::best_checkpoint,
            RunFolder::model,
            RunFolder::samples_picture,
            RunFolder::summary,
        ];
        for file in files {
            let (from, to) = (file(self), file(&copy));
            if from.exists() {
                files::copy(&from, &to).map_err(|error| TrainError::run(&to, error))?;
            }
        }
        if self.metrics().exists() {
            database::copy(&self.metrics(), &copy.metrics())?;
        }
        Ok(copy)
    }

    /// Opens the folder of an existing run.
    ///
    /// # Errors
    /// [`TrainError::Run`] if `path` contains no run.
    pub fn open(path: &Path) -> Result<Self, TrainError> {
        let folder = RunFolder { path: path.to_owned() };
        if folder.config().is_file() {
            return Ok(folder);
        }
        let reason = match path.exists() {
            true => "not the folder of a run: it contains no config.toml".to_owned(),
            false => no_such_folder(path),
        };
        Err(TrainError::of_file(path, reason, "use the folder of a run, which `train` prints at its end"))
    }

    /// Refers to a folder that another rank writes, perhaps on another machine.
    pub(crate) fn of_other_rank(path: &Path) -> Self {
        RunFolder { path: path.to_owned() }
    }

    /// Returns the path of the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the path of the resolved config.
    pub fn config(&self) -> PathBuf {
        self.path.join("config.toml")
    }

    /// Returns the path of the lock file, held by the process that writes to the run.
    pub fn lock_file(&self) -> PathBuf {
        self.path.join("run.lock")
    }

    /// Returns the path of the durations of the parts of the first steps, if they were requested.
    pub fn timeline(&self) -> PathBuf {
        self.path.join("timeline.json")
    }

    /// Returns the path of the summary of results.
    pub fn summary(&self) -> PathBuf {
        self.path.join("summary.json")
    }

    /// Returns the path of the database of measurements, which a run in a build without the feature `sqlite` does not write.
    pub fn metrics(&self) -> PathBuf {
        self.path.join("metrics.sqlite")
    }

    /// Returns the path of the latest checkpoint.
    pub fn last_checkpoint(&self) -> PathBuf {
        self.path.join("checkpoints").join("last.safetensors")
    }

    /// Returns the path of the checkpoint of the best epoch.
    pub fn best_checkpoint(&self) -> PathBuf {
        self.path.join("checkpoints").join("best.safetensors")
    }

    /// Returns the path of the best weights with everything prediction needs.
    pub fn model(&self) -> PathBuf {
        self.path.join("model.safetensors")
    }

    /// Returns the path of the report page.
    pub fn report(&self) -> PathBuf {
        self.path.join("report.html")
    }

    /// Returns the path of the flight record of a step with a NaN or an infinity.
    pub fn flight_record(&self) -> PathBuf {
        self.path.join("flight_recorder.json")
    }

    /// Returns the path of a picture of the first batch after augmentation.
    pub fn samples_picture(&self) -> PathBuf {
        self.path.join("samples.png")
    }

    /// Writes a text file of the run atomically.
    ///
    /// # Errors
    /// [`TrainError::Run`] with the file.
    pub fn write_text(&self, path: &Path, text: &str) -> Result<(), TrainError> {
        write_atomically(path, |file| file.write_all(text.as_bytes())).map_err(|error| TrainError::run(path, error))
    }

    /// Writes `summary.json`.
    ///
    /// # Errors
    /// [`TrainError::Run`] with the file.
    pub fn write_summary(&self, summary: &Summary) -> Result<(), TrainError> {
        let path = self.summary();
        let text = serde_json::to_string_pretty(summary).map_err(|error| TrainError::run(&path, error))?;
        self.write_text(&path, &(text + "\n"))
    }

    /// Returns the path of the importance of columns.
    pub fn importance(&self) -> PathBuf {
        self.path.join("importance.json")
    }

    /// Reads `summary.json`.
    ///
    /// # Errors
    /// [`TrainError::Run`] with the file.
    pub fn read_summary(&self) -> Result<Summary, TrainError> {
        let path = self.summary();
        let text = files::read_text(&path).map_err(|error| TrainError::unreadable(&path, error))?;
        Summary::parse(&path, &text)
    }
}

/// Returns the reason for refusing a folder that does not exist, with the runs of the most similar names beside it and in the
/// default folder of runs.
fn no_such_folder(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    let elsewhere = Path::new(&RunConfig::default().directory).join(name);
    let near = [path, &elsewhere].map(keel_data::nearest_path).into_iter().flatten();
    let mut runs: Vec<String> =
        near.filter(|near| near.join("config.toml").is_file()).map(|near| near.display().to_string()).collect();
    runs.dedup();
    match runs.is_empty() {
        true => "no such folder".to_owned(),
        false => format!("no such folder, but there is {}", runs.join(" and ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_never_collide_and_missing_runs_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let names: Vec<_> = (0..3)
            .map(|_| RunFolder::create(directory.path(), "digits").unwrap().path().file_name().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["digits", "digits-2", "digits-3"]);
        let message = RunFolder::open(&directory.path().join("absent")).unwrap_err().to_string();
        assert!(message.contains("absent: no such folder; use the folder of a run"), "{message}");
        let run = directory.path().join("digits");
        std::fs::write(run.join("config.toml"), "").unwrap();
        let message = RunFolder::open(&directory.path().join("digitz")).unwrap_err().to_string();
        assert!(message.contains(&format!("no such folder, but there is {}", run.display())), "{message}");
        let file = directory.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(RunFolder::create(&file, "digits").unwrap_err().to_string().contains("set run.directory"));
    }

    #[test]
    fn a_damaged_summary_is_refused_with_the_command_that_writes_it() {
        for text in ["", "{", r#"{"status": "finished"}"#, "[1]"] {
            let message = Summary::parse(Path::new("my runs/r/summary.json"), text).unwrap_err().to_string();
            let next = "; restore the file, or let `evenkeel train --resume 'my runs/r'` write it again";
            assert!(message.starts_with("my runs/r/summary.json: damaged, or not a summary: "), "{message}");
            assert!(message.ends_with(next), "{message}");
        }
    }

    #[test]
    fn a_summary_of_a_later_format_is_refused_with_both_versions() {
        let later = super::super::SUMMARY_FORMAT + 1;
        let text = format!(r#"{{"format": {later}, "a key of that version": 1}}"#);
        let message = Summary::parse(Path::new("summary.json"), &text).unwrap_err().to_string();
        let expected = format!("format version {later}; this program knows versions up to {}", later - 1);
        assert!(message.contains("summary.json") && message.contains(&expected), "{message}");
        assert!(message.ends_with("; use a later version of Evenkeel"), "{message}");
    }
}
