//! An image as a data set stores it.

/// Values of an image as a data set stores them, `[height, width, channels]`.
#[derive(Debug, Clone, Copy)]
pub(super) struct StoredImage<'a, T> {
    pub(super) values: &'a [T],
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) channels: usize,
}
