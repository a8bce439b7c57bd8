//! Rules about what a training loop does with the network: the batches it feeds, the mode it runs in, the gradients it
//! clears, the parameters it updates, the ranks it is divided among.

pub mod frozen;
pub mod one_class_batches;
pub mod uncleared_gradients;
pub mod unequal_ranks;
pub mod unoptimised_parameters;
pub mod wrong_mode;
