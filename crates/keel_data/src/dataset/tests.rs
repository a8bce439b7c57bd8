use super::*;

fn classes(labels: &[u32], names: usize) -> Targets {
    Targets::Classes { labels: labels.to_vec(), class_names: (0..names).map(|name| name.to_string()).collect() }
}

#[test]
fn digits_have_their_known_sums() {
    let digits = Dataset::digits().unwrap();
    assert_eq!(digits.samples(), 1_797);
    assert_eq!(digits.sample_shape().dimensions(), [8, 8, 1]);
    assert_eq!(digits.value_range(), (0.0, 16.0));
    let all: Vec<usize> = (0..1_797).collect();
    assert_eq!(digits.class_counts(&all), [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
    let Inputs::Bytes(pixels) = digits.inputs() else { panic!("digits are bytes") };
    assert_eq!(pixels[..8], [0, 0, 5, 13, 9, 1, 0, 0]);
    assert_eq!(pixels.iter().max(), Some(&16));
    assert_eq!(pixels.iter().map(|&pixel| u64::from(pixel)).sum::<u64>(), 561_718);
}

#[test]
fn arrays_that_do_not_fit_are_refused() {
    let shape = SampleShape::Features(2);
    let floats = |values: &[f32]| Inputs::Floats(values.to_vec());
    let cases: [(Inputs, Targets, &str); 7] = [
        (floats(&[]), classes(&[], 2), "inputs"),
        (floats(&[1.0, 2.0, 3.0]), classes(&[0], 2), "a multiple of 2 values ([2]), found 3"),
        (floats(&[1.0, 2.0]), classes(&[0, 1], 2), "class labels: expected 1, found 2"),
        (floats(&[1.0, 2.0]), classes(&[2], 2), "class label of sample 0: expected a number below 2, found 2"),
        (floats(&[1.0, 2.0]), classes(&[0], 1), "at least two"),
        (
            floats(&[1.0, 2.0]),
            Targets::Values { values: vec![f32::NAN], target_names: vec!["y".into()] },
            "a, sample 0, target \"y\": the value is NaN",
        ),
        (floats(&[1.0, 2.0]), Targets::Values { values: vec![], target_names: vec![] }, "target values"),
    ];
    for (inputs, targets, expected) in cases {
        let message = Dataset::from_memory("a", shape, inputs, targets).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn a_value_that_is_not_finite_is_named() {
    let shape = SampleShape::Image { height: 1, width: 2, channels: 1 };
    let inputs = Inputs::Floats(vec![0.0, 1.0, 2.0, f32::INFINITY]);
    let message = Dataset::from_memory("a", shape, inputs, classes(&[0, 1], 2))
        .and_then(Dataset::checked)
        .unwrap_err()
        .to_string();
    assert!(message.starts_with("sample 1, row 0, column 1, channel 0: the value is inf"), "{message}");
}

#[test]
fn a_division_names_each_sample_once() {
    let dataset = || {
        Dataset::from_memory("a", SampleShape::Features(1), Inputs::Bytes(vec![0, 1, 2]), classes(&[0, 1, 0], 2))
            .unwrap()
    };
    let division = |train: &[usize], test: &[usize]| OfficialDivision {
        train: train.to_vec(),
        validation: vec![],
        test: test.to_vec(),
    };
    assert!(dataset().with_division(division(&[0, 1], &[2])).is_ok());
    for (train, test) in [(&[0, 1][..], &[1][..]), (&[0, 3], &[2])] {
        assert!(dataset().with_division(division(train, test)).is_err());
    }
}

#[test]
fn weights_are_one_a_sample_and_never_negative() {
    let dataset = || {
        let inputs = Inputs::Floats(vec![0.0, 1.0, 2.0]);
        Dataset::from_memory("rows", SampleShape::Features(1), inputs, classes(&[0, 1, 0], 2)).unwrap()
    };
    assert!(dataset().weights().is_empty());
    let weighted = dataset().with_weights(vec![1.0, 0.0, 2.5]).unwrap();
    assert_eq!(weighted.weights(), [1.0, 0.0, 2.5]);
    assert_eq!(weighted.selected(&[2, 0]).unwrap().weights(), [2.5, 1.0]);
    let refused: [(&[f32], &str); 5] = [
        (&[1.0, 2.0], "sample weights: expected 3, found 2"),
        (&[1.0, -1.0, 1.0], "weight of sample 1: expected a finite number, 0 or more, found -1"),
        (&[1.0, f32::NAN, 1.0], "found NaN"),
        (&[f32::INFINITY, 1.0, 1.0], "found inf"),
        (&[0.0, 0.0, 0.0], "sample weights: expected one above 0, found none"),
    ];
    for (weights, expected) in refused {
        let message = dataset().with_weights(weights.to_vec()).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}
