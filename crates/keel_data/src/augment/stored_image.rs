//! An image in its stored form.

/// Values of an image in their stored type, `[height, width, channels]`.
#[derive(Debug, Clone, Copy)]
pub(super) struct StoredImage<'a, T> {
    pub(super) values: &'a [T],
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) channels: usize,
}
