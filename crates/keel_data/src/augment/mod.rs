//! Augmentation of images: a pure function of seed, epoch and sample number.

mod color_jitter;
mod color_pca;
mod config;
mod crop_padding;
mod cutout;
mod flip;
mod random_resized_crop;
mod stored_image;
mod write_sample;

pub use config::{AugmentConfig, CropBorder};
pub(crate) use random_resized_crop::{Window, WindowScratch};
pub(crate) use write_sample::{StoredSample, write_sample};

use crate::catalog::CatalogEntry;
use crate::dataset::{Dataset, SampleShape, Sides};
use crate::error::DataError;
use crate::random::{Purpose, stream};

/// All augmentations, in the order they are listed.
pub const AUGMENTATIONS: &[CatalogEntry] = &[
    flip::ENTRY,
    crop_padding::ENTRY,
    random_resized_crop::ENTRY,
    cutout::ENTRY,
    color_jitter::ENTRY,
    color_pca::ENTRY,
];

/// Augmentations fitted to a training split.
#[derive(Debug, Clone)]
pub struct Augmenter {
    config: AugmentConfig,
    sides: Sides,
    value_range: (f32, f32),
    color_axes: Option<color_pca::ColorAxes>,
}

/// Random changes of one sample in one epoch.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Draw {
    /// Mirrored left to right.
    pub(crate) flip: bool,
    /// Rows and columns by which the image moves down and right.
    pub(crate) offset: (isize, isize),
    /// Content of the area that the moved image no longer covers.
    pub(crate) border: CropBorder,
    /// Part of the image enlarged to full size, used instead of a shift.
    pub(crate) window: Option<Window>,
    /// `[top, bottom)` and `[left, right)` of the square that is blanked.
    pub(crate) blank: Option<([usize; 2], [usize; 2])>,
    /// Brightness and contrast.
    pub(crate) tone: Option<color_jitter::Tone>,
    /// Added to red, green and blue, in raw units.
    pub(crate) color: Option<[f32; 3]>,
}

impl Augmenter {
    /// Prepares the augmentations of `config`; the colour axes are computed on the training split.
    ///
    /// # Errors
    /// Fails if samples are not images, if a size exceeds the image, or if colour jitter is set for grey images.
    pub fn fit(dataset: &Dataset, training_indices: &[usize], config: &AugmentConfig) -> Result<Self, DataError> {
        let sides = match *dataset.sample_shape() {
            SampleShape::Image { height, width, .. } => Sides { height, width },
            SampleShape::Features(_) if config.is_off() => Sides { height: 1, width: 1 },
            SampleShape::Features(_) => {
                return Err(DataError::setting(
                    "augment",
                    "augmentation needs images",
                    "Remove the section for tables",
                ));
            }
        };
        config.check(sides.height, sides.width)?;
        let color_axes = match config.color_pca {
            0.0 => None,
            _ => Some(color_pca::ColorAxes::fit(dataset, training_indices)?),
        };
        Ok(Self { config: config.clone(), sides, value_range: dataset.value_range(), color_axes })
    }

    /// Returns true if samples are left unchanged.
    pub fn is_off(&self) -> bool {
        self.config.is_off()
    }

    /// Returns the first active key that moves or enlarges the content of an image.
    pub fn moving_key(&self) -> Option<&'static str> {
        self.config.moving_key()
    }

    /// Draws the changes to sample `sample` in `epoch`.
    pub(crate) fn draw(&self, seed: u64, epoch: u64, sample: usize) -> Draw {
        if self.is_off() {
            return Draw::default();
        }
        let stream = &mut stream(seed, Purpose::Augmentation, epoch, sample as u64);
        Draw {
            flip: self.config.flip && flip::draw(seed, epoch, sample),
            offset: crop_padding::draw(stream, self.config.crop_padding),
            border: self.config.crop_border,
            window: random_resized_crop::draw(stream, self.config.random_resized_crop, self.sides),
            blank: cutout::draw(stream, self.config.cutout, self.sides),
            tone: color_jitter::draw(stream, self.config.color_jitter, self.value_range),
            color: self.color_axes.as_ref().map(|axes| axes.draw(stream, self.config.color_pca)),
        }
    }
}

#[cfg(test)]
mod tests;
