//! Mirror left to right with probability one half.

use crate::catalog::CatalogEntry;
use crate::random::below;
use rand_chacha::ChaCha8Rng;

pub(super) const ENTRY: CatalogEntry =
    CatalogEntry { name: "flip", summary: "mirror left to right with probability one half" };

pub(super) fn draw(stream: &mut ChaCha8Rng) -> bool {
    below(stream, 2) == 1
}
