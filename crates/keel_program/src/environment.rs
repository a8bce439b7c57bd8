//! Environment variables of libraries, checked before anything depends on them, and those of the program.

use std::env;

use crate::failure::{Failure, Stop};

/// Maximum number of threads of the pool for work outside a training run: the maximum of `train.threads`.
const MOST_THREADS: usize = 1024;

/// Variable from which the thread library reads their number.
const THREADS: &str = "RAYON_NUM_THREADS";

/// Variable that names the file of the user's own defaults in place of the usual one.
pub(crate) const DEFAULTS_FILE: &str = "EVENKEEL_CONFIG";

/// Value of [`DEFAULTS_FILE`] that disables the user's own defaults.
pub(crate) const NO_DEFAULTS: &str = "none";

/// Rejects values that a library would ignore, or that would make it end the program.
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
        // Empty, or a text that the library ignores.
        _ => Ok(()),
    }
}
