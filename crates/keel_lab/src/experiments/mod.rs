//! The experiments, one a file.

pub(crate) mod initialisation;
mod initialisation_page;
