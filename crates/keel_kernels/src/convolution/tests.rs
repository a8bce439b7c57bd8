//! Every path against the definition in f64, on awkward shapes.

use super::grad_weights::GradientRows;
use super::*;

/// The shape with square everything; cases change what they need.
fn base() -> ConvolutionShape {
    ConvolutionShape {
        height: 7,
        width: 5,
        in_channels: 3,
        out_channels: 4,
        kernel: [3, 3],
        stride: [1, 1],
        padding: [[1, 1], [1, 1]],
        dilation: [1, 1],
        groups: 1,
    }
}

fn cases() -> Vec<ConvolutionShape> {
    let base = base();
    vec![
        base,
        ConvolutionShape { in_channels: 1, out_channels: 1, height: 1, width: 1, ..base },
        ConvolutionShape { stride: [2, 2], ..base },
        ConvolutionShape { stride: [2, 3], padding: [[0, 0], [2, 1]], height: 8, ..base },
        ConvolutionShape { dilation: [2, 2], padding: [[2, 2], [2, 2]], ..base },
        ConvolutionShape { dilation: [1, 2], stride: [2, 1], padding: [[3, 0], [0, 4]], ..base },
        ConvolutionShape { kernel: [1, 1], padding: [[0, 0], [0, 0]], out_channels: 33, ..base },
        ConvolutionShape { kernel: [1, 1], padding: [[0, 0], [0, 0]], stride: [2, 2], ..base },
        ConvolutionShape { kernel: [1, 3], padding: [[0, 0], [1, 1]], out_channels: 17, ..base },
        ConvolutionShape { kernel: [5, 2], padding: [[4, 4], [0, 1]], ..base },
        ConvolutionShape { kernel: [2, 2], stride: [3, 3], padding: [[0, 0], [0, 0]], ..base },
        ConvolutionShape { kernel: [7, 5], padding: [[0, 0], [0, 0]], ..base },
        ConvolutionShape { in_channels: 6, out_channels: 4, groups: 2, ..base },
        ConvolutionShape { in_channels: 6, out_channels: 32, groups: 2, stride: [2, 2], ..base },
        ConvolutionShape { in_channels: 5, out_channels: 5, groups: 5, ..base },
        ConvolutionShape { in_channels: 18, out_channels: 18, groups: 18, stride: [2, 1], dilation: [1, 2], ..base },
        ConvolutionShape { in_channels: 4, out_channels: 8, groups: 4, ..base },
        ConvolutionShape { height: 16, width: 33, in_channels: 16, out_channels: 48, ..base },
        ConvolutionShape { height: 8, width: 8, in_channels: 16, out_channels: 64, stride: [2, 2], ..base },
        // These suit Winograd's filtering: even and odd sizes, with and without zeros on each side, several strips, tiles of
        // 4x4 and, with many channels and few tiles, of 2x2.
        ConvolutionShape { height: 8, width: 7, in_channels: 32, out_channels: 32, ..base },
        ConvolutionShape { height: 9, width: 13, in_channels: 16, out_channels: 16, ..base },
        ConvolutionShape { height: 9, width: 8, in_channels: 32, out_channels: 48, ..base },
        ConvolutionShape { height: 10, width: 9, in_channels: 48, out_channels: 32, padding: [[0; 2]; 2], ..base },
        ConvolutionShape { height: 8, width: 9, in_channels: 32, out_channels: 32, padding: [[1, 0], [0, 1]], ..base },
        ConvolutionShape { height: 25, width: 23, in_channels: 32, out_channels: 32, ..base },
        ConvolutionShape { height: 8, width: 7, in_channels: 64, out_channels: 80, ..base },
        ConvolutionShape { height: 8, width: 9, in_channels: 80, out_channels: 64, padding: [[1, 0], [1, 1]], ..base },
        ConvolutionShape { height: 7, width: 70, in_channels: 32, out_channels: 32, ..base },
        ConvolutionShape { height: 33, width: 30, in_channels: 32, out_channels: 32, ..base },
    ]
}

fn values(length: usize, seed: u32) -> Vec<f32> {
    let hash = |i: u32| i.wrapping_add(seed << 16).wrapping_mul(2_654_435_761).rotate_left(9).wrapping_mul(40503) >> 8;
    (0..length as u32).map(|i| hash(i) as f32 / 8_388_608.0 - 1.0).collect()
}

/// Calls `visit(input index, weight index, output index)` for every product in the definition of a convolution.
fn for_each_product(shape: &ConvolutionShape, mut visit: impl FnMut(usize, usize, usize)) {
    let (group_in, group_out) = (shape.in_channels / shape.groups, shape.out_channels / shape.groups);
    for output in 0..shape.output_length() {
        let channel = output % shape.out_channels;
        let (y, x) = (output / shape.out_channels / shape.out_width(), output / shape.out_channels % shape.out_width());
        for ky in 0..shape.kernel[0] {
            for kx in 0..shape.kernel[1] {
                let row = (y * shape.stride[0] + ky * shape.dilation[0]).checked_sub(shape.padding[0][0]);
                let column = (x * shape.stride[1] + kx * shape.dilation[1]).checked_sub(shape.padding[1][0]);
                let (Some(row), Some(column)) = (row, column) else { continue };
                if row >= shape.height || column >= shape.width {
                    continue;
                }
                for c in 0..group_in {
                    let input = (row * shape.width + column) * shape.in_channels + channel / group_out * group_in + c;
                    let weight = ((ky * shape.kernel[1] + kx) * group_in + c) * shape.out_channels + channel;
                    visit(input, weight, output);
                }
            }
        }
    }
}

/// A sum of the definition, and what its rounding errors are measured by.
#[derive(Clone, Copy, Default)]
struct Sum {
    value: f64,
    magnitude: f64,
    terms: u32,
}

impl Sum {
    fn add(&mut self, left: f32, right: f32) {
        let product = f64::from(left) * f64::from(right);
        self.value += product;
        self.magnitude += product.abs();
        self.terms += 1;
    }
}

/// Within the roundings of the sum's terms, whose errors grow as the square root of their number (Higham and Mary 2019), and a
/// few more. Winograd's transforms add terms of neighbouring sums and take them away again; at a corner, those have several
/// times as many terms.
fn assert_near(actual: &[f32], expected: &[Sum], shape: &ConvolutionShape, what: &str) {
    let few = if winograd::suits(shape) { 24.0 } else { 8.0 };
    assert_eq!(actual.len(), expected.len());
    for (index, (actual, expected)) in actual.iter().zip(expected).enumerate() {
        let difference = (f64::from(*actual) - expected.value).abs();
        let roundings = few + f64::from(expected.terms).sqrt();
        let tolerance = roundings * f64::from(f32::EPSILON) * expected.magnitude.max(1.0);
        assert!(difference <= tolerance, "{what}{shape:?} [{index}]: {actual} for {}", expected.value);
    }
}

fn framed(convolution: &Convolution, image: &[f32]) -> Vec<f32> {
    if convolution.frame_length() == 0 {
        return image.to_vec();
    }
    let mut frame = vec![f32::NAN; convolution.frame_length()];
    convolution.fill_frame(image, &mut frame);
    frame
}

#[test]
fn forward_matches_the_definition() {
    for shape in cases() {
        let convolution = Convolution::new(shape);
        let (image, weights) = (values(shape.input_length(), 1), values(shape.weight_length(), 2));
        let bias = values(shape.out_channels, 3);
        let mut packed = vec![f32::NAN; convolution.packed_length()];
        convolution.pack_weights(&weights, &mut packed);
        let mut output = vec![f32::NAN; shape.output_length()];
        let mut room = vec![f32::NAN; convolution.forward_room()];
        convolution.forward_image(&framed(&convolution, &image), &packed, Some(&bias), (&mut output, &mut room));

        let mut expected = vec![Sum::default(); output.len()];
        expected.iter_mut().zip(bias.iter().cycle()).for_each(|(sum, bias)| sum.add(*bias, 1.0));
        for_each_product(&shape, |i, w, o| expected[o].add(image[i], weights[w]));
        assert_near(&output, &expected, &shape, "");
    }
}

#[test]
fn grad_input_matches_the_definition_and_can_accumulate() {
    for shape in cases() {
        let convolution = Convolution::new(shape);
        let (grad_output, weights) = (values(shape.output_length(), 4), values(shape.weight_length(), 5));
        let mut packed = vec![f32::NAN; convolution.packed_transposed_length()];
        convolution.pack_transposed_weights(&weights, &mut packed);
        let mut frame = vec![f32::NAN; convolution.gradient_frame_length()];
        convolution.fill_gradient_frame(&grad_output, &mut frame);
        let mut expected = vec![Sum::default(); shape.input_length()];
        for_each_product(&shape, |i, w, o| expected[i].add(grad_output[o], weights[w]));

        let mut grad_input = vec![f32::NAN; shape.input_length()];
        let mut room = vec![f32::NAN; convolution.grad_input_room()];
        convolution.grad_input_image(&frame, &packed, false, (&mut grad_input, &mut room));
        assert_near(&grad_input, &expected, &shape, "");

        grad_input.fill(1.0);
        convolution.grad_input_image(&frame, &packed, true, (&mut grad_input, &mut room));
        expected.iter_mut().for_each(|sum| sum.add(1.0, 1.0));
        assert_near(&grad_input, &expected, &shape, "accumulating, ");
    }
}

#[test]
fn grad_weights_match_the_definition_from_plain_and_from_framed_gradients() {
    for shape in cases() {
        let convolution = Convolution::new(shape);
        let (image, grad_output) = (values(shape.input_length(), 6), values(shape.output_length(), 7));
        let mut expected = vec![Sum::default(); shape.weight_length()];
        for_each_product(&shape, |i, w, o| expected[w].add(image[i], grad_output[o]));
        let frame = framed(&convolution, &image);
        let mut scratch = vec![f32::NAN; convolution.grad_weights_scratch()];

        let mut grad_weights = vec![f32::NAN; shape.weight_length()];
        let mut sums = vec![0.0; convolution.grad_weights_sums()];
        let plain = GradientRows { values: &grad_output, row: shape.out_width() * shape.out_channels };
        convolution.add_grad_weights_image(&frame, plain, (&mut sums, &mut scratch));
        convolution.finish_grad_weights(&sums, &mut grad_weights);
        assert_near(&grad_weights, &expected, &shape, "");

        let mut gradient_frame = vec![f32::NAN; convolution.gradient_frame_length()];
        convolution.fill_gradient_frame(&grad_output, &mut gradient_frame);
        let (origin, row) = convolution.gradient_frame_rows();
        let framed = GradientRows { values: &gradient_frame[origin..], row };
        // A second image adds to the first.
        convolution.add_grad_weights_image(&frame, framed, (&mut sums, &mut scratch));
        convolution.finish_grad_weights(&sums, &mut grad_weights);
        for sum in &mut expected {
            *sum = Sum { value: 2.0 * sum.value, magnitude: 2.0 * sum.magnitude, terms: 2 * sum.terms };
        }
        assert_near(&grad_weights, &expected, &shape, "from a frame, ");
    }
}
