//! The `[data]` section of the config file.

use crate::error::DataError;
use crate::format::Format;
use crate::imputation::Imputation;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Name of the embedded digits as a source of data.
pub(crate) const DIGITS: &str = "digits";

/// Source of the data and its division into splits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DataConfig {
    /// A built-in set (digits, spiral, moons, blobs, gaussian_mixture) or a path, relative to the config file.
    pub source: String,
    /// Format of a path: auto, image_folder, idx, cifar, csv, excel, parquet or npy.
    pub format: Format,
    /// Share of the training split used for validation, if the source has no validation part.
    pub validation: f64,
    /// Share of all samples used for the test, if the source has no test part.
    pub test: f64,
    /// Seed of the division and of synthetic sets. Default: train.seed; give it to see the same split in runs of several
    /// seeds.
    #[schemars(range(max = 9_223_372_036_854_775_807_u64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Tables: name of the target column. Empty: one called target, label, class, y, outcome or response, else the last.
    pub target: String,
    /// Tables and NPY: auto, classification or regression. Auto: text is classes; numbers are classes if they are 0 and 1,
    /// at most 20 whole numbers that occur twice on average, or count from 0 or 1 without a gap, five samples each.
    pub task: Task,
    /// Tables: columns to leave out, such as row numbers.
    pub ignore_columns: Vec<String>,
    /// Tables: replacement for missing cells, fitted on the training split: mean, median or error.
    pub missing: Imputation,
    /// Tables: texts that mark a missing cell, in addition to NA, NaN, null, ?, - and similar ones.
    pub missing_values: Vec<String>,
    /// Tables: true if the first row names the columns. Default: detected automatically.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<bool>,
    /// Tables: a column whose rows with the same value stay in one split, such as a patient.
    pub group: String,
    /// Tables: a column of dates or numbers; the latest rows are the test, those before them the validation split.
    pub time: String,
    /// Samples with equal inputs stay in one split. Training samples that equal one of a test or validation part of the
    /// source are left out.
    pub keep_duplicates_together: bool,
    /// Images: side in pixels, or [height, width]. Default: the size of the images up to 64 pixels, else from 64 to 224,
    /// the larger the fewer there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_size: Option<ImageSize>,
    /// Images: interpolation when the size changes: nearest, bilinear, bicubic or lanczos.
    pub resize_filter: ResizeFilter,
    /// Images of another shape: stretch them, crop them about the centre, or auto: crop those of more than 64 pixels.
    pub fit: Fit,
    /// Images: auto (grey if all are grey), grey or color.
    pub color: ColorMode,
    /// Images: leave out unreadable files and count them instead of stopping at the first one.
    pub skip_unreadable: bool,
    /// Largest size of one file in memory, decoded or unpacked, in megabytes. Default: 4096; images 512; packed files (.gz,
    /// .npz, .xlsx, .parquet) 512 or 20 times their size.
    #[schemars(range(min = 1, max = 100_000_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub largest_file_megabytes: Option<u64>,
    /// Tables: maximum number of columns.
    #[schemars(range(min = 1, max = 100_000_000))]
    pub largest_columns: usize,
    /// Synthetic sets: samples per class.
    pub samples: usize,
    /// Synthetic sets: number of classes, where the set allows a choice. 0: the set's own.
    pub classes: usize,
    /// Synthetic sets: standard deviation of the noise. Default: the set's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise: Option<f64>,
    /// Maximum number of bytes that images may take in memory; set by code that knows the available memory.
    #[serde(skip)]
    pub largest_bytes: Option<u64>,
}

impl Default for DataConfig {
    fn default() -> Self {
        Self {
            source: DIGITS.to_string(),
            format: Format::Auto,
            validation: 0.1,
            test: 0.2,
            seed: None,
            target: String::new(),
            task: Task::Auto,
            ignore_columns: Vec::new(),
            missing: Imputation::Mean,
            missing_values: Vec::new(),
            header: None,
            group: String::new(),
            time: String::new(),
            keep_duplicates_together: false,
            image_size: None,
            resize_filter: ResizeFilter::Bilinear,
            fit: Fit::Auto,
            color: ColorMode::Auto,
            skip_unreadable: false,
            largest_file_megabytes: None,
            largest_columns: 50_000,
            samples: 100,
            classes: 0,
            noise: None,
            largest_bytes: None,
        }
    }
}

impl DataConfig {
    /// Returns a configuration with this `source` and defaults elsewhere.
    pub fn of_source(source: impl Into<String>) -> Self {
        Self { source: source.into(), ..Self::default() }
    }

    /// Returns a configuration for a table in memory whose column `target` is to be predicted.
    pub fn for_target(target: impl Into<String>) -> Self {
        Self { target: target.into(), ..Self::default() }
    }

    /// Returns the seed, 0 if none is given.
    pub fn seed_or_zero(&self) -> u64 {
        self.seed.unwrap_or(0)
    }
}

/// Task to learn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Text and few distinct whole numbers are classes, other numbers are values.
    #[default]
    Auto,
    /// Predict a class.
    Classification,
    /// Predict numbers.
    Regression,
}

/// Size to which images are converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a number of pixels or [height, width]")]
pub enum ImageSize {
    /// Height and width in pixels.
    Square(usize),
    /// `[height, width]` in pixels.
    Sides([usize; 2]),
}

impl ImageSize {
    /// Returns `(height, width)`, each from 1 to 8192.
    pub fn sides(self) -> Result<(usize, usize), DataError> {
        let (height, width) = match self {
            Self::Square(side) => (side, side),
            Self::Sides([height, width]) => (height, width),
        };
        if (1..=8192).contains(&height) && (1..=8192).contains(&width) {
            return Ok((height, width));
        }
        Err(DataError::setting(
            "data.image_size",
            format!("{height} x {width} is not a size of images"),
            "Give a side from 1 to 8192 pixels",
        ))
    }
}

/// Interpolation of a resize. All but `nearest` average over the covered area when the image shrinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResizeFilter {
    /// Nearest neighbour.
    Nearest,
    /// Linear triangle.
    #[default]
    Bilinear,
    /// Catmull-Rom cubic.
    Bicubic,
    /// Lanczos with window 3.
    Lanczos,
}

impl ResizeFilter {
    /// Returns the name used in the config.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nearest => "nearest",
            Self::Bilinear => "bilinear",
            Self::Bicubic => "bicubic",
            Self::Lanczos => "lanczos",
        }
    }
}

/// Handling of images with another aspect ratio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// Cropped where images are larger than 64 pixels, else stretched.
    #[default]
    Auto,
    /// Stretched to the size; all content stays.
    Stretch,
    /// Scaled to cover the size and cropped about the centre; proportions stay.
    Crop,
}

impl Fit {
    /// Returns a description of the handling.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "stretched or cropped",
            Self::Stretch => "stretched",
            Self::Crop => "cropped about the centre",
        }
    }
}

/// Channels of decoded images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ColorMode {
    /// One channel if every image is grey, else three.
    #[default]
    Auto,
    /// One channel, luminance.
    Grey,
    /// Three channels, red, green, blue.
    Color,
}
