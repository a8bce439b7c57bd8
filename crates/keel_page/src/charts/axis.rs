//! Axes: mapping of numbers to positions, and placement of ticks.

use crate::interval::Interval;

/// Scale of an axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// Equal differences take equal lengths.
    #[default]
    Linear,
    /// Equal ratios take equal lengths; numbers that are not positive are left out.
    Logarithmic,
}

impl Scale {
    /// Maps a value to the scale; returns `None` if it cannot be shown.
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
    /// Creates an axis that covers all `values` with a small margin, or `range` if given.
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

    /// Returns the mapped low and high end: powers of ten on a logarithmic axis.
    pub(super) fn ends(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// Returns the position of `value`: 0 at the low end, 1 at the high end; `None` if outside or not representable.
    pub(super) fn position(&self, value: f64) -> Option<f64> {
        self.extended(value).filter(|position| (-0.001..=1.001).contains(position))
    }

    /// Returns the position of `value` on the axis extended beyond both ends, or `None` if not representable.
    pub(super) fn extended(&self, value: f64) -> Option<f64> {
        Some((self.scale.map(value)? - self.low) / (self.high - self.low))
    }

    /// Returns positions and labels of about `count` round values.
    pub(super) fn placed_ticks(&self, count: usize) -> Vec<(f64, String)> {
        let place = |(value, label)| Some((self.position(value)?, label));
        self.ticks(count).into_iter().filter_map(place).collect()
    }

    /// Returns about `count` round values with their labels.
    fn ticks(&self, count: usize) -> Vec<(f64, String)> {
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

    /// Returns powers of ten; in a short range also their multiples by 2 and 5, or the ends if none lies inside.
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

/// Formats a power of ten: 0.01, 1, 100, or 1e−5 if that is shorter.
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
