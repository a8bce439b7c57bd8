//! Labelled samples for training and testing: the embedded digits and photographs, points in the plane, or images given
//! by the reader.

mod digits;
mod images;
mod order;
mod part;
mod photographs;
mod points;
mod task;

pub(crate) use digits::Digits;
pub(crate) use images::Images;
pub(crate) use order::Order;
pub(crate) use part::{Part, Parts};
pub(crate) use points::{PICTURE, PointSet};
pub(crate) use task::{CLASSES, FEATURES, Task};

use keel_nn::Shape;

/// Source name of the tiles of the embedded photographs.
pub(crate) const PHOTOGRAPHS: &str = "photographs";

/// Returns height, width and channels of the pictures of samples; one pixel for features.
pub(crate) fn picture_size(shape: Shape) -> [usize; 3] {
    match shape {
        Shape::Image { height, width, channels } => [height, width, channels],
        Shape::Features(_) => [1, 1, shape.channels()],
    }
}
