//! Magnitude of a column's numbers: precision in f32, "no data" values, and outliers that dominate the scale.

/// Magnitude from which a number can mark "no data": fill values such as 1e20, 9.97e36 and -3.4e38 are beyond it.
const NO_DATA: f64 = 1e15;
/// Maximum ratio of any other number of the column to the smallest "no data" number.
const BESIDE_NO_DATA: f64 = 1e-9;
/// Ratio of size to spread above which digits are lost in f32 unless an origin is subtracted.
const SIZE_BESIDE_SPREAD: f64 = 64.0;
/// Magnitudes outside of which f32, or its square, overflows or underflows.
const SIZES: (f64, f64) = (1e-18, 1e18);
/// Share of the variance above which a single number dominates the scale of its column.
const DECIDING_SHARE: f64 = 0.99;
/// Minimum number of values in a column for detecting such an outlier.
const NUMBERS_TO_JUDGE: usize = 20;
/// Minimum distance of a number of nines from all others, relative to their range.
const FAR: f64 = 5.0;

/// Scale and origin required by the numbers of a column.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::readers::table) struct Magnitude {
    /// Offset, subtracted in f64.
    pub(in crate::readers::table) origin: f64,
    /// Divisor, applied in f64.
    pub(in crate::readers::table) unit: f64,
    /// Magnitude from which a number marks "no data".
    pub(in crate::readers::table) no_data_from: Option<f64>,
    /// A number of nines that marks "no data", such as -999.
    pub(in crate::readers::table) nines: Option<f64>,
    /// Position of the single number that dominates the scale of the column.
    pub(in crate::readers::table) outlier: Option<usize>,
}

impl Magnitude {
    /// Analyses finite `values`.
    pub(in crate::readers::table) fn of(values: &[f64]) -> Self {
        let no_data_from = no_data_from(values);
        let is_data = |value: f64| no_data_from.is_none_or(|limit| value.abs() < limit);
        let kept: Vec<f64> = values.iter().copied().filter(|&value| is_data(value)).collect();
        let nines = nines(&kept);
        let kept: Vec<f64> = kept.into_iter().filter(|&value| Some(value) != nines).collect();
        let outlier = deciding(&kept).and_then(|deciding| values.iter().position(|&value| value == deciding));
        let (low, high) = range(&kept);
        let (spread, size) = (high - low, low.abs().max(high.abs()));
        let loses_digits = kept.iter().any(|&value| f64::from(value as f32) != value);
        let origin = if spread > 0.0 && loses_digits && size > SIZE_BESIDE_SPREAD * spread { low } else { 0.0 };
        let reach = (low - origin).abs().max((high - origin).abs());
        let fits = reach == 0.0 || (SIZES.0..=SIZES.1).contains(&reach);
        Self { origin, unit: if fits { 1.0 } else { reach }, no_data_from, nines, outlier }
    }
}

fn range(values: &[f64]) -> (f64, f64) {
    if values.is_empty() {
        return (0.0, 0.0);
    }
    values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &value| (low.min(value), high.max(value)))
}

/// Returns a limit between the ordinary numbers and the huge ones, if at most half are huge and no number is in between.
fn no_data_from(values: &[f64]) -> Option<f64> {
    let mut sizes: Vec<f64> = values.iter().map(|value| value.abs()).collect();
    sizes.sort_by(f64::total_cmp);
    let first = sizes.partition_point(|&size| size < NO_DATA);
    if first * 2 < sizes.len() || first == sizes.len() || first == 0 {
        return None;
    }
    let largest = sizes[first - 1].max(f64::MIN_POSITIVE);
    (largest <= sizes[first] * BESIDE_NO_DATA).then(|| (largest.max(1.0).ln() / 2.0 + sizes[first].ln() / 2.0).exp())
}

/// Returns -99, -999, -9999 and so on, if it occurs at least twice, no other number is below 0, and all others are far from it.
fn nines(values: &[f64]) -> Option<f64> {
    let (low, _) = range(values);
    let is_nines = low < -98.0 && low.fract() == 0.0 && format!("{}", -low).bytes().all(|digit| digit == b'9');
    let rest: Vec<f64> = values.iter().copied().filter(|&value| value != low).collect();
    if !is_nines || rest.len() + 2 > values.len() || rest.len() < values.len() - rest.len() {
        return None;
    }
    let (rest_low, rest_high) = range(&rest);
    (rest_low >= 0.0 && -low > FAR * (rest_high - rest_low)).then_some(low)
}

/// Returns the number that alone accounts for nearly all of the variance about the median.
fn deciding(values: &[f64]) -> Option<f64> {
    if values.len() < NUMBERS_TO_JUDGE {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let median = sorted[sorted.len() / 2];
    let (low, high) = (sorted[0], sorted[sorted.len() - 1]);
    let farthest = if median - low > high - median { low } else { high };
    // Distances are taken relative to the largest, so that no square overflows.
    let largest = (farthest / 2.0 - median / 2.0).abs();
    let share = |value: f64| ((value / 2.0 - median / 2.0) / largest).powi(2);
    let total: f64 = values.iter().map(|&value| share(value)).sum();
    (largest > 0.0 && 1.0 > DECIDING_SHARE * total && sorted.iter().any(|&value| value != median && value != farthest))
        .then_some(farthest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waves(count: usize) -> Vec<f64> {
        (0..count).map(|index| (index as f64).sin()).collect()
    }

    #[test]
    fn numbers_that_differ_by_little_get_an_origin() {
        let stamps: Vec<f64> = (0..100).map(|index| 1_700_000_000.0 + f64::from(index)).collect();
        let found = Magnitude::of(&stamps);
        assert_eq!((found.origin, found.unit), (1_700_000_000.0, 1.0));
        let years: Vec<f64> = (1990..2020).map(f64::from).collect();
        assert_eq!(Magnitude::of(&years).origin, 0.0);
        assert_eq!(Magnitude::of(&waves(50)).origin, 0.0);
        assert_eq!(Magnitude::of(&[]).unit, 1.0);
    }

    #[test]
    fn numbers_beyond_f32_get_a_unit() {
        let large: Vec<f64> = waves(50).iter().map(|value| value * 1e200).collect();
        let found = Magnitude::of(&large);
        assert!((found.unit / 1e200 - 1.0).abs() < 0.01 && found.no_data_from.is_none(), "{found:?}");
        let small: Vec<f64> = waves(50).iter().map(|value| value * 1e-200).collect();
        assert!(Magnitude::of(&small).unit < 1e-199);
    }

    #[test]
    fn fill_values_are_no_data() {
        for fill in [1e30, -3.402_823_466_385_288_6e38, 9.969_209_968_386_869e36, 1e20, f64::MAX] {
            let mut values = waves(50);
            values[7] = fill;
            let found = Magnitude::of(&values);
            let limit = found.no_data_from.unwrap();
            assert!(limit > 1e5 && limit < fill.abs() && found.unit == 1.0 && found.outlier.is_none(), "{found:?}");
        }
        let growing: Vec<f64> = (0..60).map(|power| 10f64.powi(power)).collect();
        assert_eq!(Magnitude::of(&growing).no_data_from, None);
    }

    #[test]
    fn nines_far_away_are_no_data() {
        let mut values: Vec<f64> = (0..50).map(f64::from).collect();
        (values[3], values[9]) = (-999.0, -999.0);
        assert_eq!(Magnitude::of(&values).nines, Some(-999.0));
        values[4] = -3.0;
        assert_eq!(Magnitude::of(&values).nines, None);
        values[4] = 5_000.0;
        assert_eq!(Magnitude::of(&values).nines, None);
    }

    #[test]
    fn one_number_that_decides_the_scale_is_found() {
        let mut values = waves(120);
        values[5] = 1e6;
        assert_eq!(Magnitude::of(&values).outlier, Some(5));
        values[6] = 1e6;
        assert_eq!(Magnitude::of(&values).outlier, None);
        assert_eq!(Magnitude::of(&waves(120)).outlier, None);
        let mut flag = vec![0.0; 100];
        flag[4] = 1.0;
        assert_eq!(Magnitude::of(&flag).outlier, None, "a rare flag is not an outlier");
    }
}
