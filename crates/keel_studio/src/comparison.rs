//! Comparison of several runs.

use keel_train::config::{Difference, differences};
use keel_train::remedies::config_of;
use serde::Serialize;

use crate::error::Refusal;
use crate::runs::{Listing, RunEntry};

/// Maximum number of runs compared at once.
const MOST_RUNS: usize = 200;

/// Runs and the settings in which they differ.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    runs: Vec<RunEntry>,
    settings: Vec<Difference>,
}

impl Comparison {
    /// Compares the runs `names`, in order.
    ///
    /// # Errors
    /// Fails if there are too many, one is not in `listing`, or a config cannot be read.
    pub(crate) fn of(listing: &Listing, names: &[String]) -> Result<Self, Refusal> {
        if names.len() > MOST_RUNS {
            return Err(Refusal::wrong(format!("at most {MOST_RUNS} runs can be compared")));
        }
        let entry = |name: &String| listing.entry(name).map(|run| RunEntry::clone(&run));
        let runs = names.iter().map(entry).collect::<Result<_, _>>()?;
        let configs = names
            .iter()
            .map(|name| config_of(&listing.find(name)?).map_err(Refusal::conflict))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Comparison { runs, settings: differences(&configs) })
    }
}
