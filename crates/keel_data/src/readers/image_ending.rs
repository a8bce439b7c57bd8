//! Extensions of images that can be decoded.

use std::path::Path;

/// Extensions of formats that can be decoded.
const ENDINGS: &[&str] = &[
    "jpg", "jpeg", "jpe", "jfif", "jif", "png", "bmp", "dib", "gif", "webp", "tif", "tiff", "pbm", "pgm", "ppm", "pnm",
];

/// Returns true if the extension of a file is that of an image that can be decoded.
pub(super) fn has_image_ending(path: &Path) -> bool {
    ENDINGS.contains(&ending_of(path).as_str())
}

/// Returns the extension of a file in lower case.
pub(super) fn ending_of(path: &Path) -> String {
    path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
}
