//! Does the signal keep its scale through depth?

pub(crate) mod constant_init;
pub(crate) mod deep_training;
pub(crate) mod initialisation;
mod initialisation_page;
pub(crate) mod kaiming_gain;
pub(crate) mod xavier;
mod xavier_page;
