//! Round clusters with centres on a circle of radius 4.

use super::{CatalogEntry, DataConfig, Points, SyntheticSet, classes_or};
use crate::random::{Purpose, normal, stream};
use std::f64::consts::TAU;

pub(super) const SET: SyntheticSet = SyntheticSet {
    entry: CatalogEntry { name: "blobs", summary: "round clusters around a circle in the plane, 3 classes" },
    generate,
};

fn generate(config: &DataConfig) -> Points {
    let classes = classes_or(config);
    let noise = config.noise.unwrap_or(1.0);
    let mut coordinates = Vec::with_capacity(classes * config.samples * 2);
    for class in 0..classes {
        let mut stream = stream(config.seed_or_zero(), Purpose::Synthetic, 2, class as u64);
        let (sine, cosine) = (class as f64 / classes as f64 * TAU).sin_cos();
        for _ in 0..config.samples {
            coordinates.push((4.0 * cosine + normal(&mut stream) * noise) as f32);
            coordinates.push((4.0 * sine + normal(&mut stream) * noise) as f32);
        }
    }
    Points { classes, coordinates }
}
