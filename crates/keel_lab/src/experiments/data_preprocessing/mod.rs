//! Are the inputs zero-mean and of unit scale?

pub(crate) mod image_recipes;
mod image_recipes_page;
pub(crate) mod preprocessing;
pub(crate) mod why_preprocess;
