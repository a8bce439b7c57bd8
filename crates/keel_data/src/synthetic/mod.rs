//! Synthetic point sets, one per file.

use crate::catalog::CatalogEntry;
use crate::config::DataConfig;
use crate::dataset::{Dataset, Inputs, SampleShape, Targets};
use crate::error::DataError;

mod blobs;
mod gaussian_mixture;
mod moons;
mod spiral;

/// All synthetic sets, in the order they are listed.
const SETS: [SyntheticSet; 4] = [spiral::SET, moons::SET, blobs::SET, gaussian_mixture::SET];

/// Default number of classes of the sets that allow a choice.
const OWN_CLASSES: usize = 3;

/// Size of a sample: two coordinates and a label.
const BYTES_PER_SAMPLE: u128 = 12;

/// Size of a class: its name and the allocation behind it.
const BYTES_PER_CLASS: u128 = 64;

/// A synthetic set, as its file defines it.
struct SyntheticSet {
    /// Name in config files and summary.
    entry: CatalogEntry,
    /// Draws the points.
    generate: fn(&DataConfig) -> Points,
}

/// Returns name and summary of every synthetic set, in the order they are listed.
pub fn synthetic_sets() -> impl Iterator<Item = CatalogEntry> {
    SETS.iter().map(|set| set.entry)
}

/// Returns true if `source` names a synthetic set.
pub(crate) fn is_synthetic(source: &str) -> bool {
    SETS.iter().any(|set| set.entry.name == source)
}

/// Points of each class, `[samples, 2]`, class by class.
struct Points {
    classes: usize,
    coordinates: Vec<f32>,
}

/// Generates the set named by `config.source` with `config.samples` points per class; `None` if no set has that name.
///
/// # Errors
/// Fails if there are no samples or the noise is not a valid standard deviation.
pub(crate) fn generate(config: &DataConfig) -> Result<Option<Dataset>, DataError> {
    let Some(set) = SETS.iter().find(|set| set.entry.name == config.source) else { return Ok(None) };
    if config.samples == 0 {
        return Err(DataError::setting(
            "data.samples",
            "no samples",
            "Give the number of samples per class, such as 100",
        ));
    }
    if let Some(noise) = config.noise.filter(|noise| !(noise.is_finite() && *noise >= 0.0)) {
        return Err(DataError::setting(
            "data.noise",
            format!("{noise} is not a valid standard deviation"),
            "Give a number of at least 0",
        ));
    }
    check_size(config)?;
    let points = (set.generate)(config);
    let labels = (0..points.classes * config.samples).map(|sample| (sample / config.samples) as u32).collect();
    let class_names = (0..points.classes).map(|class| class.to_string()).collect();
    let inputs = Inputs::Floats(points.coordinates);
    let targets = Targets::Classes { labels, class_names };
    Dataset::from_memory(&config.source, SampleShape::Features(2), inputs, targets)?
        .with_feature_names(vec!["x".to_string(), "y".to_string()])
        .map(Some)
}

/// Rejects sets that do not fit in memory: two coordinates and a label per sample, and a name per class.
fn check_size(config: &DataConfig) -> Result<(), DataError> {
    let classes = classes_or(config) as u128;
    let bytes = classes.saturating_mul(config.samples as u128 * BYTES_PER_SAMPLE + BYTES_PER_CLASS);
    if bytes <= u128::from(config.largest_bytes.unwrap_or(isize::MAX as u64)) {
        return Ok(());
    }
    let (field, given) = match config.classes as u128 > config.samples as u128 {
        true => ("data.classes", format!("{classes} classes")),
        false => ("data.samples", format!("{} samples in each of {classes} classes", config.samples)),
    };
    Err(DataError::setting(
        field,
        format!("{given} take {bytes} bytes, more than the free memory"),
        "Give a smaller number",
    ))
}

/// Returns `data.classes`, or the default of the set.
fn classes_or(config: &DataConfig) -> usize {
    if config.classes == 0 { OWN_CLASSES } else { config.classes }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Inputs;

    #[test]
    fn every_set_is_finite_balanced_and_a_function_of_its_seed() {
        for entry in synthetic_sets() {
            let make = |seed| {
                generate(&DataConfig { seed, samples: 7, ..DataConfig::of_source(entry.name) }).unwrap().unwrap()
            };
            let set = make(Some(1));
            let all: Vec<usize> = (0..set.samples()).collect();
            assert!(set.class_counts(&all).iter().all(|&count| count == 7), "{}", entry.name);
            assert_eq!(set.inputs(), make(Some(1)).inputs());
            assert_ne!(set.inputs(), make(Some(2)).inputs());
        }
    }

    #[test]
    fn the_spiral_without_noise_is_that_of_the_course() {
        let config = DataConfig { noise: Some(0.0), ..DataConfig::of_source("spiral") };
        let spiral = generate(&config).unwrap().unwrap();
        assert_eq!((spiral.samples(), spiral.outputs()), (300, 3));
        let Inputs::Floats(points) = spiral.inputs() else { panic!("points are floats") };
        for class in 0..3 {
            let (first, last) = (class * 200, class * 200 + 198);
            assert_eq!(points[first..first + 2], [0.0, 0.0]);
            let angle = (class as f64 + 1.0) * 4.0;
            assert!((f64::from(points[last]) - angle.sin()).abs() < 1e-6);
            assert!((f64::from(points[last + 1]) - angle.cos()).abs() < 1e-6);
        }
    }

    #[test]
    fn impossible_settings_are_refused() {
        let spiral = || DataConfig::of_source("spiral");
        assert!(generate(&DataConfig { samples: 0, ..spiral() }).is_err());
        for (samples, classes) in [(usize::MAX, 0), (1, usize::MAX), (1 << 40, 1 << 40)] {
            let message = generate(&DataConfig { samples, classes, ..spiral() }).unwrap_err().to_string();
            assert!(message.starts_with("data.") && message.contains("Give a smaller number"), "{message}");
        }
        assert!(generate(&DataConfig { noise: Some(-1.0), ..spiral() }).is_err());
        assert!(generate(&DataConfig { classes: 1, ..spiral() }).is_err());
    }

    #[test]
    fn sets_that_do_not_fit_are_refused_before_they_are_made() {
        let blobs = |samples, classes| DataConfig { samples, classes, ..DataConfig::of_source("blobs") };
        let cases = [
            (blobs(usize::MAX, 0), "data.samples"),
            (blobs(1 << 61, 4), "data.samples"),
            (blobs(1 << 58, 1 << 59), "data.classes"),
            (blobs(1, usize::MAX), "data.classes"),
            (DataConfig { largest_bytes: Some(1_000_000), ..blobs(50_000, 2) }, "data.samples"),
            (DataConfig { largest_bytes: Some(1_000_000), ..blobs(1, 50_000) }, "data.classes"),
        ];
        for (config, field) in cases {
            let message = generate(&config).unwrap_err().to_string();
            assert!(message.contains(field) && message.contains("bytes"), "{message}");
        }
        assert!(generate(&DataConfig { largest_bytes: Some(1_000_000), ..blobs(500, 2) }).unwrap().is_some());
    }
}
