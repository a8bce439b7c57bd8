//! Reduction of the number of points of a curve.

use keel_page::charts::Point;

/// Keeps about `limit` of `points` (ascending in x), including the smallest and the largest value of every interval, so
/// that no spike is lost. Non-finite points interrupt a curve; one is kept per interval.
pub fn decimate(points: &[Point], limit: usize) -> Vec<Point> {
    if points.len() <= limit.max(4) {
        return points.to_vec();
    }
    let stretch = points.len().div_ceil((limit / 2).max(2));
    let mut kept = Vec::with_capacity(limit + 2);
    for part in points.chunks(stretch) {
        let finite = || part.iter().enumerate().filter(|(_, point)| point.1.is_finite());
        let low = finite().min_by(|a, b| a.1.1.total_cmp(&b.1.1)).map(|(index, _)| index);
        let high = finite().max_by(|a, b| a.1.1.total_cmp(&b.1.1)).map(|(index, _)| index);
        let broken = part.iter().position(|point| !point.1.is_finite());
        let mut indices: Vec<usize> = [low, high, broken].into_iter().flatten().collect();
        indices.sort_unstable();
        indices.dedup();
        kept.extend(indices.into_iter().map(|index| part[index]));
    }
    kept
}

/// Returns the exponential moving average over about `span` points, with bias correction at the start (Kingma and Ba
/// 2015, section 3).
pub fn smooth(points: &[Point], span: f64) -> Vec<Point> {
    let decay = 1.0 - 1.0 / span.max(1.0);
    let (mut sum, mut weight) = (0.0, 0.0);
    let average = |&(x, y): &Point| {
        if !y.is_finite() {
            return (x, y);
        }
        sum = decay * sum + (1.0 - decay) * y;
        weight = decay * weight + (1.0 - decay);
        (x, sum / weight)
    };
    points.iter().map(average).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_and_gaps_survive() {
        let mut points: Vec<Point> = (0..100_000).map(|x| (f64::from(x), 1.0)).collect();
        points[54_321].1 = 9.0;
        points[77_777].1 = -3.0;
        points[10].1 = f64::NAN;
        let kept = decimate(&points, 400);
        assert!(kept.len() <= 420, "{}", kept.len());
        assert!(kept.contains(&(54_321.0, 9.0)) && kept.contains(&(77_777.0, -3.0)));
        assert!(kept.iter().any(|point| point.1.is_nan()));
        assert!(kept.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(decimate(&points[..3], 2).len(), 3);
        assert!(decimate(&[], 100).is_empty());
    }

    #[test]
    fn a_constant_stays_itself_from_its_first_point() {
        let smoothed = smooth(&[(0.0, 2.0), (1.0, f64::NAN), (2.0, 2.0)], 50.0);
        assert!((smoothed[0].1 - 2.0).abs() < 1e-12 && (smoothed[2].1 - 2.0).abs() < 1e-12);
        assert!(smoothed[1].1.is_nan());
    }
}
