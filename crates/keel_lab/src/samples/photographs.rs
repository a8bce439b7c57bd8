//! Small colour images: tiles of the embedded photographs.

use image::ImageFormat;
use keel_data::{DataError, Dataset, Inputs, SampleShape, Targets};

/// Embedded photographs; source and licence of each are in `assets/README.md`.
const FILE: &[u8] = include_bytes!("../../assets/photographs.webp");
/// Side of a photograph and of a tile in pixels, and number of photographs per row of the file.
const PHOTOGRAPH: usize = 128;
const TILE: usize = 8;
const ROW: usize = 4;
/// Number of bytes per pixel.
const COLOURS: usize = 3;
/// Subject of each photograph, in the order of the file.
const CLASSES: [&str; 8] = ["astronaut", "cat", "coffee", "rocket", "retina", "galaxies", "admiral", "raccoon"];

/// Returns all tiles of all photographs; the class of a tile is the photograph it was cut from.
///
/// # Errors
/// Never fails if the embedded file is intact.
pub(super) fn photographs() -> Result<Dataset, DataError> {
    let file = image::load_from_memory_with_format(FILE, ImageFormat::WebP).expect("the file is embedded").to_rgb8();
    let (pixels, width) = (file.as_raw(), file.width() as usize);
    let tiles_in_a_row = PHOTOGRAPH / TILE;
    let tiles = tiles_in_a_row * tiles_in_a_row;
    let mut bytes = Vec::with_capacity(pixels.len());
    for class in 0..CLASSES.len() {
        let (left, top) = (class % ROW * PHOTOGRAPH, class / ROW * PHOTOGRAPH);
        for tile in 0..tiles {
            let (left, top) = (left + tile % tiles_in_a_row * TILE, top + tile / tiles_in_a_row * TILE);
            for y in top..top + TILE {
                let start = (y * width + left) * COLOURS;
                bytes.extend_from_slice(&pixels[start..start + TILE * COLOURS]);
            }
        }
    }
    let labels = (0..CLASSES.len() as u32).flat_map(|class| std::iter::repeat_n(class, tiles)).collect();
    let targets = Targets::Classes { labels, class_names: CLASSES.map(str::to_owned).into() };
    let shape = SampleShape::Image { height: TILE, width: TILE, channels: COLOURS };
    Dataset::from_memory(super::PHOTOGRAPHS, shape, Inputs::Bytes(bytes), targets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_lie_where_their_photographs_do() {
        let dataset = photographs().unwrap();
        assert_eq!(dataset.samples(), 2048);
        let Inputs::Bytes(bytes) = dataset.inputs() else { panic!("bytes") };
        let mean = |class: usize, colour: usize| {
            let values = bytes[class * 49_152..(class + 1) * 49_152].iter().skip(colour).step_by(COLOURS);
            values.map(|&value| f64::from(value)).sum::<f64>() / 16_384.0
        };
        // The retina is red, the evening sky behind the rocket blue, the galaxies nearly black.
        assert!(mean(4, 0) > 1.8 * mean(4, 1), "{}", mean(4, 0));
        assert!(mean(3, 2) > 1.3 * mean(3, 0), "{}", mean(3, 2));
        assert!(mean(5, 1) < 40.0, "{}", mean(5, 1));
        // First row of the second tile of the first photograph, read directly from the file.
        let file = image::load_from_memory_with_format(FILE, ImageFormat::WebP).unwrap().to_rgb8();
        assert_eq!(&bytes[192..195], file.get_pixel(8, 0).0);
        assert_eq!(&bytes[192 + 24..192 + 27], file.get_pixel(8, 1).0);
    }
}
