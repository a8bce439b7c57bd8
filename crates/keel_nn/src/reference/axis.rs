//! One direction, vertical or horizontal, of a window that slides over an image.

use keel_kernels::pooling::PoolShape;

/// Sizes along one direction; a window has `kernel` taps, `dilation` positions apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    /// Positions of the image.
    pub(super) size: usize,
    /// Taps of the window.
    pub(super) kernel: usize,
    /// Positions between neighbouring windows.
    pub(super) stride: usize,
    /// Positions of padding before the image.
    pub(super) padding: usize,
    /// Positions between neighbouring taps.
    pub(super) dilation: usize,
    /// Number of windows.
    pub(super) output: usize,
}

impl Axis {
    /// Returns the rows, then the columns of the windows of a pool.
    pub(super) fn of_pool(windows: &PoolShape) -> [Self; 2] {
        [0, 1].map(|side| Axis {
            size: windows.input[side],
            kernel: windows.kernel[side],
            stride: windows.stride[side],
            padding: windows.padding[side],
            dilation: 1,
            output: windows.output[side],
        })
    }

    /// Returns the position of the image at tap `tap` of window `window`: `window * stride + tap * dilation - padding`, or `None`
    /// if the tap lies in the padding.
    pub(super) fn position(&self, window: usize, tap: usize) -> Option<usize> {
        let position = (window * self.stride + tap * self.dilation).checked_sub(self.padding)?;
        (position < self.size).then_some(position)
    }
}
