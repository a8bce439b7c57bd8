//! Growth of the time of a step with batch, width, depth and threads, compared with that of the arithmetic.

use keel_train::threads;
use serde_json::{Value, json};

use super::networks::Spec;
use super::turns::median;
use super::workload::Workload;
use super::{Context, SEED};
use crate::failure::Failure;

/// Number of timed steps per point.
const STEPS: usize = 5;

/// Number of steps of the perceptron, which take microseconds.
const SMALL_STEPS: usize = 200;

/// One size that differs from the yardstick's own.
#[derive(Debug, Clone, Copy)]
struct Point {
    what: &'static str,
    spec: Spec,
    threads: usize,
}

/// Measures a table of points for each network: `{"points": […]}`. The factor of a point is relative to the network's own size
/// at the same number of threads.
pub(crate) fn measure(context: &Context) -> Result<Value, Failure> {
    let mut points: Vec<Value> = Vec::new();
    for network in ["cnn", "resnet20", "mlp"] {
        let mut own: Option<(f64, f64)> = None;
        for point in points_of(network, keel_kernels::parallel::workers()) {
            (context.progress)(&format!("  {network}: {}", point.what));
            let pool = threads::pool(point.threads)
                .map_err(|error| Failure::new(format!("cannot start {} threads: {error}", point.threads)))?;
            let (milliseconds, multiply_adds) = pool.install(|| timed(point.spec))?;
            let (first, first_work) = *own.get_or_insert((milliseconds, multiply_adds));
            let spec = point.spec;
            points.push(json!({
                "network": network, "varied": point.what, "batch": spec.batch, "width": spec.width,
                "depth": spec.depth, "threads": point.threads, "milliseconds": milliseconds,
                "samples_per_second": spec.batch as f64 / milliseconds * 1000.0,
                "gigaflops": 2.0 * multiply_adds / milliseconds / 1e6,
                "time_factor": milliseconds / first, "arithmetic_factor": multiply_adds / first_work,
            }));
        }
    }
    Ok(json!({ "points": points }))
}

/// Returns the network's own size first, then each size varied separately.
fn points_of(network: &'static str, threads: usize) -> Vec<Point> {
    let own = Spec::new(network);
    let mut points = vec![Point { what: "own size", spec: own, threads }];
    let batches = [16, 32, 64, 128, 256, 512].into_iter().filter(|&batch| batch != own.batch);
    points.extend(batches.map(|batch| Point { what: "batch", spec: Spec { batch, ..own }, threads }));
    points.extend([2, 3, 4].map(|width| Point { what: "width", spec: Spec { width, ..own }, threads }));
    points.extend([2, 3, 4].map(|depth| Point { what: "depth", spec: Spec { depth, ..own }, threads }));
    points.extend((1..threads).map(|threads| Point { what: "threads", spec: own, threads }));
    points
}

/// Returns milliseconds and multiply-adds of a step.
fn timed(spec: Spec) -> Result<(f64, f64), Failure> {
    let mut workload = Workload::new(&spec.description(), SEED)?;
    let steps = if spec.network == "mlp" { SMALL_STEPS } else { STEPS };
    workload.step();
    Ok((median(&workload.timed_steps(steps)), workload.multiply_adds()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_varies_one_size_and_the_first_none() {
        for network in ["cnn", "resnet20", "mlp"] {
            let own = Spec::new(network);
            let points = points_of(network, 2);
            assert_eq!((points[0].spec, points[0].threads), (own, 2));
            for point in &points[1..] {
                let spec = point.spec;
                let varied = [spec.batch != own.batch, spec.width != 1, spec.depth != 1, point.threads != 2];
                assert_eq!(varied.iter().filter(|varied| **varied).count(), 1, "{point:?}");
            }
        }
    }
}
