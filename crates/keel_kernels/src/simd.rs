//! SIMD levels: sets of vector instructions that kernels are compiled for.
//!
//! Every kernel is written once over [`pulp::Simd`] (or as a plain loop that the compiler vectorises), compiled for each level, and
//! called with the level to run at. [`level`] is the default of programs: the widest level of the processor, or the one named by
//! the environment variable `KEEL_SIMD` = `avx512` | `avx2` | `neon` | `simd128` | `scalar`. Results of different levels may differ
//! in the last bits, because wider registers sum in a different order; within one level they never do.

use std::fmt;
use std::sync::OnceLock;

/// A set of vector instructions that kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimdLevel {
    /// Portable code, at most 128-bit vectors.
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
    /// WebAssembly with 128-bit vectors, 4 lanes.
    #[cfg(target_arch = "wasm32")]
    Simd128,
}

impl SimdLevel {
    /// Returns every level that this processor supports, widest first.
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
        #[cfg(target_arch = "wasm32")]
        if pulp::wasm::Simd128::try_new().is_some() {
            levels.push(SimdLevel::Simd128);
        }
        levels.push(SimdLevel::Scalar);
        levels
    }

    /// Returns the name used by `KEEL_SIMD` and reports.
    pub fn name(self) -> &'static str {
        match self {
            SimdLevel::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx512 => "avx512",
            #[cfg(target_arch = "aarch64")]
            SimdLevel::Neon => "neon",
            #[cfg(target_arch = "wasm32")]
            SimdLevel::Simd128 => "simd128",
        }
    }

    /// Returns the number of `f32` lanes of a vector.
    pub fn lanes(self) -> usize {
        match self {
            SimdLevel::Scalar => 4,
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx2 => 8,
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx512 => 16,
            #[cfg(target_arch = "aarch64")]
            SimdLevel::Neon => 4,
            #[cfg(target_arch = "wasm32")]
            SimdLevel::Simd128 => 4,
        }
    }

    /// Runs `operation` compiled for this level.
    ///
    /// # Panics
    /// If the processor does not support this level; see [`SimdLevel::available`].
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
            #[cfg(target_arch = "wasm32")]
            SimdLevel::Simd128 => match pulp::wasm::Simd128::try_new() {
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

/// Environment variable that sets the level of programs.
const VARIABLE: &str = "KEEL_SIMD";

/// A value of `KEEL_SIMD` that is not a level of this processor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownLevel {
    /// Value of the variable.
    pub wanted: String,
    /// Accepted names, widest first.
    pub available: Vec<&'static str>,
}

impl fmt::Display for UnknownLevel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let UnknownLevel { wanted, available } = self;
        write!(formatter, "{VARIABLE}={}: this processor supports {}", wanted.escape_debug(), available.join(", "))
    }
}

impl std::error::Error for UnknownLevel {}

/// Returns the level that `KEEL_SIMD` names, the widest available if it is unset or empty.
///
/// # Errors
/// If the text is not the name of a level of this processor. Programs check it once at their start: [`level`] does not fail.
pub fn wanted_level() -> Result<SimdLevel, UnknownLevel> {
    let wanted = std::env::var_os(VARIABLE).unwrap_or_default();
    level_named(&wanted.to_string_lossy())
}

fn level_named(wanted: &str) -> Result<SimdLevel, UnknownLevel> {
    let available = SimdLevel::available();
    let found = available.iter().find(|level| wanted.is_empty() || level.name() == wanted);
    let unknown =
        || UnknownLevel { wanted: wanted.to_owned(), available: available.iter().map(|level| level.name()).collect() };
    found.copied().ok_or_else(unknown)
}

/// Returns the default level of programs: the one that `KEEL_SIMD` names, or the widest available if it names none of them (see
/// [`wanted_level`]). Kernels never call it.
pub fn level() -> SimdLevel {
    static LEVEL: OnceLock<SimdLevel> = OnceLock::new();
    *LEVEL.get_or_init(|| wanted_level().or_else(|_| level_named("")).unwrap_or(SimdLevel::Scalar))
}

/// Prefetches the cache line of an address that is read or written soon; any address is allowed.
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

/// Prefetches a cache line like [`prefetch`], up to the second-level cache.
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
    #[test]
    fn levels_are_found_by_name_and_others_are_refused_with_the_names() {
        let available = SimdLevel::available();
        assert_eq!(level_named(""), Ok(available[0]));
        for level in &available {
            assert_eq!(level_named(level.name()), Ok(*level));
        }
        for wanted in ["foo", "AVX2", " ", "scalar\n"] {
            let message = level_named(wanted).unwrap_err().to_string();
            assert!(message.starts_with("KEEL_SIMD=") && message.ends_with("scalar"), "{message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }

    /// Without this test, tests that are run at a level that does not exist would pass at another one.
    #[test]
    fn the_level_of_this_run_of_the_tests_exists() {
        assert_eq!(wanted_level(), Ok(level()));
    }
}
