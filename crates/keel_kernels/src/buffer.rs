//! A fixed block of `f32` aligned to a cache line.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// Bytes a [`Buffer`] is aligned to: one cache line, one AVX-512 vector.
pub const ALIGNMENT: usize = 64;

/// Floats in [`ALIGNMENT`] bytes; ranges that start at multiples of it stay aligned.
pub const ALIGNMENT_FLOATS: usize = ALIGNMENT / size_of::<f32>();

/// A zero-initialised slice of `f32`, aligned to [`ALIGNMENT`] bytes, whose length never changes.
///
/// ```
/// let mut buffer = keel_kernels::Buffer::zeroed(100);
/// buffer[99] = 1.0;
/// assert_eq!(buffer.iter().sum::<f32>(), 1.0);
/// assert_eq!(buffer.as_ptr() as usize % keel_kernels::buffer::ALIGNMENT, 0);
/// ```
pub struct Buffer {
    pointer: NonNull<f32>,
    length: usize,
}

impl Buffer {
    /// `length` zeros. Pages are touched only when they are first written.
    pub fn zeroed(length: usize) -> Self {
        if length == 0 {
            return Buffer { pointer: NonNull::dangling(), length };
        }
        let layout = layout(length);
        // SAFETY: the layout has a non-zero size; all-zero bytes are valid `f32`s.
        let pointer = unsafe { alloc_zeroed(layout) };
        match NonNull::new(pointer.cast::<f32>()) {
            Some(pointer) => Buffer { pointer, length },
            None => handle_alloc_error(layout),
        }
    }

    /// A copy of `values`.
    pub fn from_slice(values: &[f32]) -> Self {
        let mut buffer = Buffer::zeroed(values.len());
        buffer.copy_from_slice(values);
        buffer
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.length > 0 {
            // SAFETY: allocated by `zeroed` with the same layout, freed once.
            unsafe { dealloc(self.pointer.as_ptr().cast(), layout(self.length)) }
        }
    }
}

impl Deref for Buffer {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        // SAFETY: `pointer` is valid for `length` initialised floats for as long as `self` lives.
        unsafe { std::slice::from_raw_parts(self.pointer.as_ptr(), self.length) }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above, and `&mut self` makes the access exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.pointer.as_ptr(), self.length) }
    }
}

impl Clone for Buffer {
    fn clone(&self) -> Self {
        Buffer::from_slice(self)
    }
}

impl std::fmt::Debug for Buffer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Buffer({} floats)", self.length)
    }
}

// SAFETY: a Buffer owns its memory exclusively, like `Box<[f32]>`.
unsafe impl Send for Buffer {}
// SAFETY: shared access only reads.
unsafe impl Sync for Buffer {}

fn layout(length: usize) -> Layout {
    let bytes = length.checked_mul(size_of::<f32>()).expect("buffer length fits the address space");
    Layout::from_size_align(bytes, ALIGNMENT).expect("alignment is a power of two")
}
