//! One reader per run, shared by all viewers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use keel_train::runs::RunFolder;
use serde::Serialize;

use super::run_data::RunData;
use crate::error::Refusal;
use crate::runs::Stamp;

/// Minimum time between two readings of a run.
const FRESH: Duration = Duration::from_millis(900);

/// Steps kept in memory over all runs, about 80 MB; beyond it, the least recently viewed runs are dropped and read again.
const MOST_STEPS: usize = 2_000_000;

/// Number of answers kept per run; the pages request about ten.
const MOST_ANSWERS: usize = 64;

/// Runs that have been viewed.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    slots: Mutex<HashMap<String, Arc<Mutex<Slot>>>>,
    /// Held while an expensive answer is computed.
    turn: Mutex<()>,
}

/// A run in memory.
#[derive(Debug, Default)]
struct Slot {
    looked: Option<Instant>,
    used: Option<Instant>,
    stamp: Option<Stamp>,
    data: Option<RunData>,
    /// Cached answers, valid while the files of the run are unchanged.
    answers: HashMap<String, Arc<str>>,
}

impl Hub {
    /// Returns the result of `read` for the run `name` in `folder`, at most [`FRESH`] old.
    ///
    /// # Errors
    /// Fails if the database of the run cannot be read.
    pub(crate) fn with<T>(
        &self,
        name: &str,
        folder: &RunFolder,
        read: impl FnOnce(&RunData) -> T,
    ) -> Result<T, Refusal> {
        let slot = self.slot(name);
        let result = lock(&slot).with(folder, read);
        self.make_room(name);
        result
    }

    /// Returns the JSON that `make` computes for the request `question`, cached until a file of the run changes.
    ///
    /// # Errors
    /// Fails under the same conditions as [`Hub::with`].
    pub(crate) fn answer<T: Serialize>(
        &self,
        name: &str,
        folder: &RunFolder,
        question: String,
        make: impl FnOnce(&RunData) -> T,
    ) -> Result<Arc<str>, Refusal> {
        let slot = self.slot(name);
        let answer = lock(&slot).answer(folder, question, make);
        self.make_room(name);
        answer
    }

    /// Works like [`Hub::answer`], for an answer whose data `make` reads itself and that may take seconds: the run can
    /// be read meanwhile, and only one such answer is computed at a time.
    ///
    /// # Errors
    /// Fails if `make` fails.
    pub(crate) fn answer_apart<T: Serialize>(
        &self,
        name: &str,
        folder: &RunFolder,
        question: String,
        make: impl FnOnce() -> Result<T, Refusal>,
    ) -> Result<Arc<str>, Refusal> {
        let slot = self.slot(name);
        let known = |slot: &Mutex<Slot>| -> Result<_, Refusal> {
            let mut slot = lock(slot);
            slot.look(folder)?;
            Ok((slot.answers.get(&question).cloned(), slot.stamp.clone()))
        };
        if let (Some(answer), _) = known(&slot)? {
            return Ok(answer);
        }
        let _turn = lock(&self.turn);
        let (answer, stamp) = known(&slot)?;
        if let Some(answer) = answer {
            return Ok(answer);
        }
        let answer: Arc<str> = serde_json::to_string(&make()?).map_err(Refusal::failed)?.into();
        let mut slot = lock(&slot);
        if slot.stamp == stamp {
            slot.remember(question, &answer);
        }
        Ok(answer)
    }

    fn slot(&self, name: &str) -> Arc<Mutex<Slot>> {
        let mut slots = lock(&self.slots);
        Arc::clone(slots.entry(name.to_owned()).or_default())
    }

    /// Drops the measurements of the least recently viewed runs, except for `kept`.
    fn make_room(&self, kept: &str) {
        let slots = lock(&self.slots);
        // A locked slot is in use.
        let mut loaded: Vec<(Option<Instant>, &String, usize)> = Vec::new();
        for (name, slot) in slots.iter() {
            let Ok(slot) = slot.try_lock() else { continue };
            loaded.extend(slot.data.as_ref().map(|data| (slot.used, name, data.steps.len())));
        }
        let mut steps: usize = loaded.iter().map(|(_, _, steps)| steps).sum();
        loaded.sort_unstable();
        for (_, name, own) in loaded.into_iter().filter(|(_, name, _)| *name != kept) {
            if steps <= MOST_STEPS {
                break;
            }
            if let Some(Ok(mut slot)) = slots.get(name).map(|slot| slot.try_lock()) {
                slot.data = None;
                steps -= own;
            }
        }
    }
}

impl Slot {
    fn with<T>(&mut self, folder: &RunFolder, read: impl FnOnce(&RunData) -> T) -> Result<T, Refusal> {
        self.look(folder)?;
        let data = match self.data.take() {
            Some(data) => data,
            None => RunData::read(folder).map_err(Refusal::conflict)?,
        };
        Ok(read(self.data.insert(data)))
    }

    fn answer<T: Serialize>(
        &mut self,
        folder: &RunFolder,
        question: String,
        make: impl FnOnce(&RunData) -> T,
    ) -> Result<Arc<str>, Refusal> {
        self.look(folder)?;
        if let Some(answer) = self.answers.get(&question) {
            return Ok(Arc::clone(answer));
        }
        let made = self.with(folder, make)?;
        let answer: Arc<str> = serde_json::to_string(&made).map_err(Refusal::failed)?.into();
        self.remember(question, &answer);
        Ok(answer)
    }

    fn remember(&mut self, question: String, answer: &Arc<str>) {
        if self.answers.len() >= MOST_ANSWERS {
            self.answers.clear();
        }
        self.answers.insert(question, Arc::clone(answer));
    }

    /// Reads new rows, unless that was done a moment ago or no file has changed.
    fn look(&mut self, folder: &RunFolder) -> Result<(), Refusal> {
        let now = Instant::now();
        self.used = Some(now);
        if self.looked.is_some_and(|looked| now - looked < FRESH) {
            return Ok(());
        }
        let stamp = Stamp::of(folder);
        if self.stamp.as_ref() != Some(&stamp) {
            self.answers.clear();
            if let Some(mut data) = self.data.take() {
                data.refresh(folder).map_err(Refusal::conflict)?;
                self.data = Some(data);
            }
        }
        (self.looked, self.stamp) = (Some(now), Some(stamp));
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
