//! Watching a step costs no allocation once the first window is over.

mod simulated;

use keel_health::Monitor;
use keel_health::measurement::ActivationFunction::Relu;
use keel_testkit::{CountingAllocator, count_allocations};
use simulated::{healthy_step, mlp};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

#[test]
fn a_step_within_a_window_allocates_nothing() {
    let model = mlp(Relu, 6);
    let mut monitor = Monitor::new(model.clone());
    let mut step = healthy_step(&model, 0);
    for number in 0..250 {
        step.step = number;
        monitor.step(&step);
    }
    let (closed, count) = count_allocations(|| {
        let mut closed = false;
        for number in 250..299 {
            step.step = number;
            closed |= monitor.step(&step).window_closed;
        }
        closed
    });
    assert!(!closed, "the steps lie within one window");
    assert_eq!(count.calls, 0, "{} bytes", count.bytes);
}
