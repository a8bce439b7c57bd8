//! Parsing of single cells: missing values, numbers, dates, words for true and false, and magnitudes.

pub(super) mod magnitude;
pub(super) mod missing;
pub(super) mod moment;
pub(super) mod number;
pub(super) mod truth;
