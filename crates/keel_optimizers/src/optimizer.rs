//! An optimizer over one contiguous buffer of parameters.

use super::OptimizerConfig;
use super::clip;
use super::definition::StepSettings;
use super::element_wise::Factors;
use super::parameter_pass::{self, CHUNK, ParameterPass, ParameterSegment, SegmentNorms, SegmentPart, parts_of_chunk};

/// Norms of one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepNorms<'a> {
    /// One per segment, in the order of the segments.
    pub segments: &'a [SegmentNorms],
    /// Norm of the whole gradient before clipping.
    pub gradient: f64,
    /// Factor of the gradient: 1 unless it was clipped.
    pub gradient_scale: f32,
}

/// An optimizer with its slots. A step allocates nothing and gives the same bits with any number of threads.
#[derive(Debug)]
pub struct Optimizer {
    config: OptimizerConfig,
    steps: u64,
    slots: Vec<Vec<f32>>,
    segments: Vec<ParameterSegment>,
    /// Distinct factors of the learning rate.
    learning_rate_factors: Vec<f64>,
    /// Epoch of the updates, counted from 0.
    epoch: u64,
    chunks: Vec<Vec<SegmentPart>>,
    partial: Vec<f64>,
    norms: Vec<SegmentNorms>,
}

impl Optimizer {
    /// Creates an optimizer for a buffer of `length` parameters; parameters outside all segments are not updated.
    ///
    /// # Panics
    /// If segments are out of order, overlap or reach past the buffer.
    pub fn new(config: &OptimizerConfig, segments: &[ParameterSegment], length: usize) -> Self {
        let ends = std::iter::once(0).chain(segments.iter().map(|segment| segment.range.end));
        assert!(
            ends.zip(segments).all(|(end, segment)| end <= segment.range.start && segment.range.end <= length),
            "segments are in order, apart and inside the buffer"
        );
        let chunk_count = length.div_ceil(CHUNK);
        let mut learning_rate_factors: Vec<f64> = segments.iter().map(|segment| segment.learning_rate_factor).collect();
        learning_rate_factors.sort_by(f64::total_cmp);
        learning_rate_factors.dedup();
        let slots = config.slot_names().iter().map(|_| vec![0.0; length]).collect();
        Optimizer {
            config: config.clone(),
            steps: 0,
            slots,
            segments: segments.to_vec(),
            learning_rate_factors,
            epoch: 0,
            chunks: (0..chunk_count).map(|chunk| parts_of_chunk(chunk * CHUNK, segments, 0)).collect(),
            partial: vec![0.0; chunk_count],
            norms: vec![SegmentNorms::default(); segments.len()],
        }
    }

    /// Sets the epoch of the updates that follow, counted from 0: parameters that are no longer trained keep their values.
    pub fn begin_epoch(&mut self, epoch: u64) {
        let changes =
            |segment: &ParameterSegment| segment.trained.in_epoch(epoch) != segment.trained.in_epoch(self.epoch);
        if self.segments.iter().any(changes) {
            for (chunk, parts) in self.chunks.iter_mut().enumerate() {
                *parts = parts_of_chunk(chunk * CHUNK, &self.segments, epoch);
            }
        }
        self.epoch = epoch;
    }

    /// Applies one update to `values` with the gradient of the loss with respect to them.
    ///
    /// # Panics
    /// If the slices are not as long as the buffer that the optimizer was created for.
    pub fn step(&mut self, values: &mut [f32], gradients: &[f32], learning_rate: f64) -> StepNorms<'_> {
        assert_eq!(values.len(), gradients.len(), "as many gradients as parameters");
        assert_eq!(values.len().div_ceil(CHUNK), self.chunks.len(), "the buffer that the optimizer was created for");
        self.steps += 1;
        let clip_norm = self.config.clip_norm();
        let gradient_scale = if clip_norm > 0.0 {
            clip::scale(clip::sum_of_squares(gradients, &mut self.partial).sqrt(), clip_norm)
        } else {
            1.0
        };
        for &factor in &self.learning_rate_factors {
            let pass = ParameterPass {
                chunks: &mut self.chunks,
                slots: &mut self.slots,
                learning_rate_factor: factor,
                factors: Factors { gradient_scale, decay: self.config.weight_decay() as f32 },
                values,
                gradients,
            };
            let settings = StepSettings { learning_rate: learning_rate * factor, step: self.steps };
            self.config.definition().update(settings, pass);
        }
        let gradient = parameter_pass::collect_norms(&self.chunks, &mut self.norms);
        StepNorms { segments: &self.norms, gradient, gradient_scale }
    }

    /// Returns the Euclidean norm of a whole gradient; not finite if any entry is NaN or infinite.
    pub fn gradient_norm(&mut self, gradients: &[f32]) -> f64 {
        clip::sum_of_squares(gradients, &mut self.partial).sqrt()
    }

    /// Returns the norms of the last update, one per segment, in the order of the segments.
    pub fn norms(&self) -> &[SegmentNorms] {
        &self.norms
    }

    /// Returns the number of updates so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Iterates over name and contents of each slot, as long as the parameter buffer, for a checkpoint.
    pub fn slots(&self) -> impl Iterator<Item = (&'static str, &[f32])> {
        self.config.slot_names().iter().copied().zip(self.slots.iter().map(Vec::as_slice))
    }

    /// Restores a slot returned by [`Optimizer::slots`].
    ///
    /// # Panics
    /// If there is no slot `name` or `contents` has another length.
    pub fn restore_slot(&mut self, name: &str, contents: &[f32]) {
        let index = self.config.slot_names().iter().position(|slot| *slot == name);
        let index = index.expect("a slot of this optimizer");
        self.slots[index].copy_from_slice(contents);
    }

    /// Sets the number of updates so far, which Adam's corrections depend on.
    pub fn restore_steps(&mut self, steps: u64) {
        self.steps = steps;
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use keel_testkit::golden::{GoldenFile, OptimizerCase};

    use keel_nn::Trained;

    use super::super::kinds::SegmentKind;
    use super::super::parameter_pass::PARALLEL_FROM;
    use super::*;

    const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../keel_nn/tests/golden/optimizers.json");

    fn segment(range: Range<usize>, decay: bool) -> ParameterSegment {
        ParameterSegment {
            name: format!("{range:?}"),
            range,
            decay,
            kind: SegmentKind::Other,
            trained: Trained::Always,
            learning_rate_factor: 1.0,
        }
    }

    #[test]
    fn a_segment_with_a_factor_steps_as_at_that_learning_rate_with_every_optimizer() {
        for name in ["sgd", "adam", "adamw", "rmsprop", "adagrad"] {
            let config = serde_json::json!({"type": name, "weight_decay": 0.01});
            let config: OptimizerConfig = serde_json::from_value(config).unwrap();
            let run = |factors: [f64; 2], learning_rate: f64| {
                let part =
                    |range, learning_rate_factor| ParameterSegment { learning_rate_factor, ..segment(range, true) };
                let segments = [part(0..2, factors[0]), part(2..5, factors[1])];
                let (mut optimizer, mut values) = (Optimizer::new(&config, &segments, 5), [1.0, 2.0, 3.0, 4.0, 5.0]);
                for _ in 0..3 {
                    let norms = optimizer.step(&mut values, &[1.0, -1.0, 0.5, -0.25, 2.0], learning_rate);
                    assert!(norms.segments.iter().all(|segment| segment.gradient > 0.0), "{name}");
                }
                values
            };
            let mixed = run([0.25, 1.0], 0.125);
            assert_eq!(mixed[..2], run([1.0, 1.0], 0.03125)[..2], "{name}");
            assert_eq!(mixed[2..], run([1.0, 1.0], 0.125)[2..], "{name}");
        }
    }

    #[test]
    fn every_optimizer_follows_the_golden_values() {
        for case in GoldenFile::<OptimizerCase>::read(GOLDEN).unwrap().cases {
            let mut json = case.optimizer.clone();
            for (key, value) in [("weight_decay", 0.0), ("momentum", 0.0)] {
                let belongs = key == "weight_decay" || json["type"] == "sgd";
                if belongs && json.get(key).is_none() {
                    json[key] = value.into();
                }
            }
            let config: OptimizerConfig = serde_json::from_value(json).unwrap();
            let length = case.initial.len();
            let mut optimizer = Optimizer::new(&config, &[segment(0..length, true)], length);
            let mut values = case.initial.clone();
            for (step, (gradient, expected)) in case.gradients.iter().zip(&case.after).enumerate() {
                optimizer.step(&mut values, gradient, config.learning_rate());
                for (value, expected) in values.iter().zip(expected) {
                    let error = (value - expected).abs();
                    assert!(error <= 2e-5 * expected.abs().max(1.0), "{} step {step}: {value} {expected}", case.name);
                }
            }
        }
    }

    #[test]
    fn a_frozen_segment_keeps_every_bit_and_counts_in_no_norm() {
        let config: OptimizerConfig = serde_json::from_value(serde_json::json!({"type": "sgd"})).unwrap();
        let frozen = ParameterSegment { trained: Trained::Never, ..segment(0..3, true) };
        let mut optimizer = Optimizer::new(&config, &[frozen, segment(3..5, true)], 5);
        let mut values = [1.0, 2.0, 3.0, 4.0, 5.0];
        let norms = optimizer.step(&mut values, &[9.0, 9.0, 9.0, 3.0, 4.0], 0.1);
        assert_eq!((norms.gradient, norms.segments[0]), (5.0, SegmentNorms::default()));
        assert_eq!(values[..3], [1.0, 2.0, 3.0]);
        assert!(values[3] < 4.0 && values[4] < 5.0, "{values:?}");
    }

    #[test]
    fn a_segment_whose_epochs_are_over_stays_and_the_others_go_on() {
        let config: OptimizerConfig = serde_json::from_value(serde_json::json!({"type": "sgd"})).unwrap();
        let early = ParameterSegment { trained: Trained::Epochs(2), ..segment(0..2, true) };
        let mut optimizer = Optimizer::new(&config, &[early, segment(2..3, true)], 3);
        let mut values = [1.0, 2.0, 3.0];
        for epoch in 0..4 {
            let before = values;
            optimizer.begin_epoch(epoch);
            let norms = optimizer.step(&mut values, &[1.0, 1.0, 1.0], 0.1).segments.to_vec();
            let moves = epoch < 2;
            assert_eq!(values[..2] != before[..2], moves, "epoch {epoch}");
            assert_eq!(norms[0] != SegmentNorms::default(), moves, "epoch {epoch}");
            assert!(values[2] < before[2], "epoch {epoch}");
        }
    }

    #[test]
    fn biases_and_shifts_step_farther_by_their_factors_and_all_else_as_before() {
        for (key, kind) in [("bias", SegmentKind::Bias), ("shift", SegmentKind::Shift)] {
            check_faster(key, kind);
        }
    }

    fn check_faster(key: &str, kind: SegmentKind) {
        let bias = ParameterSegment { kind, ..segment(2..4, false) };
        let run = |factor: f64| {
            let mut json = serde_json::json!({"type": "sgd", "momentum": 0.5});
            json[format!("{key}_learning_rate_factor")] = factor.into();
            let config: OptimizerConfig = serde_json::from_value(json).unwrap();
            let mut optimizer = Optimizer::new(&config, &[segment(0..2, true), bias.clone(), segment(4..5, false)], 5);
            let mut values = [1.0, 2.0, 3.0, 4.0, 5.0];
            optimizer.step(&mut values, &[1.0, -1.0, 0.5, -0.25, 2.0], 0.125);
            optimizer.step(&mut values, &[1.0, -1.0, 0.5, -0.25, 2.0], 0.125);
            values
        };
        let (plain, faster) = (run(1.0), run(8.0));
        assert_eq!((plain[..2].to_vec(), plain[4]), (faster[..2].to_vec(), faster[4]));
        // Two steps with momentum 0.5 and a constant gradient g move by (1 + 1.5) g times the learning rate.
        assert_eq!((plain[2], plain[3]), (3.0 - 0.125 * 2.5 * 0.5, 4.0 + 0.125 * 2.5 * 0.25));
        assert_eq!((faster[2], faster[3]), (3.0 - 2.5 * 0.5, 4.0 + 2.5 * 0.25));
    }

    #[test]
    fn norms_decay_and_bits_are_right_for_any_number_of_threads() {
        let length = 2 * PARALLEL_FROM + 37;
        let segments =
            [segment(0..3, true), segment(3..PARALLEL_FROM + 5, false), segment(PARALLEL_FROM + 5..length, true)];
        let config: OptimizerConfig =
            serde_json::from_value(serde_json::json!({"type": "adamw", "weight_decay": 0.5, "clip_norm": 1.0}))
                .unwrap();
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut values: Vec<f32> = (0..length).map(|i| (i % 13) as f32 - 6.0).collect();
            let gradients: Vec<f32> = (0..length).map(|i| (i % 7) as f32 - 3.0).collect();
            pool.install(|| {
                let mut optimizer = Optimizer::new(&config, &segments, length);
                optimizer.step(&mut values, &gradients, 0.1);
                let norms = optimizer.step(&mut values, &gradients, 0.1).segments.to_vec();
                (values, norms)
            })
        };
        let (values, norms) = run(1);
        for threads in [2, 3, 5] {
            assert!(run(threads) == (values.clone(), norms.clone()), "{threads} threads");
        }
        assert_eq!(norms[0].gradient, (9.0f64 + 4.0 + 1.0).sqrt());
        let zero_gradient = (0..length).find(|i| i % 7 == 3 && *i > 3 && *i < PARALLEL_FROM && i % 13 != 6).unwrap();
        assert_eq!(values[zero_gradient], (zero_gradient % 13) as f32 - 6.0, "exempt from decay");
        let decayed = (PARALLEL_FROM + 5..length).find(|i| i % 7 == 3 && i % 13 != 6).unwrap();
        assert!((values[decayed] / ((decayed % 13) as f32 - 6.0) - 0.95f32.powi(2)).abs() < 1e-5);
    }
}
