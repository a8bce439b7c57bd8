//! Recent history of a run: windows of steps, with constant work per step and layer and no allocation after the first step.
//!
//! A window is 100 steps or one epoch, whichever is shorter, but at least 2,048 samples or two epochs; the last window
//! of a run may be shorter. Closed windows are kept in a ring buffer.

mod gradient_trend;
mod layer_window;
mod loop_window;
mod ratios;
mod state;
mod units;
mod window;

use std::collections::VecDeque;

pub use gradient_trend::GradientGrowth;
pub use layer_window::{GradientTotal, LayerWindow, ParameterWindow, SignalTotal};
pub use loop_window::LoopWindow;
pub use units::UnitTotal;
pub use window::Window;

pub(crate) use state::HistoryState;

use serde::{Deserialize, Serialize};

use crate::measurement::StepMeasurement;
use gradient_trend::GradientTrend;

/// Maximum number of steps in a window, unless they have too few samples.
pub const WINDOW_STEPS: u64 = 100;
/// Minimum number of samples in a window, unless two epochs have fewer.
pub const WINDOW_SAMPLES: u64 = 2048;
/// Minimum number of epochs in a window, unless they have more than [`WINDOW_SAMPLES`].
const WINDOW_EPOCHS: u64 = 2;
/// Minimum number of samples in any window.
const LEAST_SAMPLES: u64 = 100;
/// Minimum number of samples in the last window of a run, unless two epochs have fewer.
pub const LAST_WINDOW_SAMPLES: u64 = 512;
/// Number of samples over which a unit must stay silent to count as dead (or an epoch, if that is shorter).
pub const UNIT_SAMPLES: u64 = 10_000;
/// Ratio to the highest learning rate so far above which a learning rate counts as high.
pub const HIGH_RATE: f64 = 0.3;
/// Number of closed windows kept.
const WINDOWS_KEPT: usize = 32;
/// Number of steps averaged for the loss at the beginning of the run.
const FIRST_STEPS: u64 = 5;

/// Recent history of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    current: Window,
    windows: VecDeque<Window>,
    units: Vec<UnitTotal>,
    trend: GradientTrend,
    epoch: u64,
    epoch_ended: bool,
    samples_per_epoch: Option<u64>,
    steps: u64,
    first_loss_sum: f64,
    peak_learning_rate: f64,
    /// Number of steps at a learning rate of at least [`HIGH_RATE`] times the highest one so far.
    high_rate_steps: u64,
    lowest_window_loss: f64,
    non_finite_since: Option<u64>,
    closed_windows: u64,
}

impl History {
    /// Creates an empty history; `samples_per_epoch` shortens the time over which a unit must stay silent.
    pub fn new(samples_per_epoch: Option<u64>) -> Self {
        Self { samples_per_epoch, lowest_window_loss: f64::INFINITY, ..Self::default() }
    }

    /// Adds one step; returns true if it completed a window, which is then [`History::latest`].
    pub fn push(&mut self, step: &StepMeasurement) -> bool {
        let closed = self.steps > 0 && step.epoch != self.epoch && {
            self.epoch_ended = true;
            self.close_if_full()
        };
        self.epoch = step.epoch;
        if self.non_finite_since.is_none() && step.has_non_finite() {
            self.non_finite_since = Some(step.step);
        }
        if self.steps < FIRST_STEPS {
            self.first_loss_sum += f64::from(step.loss);
        }
        self.steps += 1;
        if let Some(rate) = step.learning_rate {
            self.peak_learning_rate = self.peak_learning_rate.max(f64::from(rate));
            self.high_rate_steps += u64::from(f64::from(rate) >= HIGH_RATE * self.peak_learning_rate);
        }
        if let Some(norm) = step.gradient_norm {
            let growth = self.trend.push(step.step, f64::from(norm));
            self.current.note_growth(growth);
        }
        self.push_units(step);
        self.current.push(step);
        self.close_if_full() || closed
    }

    /// Ends an epoch; returns true if that completed a window.
    pub fn end_epoch(&mut self, samples_per_epoch: Option<u64>) -> bool {
        self.samples_per_epoch = self.samples_per_epoch.or(samples_per_epoch);
        self.epoch_ended = true;
        self.close_if_full()
    }

    /// Ends the run; returns true if the incomplete window is long enough to be evaluated.
    pub fn end(&mut self) -> bool {
        let epochs = self.samples_per_epoch.map_or(u64::MAX, |samples| samples.saturating_mul(WINDOW_EPOCHS));
        let least = LAST_WINDOW_SAMPLES.min(epochs.max(LEAST_SAMPLES));
        let enough = self.current.samples >= least;
        if enough {
            self.close_window();
        }
        enough
    }

    /// Returns the window being filled.
    pub fn current(&self) -> &Window {
        &self.current
    }

    /// Returns the last closed window.
    pub fn latest(&self) -> Option<&Window> {
        self.windows.back()
    }

    /// Iterates over the closed windows, oldest first; at most the last 32.
    pub fn windows(&self) -> impl DoubleEndedIterator<Item = &Window> + ExactSizeIterator {
        self.windows.iter()
    }

    /// Iterates over the last `count` closed windows, oldest first; returns `None` if there are fewer.
    pub fn last(&self, count: usize) -> Option<impl Iterator<Item = &Window>> {
        (self.windows.len() >= count).then(|| self.windows.iter().skip(self.windows.len() - count))
    }

    /// Returns the activity of the units of layer `index` over the last complete interval.
    pub fn units(&self, index: usize) -> Option<&UnitTotal> {
        self.units.get(index).filter(|units| units.is_complete())
    }

    /// Returns the mean loss of the first five steps (or of those seen so far).
    pub fn first_loss(&self) -> Option<f64> {
        let steps = self.steps.min(FIRST_STEPS);
        (steps > 0).then(|| self.first_loss_sum / steps as f64)
    }

    /// Returns the highest learning rate so far.
    pub fn peak_learning_rate(&self) -> f64 {
        self.peak_learning_rate
    }

    /// Returns the number of steps so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Returns the share of steps at a learning rate of at least [`HIGH_RATE`] times the highest one, or `None` if no
    /// rate was given.
    pub fn high_rate_share(&self) -> Option<f64> {
        (self.steps > 0 && self.peak_learning_rate > 0.0).then(|| self.high_rate_steps as f64 / self.steps as f64)
    }

    /// Returns the lowest mean loss of a closed window so far; infinite before the first one.
    pub fn lowest_window_loss(&self) -> f64 {
        self.lowest_window_loss
    }

    /// Returns the first step with a NaN or an infinity.
    pub fn non_finite_since(&self) -> Option<u64> {
        self.non_finite_since
    }

    /// Returns the number of windows closed so far.
    pub fn closed_windows(&self) -> u64 {
        self.closed_windows
    }

    /// Returns the mean loss of the last window relative to the initial loss, or `None` before the first window.
    pub fn relative_loss(&self) -> Option<f64> {
        Some(self.latest()?.loss() / self.first_loss()?)
    }

    fn push_units(&mut self, step: &StepMeasurement) {
        for layer in &step.layers {
            let Some(units) = &layer.units else { continue };
            if self.units.len() <= layer.layer {
                self.units.resize_with(layer.layer + 1, UnitTotal::default);
            }
            self.units[layer.layer].push(units, step.samples);
        }
    }

    fn close_if_full(&mut self) -> bool {
        let due = self.current.steps >= WINDOW_STEPS || self.epoch_ended;
        let epochs = self.samples_per_epoch.map_or(u64::MAX, |samples| samples.saturating_mul(WINDOW_EPOCHS));
        let closes = due && self.current.samples >= WINDOW_SAMPLES.min(epochs.max(LEAST_SAMPLES));
        if closes {
            self.close_window();
        }
        closes
    }

    fn close_window(&mut self) {
        self.epoch_ended = false;
        self.closed_windows += 1;
        self.current.close();
        self.lowest_window_loss = self.lowest_window_loss.min(self.current.loss());
        let enough = self.samples_per_epoch.map_or(UNIT_SAMPLES, |samples| samples.min(UNIT_SAMPLES));
        for units in &mut self.units {
            units.close(enough);
        }
        let recycled = if self.windows.len() == WINDOWS_KEPT { self.windows.pop_front() } else { None };
        let next = self.current.successor(recycled);
        self.windows.push_back(std::mem::replace(&mut self.current, next));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measurement::{LayerMeasurement, UnitMeasurement};

    fn step(number: u64, epoch: u64, samples: u64) -> StepMeasurement {
        StepMeasurement { step: number, epoch, samples, loss: 1.0, ..StepMeasurement::default() }
    }

    fn closing_steps(batch: u64, steps_per_epoch: u64, steps: u64) -> Vec<u64> {
        let mut history = History::new(None);
        (0..steps).filter(|&number| history.push(&step(number, number / steps_per_epoch, batch))).collect()
    }

    #[test]
    fn windows_close_at_100_steps_or_an_epoch_with_enough_samples() {
        assert_eq!(closing_steps(64, 1000, 250), [99, 199], "100 steps");
        assert_eq!(closing_steps(64, 40, 130), [40, 80, 120], "an epoch of 2,560 samples, noticed at the next step");
        assert_eq!(closing_steps(64, 20, 100), [31, 63, 95], "an epoch of 1,280 samples is too short: 2,048 samples");
        assert_eq!(closing_steps(10, 1000, 300), [204], "100 steps of 10 are too few samples");
    }

    #[test]
    fn the_end_of_a_run_closes_what_is_enough_for_a_window() {
        for (samples, closed) in [(511, false), (512, true)] {
            let mut history = History::new(None);
            history.push(&step(0, 0, samples));
            assert_eq!((history.end(), history.closed_windows()), (closed, u64::from(closed)), "{samples}");
            assert!(!history.end(), "nothing is left");
        }
    }

    #[test]
    fn ring_keeps_the_latest_windows() {
        let mut history = History::new(None);
        for number in 0..100 * 40 {
            history.push(&step(number, 0, 64));
        }
        assert_eq!(history.windows().len(), 32);
        assert_eq!(history.closed_windows(), 40);
        assert_eq!(history.latest().unwrap().last_step, 3999);
        assert_eq!(history.windows().next().unwrap().first_step, 800);
    }

    #[test]
    fn a_unit_counts_as_silent_only_over_the_long_stretch() {
        let mut history = History::new(None);
        for number in 0..200 {
            let mut units = UnitMeasurement::with_units(2);
            units.observations = 64;
            if number == 5 {
                units.set_fired(0);
            }
            let layer = LayerMeasurement { layer: 0, units: Some(units), ..LayerMeasurement::default() };
            history.push(&StepMeasurement { layers: vec![layer], ..step(number, 0, 64) });
            assert_eq!(history.units(0).is_some(), number >= 199, "6,400 samples are not enough");
        }
        assert_eq!(history.units(0).unwrap().dead_units().collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn remembers_the_first_non_finite_step() {
        let mut history = History::new(None);
        for number in 0..10 {
            let loss = if number >= 7 { f32::NAN } else { 1.0 };
            history.push(&StepMeasurement { loss, ..step(number, 0, 64) });
        }
        assert_eq!(history.non_finite_since(), Some(7));
        assert_eq!(history.first_loss(), Some(1.0));
    }
}
