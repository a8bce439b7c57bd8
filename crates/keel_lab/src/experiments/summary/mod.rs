//! What the four chapters add up to.

pub(crate) mod recipe_ablation;
