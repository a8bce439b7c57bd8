//! Every pool against its definition, at every level of the processor: NaN, infinities, windows of more than 256 positions.

use keel_testkit::{Tolerance, assert_close, deterministic_values};

use super::*;
use crate::scratch::Scratch;
use crate::simd::SimdLevel;

fn square(side: usize, kernel: usize, channels: usize) -> PoolShape {
    let output = [side / kernel; 2];
    PoolShape { input: [side; 2], channels, kernel: [kernel; 2], stride: [kernel; 2], padding: [0; 2], output }
}

/// Returns adjacent windows in pairs, other adjacent ones, overlapping ones, and ones that extend over the edge.
fn shapes() -> Vec<PoolShape> {
    let base =
        PoolShape { input: [7, 9], channels: 1, kernel: [2, 2], stride: [2, 2], padding: [0, 0], output: [3, 4] };
    let shapes = [
        base,
        PoolShape { kernel: [3, 2], stride: [2, 3], output: [3, 3], ..base },
        PoolShape { kernel: [3, 3], stride: [1, 1], padding: [1, 1], output: [7, 9], ..base },
        PoolShape { output: [4, 5], ..base },
        PoolShape { input: [1, 1], kernel: [1, 1], stride: [1, 1], output: [1, 1], ..base },
    ];
    let channels = [1, 3, 4, 7, 15, 16, 17, 20, 31, 33];
    shapes.into_iter().flat_map(|shape| channels.map(|channels| PoolShape { channels, ..shape })).collect()
}

/// Returns the values of channel `channel` under the window of an output `(y, x)` with their indices in the image.
fn under_window(shape: &PoolShape, [y, x]: [usize; 2], channel: usize) -> Vec<usize> {
    let mut indices = Vec::new();
    for row in 0..shape.kernel[0] {
        for column in 0..shape.kernel[1] {
            let y = (y * shape.stride[0] + row).checked_sub(shape.padding[0]);
            let x = (x * shape.stride[1] + column).checked_sub(shape.padding[1]);
            if let (Some(y), Some(x)) = (y, x)
                && y < shape.input[0]
                && x < shape.input[1]
            {
                indices.push((y * shape.input[1] + x) * shape.channels + channel);
            }
        }
    }
    indices
}

#[test]
fn maxima_and_averages_equal_their_definition_at_every_level() {
    for shape in shapes() {
        let (images, from, to) = (3, shape.input_length(), shape.output_length());
        let input = deterministic_values(1, images * from, -1.0, 1.0);
        let gradient = deterministic_values(2, images * to, -1.0, 1.0);
        let [mut maxima, mut averages] = [0, 1].map(|_| vec![0.0f32; images * to]);
        let [mut by_maxima, mut by_averages] = [0, 1].map(|_| vec![0.0f32; images * from]);
        for index in 0..images * to {
            let (image, position, channel) = (index / to, index % to / shape.channels, index % shape.channels);
            let at = [position / shape.output[1], position % shape.output[1]];
            let (mut largest, mut sum) = (None, 0.0);
            for place in under_window(&shape, at, channel) {
                let place = image * from + place;
                sum += input[place];
                by_averages[place] += gradient[index] / shape.area() as f32;
                if largest.is_none_or(|other: usize| input[place] > input[other]) {
                    largest = Some(place);
                }
            }
            let largest = largest.unwrap();
            (maxima[index], averages[index]) = (input[largest], sum / shape.area() as f32);
            by_maxima[largest] += gradient[index];
        }
        for simd in SimdLevel::available() {
            let what = format!("{} {shape:?}", simd.name());
            let (mut output, mut places) = (vec![f32::NAN; images * to], vec![0; images * places_length(&shape)]);
            let mut grad_input = vec![f32::NAN; images * from];
            max_pool(simd, &shape, &input, &mut output, &mut places);
            assert_eq!(output, maxima, "{what}");
            max_pool_backward(simd, &shape, &gradient, &places, &mut grad_input);
            assert_close(&grad_input, &by_maxima, Tolerance::TIGHT, &what);
            average_pool(simd, &shape, &input, &mut output);
            assert_close(&output, &averages, Tolerance::TIGHT, &what);
            average_pool_backward(simd, &shape, &gradient, &mut grad_input);
            assert_close(&grad_input, &by_averages, Tolerance::TIGHT, &what);
        }
    }
}

#[test]
fn global_averages_equal_their_definition_at_every_level() {
    for positions in [1, 2, 5, 49] {
        for channels in [1, 3, 8, 17, 31, 33, 100] {
            let (shape, batch) = (GlobalShape { positions, channels }, 3);
            let input = deterministic_values(3, batch * positions * channels, -1.0, 1.0);
            let gradient = deterministic_values(4, batch * channels, -1.0, 1.0);
            let mean = |index: usize| {
                let image = &input[index / channels * positions * channels..][..positions * channels];
                image.iter().skip(index % channels).step_by(channels).sum::<f32>() / positions as f32
            };
            let expected: Vec<f32> = (0..batch * channels).map(mean).collect();
            let share = |index: usize| {
                let image = index / (positions * channels);
                gradient[image * channels + index % channels] / positions as f32
            };
            let expected_gradient: Vec<f32> = (0..input.len()).map(share).collect();
            for simd in SimdLevel::available() {
                let what = format!("{} {shape:?}", simd.name());
                let (mut output, mut scratch) = (vec![f32::NAN; batch * channels], vec![f32::NAN; batch * channels]);
                global_average(simd, shape, &input, &mut output, Scratch(&mut scratch));
                assert_close(&output, &expected, Tolerance::new(1e-5, 1e-5), &what);
                let mut grad_input = vec![f32::NAN; input.len()];
                global_average_backward(simd, shape, &gradient, &mut grad_input);
                assert_close(&grad_input, &expected_gradient, Tolerance::TIGHT, &what);
            }
        }
    }
}

#[test]
fn not_a_number_wins_and_takes_the_gradient() {
    let shape = square(2, 2, 1);
    let infinity = f32::INFINITY;
    // (input, output, position of the gradient)
    let cases = [
        ([1.0, f32::NAN, infinity, 2.0], f32::NAN, 1),
        ([f32::NAN, 1.0, 2.0, 3.0], f32::NAN, 0),
        ([-infinity; 4], -infinity, 0),
        ([3.0, 3.0, 3.0, 3.0], 3.0, 0),
        ([-0.0, 0.0, -1.0, 0.0], -0.0, 0),
        ([1.0, 2.0, infinity, infinity], infinity, 2),
    ];
    for (input, expected, place) in cases {
        for simd in SimdLevel::available() {
            let (mut output, mut places) = ([0.0], vec![0; places_length(&shape)]);
            max_pool(simd, &shape, &input, &mut output, &mut places);
            let same = output[0].to_bits() == f32::to_bits(expected) || (output[0].is_nan() && expected.is_nan());
            assert!(same, "{input:?} gives {output:?} instead of {expected}, {}", simd.name());
            let mut gradient = [f32::NAN; 4];
            max_pool_backward(simd, &shape, &[7.0], &places, &mut gradient);
            let mut wanted = [0.0; 4];
            wanted[place] = 7.0;
            assert_eq!(gradient, wanted, "{input:?}, {}", simd.name());
        }
    }
}

#[test]
fn windows_of_any_size_find_their_maximum() {
    for (side, channels) in [(15, 3), (16, 1), (17, 2), (20, 21)] {
        let shape = square(side, side, channels);
        let input = deterministic_values(9, shape.input_length(), -1.0, 1.0);
        for simd in SimdLevel::available() {
            let what = format!("{side}x{side}, {}", simd.name());
            let (mut output, mut places) = (vec![0.0; channels], vec![0; places_length(&shape)]);
            max_pool(simd, &shape, &input, &mut output, &mut places);
            let mut without = vec![0.0; channels];
            max_pool(simd, &shape, &input, &mut without, &mut []);
            assert_eq!(output, without, "{what}");
            let mut gradient = vec![f32::NAN; shape.input_length()];
            max_pool_backward(simd, &shape, &vec![1.0; channels], &places, &mut gradient);
            for c in 0..channels {
                let largest = input.iter().skip(c).step_by(channels).copied().fold(f32::MIN, f32::max);
                assert_eq!(output[c], largest, "{what}");
                let places = (c..input.len()).step_by(channels).filter(|&index| gradient[index] != 0.0);
                assert_eq!(places.map(|index| input[index]).collect::<Vec<_>>(), [largest], "{what}");
            }
        }
    }
}

/// Returns the panic message of `call`.
fn refusal(call: impl FnOnce()) -> String {
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).unwrap_err();
    panic.downcast::<String>().map_or_else(|_| "a panic without a message".to_owned(), |message| *message)
}

#[test]
fn impossible_shapes_are_refused_by_every_function() {
    let (base, wrapping, simd) = (square(4, 2, 1), 1 << (usize::BITS - 1), SimdLevel::Scalar);
    let cases = [
        (PoolShape { channels: wrapping, ..base }, "input image of [4, 4, 9223372036854775808]"),
        (
            PoolShape { output: [wrapping, 2], stride: [1, 1], ..base },
            "windows side by side of [9223372036854775808, 1]",
        ),
        (PoolShape { kernel: [wrapping, 2], ..base }, "window of [9223372036854775808, 2]"),
        (PoolShape { padding: [0, usize::MAX], ..base }, "padding of [18446744073709551615]"),
        (PoolShape { channels: 0, ..base }, "a size of 0"),
        (PoolShape { stride: [2, 0], ..base }, "a size of 0"),
    ];
    for (shape, expected) in cases {
        let calls: [&dyn Fn(); 4] = [
            &|| max_pool(simd, &shape, &[], &mut [], &mut []),
            &|| max_pool_backward(simd, &shape, &[], &[], &mut []),
            &|| average_pool(simd, &shape, &[], &mut []),
            &|| average_pool_backward(simd, &shape, &[], &mut []),
        ];
        for call in calls {
            let message = refusal(call);
            assert!(message.contains(expected), "{shape:?}: {message}");
        }
    }
    for shape in [GlobalShape { positions: wrapping, channels: 2 }, GlobalShape { positions: 0, channels: 2 }] {
        let forward = refusal(|| global_average(simd, shape, &[], &mut [], Scratch::none()));
        let backward = refusal(|| global_average_backward(simd, shape, &[], &mut []));
        for message in [forward, backward] {
            assert!(message.contains("image of [") || message.contains("a size of 0"), "{shape:?}: {message}");
        }
    }
}

#[test]
fn too_few_bytes_for_the_places_are_refused() {
    let shape = square(4, 2, 3);
    let message = refusal(|| max_pool(SimdLevel::Scalar, &shape, &[0.0; 48], &mut [0.0; 12], &mut [0; 11]));
    assert!(message.contains("11 bytes for 12 places"), "{message}");
    let message = refusal(|| max_pool_backward(SimdLevel::Scalar, &shape, &[0.0; 12], &[0; 11], &mut [0.0; 48]));
    assert!(message.contains("11 bytes for 12 places"), "{message}");
}
