//! Fitted steps folded into as few passes as possible.

use super::elementwise::{Elementwise, Stored};
use super::fitted::FittedStep;
use super::matrix::Matrix;
use super::steps::piecewise_linear::encode;
use super::steps::soft_clip::clip;
use crate::dataset::SampleShape;

/// Passes over a sample: replacements, one shift and scale, then projections each followed by shift and scale.
///
/// All centring before a projection is part of the first pass, so that zero after the first pass is the training mean
/// if the steps centre; padding and cutout squares are zeros of that pass.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PreprocessPlan {
    fill: Option<Vec<f32>>,
    first: Elementwise,
    rest: Vec<Pass>,
}

#[derive(Debug, Clone, PartialEq)]
enum Pass {
    Elementwise(Elementwise),
    Clip(Vec<f32>, Vec<f32>),
    SoftClip(f64),
    Projection(Matrix),
    Bins(Vec<Vec<f32>>),
}

impl Pass {
    /// Returns the length of a row after the pass, or `None` if the pass works in place.
    fn new_length(&self) -> Option<usize> {
        match self {
            Pass::Projection(matrix) => Some(matrix.out_features),
            Pass::Bins(edges) => Some(edges.iter().map(|edges| 1 + edges.len().saturating_sub(1)).sum()),
            Pass::Elementwise(_) | Pass::Clip(..) | Pass::SoftClip(_) => None,
        }
    }

    /// Maps rows `[batch, in_features]` to rows `[batch, new_length]`.
    fn resize(&self, batch: usize, rows: &[f32], output: &mut [f32]) {
        match self {
            Pass::Projection(matrix) => matrix.multiply(batch, rows, output),
            Pass::Bins(edges) => {
                let length = output.len() / batch.max(1);
                for (row, output) in rows.chunks_exact(edges.len()).zip(output.chunks_exact_mut(length)) {
                    let (values, mut positions) = output.split_at_mut(edges.len());
                    values.copy_from_slice(row);
                    for (&value, edges) in row.iter().zip(edges) {
                        let (own, rest) = positions.split_at_mut(edges.len().saturating_sub(1));
                        encode(value, edges, own);
                        positions = rest;
                    }
                }
            }
            Pass::Elementwise(_) | Pass::Clip(..) | Pass::SoftClip(_) => {}
        }
    }

    fn in_place(&self, rows: &mut [f32], length: usize) {
        match self {
            Pass::Elementwise(elementwise) => {
                rows.chunks_exact_mut(length).for_each(|row| elementwise.apply_in_place(row));
            }
            Pass::Clip(low, high) => {
                for row in rows.chunks_exact_mut(length) {
                    let limits = low.iter().zip(high);
                    row.iter_mut().zip(limits).for_each(|(value, (&low, &high))| *value = value.clamp(low, high));
                }
            }
            Pass::SoftClip(limit) => rows.iter_mut().for_each(|value| *value = clip(*value, *limit)),
            Pass::Projection(_) | Pass::Bins(_) => {}
        }
    }
}

/// Intermediate rows of a batch; grows to the largest batch and is kept.
#[derive(Debug, Clone, Default)]
pub struct PreprocessScratch {
    pub(crate) first: Vec<f32>,
    second: Vec<f32>,
    pub(crate) row: Vec<f32>,
}

impl PreprocessPlan {
    pub(crate) fn new(input_shape: &SampleShape, steps: &[FittedStep]) -> Self {
        let mut plan = Self { fill: None, first: Elementwise::identity(input_shape.len()), rest: Vec::new() };
        for step in steps {
            match step {
                FittedStep::Impute { fill } => plan.fill = Some(fill.clone()),
                FittedStep::Elementwise { shift, scale, .. } => {
                    let length = plan.output_length();
                    let repeat = |values: &[f64]| (0..length).map(|i| values[i % values.len()]).collect();
                    plan.push_elementwise(Elementwise::new(repeat(shift), repeat(scale)));
                }
                FittedStep::Projection { mean, matrix, .. } => {
                    plan.push_elementwise(Elementwise::new(mean.clone(), vec![1.0; mean.len()]));
                    plan.rest.push(Pass::Projection(matrix.clone()));
                }
                FittedStep::Clip { low, high } => plan.rest.push(Pass::Clip(low.clone(), high.clone())),
                FittedStep::SoftClip { limit } => plan.rest.push(Pass::SoftClip(*limit)),
                FittedStep::PiecewiseLinear { edges } => plan.rest.push(Pass::Bins(edges.clone())),
            }
        }
        plan
    }

    fn push_elementwise(&mut self, next: Elementwise) {
        match self.rest.last_mut() {
            None => self.first = self.first.then(&next),
            Some(Pass::Elementwise(last)) => *last = last.then(&next),
            Some(_) => self.rest.push(Pass::Elementwise(next)),
        }
    }

    /// Returns the first pass, which reads the stored values.
    pub(crate) fn first(&self) -> &Elementwise {
        &self.first
    }

    /// Returns true if the first pass is the only one.
    pub(crate) fn is_elementwise(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn output_length(&self) -> usize {
        self.rest.iter().rev().find_map(Pass::new_length).unwrap_or(self.first.len())
    }

    /// Applies the first pass to one stored sample.
    pub(crate) fn apply_first<T: Stored>(&self, source: &[T], output: &mut [f32]) {
        T::apply(&self.first, 0, source, output);
    }

    /// Copies `source` into `row`, replacing missing cells.
    pub(crate) fn fill_missing<'a>(&self, source: &'a [f32], row: &'a mut Vec<f32>) -> &'a [f32] {
        let Some(fill) = &self.fill else { return source };
        row.clear();
        row.extend(source.iter().zip(fill).map(|(&value, &fill)| if value.is_nan() { fill } else { value }));
        row
    }

    /// Returns the rows the first pass writes to, `[batch, in_features]`: the output itself if there is no further pass.
    pub(crate) fn first_rows<'a>(
        &self,
        batch: usize,
        output: &'a mut [f32],
        scratch: &'a mut Vec<f32>,
    ) -> &'a mut [f32] {
        if self.is_elementwise() {
            return output;
        }
        scratch.resize(batch * self.first.len(), 0.0);
        scratch
    }

    /// Applies the passes after the first, from `scratch.first`, `[batch, in_features]`, to `output`, `[batch, out_features]`.
    pub(crate) fn apply_rest(&self, batch: usize, scratch: &mut PreprocessScratch, output: &mut [f32]) {
        let mut length = self.first.len();
        let resizing = self.rest.iter().filter(|pass| pass.new_length().is_some()).count();
        if resizing == 0 && !self.rest.is_empty() {
            output.copy_from_slice(&scratch.first[..batch * length]);
        }
        let mut done = 0;
        for pass in &self.rest {
            let Some(new_length) = pass.new_length() else {
                let rows = if done == resizing { &mut *output } else { &mut scratch.first[..batch * length] };
                pass.in_place(rows, length);
                continue;
            };
            done += 1;
            if done == resizing {
                pass.resize(batch, &scratch.first[..batch * length], output);
            } else {
                scratch.second.resize(batch * new_length, 0.0);
                pass.resize(batch, &scratch.first[..batch * length], &mut scratch.second);
                std::mem::swap(&mut scratch.first, &mut scratch.second);
            }
            length = new_length;
        }
    }
}
