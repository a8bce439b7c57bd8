//! Pooling over windows of images `[height, width, channels]`.

mod average;
mod global;
mod maximum;
pub(crate) mod pairs;
#[cfg(test)]
mod tests;

pub use average::{average_pool, average_pool_backward};
pub use global::{GlobalShape, global_average, global_average_backward};
pub use maximum::{max_pool, max_pool_backward, places_length};

use crate::length;

/// Windows over one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolShape {
    /// Size of the input in rows and columns.
    pub input: [usize; 2],
    /// Number of values at each position.
    pub channels: usize,
    /// Size of a window in rows and columns.
    pub kernel: [usize; 2],
    /// Step between windows in rows and columns.
    pub stride: [usize; 2],
    /// Padding above and to the left; that below and to the right follows from the output.
    pub padding: [usize; 2],
    /// Size of the output in rows and columns.
    pub output: [usize; 2],
}

/// Lengths of one image on both sides of a pool, in floats.
#[derive(Clone, Copy, Debug)]
struct ImageLengths {
    input: usize,
    output: usize,
}

/// Returns the length of `batch` images of `length` each.
#[track_caller]
fn images(batch: usize, length: usize) -> usize {
    length::product("images", &[batch, length])
}

impl PoolShape {
    /// Returns the number of floats of an input image.
    pub fn input_length(&self) -> usize {
        self.input[0] * self.input[1] * self.channels
    }

    /// Returns the number of floats of an output image.
    pub fn output_length(&self) -> usize {
        self.output[0] * self.output[1] * self.channels
    }

    /// Returns the number of values under one window, including padding.
    pub fn area(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Checks the sizes and returns the lengths of an image: for valid sizes, no position of a window overflows.
    ///
    /// # Panics
    /// If a size is 0, or a length or the extent of the windows is too large for any machine.
    #[track_caller]
    fn check(&self) -> ImageLengths {
        let PoolShape { input, channels, kernel, stride, padding, output } = *self;
        let sizes = [input, kernel, stride, output].into_iter().flatten().chain([channels]);
        assert!(sizes.into_iter().all(|size| size > 0), "a size of 0 in {self:?}");
        length::product("window", &kernel);
        for side in 0..2 {
            length::product("windows side by side", &[output[side], stride[side]]);
            length::product("padding", &[padding[side]]);
        }
        ImageLengths {
            input: length::product("input image", &[input[0], input[1], channels]),
            output: length::product("output image", &[output[0], output[1], channels]),
        }
    }

    /// Calls `visit(place, start)` for every position under the window at `at` of the output that is inside the image, in row-major
    /// order: its index in the window, and the start of its channels in the image.
    #[inline(always)]
    fn for_each_place(&self, at: Pixel, mut visit: impl FnMut(usize, usize)) {
        for kernel_row in 0..self.kernel[0] {
            let y = (at.y * self.stride[0] + kernel_row).wrapping_sub(self.padding[0]);
            if y >= self.input[0] {
                continue;
            }
            for kernel_column in 0..self.kernel[1] {
                let x = (at.x * self.stride[1] + kernel_column).wrapping_sub(self.padding[1]);
                if x < self.input[1] {
                    let place = kernel_row * self.kernel[1] + kernel_column;
                    visit(place, (y * self.input[1] + x) * self.channels);
                }
            }
        }
    }

    /// Calls `visit(window, start)` for every window: its position in the output, and the start of its channels there.
    #[inline(always)]
    fn for_each_window(&self, mut visit: impl FnMut(Pixel, usize)) {
        for y in 0..self.output[0] {
            for x in 0..self.output[1] {
                visit(Pixel { y, x }, (y * self.output[1] + x) * self.channels);
            }
        }
    }
}

/// A position of an image.
#[derive(Clone, Copy, Debug)]
struct Pixel {
    y: usize,
    x: usize,
}
