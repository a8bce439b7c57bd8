//! Labelled samples to train and test on: the embedded digits and photographs, or images the reader names.

mod digits;
mod images;
mod order;
mod part;
mod photographs;
mod task;

pub(crate) use digits::Digits;
pub(crate) use images::Images;
pub(crate) use order::Order;
pub(crate) use part::{Part, Parts};
/// Source of the tiles of the embedded photographs.
pub(crate) const PHOTOGRAPHS: &str = "photographs";

pub(crate) use task::{CLASSES, FEATURES, Task};
