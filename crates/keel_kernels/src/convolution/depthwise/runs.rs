//! Target positions with the same taps, in one direction of an image.
//!
//! A depthwise convolution computes every *target* pixel as a sum over a few *source* pixels. Forward, the target is the output and
//! the source the image; for the input gradient, the target is the input gradient and the source the gradient of the output. Rows
//! and columns are independent, so that each direction is divided into runs separately. At the edges of an image, runs have fewer
//! taps: no frame of zeros is needed.

use super::super::ConvolutionShape;

/// Evenly spaced target positions with the same taps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// First target position.
    pub(super) first: usize,
    /// Distance between consecutive target positions of the run.
    pub(super) step: usize,
    /// Number of positions.
    pub(super) count: usize,
    /// Taps of the first position.
    pub(super) taps: Taps,
    /// Distance of the source positions of consecutive target positions.
    pub(super) source_step: usize,
}

/// Taps that contribute to a target position, evenly spaced in the kernel and in the source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Taps {
    /// Number of taps.
    pub(super) count: usize,
    /// Index of the first tap.
    pub(super) first: usize,
    /// Distance of neighbouring taps.
    pub(super) step: usize,
    /// Source position of the first tap.
    pub(super) source: usize,
    /// Distance of the source positions of neighbouring taps.
    pub(super) source_step: isize,
}

/// Sizes in one direction.
#[derive(Clone, Copy)]
struct Direction {
    input: usize,
    output: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
    padding: usize,
}

impl Direction {
    fn new(shape: &ConvolutionShape, direction: usize) -> Self {
        Direction {
            input: [shape.height, shape.width][direction],
            output: [shape.out_height(), shape.out_width()][direction],
            kernel: shape.kernel[direction],
            stride: shape.stride[direction],
            dilation: shape.dilation[direction],
            padding: shape.padding[direction][0],
        }
    }

    /// Returns the input position that an output reads through a tap.
    fn read(self, output: usize, tap: usize) -> Option<usize> {
        let input = (output * self.stride + tap * self.dilation).checked_sub(self.padding)?;
        (input < self.input).then_some(input)
    }

    /// Returns the output that reads an input position through a tap.
    fn reader(self, input: usize, tap: usize) -> Option<usize> {
        let distance = (input + self.padding).checked_sub(tap * self.dilation)?;
        let output = distance / self.stride;
        (distance.is_multiple_of(self.stride) && output < self.output).then_some(output)
    }

    fn taps(self, source: impl Fn(usize) -> Option<usize>) -> Taps {
        let mut taps = Taps::default();
        for (tap, position) in (0..self.kernel).filter_map(|tap| Some((tap, source(tap)?))) {
            match taps.count {
                0 => (taps.first, taps.source) = (tap, position),
                1 => {
                    taps.step = tap - taps.first;
                    taps.source_step = position as isize - taps.source as isize;
                }
                _ => {}
            }
            taps.count += 1;
        }
        taps
    }
}

/// Returns the runs of the outputs, whose source is the input.
pub(super) fn of_outputs(shape: &ConvolutionShape, direction: usize) -> Vec<Run> {
    let sizes = Direction::new(shape, direction);
    let mut runs = Vec::new();
    for output in 0..sizes.output {
        let taps = sizes.taps(|tap| sizes.read(output, tap));
        append(&mut runs, Run { first: output, step: 1, count: 1, taps, source_step: sizes.stride });
    }
    runs
}

/// Returns the runs of the input gradient, whose source is the gradient of the output.
pub(super) fn of_inputs(shape: &ConvolutionShape, direction: usize) -> Vec<Run> {
    let sizes = Direction::new(shape, direction);
    let mut runs = Vec::new();
    for phase in 0..sizes.stride.min(sizes.input) {
        for input in (phase..sizes.input).step_by(sizes.stride) {
            let taps = sizes.taps(|tap| sizes.reader(input, tap));
            append(&mut runs, Run { first: input, step: sizes.stride, count: 1, taps, source_step: 1 });
        }
    }
    runs
}

/// Adds a run of one position, or extends the last run.
fn append(runs: &mut Vec<Run>, next: Run) {
    if let Some(last) = runs.last_mut() {
        let mut expected = last.taps;
        if expected.count > 0 {
            expected.source += last.count * last.source_step;
        }
        if next.first == last.first + last.count * last.step && expected == next.taps {
            last.count += 1;
            return;
        }
    }
    runs.push(next);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns every pair of a target position and a tap with its source position, in order.
    fn listed(runs: &[Run]) -> Vec<[usize; 3]> {
        let mut all = Vec::new();
        for run in runs {
            for index in 0..run.count {
                for tap in 0..run.taps.count {
                    let source = (run.taps.source + index * run.source_step) as isize;
                    let source = source + tap as isize * run.taps.source_step;
                    all.push([run.first + index * run.step, run.taps.first + tap * run.taps.step, source as usize]);
                }
            }
        }
        all.sort_unstable();
        all
    }

    #[test]
    fn runs_name_every_pair_of_positions_once() {
        for (size, kernel, stride, dilation, padding) in [
            (9, 3, 1, 1, [1, 1]),
            (8, 3, 2, 1, [1, 0]),
            (7, 5, 3, 1, [2, 4]),
            (11, 3, 2, 2, [2, 2]),
            (9, 4, 6, 4, [5, 3]),
            (5, 2, 4, 1, [0, 0]),
            (1, 3, 1, 1, [1, 1]),
        ] {
            let shape = ConvolutionShape {
                height: size,
                width: 1,
                in_channels: 2,
                out_channels: 2,
                kernel: [kernel, 1],
                stride: [stride, 1],
                padding: [padding, [0; 2]],
                dilation: [dilation, 1],
                groups: 2,
            };
            let mut expected = Vec::new();
            for output in 0..shape.out_height() {
                for tap in 0..kernel {
                    let input = (output * stride + tap * dilation).wrapping_sub(padding[0]);
                    if input < size {
                        expected.push([output, tap, input]);
                    }
                }
            }
            assert_eq!(listed(&of_outputs(&shape, 0)), expected, "{shape:?}");
            let mut expected: Vec<_> = expected.into_iter().map(|[output, tap, input]| [input, tap, output]).collect();
            expected.sort_unstable();
            let runs = of_inputs(&shape, 0);
            assert_eq!(listed(&runs), expected, "{shape:?}");
            assert_eq!(runs.iter().map(|run| run.count).sum::<usize>(), size, "{shape:?}");
        }
    }
}
