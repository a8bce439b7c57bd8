//! Inputs and classes of a task.

use keel_nn::Shape;

/// Number of classes of the digits.
pub(crate) const CLASSES: usize = 10;
/// Number of values of a digit.
pub(crate) const FEATURES: usize = 64;

/// A classification task.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Task {
    /// Shape of one sample.
    pub(crate) input: Shape,
    /// Number of classes.
    pub(crate) classes: usize,
}

impl Task {
    /// The digits as 64 features.
    pub(crate) const DIGITS: Task = Task { input: Shape::Features(FEATURES), classes: CLASSES };
    /// The digits as images of 8 by 8.
    pub(crate) const DIGIT_IMAGES: Task =
        Task { input: Shape::Image { height: 8, width: 8, channels: 1 }, classes: CLASSES };
}
