//! Place of the measurements of a run.

use std::path::PathBuf;

use super::{MemoryMetrics, MetricReader, MetricStore, Rows, RunFolder};
use crate::error::TrainError;

/// Measurements of a run: in the database of its folder, or in memory.
#[derive(Debug, Clone)]
pub(crate) enum Measurements {
    /// Path of the database.
    Database(PathBuf),
    /// Tables in memory.
    Memory(MemoryMetrics),
}

impl Measurements {
    /// Returns the place to which a run in `folder` writes: the database there; memory in a build without the feature `sqlite`.
    pub(crate) fn of_new(folder: &RunFolder) -> Self {
        match cfg!(feature = "sqlite") {
            true => Measurements::of_ended(folder),
            false => Measurements::Memory(MemoryMetrics::default()),
        }
    }

    /// Returns the measurements of the run in `folder`, which another program may have written.
    pub(crate) fn of_ended(folder: &RunFolder) -> Self {
        Measurements::Database(folder.metrics())
    }

    /// Opens a store that writes here and removes all rows after `position`.
    ///
    /// # Errors
    /// [`TrainError::Run`] if the database cannot be opened or written.
    pub(crate) fn store(&self, position: Rows) -> Result<MetricStore, TrainError> {
        match self {
            Measurements::Database(path) => MetricStore::open(path, position),
            Measurements::Memory(tables) => Ok(tables.store(position)),
        }
    }

    /// Opens a reader of everything written so far.
    ///
    /// # Errors
    /// [`TrainError::Run`] if the database cannot be read.
    pub(crate) fn reader(&self) -> Result<MetricReader, TrainError> {
        match self {
            Measurements::Database(path) => MetricReader::open(path),
            Measurements::Memory(tables) => Ok(tables.reader()),
        }
    }
}

/// Rows are written and read in the same way in both places.
#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{EpochRecord, FindingRecord, HistogramRecord, LayerRecord, StepRecord, TensorName};
    use super::*;

    /// Returns memory, and the database `metrics.sqlite` in `folder` in a build with SQLite.
    fn places(folder: &Path) -> Vec<Measurements> {
        let database = cfg!(feature = "sqlite").then(|| Measurements::Database(folder.join("metrics.sqlite")));
        std::iter::once(Measurements::Memory(MemoryMetrics::default())).chain(database).collect()
    }

    fn step(step: u64) -> StepRecord {
        StepRecord { step, epoch: 1, loss: 1.0 / step as f64, learning_rate: 0.1, gradient_norm: f64::NAN }
    }

    fn epoch(epoch: u64, part: &'static str) -> EpochRecord {
        EpochRecord { epoch, part, loss: f64::NAN, accuracy: Some(f64::NAN), rmse: None, r2: Some(0.5), seconds: 1.0 }
    }

    fn layer(step: u64, layer: &str, name: &'static str, value: f64) -> LayerRecord {
        LayerRecord { step, layer: layer.to_owned(), name, value }
    }

    fn histogram(step: u64, name: &str) -> HistogramRecord {
        let (layer, name) = ("fc".to_owned(), name.to_owned());
        HistogramRecord { step, layer, name, low: -1.0, high: 1.0, counts: vec![1, step] }
    }

    fn finding(code: &str) -> FindingRecord {
        let text = str::to_owned;
        FindingRecord { step: 250, code: code.to_owned(), level: text("warn"), layer: text(""), document: text("{}") }
    }

    /// Returns everything that a reader reads, as text: NaN is not equal to itself.
    fn everything(reader: &MetricReader) -> Vec<String> {
        let output = TensorName { layer: "fc".to_owned(), name: "output".to_owned() };
        vec![
            format!("{:?}", reader.steps().unwrap()),
            format!("{:?}", reader.steps_from(4).unwrap()),
            format!("{:?}", reader.steps_from(u64::MAX).unwrap()),
            format!("{:?}", reader.last_step().unwrap()),
            format!("{:?}", reader.epochs().unwrap()),
            format!("{:?}", reader.layers().unwrap()),
            format!("{:?}", reader.layers_from(2).unwrap()),
            format!("{:?}", reader.histograms().unwrap()),
            format!("{:?}", reader.histograms_of(&output).unwrap()),
            format!("{:?}", reader.histogram_names().unwrap()),
            format!("{:?}", reader.findings().unwrap()),
        ]
    }

    /// Writes rows of every kind, unsorted and some of them twice.
    fn write(store: &mut MetricStore) {
        [1, 2, 5, 4, 3, 2].into_iter().for_each(|number| store.step(step(number)));
        [epoch(2, "train"), epoch(1, "val"), epoch(1, "train")].into_iter().for_each(|record| store.epoch(record));
        store.layers(vec![layer(1, "fc", "output_std", 0.5), layer(2, "fc", "output_std", f64::NAN)]);
        store.layers(vec![layer(1, "conv", "output_std", 0.2), layer(1, "fc", "output_std", 0.25)]);
        store.histograms(vec![histogram(2, "output"), histogram(1, "output"), histogram(2, "gradient")]);
        store.finding(finding("K010"));
    }

    #[test]
    fn what_was_written_is_read_back_while_the_store_is_open() {
        let folder = tempfile::tempdir().unwrap();
        for place in places(folder.path()) {
            let mut store = place.store(Rows::default()).unwrap();
            write(&mut store);
            store.flush().unwrap();
            let reader = place.reader().unwrap();
            let steps = reader.steps().unwrap();
            assert_eq!((steps.len(), steps[0].loss), (5, 1.0), "{place:?}");
            assert!(steps[0].gradient_norm.is_nan());
            let tail: Vec<u64> = reader.steps_from(4).unwrap().iter().map(|step| step.step).collect();
            assert_eq!((tail, reader.steps_from(u64::MAX).unwrap().len()), (vec![4, 5], 0), "{place:?}");
            assert_eq!(reader.last_step().unwrap(), Some(5), "{place:?}");
            let epochs = reader.epochs().unwrap();
            let parts: Vec<(u64, &str)> = epochs.iter().map(|record| (record.epoch, record.part)).collect();
            assert_eq!(parts, [(1, "train"), (1, "val"), (2, "train")], "{place:?}");
            assert_eq!((epochs[0].accuracy, epochs[0].r2), (None, Some(0.5)), "{place:?}");
            let layers = reader.layers().unwrap();
            let names: Vec<&str> = layers.iter().map(|series| series.layer.as_str()).collect();
            assert_eq!((names, layers[1].points[0]), (vec!["conv", "fc"], (1, 0.25)), "{place:?}");
            assert!(layers[1].points[1].1.is_nan());
            let later = reader.layers_from(2).unwrap();
            assert_eq!((later.len(), later[0].points.len()), (1, 1), "{place:?}");
            let names: Vec<String> = reader.histogram_names().unwrap().into_iter().map(|tensor| tensor.name).collect();
            assert_eq!((names.join(" "), reader.histograms().unwrap().len()), ("gradient output".to_owned(), 3));
            let output = TensorName { layer: "fc".to_owned(), name: "output".to_owned() };
            let records = reader.histograms_of(&output).unwrap();
            let counts: Vec<&[u64]> = records.iter().map(|record| record.counts.as_slice()).collect();
            assert_eq!(counts, [[1, 1], [1, 2]], "{place:?}");
            assert_eq!(reader.findings().unwrap(), [finding("K010")], "{place:?}");
            store.close().unwrap();
        }
    }

    #[test]
    fn a_resumed_run_replaces_what_follows_its_checkpoint() {
        let folder = tempfile::tempdir().unwrap();
        for place in places(folder.path()) {
            let mut store = place.store(Rows::default()).unwrap();
            (1..=600).for_each(|number| store.step(step(number)));
            store.epoch(epoch(1, "val"));
            store.layers(vec![layer(250, "fc", "output_std", 0.5), layer(251, "fc", "output_std", 0.5)]);
            store.histograms(vec![histogram(250, "output"), histogram(251, "output")]);
            ["K001", "K002", "K003"].into_iter().for_each(|code| store.finding(finding(code)));
            store.flush().unwrap();
            let counts = || {
                let reader = place.reader().unwrap();
                let points: usize = reader.layers().unwrap().iter().map(|series| series.points.len()).sum();
                let (steps, epochs) = (reader.steps().unwrap().len(), reader.epochs().unwrap().len());
                [steps, epochs, points, reader.histograms().unwrap().len(), reader.findings().unwrap().len()]
            };
            assert_eq!((counts(), store.findings()), ([600, 1, 2, 2, 3], 3), "{place:?}");
            store.close().unwrap();
            let mut store = place.store(Rows { step: 250, epoch: 0, findings: 2 }).unwrap();
            (251..=300).for_each(|number| store.step(step(number)));
            assert_eq!(store.findings(), 2, "{place:?}");
            store.close().unwrap();
            assert_eq!(counts(), [300, 0, 1, 1, 2], "{place:?}");
        }
    }

    #[test]
    fn tables_in_memory_are_separate_and_can_be_copied() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (MemoryMetrics::default(), MemoryMetrics::default());
        let mut store = first.store(Rows::default());
        write(&mut store);
        store.close().unwrap();
        let written = everything(&first.clone().reader());
        assert_ne!(written, everything(&second.reader()));
        for place in places(folder.path()) {
            first.copy_to(place.store(Rows::default()).unwrap()).unwrap();
            assert_eq!(everything(&place.reader().unwrap()), written, "{place:?}");
        }
    }
}
