//! The `[augment]` section of the config file.

use super::{crop_padding, random_resized_crop};
use crate::error::DataError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Values outside the border of a shifted image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CropBorder {
    /// Zeros after the first preprocessing pass.
    #[default]
    Zeros,
    /// The image mirrored at its border pixels, which are not repeated.
    Reflect,
}

impl CropBorder {
    /// Returns the source pixel for position `place` on an axis of `length` pixels, or `None` for zero padding. `place`
    /// is at most `length - 1` outside the image.
    pub fn source(self, place: isize, length: usize) -> Option<usize> {
        let last = length as isize - 1;
        match self {
            _ if (0..=last).contains(&place) => Some(place as usize),
            CropBorder::Zeros => None,
            CropBorder::Reflect => Some(if place < 0 { -place } else { 2 * last - place } as usize),
        }
    }
}

/// Random changes of training images. Padding and blanks are zeros after the first preprocessing pass: the training
/// mean if the steps centre, black if there are none; padding can be a reflection instead.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AugmentConfig {
    /// Mirror left to right: a random half of the images in the first epoch, then every image alternately.
    pub flip: bool,
    /// Pad each side by this many pixels and crop back to the size at a random place. 0 = off.
    pub crop_padding: usize,
    /// Content of the padding of `crop_padding` and of the shift of `train.shifted_evaluation`: `zeros`, or `reflect` for the
    /// pixels inside the border in reverse order.
    pub crop_border: CropBorder,
    /// Enlarge a random part of the image to its size: the smallest share of the area, such as 0.35. 0 = off.
    pub random_resized_crop: f64,
    /// Blank a square of this side about a random pixel. 0 = off.
    pub cutout: usize,
    /// Change brightness and contrast by up to this share, such as 0.2. 0 = off.
    pub color_jitter: f64,
    /// AlexNet's colour jitter: standard deviation of the steps along the principal axes of colour, 0.1 there. 0 = off.
    pub color_pca: f64,
}

impl AugmentConfig {
    /// Returns true if nothing is changed.
    pub fn is_off(&self) -> bool {
        *self == AugmentConfig { crop_border: self.crop_border, ..Self::default() }
    }

    /// Returns the first active key that moves or enlarges the content of an image, as opposed to mirroring it.
    pub fn moving_key(&self) -> Option<&'static str> {
        let moves = [
            (crop_padding::ENTRY.name, self.crop_padding > 0),
            (random_resized_crop::ENTRY.name, self.random_resized_crop > 0.0),
        ];
        moves.into_iter().find(|(_, is_on)| *is_on).map(|(key, _)| key)
    }

    /// Checks the sizes against images of `height` and `width`.
    pub(super) fn check(&self, height: usize, width: usize) -> Result<(), DataError> {
        let shorter = height.min(width);
        for (field, pixels, limit) in
            [("augment.crop_padding", self.crop_padding, shorter - 1), ("augment.cutout", self.cutout, shorter)]
        {
            if pixels > limit {
                return Err(DataError::setting(
                    field,
                    format!("{pixels} pixels exceed what images of {height} x {width} allow"),
                    format!("Give a number from 0 to {limit}"),
                ));
            }
        }
        self.check_shares()?;
        if self.color_pca.is_finite() && self.color_pca >= 0.0 {
            return Ok(());
        }
        let what = format!("{} is not a valid standard deviation", self.color_pca);
        Err(DataError::setting("augment.color_pca", what, "Give 0 for off, or a number such as 0.1"))
    }
    /// Checks the shares, and that at most one key moves images.
    fn check_shares(&self) -> Result<(), DataError> {
        let field = "augment.random_resized_crop";
        if !(0.0..=1.0).contains(&self.random_resized_crop) {
            let what = format!("{} is not a share of the area", self.random_resized_crop);
            return Err(DataError::setting(field, what, "Give 0 for off, or a share such as 0.35"));
        }
        if self.random_resized_crop > 0.0 && self.crop_padding > 0 {
            let what = "it and augment.crop_padding both move the image";
            return Err(DataError::setting(field, what, "Give one of them"));
        }
        if !(0.0..1.0).contains(&self.color_jitter) {
            let what = format!("{} is not a share", self.color_jitter);
            return Err(DataError::setting("augment.color_jitter", what, "Give 0 for off, or a share such as 0.2"));
        }
        Ok(())
    }
}
