//! Samples for the comparison, in the form of the predictor and in that of the graph.

use std::collections::BTreeMap;

use keel_data::{
    ColumnCells, ColumnEncoding, Dataset, Inputs, NumberEncoding, Schema, Table, TableColumn, TableSource, Targets,
    TimePart, Wanted,
};
use keel_train::Predictor;

use crate::InterchangeError;
use crate::onnx::export::PictureValues;
use crate::onnx::{Data, Tensor};

/// Name of the input of images and rows.
const INPUT: &str = "input";
/// Inverse of the probability of a missing cell.
const ONE_MISSING_IN: u64 = 9;
/// Seconds per day; dates are drawn from 1970 to 2069.
const DAY: f64 = 86_400.0;
const DAYS: u64 = 36_500;

/// Text that is no category.
const UNKNOWN: &str = "a text nobody knows";

/// The same samples in both forms.
#[derive(Debug)]
pub struct Samples {
    /// Inputs for the predictor.
    pub dataset: Dataset,
    /// Indices of the selected samples in the dataset.
    pub indices: Vec<usize>,
    /// Inputs for the graph, one row per index.
    pub inputs: BTreeMap<String, Tensor>,
}

impl Samples {
    /// Draws random samples: noise images, numbers around those of the training split, and texts of all kinds.
    ///
    /// # Errors
    /// Fails if samples do not fit the model.
    pub fn random(predictor: &Predictor, pictures: PictureValues, count: usize) -> Result<Samples, InterchangeError> {
        let schema = predictor.schema();
        let mut draws = Draws::default();
        if schema.columns.is_empty() {
            return of_values(schema, random_values(predictor, pictures, count, &mut draws), count);
        }
        let mut source = TableSource::new("random rows");
        let mut inputs = BTreeMap::new();
        let mut feature = 0;
        for column in &schema.columns {
            let range = predictor.training_ranges().features.get(feature).copied().flatten();
            let (low, high) = range.map_or((-3.0, 3.0), |range| (range.min, range.max));
            let (cells, tensor) = random_column(column, (low, high), count, &mut draws);
            source = source.column(column.name.clone(), cells);
            inputs.insert(column.name.clone(), tensor);
            feature += column.features();
        }
        let lines = (1..=count as u64).collect();
        let dataset = predictor.load_table(&Table::from_source(source, lines)?, Wanted::Inputs)?;
        Ok(Samples { dataset, indices: (0..count).collect(), inputs })
    }

    /// Selects samples spread over `dataset`; returns `None` if the graph's inputs cannot be derived from its values. Features of
    /// dates do not determine the dates: these are drawn at random.
    ///
    /// # Errors
    /// Fails if samples do not fit the model.
    pub fn real(
        predictor: &Predictor,
        pictures: PictureValues,
        dataset: &Dataset,
        count: usize,
    ) -> Result<Option<Samples>, InterchangeError> {
        let schema = predictor.schema();
        let count = count.min(dataset.samples());
        if !schema.columns.is_empty() {
            return real_rows(predictor, dataset, count);
        }
        let length = schema.sample_shape.len();
        // Spread over the whole dataset, since samples of a class often follow one another.
        let step = (dataset.samples() / count.max(1)).max(1);
        let places = (0..count).flat_map(|at| at * step * length..(at * step + 1) * length);
        let values = match (dataset.inputs(), pictures) {
            (Inputs::Bytes(bytes), PictureValues::Bytes) if schema.sample_shape.is_image() => {
                Inputs::Bytes(places.map(|place| bytes[place]).collect())
            }
            (Inputs::Floats(floats), _) => Inputs::Floats(places.map(|place| floats[place]).collect()),
            _ => return Ok(None),
        };
        of_values(schema, values, count).map(Some)
    }
}

/// Returns samples of images or of rows without columns.
fn of_values(schema: &Schema, values: Inputs, count: usize) -> Result<Samples, InterchangeError> {
    let shape = [&[count], schema.sample_shape.dimensions().as_slice()].concat();
    let tensor = match &values {
        Inputs::Bytes(bytes) => Tensor::new(shape, Data::Byte(bytes.clone())),
        Inputs::Floats(floats) => Tensor::floats(shape, floats.clone()),
    };
    let dataset = Dataset::from_memory("samples to compare", schema.sample_shape, values, Targets::Unlabelled)?;
    Ok(Samples { dataset, indices: (0..count).collect(), inputs: BTreeMap::from([(INPUT.to_owned(), tensor)]) })
}

fn random_values(predictor: &Predictor, pictures: PictureValues, count: usize, draws: &mut Draws) -> Inputs {
    let schema = predictor.schema();
    let length = schema.sample_shape.len() * count;
    let (low, high) = schema.value_range;
    if schema.sample_shape.is_image() && pictures == PictureValues::Bytes {
        let most = high.clamp(1.0, 255.0) as u64 + 1;
        // From nearly grey to full contrast: noise at full contrast alone may saturate every output.
        let (middle, samples) = (most as f64 / 2.0, count.max(1) as f64);
        let pixel = |at: usize| {
            let contrast = (at / schema.sample_shape.len() + 1) as f64 / samples;
            (middle + (draws.below(most) as f64 - middle) * contrast) as u8
        };
        return Inputs::Bytes((0..length).map(pixel).collect());
    }
    let ranges = &predictor.training_ranges().features;
    let value = |at: usize| {
        let range = ranges.get(at % schema.sample_shape.len()).copied().flatten();
        let (low, high) = range.map_or((f64::from(low), f64::from(high)), |range| (range.min, range.max));
        draws.between(low, high) as f32
    };
    Inputs::Floats((0..length).map(value).collect())
}

/// Draws the cells of a column in table form and in graph form, `[count, 1]`. The range is that of the feature.
fn random_column(
    column: &TableColumn,
    (low, high): (f64, f64),
    count: usize,
    draws: &mut Draws,
) -> (ColumnCells, Tensor) {
    let shape = [count, 1];
    let rows = 0..count;
    match &column.encoding {
        ColumnEncoding::Number(encoding) => {
            let cell = |draws: &mut Draws| match draws.is_missing(column) {
                true => f64::NAN,
                false => stored(draws.between(low, high), encoding),
            };
            let cells: Vec<f64> = rows.map(|_| cell(draws)).collect();
            let values = Data::Double(cells.clone());
            let values = if encoding.origin == 0.0 { narrow(&cells) } else { values };
            (numbers_or_missing(cells), Tensor::new(shape, values))
        }
        ColumnEncoding::Time(time) => {
            let dated =
                time.parts.iter().any(|part| matches!(part, TimePart::Year | TimePart::Week)) || time.origin != 0.0;
            let days = if dated { DAYS } else { 1 };
            let cells: Vec<f64> = rows
                .map(|_| match draws.is_missing(column) {
                    true => f64::NAN,
                    false => draws.below(days) as f64 * DAY + draws.below(86_400) as f64,
                })
                .collect();
            let text = |&seconds: &f64| (!seconds.is_nan()).then(|| moment_text(seconds, dated));
            (ColumnCells::Text(cells.iter().map(text).collect()), Tensor::new(shape, Data::Double(cells)))
        }
        ColumnEncoding::Boolean | ColumnEncoding::Category { .. } | ColumnEncoding::Words { .. } => {
            let texts: Vec<String> = rows.map(|_| random_text(column, draws)).collect();
            (texts_or_missing(&texts), Tensor::new(shape, Data::Text(texts)))
        }
    }
}

/// Returns the number whose feature is `feature`, as precisely as the type of the input allows.
fn stored(feature: f64, encoding: &NumberEncoding) -> f64 {
    let number = feature * encoding.unit + encoding.origin;
    if encoding.origin == 0.0 { f64::from(number as f32) } else { number }
}

fn narrow(cells: &[f64]) -> Data {
    Data::Float(cells.iter().map(|&cell| cell as f32).collect())
}

fn random_text(column: &TableColumn, draws: &mut Draws) -> String {
    let missing = draws.is_missing(column);
    let texts: Vec<String> = match &column.encoding {
        ColumnEncoding::Boolean => ["true", "No", "YES", "0", "f"].map(String::from).to_vec(),
        ColumnEncoding::Category { categories, .. } => categories.iter().cloned().chain([UNKNOWN.to_owned()]).collect(),
        ColumnEncoding::Words { words } => {
            let titled = words.iter().map(|word| format!("An {}. example", word.to_uppercase()));
            titled.chain(["nothing known".to_owned()]).collect()
        }
        _ => Vec::new(),
    };
    if missing || texts.is_empty() { String::new() } else { texts[draws.below(texts.len() as u64) as usize].clone() }
}

/// Formats a date with its time, or a time of day.
fn moment_text(seconds: f64, dated: bool) -> String {
    let second = seconds.rem_euclid(DAY) as u64;
    let time = format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60);
    if !dated {
        return time;
    }
    let mut day = (seconds / DAY) as u64;
    let mut year = 1970;
    let is_leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    while day >= 365 + u64::from(is_leap(year)) {
        day -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while day >= lengths[month] {
        day -= lengths[month];
        month += 1;
    }
    format!("{year}-{:02}-{:02} {time}", month + 1, day + 1)
}

/// Rebuilds rows of a table from the features; returns `None` if the dataset does not hold features.
fn real_rows(predictor: &Predictor, dataset: &Dataset, count: usize) -> Result<Option<Samples>, InterchangeError> {
    let Inputs::Floats(features) = dataset.inputs() else { return Ok(None) };
    let schema = predictor.schema();
    let width = schema.sample_shape.len();
    let step = (dataset.samples() / count.max(1)).max(1);
    let indices: Vec<usize> = (0..count).map(|at| at * step).collect();
    let mut draws = Draws::default();
    let mut source = TableSource::new("real rows with random dates");
    let mut inputs = BTreeMap::new();
    let mut start = 0;
    for column in &schema.columns {
        let (cells, tensor) = if column.is_time() {
            random_column(column, (0.0, 1.0), count, &mut draws)
        } else {
            let cells = indices.iter().map(|&row| &features[row * width + start..][..column.features()]);
            real_column(column, cells)
        };
        source = source.column(column.name.clone(), cells);
        inputs.insert(column.name.clone(), tensor);
        start += column.features();
    }
    if !schema.has_times() {
        return Ok(Some(Samples { dataset: dataset.clone(), indices, inputs }));
    }
    let lines = (1..=count as u64).collect();
    let dataset = predictor.load_table(&Table::from_source(source, lines)?, Wanted::Inputs)?;
    Ok(Some(Samples { dataset, indices: (0..count).collect(), inputs }))
}

/// Returns cells with the features `cells` in table form and in graph form, `[count, 1]`.
fn real_column<'a>(column: &TableColumn, cells: impl ExactSizeIterator<Item = &'a [f32]>) -> (ColumnCells, Tensor) {
    let shape = [cells.len(), 1];
    if let ColumnEncoding::Number(encoding) = &column.encoding {
        let numbers: Vec<f64> = cells.map(|cell| stored(f64::from(cell[0]), encoding)).collect();
        let data = if encoding.origin == 0.0 { narrow(&numbers) } else { Data::Double(numbers.clone()) };
        return (numbers_or_missing(numbers), Tensor::new(shape, data));
    }
    let text = |cell: &[f32]| match &column.encoding {
        ColumnEncoding::Boolean if cell[0].is_nan() => String::new(),
        ColumnEncoding::Boolean => if cell[0] == 0.0 { "no" } else { "yes" }.to_owned(),
        ColumnEncoding::Category { categories, .. } => match cell.iter().position(|&share| share == 1.0) {
            Some(at) if at < categories.len() => categories[at].clone(),
            _ if column.missing_flag && cell.last() == Some(&1.0) => String::new(),
            _ => UNKNOWN.to_owned(),
        },
        ColumnEncoding::Words { words } => words_text(column, words, cell),
        ColumnEncoding::Number(_) | ColumnEncoding::Time(_) => String::new(),
    };
    let texts: Vec<String> = cells.map(text).collect();
    (texts_or_missing(&texts), Tensor::new(shape, Data::Text(texts)))
}

fn numbers_or_missing(numbers: Vec<f64>) -> ColumnCells {
    ColumnCells::Numbers(numbers.into_iter().map(|number| Some(number).filter(|number| !number.is_nan())).collect())
}

fn texts_or_missing(texts: &[String]) -> ColumnCells {
    ColumnCells::Text(texts.iter().map(|text| Some(text.clone()).filter(|text| !text.is_empty())).collect())
}

/// Returns a text with the features `cell`: its words and a letter, which is no word and keeps the text from meaning a
/// missing cell.
fn words_text(column: &TableColumn, words: &[String], cell: &[f32]) -> String {
    if column.missing_flag && cell.last() == Some(&1.0) {
        return String::new();
    }
    let held = words.iter().zip(cell).filter(|(_, share)| **share == 1.0).map(|(word, _)| word.as_str());
    held.chain(["x"]).collect::<Vec<_>>().join(" ")
}

/// Deterministic pseudo-random numbers (Vigna, "splitmix64").
struct Draws(u64);

impl Default for Draws {
    fn default() -> Self {
        Draws(0x9e37_79b9_7f4a_7c15)
    }
}

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Draws whether a cell is missing, if the column may have missing cells.
    fn is_missing(&mut self, column: &TableColumn) -> bool {
        self.below(ONE_MISSING_IN) == 0 && column.missing_flag
    }
}
