use super::*;
use crate::dataset::{Inputs, Targets};
use crate::preprocess::elementwise::Elementwise;

const SHAPE: SampleShape = SampleShape::Image { height: 3, width: 5, channels: 3 };

fn images(samples: usize) -> Dataset {
    let pixels = (0..samples * SHAPE.len()).map(|position| (position * 37 % 251) as u8).collect();
    let labels = (0..samples).map(|sample| (sample % 2) as u32).collect();
    let targets = Targets::Classes { labels, class_names: vec!["a".into(), "b".into()] };
    Dataset::from_memory("images", SHAPE, Inputs::Bytes(pixels), targets).unwrap()
}

/// Reference definition: every output pixel looks up its source pixel.
fn reference(source: &[u8], draw: &Draw, shift: f32, scale: f32) -> Vec<f32> {
    let mut output = vec![0.0; SHAPE.len()];
    for row in 0..3isize {
        for column in 0..5isize {
            let (mut from_row, mut from_column) = (row - draw.offset.0, column - draw.offset.1);
            if draw.border == CropBorder::Reflect {
                let reflected = |place: isize, last: isize| last - (last - place.abs()).abs();
                (from_row, from_column) = (reflected(from_row, 2), reflected(from_column, 4));
            }
            let inside = (0..3).contains(&from_row) && (0..5).contains(&from_column);
            let blank = draw.blank.is_some_and(|(rows, columns)| {
                (rows[0]..rows[1]).contains(&(row as usize)) && (columns[0]..columns[1]).contains(&(column as usize))
            });
            if !inside || blank {
                continue;
            }
            let from_column = if draw.flip { 4 - from_column } else { from_column };
            for channel in 0..3 {
                let value = f32::from(source[(from_row * 5 + from_column) as usize * 3 + channel]);
                let color = draw.color.map_or(0.0, |color| color[channel] * scale);
                output[(row * 5 + column) as usize * 3 + channel] = (value - shift) * scale + color;
            }
        }
    }
    output
}

#[test]
fn one_walk_equals_the_plain_definition() {
    let dataset = images(1);
    let Inputs::Bytes(source) = dataset.inputs() else { panic!("images are bytes") };
    let elementwise = Elementwise::new(vec![100.0; SHAPE.len()], vec![0.5; SHAPE.len()]);
    for flip in [false, true] {
        for offset in [(0, 0), (1, -2), (-2, 4), (2, 3), (0, -4)] {
            for blank in [None, Some(([0, 2], [1, 5])), Some(([2, 3], [0, 1]))] {
                for color in [None, Some([1.0, -2.0, 4.0])] {
                    for border in [CropBorder::Zeros, CropBorder::Reflect] {
                        let draw = Draw { flip, offset, border, window: None, blank, tone: None, color };
                        let mut output = vec![f32::NAN; SHAPE.len()];
                        let sample = StoredSample { values: source, shape: &SHAPE };
                        write_sample(sample, &draw, &elementwise, &mut WindowScratch::default(), &mut output);
                        assert_eq!(output, reference(source, &draw, 100.0, 0.5), "{draw:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn wide_rows_are_mirrored_piece_by_piece() {
    for (width, channels) in [(64, 3), (65, 3), (200, 1), (3, 200)] {
        let shape = SampleShape::Image { height: 1, width, channels };
        let source: Vec<f32> = (0..shape.len()).map(|position| position as f32).collect();
        let mut output = vec![0.0; shape.len()];
        let draw = Draw { flip: true, ..Draw::default() };
        let elementwise = Elementwise::identity(shape.len());
        let sample = StoredSample { values: &source[..], shape: &shape };
        write_sample(sample, &draw, &elementwise, &mut WindowScratch::default(), &mut output);
        let expected: Vec<f32> = source.chunks_exact(channels).rev().flatten().copied().collect();
        assert_eq!(output, expected);
    }
}

#[test]
fn draws_depend_on_seed_epoch_and_sample_alone_and_cover_their_range() {
    let dataset = images(8);
    let config = AugmentConfig { flip: true, crop_padding: 2, cutout: 2, color_pca: 0.1, ..AugmentConfig::default() };
    let augmenter = Augmenter::fit(&dataset, &[0, 1, 2, 3, 4, 5, 6, 7], &config).unwrap();
    assert_eq!(augmenter.draw(1, 2, 3), augmenter.draw(1, 2, 3));
    let different = [augmenter.draw(2, 2, 3), augmenter.draw(1, 3, 3), augmenter.draw(1, 2, 4)];
    assert!(different.iter().all(|draw| *draw != augmenter.draw(1, 2, 3)));
    let draws: Vec<Draw> = (0..2_000).map(|sample| augmenter.draw(0, 0, sample)).collect();
    let flips = draws.iter().filter(|draw| draw.flip).count();
    assert!((900..1_100).contains(&flips), "{flips}");
    for (sample, draw) in draws.iter().enumerate() {
        let later = [1, 2, 3].map(|epoch| augmenter.draw(0, epoch, sample).flip);
        assert_eq!(later, [!draw.flip, draw.flip, !draw.flip], "sample {sample}");
    }
    for shift in -2..=2 {
        let count = draws.iter().filter(|draw| draw.offset.0 == shift).count();
        assert!((320..480).contains(&count), "{shift}: {count}");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let table = Dataset::from_memory(
        "table",
        SampleShape::Features(1),
        Inputs::Bytes(vec![0, 1]),
        Targets::Values { values: vec![0.0, 1.0], target_names: vec!["y".into()] },
    )
    .unwrap();
    let flip = AugmentConfig { flip: true, ..AugmentConfig::default() };
    assert!(Augmenter::fit(&table, &[0, 1], &flip).unwrap_err().to_string().starts_with("augment"));
    assert!(Augmenter::fit(&table, &[0, 1], &AugmentConfig::default()).unwrap().is_off());
    for config in [
        AugmentConfig { crop_padding: 3, ..AugmentConfig::default() },
        AugmentConfig { cutout: 4, ..AugmentConfig::default() },
        AugmentConfig { color_pca: f64::NAN, ..AugmentConfig::default() },
        AugmentConfig { color_jitter: 1.0, ..AugmentConfig::default() },
        AugmentConfig { random_resized_crop: 1.5, ..AugmentConfig::default() },
        AugmentConfig { random_resized_crop: f64::NAN, ..AugmentConfig::default() },
        AugmentConfig { random_resized_crop: 0.5, crop_padding: 1, ..AugmentConfig::default() },
    ] {
        let message = Augmenter::fit(&images(2), &[0, 1], &config).unwrap_err().to_string();
        assert!(message.starts_with("augment."), "{message}");
    }
}

/// Reference bilinear interpolation, computed separately for each pixel.
fn window_reference(source: &[u8], [height, width, channels]: [usize; 3], draw: &Draw) -> Vec<f32> {
    let window = draw.window.unwrap();
    let pixel = |row: f32, column: f32, channel: usize| {
        f32::from(source[(row as usize * width + column as usize) * channels + channel])
    };
    let mut output = Vec::new();
    for row in 0..height {
        for column in 0..width {
            let column = if draw.flip { width - 1 - column } else { column };
            let y = window.top + (row as f32 + 0.5) / height as f32 * window.height - 0.5;
            let x = window.left + (column as f32 + 0.5) / width as f32 * window.width - 0.5;
            let (y, x) = (y.clamp(0.0, height as f32 - 1.0), x.clamp(0.0, width as f32 - 1.0));
            let (below, right) =
                ((y.floor() + 1.0).min(height as f32 - 1.0), (x.floor() + 1.0).min(width as f32 - 1.0));
            for channel in 0..channels {
                let upper = pixel(y, x, channel) * (1.0 - x.fract()) + pixel(y, right, channel) * x.fract();
                let lower = pixel(below, x, channel) * (1.0 - x.fract()) + pixel(below, right, channel) * x.fract();
                output.push(upper * (1.0 - y.fract()) + lower * y.fract());
            }
        }
    }
    output
}

#[test]
fn an_enlarged_part_equals_the_plain_definition_and_the_whole_image_is_itself() {
    for [height, width, channels] in [[5, 7, 3], [8, 6, 1], [4, 9, 2], [1, 1, 3]] {
        let shape = SampleShape::Image { height, width, channels };
        let source: Vec<u8> = (0..shape.len()).map(|position| (position * 91 % 256) as u8).collect();
        let identity = Elementwise::identity(shape.len());
        let elementwise = Elementwise::new(vec![100.0; shape.len()], vec![0.5; shape.len()]);
        let (tall, wide) = (height as f32, width as f32);
        for (window, flip) in [
            (Window { top: 0.0, left: 0.0, height: tall, width: wide }, false),
            (Window { top: 0.3 * tall, left: 0.0, height: 0.6 * tall, width: 0.9 * wide }, true),
            (Window { top: 0.0, left: 0.5 * wide, height: 0.7 * tall, width: 0.5 * wide }, false),
        ] {
            let draw = Draw { window: Some(window), flip, ..Draw::default() };
            let write = |elementwise: &Elementwise| {
                let mut output = vec![f32::NAN; shape.len()];
                let sample = StoredSample { values: &source[..], shape: &shape };
                write_sample(sample, &draw, elementwise, &mut WindowScratch::default(), &mut output);
                output
            };
            let (raw, scaled) = (write(&identity), write(&elementwise));
            for (position, expected) in window_reference(&source, [height, width, channels], &draw).iter().enumerate() {
                assert!((raw[position] - expected).abs() < 1e-2, "{draw:?}: {} {expected}", raw[position]);
                assert!((scaled[position] - (raw[position] - 100.0) * 0.5).abs() < 1e-3);
            }
            if window.height == tall && window.width == wide {
                assert_eq!(raw, source.iter().map(|&value| f32::from(value)).collect::<Vec<_>>());
            }
        }
    }
}
