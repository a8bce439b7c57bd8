//! Vectors of channels, whole or in part.

use pulp::Simd;

/// Lanes of a vector that are channels: all, or the first ones if `PART`.
#[derive(Clone, Copy)]
pub(super) struct Lanes<S: Simd, const PART: bool>(pulp::MemMask<S::m32s>);

impl<S: Simd, const PART: bool> Lanes<S, PART> {
    /// The lanes of the next vector while `channels` are left.
    #[inline(always)]
    pub(super) fn new(simd: S, channels: usize) -> Self {
        // A mask made again from its bits: the one `pulp` returns calls a function for each access to memory.
        Lanes(pulp::MemMask::new(simd.mask_between_m32s(0, channels.min(S::F32_LANES) as u32).mask()))
    }
}

/// Reads a vector; lanes that are no channels are zero.
///
/// # Safety
/// The lanes must be readable.
#[inline(always)]
pub(super) unsafe fn load<S: Simd, const PART: bool>(simd: S, lanes: Lanes<S, PART>, from: *const f32) -> S::f32s {
    // SAFETY: by the caller's promise.
    unsafe { if PART { simd.mask_load_ptr_f32s(lanes.0, from) } else { from.cast::<S::f32s>().read_unaligned() } }
}

/// Writes the lanes that are channels.
///
/// # Safety
/// The lanes must be writable.
#[inline(always)]
pub(super) unsafe fn store<S: Simd, const PART: bool>(simd: S, lanes: Lanes<S, PART>, to: *mut f32, vector: S::f32s) {
    // SAFETY: by the caller's promise.
    unsafe {
        if PART { simd.mask_store_ptr_f32s(lanes.0, to, vector) } else { to.cast::<S::f32s>().write_unaligned(vector) }
    }
}
