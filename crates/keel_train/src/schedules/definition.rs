//! The trait that the file of every schedule implements.

use super::plateau_state::PlateauState;

/// Length of a training, which schedules stretch over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Horizon {
    /// Steps of the whole training.
    pub total_steps: u64,
    /// Steps of one epoch.
    pub steps_per_epoch: u64,
}

/// A schedule: the share of the optimiser's learning rate at every step. Implemented by the settings of each.
pub(super) trait ScheduleDefinition {
    /// Returns the number of steps over which the learning rate first rises from near zero.
    fn warmup_steps(&self) -> u64;

    /// Returns the share of the learning rate at `step`, counted from the end of the warm-up, of a training as long as `horizon`
    /// after it.
    fn factor_at(&self, step: u64, horizon: Horizon, plateau: &PlateauState) -> f64;

    /// Changes `plateau` at the end of an epoch; only a schedule that reacts to the validation loss does.
    fn epoch_ended(&self, _plateau: &mut PlateauState, _validation_loss: f64) {}
}
