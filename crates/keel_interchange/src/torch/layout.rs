//! Axis orders of a tensor.

/// Change of axis order between the tensor read and the tensor written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// No change.
    Same,
    /// `[out, in, height, width]` to `[height, width, in, out]`.
    Convolution,
    /// `[height, width, in, out]` to `[out, in, height, width]`.
    ConvolutionBack,
    /// `[out, in]` to `[in, out]`, and back.
    Linear,
    /// Scalar i64 counter to one f32.
    FromCounter,
    /// One f32 to a scalar i64 counter.
    ToCounter,
}

impl Layout {
    /// Returns the inverse change.
    pub(super) fn reversed(self) -> Layout {
        match self {
            Layout::Convolution => Layout::ConvolutionBack,
            Layout::ConvolutionBack => Layout::Convolution,
            Layout::FromCounter => Layout::ToCounter,
            Layout::ToCounter => Layout::FromCounter,
            same => same,
        }
    }

    /// Returns the source axis for each axis of the result.
    pub(super) fn axes(self) -> &'static [usize] {
        match self {
            Layout::Convolution => &[2, 3, 1, 0],
            Layout::ConvolutionBack => &[3, 2, 0, 1],
            Layout::Linear => &[1, 0],
            Layout::Same | Layout::FromCounter | Layout::ToCounter => &[],
        }
    }

    /// Returns the source shape for a result of `shape`.
    pub(super) fn source_shape(self, shape: &[usize]) -> Vec<usize> {
        match self {
            Layout::FromCounter => Vec::new(),
            Layout::ToCounter => vec![1],
            Layout::Same => shape.to_vec(),
            other => {
                let mut source = vec![0; shape.len()];
                for (to, &from) in other.axes().iter().enumerate() {
                    source[from] = shape[to];
                }
                source
            }
        }
    }
}

/// Permutes the values of a tensor of `shape` so that source axis `axes[k]` becomes axis `k`; without axes, returns
/// them unchanged.
pub(super) fn permuted(values: &[f32], shape: &[usize], axes: &[usize]) -> Vec<f32> {
    if axes.is_empty() {
        return values.to_vec();
    }
    let strides: Vec<usize> = (0..shape.len()).map(|axis| shape[axis + 1..].iter().product()).collect();
    let mut result = Vec::with_capacity(values.len());
    let lengths: Vec<usize> = axes.iter().map(|&axis| shape[axis]).collect();
    let mut place = vec![0; axes.len()];
    for _ in 0..values.len() {
        let at: usize = place.iter().zip(axes).map(|(index, &axis)| index * strides[axis]).sum();
        result.push(values[at]);
        for axis in (0..place.len()).rev() {
            place[axis] += 1;
            if place[axis] < lengths[axis] {
                break;
            }
            place[axis] = 0;
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_move_and_come_back() {
        let values: Vec<f32> = (0..2 * 3 * 4 * 5).map(|value| value as f32).collect();
        let shape = [2, 3, 4, 5];
        let there = permuted(&values, &shape, Layout::Convolution.axes());
        // The value at [height 1, width 2, in 2, out 1] of the result is the one at [1, 2, 1, 2] of the source.
        assert_eq!(there[((5 + 2) * 3 + 2) * 2 + 1], values[((3 + 2) * 4 + 1) * 5 + 2]);
        let back = permuted(&there, &[4, 5, 3, 2], Layout::ConvolutionBack.axes());
        assert_eq!(back, values);
        assert_eq!(permuted(&values[..6], &[2, 3], Layout::Linear.axes()), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert_eq!(Layout::Convolution.source_shape(&[7, 7, 3, 64]), [64, 3, 7, 7]);
    }
}
