//! Every path against the definition in f64, on awkward shapes.

use super::grad_input::FrameRows;
use super::gradient_pass::{GradientPass, GradientRows};
use super::*;
use crate::parallel::workers;

/// Returns a shape that is square in every respect; cases change what they need.
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

fn depthwise(channels: usize) -> ConvolutionShape {
    ConvolutionShape { in_channels: channels, out_channels: channels, groups: channels, ..base() }
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
        // Depthwise: partial and several vectors, rows and columns longer than a tile, edges wider than the image.
        ConvolutionShape { height: 19, width: 21, in_channels: 20, out_channels: 20, groups: 20, ..base },
        ConvolutionShape { height: 2, width: 20, in_channels: 40, out_channels: 40, groups: 40, ..base },
        ConvolutionShape { height: 12, in_channels: 33, out_channels: 33, groups: 33, kernel: [5, 5], ..base },
        ConvolutionShape { kernel: [7, 6], padding: [[3, 3], [3, 2]], ..depthwise(9) },
        ConvolutionShape { height: 11, width: 12, stride: [2, 2], ..depthwise(24) },
        ConvolutionShape { stride: [3, 2], kernel: [2, 1], padding: [[0; 2]; 2], ..depthwise(16) },
        ConvolutionShape { dilation: [2, 3], stride: [2, 3], padding: [[4, 2], [3, 5]], ..depthwise(17) },
        ConvolutionShape { height: 1, width: 1, padding: [[2, 2], [1, 3]], ..depthwise(3) },
        // Narrow outputs, where pixels of several images are rows of one product.
        ConvolutionShape { height: 4, width: 4, in_channels: 8, out_channels: 48, stride: [2, 2], ..base },
        ConvolutionShape { height: 5, width: 4, in_channels: 6, out_channels: 66, stride: [2, 2], groups: 2, ..base },
        ConvolutionShape { height: 9, width: 3, out_channels: 16, padding: [[1, 0], [0, 1]], ..base },
        ConvolutionShape {
            width: 3,
            dilation: [2, 1],
            in_channels: 34,
            out_channels: 32,
            padding: [[2; 2]; 2],
            ..base
        },
        ConvolutionShape { height: 16, width: 33, in_channels: 16, out_channels: 48, ..base },
        ConvolutionShape { height: 8, width: 8, in_channels: 16, out_channels: 64, stride: [2, 2], ..base },
        // Shapes for Winograd's filtering: even and odd sizes, with and without zeros on each side, several strips and one, several
        // images per pass and one.
        ConvolutionShape { height: 3, width: 3, in_channels: 16, out_channels: 32, ..base },
        ConvolutionShape { height: 6, width: 5, in_channels: 48, out_channels: 16, padding: [[0; 2]; 2], ..base },
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

/// Returns every case with its usual algorithm, and those with fewer multiplications also by the definition.
fn convolutions() -> Vec<Convolution> {
    let as_computed = cases().into_iter().map(Convolution::new);
    let suited = cases().into_iter().filter(super::winograd::suits);
    as_computed.chain(suited.map(Convolution::by_definition)).collect()
}

/// Calls `visit` for every convolution at every level of the processor.
fn for_each_convolution(visit: impl Fn(ConvolutionAt<'_>)) {
    for convolution in convolutions() {
        SimdLevel::available().into_iter().for_each(|simd| visit(convolution.at(simd)));
    }
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

/// A sum of the definition, with the magnitudes that its rounding errors are measured by.
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

/// Checks that values are within the rounding errors of the terms of a sum, which grow as the square root of their number (Higham
/// and Mary 2019), with a margin. Winograd's transforms add terms of neighbouring sums and subtract them again: there, a sum of few
/// terms at a corner is only as accurate as the largest one.
fn assert_near(actual: &[f32], expected: &[Sum], convolution: ConvolutionAt<'_>, what: &str) {
    assert_eq!(actual.len(), expected.len());
    let (shape, simd) = (convolution.shape(), convolution.simd.name());
    let least = if winograd::suits(shape) { expected.iter().map(|sum| sum.magnitude).fold(1.0, f64::max) } else { 1.0 };
    for (index, (actual, expected)) in actual.iter().zip(expected).enumerate() {
        let difference = (f64::from(*actual) - expected.value).abs();
        let roundings = 8.0 + f64::from(expected.terms).sqrt();
        let tolerance = roundings * f64::from(f32::EPSILON) * expected.magnitude.max(least);
        assert!(difference <= tolerance, "{what}{simd} {shape:?} [{index}]: {actual} for {}", expected.value);
    }
}

/// Returns the number of images per pass in the tests: several if a pass can have several.
fn images_of_pass(convolution: &Convolution) -> usize {
    convolution.images.min(5)
}

fn framed(convolution: &Convolution, images: &[f32]) -> Vec<f32> {
    if convolution.frame_length() == 0 {
        return images.to_vec();
    }
    let each = images.chunks_exact(convolution.shape().input_length());
    each.flat_map(|image| {
        let mut frame = vec![f32::NAN; convolution.frame_length()];
        convolution.fill_frame(image, &mut frame);
        frame
    })
    .collect()
}

fn gradients_framed(convolution: &Convolution, gradients: &[f32]) -> Vec<f32> {
    let each = gradients.chunks_exact(convolution.shape().output_length());
    each.flat_map(|gradient| {
        let mut frame = vec![0.0; convolution.gradient_frame_length()];
        let mut rows = convolution.gradient_rows(&mut frame);
        let row = gradient.len() / convolution.shape().out_height();
        gradient.chunks_exact(row).enumerate().for_each(|(y, values)| rows.row(y).copy_from_slice(values));
        frame
    })
    .collect()
}

#[test]
fn forward_matches_the_definition() {
    for_each_convolution(|convolution| {
        let shape = *convolution.shape();
        let count = images_of_pass(&convolution);
        let (images, weights) = (values(count * shape.input_length(), 1), values(shape.weight_length(), 2));
        let bias = values(shape.out_channels, 3);
        let mut packed = vec![f32::NAN; convolution.packed_length()];
        convolution.pack_weights(&weights, &mut packed);
        let mut outputs = vec![f32::NAN; count * shape.output_length()];
        let mut scratch = vec![f32::NAN; convolution.forward_pass_scratch()];
        let frames = framed(&convolution, &images);
        let pass = Pass { frames: &frames, packed: &packed, bias: Some(&bias), accumulate: false };
        convolution.forward_pass(pass, &mut outputs, Scratch(&mut scratch));

        let image_and_output =
            images.chunks_exact(shape.input_length()).zip(outputs.chunks_exact(shape.output_length()));
        for (image, output) in image_and_output {
            let mut expected = vec![Sum::default(); output.len()];
            expected.iter_mut().zip(bias.iter().cycle()).for_each(|(sum, bias)| sum.add(*bias, 1.0));
            for_each_product(&shape, |i, w, o| expected[o].add(image[i], weights[w]));
            assert_near(output, &expected, convolution, "");
        }
    });
}

#[test]
fn grad_input_matches_the_definition_and_can_accumulate() {
    for_each_convolution(|convolution| {
        let shape = *convolution.shape();
        let count = images_of_pass(&convolution);
        let (gradients, weights) = (values(count * shape.output_length(), 4), values(shape.weight_length(), 5));
        let mut packed = vec![f32::NAN; convolution.packed_transposed_length()];
        convolution.pack_transposed_weights(&weights, &mut packed);
        let frames = gradients_framed(&convolution, &gradients);
        let mut grad_input = vec![f32::NAN; count * shape.input_length()];
        let mut scratch = vec![f32::NAN; convolution.grad_input_scratch()];
        let pass = Pass { frames: &frames, packed: &packed, bias: None, accumulate: false };
        convolution.grad_input_pass(pass, &mut grad_input, Scratch(&mut scratch));
        let mut accumulated = vec![1.0; grad_input.len()];
        convolution.grad_input_pass(Pass { accumulate: true, ..pass }, &mut accumulated, Scratch(&mut scratch));

        for (index, gradient) in gradients.chunks_exact(shape.output_length()).enumerate() {
            let image = index * shape.input_length()..(index + 1) * shape.input_length();
            let mut expected = vec![Sum::default(); shape.input_length()];
            for_each_product(&shape, |i, w, o| expected[i].add(gradient[o], weights[w]));
            assert_near(&grad_input[image.clone()], &expected, convolution, "");
            expected.iter_mut().for_each(|sum| sum.add(1.0, 1.0));
            assert_near(&accumulated[image], &expected, convolution, "accumulating, ");
        }
    });
}

#[test]
fn grad_weights_match_the_definition_from_plain_and_from_framed_gradients() {
    for_each_convolution(|convolution| {
        let shape = *convolution.shape();
        let count = images_of_pass(&convolution);
        let images = values(count * shape.input_length(), 6);
        let gradients = values(count * shape.output_length(), 7);
        let mut expected = vec![Sum::default(); shape.weight_length()];
        let each_gradient = gradients.chunks_exact(shape.output_length());
        for (image, gradient) in images.chunks_exact(shape.input_length()).zip(each_gradient) {
            for_each_product(&shape, |i, w, o| expected[w].add(image[i], gradient[o]));
        }
        let frames = framed(&convolution, &images);
        let mut scratch = vec![f32::NAN; convolution.grad_weights_scratch()];

        let mut grad_weights = vec![f32::NAN; shape.weight_length()];
        let mut sums = vec![0.0; convolution.grad_weights_sums()];
        let row = shape.out_width() * shape.out_channels;
        let grad_output = GradientRows { values: &gradients, row, image: shape.output_length() };
        let plain = GradientPass { frames: &frames, grad_output };
        convolution.add_grad_weights_pass(plain, &mut sums, Scratch(&mut scratch));
        convolution.finish_grad_weights(&sums, &mut grad_weights);
        assert_near(&grad_weights, &expected, convolution, "");

        let gradient_frames = gradients_framed(&convolution, &gradients);
        let FrameRows { origin, step: row } = convolution.gradient_frame_rows();
        let (values, image) = (&gradient_frames[origin..], convolution.gradient_frame_length());
        let framed = GradientPass { grad_output: GradientRows { values, row, image }, ..plain };
        // A second pass adds to the first.
        convolution.add_grad_weights_pass(framed, &mut sums, Scratch(&mut scratch));
        convolution.finish_grad_weights(&sums, &mut grad_weights);
        for sum in &mut expected {
            *sum = Sum { value: 2.0 * sum.value, magnitude: 2.0 * sum.magnitude, terms: 2 * sum.terms };
        }
        assert_near(&grad_weights, &expected, convolution, "from a frame, ");
    });
}

#[test]
fn pointwise_convolutions_of_small_images_are_one_product() {
    // 1x4 positions, several blocks of rows; an image of a single position; bias and gradients that are accumulated.
    for (width, in_channels, out_channels, batch) in [(4, 70, 33, 150), (1, 130, 100, 50), (4, 5, 3, 3)] {
        let pointwise = ConvolutionShape { kernel: [1, 1], padding: [[0, 0], [0, 0]], height: 1, ..base() };
        let convolution = Convolution::new(ConvolutionShape { width, in_channels, out_channels, ..pointwise });
        assert!(convolution.joins_images(), "{:?}", convolution.shape());
        SimdLevel::available().into_iter().for_each(|simd| check_joined(convolution.at(simd), batch));
    }
}

fn check_joined(convolution: ConvolutionAt<'_>, batch: usize) {
    let shape = *convolution.shape();
    let (input, weights) = (values(batch * shape.input_length(), 10), values(shape.weight_length(), 11));
    let (bias, gradient) = (values(shape.out_channels, 12), values(batch * shape.output_length(), 13));
    let read = BatchInput { input: &input, filter: Filter { weights: &weights, bias: Some(&bias) } };

    let mut output = vec![f32::NAN; gradient.len()];
    let mut scratch = vec![f32::NAN; convolution.forward_images_scratch(workers())];
    convolution.forward_batch(read, &mut output, Scratch(&mut scratch));
    let seen = std::sync::Mutex::new(vec![f32::NAN; output.len()]);
    convolution.forward_images(read, Scratch(&mut scratch), |index, image| {
        seen.lock().unwrap()[index * image.len()..(index + 1) * image.len()].copy_from_slice(image);
    });
    assert_eq!(output, seen.into_inner().unwrap(), "{shape:?}");

    let backward = |from_rows: bool| {
        let (mut grad_input, mut grad_weights) = (vec![1.0; input.len()], vec![f32::NAN; weights.len()]);
        let mut grad_bias = vec![f32::NAN; shape.out_channels];
        let mut scratch = vec![f32::NAN; convolution.backward_scratch(batch, workers())];
        let read = BatchGradient { batch, input: &input, grad_output: &gradient, weights: &weights };
        let write = BatchGradientOutput {
            grad_input: &mut grad_input,
            grad_weights: &mut grad_weights,
            grad_bias: &mut grad_bias,
            accumulate: true,
        };
        if from_rows {
            let length = shape.output_length();
            convolution.backward_batch_from(read, write, Scratch(&mut scratch), |index, rows| {
                rows.row(0).copy_from_slice(&gradient[index * length..(index + 1) * length]);
            });
        } else {
            convolution.backward_batch(read, write, Scratch(&mut scratch));
        }
        [grad_input, grad_weights, grad_bias]
    };
    let gradients = backward(false);
    assert_eq!(backward(true), gradients, "{shape:?}");

    let mut expected_output = vec![Sum::default(); output.len()];
    expected_output.iter_mut().zip(bias.iter().cycle()).for_each(|(sum, bias)| sum.add(*bias, 1.0));
    let mut expected = [input.len(), weights.len(), shape.out_channels].map(|length| vec![Sum::default(); length]);
    expected[0].iter_mut().for_each(|sum| sum.add(1.0, 1.0));
    for image in 0..batch {
        let (from, to) = (image * shape.input_length(), image * shape.output_length());
        for_each_product(&shape, |i, w, o| {
            expected_output[to + o].add(input[from + i], weights[w]);
            expected[0][from + i].add(gradient[to + o], weights[w]);
            expected[1][w].add(input[from + i], gradient[to + o]);
        });
    }
    let channels = gradient.iter().enumerate().map(|(index, value)| (index % shape.out_channels, value));
    channels.for_each(|(channel, value)| expected[2][channel].add(*value, 1.0));
    assert_near(&output, &expected_output, convolution, "output, ");
    for (actual, expected) in gradients.iter().zip(&expected) {
        assert_near(actual, expected, convolution, "gradients, ");
    }
}

#[test]
fn images_of_a_batch_do_not_depend_on_their_pass() {
    for (height, width, in_channels, out_channels) in [(8, 7, 32, 16), (3, 5, 16, 48), (16, 13, 16, 16)] {
        let convolution = Convolution::new(ConvolutionShape { height, width, in_channels, out_channels, ..base() });
        assert!(convolution.images > 1, "{:?}", convolution.shape());
        SimdLevel::available().into_iter().for_each(|simd| check_passes(convolution.at(simd)));
    }
    for (height, width, channels, groups) in [(7, 8, [16, 32], 1), (4, 3, [6, 34], 2)] {
        let [in_channels, out_channels] = channels;
        let shape = ConvolutionShape { height, width, in_channels, out_channels, groups, stride: [2, 2], ..base() };
        let convolution = Convolution::new(shape);
        assert!(convolution.rows_are_images(5), "{:?}", convolution.shape());
        SimdLevel::available().into_iter().for_each(|simd| check_passes(convolution.at(simd)));
    }
    let convolution = Convolution::new(depthwise(20));
    SimdLevel::available().into_iter().for_each(|simd| check_passes(convolution.at(simd)));
}

fn check_passes(convolution: ConvolutionAt<'_>) {
    // Short last passes, of several images each: up to seven on one thread, three on two.
    let (batch, shape) = (31, *convolution.shape());
    let (input, weights) = (values(batch * shape.input_length(), 8), values(shape.weight_length(), 9));
    let on_threads = |threads: usize, input: &[f32]| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| forward_and_backward(convolution, input, &weights))
    };
    let [output, grad_input, grad_weights] = on_threads(1, &input);
    assert_eq!(on_threads(2, &input), [output.clone(), grad_input.clone(), grad_weights.clone()], "{shape:?}");

    let mut expected = vec![Sum::default(); shape.weight_length()];
    let each_output = output.chunks_exact(shape.output_length());
    let each_gradient = grad_input.chunks_exact(shape.input_length());
    let each_image = input.chunks_exact(shape.input_length());
    for (index, ((image, output), gradient)) in each_image.zip(each_output).zip(each_gradient).enumerate() {
        let [output_alone, gradient_alone, _] = on_threads(1, image);
        assert_eq!(output_alone, output, "output of image {index} of {shape:?}");
        assert_eq!(gradient_alone, gradient, "gradient of image {index} of {shape:?}");
        for_each_product(&shape, |i, w, o| expected[w].add(image[i], output[o]));
    }
    assert_near(&grad_weights, &expected, convolution, "of a batch, ");
}

/// Returns the output of a batch and, with the output as its own gradient, the gradients of input and weights.
fn forward_and_backward(convolution: ConvolutionAt<'_>, input: &[f32], weights: &[f32]) -> [Vec<f32>; 3] {
    let shape = convolution.shape();
    let batch = input.len() / shape.input_length();
    let mut output = vec![f32::NAN; batch * shape.output_length()];
    let mut scratch = vec![f32::NAN; convolution.forward_scratch(workers())];
    let read = BatchInput { input, filter: Filter { weights, bias: None } };
    convolution.forward_batch(read, &mut output, Scratch(&mut scratch));
    let (mut grad_input, mut grad_weights) = (vec![f32::NAN; input.len()], vec![f32::NAN; weights.len()]);
    let mut scratch = vec![f32::NAN; convolution.backward_scratch(batch, workers())];
    let write = BatchGradientOutput {
        grad_input: &mut grad_input,
        grad_weights: &mut grad_weights,
        grad_bias: &mut [],
        accumulate: false,
    };
    let read = BatchGradient { batch, input, grad_output: &output, weights };
    convolution.backward_batch(read, write, Scratch(&mut scratch));
    [output, grad_input, grad_weights]
}

/// Returns the panic message of `call`.
fn refusal(call: impl FnOnce()) -> String {
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).unwrap_err();
    panic.downcast::<String>().map_or_else(|_| "a panic without a message".to_owned(), |message| *message)
}

#[test]
fn shapes_whose_lengths_wrap_or_that_no_machine_can_hold_are_refused() {
    let (base, large) = (base(), 1 << (usize::BITS - 2));
    let shapes = [
        ConvolutionShape { in_channels: large, ..base },
        ConvolutionShape { out_channels: large, ..base },
        ConvolutionShape { height: large, width: 4, in_channels: 1, out_channels: 1, ..base },
        ConvolutionShape { padding: [[usize::MAX, 1], [1, 1]], ..base },
        ConvolutionShape { padding: [[large, large], [large, large]], stride: [large, large], ..base },
        ConvolutionShape { kernel: [large, 1], dilation: [4, 1], ..base },
        ConvolutionShape { stride: [usize::MAX, 1], ..base },
        ConvolutionShape { kernel: [0, 3], ..base },
        ConvolutionShape { kernel: [10, 3], ..base },
        ConvolutionShape { groups: 2, ..base },
    ];
    for shape in shapes {
        for new in [Convolution::new, Convolution::by_definition] {
            let message = refusal(|| drop(new(shape)));
            assert!(message.contains(&format!("invalid convolution: {shape:?}")), "{message}");
        }
    }
}

#[test]
fn lengths_that_do_not_fit_the_shape_are_refused() {
    let convolution = Convolution::new(base());
    let at = convolution.at(SimdLevel::Scalar);
    let shape = *convolution.shape();
    let (image, output) = (values(shape.input_length(), 1), values(shape.output_length(), 2));
    let weights = values(shape.weight_length(), 3);
    let mut scratch = vec![0.0; at.forward_scratch(workers()).max(at.backward_scratch(1, workers()))];
    let mut forward = |input: &[f32], weights: &[f32], length: usize| {
        let read = BatchInput { input, filter: Filter { weights, bias: None } };
        refusal(|| at.forward_batch(read, &mut vec![0.0; length], Scratch(&mut scratch)))
    };
    assert!(forward(&image[1..], &weights, output.len()).contains("104 floats in images of 105"));
    assert!(forward(&image, &weights, 2 * output.len()).contains("output of 1 images"));
    assert!(forward(&image, &weights[1..], output.len()).contains("weights"));
    let mut backward = |batch: usize, grad_output: &[f32]| {
        let read = BatchGradient { batch, input: &image, grad_output, weights: &weights };
        let write =
            BatchGradientOutput { grad_input: &mut [], grad_weights: &mut [], grad_bias: &mut [], accumulate: false };
        refusal(|| at.backward_batch(read, write, Scratch(&mut scratch)))
    };
    assert!(backward(1, &output[1..]).contains("output gradient of 1 images"));
    assert!(backward(2, &[&output[..], &output].concat()).contains("input of 2 images"));
    assert!(backward(1 << (usize::BITS - 2), &[]).contains("output gradient of 4611686018427387904 images"));
}
