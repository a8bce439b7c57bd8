//! Mirror left to right: a random half of the images at first, then each image the other way round in every epoch.

use crate::catalog::CatalogEntry;
use crate::random::{Purpose, below, stream};

pub(super) const ENTRY: CatalogEntry =
    CatalogEntry { name: "flip", summary: "mirror left to right, each image in every other epoch" };

/// Whether sample `sample` is mirrored in `epoch`. In two epochs that follow each other both sides of every image are
/// seen once; independent draws would show a quarter of the images twice the same way and a quarter twice the other.
pub(super) fn draw(seed: u64, epoch: u64, sample: usize) -> bool {
    let first = below(&mut stream(seed, Purpose::Mirroring, 0, sample as u64), 2);
    (first + epoch) % 2 == 1
}
