//! Measured limits of the machine.

use keel_kernels::machine_limits::MachineLimits;
use keel_kernels::parallel::workers;
use keel_kernels::simd;
use serde_json::{Value, json};

/// The limits every share is a share of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Multiply-adds per second on all threads.
    pub(crate) multiply_adds: f64,
    /// Bytes a second read and written together on all threads, from and to memory.
    pub(crate) bytes: f64,
}

impl Limits {
    /// Measures them; takes less than a second.
    pub(crate) fn measured() -> Self {
        let limits = MachineLimits::measure(simd::level());
        let multiply_adds = limits.gigaflops_all_threads * 1e9 / 2.0;
        Limits { multiply_adds, bytes: limits.copy_gigabytes_all_threads * 1e9 }
    }

    /// Multiply-adds per second on all threads at this moment; takes about a millisecond.
    pub(crate) fn multiply_adds_now() -> f64 {
        MachineLimits::gigaflops_now(simd::level()) * 1e9 / 2.0
    }

    /// The least seconds this work can take: arithmetic or memory, whichever takes longer.
    pub(crate) fn seconds(self, multiply_adds: f64, bytes: f64) -> f64 {
        (multiply_adds / self.multiply_adds).max(bytes / self.bytes)
    }
}

/// The machine in a result document.
pub(crate) fn describe(limits: Limits) -> Value {
    json!({
        "processor": processor(),
        "system": std::env::consts::OS,
        "threads": workers(),
        "simd": simd::level().name(),
        "peak_gigaflops": 2.0 * limits.multiply_adds / 1e9,
        "bandwidth_gigabytes": limits.bytes / 1e9,
    })
}

/// The processor's name if the system reports it.
fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("model name"));
    let name = line.and_then(|line| line.split(':').nth(1)).unwrap_or(std::env::consts::ARCH);
    name.trim().to_owned()
}
