//! Measurements of a run, kept in sync with its database.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use keel_train::TrainError;
use keel_train::runs::{EpochRecord, LayerSeries, MetricReader, RunFolder, StepRecord};

use crate::runs::seconds_since_1970;

/// Last generation number assigned.
static LAST_GENERATION: AtomicU64 = AtomicU64::new(0);

/// Returns a number never used before by any studio: milliseconds since 1970, or one more than the last.
fn new_generation() -> u64 {
    let now = (seconds_since_1970(SystemTime::now()) * 1000.0) as u64;
    let next = |last: u64| Some(now.max(last + 1));
    match LAST_GENERATION.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next) {
        Ok(last) | Err(last) => now.max(last + 1),
    }
}

/// Measurement of a layer: names of the layer and of the measurement.
type SeriesName = (String, String);

/// Measurements of one run read so far.
#[derive(Debug, Default)]
pub(crate) struct RunData {
    /// Changes if steps already read no longer match the database, such as after resuming from an earlier checkpoint.
    pub(crate) generation: u64,
    pub(super) steps: Vec<StepRecord>,
    pub(crate) epochs: Vec<EpochRecord>,
    pub(super) layers: BTreeMap<SeriesName, Vec<(u64, f64)>>,
    /// Names of the layers in network order.
    pub(super) order: Vec<String>,
}

impl RunData {
    /// Reads the whole database of `folder`; empty if there is none yet.
    ///
    /// # Errors
    /// Fails if the database is damaged or of a later version.
    pub(super) fn read(folder: &RunFolder) -> Result<Self, TrainError> {
        let mut data = RunData { generation: new_generation(), ..RunData::default() };
        if folder.metrics().exists() {
            let reader = MetricReader::open(&folder.metrics())?;
            data.steps = reader.steps()?;
            data.epochs = reader.epochs()?;
            data.add_layers(reader.layers()?);
        }
        data.read_order(folder);
        Ok(data)
    }

    /// Adds the rows of the database that have not been read.
    ///
    /// # Errors
    /// Fails under the same conditions as [`RunData::read`].
    pub(super) fn refresh(&mut self, folder: &RunFolder) -> Result<(), TrainError> {
        let Some(last) = self.steps.last().copied() else {
            *self = RunData::read(folder)?;
            return Ok(());
        };
        let reader = MetricReader::open(&folder.metrics())?;
        let tail = reader.steps_from(last.step)?;
        if !tail.first().is_some_and(|first| is_same(first, &last)) {
            *self = RunData::read(folder)?;
            return Ok(());
        }
        self.steps.extend_from_slice(&tail[1..]);
        self.epochs = reader.epochs()?;
        let measured = self.layers.values().filter_map(|points| points.last()).map(|(step, _)| *step).max();
        self.add_layers(reader.layers_from(measured.map_or(0, |step| step + 1))?);
        self.read_order(folder);
        Ok(())
    }

    /// Returns the number of the last step; 0 before the first.
    pub(crate) fn last_step(&self) -> u64 {
        self.steps.last().map_or(0, |step| step.step)
    }

    /// Returns the steps after step `last`.
    pub(crate) fn steps_after(&self, last: u64) -> &[StepRecord] {
        &self.steps[self.steps.partition_point(|step| step.step <= last)..]
    }

    /// Returns the end of an epoch: its last step, or its number if steps were not stored.
    pub(super) fn end_of_epoch(&self, epoch: u64) -> u64 {
        let after = self.steps.partition_point(|step| step.epoch <= epoch);
        let last = after.checked_sub(1).map(|index| self.steps[index]).filter(|step| step.epoch == epoch);
        last.map_or(epoch, |step| step.step)
    }

    /// Returns the series of one measurement, layers in network order.
    pub(super) fn series(&self, measurement: &str) -> Vec<(&str, &[(u64, f64)])> {
        let named = self.layers.iter().filter(|((_, name), _)| name == measurement);
        let mut series: Vec<(&str, &[(u64, f64)])> =
            named.map(|((layer, _), points)| (layer.as_str(), points.as_slice())).collect();
        series.sort_by_key(|(layer, _)| self.place(layer));
        series
    }

    /// Returns the names of the available measurements.
    pub(crate) fn measurements(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.layers.keys().map(|(_, name)| name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Returns the position of a layer in the network; unknown ones come last.
    pub(crate) fn place(&self, layer: &str) -> usize {
        let owns = |name: &String| {
            layer.strip_prefix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.order.iter().position(owns).unwrap_or(self.order.len())
    }

    fn add_layers(&mut self, series: Vec<LayerSeries>) {
        for LayerSeries { layer, name, points } in series {
            self.layers.entry((layer, name)).or_default().extend(points);
        }
    }

    fn read_order(&mut self, folder: &RunFolder) {
        if self.order.is_empty()
            && let Ok(summary) = folder.read_summary()
        {
            self.order = summary.layers.into_iter().map(|layer| layer.name).collect();
        }
    }
}

/// Compares two records of a step, treating NaN as equal to NaN.
fn is_same(one: &StepRecord, other: &StepRecord) -> bool {
    one.step == other.step && one.loss.to_bits() == other.loss.to_bits()
}
