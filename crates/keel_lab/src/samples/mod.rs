//! Labelled samples to train and test on: the embedded digits, or images the reader names.

mod digits;
mod images;
mod order;
mod part;
mod task;

pub(crate) use digits::Digits;
pub(crate) use images::Images;
pub(crate) use order::Order;
pub(crate) use part::{Part, Parts};
pub(crate) use task::{CLASSES, FEATURES, Task};
