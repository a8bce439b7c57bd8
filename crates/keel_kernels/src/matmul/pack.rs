//! Copies parts of a matrix in the order in which the inner loop reads them.

use pulp::Simd;

use crate::simd::SimdLevel;

/// Part of a matrix to be packed: `count` floats for each of `depth` indices.
#[derive(Clone, Copy, Debug)]
pub(super) struct Runs {
    pub(super) source: *const f32,
    /// Distance of consecutive runs of the source, in floats.
    pub(super) stride: usize,
    pub(super) depth: usize,
    pub(super) count: usize,
    /// Number of floats of the target per depth index, at least `count`; the rest is filled with zeros.
    pub(super) width: usize,
}

/// Packs runs of `count` floats, one per depth index, to `target` `[depth, width]`.
///
/// # Safety
/// All runs must be readable, and `depth * width` floats must be writable at `target`.
#[inline(always)]
pub(super) unsafe fn copy<S: Simd>(simd: S, runs: Runs, target: *mut f32) {
    let Runs { source, stride, depth, count, width } = runs;
    let lanes = S::F32_LANES;
    if count == width && width == 2 * lanes {
        for k in 0..depth {
            // SAFETY: two whole vectors of a run.
            unsafe {
                let (from, to) = (source.add(k * stride).cast::<S::f32s>(), target.add(k * width).cast::<S::f32s>());
                let (first, second) = (from.read_unaligned(), from.add(1).read_unaligned());
                to.write_unaligned(first);
                to.add(1).write_unaligned(second);
            }
        }
        return;
    }
    // A whole vector may be stored if later runs overwrite its excess, and loaded if the source goes on behind the run: masked
    // accesses are slower.
    let vectors = width.div_ceil(lanes);
    let rest = vectors.saturating_sub(1) * lanes;
    let stored = (depth * width).saturating_sub(vectors * lanes) / width.max(1);
    let readable = (depth.saturating_sub(1) * stride + count).saturating_sub(vectors * lanes) / stride.max(1);
    let whole = if count > rest { stored.min(readable) } else { 0 };
    let last = simd.mask_between_m32s(0, lanes.min(count.saturating_sub(rest)) as u32).mask();
    for k in 0..whole {
        // SAFETY: whole vectors of the source, which is readable to the end of its last run, and of the target.
        unsafe {
            let (from, to) = (source.add(k * stride), target.add(k * width));
            for first in (0..rest).step_by(lanes) {
                to.add(first).cast::<S::f32s>().write_unaligned(from.add(first).cast::<S::f32s>().read_unaligned());
            }
            let value = from.add(rest).cast::<S::f32s>().read_unaligned();
            let value = simd.select_f32s(last, value, simd.splat_f32s(0.0));
            to.add(rest).cast::<S::f32s>().write_unaligned(value);
        }
    }
    for k in whole..depth {
        for first in (0..width).step_by(lanes) {
            let load = simd.mask_between_m32s(0, lanes.min(count.saturating_sub(first)) as u32);
            // SAFETY: masked to the run; whole stores end inside the target.
            unsafe {
                let value = simd.mask_load_ptr_f32s(load, source.wrapping_add(k * stride + first));
                let to = target.add(k * width + first);
                if k < stored {
                    to.cast::<S::f32s>().write_unaligned(value);
                } else {
                    let store = simd.mask_between_m32s(0, lanes.min(width - first) as u32);
                    simd.mask_store_ptr_f32s(store, to, value);
                }
            }
        }
    }
}

/// Packs `count` runs of `depth` floats, transposed, to `target` `[depth, width]`.
///
/// # Safety
/// As described at [`copy`]; the processor must support `simd`.
#[inline(always)]
pub(super) unsafe fn transpose(simd: SimdLevel, runs: Runs, target: *mut f32) {
    let Runs { depth, count, width, .. } = runs;
    // SAFETY: the target is large enough; guaranteed by the caller; AVX is part of both levels.
    unsafe {
        if width > count {
            target.write_bytes(0, depth * width);
        }
        match simd {
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx2 | SimdLevel::Avx512 if count >= avx::SIDE && depth >= avx::SIDE => {
                avx::transpose(runs, target)
            }
            _ => transpose_plain(runs, target),
        }
    }
}

/// # Safety
/// As described at [`copy`].
#[inline(always)]
unsafe fn transpose_plain(runs: Runs, target: *mut f32) {
    let Runs { source, stride, depth, count, width } = runs;
    for k in 0..depth {
        for column in 0..count {
            // SAFETY: inside the runs and the target.
            unsafe { *target.add(k * width + column) = *source.add(column * stride + k) };
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx {
    use std::arch::x86_64::*;

    use super::Runs;

    /// Size of the blocks that are transposed in registers, in rows and columns.
    pub(super) const SIDE: usize = 8;

    /// # Safety
    /// As described at [`super::copy`]; `count` and `depth` must be at least [`SIDE`], and the processor must support AVX.
    #[target_feature(enable = "avx")]
    pub(super) unsafe fn transpose(runs: Runs, target: *mut f32) {
        let Runs { source, stride, depth, count, width } = runs;
        // The last blocks overlap those before them and write the same values again.
        for column in (0..count).step_by(SIDE) {
            let column = column.min(count - SIDE);
            for k in (0..depth).step_by(SIDE) {
                let k = k.min(depth - SIDE);
                // SAFETY: the block is inside the runs and the target.
                unsafe { block(source.add(column * stride + k), stride, target.add(k * width + column), width) };
            }
        }
    }

    /// Writes the transpose of [`SIDE`] rows of [`SIDE`] floats; strides in floats.
    ///
    /// # Safety
    /// All rows must be readable and writable, and the processor must support AVX.
    #[inline]
    #[target_feature(enable = "avx")]
    unsafe fn block(source: *const f32, stride: usize, target: *mut f32, width: usize) {
        // Four columns of row `row` and of the row four below it.
        let pair = |row: usize, column: usize| {
            // SAFETY: inside the block.
            unsafe {
                let upper = _mm_loadu_ps(source.add(row * stride + column));
                let lower = _mm_loadu_ps(source.add((row + 4) * stride + column));
                _mm256_insertf128_ps::<1>(_mm256_castps128_ps256(upper), lower)
            }
        };
        for half in [0, 4] {
            let [r0, r1, r2, r3] = [pair(0, half), pair(1, half), pair(2, half), pair(3, half)];
            let [low01, high01] = [_mm256_unpacklo_ps(r0, r1), _mm256_unpackhi_ps(r0, r1)];
            let [low23, high23] = [_mm256_unpacklo_ps(r2, r3), _mm256_unpackhi_ps(r2, r3)];
            let columns = [
                _mm256_shuffle_ps::<0b01_00_01_00>(low01, low23),
                _mm256_shuffle_ps::<0b11_10_11_10>(low01, low23),
                _mm256_shuffle_ps::<0b01_00_01_00>(high01, high23),
                _mm256_shuffle_ps::<0b11_10_11_10>(high01, high23),
            ];
            for (index, values) in columns.into_iter().enumerate() {
                // SAFETY: inside the target block.
                unsafe { _mm256_storeu_ps(target.add((half + index) * width), values) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Copy(Runs, *mut f32);

    impl pulp::WithSimd for Copy {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            // SAFETY: the test's slices contain all runs.
            unsafe { copy(simd, self.0, self.1) }
        }
    }

    #[test]
    fn both_layouts_are_packed_at_every_level() {
        for level in SimdLevel::available() {
            for (depth, count, width) in [(1, 1, 1), (3, 5, 8), (9, 12, 12), (8, 11, 11), (17, 32, 32), (20, 10, 16)] {
                let stride = depth.max(count) + 3;
                let source: Vec<f32> = (0..stride * depth.max(count)).map(|index| index as f32).collect();
                // Memory ends where the last run does, so that the address sanitizer notices a read behind it.
                let ending = |runs: usize, length: usize| source[..(runs - 1) * stride + length].to_vec();
                let (rows, columns) = (ending(depth, count), ending(count, depth));
                let runs = Runs { source: rows.as_ptr(), stride, depth, count, width };
                let (mut copied, mut transposed) = (vec![f32::NAN; depth * width], vec![f32::NAN; depth * width]);
                level.dispatch(Copy(runs, copied.as_mut_ptr()));
                // SAFETY: the slices contain all runs; the level is available.
                unsafe { transpose(level, Runs { source: columns.as_ptr(), ..runs }, transposed.as_mut_ptr()) };
                for (index, (copied, transposed)) in copied.into_iter().zip(transposed).enumerate() {
                    let (k, column) = (index / width, index % width);
                    let inside = column < count;
                    assert_eq!(copied, if inside { source[k * stride + column] } else { 0.0 }, "{level:?} {runs:?}");
                    assert_eq!(
                        transposed,
                        if inside { source[column * stride + k] } else { 0.0 },
                        "{level:?} {runs:?}"
                    );
                }
            }
        }
    }
}
