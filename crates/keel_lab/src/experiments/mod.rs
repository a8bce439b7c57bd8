//! The experiments, one per file, in a folder for each chapter; the pages of the longer ones are in files of their own.

pub(crate) mod activation_functions;
pub(crate) mod batch_normalisation;
pub(crate) mod data_preprocessing;
pub(crate) mod summary;
pub(crate) mod weight_initialisation;
