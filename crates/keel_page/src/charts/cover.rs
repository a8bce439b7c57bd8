//! Detection of curves hidden under others.

use super::Point;
use super::frame::{Cover, SIDE};

/// A curve as it is drawn.
pub(super) struct Curve<'a> {
    /// Name of the curve.
    pub(super) name: &'a str,
    /// Positions of its points in the drawing, from left to right.
    pub(super) places: Vec<Point>,
}

/// Maximum vertical distance at which a line hides another: less than the width of a line.
const WIDTH: f64 = SIDE / 250.0;
/// Number of positions between the ends of a curve at which it is compared.
const PLACES: usize = 64;
/// Minimum hidden share of a curve that is mentioned.
const WORTH_A_WORD: f64 = 0.7;

/// Returns the curves hidden by a later one, in drawing order; each with the curve that hides most of it.
pub(super) fn covered<'a>(curves: &[Curve<'a>]) -> Vec<Cover<'a>> {
    let worst = |(index, below): (usize, &Curve<'a>)| {
        let covers = curves[index + 1..].iter().map(|above| (above.name, share(below, above)));
        let (above, share) = covers.max_by(|a, b| a.1.total_cmp(&b.1))?;
        (share >= WORTH_A_WORD).then_some(Cover { below: below.name, above, share })
    };
    curves.iter().enumerate().filter_map(worst).collect()
}

fn share(below: &Curve<'_>, above: &Curve<'_>) -> f64 {
    let (Some(first), Some(last)) = (below.places.first(), below.places.last()) else { return 0.0 };
    let hidden = |index: &usize| {
        let x = first.0 + (last.0 - first.0) * *index as f64 / PLACES as f64;
        match (height(&below.places, x), height(&above.places, x)) {
            (Some(below), Some(above)) => (below - above).abs() < WIDTH,
            _ => false,
        }
    };
    (0..=PLACES).filter(hidden).count() as f64 / (PLACES + 1) as f64
}

/// Returns the height of a curve at `x`, or `None` beyond its ends.
fn height(places: &[Point], x: f64) -> Option<f64> {
    let (first, last) = (places.first()?, places.last()?);
    if x < first.0 - 0.5 || x > last.0 + 0.5 {
        return None;
    }
    let after = places.partition_point(|place| place.0 < x).clamp(1, places.len().max(2) - 1);
    let (Some(left), Some(right)) = (places.get(after - 1), places.get(after)) else { return Some(first.1) };
    let share = if right.0 > left.0 { ((x - left.0) / (right.0 - left.0)).clamp(0.0, 1.0) } else { 0.0 };
    Some(left.1 + share * (right.1 - left.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve<'a>(name: &'a str, places: &[Point]) -> Curve<'a> {
        Curve { name, places: places.to_vec() }
    }

    #[test]
    fn a_curve_under_a_later_one_is_named_and_one_beside_it_is_not() {
        let flat = [(0.0, 500.0), (1000.0, 500.0)];
        let bent = [(0.0, 500.0), (800.0, 501.0), (1000.0, 0.0)];
        let apart = [(0.0, 510.0), (1000.0, 510.0)];
        let words = |curves: &[Curve<'_>]| -> Vec<String> {
            covered(curves).iter().map(|one| format!("{} {} {:.1}", one.below, one.above, one.share)).collect()
        };
        assert_eq!(words(&[curve("a", &flat), curve("b", &flat)]), ["a b 1.0"]);
        assert_eq!(words(&[curve("a", &flat), curve("b", &bent)]), ["a b 0.8"]);
        assert!(words(&[curve("a", &flat), curve("b", &apart)]).is_empty());
        assert!(words(&[curve("a", &flat), curve("single", &[(500.0, 500.0)])]).is_empty());
    }
}
