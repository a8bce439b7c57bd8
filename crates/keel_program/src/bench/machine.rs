//! Measured limits of the machine.

use std::process::Command;

use keel_kernels::machine_limits::MachineLimits;
use keel_kernels::parallel::workers;
use keel_kernels::simd;
use serde_json::{Value, json};

/// Limits to which measured rates are compared.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Multiply-adds per second on all threads.
    pub(crate) multiply_adds: f64,
    /// Bytes per second, read and written together on all threads, from and to memory.
    pub(crate) bytes: f64,
}

impl Limits {
    /// Measures the limits; takes less than a second.
    pub(crate) fn measured() -> Self {
        let limits = MachineLimits::measure(simd::level());
        let multiply_adds = limits.gigaflops_all_threads * 1e9 / 2.0;
        Limits { multiply_adds, bytes: limits.copy_gigabytes_all_threads * 1e9 }
    }

    /// Measures the current multiply-adds per second on all threads; takes about ten milliseconds.
    pub(crate) fn multiply_adds_now() -> f64 {
        MachineLimits::gigaflops_now(simd::level()) * 1e9 / 2.0
    }

    /// Returns the minimum seconds for this work: the time of arithmetic or of memory, whichever is longer.
    pub(crate) fn seconds(self, multiply_adds: f64, bytes: f64) -> f64 {
        (multiply_adds / self.multiply_adds).max(bytes / self.bytes)
    }
}

/// Describes the machine for a result document.
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

/// Returns the processor's name, or its architecture if the system does not report one.
fn processor() -> String {
    let name = match std::env::consts::OS {
        "macos" => printed_by_sysctl("machdep.cpu.brand_string"),
        "windows" => std::env::var("PROCESSOR_IDENTIFIER").ok(),
        _ => std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| model_name(&text)),
    };
    let name = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    name.unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

/// Returns the model name in a text in the format of `/proc/cpuinfo`; ARM processors have none there.
fn model_name(text: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(':').map(|(_, name)| name.trim().to_owned())
}

fn printed_by_sysctl(name: &str) -> Option<String> {
    let output = Command::new("sysctl").args(["-n", name]).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_processors_are_read() {
        let cases = [
            ("processor\t: 0\nmodel name\t: Fast (R) at 2 GHz\nflags\t: a b\n", Some("Fast (R) at 2 GHz")),
            ("processor\t: 0\nBogoMIPS\t: 50.00\n", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(model_name(text).as_deref(), expected, "{text}");
        }
        assert!(!processor().is_empty());
    }
}
