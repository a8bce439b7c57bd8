//! Reads the inputs of `predict` and `eval` for a model: files, folders, patterns and standard input.

mod json_lines;
mod pattern;
mod run_data;

pub(crate) use json_lines::{JsonColumns, text_of};

use std::io::Read;
use std::path::{Path, PathBuf};

use keel_data::{DataError, Dataset, SampleShape, Table, Wanted, image_files_below, is_image, is_run_folder};
use keel_health::Finding;
use keel_train::{Predictor, TrainError, UnlikeInputs};

pub(crate) use run_data::{ChangedDataOption, RunDataReader, report_change, run_data_failure};

use crate::failure::{Failure, Stop, from_sentence, unreadable};
use crate::failure_sources::of_source;
use crate::terminal::Output;

/// Name of standard input in messages.
const STANDARD_INPUT: &str = "standard input";
/// Extensions of files with one JSON value per line, or an array of them.
const JSON_ENDINGS: [&str; 3] = ["jsonl", "ndjson", "json"];
/// Extensions of files with a table.
const TABLE_ENDINGS: [&str; 10] = ["csv", "tsv", "jsonl", "ndjson", "json", "parquet", "xlsx", "xls", "ods", "gz"];

/// Maximum number of columns that a message names.
const NAMED: usize = 8;

/// Samples of one input.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// Name in messages.
    pub(crate) source: String,
    /// The samples.
    pub(crate) dataset: Dataset,
    /// The table from which they come, row by row; `None` for images and arrays.
    pub(crate) table: Option<Table>,
    /// The values of the table as they are written, if it is JSON.
    pub(crate) json: Option<JsonColumns>,
}

/// Returns the findings about all samples of `inputs`, compared with the training data of the model.
pub(crate) fn findings(predictor: &Predictor, inputs: &[Loaded]) -> Vec<Finding> {
    let mut unlike = UnlikeInputs::new(predictor.training_ranges());
    inputs.iter().for_each(|input| unlike.add(&input.dataset, 0..input.dataset.samples()));
    unlike.findings()
}

/// Reads everything named by `arguments`, in order, and reports the notes of the readers.
///
/// # Errors
/// If an input is missing, cannot be read or does not fit the model, or there is nothing to read.
pub(crate) fn load(
    predictor: &Predictor,
    arguments: &[String],
    wanted: Wanted,
    output: &Output,
) -> Result<Vec<Loaded>, Stop> {
    let reader = InputReader { predictor, wanted };
    let mut loaded: Vec<Loaded> = Vec::new();
    let (mut images, mut image_sources) = (Vec::new(), Vec::new());
    let mut notes: Vec<String> = Vec::new();
    for argument in arguments {
        for input in pattern::expanded(argument)? {
            match input {
                pattern::Input::StandardInput => loaded.push(reader.standard_input()?),
                pattern::Input::Path(path) if reader.takes_images() && holds_images(&path)? => {
                    let found = reader.images(&path, &mut images, &mut loaded)?;
                    notes.extend(found.iter().map(|note| format!("{}: {note}", path.display())));
                    image_sources.push(argument.as_str());
                }
                pattern::Input::Path(path) => reader.path(&path, &mut loaded)?,
            }
        }
    }
    if !images.is_empty() {
        image_sources.dedup();
        loaded.push(reader.image_files(&images, image_sources.join(", "))?);
    }
    if loaded.is_empty() {
        let failure = Failure::new(format!("there are no samples in {}", arguments.join(", ")));
        return Err(failure.next_step("Name files with samples of the kind the model was trained on").into());
    }
    for Loaded { source, dataset, .. } in &loaded {
        notes.extend(dataset.notes().iter().map(|note| format!("{source}: {note}")));
    }
    notes.iter().for_each(|note| output.remark(&format!("note        {note}")));
    Ok(loaded)
}

/// Returns true if a path is an image or a folder that contains an image at any depth.
fn holds_images(path: &Path) -> Result<bool, DataError> {
    Ok(if path.is_dir() { !image_files_below(path)?.files.is_empty() } else { is_image(path) })
}

struct InputReader<'a> {
    predictor: &'a Predictor,
    wanted: Wanted,
}

impl InputReader<'_> {
    fn takes_images(&self) -> bool {
        self.predictor.schema().image_decoding.is_some()
    }

    fn takes_tables(&self) -> bool {
        !self.predictor.schema().columns.is_empty()
    }

    /// Returns true if the model was trained on rows of numbers without names, which tables may hold as well.
    fn takes_rows(&self) -> bool {
        !self.takes_tables() && matches!(self.predictor.schema().sample_shape, SampleShape::Features(_))
    }

    /// Adds image files to `images`; a folder of class folders, whose names are labels, is read separately. Returns notes
    /// about files that were left out.
    fn images(&self, path: &Path, images: &mut Vec<PathBuf>, loaded: &mut Vec<Loaded>) -> Result<Vec<String>, Stop> {
        if !path.is_dir() {
            images.push(path.to_owned());
        } else if self.wanted == Wanted::Targets {
            loaded.push(self.data(path)?);
        } else {
            let below = image_files_below(path)?;
            images.extend(below.files);
            return Ok(below.notes);
        }
        Ok(Vec::new())
    }

    /// Returns the refusal of a folder whose images all have formats that cannot be decoded.
    fn undecodable(&self, path: &Path) -> Option<Stop> {
        let below = image_files_below(path).ok().filter(|below| self.takes_images() && below.unsupported > 0)?;
        let failure = Failure::new(format!("{}: no readable image; {}", path.display(), below.notes.join("; ")));
        Some(failure.next_step("Name images, or a folder with images, of a format that can be decoded").into())
    }

    fn image_files(&self, files: &[PathBuf], source: String) -> Result<Loaded, Stop> {
        let dataset = self.predictor.load_images(files, self.wanted).map_err(failure_of)?;
        Ok(Loaded { source, dataset, table: None, json: None })
    }

    /// Reads a file, or a folder that contains files of the model's kind at any depth.
    fn path(&self, path: &Path, loaded: &mut Vec<Loaded>) -> Result<(), Stop> {
        if self.takes_rows() && path.is_file() && is_table(path) {
            loaded.push(self.table_file(path)?);
            return Ok(());
        }
        if !self.takes_tables() {
            loaded.push(self.data(path).map_err(|stop| self.undecodable(path).unwrap_or(stop))?);
            return Ok(());
        }
        if is_image(path) {
            return Err(self.not_a_table(&format!("{} is an image", path.display())).into());
        }
        if !path.is_dir() {
            loaded.push(self.table_file(path)?);
            return Ok(());
        }
        let files = table_files_below(path)?;
        if files.is_empty() && holds_images(path)? {
            return Err(self.not_a_table(&format!("{} has images and no table", path.display())).into());
        }
        if files.is_empty() {
            let is_empty = std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
            let empty = if is_empty { "; it is empty" } else { "" };
            let failure = Failure::new(format!("{}: there is no table in the folder{empty}", path.display()));
            let next = format!("Name a folder with files that end in {}", TABLE_ENDINGS.join(", "));
            return Err(failure.next_step(next).into());
        }
        for file in files {
            loaded.push(self.table_file(&file)?);
        }
        Ok(())
    }

    /// Returns the refusal of inputs that are no table.
    fn not_a_table(&self, fault: &str) -> Failure {
        let columns = &self.predictor.schema().columns;
        let named: Vec<&str> = columns.iter().take(NAMED).map(|column| column.name.as_str()).collect();
        let more = if columns.len() > NAMED { " …" } else { "" };
        let failure = Failure::new(format!("{fault}, but the model was trained on a table"));
        failure.next_step(format!("Name a table with the columns {}{more}", named.join(", ")))
    }

    fn data(&self, path: &Path) -> Result<Loaded, Stop> {
        let source = path.display().to_string();
        let dataset = match self.wanted {
            Wanted::Inputs => self.predictor.load_inputs(&source),
            Wanted::Targets => self.predictor.load_data(&source),
        };
        let dataset = dataset.map_err(|error| of_source(&source, &error))?;
        Ok(Loaded { source, dataset, table: None, json: None })
    }

    fn table_file(&self, path: &Path) -> Result<Loaded, Stop> {
        let source = path.display().to_string();
        if !JSON_ENDINGS.iter().any(|ending| has_ending(path, ending)) {
            let table = Table::read(path, &self.predictor.config().data)?;
            return self.table(source, table, None);
        }
        let text = keel_train::runs::files::read(path).map_err(|error| unreadable(path, &error))?;
        let (table, json) = json_lines::table(&text, &source, self.predictor.schema())?;
        self.table(source, table, Some(json))
    }

    fn table(&self, source: String, table: Table, json: Option<JsonColumns>) -> Result<Loaded, Stop> {
        let table = table.with_header_of(self.predictor.schema());
        let dataset = self.predictor.load_table(&table, self.wanted).map_err(|error| of_source(&source, &error))?;
        Ok(Loaded { source, dataset, table: Some(table), json })
    }

    /// Reads a table: CSV with a header, or JSON if the first character is a bracket.
    fn standard_input(&self) -> Result<Loaded, Stop> {
        if !self.takes_tables() && !self.takes_rows() {
            let failure = Failure::new("this model reads images, but standard input is for tables");
            return Err(failure.next_step("Name image files or folders").into());
        }
        let mut text = Vec::new();
        let read = std::io::stdin().lock().read_to_end(&mut text);
        read.map_err(|error| unreadable(Path::new(STANDARD_INPUT), &error))?;
        let first = text.iter().find(|byte| !byte.is_ascii_whitespace() && !b"\xef\xbb\xbf".contains(byte));
        let source = STANDARD_INPUT.to_owned();
        match first {
            None => {
                let failure = Failure::new("standard input is empty");
                Err(failure.next_step("Send a table with a header, or one JSON object per line").into())
            }
            Some(b'{' | b'[') => {
                let (table, json) = json_lines::table(&text, &source, self.predictor.schema())?;
                self.table(source, table, Some(json))
            }
            Some(_) => {
                let table = Table::parse(text, &source, &self.predictor.config().data)?;
                self.table(source, table, None)
            }
        }
    }
}

fn failure_of(error: TrainError) -> Failure {
    from_sentence(&error.to_string())
}

/// Returns every table in `folder` and its subfolders, sorted by path, without hidden files and folders of training runs.
fn table_files_below(folder: &Path) -> Result<Vec<PathBuf>, Stop> {
    let entries = std::fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<PathBuf>, _>>()
        .map_err(|error| unreadable(folder, &error))?;
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if hidden || path.is_symlink() && path.is_dir() || is_run_folder(&path) {
            continue;
        }
        if path.is_dir() {
            files.extend(table_files_below(&path)?);
        } else if is_table(&path) {
            files.push(path);
        }
    }
    Ok(files)
}

fn is_table(path: &Path) -> bool {
    TABLE_ENDINGS.iter().any(|ending| has_ending(path, ending))
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|own| own.to_string_lossy().eq_ignore_ascii_case(ending))
}
