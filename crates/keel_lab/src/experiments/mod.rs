//! The experiments, one per file, in a folder per chapter; the pages of longer ones are in separate files.

pub(crate) mod activation_functions;
pub(crate) mod batch_normalisation;
pub(crate) mod data_preprocessing;
pub(crate) mod summary;
pub(crate) mod weight_initialisation;
