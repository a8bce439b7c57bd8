//! Networks with their data, and a suitable training run of each.

use std::fs;
use std::io;
use std::path::Path;

use keel_data::{SplitDataset, Targets};
use keel_train::config::string_override;

use crate::bench::health::generated::{self, Array};
use crate::bench::health::networks::{Architecture, Recipe};
use crate::bench::health::samples::{Change, samples};
use crate::failure::{Stop, unwritable};

/// A network and its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A perceptron on the digits.
    DigitsMlp,
    /// A convolutional network on the digits.
    DigitsCnn,
    /// A residual network on the digits.
    DigitsResidual,
    /// A perceptron on a spiral of three arms.
    SpiralMlp,
    /// A perceptron on a table of loans.
    LoansMlp,
    /// A perceptron on a curve, for regression.
    SpringMlp,
}

impl Place {
    /// All of them.
    pub(super) const ALL: [Place; 6] = [
        Place::DigitsMlp,
        Place::DigitsCnn,
        Place::DigitsResidual,
        Place::SpiralMlp,
        Place::LoansMlp,
        Place::SpringMlp,
    ];

    /// Returns the name for tables.
    pub(super) fn name(self) -> &'static str {
        match self {
            Place::DigitsMlp => "digits mlp",
            Place::DigitsCnn => "digits cnn",
            Place::DigitsResidual => "digits residual",
            Place::SpiralMlp => "spiral mlp",
            Place::LoansMlp => "loans mlp",
            Place::SpringMlp => "spring mlp",
        }
    }

    /// Returns the kind of the network.
    pub(super) fn architecture(self) -> Architecture {
        match self {
            Place::DigitsCnn => Architecture::Cnn,
            Place::DigitsResidual => Architecture::Residual,
            Place::DigitsMlp | Place::SpiralMlp | Place::LoansMlp | Place::SpringMlp => Architecture::Mlp,
        }
    }

    /// Returns a suitable training run.
    pub(super) fn healthy(self) -> Recipe {
        self.architecture().healthy()
    }

    /// Returns true for the digits, whose samples can be changed.
    pub(super) fn is_digits(self) -> bool {
        matches!(self, Place::DigitsMlp | Place::DigitsCnn | Place::DigitsResidual)
    }

    /// Returns the score of guessing: accuracy of one class, or R2 of the mean.
    pub(super) fn guessing(self) -> f64 {
        match self {
            Place::DigitsMlp | Place::DigitsCnn | Place::DigitsResidual => 0.1,
            Place::SpiralMlp => 1.0 / 3.0,
            Place::LoansMlp => 0.5,
            Place::SpringMlp => 0.0,
        }
    }

    /// Returns the overrides of the default config for a training run of `recipe`; data that is not built in is written to
    /// `folder`.
    ///
    /// # Errors
    /// If the data cannot be generated or written.
    pub(super) fn overrides(self, recipe: &Recipe, seed: u64, folder: &Path) -> Result<Vec<String>, Stop> {
        let bare = Recipe { settings: &[], ..recipe.clone() };
        let mut overrides = bare.overrides(self.architecture(), seed);
        overrides.extend(["train.threads=1".to_owned(), "data.validation=0.15".to_owned(), "data.test=0.1".to_owned()]);
        let table = |name: &str| {
            let written = generated::write(name, folder);
            written.map_err(|error| unwritable(&folder.join(name), &error))?;
            Ok::<_, Stop>(string_override("data.source", &folder.join(name).display().to_string()))
        };
        let own: &[&str] = match self {
            Place::DigitsMlp | Place::DigitsCnn | Place::DigitsResidual => {
                if recipe.change != Change::Nothing {
                    overrides.push(changed_digits(recipe.change, seed, folder)?);
                }
                &[]
            }
            Place::SpiralMlp => &["data.source=spiral", "data.samples=250", "train.batch_size=32", "train.epochs=60"],
            Place::LoansMlp => {
                overrides.push(table("loans.csv")?);
                &["train.batch_size=32", "train.epochs=25"]
            }
            Place::SpringMlp => {
                overrides.push(table("spring.csv")?);
                &["data.task=regression", "train.batch_size=32", "train.epochs=60"]
            }
        };
        overrides.extend(own.iter().chain(recipe.settings).map(|&setting| setting.to_owned()));
        Ok(overrides)
    }
}

/// Writes the digits after `change` as arrays and returns the setting that selects them.
fn changed_digits(change: Change, seed: u64, folder: &Path) -> Result<String, Stop> {
    let data = samples(change, seed)?;
    let folder = folder.join("changed-digits");
    write_arrays(&data, &folder).map_err(|error| unwritable(&folder, &error))?;
    Ok(string_override("data.source", &folder.display().to_string()))
}

/// Writes the three splits of `data` as `.npy` files.
fn write_arrays(data: &SplitDataset, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let Targets::Classes { labels, .. } = data.dataset.targets() else { unreachable!("digits are classes") };
    let (height, width, channels) = match *data.dataset.sample_shape() {
        keel_data::SampleShape::Image { height, width, channels } => (height, width, channels),
        keel_data::SampleShape::Features(_) => unreachable!("digits are images"),
    };
    let length = data.dataset.sample_shape().len();
    for (part, samples) in [("train", &data.train), ("val", &data.validation), ("test", &data.test)] {
        let mut values = vec![0.0; samples.len() * length];
        for (&sample, row) in samples.iter().zip(values.chunks_exact_mut(length)) {
            data.dataset.copy_sample(sample, row).map_err(std::io::Error::other)?;
        }
        let inputs = Array { sizes: vec![samples.len(), height, width, channels], values };
        let labels = samples.iter().map(|&sample| labels[sample] as f32).collect();
        let targets = Array { sizes: vec![samples.len()], values: labels };
        fs::write(folder.join(format!("x_{part}.npy")), inputs.to_npy())?;
        fs::write(folder.join(format!("y_{part}.npy")), targets.to_npy())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_digits_are_read_back_as_they_were_made() {
        let folder = tempfile::tempdir().unwrap();
        let recipe = Recipe { change: Change::RareClass(10), ..Place::DigitsCnn.healthy() };
        let overrides = Place::DigitsCnn.overrides(&recipe, 7, folder.path()).unwrap();
        let config = keel_train::config::load(None, &overrides).unwrap();
        let data = keel_train::load_data(&config.settled()).unwrap();
        let made = samples(Change::RareClass(10), 7).unwrap();
        assert_eq!(data.train.len(), made.train.len());
        let counts = data.dataset.class_counts(&data.train);
        assert!(counts[7] > 0 && counts[7] * 5 < counts[6], "{counts:?}");
        let row = |data: &SplitDataset, sample: usize| {
            let mut row = vec![0.0; data.dataset.sample_shape().len()];
            data.dataset.copy_sample(sample, &mut row).unwrap();
            row
        };
        assert_eq!(row(&data, data.validation[3]), row(&made, made.validation[3]));
    }
}
