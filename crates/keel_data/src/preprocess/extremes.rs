//! Features whose variance comes from a few extreme samples.

use super::preprocessor::Preprocessor;
use crate::dataset::{Dataset, Work};
use crate::error::DataError;
use crate::moments::Moments;

/// Maximum share of the samples called extreme.
const SHARE: f64 = 0.005;
/// Share of the variance above which fewer samples are tried.
const NEARLY_ALL: f64 = 0.99;
/// Share of the variance above which a feature is reported.
const MENTIONED: f64 = 0.5;

/// The most extreme samples of one preprocessed feature, and its variance with and without them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FeatureExtremes {
    /// Index of the feature after preprocessing.
    pub feature: usize,
    /// Number of samples examined.
    pub samples: usize,
    /// Number of extreme samples, at most 0.5 %: the fewest that hold more than 99 % of the variance, if any number does.
    pub extreme: usize,
    /// Share of the variance that disappears without them.
    pub variance_share: f64,
    /// Standard deviation of the other samples.
    pub rest_std: f64,
}

impl Preprocessor {
    /// Returns the features of rows that lose half of their variance without the most extreme 0.5 % of the samples
    /// `indices`, measured after preprocessing. Features with the same value in half of the other samples, such as
    /// flags and counts of rare events, are left out; images have none.
    ///
    /// # Errors
    /// Fails if a sample cannot be preprocessed.
    pub fn extremes(&self, dataset: &Dataset, indices: &[usize]) -> Result<Vec<FeatureExtremes>, DataError> {
        if self.output_shape().is_image() || (indices.len() as f64 * SHARE) < 1.0 {
            return Ok(Vec::new());
        }
        let found = self.view(dataset, Work::Alone, indices, |view| view.map_sorted_columns(extremes))?;
        Ok(found.into_iter().flatten().collect())
    }
}

fn extremes(feature: usize, sorted: &[f32]) -> Option<FeatureExtremes> {
    let all = moments(sorted);
    let limit = (sorted.len() as f64 * SHARE) as usize;
    let found = |extreme: usize| {
        let rest = without(sorted, extreme);
        let of_rest = moments(rest);
        let variance_share = 1.0 - of_rest.squared_deviations / all.squared_deviations;
        let found =
            FeatureExtremes { feature, samples: sorted.len(), extreme, variance_share, rest_std: of_rest.std() };
        (found, rest)
    };
    let (most, rest) = found(limit);
    if rest[rest.len() / 4] == rest[rest.len() * 3 / 4] || !(most.variance_share > MENTIONED) {
        return None;
    }
    let (mut enough, mut too_few) = (most, 0);
    while enough.variance_share > NEARLY_ALL && enough.extreme > too_few + 1 {
        let (tried, _) = found((enough.extreme + too_few).div_ceil(2));
        if tried.variance_share > NEARLY_ALL {
            enough = tried;
        } else {
            too_few = tried.extreme;
        }
    }
    Some(enough)
}

/// Returns `sorted` without the `extreme` values farthest from the median.
fn without(sorted: &[f32], extreme: usize) -> &[f32] {
    let median = f64::from(sorted[sorted.len() / 2]);
    let (mut first, mut end) = (0, sorted.len());
    for _ in 0..extreme {
        if median - f64::from(sorted[first]) > f64::from(sorted[end - 1]) - median {
            first += 1;
        } else {
            end -= 1;
        }
    }
    &sorted[first..end]
}

fn moments(values: &[f32]) -> Moments {
    let mut moments = Moments::default();
    values.iter().for_each(|&value| moments.add(f64::from(value)));
    moments
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, normal, stream};

    fn column(count: usize) -> Vec<f32> {
        let mut stream = stream(1, Purpose::Synthetic, 0, 0);
        (0..count).map(|_| normal(&mut stream) as f32).collect()
    }

    fn of(mut values: Vec<f32>) -> Option<FeatureExtremes> {
        values.sort_unstable_by(f32::total_cmp);
        extremes(0, &values)
    }

    #[test]
    fn a_few_huge_values_hold_the_variance() {
        for (count, huge, expected) in [(1_000, 1, 1), (1_000, 3, 3), (1_000, 5, 5), (2_000, 9, 9)] {
            let mut values = column(count);
            values.iter_mut().take(huge).enumerate().for_each(|(place, value)| {
                *value = if place % 2 == 0 { 1e6 } else { -9e5 };
            });
            let found = of(values).unwrap();
            assert_eq!((found.extreme, found.samples), (expected, count));
            assert!(found.variance_share > 0.999 && (0.9..1.1).contains(&found.rest_std), "{found:?}");
        }
    }

    #[test]
    fn ordinary_columns_and_more_than_a_few_large_values_do_not() {
        let share = |values: Vec<f32>| of(values).map_or(0.0, |found| found.variance_share);
        assert_eq!(share(column(1_000)), 0.0);
        let mut many = column(1_000);
        many[..12].fill(1e6);
        assert!(share(many) < 0.99);
        let long_tail: Vec<f32> = column(5_000).iter().map(|value| (1.5 * value).exp()).collect();
        assert!(share(long_tail) < 0.99);
    }

    #[test]
    fn mostly_zero_columns_are_left_alone() {
        let gains: Vec<f32> = (0..1_000).map(|row| if row < 3 { 99_999.0 } else { 0.0 }).collect();
        assert_eq!(of(gains), None);
        let flag: Vec<f32> = (0..1_000).map(|row| f32::from(u8::from(row == 0))).collect();
        assert_eq!(of(flag), None);
        let mixed: Vec<f32> = (0..1_000).map(|row| if row < 80 { 1_000.0 * row as f32 } else { 0.0 }).collect();
        assert_eq!(of(mixed), None);
    }
}
