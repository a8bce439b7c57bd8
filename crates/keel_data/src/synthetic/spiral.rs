//! Interleaved spiral arms, as in the course's case study: radius 0 to 1, four radians of angle per class, noise 0.2 radians.

use super::{CatalogEntry, DataConfig, Points, SyntheticSet, classes_or};
use crate::random::{Purpose, normal, stream};

pub(super) const SET: SyntheticSet = SyntheticSet {
    entry: CatalogEntry { name: "spiral", summary: "interleaved spiral arms in the plane, 3 classes of 100 points" },
    generate,
};

fn generate(config: &DataConfig) -> Points {
    let classes = classes_or(config);
    let noise = config.noise.unwrap_or(0.2);
    let steps = (config.samples.max(2) - 1) as f64;
    let mut coordinates = Vec::with_capacity(classes * config.samples * 2);
    for class in 0..classes {
        let mut stream = stream(config.seed_or_zero(), Purpose::Synthetic, 0, class as u64);
        for sample in 0..config.samples {
            let radius = sample as f64 / steps;
            let angle = (class as f64 + radius) * 4.0 + normal(&mut stream) * noise;
            coordinates.extend([(radius * angle.sin()) as f32, (radius * angle.cos()) as f32]);
        }
    }
    Points { classes, coordinates }
}
