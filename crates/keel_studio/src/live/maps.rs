//! Map of a measurement: one row per layer, one column per step or a few steps.

use serde::Serialize;

use super::run_data::RunData;

/// Maximum number of columns of a map.
const COLUMNS: std::ops::RangeInclusive<usize> = 8..=1_000;

/// A map of one measurement.
#[derive(Debug, Serialize)]
pub(crate) struct LayerMap {
    measurement: String,
    /// Layers in network order.
    layers: Vec<String>,
    /// First and last measured step of each column.
    steps: Vec<[u64; 2]>,
    /// Number of measured steps in each column; its value is their mean.
    measured: Vec<usize>,
    /// One row per layer: `[layers, columns]`, `null` without a finite measurement.
    values: Vec<Vec<Option<f32>>>,
}

impl LayerMap {
    /// Computes the map of `measurement` in `data`, at most `columns` wide.
    pub(crate) fn of(data: &RunData, measurement: &str, columns: usize) -> Self {
        let series = data.series(measurement);
        let mut steps: Vec<u64> = series.iter().flat_map(|(_, points)| points.iter().map(|(step, _)| *step)).collect();
        steps.sort_unstable();
        steps.dedup();
        let together = steps.len().div_ceil(columns.clamp(*COLUMNS.start(), *COLUMNS.end())).max(1);
        let groups: Vec<&[u64]> = steps.chunks(together).collect();
        LayerMap {
            measurement: measurement.to_owned(),
            layers: series.iter().map(|(layer, _)| (*layer).to_owned()).collect(),
            steps: groups.iter().map(|group| [group[0], group[group.len() - 1]]).collect(),
            measured: groups.iter().map(|group| group.len()).collect(),
            values: series.iter().map(|(_, points)| row(points, &groups)).collect(),
        }
    }
}

fn row(points: &[(u64, f64)], groups: &[&[u64]]) -> Vec<Option<f32>> {
    let mean = |group: &&[u64]| {
        let from = points.partition_point(|(step, _)| *step < group[0]);
        let to = points.partition_point(|(step, _)| *step <= group[group.len() - 1]);
        let finite = || points[from..to].iter().map(|(_, value)| *value).filter(|value| value.is_finite());
        let count = finite().count();
        (count > 0).then(|| (finite().sum::<f64>() / count as f64) as f32)
    };
    groups.iter().map(mean).collect()
}
