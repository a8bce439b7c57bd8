//! Multiclass hinge (Weston & Watkins 1999): L = sum over j != label of max(0, score_j - score_label + 1), averaged over
//! the batch; the gradient is 1 for each violated margin and minus their number at the label.

use super::CatalogEntry;
use super::class_weights::ClassWeights;
use super::rows::{Sum, largest};

pub(super) const ENTRY: CatalogEntry = CatalogEntry {
    name: "hinge",
    summary: "sum over the wrong classes of max(0, score - right score + 1), a linear support vector machine",
};

/// Margin that the score of the right class has to keep.
const MARGIN: f32 = 1.0;

/// Returns the sum of the losses of these rows, each times the weight of its class, and, if `gradient` is not empty, writes their
/// gradients times `scale`.
#[inline(always)]
pub(super) fn rows(
    outputs: &[f32],
    labels: &[u32],
    weights: ClassWeights<'_>,
    gradient: &mut [f32],
    scale: f32,
) -> Sum {
    let classes = outputs.len() / labels.len();
    let mut sum = Sum::default();
    for (index, (row, &label)) in outputs.chunks_exact(classes).zip(labels).enumerate() {
        let label = label as usize;
        let (right, weight) = (row[label], weights.of(label));
        let mut loss = 0.0;
        for (class, &score) in row.iter().enumerate() {
            let excess = score - right + MARGIN;
            // This form of the comparison keeps NaN.
            loss += f64::from(if class == label || excess < 0.0 { 0.0 } else { excess });
        }
        sum.loss += f64::from(weight) * loss;
        sum.correct += usize::from(largest(row) == label);
        if !gradient.is_empty() {
            let gradient = &mut gradient[index * classes..(index + 1) * classes];
            let (mut violated, scale) = (0.0, scale * weight);
            for (gradient, &score) in gradient.iter_mut().zip(row) {
                let over = if score - right + MARGIN > 0.0 { 1.0 } else { 0.0 };
                violated += over;
                *gradient = scale * over;
            }
            gradient[label] = scale * (1.0 - violated);
        }
    }
    sum
}
