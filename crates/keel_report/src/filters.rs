//! Images of the filters of the first layer of an image network.

use keel_nn::{FirstFilters, Network};
use keel_page::Interval;

use crate::thumbnail::{ImageSize, Thumbnail, thumbnail};

/// Maximum number of filters shown.
const MOST: usize = 64;

/// Incoming weights of the first layer, one image per unit.
#[derive(Debug, Clone)]
pub(crate) struct Filters {
    /// Name of the layer.
    pub(crate) layer: String,
    /// Number of units in the layer; some may not be shown.
    pub(crate) units: usize,
    /// One image per unit; grey is 0, and each is scaled to its own largest weight.
    pub(crate) pictures: Vec<Thumbnail>,
}

impl Filters {
    /// Returns the filters of `network`, or `None` for tables and for networks that do not begin with such a layer.
    pub(crate) fn of(network: &Network) -> Option<Self> {
        let filters = FirstFilters::of(network)?;
        let [height, width, channels] = filters.size;
        let range = Interval { low: -1.0, high: 1.0 };
        let picture = |values| thumbnail(values, ImageSize { height, width, channels }, range);
        let pictures = filters.each().take(MOST).map(picture).collect();
        Some(Filters { pictures, units: filters.units, layer: filters.layer })
    }
}
