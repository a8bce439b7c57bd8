//! Reads the database of a run, also while it is written to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, Params, Row};

use super::{Unusable, check_format};
use crate::error::TrainError;
use crate::runs::storage::Source;
use crate::runs::{EpochRecord, FindingRecord, HistogramRecord, LayerSeries, StepRecord, TensorName};

/// Connection for reading only. A table or column that is missing in a run of an older version reads as empty.
#[derive(Debug)]
pub(super) struct Reader {
    connection: Connection,
    path: PathBuf,
}

impl Reader {
    /// Opens the database at `path`, whose contents are not changed. The last connection to close removes SQLite's `-wal` and
    /// `-shm` files, which a read-only connection cannot: so this one is writable, if the system allows it.
    pub(super) fn open(path: &Path) -> Result<Self, TrainError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || {
            let connection = Connection::open_with_flags(path, flags)?;
            connection.pragma_update(None, "query_only", true)?;
            check_format(&connection)?;
            Ok(connection)
        };
        let connection = open().map_err(|error: Unusable| error.unreadable(path))?;
        Ok(Reader { connection, path: path.to_owned() })
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

    /// Applies `read` to every row of `query` with `values`; returns no rows if a table or column is missing.
    fn rows<T>(
        &self,
        query: &str,
        values: impl Params,
        mut read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, TrainError> {
        let damaged = |error: rusqlite::Error| Unusable::from(error).unreadable(&self.path);
        let mut statement = match self.connection.prepare(query) {
            Ok(statement) => statement,
            Err(error) if is_missing(&error) => return Ok(Vec::new()),
            Err(error) => return Err(damaged(error)),
        };
        let rows = statement.query_map(values, |row| read(row)).map_err(damaged)?;
        rows.collect::<rusqlite::Result<Vec<T>>>().map_err(damaged)
    }
}

impl Source for Reader {
    fn steps_from(&self, first: u64) -> Result<Vec<StepRecord>, TrainError> {
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

    fn last_step(&self) -> Result<Option<u64>, TrainError> {
        let last = self.rows("SELECT step FROM steps ORDER BY step DESC LIMIT 1", [], |row| count(row, 0))?;
        Ok(last.first().copied())
    }

    fn epochs(&self) -> Result<Vec<EpochRecord>, TrainError> {
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

    fn layers_from(&self, first: u64) -> Result<Vec<LayerSeries>, TrainError> {
        let mut series: BTreeMap<(String, String), Vec<(u64, f64)>> = BTreeMap::new();
        let query = "SELECT step, layer, name, value FROM layers WHERE step >= ?1 ORDER BY step";
        self.rows(query, [as_row(first)], |row| {
            let point = (count(row, 0)?, number(row, 3)?);
            series.entry((row.get(1)?, row.get(2)?)).or_default().push(point);
            Ok(())
        })?;
        Ok(series.into_iter().map(|((layer, name), points)| LayerSeries { layer, name, points }).collect())
    }

    fn histograms(&self) -> Result<Vec<HistogramRecord>, TrainError> {
        let query = "SELECT step, layer, name, low, high, counts FROM histograms ORDER BY step, layer, name";
        self.histogram_rows(query, [])
    }

    fn histograms_of(&self, tensor: &TensorName) -> Result<Vec<HistogramRecord>, TrainError> {
        let query =
            "SELECT step, layer, name, low, high, counts FROM histograms WHERE layer = ?1 AND name = ?2 ORDER BY step";
        self.histogram_rows(query, [&tensor.layer, &tensor.name])
    }

    fn histogram_names(&self) -> Result<Vec<TensorName>, TrainError> {
        let query = "SELECT DISTINCT layer, name FROM histograms ORDER BY layer, name";
        self.rows(query, [], |row| Ok(TensorName { layer: row.get(0)?, name: row.get(1)? }))
    }

    fn findings(&self) -> Result<Vec<FindingRecord>, TrainError> {
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
    use crate::runs::{MetricReader, MetricStore, Rows};

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
