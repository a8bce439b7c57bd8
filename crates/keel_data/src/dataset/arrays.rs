//! Datasets from `ndarray` views.

use super::{Dataset, Imputation, Inputs, SampleShape, Targets};
use crate::error::DataError;
use ndarray::{ArrayView2, ArrayView4};

impl Dataset {
    /// Creates a dataset from rows of numbers, `[samples, features]`, in any memory order. NaN marks a missing value,
    /// which is replaced by the mean over the training split.
    ///
    /// # Errors
    /// Fails under the same conditions as [`Dataset::from_memory`], including for infinite values.
    pub fn from_array(
        name: impl Into<String>,
        inputs: ArrayView2<'_, f32>,
        targets: Targets,
    ) -> Result<Self, DataError> {
        let values = inputs.iter().copied().collect();
        Self::from_memory_with_missing(name, inputs.ncols(), values, targets, Imputation::Mean)
    }

    /// Creates a dataset from images as bytes, `[samples, height, width, channels]`, in any memory order.
    ///
    /// # Errors
    /// Fails under the same conditions as [`Dataset::from_memory`].
    pub fn from_image_array(
        name: impl Into<String>,
        images: ArrayView4<'_, u8>,
        targets: Targets,
    ) -> Result<Self, DataError> {
        let (_, height, width, channels) = images.dim();
        let shape = SampleShape::Image { height, width, channels };
        Self::from_memory(name, shape, Inputs::Bytes(images.iter().copied().collect()), targets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, Array4};

    #[test]
    fn views_in_any_memory_order_are_read_row_by_row() {
        let columns_first = Array2::from_shape_vec((3, 2), vec![1.0, 4.0, 2.0, 5.0, 3.0, f32::NAN]).unwrap();
        let data = Dataset::from_array("a", columns_first.t(), Targets::classes(["x", "y"])).unwrap();
        let Inputs::Floats(values) = data.inputs() else { panic!("floats") };
        assert_eq!(values[..5], [1.0, 2.0, 3.0, 4.0, 5.0]);
        assert!(values[5].is_nan());
        let images =
            Array4::from_shape_fn((2, 1, 2, 3), |(sample, _, x, channel)| (sample * 6 + x * 3 + channel) as u8);
        let data = Dataset::from_image_array("i", images.view(), Targets::classes([0, 1])).unwrap();
        assert_eq!(data.inputs(), &Inputs::Bytes((0..12).collect()));
    }
}
