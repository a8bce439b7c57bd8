//! Orders of the axes of a tensor.

/// Order of the axes of a tensor that is read, against the one that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// The same.
    Same,
    /// `[out, in, height, width]` to `[height, width, in, out]`.
    Convolution,
    /// `[height, width, in, out]` to `[out, in, height, width]`.
    ConvolutionBack,
    /// `[out, in]` to `[in, out]`, and back.
    Linear,
    /// A counter of i64 without axes to one f32.
    FromCounter,
    /// One f32 to a counter of i64 without axes.
    ToCounter,
}

impl Layout {
    /// The way back.
    pub(super) fn reversed(self) -> Layout {
        match self {
            Layout::Convolution => Layout::ConvolutionBack,
            Layout::ConvolutionBack => Layout::Convolution,
            Layout::FromCounter => Layout::ToCounter,
            Layout::ToCounter => Layout::FromCounter,
            same => same,
        }
    }

    /// Axis of the source for each axis of the result.
    pub(super) fn axes(self) -> &'static [usize] {
        match self {
            Layout::Convolution => &[2, 3, 1, 0],
            Layout::ConvolutionBack => &[3, 2, 0, 1],
            Layout::Linear => &[1, 0],
            Layout::Same | Layout::FromCounter | Layout::ToCounter => &[],
        }
    }

    /// Shape that is read for a result of `shape`.
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

/// The values of a tensor of `shape` with axis `axes[k]` of the source as axis `k` of the result; as they are without axes.
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
        // Value at [height 1, width 2, in 2, out 1] of the result is that at [1, 2, 1, 2] of the source.
        assert_eq!(there[((5 + 2) * 3 + 2) * 2 + 1], values[((3 + 2) * 4 + 1) * 5 + 2]);
        let back = permuted(&there, &[4, 5, 3, 2], Layout::ConvolutionBack.axes());
        assert_eq!(back, values);
        assert_eq!(permuted(&values[..6], &[2, 3], Layout::Linear.axes()), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert_eq!(Layout::Convolution.source_shape(&[7, 7, 3, 64]), [64, 3, 7, 7]);
    }
}
