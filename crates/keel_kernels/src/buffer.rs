//! A fixed block of `f32` aligned to a cache line.

use std::alloc::{Layout, alloc, alloc_zeroed, dealloc, handle_alloc_error};
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// Alignment of a [`Buffer`] in bytes: one cache line, one AVX-512 vector.
pub const ALIGNMENT: usize = 64;

/// Number of floats in [`ALIGNMENT`] bytes; ranges that start at multiples of it stay aligned.
pub const ALIGNMENT_FLOATS: usize = ALIGNMENT / size_of::<f32>();

/// Size of a huge page in bytes. Buffers of at least this size start at a page boundary and request huge pages: the processor then
/// finds the addresses of strided reads in its translation tables, and the system provides memory in few steps.
const HUGE_PAGE: usize = 2 << 20;

/// A zero-initialised slice of `f32`, aligned to [`ALIGNMENT`] bytes, with a fixed length.
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
    /// Creates a buffer of `length` zeros.
    pub fn zeroed(length: usize) -> Self {
        if length == 0 {
            return Buffer { pointer: NonNull::dangling(), length };
        }
        let layout = layout(length);
        let pointer = allocate_zeroed(layout);
        match NonNull::new(pointer.cast::<f32>()) {
            Some(pointer) => Buffer { pointer, length },
            None => handle_alloc_error(layout),
        }
    }

    /// Creates a copy of `values`.
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

/// Allocates zeroed memory for a layout of non-zero size; returns null on failure.
fn allocate_zeroed(layout: Layout) -> *mut u8 {
    if layout.align() < HUGE_PAGE {
        // SAFETY: the size is not zero.
        return unsafe { alloc_zeroed(layout) };
    }
    // SAFETY: the size is not zero; the memory advised about and written is the memory allocated.
    unsafe {
        let pointer = alloc(layout);
        if !pointer.is_null() {
            advise_huge_pages(pointer, layout.size());
            pointer.write_bytes(0, layout.size());
        }
        pointer
    }
}

/// Requests huge pages; if the system refuses, pages stay small.
///
/// # Safety
/// `bytes` must be allocated behind `pointer`, which lies on a page boundary.
#[cfg(target_os = "linux")]
unsafe fn advise_huge_pages(pointer: *mut u8, bytes: usize) {
    // SAFETY: the advice concerns whole pages inside the allocation and changes no contents.
    unsafe { libc::madvise(pointer.cast(), bytes, libc::MADV_HUGEPAGE) };
}

#[cfg(not(target_os = "linux"))]
unsafe fn advise_huge_pages(_pointer: *mut u8, _bytes: usize) {}

fn layout(length: usize) -> Layout {
    let bytes = length.checked_mul(size_of::<f32>()).expect("buffer length fits the address space");
    let alignment = if bytes >= HUGE_PAGE { HUGE_PAGE } else { ALIGNMENT };
    Layout::from_size_align(bytes, alignment).expect("alignment is a power of two")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_of_every_size_are_zero_and_aligned() {
        for length in [0, 1, 17, HUGE_PAGE / 4 - 1, HUGE_PAGE / 4, HUGE_PAGE / 4 + 1, HUGE_PAGE] {
            let mut buffer = Buffer::zeroed(length);
            assert_eq!(buffer.len(), length);
            assert!(buffer.iter().all(|&value| value == 0.0), "{length}");
            assert!(length == 0 || (buffer.as_ptr() as usize).is_multiple_of(ALIGNMENT), "{length}");
            buffer.fill(1.0);
            assert_eq!(buffer.clone().iter().sum::<f32>(), length as f32);
        }
    }
}
