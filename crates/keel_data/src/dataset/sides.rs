//! Sides of an image in pixels.

/// Height and width of an image, without its channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sides {
    /// Rows.
    pub(crate) height: usize,
    /// Columns.
    pub(crate) width: usize,
}
