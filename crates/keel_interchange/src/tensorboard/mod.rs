//! TensorBoard event files, written while a network trains.
//!
//! [`TensorBoard`] observes a training run and writes to its folder: loss, accuracy, learning rate and gradient norm,
//! validation, findings as text, settings, images of samples and of the first layer's filters, and, at health level
//! `full`, histograms of layers.

mod messages;
mod record;

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keel_data::{Preprocessor, SampleShape};
use keel_health::Finding;
use keel_nn::{FirstFilters, Network};
use keel_train::metrics::Metrics;
use keel_train::runs::{HistogramRecord, MetricReader, RunFolder};
use keel_train::{EpochEvent, Event as TrainingEvent, StepEvent, TrainingObserver};
use prost::Message;
use serde_json::Value;

use messages::{
    Dimension, Event, Histogram, HparamsData, Image, Metadata, PluginData, SessionEnd, SessionStart, Setting, Summary,
    SummaryValue, TensorShape, TextTensor,
};

/// Type of a tensor of texts.
const TEXT: i32 = 7;
/// Maximum number of filters in an image.
const MOST_FILTERS: usize = 64;
/// Maximum number of settings reported, since per-layer settings are numerous.
const MOST_SETTINGS: usize = 200;

/// Writes the events of a training run to an event file in the folder of its run.
#[derive(Debug)]
pub struct TensorBoard {
    settings: BTreeMap<String, Setting>,
    log: Option<Log>,
    failure: Option<(PathBuf, io::Error)>,
}

/// An open file.
#[derive(Debug)]
struct Log {
    path: PathBuf,
    file: File,
    folder: RunFolder,
    /// Number of steps completed.
    step: u64,
    /// Last step with written histograms.
    histograms: u64,
    has_picture: bool,
}

impl TensorBoard {
    /// Creates a writer for a training run with the settings of `config`, a document of sections and keys.
    pub fn new(config: &Value) -> Self {
        let mut settings = BTreeMap::new();
        collect("", config, &mut settings);
        TensorBoard { settings, log: None, failure: None }
    }

    /// Returns the path of the event file, or `None` before training has started and for runs in memory.
    pub fn path(&self) -> Option<&Path> {
        self.log.as_ref().map(|log| log.path.as_path())
    }

    /// Writes the remaining rows of the run's database and the outcome of the run.
    ///
    /// # Errors
    /// Returns the first write error, with the path of the file.
    pub fn finish(mut self, succeeded: bool) -> Result<(), (PathBuf, io::Error)> {
        self.write(|log| {
            log.write_histograms()?;
            let status = if succeeded { 1 } else { 2 };
            let session_end_info = Some(SessionEnd { status, end_time_secs: now() });
            log.write_hparams("_hparams_/session_end_info", HparamsData { session_end_info, ..HparamsData::default() })
        });
        self.failure.map_or(Ok(()), Err)
    }

    /// Runs `work` on the open file; keeps the first error, after which nothing more is written.
    fn write(&mut self, work: impl FnOnce(&mut Log) -> io::Result<()>) {
        if let (Some(log), None) = (&mut self.log, &self.failure)
            && let Err(error) = work(log)
        {
            self.failure = Some((log.path.clone(), error));
        }
    }

    fn start(&mut self, folder: &RunFolder, step: u64) {
        let name = format!("events.out.tfevents.{:.0}.{}.evenkeel", now(), std::process::id());
        let path = folder.path().join(name);
        match File::create(&path) {
            Ok(file) => {
                let folder = folder.clone();
                self.log = Some(Log { path, file, folder, step, histograms: 0, has_picture: false });
            }
            Err(error) => self.failure = Some((path, error)),
        }
        let hparams = std::mem::take(&mut self.settings);
        self.write(|log| {
            log.event(Event { file_version: Some("brain.Event:2".to_owned()), ..Event::default() })?;
            let session_start_info = Some(SessionStart { hparams, start_time_secs: now() });
            log.write_hparams(
                "_hparams_/session_start_info",
                HparamsData { session_start_info, ..HparamsData::default() },
            )
        });
    }
}

impl TrainingObserver for TensorBoard {
    fn event(&mut self, event: TrainingEvent<'_>) {
        match event {
            TrainingEvent::Started(started) => {
                if let Some(folder) = &started.folder {
                    self.start(folder, started.resumed_steps);
                }
            }
            TrainingEvent::Step(step) => self.write(|log| log.write_step(&step)),
            TrainingEvent::Epoch(epoch) => self.write(|log| log.write_epoch(&epoch)),
            TrainingEvent::Finding(finding) => self.write(|log| log.write_finding(finding)),
            _ => {}
        }
    }
}

impl Log {
    fn event(&mut self, event: Event) -> io::Result<()> {
        let event = Event { wall_time: now(), step: i64::try_from(self.step).unwrap_or(i64::MAX), ..event };
        record::write(&mut self.file, &event.encode_to_vec())
    }

    fn values(&mut self, value: Vec<SummaryValue>) -> io::Result<()> {
        self.event(Event { summary: Some(Summary { value }), ..Event::default() })
    }

    fn write_step(&mut self, step: &StepEvent) -> io::Result<()> {
        self.step = step.step;
        self.values(vec![
            scalar("step/loss", step.loss),
            scalar("step/learning_rate", step.learning_rate),
            scalar("step/gradient_norm", step.gradient_norm),
        ])
    }

    fn write_epoch(&mut self, epoch: &EpochEvent<'_>) -> io::Result<()> {
        let mut values = scalars("train", epoch.train);
        if let Some(validation) = epoch.validation {
            values.extend(scalars("validation", validation));
        }
        values.push(scalar("epoch", epoch.epoch as f64));
        self.values(values)?;
        self.write_picture()?;
        self.write_filters(epoch.network)?;
        self.write_histograms()
    }

    fn write_finding(&mut self, finding: &Finding) -> io::Result<()> {
        let document = serde_json::to_value(finding).unwrap_or_default();
        let part = |key: &str| document[key].as_str().unwrap_or_default().to_owned();
        let layer = part("layer");
        let place = if layer.is_empty() { String::new() } else { format!(" in `{layer}`") };
        let text = format!(
            "**{} {}**{place}: {}\n\nCause: {}\n\nRemedy: {}",
            part("level"),
            part("code"),
            part("message"),
            part("cause"),
            part("remedy")
        );
        self.values(vec![text_value(&format!("findings/{}", part("code")), &text)])
    }

    fn write_hparams(&mut self, tag: &str, data: HparamsData) -> io::Result<()> {
        let plugin_data = Some(PluginData { plugin_name: "hparams".to_owned(), content: data.encode_to_vec() });
        let metadata = Some(Metadata { plugin_data });
        // Readers look for the data in a value without other content.
        let tensor = Some(TextTensor { dtype: 1, tensor_shape: Some(TensorShape::default()), ..TextTensor::default() });
        self.values(vec![SummaryValue { tag: tag.to_owned(), metadata, tensor, ..SummaryValue::default() }])
    }

    /// Writes the image of samples once it exists.
    fn write_picture(&mut self) -> io::Result<()> {
        if self.has_picture {
            return Ok(());
        }
        let Ok(bytes) = std::fs::read(self.folder.samples_picture()) else { return Ok(()) };
        let Some(image) = picture(bytes) else { return Ok(()) };
        self.has_picture = true;
        self.values(vec![SummaryValue { tag: "samples".to_owned(), image: Some(image), ..SummaryValue::default() }])
    }

    /// Writes the filters of the first layer of an image network.
    fn write_filters(&mut self, network: &Network) -> io::Result<()> {
        let Some(filters) = FirstFilters::of(network) else { return Ok(()) };
        let [height, width, channels] = filters.size;
        let shape = Preprocessor::identity(SampleShape::Image { height, width, channels });
        let Ok(bytes) = keel_data::batch_picture(&filters.values, &shape, (-1.0, 1.0), MOST_FILTERS) else {
            return Ok(());
        };
        let tag = format!("filters/{}", filters.layer);
        self.values(vec![SummaryValue { tag, image: picture(bytes), ..SummaryValue::default() }])
    }

    /// Writes histograms added to the run's database since the last call.
    fn write_histograms(&mut self) -> io::Result<()> {
        let Ok(records) = MetricReader::open(&self.folder.metrics()).and_then(|reader| reader.histograms()) else {
            return Ok(());
        };
        let (own_step, last) = (self.step, self.histograms);
        for record in records.iter().filter(|record| record.step > last) {
            self.step = record.step;
            self.histograms = self.histograms.max(record.step);
            let tag = format!("{}/{}", record.layer, record.name);
            self.values(vec![SummaryValue { tag, histo: Some(histogram(record)), ..SummaryValue::default() }])?;
        }
        self.step = own_step;
        Ok(())
    }
}

/// Returns seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs_f64()
}

fn scalar(tag: &str, value: f64) -> SummaryValue {
    SummaryValue { tag: tag.to_owned(), simple_value: Some(value as f32), ..SummaryValue::default() }
}

fn scalars(part: &str, metrics: &Metrics) -> Vec<SummaryValue> {
    let regression = metrics.regression.as_ref();
    let all = [
        ("loss", Some(metrics.loss)),
        ("accuracy", metrics.accuracy),
        ("rmse", regression.map(|errors| errors.rmse)),
        ("r2", regression.and_then(|errors| errors.r2)),
    ];
    let known = all.into_iter().filter_map(|(name, value)| value.map(|value| (name, value)));
    known.map(|(name, value)| scalar(&format!("{part}/{name}"), value)).collect()
}

fn text_value(tag: &str, text: &str) -> SummaryValue {
    let plugin_data = Some(PluginData { plugin_name: "text".to_owned(), content: Vec::new() });
    let tensor = TextTensor {
        dtype: TEXT,
        tensor_shape: Some(TensorShape { dim: vec![Dimension { size: 1 }] }),
        string_val: vec![text.as_bytes().to_vec()],
    };
    let (metadata, tensor) = (Some(Metadata { plugin_data }), Some(tensor));
    SummaryValue { tag: tag.to_owned(), metadata, tensor, ..SummaryValue::default() }
}

/// Wraps a PNG file with the size from its header.
fn picture(bytes: Vec<u8>) -> Option<Image> {
    let size = |at: usize| Some(i32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let is_png = bytes.starts_with(b"\x89PNG\r\n\x1a\n") && bytes.get(12..16) == Some(b"IHDR");
    let (width, height) = (size(16)?, size(20)?);
    let colorspace = match *bytes.get(25)? {
        0 => 1,
        2 | 3 => 3,
        _ => 4,
    };
    (is_png && width > 0 && height > 0).then_some(Image { height, width, colorspace, encoded_image_string: bytes })
}

/// Converts to bins of equal width; sums use the midpoints of the bins.
fn histogram(record: &HistogramRecord) -> Histogram {
    let HistogramRecord { low, high, counts, .. } = record;
    let width = (high - low) / counts.len().max(1) as f64;
    let middles = (0..counts.len()).map(|bin| low + (bin as f64 + 0.5) * width);
    let weighted = || middles.clone().zip(counts).map(|(middle, &count)| (middle, count as f64));
    Histogram {
        min: *low,
        max: *high,
        num: counts.iter().map(|&count| count as f64).sum(),
        sum: weighted().map(|(middle, count)| middle * count).sum(),
        sum_squares: weighted().map(|(middle, count)| middle * middle * count).sum(),
        bucket_limit: (1..=counts.len()).map(|bin| low + bin as f64 * width).collect(),
        bucket: counts.iter().map(|&count| count as f64).collect(),
    }
}

/// Collects the settings of a document by their dotted names; a list becomes one text.
fn collect(name: &str, value: &Value, settings: &mut BTreeMap<String, Setting>) {
    let setting = match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                collect(&name, value, settings);
            }
            return;
        }
        Value::Number(number) => Setting { number_value: number.as_f64(), ..Setting::default() },
        Value::Bool(truth) => Setting { bool_value: Some(*truth), ..Setting::default() },
        Value::String(text) => Setting { string_value: Some(text.clone()), ..Setting::default() },
        Value::Array(_) => Setting { string_value: Some(value.to_string()), ..Setting::default() },
        Value::Null => return,
    };
    if settings.len() < MOST_SETTINGS {
        settings.insert(name.to_owned(), setting);
    }
}
