//! Pad every side, then crop back to the size at a random place: a shift by up to `padding` pixels.

use crate::catalog::CatalogEntry;
use crate::random::below;
use rand_chacha::ChaCha8Rng;

pub(super) const ENTRY: CatalogEntry =
    CatalogEntry { name: "crop_padding", summary: "pad each side by this many pixels and crop at a random place" };

/// Draws the row and column shifts, each uniform in `-padding..=padding`.
pub(super) fn draw(stream: &mut ChaCha8Rng, padding: usize) -> (isize, isize) {
    if padding == 0 {
        return (0, 0);
    }
    let mut shift = || below(stream, 2 * padding as u64 + 1) as isize - padding as isize;
    (shift(), shift())
}
