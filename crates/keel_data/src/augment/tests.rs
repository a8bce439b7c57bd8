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

/// The plain definition: every output pixel looks up its source.
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
                        let draw = Draw { flip, offset, border, blank, color };
                        let mut output = vec![f32::NAN; SHAPE.len()];
                        write_sample(source, &SHAPE, &draw, &elementwise, &mut output);
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
        write_sample(&source, &shape, &draw, &Elementwise::identity(shape.len()), &mut output);
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
    ] {
        let message = Augmenter::fit(&images(2), &[0, 1], &config).unwrap_err().to_string();
        assert!(message.starts_with("augment."), "{message}");
    }
}
