//! Rules about the training loop: the batches it uses, the mode it runs in, the gradients it clears, the parameters it
//! updates, and the ranks that share the work.

pub mod frozen;
pub mod one_class_batches;
pub mod uncleared_gradients;
pub mod unequal_ranks;
pub mod unoptimised_parameters;
pub mod wrong_mode;
