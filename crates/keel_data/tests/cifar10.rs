//! CIFAR-10 as a folder of JPEG files loads and has the published statistics.
#![expect(clippy::unwrap_used, reason = "a failure is the test's failure")]

use keel_data::{
    DataConfig, Dataset, FittedStep, Inputs, PreprocessScratch, PreprocessStep, Preprocessor, SampleShape, Split,
    SplitDataset, Targets, WhitenSpec, load,
};
use keel_testkit::shared_data_or_skip;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Returns the folder of unpacked images, unpacking the archive on first use.
fn unpacked(archive: &Path) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cifar10");
    let complete = folder.join(".complete");
    if !complete.exists() {
        std::fs::create_dir_all(&folder).unwrap();
        let status = Command::new("tar").arg("xzf").arg(archive).arg("-C").arg(&folder).status().unwrap();
        assert!(status.success());
        std::fs::write(complete, "").unwrap();
    }
    folder
}

#[test]
fn cifar10_loads_and_has_the_known_statistics() {
    let test = "cifar10_loads_and_has_the_known_statistics";
    let Some(archive) = shared_data_or_skip("cifar10-jpeg.tar.gz", test) else { return };
    let folder = unpacked(&archive);
    let start = std::time::Instant::now();
    let dataset = load(&DataConfig::of_source(folder.display().to_string()), Path::new("")).unwrap();
    println!("60 000 images in {:.1} s", start.elapsed().as_secs_f64());
    assert_eq!(dataset.sample_shape().dimensions(), [32, 32, 3]);
    assert_eq!(dataset.class_names()[..2], ["airplane", "automobile"]);
    let split = dataset.split(Split { validation: 0.1, test: 0.2, seed: 0 }).unwrap();
    assert_eq!((split.train.len(), split.validation.len(), split.test.len()), (45_000, 5_000, 10_000));
    check_channels(&split);
    check_standardized(&split);
    check_whitened(&split);
}

/// Checks means and standard deviations of the channels, divided by 255 (lecture, P6).
fn check_channels(split: &SplitDataset) {
    let preprocessor = Preprocessor::fit(&split.dataset, &split.train, &[PreprocessStep::ChannelStandardize]).unwrap();
    let FittedStep::Elementwise { shift, scale, .. } = &preprocessor.steps()[0] else { panic!("shift and scale") };
    for channel in 0..3 {
        let (mean, std) = (shift[channel] / 255.0, 1.0 / scale[channel] / 255.0);
        assert!((mean - [0.4914, 0.4822, 0.4465][channel]).abs() < 0.003, "{mean}");
        assert!((std - [0.2470, 0.2435, 0.2616][channel]).abs() < 0.003, "{std}");
    }
}

/// Checks for mean 0 and standard deviation 1: exact on the training split, close elsewhere (lecture, P2).
fn check_standardized(split: &SplitDataset) {
    let train: Vec<usize> = split.train.iter().copied().step_by(4).collect();
    let preprocessor = Preprocessor::fit(&split.dataset, &train, &[PreprocessStep::ChannelStandardize]).unwrap();
    for moments in preprocessor.statistics(&split.dataset, &train).unwrap().after {
        assert!(moments.mean.abs() < 1e-6 && (moments.std() - 1.0).abs() < 1e-6, "{moments:?}");
    }
    for moments in preprocessor.statistics(&split.dataset, &split.test).unwrap().after {
        assert!(moments.mean.abs() > 1e-6 && moments.mean.abs() < 0.1, "{moments:?}");
    }
}

/// Checks that whitened images have the identity as covariance (lecture, P3), on every fourth pixel of 3,000 images.
fn check_whitened(split: &SplitDataset) {
    let Inputs::Bytes(bytes) = split.dataset.inputs() else { panic!("images are bytes") };
    let mut small = Vec::new();
    for &sample in split.train.iter().step_by(15) {
        for pixel in (0..1_024).filter(|pixel| pixel % 4 == 0 && pixel / 32 % 4 == 0) {
            small.extend_from_slice(&bytes[(sample * 1_024 + pixel) * 3..][..3]);
        }
    }
    let shape = SampleShape::Image { height: 8, width: 8, channels: 3 };
    let samples = small.len() / shape.len();
    let targets = Targets::Values { values: vec![0.0; samples], target_names: vec!["none".into()] };
    let dataset = Dataset::from_memory("small", shape, Inputs::Bytes(small), targets).unwrap();
    let all: Vec<usize> = (0..samples).collect();
    let preprocessor =
        Preprocessor::fit(&dataset, &all, &[PreprocessStep::Whiten(WhitenSpec { epsilon: 1e-5 })]).unwrap();
    let mut rows = vec![0.0; samples * 192];
    preprocessor.gather(&dataset, &all, &mut rows, &mut PreprocessScratch::default()).unwrap();
    for (i, j) in (0..192).flat_map(|i| (0..=i).step_by(7).chain([i]).map(move |j| (i, j))) {
        let product = rows.chunks_exact(192).map(|row| f64::from(row[i]) * f64::from(row[j])).sum::<f64>();
        let expected = if i == j { 1.0 } else { 0.0 };
        assert!((product / samples as f64 - expected).abs() < 1e-3, "({i}, {j}): {}", product / samples as f64);
    }
}
