//! Environment variables of this crate.

/// Path of the MPI library.
pub const LIBRARY_VARIABLE: &str = "EVENKEEL_MPI_LIBRARY";

/// Time in seconds after which a rank that sends nothing counts as lost; 600 if it is not set or not a number.
pub const SILENCE_VARIABLE: &str = "EVENKEEL_RANK_SILENCE_SECONDS";
