//! One pass over all parameters, in chunks of a fixed size that are shared among threads, with the norms of every parameter.

use std::ops::Range;

use keel_nn::graph::Parameter;
use keel_nn::{ParameterRole, Trained};

use super::element_wise::{self, Factors, Rule, Squares, Stretch};
use super::kinds::{Rules, SegmentKind};

/// Number of parameters updated by one task; fixed, so that sums do not depend on the number of threads.
pub(super) const CHUNK: usize = 16 * 1024;

/// Number of parameters below which one thread does all the work.
pub(super) const PARALLEL_FROM: usize = 64 * 1024;

/// One parameter of the network within the buffer.
#[derive(Debug, Clone, PartialEq)]
pub struct ParameterSegment {
    /// Layer and parameter, for example `conv2d_1.weight`.
    pub name: String,
    /// Range in the buffer.
    pub range: Range<usize>,
    /// True if weight decay applies: to weights, not to norms and biases.
    pub decay: bool,
    /// Kind of the parameter, which can have a separate learning rate.
    pub kind: SegmentKind,
    /// Epochs in which it is trained.
    pub trained: Trained,
    /// Factor of the learning rate.
    pub learning_rate_factor: f64,
}

impl ParameterSegment {
    /// Creates the segment of a network's parameter.
    pub fn new(parameter: &Parameter) -> Self {
        let role = parameter.spec.role;
        ParameterSegment {
            name: parameter.name.clone(),
            range: parameter.range.clone(),
            decay: role == ParameterRole::Weight,
            kind: match role {
                ParameterRole::Bias => SegmentKind::Bias,
                ParameterRole::Shift => SegmentKind::Shift,
                ParameterRole::Weight | ParameterRole::Scale | ParameterRole::Slope => SegmentKind::Other,
            },
            trained: parameter.trained,
            learning_rate_factor: parameter.learning_rate_factor,
        }
    }
}

/// Euclidean norms of one parameter at one step; 0 if it is not trained.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct SegmentNorms {
    /// Norm of the values before the update.
    pub values: f64,
    /// Norm of the gradient before clipping, without weight decay.
    pub gradient: f64,
    /// Norm of the update as applied.
    pub update: f64,
}

/// The overlap of a chunk and a segment.
#[derive(Debug)]
pub(super) struct SegmentPart {
    segment: usize,
    /// Range relative to the start of the chunk.
    range: Range<usize>,
    decay: bool,
    kind: SegmentKind,
    learning_rate_factor: f64,
    squares: Squares,
}

/// All operands of an update except the rule.
pub(super) struct ParameterPass<'a> {
    /// Parts of every chunk, to which the sums of squares are written.
    pub(super) chunks: &'a mut [Vec<SegmentPart>],
    /// Slots of the optimizer, each as long as the parameters.
    pub(super) slots: &'a mut [Vec<f32>],
    /// Factor of the learning rate of the parameters that are updated; others are updated in another pass.
    pub(super) learning_rate_factor: f64,
    /// Scale of the gradient and weight decay.
    pub(super) factors: Factors,
    /// Parameters, updated in place.
    pub(super) values: &'a mut [f32],
    /// Gradients, as long as the parameters.
    pub(super) gradients: &'a [f32],
}

impl ParameterPass<'_> {
    /// Updates all parameters with `rules`.
    pub(super) fn run<R: Rule>(self, rules: &Rules<R>) {
        let ParameterPass { chunks, slots, learning_rate_factor, factors, values, gradients } = self;
        let mut slots = slots.iter_mut().map(Vec::as_mut_slice);
        let slots = [slots.next().unwrap_or(&mut []), slots.next().unwrap_or(&mut [])];
        let level = keel_kernels::simd::level();
        let of_factor = |part: &&mut SegmentPart| part.learning_rate_factor == learning_rate_factor;
        let work = |parts: &mut Vec<SegmentPart>, chunk: Stretch<'_>| {
            level.run(
                #[inline(always)]
                || update_chunk(rules, factors, parts.iter_mut().filter(of_factor), chunk),
            );
        };
        share(chunks, Stretch { values, gradients, slots }, &work);
    }
}

/// Writes the norms of the last pass, one per segment, and returns the norm of the whole gradient.
pub(super) fn collect_norms(chunks: &[Vec<SegmentPart>], segments: &mut [SegmentNorms]) -> f64 {
    let mut total = 0.0;
    segments.fill(SegmentNorms::default());
    for part in chunks.iter().flatten() {
        let norms = &mut segments[part.segment];
        norms.values += part.squares.values;
        norms.gradient += part.squares.gradients;
        norms.update += part.squares.updates;
        total += part.squares.gradients;
    }
    for norms in segments {
        *norms =
            SegmentNorms { values: norms.values.sqrt(), gradient: norms.gradient.sqrt(), update: norms.update.sqrt() };
    }
    total.sqrt()
}

/// Returns the parts of the chunk that begins at `start`, one per segment in it that is trained in `epoch`.
pub(super) fn parts_of_chunk(start: usize, segments: &[ParameterSegment], epoch: u64) -> Vec<SegmentPart> {
    let overlap = |(index, segment): (usize, &ParameterSegment)| {
        let range = segment.range.start.max(start)..segment.range.end.min(start + CHUNK);
        (range.start < range.end && segment.trained.in_epoch(epoch)).then(|| SegmentPart {
            segment: index,
            range: range.start - start..range.end - start,
            decay: segment.decay,
            kind: segment.kind,
            learning_rate_factor: segment.learning_rate_factor,
            squares: Squares::default(),
        })
    };
    segments.iter().enumerate().filter_map(overlap).collect()
}

/// Runs each chunk on its range: on this thread if there is little work, otherwise split recursively over the pool.
fn share(
    chunks: &mut [Vec<SegmentPart>],
    stretch: Stretch<'_>,
    work: &(impl Fn(&mut Vec<SegmentPart>, Stretch<'_>) + Sync),
) {
    if let [parts] = chunks {
        return work(parts, stretch);
    }
    if chunks.is_empty() {
        return;
    }
    let middle = chunks.len() / 2;
    let parallel = stretch.values.len() >= PARALLEL_FROM;
    let (left, right) = chunks.split_at_mut(middle);
    let (left_stretch, right_stretch) = stretch.split(middle * CHUNK);
    if parallel {
        rayon::join(|| share(left, left_stretch, work), || share(right, right_stretch, work));
    } else {
        share(left, left_stretch, work);
        share(right, right_stretch, work);
    }
}

#[inline(always)]
fn update_chunk<'a, R: Rule>(
    rules: &Rules<R>,
    factors: Factors,
    parts: impl Iterator<Item = &'a mut SegmentPart>,
    chunk: Stretch<'_>,
) {
    let Stretch { values, gradients, slots: [first, second] } = chunk;
    for part in parts {
        let range = part.range.clone();
        let rule = rules.of(part.kind);
        let factors = Factors { decay: if part.decay { factors.decay } else { 0.0 }, ..factors };
        let slot = |slot: &'_ [f32]| if slot.is_empty() { 0..0 } else { range.clone() };
        let (first_range, second_range) = (slot(first), slot(second));
        let slots = [&mut first[first_range], &mut second[second_range]];
        let stretch = Stretch { values: &mut values[range.clone()], gradients: &gradients[range], slots };
        part.squares = element_wise::update(rule, factors, stretch);
    }
}
