//! Fitted steps folded into as few passes as possible.

use super::elementwise::{Elementwise, Stored};
use super::fitted::FittedStep;
use super::matrix::Matrix;
use crate::dataset::SampleShape;

/// The passes over a sample: stand-ins, one shift and scale, then projections with shift and scale after them.
///
/// Every centring in front of a projection is part of the first pass, so that zero after it is the training mean
/// wherever the steps centre: padding and cut-out squares are zeros of that pass.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plan {
    fill: Option<Vec<f32>>,
    first: Elementwise,
    rest: Vec<Pass>,
}

#[derive(Debug, Clone, PartialEq)]
enum Pass {
    Elementwise(Elementwise),
    Projection(Matrix),
}

/// Intermediate rows of a batch; grows to the largest batch and stays.
#[derive(Debug, Clone, Default)]
pub struct PreprocessScratch {
    pub(crate) first: Vec<f32>,
    second: Vec<f32>,
    pub(crate) row: Vec<f32>,
}

impl Plan {
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
            }
        }
        plan
    }

    fn push_elementwise(&mut self, next: Elementwise) {
        match self.rest.last_mut() {
            None => self.first = self.first.then(&next),
            Some(Pass::Elementwise(last)) => *last = last.then(&next),
            Some(Pass::Projection(_)) => self.rest.push(Pass::Elementwise(next)),
        }
    }

    /// The first pass, which reads the stored values.
    pub(crate) fn first(&self) -> &Elementwise {
        &self.first
    }

    /// Whether the first pass is the only one.
    pub(crate) fn is_elementwise(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn output_length(&self) -> usize {
        self.rest
            .iter()
            .rev()
            .find_map(|pass| match pass {
                Pass::Projection(matrix) => Some(matrix.out_features),
                Pass::Elementwise(_) => None,
            })
            .unwrap_or(self.first.len())
    }

    /// The first pass over one stored sample.
    pub(crate) fn apply_first<T: Stored>(&self, source: &[T], output: &mut [f32]) {
        T::apply(&self.first, 0, source, output);
    }

    /// Copies `source` into `row` with stand-ins for missing cells.
    pub(crate) fn fill_missing<'a>(&self, source: &'a [f32], row: &'a mut Vec<f32>) -> &'a [f32] {
        let Some(fill) = &self.fill else { return source };
        row.clear();
        row.extend(source.iter().zip(fill).map(|(&value, &fill)| if value.is_nan() { fill } else { value }));
        row
    }

    /// The rows the first pass writes, `[batch, in_features]`: the output itself where there is no further pass.
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

    /// The passes after the first: from `scratch.first`, `[batch, in_features]`, to `output`, `[batch, out_features]`.
    pub(crate) fn apply_rest(&self, batch: usize, scratch: &mut PreprocessScratch, output: &mut [f32]) {
        let mut length = self.first.len();
        let projections = self.rest.iter().filter(|pass| matches!(pass, Pass::Projection(_))).count();
        let mut done = 0;
        for pass in &self.rest {
            match pass {
                Pass::Projection(matrix) => {
                    done += 1;
                    length = matrix.out_features;
                    if done == projections {
                        matrix.multiply(batch, &scratch.first, output);
                    } else {
                        scratch.second.resize(batch * length, 0.0);
                        matrix.multiply(batch, &scratch.first, &mut scratch.second);
                        std::mem::swap(&mut scratch.first, &mut scratch.second);
                    }
                }
                Pass::Elementwise(elementwise) => {
                    let rows = if done == projections { &mut *output } else { &mut scratch.first[..] };
                    rows[..batch * length].chunks_exact_mut(length).for_each(|row| elementwise.apply_in_place(row));
                }
            }
        }
    }
}
