//! Writes the files of the doctor as the story grows, and reports its progress on standard error.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use keel_page::Language;
use keel_report::write_doctor_page;
use keel_train::Config;
use keel_train::doctor::{Attempt, DoctorObserver, Judgement, Story, TrainingPlace};
use keel_train::runs::write_atomically;

use super::text::attempt_text;
use crate::failure::Failure;
use crate::terminal::{Output, time_text};

/// Writes the story as it grows, and reports it on standard error.
pub(super) struct Record {
    folder: PathBuf,
    name: String,
    language: Language,
    /// Places of the reported attempts in the story.
    reported: BTreeSet<usize>,
    /// True once the findings of the first training run were reported.
    found_reported: bool,
    /// First failure to write a file.
    pub(super) failure: Option<Failure>,
}

impl Record {
    /// Creates a record that writes to `folder`; `name` is that of the config or the run.
    pub(super) fn new(folder: PathBuf, name: String, language: Language) -> Self {
        Record { folder, name, language, reported: BTreeSet::new(), found_reported: false, failure: None }
    }

    /// Returns the path of the repaired config.
    pub(super) fn repaired(&self) -> PathBuf {
        self.folder.join("repaired.toml")
    }

    /// Returns the path of the page.
    pub(super) fn page(&self) -> PathBuf {
        self.folder.join("doctor.html")
    }

    /// Writes all files.
    fn write(&self, story: &Story, config: &Config) -> Result<(), Failure> {
        let written = |path: &Path, result: std::io::Result<()>| {
            result.map_err(|error| {
                let failure = Failure::new(format!("cannot write {}: {error}", path.display()));
                failure.next_step("Free space there, or give another folder with --out")
            })
        };
        if !story.changes.is_empty() {
            let mut config = config.clone();
            config.run.name = format!("{}-repaired", self.name);
            let text = config.to_toml();
            written(&self.repaired(), write_atomically(&self.repaired(), |file| file.write_all(text.as_bytes())))?;
        }
        let path = self.folder.join("doctor.json");
        let json = serde_json::to_string_pretty(story).map_err(|error| Failure::new(error.to_string()))?;
        written(&path, write_atomically(&path, |file| writeln!(file, "{json}")))?;
        write_doctor_page(story, &self.page(), self.language).map_err(|error| Failure::new(error.to_string()))
    }
}

/// Returns the places of the attempts whose judgement no longer changes: a promising one is still compared over more seeds,
/// until the story ends.
fn settled(story: &Story) -> Vec<usize> {
    let is_settled = |attempt: &Attempt| story.ending.is_some() || attempt.judgement != Judgement::Promising;
    (0..story.attempts.len()).filter(|&place| is_settled(&story.attempts[place])).collect()
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
        if story.attempts.is_empty() && !std::mem::replace(&mut self.found_reported, true) {
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
        for place in settled(story) {
            if self.reported.insert(place) {
                Output::note(&format!("  {}", attempt_text(&story.attempts[place])));
            }
        }
        if let Err(failure) = self.write(story, config) {
            self.failure.get_or_insert(failure);
        }
    }
}
