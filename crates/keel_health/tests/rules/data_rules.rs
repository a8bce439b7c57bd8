//! Rules about the samples themselves, on both sides of their limits.

use keel_health::measurement::{
    ActivationFunction::Relu, AugmentationMeasurement, ColumnScore, DataMeasurement, EvaluationMeasurement,
    FeatureOutliers, FeatureStatistics, InputsMeasurement, SplitDuplicates, SuspectLabel, SuspectLabels, UnlikeColumn,
};
use keel_health::{Application, Finding, Monitor, Remedy};

use crate::simulated::{all, mlp};

/// Data of four standardised columns.
fn table() -> DataMeasurement {
    let feature = FeatureStatistics { mean: 0.0, std: 1.0, range: None };
    DataMeasurement {
        samples: 1000,
        features: vec![feature; 4],
        feature_names: ["age", "income", "height", "weight"].map(str::to_owned).to_vec(),
        preprocessing: vec!["standardize".to_owned()],
        ..DataMeasurement::default()
    }
}

fn findings(data: &DataMeasurement) -> Vec<Finding> {
    Monitor::new(mlp(Relu, 1)).data(data)
}

fn only(findings: &[Finding]) -> &Finding {
    assert_eq!(findings.len(), 1, "{findings:?}");
    &findings[0]
}

/// Every remedy of a finding that alarms is applied by a config, except those that a person follows.
fn settings(finding: &Finding) -> Vec<String> {
    finding.remedies.iter().flat_map(Remedy::settings).collect()
}

fn duplicates(exact: u64, near: u64) -> DataMeasurement {
    let split = |split: &str, exact, near| SplitDuplicates {
        split: split.to_owned(),
        samples: 1000,
        exact,
        compared: 500,
        near,
    };
    DataMeasurement { duplicates: vec![split("validation", 0, 0), split("test", exact, near)], ..table() }
}

#[test]
fn duplicates_are_judged_by_their_share() {
    for (exact, near, expected) in [
        (0, 0, &[][..]),
        (1, 0, &["K022 info"]),
        (10, 0, &["K022 info"]),
        (11, 0, &["K022 warn"]),
        (1000, 7, &["K022 warn"]),
        (0, 1, &[]),
        (0, 5, &[]),
        (0, 6, &["K022 info"]),
        (0, 500, &["K022 info"]),
    ] {
        assert_eq!(all(&findings(&duplicates(exact, near))), expected, "{exact} exact, {near} near");
    }
    let found = findings(&duplicates(11, 3));
    let finding = only(&found);
    assert!(finding.message.contains("11 of 1000 test rows (1.1 %)"), "{}", finding.message);
    assert_eq!(settings(finding), ["data.keep_duplicates_together=true"]);
    assert_eq!(finding.remedies[0].application(), Application::FreshRun);
    let found = findings(&duplicates(0, 10));
    assert!(only(&found).message.contains("10 of 500 test rows that were compared (2 %) nearly equal"), "{found:?}");
}

fn scores(scores: &[f32]) -> DataMeasurement {
    let named = scores.iter().enumerate();
    let column_scores = named.map(|(index, &score)| ColumnScore { name: format!("c{index}"), score }).collect();
    DataMeasurement { column_scores, ..table() }
}

#[test]
fn a_column_that_gives_the_target_away_is_told_from_good_columns() {
    for (given, expected) in [
        (&[0.1, 0.999, 0.3][..], &["K023 warn"][..]),
        (&[0.1, 0.9989, 0.3], &[]),
        (&[0.1, 1.0, 0.9499], &["K023 warn"]),
        // Others come near: the target is easy.
        (&[0.1, 1.0, 0.95], &[]),
        // The same thing in two forms, and in three.
        (&[1.0, 1.0, 0.2, 0.1], &["K023 warn"]),
        (&[1.0, 1.0, 1.0, 0.1], &[]),
        // One of two columns.
        (&[1.0, 0.1], &[]),
        (&[0.1, f32::NAN, 0.3], &[]),
        (&[0.1, 1.0, f32::NAN], &[]),
        (&[], &[]),
    ] {
        assert_eq!(all(&findings(&scores(given))), expected, "{given:?}");
    }
    let found = findings(&scores(&[0.1, 1.0, 0.3]));
    assert!(only(&found).message.starts_with("column `c1` alone predicts the target with a score of 1"), "{found:?}");
    assert_eq!(settings(&found[0]), [r#"data.ignore_columns=["c1"]"#]);
}

#[test]
fn columns_that_identify_rows_are_noted() {
    let with_identifier = |data: DataMeasurement| DataMeasurement { identifiers: vec!["code".to_owned()], ..data };
    let found = findings(&with_identifier(scores(&[0.1, 0.2, 0.3])));
    assert_eq!(all(&found), ["K023 info"]);
    assert_eq!(settings(&found[0]), [r#"data.ignore_columns=["code"]"#]);
    assert!(found[0].message.contains("column `code` holds a different whole number in every row"), "{found:?}");
    let found = findings(&with_identifier(scores(&[0.1, 1.0, 0.3])));
    assert_eq!(all(&found), ["K023 warn"]);
    assert_eq!(settings(&found[0]), [r#"data.ignore_columns=["c1"]"#, r#"data.ignore_columns=["code"]"#]);
}

#[test]
fn outliers_are_few_samples_with_nearly_all_variance() {
    let outliers = |extreme, variance_share| FeatureOutliers {
        feature: 1,
        samples: 1000,
        extreme,
        variance_share,
        rest_std: 0.01,
    };
    for (extreme, share, expected) in [
        (5, 0.995, &["K025 warn"][..]),
        (6, 0.995, &[]),
        (5, 0.99, &[]),
        (1, 0.9901, &["K025 warn"]),
        (5, f32::NAN, &[]),
    ] {
        let data = DataMeasurement { outliers: vec![outliers(extreme, share)], ..table() };
        assert_eq!(all(&findings(&data)), expected, "{extreme} samples with {share}");
    }
    let preprocessing = ["impute", "standardize"].map(str::to_owned).to_vec();
    let data = DataMeasurement { outliers: vec![outliers(3, 0.9999)], preprocessing, ..table() };
    let found = findings(&data);
    let message = "3 of 1000 rows hold 99.9 % of the variance of feature `income` (limit 99 %); the others have \
                   standard deviation 0.01";
    assert_eq!(only(&found).message, message);
    assert_eq!(settings(&found[0]), [r#"preprocess.steps=["clip"]"#]);
    let single = findings(&DataMeasurement { outliers: vec![outliers(1, 0.9999)], ..table() });
    assert!(only(&single).message.starts_with("1 of 1000 rows holds 99.9 %"), "{}", single[0].message);
}

#[test]
fn targets_that_never_change_are_noted() {
    let constant = |names: &[&str]| DataMeasurement {
        constant_targets: names.iter().map(|&name| name.to_owned()).collect(),
        ..table()
    };
    let found = findings(&constant(&["p0"]));
    assert_eq!(all(&found), ["K016 info"]);
    assert_eq!(found[0].message, "1 target never changes (limit 0); the first is `p0`");
    assert!(findings(&constant(&["p0", "p7"]))[0].message.starts_with("2 targets never change"));
}

#[test]
fn augmentation_is_judged_by_how_much_larger_it_makes_the_inputs() {
    let with = |plain_rms, augmented_rms, step: &str| DataMeasurement {
        images: true,
        features: vec![FeatureStatistics { mean: 0.0, std: 1.0, range: None }],
        feature_names: Vec::new(),
        preprocessing: vec![step.to_owned()],
        augmentation: Some(AugmentationMeasurement {
            samples: 256,
            plain_rms,
            augmented_rms,
            largest: 400.0,
            moving_key: "crop_padding".to_owned(),
        }),
        ..table()
    };
    for (plain, augmented, expected) in [
        (1.0, 1.3, &[][..]),
        (1.0, 3.0, &[]),
        (1.0, 3.01, &["K027 warn"]),
        (0.0, 3.0, &[]),
        (1.0, f32::NAN, &["K027 warn"]),
    ] {
        assert_eq!(all(&findings(&with(plain, augmented, "standardize"))), expected, "{augmented} for {plain}");
    }
    let found = findings(&with(1.0, 30.0, "standardize"));
    assert_eq!(settings(&found[0]), [r#"preprocess.steps=["channel_standardize"]"#, "augment.crop_padding=0"]);
    let found = findings(&with(1.0, 30.0, "channel_standardize"));
    assert_eq!(settings(&found[0]), ["augment.crop_padding=0"]);
    let mut mirrored = with(1.0, 30.0, "channel_standardize");
    mirrored.augmentation.as_mut().unwrap().moving_key.clear();
    assert_eq!(all(&findings(&mirrored)), ["K027 info"]);
}

#[test]
fn suspect_labels_are_listed_where_the_network_is_good_enough() {
    let suspect = |row: u64| SuspectLabel {
        sample: format!("a.csv, line {row}"),
        given: "cat".to_owned(),
        suggested: "dog".to_owned(),
        probability: 0.99,
    };
    let evaluation = |accuracy, count| EvaluationMeasurement {
        split: "train".to_owned(),
        samples: 400,
        suspects: Some(SuspectLabels { accuracy, count, first: (1..=count).map(suspect).collect() }),
        ..EvaluationMeasurement::default()
    };
    for (accuracy, count, expected) in
        [(0.9, 0, &[][..]), (0.9, 1, &["K024 info"]), (0.7, 1, &["K024 info"]), (0.699, 1, &[]), (f32::NAN, 1, &[])]
    {
        let found = Monitor::new(mlp(Relu, 1)).evaluation(vec![evaluation(accuracy, count)]);
        assert_eq!(all(&found), expected, "{count} at {accuracy}");
    }
    let found = Monitor::new(mlp(Relu, 1)).evaluation(vec![evaluation(0.95, 8)]);
    assert_eq!(found[0].samples.len(), 8);
    assert!(
        found[0].message.starts_with("the trained network contradicts the labels of 8 of 400 training samples (2 %): "),
        "{found:?}"
    );
    assert!(found[0].message.ends_with("a.csv, line 3 is labelled cat and looks like dog"), "{found:?}");
}

#[test]
fn inputs_unlike_those_of_training_are_judged_by_their_share() {
    let inputs = |samples, unlike| InputsMeasurement {
        samples,
        unlike,
        columns: (unlike > 0).then(sugar).into_iter().collect(),
        images: false,
    };
    fn sugar() -> UnlikeColumn {
        UnlikeColumn {
            name: "sugar".to_owned(),
            samples: 1,
            first: "line 3".to_owned(),
            value: 1e6,
            training: (1.5, 12.5),
        }
    }
    for (samples, unlike, expected) in [
        (100, 0, &[][..]),
        (0, 0, &[]),
        (100, 5, &["K026 info"]),
        (100, 6, &["K026 warn"]),
        (19, 19, &["K026 info"]),
        (20, 2, &["K026 warn"]),
    ] {
        let found = Monitor::new(Default::default()).inputs(inputs(samples, unlike));
        assert_eq!(all(&found), expected, "{unlike} of {samples}");
    }
    let found = Monitor::new(Default::default()).inputs(inputs(3, 1));
    let message = "1 of 3 rows (33.3 %, limit 5 %) has values unlike the training data: sugar (line 3: 1.0e6, training \
                   1.5 to 12.5)";
    assert_eq!(only(&found).message, message);
    assert!(found[0].remedy.contains("give `sugar` in the units and the order of the training data"), "{found:?}");
}

#[test]
fn data_without_these_measurements_raises_nothing() {
    assert_eq!(all(&findings(&table())), [""; 0]);
}
