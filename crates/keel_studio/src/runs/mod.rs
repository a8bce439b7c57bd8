//! The runs of a folder, as a list.

mod entry;
mod listing;
mod stamp;

pub(crate) use entry::RunEntry;
pub(crate) use listing::{Listed, Listing};
pub(crate) use stamp::{Stamp, seconds_since_1970};
