//! Vectors of channels, complete or partial.

use pulp::Simd;

/// Lanes of a vector that are channels: all, or the first ones if `PART`.
#[derive(Clone, Copy)]
pub(super) struct Lanes<S: Simd, const PART: bool>(pulp::MemMask<S::m32s>);

impl<S: Simd, const PART: bool> Lanes<S, PART> {
    /// Returns the lanes of the next vector, with `channels` remaining.
    #[inline(always)]
    pub(super) fn new(simd: S, channels: usize) -> Self {
        // The mask is recreated from its bits: the one that `pulp` returns calls a function for each memory access.
        Lanes(pulp::MemMask::new(simd.mask_between_m32s(0, channels.min(S::F32_LANES) as u32).mask()))
    }
}

/// Reads a vector; lanes that are not channels are zero.
///
/// # Safety
/// The lanes must be readable.
#[inline(always)]
pub(super) unsafe fn load<S: Simd, const PART: bool>(simd: S, lanes: Lanes<S, PART>, from: *const f32) -> S::f32s {
    // SAFETY: guaranteed by the caller.
    unsafe { if PART { simd.mask_load_ptr_f32s(lanes.0, from) } else { from.cast::<S::f32s>().read_unaligned() } }
}

/// Writes the lanes that are channels.
///
/// # Safety
/// The lanes must be writable.
#[inline(always)]
pub(super) unsafe fn store<S: Simd, const PART: bool>(simd: S, lanes: Lanes<S, PART>, to: *mut f32, vector: S::f32s) {
    // SAFETY: guaranteed by the caller.
    unsafe {
        if PART { simd.mask_store_ptr_f32s(lanes.0, to, vector) } else { to.cast::<S::f32s>().write_unaligned(vector) }
    }
}
