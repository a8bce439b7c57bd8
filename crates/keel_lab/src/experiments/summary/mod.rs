//! Summary of the four chapters.

pub(crate) mod recipe_ablation;
