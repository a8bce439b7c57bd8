//! Environment variables: those that libraries read, checked before anything depends on them, and those of the program.

use std::env;

use crate::failure::{Failure, Stop};

/// Threads of the pool that serves work outside a training run, at most: as many as `train.threads` may request.
const MOST_THREADS: usize = 1024;

/// The variable from which the thread library takes their number.
const THREADS: &str = "RAYON_NUM_THREADS";

/// Names the file of the user's own defaults in place of the usual one.
pub(crate) const DEFAULTS_FILE: &str = "EVENKEEL_CONFIG";

/// Value of [`DEFAULTS_FILE`] that leaves every such file out.
pub(crate) const NO_DEFAULTS: &str = "none";

/// Refuses values that a library could only ignore or end the program over.
pub(crate) fn check() -> Result<(), Stop> {
    let level = keel_kernels::simd::wanted_level();
    level.map_err(|error| {
        Failure::new(error.to_string()).next_step("Unset KEEL_SIMD, or set it to one of these names")
    })?;
    let threads = env::var(THREADS).unwrap_or_default();
    match threads.trim().parse::<u128>() {
        Ok(number) if number > MOST_THREADS as u128 => {
            let message = format!("{THREADS}={number}: the maximum is {MOST_THREADS} threads");
            Err(Failure::new(message)
                .next_step(format!("Unset {THREADS}, or set it to the number of processors"))
                .into())
        }
        // Empty, or a text the library takes for nothing.
        _ => Ok(()),
    }
}
