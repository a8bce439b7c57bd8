//! Are the inputs zero-mean and of unit scale?

pub(crate) mod image_recipes;
pub(crate) mod preprocessing;
pub(crate) mod why_preprocess;
