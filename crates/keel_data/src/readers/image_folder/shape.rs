//! Shape of the samples, and the conversion of images to it.

use super::header::ImageHeader;
use super::size::{PIXEL_BUDGET, choose_image_size};
use crate::config::{ColorMode, Fit};
use crate::dataset::{ImageDecoding, SampleShape, plural};
use crate::error::DataError;
use crate::readers::Request;

/// Longest side of images whose borders matter more than their proportions: drawings and characters.
const SMALL: usize = 64;

/// Shape of all samples, the conversion of images to it, and notes about it.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) shape: SampleShape,
    pub(super) decoding: ImageDecoding,
    pub(super) notes: Vec<String>,
}

impl Target {
    /// Returns the model's shape, or one chosen for `headers`.
    pub(super) fn new(request: &Request, headers: &[ImageHeader]) -> Result<Self, DataError> {
        let configured = ImageDecoding {
            resize_filter: request.config.resize_filter,
            fit: resolved(request.config.fit, headers),
            sample_bits: 16,
        };
        if let Some(schema) = request.schema {
            let decoding = schema.image_decoding.unwrap_or(configured);
            return Ok(Target { shape: schema.sample_shape, decoding, notes: Vec::new() });
        }
        let (height, width, notes) = size(request, headers)?;
        let grey = match request.config.color {
            ColorMode::Auto => headers.iter().all(|header| header.grey),
            ColorMode::Grey => true,
            ColorMode::Color => false,
        };
        let shape = SampleShape::Image { height, width, channels: if grey { 1 } else { 3 } };
        Ok(Target { shape, decoding: configured, notes })
    }

    /// Returns a note for each kind of conversion: another size, other channels.
    pub(super) fn changes(&self, headers: &[ImageHeader]) -> Vec<String> {
        let SampleShape::Image { height, width, channels } = self.shape else { return Vec::new() };
        let count = |changed: &dyn Fn(&ImageHeader) -> bool| headers.iter().filter(|header| changed(header)).count();
        let resized = count(&|header| (header.height, header.width) != (height, width));
        let (total, filter, fit) = (headers.len(), self.decoding.resize_filter.name(), self.decoding.fit.name());
        let changes = [
            (resized, format!("resized to {height} x {width} ({filter}, {fit})")),
            (count(&|header| channels == 1 && !header.grey), "converted from colour to grey".to_owned()),
            (count(&|header| channels == 3 && header.grey), "converted from grey to colour".to_owned()),
        ];
        let all = plural(total, "image", "images");
        let note = |(count, change): (usize, String)| (count > 0).then(|| format!("{count} of {all} {change}"));
        changes.into_iter().filter_map(note).collect()
    }
}

/// Chooses to crop photos, whose proportions matter, and to stretch small images, which may have content at their border.
fn resolved(fit: Fit, headers: &[ImageHeader]) -> Fit {
    let small = headers.iter().all(|header| header.height.max(header.width) <= SMALL);
    match fit {
        Fit::Auto if small => Fit::Stretch,
        Fit::Auto => Fit::Crop,
        fit => fit,
    }
}

fn size(request: &Request, headers: &[ImageHeader]) -> Result<(usize, usize, Vec<String>), DataError> {
    if let Some(size) = request.config.image_size {
        let (height, width) = size.sides()?;
        return Ok((height, width, Vec::new()));
    }
    if headers.is_empty() {
        return Err(DataError::format(request.path, "no readable image", "Check the files of the folder"));
    }
    let sides: Vec<[usize; 2]> = headers.iter().map(|header| [header.height, header.width]).collect();
    let choice = choose_image_size(&sides, PIXEL_BUDGET);
    let (height, width) = (choice.height, choice.width);
    let changed =
        sides.iter().any(|sides| *sides != [height, width]) && sides.iter().flatten().any(|side| *side > SMALL);
    let note = || format!("image size {height} x {width}, {} (data.image_size gives another)", choice.reason);
    Ok((height, width, changed.then(note).into_iter().collect()))
}
