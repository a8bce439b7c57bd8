//! Pooling over windows of images `[height, width, channels]`.

mod average;
mod maximum;
pub(crate) mod pairs;
#[cfg(test)]
mod tests;

pub use average::{average_pool, average_pool_backward, global_average, global_average_backward};
pub use maximum::{argmax_length, max_pool, max_pool_backward};
pub(crate) use maximum::{bytes, bytes_mut};

/// Windows over one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolShape {
    /// Rows and columns of the input.
    pub input: [usize; 2],
    /// Values at each position.
    pub channels: usize,
    /// Rows and columns of a window.
    pub kernel: [usize; 2],
    /// Rows and columns between windows.
    pub stride: [usize; 2],
    /// Padding above and to the left; below and to the right follows from the output.
    pub padding: [usize; 2],
    /// Rows and columns of the output.
    pub output: [usize; 2],
}

impl PoolShape {
    /// Floats of an input image.
    pub fn input_length(&self) -> usize {
        self.input[0] * self.input[1] * self.channels
    }

    /// Floats of an output image.
    pub fn output_length(&self) -> usize {
        self.output[0] * self.output[1] * self.channels
    }

    /// Values under one window, padding included.
    pub fn area(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Calls `visit(place, start)` for every position under the window at (`row`, `column`) of the output that lies
    /// inside the image, in row-major order: its number in the window, and where its channels start in the image.
    #[inline(always)]
    fn for_each_place(&self, (row, column): (usize, usize), mut visit: impl FnMut(usize, usize)) {
        for kernel_row in 0..self.kernel[0] {
            let y = (row * self.stride[0] + kernel_row).wrapping_sub(self.padding[0]);
            if y >= self.input[0] {
                continue;
            }
            for kernel_column in 0..self.kernel[1] {
                let x = (column * self.stride[1] + kernel_column).wrapping_sub(self.padding[1]);
                if x < self.input[1] {
                    let place = kernel_row * self.kernel[1] + kernel_column;
                    visit(place, (y * self.input[1] + x) * self.channels);
                }
            }
        }
    }

    /// Calls `visit(window, start)` for every window: its place in the output, and where its channels start there.
    #[inline(always)]
    fn for_each_window(&self, mut visit: impl FnMut((usize, usize), usize)) {
        for row in 0..self.output[0] {
            for column in 0..self.output[1] {
                visit((row, column), (row * self.output[1] + column) * self.channels);
            }
        }
    }
}
