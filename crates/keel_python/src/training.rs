//! A training run on a separate thread, while the thread of the Python program waits, shows progress and handles Ctrl-C.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use keel_data::SplitDataset;
use keel_train::{TrainError, Training, check};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use pyo3::types::PyAny;

use crate::errors::{Raise, training_error};
use crate::progress::Progress;
use crate::run::{Kept, Run};
use crate::samples::Samples;
use crate::settings::Settings;

/// Time between two signal checks.
const LISTENING: Duration = Duration::from_millis(20);

/// Time between two calls of the progress function.
const SHOWING: Duration = Duration::from_millis(100);

/// Trains on `samples` until the end or Ctrl-C, and returns the run, which stays in memory unless `in_folder`.
///
/// `tick` is called about ten times per second, and once at the end, with the progress as JSON; an exception it raises
/// ends the training run and is raised again.
#[pyfunction]
#[pyo3(signature = (samples, settings, in_folder, tick=None))]
pub(crate) fn train(
    python: Python<'_>,
    samples: &Samples,
    settings: &Bound<'_, PyAny>,
    in_folder: bool,
    tick: Option<&Bound<'_, PyAny>>,
) -> PyResult<Run> {
    let settings: Settings = settings.extract()?;
    let (config, data) = python.detach(|| settings.with_data(samples))?;
    let (stop, progress) = (Arc::new(AtomicBool::new(false)), Progress::default());
    let dataset = Arc::clone(&data.dataset);
    let training = Training::new(config).with_data(data).with_stop(Arc::clone(&stop));
    let mut observer = progress.clone();
    let work = move || match in_folder {
        true => training.run(&mut observer).map(|run| Kept::Folder(Box::new(run))),
        false => training.run_in_memory(&mut observer).map(|run| Kept::Memory(Box::new(run))),
    };
    let mut ticker = Ticker { progress, tick, shown: Instant::now() };
    let kept = wait_for(
        python,
        work,
        || ticker.tick(),
        || {
            stop.store(true, Ordering::Relaxed);
            AfterStop::Wait
        },
    )?;
    match ticker.show() {
        // Ctrl-C was pressed after training had ended.
        Err(error) if error.is_instance_of::<PyKeyboardInterrupt>(python) => {}
        shown => shown?,
    }
    Ok(Run::new(kept.map_err(Raise::raise)?, Some(dataset)))
}

/// Checks a training run before its first step, and returns the findings as JSON. Ctrl-C ends the check.
#[pyfunction]
pub(crate) fn check_training(
    python: Python<'_>,
    samples: &Samples,
    settings: &Bound<'_, PyAny>,
    budget: f64,
) -> PyResult<String> {
    let settings: Settings = settings.extract()?;
    let (config, data): (_, SplitDataset) = python.detach(|| settings.with_data(samples))?;
    let budget = Duration::try_from_secs_f64(budget)
        .map_err(|error| training_error(format!("budget: {error}; give seconds, for example 10.0")))?;
    let work = move || check::check(&config, data, budget);
    let checked = wait_for(python, work, || Ok(()), || AfterStop::Leave)?;
    let checked = checked.map_err(Raise::raise)?;
    serde_json::to_string(&checked).map_err(|error| training_error(error.to_string()))
}

/// Behaviour after a stop request: wait for the work, or leave its thread running.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AfterStop {
    /// The work ends soon, with a result.
    Wait,
    /// The work cannot be stopped.
    Leave,
}

/// Runs `work` on a separate thread. Meanwhile calls `idle`, and `stop` on Ctrl-C or if `idle` raises; a second Ctrl-C
/// detaches the thread. Other threads of the program keep running.
fn wait_for<T: Send + 'static>(
    python: Python<'_>,
    work: impl FnOnce() -> Result<T, TrainError> + Send + 'static,
    mut idle: impl FnMut() -> PyResult<()>,
    stop: impl Fn() -> AfterStop,
) -> PyResult<Result<T, TrainError>> {
    let (sender, receiver) = sync_channel(1);
    let spawned = std::thread::Builder::new().name("evenkeel".to_owned()).spawn(move || {
        // The receiver is gone after a second Ctrl-C.
        let _ = sender.send(work());
    });
    spawned.map_err(|error| training_error(format!("cannot start a thread: {error}; end other programs")))?;
    let receiver = std::sync::Mutex::new(receiver);
    let (mut stopped, mut raised) = (false, None);
    loop {
        let received = python.detach(|| {
            let receiver = receiver.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            receiver.recv_timeout(LISTENING)
        });
        match received {
            Ok(result) => return raised.map_or(Ok(result), Err),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(training_error("training ended because of a fault in the program; please report it"));
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        let listened = python.check_signals();
        let idled = if raised.is_none() { listened.and_then(|()| idle()) } else { listened };
        let Err(error) = idled else { continue };
        if error.is_instance_of::<PyKeyboardInterrupt>(python) {
            if stopped || stop() == AfterStop::Leave {
                return Err(error);
            }
        } else {
            stop();
            raised = Some(error);
        }
        stopped = true;
    }
}

/// Calls the progress function at intervals.
struct Ticker<'a, 'py> {
    progress: Progress,
    tick: Option<&'a Bound<'py, PyAny>>,
    shown: Instant,
}

impl Ticker<'_, '_> {
    fn tick(&mut self) -> PyResult<()> {
        if self.tick.is_none() || self.shown.elapsed() < SHOWING {
            return Ok(());
        }
        self.show()
    }

    fn show(&mut self) -> PyResult<()> {
        self.shown = Instant::now();
        match self.tick {
            Some(tick) => tick.call1((self.progress.read(),)).map(drop),
            None => Ok(()),
        }
    }
}
