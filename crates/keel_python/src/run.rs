//! A finished run in memory or in a folder, or a model alone.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use keel_data::{Dataset, SplitDataset, TargetKind};
use keel_page::Language;
use keel_report::{ReportOptions, write_report};
use keel_train::config;
use keel_train::runs::{MetricReader, RunFolder, Summary, files};
use keel_train::{MemoryRun, Predictor, TrainError, TrainedRun};
use numpy::{IntoPyArray, PyArray1, PyArray2};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::Value;

use crate::errors::{Raise, data_error, run_error};
use crate::learner::Learner;
use crate::predictions::rows_of;
use crate::samples::Samples;
use crate::settings::config_json;

/// A run with its results.
#[pyclass(frozen, module = "evenkeel._native")]
pub(crate) struct Run {
    kept: Kept,
    /// Samples used for training, for the report; `None` for a loaded run.
    samples: Option<Arc<Dataset>>,
    predictor: OnceLock<Predictor>,
}

/// Storage of a run.
pub(crate) enum Kept {
    Folder(Box<TrainedRun>),
    Memory(Box<MemoryRun>),
    /// A model file without a run.
    Model(PathBuf),
}

/// Opens the run in a folder, or the model in a file.
#[pyfunction]
pub(crate) fn load(path: PathBuf) -> PyResult<Run> {
    if path.is_dir() {
        let run = RunFolder::open(&path).and_then(TrainedRun::read).map_err(Raise::raise)?;
        return Ok(Run::new(Kept::Folder(Box::new(run)), None));
    }
    let run = Run::new(Kept::Model(path), None);
    run.predictor()?;
    Ok(run)
}

#[pymethods]
impl Run {
    /// Returns the folder, or None for a run in memory.
    #[getter]
    fn folder(&self) -> Option<PathBuf> {
        match &self.kept {
            Kept::Folder(run) => Some(run.folder.path().to_owned()),
            Kept::Memory(_) | Kept::Model(_) => None,
        }
    }

    /// Returns the content of `summary.json`, or None for a model without a run.
    #[getter]
    fn summary(&self) -> PyResult<Option<String>> {
        let text = |summary: &Summary| serde_json::to_string(summary).map_err(|error| run_error(error.to_string()));
        self.summary_of_run().map(text).transpose()
    }

    /// Returns the resolved config as JSON.
    #[getter]
    fn config(&self) -> PyResult<String> {
        if let Kept::Folder(run) = &self.kept {
            let path = run.folder.config();
            let text = files::read_text(&path).map_err(|error| run_error(format!("{}: {error}", path.display())))?;
            return Ok(config_json(&config::parse(&path, &text, &[]).map_err(Raise::raise)?));
        }
        Ok(config_json(self.predictor()?.config()))
    }

    /// Returns the names of the classes or values, and true for classes.
    #[getter]
    fn targets(&self) -> PyResult<(Vec<String>, bool)> {
        Ok(match &self.predictor()?.schema().target {
            TargetKind::Classes(names) => (names.clone(), true),
            TargetKind::Values(names) => (names.clone(), false),
            TargetKind::Unlabelled => (Vec::new(), false),
        })
    }

    /// Returns the table columns or array features the model was trained on, and true for a table.
    #[getter]
    fn features(&self) -> PyResult<(Vec<String>, bool)> {
        let schema = self.predictor()?.schema();
        Ok(match schema.columns.is_empty() {
            true => (schema.feature_names.clone(), false),
            false => (schema.columns.iter().map(|column| column.name.clone()).collect(), true),
        })
    }

    /// Returns the name of the target column of a table.
    #[getter]
    fn target_column(&self) -> PyResult<Option<String>> {
        Ok(self.predictor()?.schema().table_target.as_ref().map(|target| target.column.clone()))
    }

    /// Returns the shape of one sample.
    #[getter]
    fn sample_shape(&self) -> PyResult<Vec<usize>> {
        Ok(self.predictor()?.schema().sample_shape.dimensions())
    }

    /// Returns probabilities `[samples, classes]`, or values `[samples, targets]`, as float64.
    fn predict<'py>(&self, python: Python<'py>, samples: &Samples) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let predictor = self.predictor()?;
        let predict = || {
            let dataset = samples.for_model(&predictor.config().data, predictor.schema(), false)?;
            predictor.predict(&dataset)
        };
        rows_of(python, &python.detach(predict).map_err(Raise::raise)?)
    }

    /// Returns metrics on labelled samples as JSON.
    fn evaluate(&self, python: Python<'_>, samples: &Samples) -> PyResult<String> {
        let predictor = self.predictor()?;
        let evaluate = || {
            let dataset = samples.for_model(&predictor.config().data, predictor.schema(), true)?;
            let indices: Vec<usize> = (0..dataset.samples()).collect();
            predictor.evaluate(&dataset, &indices)
        };
        let metrics = python.detach(evaluate).map_err(Raise::raise)?;
        serde_json::to_string(&metrics).map_err(|error| run_error(error.to_string()))
    }

    /// Returns the numbers of every step, as arrays by name.
    fn steps<'py>(&self, python: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let steps = self.measurements()?.steps().map_err(Raise::raise)?;
        let columns = PyDict::new(python);
        let counts = |count: fn(&_) -> u64| PyArray1::from_iter(python, steps.iter().map(count));
        columns.set_item("step", counts(|step| step.step))?;
        columns.set_item("epoch", counts(|step| step.epoch))?;
        let numbers = |number: fn(&_) -> f64| PyArray1::from_iter(python, steps.iter().map(number));
        columns.set_item("loss", numbers(|step| step.loss))?;
        columns.set_item("learning_rate", numbers(|step| step.learning_rate))?;
        columns.set_item("gradient_norm", numbers(|step| step.gradient_norm))?;
        Ok(columns)
    }

    /// Returns the numbers of every epoch and part as JSON.
    fn epochs(&self) -> PyResult<String> {
        let epochs = self.measurements()?.epochs().map_err(Raise::raise)?;
        let finite = |number: f64| number.is_finite().then_some(number);
        let rows = epochs.iter().map(|row| {
            serde_json::json!({
                "epoch": row.epoch, "part": row.part, "loss": finite(row.loss), "accuracy": row.accuracy,
                "rmse": row.rmse, "r2": row.r2, "seconds": finite(row.seconds),
            })
        });
        Ok(Value::Array(rows.collect()).to_string())
    }

    /// Returns every measurement of every layer: layer, name, steps and values.
    fn layer_series<'py>(&self, python: Python<'py>) -> PyResult<Vec<Series<'py>>> {
        let layers = self.measurements()?.layers().map_err(Raise::raise)?;
        let series = layers.into_iter().map(|series| {
            let (steps, values): (Vec<u64>, Vec<f64>) = series.points.into_iter().unzip();
            (series.layer, series.name, steps.into_pyarray(python), values.into_pyarray(python))
        });
        Ok(series.collect())
    }

    /// Writes the run to the folder `path`, which must be empty or not exist; a model without a run to the file `path`.
    fn save(&self, path: PathBuf) -> PyResult<()> {
        match &self.kept {
            Kept::Folder(run) => run.folder.copy_to(&path).map(drop).map_err(Raise::raise),
            Kept::Memory(run) => run.save(&path).map(drop).map_err(Raise::raise),
            Kept::Model(model) => match std::fs::copy(model, &path) {
                Ok(_) => Ok(()),
                Err(error) => Err(run_error(format!("cannot copy {} to {}: {error}", model.display(), path.display()))),
            },
        }
    }

    /// Returns a network that continues training from the weights of this run.
    fn learner(&self, python: Python<'_>) -> PyResult<Learner> {
        let Some(data) = self.data()? else {
            return Err(run_error(
                "a run that was loaded has no samples, which its optimizer needs to continue; train again",
            ));
        };
        let predictor = self.predictor()?;
        python
            .detach(|| Learner::of_weights(predictor.config().clone(), data, predictor.network()))
            .map_err(Raise::raise)
    }

    /// Writes the report of the run to the file `path`, in the language `en` or `zh`; returns the missing parts.
    fn report(&self, python: Python<'_>, path: PathBuf, language: &str) -> PyResult<Vec<String>> {
        let language = Language::with_code(language)
            .ok_or_else(|| data_error(format!("\"{language}\" is not a language of reports; give en or zh")))?;
        let options = ReportOptions { out: Some(path), language, data: self.data()?, ..ReportOptions::default() };
        python.detach(|| match &self.kept {
            Kept::Folder(run) => report_of(run.folder.path(), &options),
            Kept::Memory(run) => {
                let folder = tempfile::tempdir().map_err(|error| run_error(format!("no temporary folder: {error}")))?;
                let written = run.save(&folder.path().join(folder_name(&run.summary.data)));
                report_of(written.map_err(Raise::raise)?.path(), &options)
            }
            Kept::Model(path) => {
                let text = "is a model without its run; load the folder of the run for a report";
                Err(run_error(format!("{} {text}", path.display())))
            }
        })
    }
}

/// One measurement of one layer.
type Series<'py> = (String, String, Bound<'py, PyArray1<u64>>, Bound<'py, PyArray1<f64>>);

impl Run {
    pub(crate) fn new(kept: Kept, samples: Option<Arc<Dataset>>) -> Self {
        Run { kept, samples, predictor: OnceLock::new() }
    }

    /// Returns the samples used for training, in their parts, or `None` for a loaded run.
    fn data(&self) -> PyResult<Option<SplitDataset>> {
        let Some(samples) = &self.samples else { return Ok(None) };
        let config = self.predictor()?.config().clone().settled();
        config.data.split().divide(Arc::clone(samples)).map(Some).map_err(Raise::raise)
    }

    fn summary_of_run(&self) -> Option<&Summary> {
        match &self.kept {
            Kept::Folder(run) => Some(&run.summary),
            Kept::Memory(run) => Some(&run.summary),
            Kept::Model(_) => None,
        }
    }

    fn measurements(&self) -> PyResult<MetricReader> {
        match &self.kept {
            Kept::Folder(run) => run.measurements().map_err(Raise::raise),
            Kept::Memory(run) => run.measurements().map_err(Raise::raise),
            Kept::Model(path) => {
                let text = "is a model without its run; load the folder of the run for its measurements";
                Err(run_error(format!("{} {text}", path.display())))
            }
        }
    }

    /// Returns the model, created on first use, since it has its own threads.
    fn predictor(&self) -> PyResult<&Predictor> {
        if let Some(predictor) = self.predictor.get() {
            return Ok(predictor);
        }
        let made = self.make_predictor().map_err(Raise::raise)?;
        Ok(self.predictor.get_or_init(|| made))
    }

    fn make_predictor(&self) -> Result<Predictor, TrainError> {
        match &self.kept {
            Kept::Folder(run) => Predictor::load(run.folder.path()),
            Kept::Memory(run) => run.predictor(&[]),
            Kept::Model(path) => Predictor::load(path),
        }
    }
}

/// Converts `data` to the name of a folder, which is the title of the report.
fn folder_name(data: &str) -> String {
    let kept = |letter: char| if letter.is_alphanumeric() || " -_".contains(letter) { letter } else { '-' };
    let name: String = data.chars().map(kept).take(100).collect();
    if name.trim().is_empty() { "run".to_owned() } else { name }
}

fn report_of(folder: &Path, options: &ReportOptions) -> PyResult<Vec<String>> {
    write_report(folder, options).map(|written| written.notes).map_err(Raise::raise)
}
