//! Axes: from numbers to positions, and where the ticks go.

use crate::interval::Interval;

/// Spread of numbers along an axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// Equal differences take equal space.
    #[default]
    Linear,
    /// Equal ratios take equal space; numbers that are not positive are left out.
    Logarithmic,
}

impl Scale {
    /// The value as it is spread; `None` if it has no place.
    pub fn map(self, value: f64) -> Option<f64> {
        match self {
            Scale::Linear => value.is_finite().then_some(value),
            Scale::Logarithmic => (value.is_finite() && value > 0.0).then(|| value.log10()),
        }
    }
}

/// An axis over a range of mapped values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    pub(super) scale: Scale,
    low: f64,
    high: f64,
}

impl Axis {
    /// An axis that holds all `values`, with a small margin; `range` instead if given.
    pub(super) fn new(scale: Scale, values: impl Iterator<Item = f64>, range: Option<Interval>) -> Self {
        let (low, high) = match range {
            Some(Interval { low, high }) => (scale.map(low).unwrap_or(0.0), scale.map(high).unwrap_or(1.0)),
            None => {
                let all = values.filter_map(|value| scale.map(value));
                let (low, high) =
                    all.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
                let (low, high) = if low > high { (0.0, 1.0) } else { (low, high) };
                let room = if high > low { (high - low) * 0.05 } else { low.abs().max(1.0) * 0.5 };
                (low - room, high + room)
            }
        };
        Axis { scale, low, high }
    }

    /// The low and the high end as they are spread: powers of ten on a logarithmic axis.
    pub(super) fn ends(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// Position of `value`: 0 at the low end, 1 at the high end; `None` outside or without a place.
    pub(super) fn position(&self, value: f64) -> Option<f64> {
        self.extended(value).filter(|position| (-0.001..=1.001).contains(position))
    }

    /// Position of `value` on the axis extended beyond both ends; `None` without a place.
    pub(super) fn extended(&self, value: f64) -> Option<f64> {
        Some((self.scale.map(value)? - self.low) / (self.high - self.low))
    }

    /// About `count` round values with their labels.
    pub(super) fn ticks(&self, count: usize) -> Vec<(f64, String)> {
        match self.scale {
            Scale::Linear => self.linear_ticks(count),
            Scale::Logarithmic => self.powers(count),
        }
    }

    fn linear_ticks(&self, count: usize) -> Vec<(f64, String)> {
        let rough = (self.high - self.low) / count as f64;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().find(|step| step * power >= rough * 0.999).unwrap_or(10.0) * power;
        let (first, last) = ((self.low / step).ceil() as i64, (self.high / step).floor() as i64);
        (first..=last).map(|index| index as f64 * step).map(|value| (value, super::number(value))).collect()
    }

    /// Powers of ten; in a short range also their twofold and fivefold, or its ends where none lies inside.
    fn powers(&self, count: usize) -> Vec<(f64, String)> {
        let (first, last) = (self.low.ceil() as i32, self.high.floor() as i32);
        if last - first >= 2 {
            let step = ((last - first) as usize).div_ceil(count).max(1);
            return (first..=last).step_by(step).map(|exponent| (10_f64.powi(exponent), power(exponent))).collect();
        }
        let inside = |value: &f64| (self.low..=self.high).contains(&value.log10());
        let round = |factors: &[f64]| -> Vec<f64> {
            let decades = first - 1..=last;
            decades
                .flat_map(|exponent| factors.iter().map(move |factor| factor * 10_f64.powi(exponent)))
                .filter(inside)
                .collect()
        };
        let mut values = round(&[1.0, 2.0, 5.0]);
        if values.len() < 3 {
            values = round(&[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0]);
        }
        if values.len() < 2 {
            values = vec![10_f64.powf(self.low), 10_f64.powf(self.high)];
        }
        values.into_iter().map(|value| (value, super::number(value))).collect()
    }
}

/// A power of ten as people write it: 0.01, 1, 100, and 1e−5 where that is long.
fn power(exponent: i32) -> String {
    match exponent {
        -3..=4 => super::number(10_f64.powi(exponent)),
        _ => format!("1e{exponent}").replace('-', "\u{2212}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let axis = Axis::new(Scale::Linear, [0.0, 0.87].into_iter(), None);
        let labels: Vec<String> = axis.ticks(5).into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels, ["0", "0.2", "0.4", "0.6", "0.8"]);
        let axis = Axis::new(Scale::Logarithmic, [1e-5, 2.0, 0.0].into_iter(), None);
        let labels: Vec<String> = axis.ticks(6).into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels.last().unwrap(), "1");
        let axis = Axis::new(Scale::Logarithmic, [0.3, 2.5].into_iter(), None);
        let labels: Vec<String> = axis.ticks(6).into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels, ["0.5", "1", "2"]);
        assert_eq!(axis.position(0.0), None);
        let single = Axis::new(Scale::Linear, [3.0].into_iter(), None);
        assert!((single.position(3.0).unwrap() - 0.5).abs() < 1e-9);
    }
}
