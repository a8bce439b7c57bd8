//! What golden files do not hold: NaN, infinities, windows of more than 256 places.

use keel_testkit::deterministic_values;

use super::*;

fn square(side: usize, kernel: usize, channels: usize) -> PoolShape {
    let output = [side / kernel; 2];
    PoolShape { input: [side; 2], channels, kernel: [kernel; 2], stride: [kernel; 2], padding: [0; 2], output }
}

#[test]
fn not_a_number_wins_and_takes_the_gradient() {
    let shape = square(2, 2, 1);
    let infinity = f32::INFINITY;
    // (input, output, place of the gradient)
    let cases = [
        ([1.0, f32::NAN, infinity, 2.0], f32::NAN, 1),
        ([f32::NAN, 1.0, 2.0, 3.0], f32::NAN, 0),
        ([-infinity; 4], -infinity, 0),
        ([3.0, 3.0, 3.0, 3.0], 3.0, 0),
        ([-0.0, 0.0, -1.0, 0.0], -0.0, 0),
        ([1.0, 2.0, infinity, infinity], infinity, 2),
    ];
    for (input, expected, place) in cases {
        let (mut output, mut argmax) = ([0.0], vec![0.0; argmax_length(&shape)]);
        max_pool(&shape, &input, &mut argmax, &mut output);
        let same = output[0].to_bits() == f32::to_bits(expected) || (output[0].is_nan() && expected.is_nan());
        assert!(same, "{input:?} gives {output:?} instead of {expected}");
        let mut gradient = [f32::NAN; 4];
        max_pool_backward(&shape, &[7.0], &argmax, &mut gradient);
        let mut wanted = [0.0; 4];
        wanted[place] = 7.0;
        assert_eq!(gradient, wanted, "{input:?}");
    }
}

#[test]
fn windows_of_any_size_find_their_maximum() {
    for (side, channels) in [(15, 3), (16, 1), (17, 2), (20, 21)] {
        let shape = square(side, side, channels);
        let input = deterministic_values(9, shape.input_length(), -1.0, 1.0);
        let (mut output, mut argmax) = (vec![0.0; channels], vec![0.0; argmax_length(&shape)]);
        max_pool(&shape, &input, &mut argmax, &mut output);
        let mut without = vec![0.0; channels];
        max_pool(&shape, &input, &mut [], &mut without);
        assert_eq!(output, without);
        let mut gradient = vec![f32::NAN; shape.input_length()];
        max_pool_backward(&shape, &vec![1.0; channels], &argmax, &mut gradient);
        for c in 0..channels {
            let largest = input.iter().skip(c).step_by(channels).copied().fold(f32::MIN, f32::max);
            assert_eq!(output[c], largest, "{side}x{side}");
            let places = (c..input.len()).step_by(channels).filter(|&index| gradient[index] != 0.0);
            assert_eq!(places.map(|index| input[index]).collect::<Vec<_>>(), [largest], "{side}x{side}");
        }
    }
}
