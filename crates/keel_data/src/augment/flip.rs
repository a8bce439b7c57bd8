//! Mirror left to right: a random half of the images at first, then each image the other way round in every epoch.

use crate::catalog::CatalogEntry;
use crate::random::{Purpose, below, stream};

pub(super) const ENTRY: CatalogEntry =
    CatalogEntry { name: "flip", summary: "mirror left to right, each image in every other epoch" };

/// Returns true if sample `sample` is mirrored in `epoch`. In two consecutive epochs, both sides of every image are shown
/// once; independent draws would show half of the images twice from the same side.
pub(super) fn draw(seed: u64, epoch: u64, sample: usize) -> bool {
    let first = below(&mut stream(seed, Purpose::Mirroring, 0, sample as u64), 2);
    (first + epoch) % 2 == 1
}
