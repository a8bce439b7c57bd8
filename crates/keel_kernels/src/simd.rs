//! SIMD levels: sets of vector instructions that kernels are compiled for.
//!
//! Every kernel is written once over [`pulp::Simd`] (or as a plain loop the compiler vectorises), compiled for each level,
//! and told by its caller which level to run at. [`level`] is the default of programs: the widest level of the processor,
//! or the one that the environment variable `KEEL_SIMD` = `avx512` | `avx2` | `neon` | `scalar` names. Results of
//! different levels may differ in the last bits, because wider registers sum in another order; within one level they
//! never do.

use std::sync::OnceLock;

/// A set of vector instructions kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimdLevel {
    /// Portable code, 128-bit vectors at most.
    Scalar,
    /// x86-64 with AVX2 and FMA, 8 lanes.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// x86-64 with AVX-512, 16 lanes.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// 64-bit ARM, 4 lanes.
    #[cfg(target_arch = "aarch64")]
    Neon,
}

impl SimdLevel {
    /// Every level this processor can run, widest first.
    pub fn available() -> Vec<SimdLevel> {
        let mut levels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if pulp::x86::V4::try_new().is_some() {
                levels.push(SimdLevel::Avx512);
            }
            if pulp::x86::V3::try_new().is_some() {
                levels.push(SimdLevel::Avx2);
            }
        }
        #[cfg(target_arch = "aarch64")]
        if pulp::aarch64::Neon::try_new().is_some() {
            levels.push(SimdLevel::Neon);
        }
        levels.push(SimdLevel::Scalar);
        levels
    }

    /// Returns the word `KEEL_SIMD` and reports use.
    pub fn name(self) -> &'static str {
        match self {
            SimdLevel::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx512 => "avx512",
            #[cfg(target_arch = "aarch64")]
            SimdLevel::Neon => "neon",
        }
    }

    /// Lanes of `f32` in one vector.
    pub fn lanes(self) -> usize {
        match self {
            SimdLevel::Scalar => 4,
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx2 => 8,
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx512 => 16,
            #[cfg(target_arch = "aarch64")]
            SimdLevel::Neon => 4,
        }
    }

    /// Runs `operation` compiled for this level.
    ///
    /// # Panics
    /// If the processor cannot run this level; [`SimdLevel::available`] lists those it can.
    #[inline]
    pub fn dispatch<O: pulp::WithSimd>(self, operation: O) -> O::Output {
        match self {
            SimdLevel::Scalar => pulp::Simd::vectorize(pulp::Scalar128b, operation),
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx2 => match pulp::x86::V3::try_new() {
                Some(simd) => pulp::Simd::vectorize(simd, operation),
                None => unsupported(self),
            },
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx512 => match pulp::x86::V4::try_new() {
                Some(simd) => pulp::Simd::vectorize(simd, operation),
                None => unsupported(self),
            },
            #[cfg(target_arch = "aarch64")]
            SimdLevel::Neon => match pulp::aarch64::Neon::try_new() {
                Some(simd) => pulp::Simd::vectorize(simd, operation),
                None => unsupported(self),
            },
        }
    }

    /// Runs a plain closure compiled for this level, so that its loops use the level's vectors.
    ///
    /// The closure and everything it calls must be `#[inline(always)]` to be compiled with the level's instructions.
    #[inline]
    pub fn run<R>(self, operation: impl FnOnce() -> R) -> R {
        struct Plain<F>(F);
        impl<R, F: FnOnce() -> R> pulp::WithSimd for Plain<F> {
            type Output = R;
            #[inline(always)]
            fn with_simd<S: pulp::Simd>(self, _simd: S) -> R {
                (self.0)()
            }
        }
        self.dispatch(Plain(operation))
    }
}

/// Returns the default level of programs: the widest available, or the one `KEEL_SIMD` names. Kernels never ask for it.
///
/// # Panics
/// If `KEEL_SIMD` names a level this processor cannot run: a test run must not silently use another one.
pub fn level() -> SimdLevel {
    static LEVEL: OnceLock<SimdLevel> = OnceLock::new();
    *LEVEL.get_or_init(|| {
        let available = SimdLevel::available();
        match std::env::var("KEEL_SIMD") {
            Ok(wanted) if !wanted.is_empty() => match available.iter().find(|level| level.name() == wanted) {
                Some(level) => *level,
                None => {
                    let names: Vec<_> = available.iter().map(|level| level.name()).collect();
                    panic!("KEEL_SIMD={wanted}: this processor offers {}", names.join(", "))
                }
            },
            _ => available[0],
        }
    })
}

/// Asks for the cache line of an address that is read or written soon; any address will do.
#[inline(always)]
pub(crate) fn prefetch(address: *const f32) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint that reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// Asks for a cache line like [`prefetch`], up to the second-level cache.
#[inline(always)]
pub(crate) fn prefetch_far(address: *const f32) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: a hint that reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(address.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

#[cold]
fn unsupported(level: SimdLevel) -> ! {
    panic!("this processor cannot run {} code", level.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_available_level_runs_code_and_scalar_is_always_there() {
        let levels = SimdLevel::available();
        assert_eq!(levels.last(), Some(&SimdLevel::Scalar));
        for level in levels {
            let sum: f32 = level.run(|| (0..100).map(|i| i as f32).sum());
            assert_eq!(sum, 4950.0, "{}", level.name());
        }
    }
}
