//! A training run that is ready to start.

use std::sync::Arc;

use keel_data::SplitDataset;
use keel_ranks::Communicator;

use super::journal::RunNotes;
use crate::auto::{self, Resolved};
use crate::config::Config;
use crate::error::TrainError;
use crate::loading::load_data;
use crate::planning::{Pace, Timing};
use crate::session::Session;

/// Everything that is decided and built before the first step.
pub(super) struct Prepared {
    /// Config as given.
    open: Config,
    /// Config with all settings resolved.
    pub(super) config: Config,
    pub(super) session: Session,
    pub(super) notes: RunNotes,
    /// Expected duration; `None` for a run too short to measure.
    pub(super) timing: Option<Timing>,
}

impl Prepared {
    /// Loads the data if none is given, chooses the open settings and builds the session. If `continues` is true, the weights
    /// come from a checkpoint. With `ranks`, the session is one of several.
    pub(super) fn new(
        config: &Config,
        data: Option<SplitDataset>,
        continues: bool,
        ranks: Option<Arc<dyn Communicator>>,
    ) -> Result<Self, TrainError> {
        let data = match data {
            Some(data) => data,
            None => load_data(config)?,
        };
        let open = config.clone();
        let Resolved { config, data, choices } = auto::resolve(&open, data)?;
        let mut built = config.clone();
        if continues {
            built.model.weights.clear();
        }
        let mut session = Session::new(&built, data)?;
        if let Some(ranks) = ranks {
            session = session.with_ranks(ranks);
        }
        Ok(Prepared { open, config, session, notes: RunNotes { choices, notes: Vec::new() }, timing: None })
    }

    /// Measures a few steps; a new run is cut to its time limit.
    pub(super) fn measure(&mut self, begins: bool) -> Result<(), TrainError> {
        let Some(pace) = Pace::measure(&mut self.session, &self.config)? else { return Ok(()) };
        self.timing = Some(match begins {
            true => pace.fit(&mut self.config, &self.open, &mut self.notes.choices),
            // A resumed run keeps its planned length.
            false => pace.of(self.config.train.epochs),
        });
        Ok(())
    }
}
