//! Classes that are mixtures of two elongated Gaussians with random centres, axes and angles.

use super::{CatalogEntry, DataConfig, Points, SyntheticSet, classes_or};
use crate::random::{Purpose, normal, stream, uniform};
use std::f64::consts::PI;

pub(super) const SET: SyntheticSet = SyntheticSet {
    entry: CatalogEntry {
        name: "gaussian_mixture",
        summary: "classes of two slanted Gaussian clouds each, with random centres, 3 classes",
    },
    generate,
};

fn generate(config: &DataConfig) -> Points {
    let classes = classes_or(config);
    let noise = config.noise.unwrap_or(1.0);
    let mut coordinates = Vec::with_capacity(classes * config.samples * 2);
    for class in 0..classes {
        let mut stream = stream(config.seed_or_zero(), Purpose::Synthetic, 3, class as u64);
        let mut cloud = || {
            let centre = [uniform(&mut stream) * 10.0 - 5.0, uniform(&mut stream) * 10.0 - 5.0];
            (centre, (uniform(&mut stream) * PI).sin_cos(), 0.3 + uniform(&mut stream) * 0.4)
        };
        let clouds = [cloud(), cloud()];
        for sample in 0..config.samples {
            let ([x, y], (sine, cosine), narrowness) = clouds[sample % 2];
            let along = normal(&mut stream) * noise;
            let across = normal(&mut stream) * noise * narrowness;
            coordinates.push((x + along * cosine - across * sine) as f32);
            coordinates.push((y + along * sine + across * cosine) as f32);
        }
    }
    Points { classes, coordinates }
}
