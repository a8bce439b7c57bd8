//! Growth of the gradient norm: the mean of the last 25 steps against the mean of up to 475 steps before.

use serde::{Deserialize, Serialize};

const SHORT: usize = 25;
const LONG: usize = 500;
/// Minimum number of steps before a comparison.
const FIRST_COMPARISON: usize = 100;

/// Strongest growth of the gradient norm within a window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct GradientGrowth {
    /// Step of the strongest growth.
    pub step: u64,
    /// Mean of 25 steps divided by the mean of the (up to) 475 steps before.
    pub factor: f64,
    /// Mean of 25 steps divided by the mean of the first 25 steps of the run.
    pub against_start: f64,
}

/// The last 500 gradient norms with running sums.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct GradientTrend {
    norms: Vec<f64>,
    steps: usize,
    short_sum: f64,
    long_sum: f64,
    start_mean: f64,
}

impl Default for GradientTrend {
    fn default() -> Self {
        Self { norms: vec![0.0; LONG], steps: 0, short_sum: 0.0, long_sum: 0.0, start_mean: 0.0 }
    }
}

impl GradientTrend {
    /// Adds the norm of a step and compares; the factor is 0 until there are enough steps.
    pub(super) fn push(&mut self, step: u64, norm: f64) -> GradientGrowth {
        let norm = if norm.is_finite() { norm } else { 0.0 };
        let at = |steps: usize| steps % LONG;
        if self.steps >= SHORT {
            self.short_sum -= self.norms[at(self.steps - SHORT)];
        }
        if self.steps >= LONG {
            self.long_sum -= self.norms[at(self.steps)];
        }
        self.norms[at(self.steps)] = norm;
        self.short_sum += norm;
        self.long_sum += norm;
        self.steps += 1;
        if self.steps == SHORT {
            self.start_mean = self.short_sum / SHORT as f64;
        }
        if self.steps < FIRST_COMPARISON {
            return GradientGrowth::default();
        }
        let short = self.short_sum / SHORT as f64;
        let before = (self.long_sum - self.short_sum) / (self.steps.min(LONG) - SHORT) as f64;
        let factor = if before > 0.0 { short / before } else { 0.0 };
        let against_start = if self.start_mean > 0.0 { short / self.start_mean } else { 0.0 };
        GradientGrowth { step, factor, against_start }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constant_norms_do_not_grow_and_a_jump_does() {
        let mut trend = GradientTrend::default();
        let quiet: Vec<f64> = (0..1200).map(|step| trend.push(step, 2.0).factor).collect();
        assert!(quiet[..99].iter().all(|&factor| factor == 0.0));
        assert!(quiet[99..].iter().all(|&factor| (factor - 1.0).abs() < 1e-9));
        let loud = (0..25).map(|step| trend.push(1200 + step, 20.0)).last().unwrap();
        assert!((loud.factor - 10.0).abs() < 1e-9 && (loud.against_start - 10.0).abs() < 1e-9);
    }
}
