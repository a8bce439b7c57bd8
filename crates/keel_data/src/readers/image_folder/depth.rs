//! Bit depth of images stored with 16 bits per value; sensors of 10, 12 and 14 bits are stored this way, too.

use super::pixels;
use crate::dataset::{Peers, map_shared};
use crate::error::DataError;
use crate::readers::data_file::ByteLimit;
use image::DynamicImage;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Possible bit depths of a sensor.
const BITS: [u8; 5] = [8, 10, 12, 14, 16];

/// Returns the bits needed for every value of the 16-bit images in `paths`. Unreadable files are ignored here; the
/// decoder reports them. Each process reads its part.
///
/// # Errors
/// [`DataError::Peers`] if a process cannot answer.
pub(super) fn bits_in_use(peers: Option<&Arc<dyn Peers>>, paths: &[&Path], limit: ByteLimit) -> Result<u8, DataError> {
    let full = AtomicBool::new(false);
    let bits = |path: &&Path| {
        // One image that uses all bits decides the result.
        if full.load(Ordering::Relaxed) {
            return Ok(16);
        }
        let largest = pixels::read(path, limit).map_or(0, |stored| largest(&stored.image));
        let bits = BITS.into_iter().find(|bits| u32::from(largest) < 1 << bits).unwrap_or(16);
        full.fetch_or(bits == 16, Ordering::Relaxed);
        Ok(bits)
    };
    let found = map_shared(peers, paths, bits)?.into_iter().collect::<Result<Vec<u8>, _>>()?;
    Ok(found.into_iter().max().unwrap_or(16))
}

/// Returns the largest value of a 16-bit image, ignoring opacity; 0 for other images.
fn largest(image: &DynamicImage) -> u16 {
    let colors = |values: &[u16], channels: usize| {
        values.chunks_exact(channels).flat_map(|pixel| &pixel[..channels - 1]).copied().max().unwrap_or(0)
    };
    match image {
        DynamicImage::ImageLuma16(image) => image.iter().copied().max().unwrap_or(0),
        DynamicImage::ImageRgb16(image) => image.iter().copied().max().unwrap_or(0),
        DynamicImage::ImageLumaA16(image) => colors(image, 2),
        DynamicImage::ImageRgba16(image) => colors(image, 4),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DataConfig;
    use image::{ImageBuffer, Luma};

    fn grey(value: u16) -> DynamicImage {
        ImageBuffer::<Luma<u16>, _>::from_pixel(1, 1, Luma([value])).into()
    }

    #[test]
    fn the_smallest_depth_that_holds_all_images_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let paths: Vec<_> = [100u16, 4_000, 60_000].map(|value| folder.path().join(format!("{value}.png"))).into();
        for (path, value) in paths.iter().zip([100, 4_000, 60_000]) {
            grey(value).save(path).unwrap();
        }
        let paths: Vec<&Path> = paths.iter().map(std::path::PathBuf::as_path).collect();
        for (count, bits) in [(1, 8), (2, 12), (3, 16)] {
            let limit = ByteLimit::of_image(&DataConfig::default());
            assert_eq!(bits_in_use(None, &paths[..count], limit).unwrap(), bits);
        }
    }
}
