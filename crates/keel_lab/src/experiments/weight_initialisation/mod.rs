//! Does the signal keep its scale through depth?

pub(crate) mod constant_init;
pub(crate) mod deep_training;
pub(crate) mod initialisation;
pub(crate) mod kaiming_gain;
pub(crate) mod xavier;
