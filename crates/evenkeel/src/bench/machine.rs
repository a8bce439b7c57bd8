//! What the machine can do at most, measured.

use std::time::Instant;

use keel_kernels::elementwise;
use keel_kernels::matmul::{self, Sizes};
use keel_kernels::parallel::workers;
use serde_json::{Value, json};

/// Floats copied to find the bandwidth: far more than the caches hold.
const COPIED: usize = 1 << 26;

/// The limits every share is a share of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Multiply-adds a second on all threads.
    pub(crate) multiply_adds: f64,
    /// Bytes a second read and written together on all threads, from and to memory.
    pub(crate) bytes: f64,
}

impl Limits {
    /// Measures them; takes about a second.
    pub(crate) fn measured() -> Self {
        Limits { multiply_adds: multiply_adds_per_second(), bytes: bytes_per_second() }
    }

    /// The least seconds this work can take: arithmetic or memory, whichever takes longer.
    pub(crate) fn seconds(self, multiply_adds: f64, bytes: f64) -> f64 {
        (multiply_adds / self.multiply_adds).max(bytes / self.bytes)
    }
}

fn multiply_adds_per_second() -> f64 {
    let sizes = Sizes { rows: 768, depth: 512, columns: 768 };
    let (a, b) = (vec![0.5; sizes.rows * sizes.depth], vec![0.25; sizes.depth * sizes.columns]);
    let mut c = vec![0.0; sizes.rows * sizes.columns];
    let mut scratch = vec![0.0; matmul::scratch_length(sizes.depth, sizes.columns)];
    let seconds = best_seconds(20, || matmul::matmul(sizes, &a, &b, None, (&mut c, &mut scratch)));
    sizes.work() as f64 / seconds
}

fn bytes_per_second() -> f64 {
    let (source, mut target) = (vec![1.0_f32; COPIED], vec![0.0_f32; COPIED]);
    let seconds = best_seconds(5, || elementwise::copy(&source, &mut target));
    2.0 * (COPIED * size_of::<f32>()) as f64 / seconds
}

fn best_seconds(times: usize, mut work: impl FnMut()) -> f64 {
    let timed = |_| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    };
    (0..times).map(timed).fold(f64::INFINITY, f64::min)
}

/// The machine in a result document.
pub(crate) fn describe(limits: Limits) -> Value {
    json!({
        "processor": processor(),
        "system": std::env::consts::OS,
        "threads": workers(),
        "simd": keel_kernels::simd::level().name(),
        "peak_gigaflops": 2.0 * limits.multiply_adds / 1e9,
        "bandwidth_gigabytes": limits.bytes / 1e9,
    })
}

/// The processor's name where the system tells it.
fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("model name"));
    let name = line.and_then(|line| line.split(':').nth(1)).unwrap_or(std::env::consts::ARCH);
    name.trim().to_owned()
}
