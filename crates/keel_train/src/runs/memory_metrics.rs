//! Measurements of a run in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::storage::{Records, Sink, Source};
use super::{
    EpochRecord, FindingRecord, HistogramRecord, LayerRecord, LayerSeries, MetricReader, MetricStore, Rows, StepRecord,
    TensorName,
};
use crate::error::TrainError;

/// Tables that exist as long as their last clone, store or reader; all of them see the same rows.
#[derive(Debug, Clone, Default)]
pub struct MemoryMetrics {
    tables: Arc<Mutex<Tables>>,
}

#[derive(Debug, Default)]
struct Tables {
    /// Ascending, because there may be millions.
    steps: Vec<StepRecord>,
    /// By epoch and part.
    epochs: BTreeMap<(u64, &'static str), EpochRecord>,
    /// By layer and measurement: the value at each step.
    layers: BTreeMap<(String, &'static str), BTreeMap<u64, f64>>,
    /// By step, layer and tensor.
    histograms: BTreeMap<(u64, String, String), HistogramRecord>,
    findings: Vec<FindingRecord>,
}

impl MemoryMetrics {
    /// Opens a store that writes to the tables and removes all rows after `position`.
    pub fn store(&self, position: Rows) -> MetricStore {
        self.tables().remove_after(position);
        MetricStore::new(Box::new(self.clone()), position)
    }

    /// Opens a reader of what has been written.
    pub fn reader(&self) -> MetricReader {
        MetricReader::new(Box::new(self.clone()))
    }

    /// Writes all rows to `store` and closes it.
    ///
    /// # Errors
    /// [`TrainError::Run`] if any row cannot be written.
    pub(crate) fn copy_to(&self, mut store: MetricStore) -> Result<(), TrainError> {
        let tables = self.tables();
        tables.steps.iter().for_each(|record| store.step(*record));
        tables.epochs.values().for_each(|record| store.epoch(record.clone()));
        for ((layer, name), points) in &tables.layers {
            let record = |(&step, &value)| LayerRecord { step, layer: layer.clone(), name, value };
            store.layers(points.iter().map(record).collect());
        }
        store.histograms(tables.histograms.values().cloned().collect());
        tables.findings.iter().for_each(|record| store.finding(record.clone()));
        store.close()
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn add_step(&mut self, record: StepRecord) {
        match self.steps.binary_search_by_key(&record.step, |record| record.step) {
            Ok(place) => self.steps[place] = record,
            Err(place) => self.steps.insert(place, record),
        }
    }

    fn remove_after(&mut self, position: Rows) {
        let Rows { step: last, epoch: last_epoch, findings } = position;
        self.steps.retain(|record| record.step <= last);
        self.epochs.retain(|(epoch, _), _| *epoch <= last_epoch);
        self.layers.values_mut().for_each(|points| points.retain(|step, _| *step <= last));
        self.histograms.retain(|(step, ..), _| *step <= last);
        self.findings.truncate(usize::try_from(findings).unwrap_or(usize::MAX));
    }
}

impl Sink for MemoryMetrics {
    fn write(&mut self, records: Records) {
        let mut tables = self.tables();
        match records {
            Records::Steps(records) => records.into_iter().for_each(|record| tables.add_step(record)),
            Records::Epoch(record) => {
                tables.epochs.insert((record.epoch, record.part), record);
            }
            Records::Layers(records) => {
                for LayerRecord { step, layer, name, value } in records {
                    tables.layers.entry((layer, name)).or_default().insert(step, value);
                }
            }
            Records::Histograms(records) => {
                let key = |record: &HistogramRecord| (record.step, record.layer.clone(), record.name.clone());
                tables.histograms.extend(records.into_iter().map(|record| (key(&record), record)));
            }
            Records::Finding(record) => tables.findings.push(record),
        }
    }

    fn flush(&mut self) -> Result<(), TrainError> {
        Ok(())
    }
}

impl Source for MemoryMetrics {
    fn steps_from(&self, first: u64) -> Result<Vec<StepRecord>, TrainError> {
        let tables = self.tables();
        let before = tables.steps.partition_point(|record| record.step < first);
        Ok(tables.steps[before..].to_vec())
    }

    fn last_step(&self) -> Result<Option<u64>, TrainError> {
        Ok(self.tables().steps.last().map(|record| record.step))
    }

    fn epochs(&self) -> Result<Vec<EpochRecord>, TrainError> {
        let number = |value: Option<f64>| value.filter(|value| !value.is_nan());
        let record = |record: &EpochRecord| {
            let (accuracy, rmse, r2) = (number(record.accuracy), number(record.rmse), number(record.r2));
            EpochRecord { accuracy, rmse, r2, ..record.clone() }
        };
        Ok(self.tables().epochs.values().map(record).collect())
    }

    fn layers_from(&self, first: u64) -> Result<Vec<LayerSeries>, TrainError> {
        let tables = self.tables();
        let series = tables.layers.iter().map(|((layer, name), points)| LayerSeries {
            layer: layer.clone(),
            name: (*name).to_owned(),
            points: points.range(first..).map(|(&step, &value)| (step, value)).collect(),
        });
        Ok(series.filter(|series| !series.points.is_empty()).collect())
    }

    fn histograms(&self) -> Result<Vec<HistogramRecord>, TrainError> {
        Ok(self.tables().histograms.values().cloned().collect())
    }

    fn histograms_of(&self, tensor: &TensorName) -> Result<Vec<HistogramRecord>, TrainError> {
        let tables = self.tables();
        let of_tensor =
            tables.histograms.values().filter(|record| record.layer == tensor.layer && record.name == tensor.name);
        Ok(of_tensor.cloned().collect())
    }

    fn histogram_names(&self) -> Result<Vec<TensorName>, TrainError> {
        let tables = self.tables();
        let names: BTreeSet<(&String, &String)> =
            tables.histograms.values().map(|record| (&record.layer, &record.name)).collect();
        Ok(names.into_iter().map(|(layer, name)| TensorName { layer: layer.clone(), name: name.clone() }).collect())
    }

    fn findings(&self) -> Result<Vec<FindingRecord>, TrainError> {
        Ok(self.tables().findings.clone())
    }
}
