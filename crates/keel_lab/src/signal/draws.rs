//! Draws shared by stacks: weights that differ only in scale use the same standard normal numbers.

use keel_nn::RandomKey;
use keel_nn::init::InitSpec;

use super::{LayerSignal, Stack, Weights};

/// Maximum size of the weights kept between runs, in bytes.
const KEPT_BYTES: usize = 128 << 20;
/// Maximum number of weights that can be drawn, applied and measured within a redraw.
const AFFORDABLE: usize = 2_000_000;

/// Standard normal weights, kept between runs.
#[derive(Default)]
pub(crate) struct Draws {
    /// Kept weights, the latest first.
    kept: Vec<Kept>,
}

/// Weights of one shape and key.
struct Kept {
    shape: [usize; 3],
    key: RandomKey,
    bytes: usize,
    weights: Weights,
}

/// Standard deviations of the weights and inputs of a stack.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scales {
    /// Standard deviation of every weight.
    pub(crate) weights: f64,
    /// Standard deviation of every input.
    pub(crate) input: f64,
}

impl Draws {
    /// Runs `stack` forward and backward with normal weights instead of its own. The results are bit-identical without
    /// kept weights.
    pub(crate) fn run(&mut self, stack: &Stack, scales: Scales, key: RandomKey) -> Vec<LayerSignal> {
        let shape = [stack.width, stack.depth, stack.batch];
        let known = self.kept.iter().position(|kept| kept.shape == shape && kept.key == key);
        let mut own = match known {
            Some(index) => self.kept.remove(index),
            None => Kept {
                shape,
                key,
                bytes: stack.depth * stack.width * stack.width * size_of::<f32>(),
                weights: Stack { init: InitSpec::normal(1.0), ..*stack }.kept_weights(key),
            },
        };
        own.weights.scale = scales.weights as f32;
        let signals = stack.run_through(&mut own.weights, key, scales.input as f32);
        self.kept.insert(0, own);
        self.forget();
        signals
    }

    /// Drops the oldest weights beyond [`KEPT_BYTES`].
    fn forget(&mut self) {
        let mut bytes = 0;
        self.kept.retain(|kept| {
            bytes += kept.bytes;
            bytes <= KEPT_BYTES
        });
    }
}

/// Returns the width for which `depth` layers take no longer than a redraw, if `width` is larger than that.
pub(crate) fn affordable_width(width: usize, depth: usize) -> Option<usize> {
    let affordable = (AFFORDABLE / depth.max(1)).isqrt();
    (width > affordable).then_some(affordable)
}

#[cfg(test)]
mod tests {
    use keel_nn::activations::Activation;

    use super::*;
    use crate::statistics::Moments;

    #[test]
    fn kept_draws_give_the_numbers_of_fresh_ones() {
        let stack = |width, activation| Stack { width, depth: 3, batch: 4, activation, init: InitSpec::normal(1.0) };
        let scales = |weights| Scales { weights, input: 1.0 };
        let mut warm = Draws::default();
        for (width, activation, std, seed) in [
            (24, Activation::Tanh, 0.3, 1),
            (24, Activation::Relu, 0.1, 1),
            (16, Activation::Relu, 0.1, 1),
            (24, Activation::Relu, 0.2, 2),
            (24, Activation::Tanh, 0.3, 1),
        ] {
            let (stack, key) = (stack(width, activation), RandomKey::new(seed));
            let kept = warm.run(&stack, scales(std), key);
            let fresh = Draws::default().run(&stack, scales(std), key);
            for (kept, fresh) in kept.iter().zip(&fresh) {
                assert_eq!((&kept.output, &kept.grad_output), (&fresh.output, &fresh.grad_output));
                assert_eq!(kept.grad_weight_rms.to_bits(), fresh.grad_weight_rms.to_bits());
            }
            let alone = Stack { init: InitSpec::normal(std as f32), ..stack }.run(key);
            let std_of = |signals: &[LayerSignal]| Moments::of_slice(&signals[2].output).std;
            assert!((std_of(&kept) / std_of(&alone) - 1.0).abs() < 1e-5);
        }
        assert_eq!(warm.kept.len(), 3);
        assert_eq!((affordable_width(4096, 6), affordable_width(512, 6)), (Some(577), None));
    }
}
