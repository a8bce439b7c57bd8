//! Points in the plane in two or three classes, as positions in a picture of 256 by 256 pixels.

use keel_data::{DataConfig, Dataset, Inputs, Targets};
use keel_nn::{RandomKey, Shape};
use rand_distr::{Distribution, StandardNormal};

use super::part::{Part, Parts};
use super::task::Task;
use crate::error::LabError;

/// Side of the picture in pixels.
pub(crate) const PICTURE: f64 = 256.0;
/// One out of this many points is held out.
const HELD_OUT: usize = 5;
/// Approximate number of points over all classes.
const POINTS: usize = 750;
/// Radii of the two circles, relative to the larger one.
const RADII: [f64; 2] = [0.35, 1.0];
/// Number of classes of the two-class sets.
const TWO: usize = 2;

/// A set of points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PointSet {
    /// Spiral arms, one per class.
    Spiral(usize),
    /// Two interleaved half circles.
    Moons,
    /// Two concentric circles.
    Circles,
}

impl PointSet {
    /// Returns the classification task.
    pub(crate) fn task(self) -> Task {
        let classes = if let PointSet::Spiral(arms) = self { arms } else { TWO };
        Task { input: Shape::Features(2), classes }
    }

    /// Draws the points, in pixels; `noise` is in radians for a spiral and in radii otherwise.
    ///
    /// # Errors
    /// Fails if `noise` is not a valid standard deviation.
    pub(crate) fn draw(self, noise: f64, seed: u64) -> Result<Parts, LabError> {
        let all = match self {
            PointSet::Spiral(arms) => on_picture(&synthetic("spiral", arms, noise, seed)?, [0.0; 2], 0.4 * PICTURE),
            PointSet::Moons => on_picture(&synthetic("moons", TWO, noise, seed)?, [0.5, 0.25], 0.25 * PICTURE),
            PointSet::Circles => on_picture(&circles(noise, seed), [0.0; 2], 0.35 * PICTURE),
        };
        let key = RandomKey::new(seed).named("held out");
        let mut order: Vec<usize> = (0..all.len()).collect();
        order.sort_by_key(|&sample| key.bits(sample as u64));
        let (test, train) = order.split_at(all.len() / HELD_OUT);
        Ok(Parts { train: all.take(train), test: all.take(test) })
    }
}

/// Returns points of a built-in set around the origin.
fn synthetic(source: &str, classes: usize, noise: f64, seed: u64) -> Result<Part, LabError> {
    let config = DataConfig {
        samples: POINTS / classes,
        classes,
        noise: Some(noise),
        // Seeds in this section are limited to the largest signed number.
        seed: Some(seed >> 1),
        ..DataConfig::of_source(source)
    };
    let dataset = Dataset::load(&config)?;
    let (Inputs::Floats(inputs), Targets::Classes { labels, .. }) = (dataset.inputs(), dataset.targets()) else {
        unreachable!("built-in points are floats with classes")
    };
    Ok(Part { inputs: inputs.clone(), labels: labels.clone() })
}

fn circles(noise: f64, seed: u64) -> Part {
    let mut generator = RandomKey::new(seed).named("circles").generator();
    let mut normal = || -> f64 { StandardNormal.sample(&mut generator) };
    let each = POINTS / TWO;
    let mut part = Part { inputs: Vec::new(), labels: Vec::new() };
    for (label, radius) in (0..).zip(RADII) {
        for point in 0..each {
            let (sine, cosine) = (std::f64::consts::TAU * point as f64 / each as f64).sin_cos();
            part.inputs.extend([cosine, sine].map(|along| (radius * along + noise * normal()) as f32));
            part.labels.push(label);
        }
    }
    part
}

/// Moves `centre` to the middle of the picture and scales one unit to `unit` pixels.
fn on_picture(points: &Part, centre: [f64; 2], unit: f64) -> Part {
    let place = |(index, &value): (usize, &f32)| {
        let pixel = 0.5 * PICTURE + unit * (f64::from(value) - centre[index % 2]);
        pixel.clamp(0.0, PICTURE) as f32
    };
    Part { inputs: points.inputs.iter().enumerate().map(place).collect(), labels: points.labels.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_lies_on_the_picture_and_follows_its_seed() {
        for set in [PointSet::Spiral(2), PointSet::Spiral(3), PointSet::Moons, PointSet::Circles] {
            let parts = set.draw(0.1, 5).unwrap();
            assert_eq!((parts.train.len(), parts.test.len()), (600, 150), "{set:?}");
            let pixels = parts.train.inputs.iter();
            assert!(pixels.clone().all(|&pixel| (0.0..=256.0).contains(&pixel)));
            assert!(pixels.fold(0.0_f32, |largest, &pixel| largest.max(pixel)) > 200.0, "{set:?}");
            assert_eq!(parts.train.one_of_each(set.task().classes).len(), set.task().classes);
            assert_eq!(set.draw(0.1, 5).unwrap().train.inputs, parts.train.inputs);
            assert_ne!(set.draw(0.1, 6).unwrap().train.inputs, parts.train.inputs);
        }
    }
}
