//! Reads `metrics.sqlite`: for reports during a run and afterwards.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use keel_health::Finding;
use rusqlite::{Connection, OpenFlags, Params, Row};

use super::store::{Unusable, check_format};
use super::{EpochRecord, FindingRecord, HistogramRecord, StepRecord};
use crate::error::TrainError;

/// The measurements of a run, opened for reading only.
///
/// A table or column that is missing in a run of an older version reads as empty.
#[derive(Debug)]
pub struct MetricReader {
    connection: Connection,
    path: PathBuf,
}

/// One measurement of one layer over the run.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerSeries {
    /// Name of the layer or parameter.
    pub layer: String,
    /// Name of the measurement.
    pub name: String,
    /// Steps, ascending, with the measured values; NaN if not finite.
    pub points: Vec<(u64, f64)>,
}

/// A tensor of a layer with histograms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorName {
    /// Name of the layer or parameter.
    pub layer: String,
    /// Name of the tensor.
    pub name: String,
}

impl MetricReader {
    /// Opens the database at `path`, whose contents are not changed. The last connection to close removes SQLite's `-wal` and
    /// `-shm` files, which a read-only connection cannot: so this one is writable, if the system allows it.
    ///
    /// # Errors
    /// [`TrainError::Run`] if it does not exist or is damaged.
    pub fn open(path: &Path) -> Result<Self, TrainError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        let open = || {
            let connection = Connection::open_with_flags(path, flags)?;
            connection.pragma_update(None, "query_only", true)?;
            check_format(&connection)?;
            Ok(connection)
        };
        let connection = open().map_err(|error: Unusable| TrainError::run(path, error))?;
        Ok(MetricReader { connection, path: path.to_owned() })
    }

    /// Returns the scalars of every step, in order.
    ///
    /// # Errors
    /// [`TrainError::Run`] if the database is damaged.
    pub fn steps(&self) -> Result<Vec<StepRecord>, TrainError> {
        self.steps_from(0)
    }

    /// Returns the scalars of step `first` and all later ones, in order.
    ///
    /// # Errors
    /// See [`MetricReader::steps`].
    pub fn steps_from(&self, first: u64) -> Result<Vec<StepRecord>, TrainError> {
        let query = "SELECT step, epoch, loss, learning_rate, gradient_norm FROM steps WHERE step >= ?1 ORDER BY step";
        self.rows(query, [as_row(first)], |row| {
            Ok(StepRecord {
                step: count(row, 0)?,
                epoch: count(row, 1)?,
                loss: number(row, 2)?,
                learning_rate: number(row, 3)?,
                gradient_norm: number(row, 4)?,
            })
        })
    }

    /// Returns the number of the last step, if there is one.
    ///
    /// # Errors
    /// See [`MetricReader::steps`].
    pub fn last_step(&self) -> Result<Option<u64>, TrainError> {
        let last = self.rows("SELECT step FROM steps ORDER BY step DESC LIMIT 1", [], |row| count(row, 0))?;
        Ok(last.first().copied())
    }

    /// Returns the scalars of every epoch and part, in order.
    ///
    /// # Errors
    /// See [`MetricReader::steps`].
    pub fn epochs(&self) -> Result<Vec<EpochRecord>, TrainError> {
        let query = "SELECT epoch, part, loss, accuracy, rmse, r2, seconds FROM epochs ORDER BY epoch, part";
        let records = self.rows(query, [], |row| {
            let part: String = row.get(1)?;
            let known = ["train", "val", "test"].into_iter().find(|known| *known == part);
            let Some(part) = known else { return Ok(None) };
            Ok(Some(EpochRecord {
                epoch: count(row, 0)?,
                part,
                loss: number(row, 2)?,
                accuracy: row.get(3)?,
                rmse: row.get(4)?,
                r2: row.get(5)?,
                seconds: number(row, 6)?,
            }))
        })?;
        Ok(records.into_iter().flatten().collect())
    }

    /// Returns every measurement of every layer over the steps, ordered by the names of layers and measurements.
    ///
    /// # Errors
    /// See [`MetricReader::steps`].
    pub fn layers(&self) -> Result<Vec<LayerSeries>, TrainError> {
        self.layers_from(0)
    }

    /// Returns the same as [`MetricReader::layers`], for step `first` and all later ones.
    ///
    /// # Errors
    /// See [`MetricReader::steps`].
    pub fn layers_from(&self, first: u64) -> Result<Vec<LayerSeries>, TrainError> {
        let mut series: BTreeMap<(String, String), Vec<(u64, f64)>> = BTreeMap::new();
        let query = "SELECT step, layer, name, value FROM layers WHERE step >= ?1 ORDER BY step";
        self.rows(query, [as_row(first)], |row| {
            let point = (count(row, 0)?, number(row, 3)?);
            series.entry((row.get(1)?, row.get(2)?)).or_default().push(point);
            Ok(())
        })?;
        Ok(series.into_iter().map(|((layer, name), points)| LayerSeries { layer, name, points }).collect())
    }

    /// Returns every histogram, by step, layer and name. A histogram whose counts cannot be read is omitted.
    ///
    /// # Errors
    /// See [`MetricReader::steps`].
    pub fn histograms(&self) -> Result<Vec<HistogramRecord>, TrainError> {
        let query = "SELECT step, layer, name, low, high, counts FROM histograms ORDER BY step, layer, name";
        self.histogram_rows(query, [])
    }

    /// Returns the histograms of one tensor of one layer, by step.
    ///
    /// # Errors
    /// See [`MetricReader::steps`].
    pub fn histograms_of(&self, tensor: &TensorName) -> Result<Vec<HistogramRecord>, TrainError> {
        let query =
            "SELECT step, layer, name, low, high, counts FROM histograms WHERE layer = ?1 AND name = ?2 ORDER BY step";
        self.histogram_rows(query, [&tensor.layer, &tensor.name])
    }

    /// Returns the tensors that have histograms, by the names of their layers.
    ///
    /// # Errors
    /// See [`MetricReader::steps`].
    pub fn histogram_names(&self) -> Result<Vec<TensorName>, TrainError> {
        let query = "SELECT DISTINCT layer, name FROM histograms ORDER BY layer, name";
        self.rows(query, [], |row| Ok(TensorName { layer: row.get(0)?, name: row.get(1)? }))
    }

    fn histogram_rows(&self, query: &str, values: impl Params) -> Result<Vec<HistogramRecord>, TrainError> {
        let records = self.rows(query, values, |row| {
            let Ok(counts) = serde_json::from_str(&row.get::<_, String>(5)?) else { return Ok(None) };
            Ok(Some(HistogramRecord {
                step: count(row, 0)?,
                layer: row.get(1)?,
                name: row.get(2)?,
                low: number(row, 3)?,
                high: number(row, 4)?,
                counts,
            }))
        })?;
        Ok(records.into_iter().flatten().collect())
    }

    /// Returns every finding in the order it was written.
    ///
    /// # Errors
    /// See [`MetricReader::steps`].
    pub fn findings(&self) -> Result<Vec<FindingRecord>, TrainError> {
        self.rows("SELECT step, code, level, layer, document FROM findings ORDER BY rowid", [], |row| {
            Ok(FindingRecord {
                step: count(row, 0)?,
                code: row.get(1)?,
                level: row.get(2)?,
                layer: row.get(3)?,
                document: row.get(4)?,
            })
        })
    }

    /// Returns the last finding of each code and layer, in the order of their first appearance; rows of another version are
    /// omitted.
    ///
    /// # Errors
    /// See [`MetricReader::steps`].
    pub fn latest_findings(&self) -> Result<Vec<Finding>, TrainError> {
        let mut findings: Vec<Finding> = Vec::new();
        for row in self.findings()? {
            let Ok(finding) = serde_json::from_str::<Finding>(&row.document) else { continue };
            match findings.iter_mut().find(|known| known.reference() == finding.reference()) {
                Some(known) => *known = finding,
                None => findings.push(finding),
            }
        }
        Ok(findings)
    }

    /// Applies `read` to every row of `query` with `values`; returns no rows if a table or column is missing.
    fn rows<T>(
        &self,
        query: &str,
        values: impl Params,
        mut read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, TrainError> {
        let damaged = |error: rusqlite::Error| TrainError::run(&self.path, error);
        let mut statement = match self.connection.prepare(query) {
            Ok(statement) => statement,
            Err(error) if is_missing(&error) => return Ok(Vec::new()),
            Err(error) => return Err(damaged(error)),
        };
        let rows = statement.query_map(values, |row| read(row)).map_err(damaged)?;
        rows.collect::<rusqlite::Result<Vec<T>>>().map_err(damaged)
    }
}

/// Converts a count to SQLite's integer.
fn as_row(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn is_missing(error: &rusqlite::Error) -> bool {
    let text = error.to_string();
    text.contains("no such table") || text.contains("no such column")
}

/// Reads a number; SQLite stores NaN as NULL.
fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<f64> {
    Ok(row.get::<_, Option<f64>>(column)?.unwrap_or(f64::NAN))
}

fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(row.get::<_, i64>(column)?.max(0) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs::Rows;
    use crate::runs::{LayerRecord, MetricStore};

    #[test]
    fn what_was_written_is_read_back_while_the_store_is_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.sqlite");
        let mut store = MetricStore::open(&path, Rows::default()).unwrap();
        let step = StepRecord { step: 1, epoch: 1, loss: 2.5, learning_rate: 0.1, gradient_norm: f64::NAN };
        store.step(step);
        (2..=5).for_each(|step| {
            store.step(StepRecord { step, epoch: 1, loss: 2.0, learning_rate: 0.1, gradient_norm: 1.0 })
        });
        let histogram = |step, name: &str| HistogramRecord {
            step,
            layer: "fc".to_owned(),
            name: name.to_owned(),
            low: -1.0,
            high: 1.0,
            counts: vec![1, step],
        };
        store.histograms(vec![histogram(1, "output"), histogram(2, "output"), histogram(2, "gradient")]);
        let layer = |step, value| LayerRecord { step, layer: "fc".to_owned(), name: "output_std", value };
        store.layers(vec![layer(1, 0.5), layer(2, f64::NAN)]);
        let finding = FindingRecord {
            step: 2,
            code: "K010".to_owned(),
            level: "warn".to_owned(),
            layer: String::new(),
            document: "{}".to_owned(),
        };
        store.finding(finding.clone());
        store.flush().unwrap();
        let reader = MetricReader::open(&path).unwrap();
        let steps = reader.steps().unwrap();
        assert_eq!((steps.len(), steps[0].loss), (5, 2.5));
        let tail: Vec<u64> = reader.steps_from(4).unwrap().iter().map(|step| step.step).collect();
        assert_eq!(reader.last_step().unwrap(), Some(5));
        assert_eq!((tail, reader.steps_from(u64::MAX).unwrap().len()), (vec![4, 5], 0));
        assert!(steps[0].gradient_norm.is_nan());
        let layers = reader.layers().unwrap();
        assert_eq!((layers.len(), layers[0].points[0]), (1, (1, 0.5)));
        assert!(layers[0].points[1].1.is_nan());
        assert_eq!(reader.findings().unwrap(), [finding]);
        assert_eq!(reader.layers_from(2).unwrap()[0].points.len(), 1);
        let names: Vec<String> = reader.histogram_names().unwrap().into_iter().map(|tensor| tensor.name).collect();
        assert_eq!((names, reader.histograms().unwrap().len()), (vec!["gradient".to_owned(), "output".to_owned()], 3));
        let output = TensorName { layer: "fc".to_owned(), name: "output".to_owned() };
        let counts: Vec<Vec<u64>> = reader.histograms_of(&output).unwrap().into_iter().map(|one| one.counts).collect();
        assert_eq!(counts, [[1, 1], [1, 2]]);
        store.close().unwrap();
    }

    #[test]
    fn a_database_of_a_later_format_is_neither_read_nor_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.sqlite");
        MetricStore::open(&path, Rows::default()).unwrap().close().unwrap();
        assert!(MetricReader::open(&path).is_ok());
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 2).unwrap();
        let refused = [MetricReader::open(&path).map(drop), MetricStore::open(&path, Rows::default()).map(drop)];
        for message in refused.map(|refusal| refusal.unwrap_err().to_string()) {
            let expected = "format version 2; this program knows versions up to 1";
            assert!(message.contains("metrics.sqlite") && message.contains(expected), "{message}");
        }
    }

    #[test]
    fn missing_tables_are_empty_and_missing_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.sqlite");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE epochs (epoch INTEGER, part TEXT)").unwrap();
        let reader = MetricReader::open(&path).unwrap();
        assert!(reader.steps().unwrap().is_empty());
        assert!(reader.epochs().unwrap().is_empty());
        let absent = MetricReader::open(&folder.path().join("absent.sqlite")).unwrap_err().to_string();
        assert!(absent.contains("absent.sqlite"), "{absent}");
        let text = folder.path().join("text.sqlite");
        std::fs::write(&text, "no database at all, but long enough to have a header of one hundred bytes ".repeat(3))
            .unwrap();
        assert!(MetricReader::open(&text).and_then(|reader| reader.steps()).is_err());
    }
}
