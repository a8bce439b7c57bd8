use keel_data::{Dataset, Inputs, OfficialDivision, SampleShape, Split, Targets};

use super::*;

/// Returns `samples` pseudo-random samples of `shape` in `classes` classes.
fn dataset(shape: SampleShape, samples: usize, classes: usize) -> Dataset {
    let bytes = (0..samples * shape.len()).map(|value| (value * 31 % 251) as u8).collect();
    let labels = (0..samples).map(|sample| (sample % classes) as u32).collect();
    let class_names = (0..classes).map(|class| class.to_string()).collect();
    Dataset::from_memory("made", shape, Inputs::Bytes(bytes), Targets::Classes { labels, class_names }).unwrap()
}

fn split(dataset: Dataset) -> SplitDataset {
    dataset.split(Split { validation: 0.1, test: 0.2, seed: 0 }).unwrap()
}

fn resolved(config: &Config, dataset: Dataset) -> Resolved {
    resolve(config, split(dataset)).unwrap()
}

#[test]
fn every_kind_of_data_gets_its_network() {
    let image = |side, channels| SampleShape::Image { height: side, width: side, channels };
    let cases = [
        (SampleShape::Features(7), 300, "\"tabular\""),
        (image(8, 1), 300, "\"cnn\""),
        (image(28, 1), 300, "\"cnn\""),
        (image(1, 3), 60, "\"mlp\""),
        (image(2, 1), 60, "\"cnn\""),
        (image(3, 3), 60, "\"cnn\""),
        (image(4, 3), 60, "\"cnn\""),
        (image(8, 3), 60, "\"cnn\""),
        (image(9, 3), 60, "\"whitened\""),
        (image(32, 3), 300, "\"whitened\""),
        (image(32, 4), 60, "\"whitened\""),
        (image(1, 2), 60, "\"mlp\""),
        (image(12, 2), 60, "\"cnn\""),
        (image(32, 2), 60, "\"cnn\""),
        (image(96, 2), 60, "\"photo\""),
        (image(96, 3), 60, "\"photo\""),
        (image(96, 1), 60, "\"photo\""),
    ];
    for (shape, samples, expected) in cases {
        let Resolved { config, data, choices } = resolved(&Config::default(), dataset(shape, samples, 3));
        assert_eq!(config.value_text("model.preset"), expected, "{shape}");
        assert!(!config.model.is_auto());
        for Choice { key, value, .. } in &choices {
            assert!(CHOSEN.contains(&key.as_str()), "{key}");
            assert_eq!(*value, config.value_text(key), "{key}");
        }
        crate::config::check_values(&config).unwrap_or_else(|error| panic!("{shape}: {error}"));
        crate::Session::new(&config, data).unwrap_or_else(|error| panic!("{shape}: {error}"));
    }
}

#[test]
fn numeric_features_of_few_rows_get_no_bins_and_a_larger_ensemble() {
    let cases = [
        (999, 1, 0, 16),
        (1_000, 5, 16, 8),
        (1_000, 6, 0, 16),
        (3_000, 15, 48, 8),
        (3_000, 16, 0, 16),
        (20_000, 100, 48, 4),
        (20_000, 101, 0, 8),
        (60_000, 0, 48, 4),
    ];
    for (samples, numeric_features, bins, members) in cases {
        let shape = SampleShape::Features(numeric_features + 40);
        let facts = Facts { shape, numeric_features, parts: [samples, 0, 0], values: false, imbalance: 1 };
        let (config, _) = decide(&Config::default(), &facts);
        let binned = config.preprocess.steps.iter().find_map(|step| match step {
            keel_data::PreprocessStep::PiecewiseLinear(spec) => Some(spec.bins),
            _ => None,
        });
        assert_eq!((binned.unwrap_or(0), config.model.members), (bins, members), "{samples} x {numeric_features}");
    }
}

#[test]
fn a_recorded_reason_is_read_in_both_languages_and_an_unknown_one_in_english() {
    let choice = Choice::new("data.test", "0.1".into(), RowReason::Steps { steps: 3_500, batch: 32 });
    let recorded = serde_json::to_value(&choice).unwrap();
    assert_eq!(recorded["reason"], "about 3500 steps of 32 samples, from 20 to 200 epochs");
    let read: Choice = serde_json::from_value(recorded.clone()).unwrap();
    assert_eq!(read, choice);
    assert_eq!(read.chinese_reason().unwrap(), "约 3500 步，每步 32 个样本，限制在 20 到 200 轮");
    let mut older = recorded.clone();
    older.as_object_mut().unwrap().remove("kind").unwrap();
    let mut later = recorded;
    later["kind"] = serde_json::json!({ "row": { "of_a_later_version": { "samples": 3 } } });
    for recorded in [older, later] {
        let read: Choice = serde_json::from_value(recorded).unwrap();
        assert_eq!((&read.reason, read.chinese_reason()), (&choice.reason, None));
    }
}

#[test]
fn no_metric_of_validation_is_chosen_where_the_share_of_few_samples_is_none() {
    let mut without = 0;
    for (samples, classes) in (6..30).flat_map(|samples| (2..=5).map(move |classes| (samples, classes))) {
        let resolved = resolved(&Config::default(), dataset(SampleShape::Features(4), samples, classes));
        let is_chosen = resolved.choices.iter().any(|choice| choice.key == "train.metric");
        let has_validation = !resolved.data.validation.is_empty();
        assert_eq!(is_chosen, has_validation, "{samples} samples of {classes} classes");
        assert_eq!(resolved.config.train.metric != Config::default().train.metric, is_chosen);
        without += usize::from(!has_validation);
    }
    assert!(without > 0, "no division without validation samples was tried");
}

#[test]
fn what_was_given_stays_and_a_named_network_leaves_nothing_open() {
    let rows = || dataset(SampleShape::Features(4), 200, 2);
    let mut config = Config::default();
    (config.train.epochs, config.train.batch_size) = (3, 17);
    config.given.insert("data.test");
    let Resolved { config: chosen, data, choices } = resolved(&config, rows());
    assert_eq!((chosen.train.epochs, chosen.train.batch_size, chosen.data.test), (3, 17, 0.2));
    assert_eq!(data.test.len(), 40);
    assert!(choices.iter().all(|choice| !["train.epochs", "train.batch_size", "data.test"].contains(&&choice.key[..])));

    config.model.preset = keel_nn::Preset::Mlp;
    let named = resolved(&config, rows());
    assert_eq!((named.config, named.choices), (config, Vec::new()));
    let again = resolved(&chosen, rows());
    assert_eq!((again.config, again.choices), (chosen, Vec::new()), "nothing is chosen twice");
}

#[test]
fn unbalanced_classes_are_noticed() {
    for (counts, expected) in
        [(vec![], 1), (vec![10, 10], 1), (vec![95, 10], 10), (vec![94, 10, 0], 9), (vec![1, 30], 30)]
    {
        assert_eq!(imbalance(counts.clone()), expected, "{counts:?}");
    }
    let facts = Facts {
        shape: SampleShape::Features(3),
        numeric_features: 3,
        parts: [500, 0, 0],
        values: false,
        imbalance: 10,
    };
    let keys =
        |facts: &Facts| decide(&Config::default(), facts).1.into_iter().map(|choice| choice.key).collect::<Vec<_>>();
    assert!(keys(&facts).iter().any(|key| key == "train.class_weights"));
    assert!(!keys(&Facts { imbalance: 9, ..facts }).iter().any(|key| key == "train.class_weights"));
}

#[test]
fn a_source_with_its_own_validation_part_gives_nothing_for_a_test() {
    let images = dataset(SampleShape::Image { height: 64, width: 64, channels: 3 }, 50, 2);
    let division = OfficialDivision { train: (0..30).collect(), validation: (30..50).collect(), test: Vec::new() };
    let data = resolved(&Config::default(), images.with_division(division).unwrap()).data;
    assert_eq!([data.train.len(), data.validation.len(), data.test.len()], [30, 20, 0]);
}

#[test]
fn digits_keep_the_classic_training() {
    let data = split(Dataset::digits().unwrap());
    let config = resolve(&Config::default(), data).unwrap().config;
    let classic = Config { model: config.model.clone(), ..Config::default() };
    assert_eq!(config, classic, "the defaults of the other sections are those of the digits");
    assert_eq!(config.value_text("model.preset"), "\"cnn\"");
}
