//! Server-sent events: new points of one run, and changed runs and jobs of the list.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use futures_util::stream::unfold;
use keel_report::decimate;
use keel_train::runs::{RunFolder, StepRecord};
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::jobs::JobView;
use crate::live::{EpochPoint, RunData, epoch_points};
use crate::runs::{Listed, RunEntry};
use crate::shared::Shared;

/// Time between two checks.
const INTERVAL: Duration = Duration::from_secs(1);

/// Maximum number of new steps sent completely; beyond it, only the minimum and maximum loss of every interval are sent.
const ALL_STEPS: usize = 2_000;

/// Number of steps to which larger sets are reduced.
const REDUCED_STEPS: usize = 400;

/// Data of a run that a listener already has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct RunEvents {
    /// Generation of its points; 0 for none.
    pub(crate) generation: u64,
    /// Last step.
    pub(crate) after: u64,
    /// Number of epoch rows.
    pub(crate) epochs: usize,
}

/// News of a run.
#[derive(Debug, Serialize)]
struct News {
    /// True if the listener's points no longer match the run; it should request all of them again.
    reset: bool,
    generation: u64,
    last_step: u64,
    /// True if steps were left out.
    reduced: bool,
    step: Vec<u64>,
    loss: Vec<f64>,
    learning_rate: Vec<f64>,
    gradient_norm: Vec<f64>,
    epochs: Vec<EpochPoint>,
    run: RunEntry,
}

/// Streams the events of the run `name` after `known`: `news` for new measurements, `gone` once its folder no longer exists.
pub(crate) fn run_events(
    shared: Arc<Shared>,
    name: String,
    known: RunEvents,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let start = Listener { shared, name, known, run: None, over: false };
    let stream = unfold(start, |mut listener| async {
        if listener.over {
            return None;
        }
        loop {
            if listener.run.is_some() {
                sleep(INTERVAL).await;
            }
            let looked = spawn_blocking(move || {
                let event = listener.look();
                (listener, event)
            });
            let (back, event) = looked.await.ok()?;
            listener = back;
            if let Some(event) = event {
                return Some((Ok(event), listener));
            }
        }
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}

/// A listener of a run.
struct Listener {
    shared: Arc<Shared>,
    name: String,
    known: RunEvents,
    /// The run as last sent.
    run: Option<Arc<RunEntry>>,
    over: bool,
}

impl Listener {
    /// Returns the news since the last call.
    fn look(&mut self) -> Option<Event> {
        let found =
            self.shared.listing.entry(&self.name).and_then(|run| Ok((run, self.shared.listing.find(&self.name)?)));
        let Ok((run, folder)) = found else {
            self.over = true;
            return Some(Event::default().event("gone").data("{}"));
        };
        self.news(&folder, run)
    }

    fn news(&mut self, folder: &RunFolder, run: Arc<RunEntry>) -> Option<Event> {
        let RunEvents { generation, after, epochs } = self.known;
        let changed = self.run.as_ref() != Some(&run);
        let entry = RunEntry::clone(&run);
        let read = |data: &RunData| {
            let reset = generation != data.generation;
            let new: &[StepRecord] = if reset { &[] } else { data.steps_after(after) };
            let more = reset || changed || !new.is_empty() || data.epochs.len() != epochs;
            more.then(|| (News::of(data, reset, new, (epochs, entry)), data.epochs.len()))
        };
        let (news, epochs) = self.shared.hub.with(&self.name, folder, read).ok().flatten()?;
        self.known = RunEvents { generation: news.generation, after: news.last_step, epochs };
        self.run = Some(run);
        Event::default().event("news").json_data(&news).ok()
    }
}

impl News {
    fn of(data: &RunData, reset: bool, new: &[StepRecord], (known, run): (usize, RunEntry)) -> Self {
        let reduced = new.len() > ALL_STEPS;
        let kept = if reduced { reduced_steps(new) } else { new.to_vec() };
        News {
            reset,
            generation: data.generation,
            last_step: data.last_step(),
            reduced,
            step: kept.iter().map(|step| step.step).collect(),
            loss: kept.iter().map(|step| step.loss).collect(),
            learning_rate: kept.iter().map(|step| step.learning_rate).collect(),
            gradient_norm: kept.iter().map(|step| step.gradient_norm).collect(),
            epochs: if reset { Vec::new() } else { epoch_points(data, known) },
            run,
        }
    }
}

/// Returns the steps with the minimum and maximum loss of every interval.
fn reduced_steps(steps: &[StepRecord]) -> Vec<StepRecord> {
    let losses: Vec<(f64, f64)> = steps.iter().enumerate().map(|(index, step)| (index as f64, step.loss)).collect();
    decimate(&losses, REDUCED_STEPS).into_iter().map(|(index, _)| steps[index as usize]).collect()
}

/// Changes of the list.
#[derive(Debug, Serialize)]
struct ListNews {
    /// The folder of runs.
    folder: PathBuf,
    /// True if `runs` lists all runs and any others were removed.
    all: bool,
    /// Runs that are new or changed.
    runs: Vec<RunEntry>,
    /// Names of removed runs.
    removed: Vec<String>,
    /// All jobs, if one has changed.
    jobs: Option<Vec<JobView>>,
}

/// Streams `list` events whenever something has changed; the first contains everything.
pub(crate) fn list_events(shared: Arc<Shared>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let known: Option<(Listed, Vec<JobView>)> = None;
    let stream = unfold((shared, known), |(shared, mut known)| async {
        loop {
            if known.is_some() {
                sleep(INTERVAL).await;
            }
            let reading = Arc::clone(&shared);
            let now = spawn_blocking(move || (reading.listing.runs(), reading.jobs.views())).await.ok()?;
            let folder = shared.listing.folder().to_owned();
            let news = list_news(folder, known.as_ref(), &now);
            known = Some(now);
            if let Some(event) = news.and_then(|news| Event::default().event("list").json_data(&news).ok()) {
                return Some((Ok(event), (shared, known)));
            }
        }
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}

/// Returns the differences between the list `now` and the list `known`, if there are any.
fn list_news(
    folder: PathBuf,
    known: Option<&(Listed, Vec<JobView>)>,
    now: &(Listed, Vec<JobView>),
) -> Option<ListNews> {
    let Some(known) = known else {
        let runs = now.0.values().map(|run| RunEntry::clone(run)).collect();
        return Some(ListNews { folder, all: true, runs, removed: Vec::new(), jobs: Some(now.1.clone()) });
    };
    let changed = |(name, run): &(&String, &Arc<RunEntry>)| known.0.get(*name) != Some(*run);
    let runs: Vec<RunEntry> = now.0.iter().filter(changed).map(|(_, run)| RunEntry::clone(run)).collect();
    let is_gone = |name: &&String| !now.0.contains_key(*name);
    let removed: Vec<String> = known.0.keys().filter(is_gone).cloned().collect();
    let jobs = (known.1 != now.1).then(|| now.1.clone());
    let any = !runs.is_empty() || !removed.is_empty() || jobs.is_some();
    any.then_some(ListNews { folder, all: false, runs, removed, jobs })
}
