//! Is each layer re-centred, and do training and inference agree?

pub(crate) mod batch_norm;
pub(crate) mod batch_norm_backward;
pub(crate) mod batch_norm_folding;
pub(crate) mod batch_norm_inference;
pub(crate) mod norm_placement;
pub(crate) mod norms;
