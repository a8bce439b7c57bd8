//! Two interleaved half circles of radius 1.

use super::{CatalogEntry, DataConfig, Points, SyntheticSet};
use crate::random::{Purpose, normal, stream};
use std::f64::consts::PI;

pub(super) const SET: SyntheticSet = SyntheticSet {
    entry: CatalogEntry { name: "moons", summary: "two interleaved half circles in the plane" },
    generate,
};

fn generate(config: &DataConfig) -> Points {
    let noise = config.noise.unwrap_or(0.1);
    let steps = (config.samples.max(2) - 1) as f64;
    let mut coordinates = Vec::with_capacity(config.samples * 4);
    for class in 0..2 {
        let mut stream = stream(config.seed_or_zero(), Purpose::Synthetic, 1, class);
        for sample in 0..config.samples {
            let (sine, cosine) = (sample as f64 / steps * PI).sin_cos();
            let (x, y) = if class == 0 { (cosine, sine) } else { (1.0 - cosine, 0.5 - sine) };
            coordinates.push((x + normal(&mut stream) * noise) as f32);
            coordinates.push((y + normal(&mut stream) * noise) as f32);
        }
    }
    Points { classes: 2, coordinates }
}
