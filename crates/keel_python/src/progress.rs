//! Progress of a training run: written by the training threads, read by the thread of the Python program.

use std::sync::{Arc, Mutex, PoisonError};

use keel_train::{Event, TrainingObserver};
use serde_json::{Value, json};

/// Latest numbers of a training run, and events since they were last read.
#[derive(Clone, Default)]
pub(crate) struct Progress(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    latest: serde_json::Map<String, Value>,
    news: Vec<Value>,
}

impl Progress {
    /// Returns the latest numbers, with the events since the last call under `news`, as JSON.
    pub(crate) fn read(&self) -> String {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let news = std::mem::take(&mut state.news);
        let mut document = state.latest.clone();
        document.insert("news".to_owned(), Value::Array(news));
        Value::Object(document).to_string()
    }
}

impl TrainingObserver for Progress {
    fn event(&mut self, event: Event<'_>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let State { latest, news } = &mut *state;
        let mut set = |key: &str, value: Value| latest.insert(key.to_owned(), value);
        match event {
            Event::Started(started) => {
                set("total_steps", (started.epochs * started.steps_per_epoch).into());
                set("epochs", started.epochs.into());
                set("step", started.resumed_steps.into());
                news.push(json!({
                    "event": "started",
                    "samples": started.samples,
                    "parameters": started.parameters,
                    "threads": started.threads,
                    "folder": started.folder.as_ref().map(|folder| folder.path().display().to_string()),
                }));
            }
            Event::Step(step) => {
                set("step", step.step.into());
                set("epoch", step.epoch.into());
                set("loss", step.epoch_loss.into());
                set("accuracy", step.epoch_accuracy.into());
                set("learning_rate", step.learning_rate.into());
            }
            Event::Epoch(epoch) => {
                let validation = epoch.validation;
                set("validation_loss", validation.map(|metrics| metrics.loss).into());
                set("validation_accuracy", validation.and_then(|metrics| metrics.accuracy).into());
                news.push(json!({
                    "event": "epoch",
                    "epoch": epoch.epoch,
                    "train_loss": epoch.train.loss,
                    "train_accuracy": epoch.train.accuracy,
                    "validation_loss": validation.map(|metrics| metrics.loss),
                    "validation_accuracy": validation.and_then(|metrics| metrics.accuracy),
                    "best": epoch.best,
                    "seconds": epoch.seconds,
                }));
            }
            Event::Finding(finding) => news.push(json!({ "event": "finding", "finding": finding })),
            Event::Shortened { total_steps, epochs } => {
                set("total_steps", total_steps.into());
                set("epochs", epochs.ceil().into());
            }
            _ => {}
        }
    }
}
