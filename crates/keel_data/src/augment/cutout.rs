//! Blank a square about a random pixel (DeVries and Taylor 2017); the square may reach over the edge.

use crate::catalog::CatalogEntry;
use crate::dataset::Sides;
use crate::random::below;
use rand_chacha::ChaCha8Rng;

pub(super) const ENTRY: CatalogEntry =
    CatalogEntry { name: "cutout", summary: "blank a square of this side about a random pixel" };

/// Draws the rows `[top, bottom)` and columns `[left, right)` of the blank square, clipped to the image.
pub(super) fn draw(stream: &mut ChaCha8Rng, side: usize, image: Sides) -> Option<([usize; 2], [usize; 2])> {
    if side == 0 {
        return None;
    }
    let mut span = |length: usize| {
        let start = below(stream, length as u64) as usize;
        [start.saturating_sub(side / 2), (start + side - side / 2).min(length)]
    };
    Some((span(image.height), span(image.width)))
}
