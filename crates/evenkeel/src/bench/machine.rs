//! What the machine can do at most, measured.

use std::time::Instant;

use keel_kernels::matmul::{self, Sizes};
use keel_kernels::parallel::workers;
use serde_json::{Value, json};

/// Multiply-adds a second of a large matrix product on all threads, the best of a few runs.
pub(crate) fn peak_multiply_adds_per_second() -> f64 {
    let sizes = Sizes { rows: 768, depth: 512, columns: 768 };
    let (a, b) = (vec![0.5; sizes.rows * sizes.depth], vec![0.25; sizes.depth * sizes.columns]);
    let mut c = vec![0.0; sizes.rows * sizes.columns];
    let mut scratch = vec![0.0; matmul::scratch_length(sizes.depth, sizes.columns)];
    let mut best = f64::INFINITY;
    for _ in 0..20 {
        let start = Instant::now();
        matmul::matmul(sizes, &a, &b, None, (&mut c, &mut scratch));
        best = best.min(start.elapsed().as_secs_f64());
    }
    sizes.work() as f64 / best
}

/// The machine in a result document.
pub(crate) fn describe(peak: f64) -> Value {
    json!({
        "processor": processor(),
        "threads": workers(),
        "simd": keel_kernels::simd::level().name(),
        "peak_gigaflops": 2.0 * peak / 1e9,
    })
}

/// The processor's name where the system tells it.
fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("model name"));
    let name = line.and_then(|line| line.split(':').nth(1)).unwrap_or(std::env::consts::ARCH);
    name.trim().to_owned()
}
