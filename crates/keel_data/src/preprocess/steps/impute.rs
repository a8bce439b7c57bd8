//! Replacement of missing cells by the mean or the median of the feature over the training split.

use crate::dataset::{Dataset, RowReader, Work};
use crate::error::DataError;
use crate::imputation::Imputation;
use crate::moments::Moments;
use crate::preprocess::FittedStep;

/// Fits the replacement for every feature; returns `None` if no cell can be missing.
///
/// # Errors
/// Fails if a feature is missing in every training sample.
pub(in crate::preprocess) fn fit(dataset: &Dataset, indices: &[usize]) -> Result<Option<FittedStep>, DataError> {
    let Some(imputation @ (Imputation::Mean | Imputation::Median)) = dataset.imputation() else { return Ok(None) };
    let length = dataset.sample_shape().len();
    let read = |samples: &[usize], output: &mut [f32]| {
        let rows = dataset.rows(samples)?;
        rows.iter().zip(output.chunks_exact_mut(length)).for_each(|(row, output)| row.write(output));
        Ok(())
    };
    let stand_ins =
        dataset.map_columns(Work::Shared, indices, RowReader { length, read: &read }, |feature, column| {
            let present = column.into_iter().filter(|value| !value.is_nan());
            let stand_in = match imputation {
                Imputation::Median => median(present.collect()),
                _ => mean(present),
            };
            stand_in.ok_or_else(|| {
                DataError::setting(
                    "data.missing",
                    format!("{} is missing in every sample of the training split", dataset.feature_label(feature)),
                    "Leave the column out with data.ignore_columns",
                )
            })
        })?;
    Ok(Some(FittedStep::Impute { fill: stand_ins.into_iter().collect::<Result<_, _>>()? }))
}

fn mean(values: impl Iterator<Item = f32>) -> Option<f32> {
    let mut moments = Moments::default();
    values.for_each(|value| moments.add(f64::from(value)));
    (moments.count > 0).then_some(moments.mean as f32)
}

fn median(mut values: Vec<f32>) -> Option<f32> {
    values.sort_by(f32::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(values[middle]),
        _ => Some(((f64::from(values[middle - 1]) + f64::from(values[middle])) / 2.0) as f32),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_means_of_few_values() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(mean([].into_iter()), None);
        assert_eq!(mean([1.0, 2.0].into_iter()), Some(1.5));
    }
}
