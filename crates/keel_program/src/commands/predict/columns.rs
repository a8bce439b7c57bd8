//! Columns of the result: kept columns of the input, identifiers, and columns of the prediction.

use keel_data::{Table, TargetKind};
use keel_train::Predictor;

use super::Arguments;
use super::dialect::Dialect;
use crate::failure::{Failure, Stop};
use crate::inputs::Loaded;

/// Unique names of all columns of the result.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Columns {
    /// Columns of the input that `--append` keeps.
    pub(super) kept: Vec<String>,
    /// Columns of the input that identify its rows.
    pub(super) identifiers: Vec<String>,
    /// True if each row begins with the input from which it comes.
    pub(super) input: bool,
    /// Classes or targets, as named by the model.
    pub(super) targets: Vec<String>,
    /// True if the targets are classes.
    pub(super) classifies: bool,
    /// Column names of the results of the prediction.
    pub(super) results: Results,
    /// Form of the result as text: that of the input if its columns are kept.
    pub(super) dialect: Dialect,
}

/// Column names of the results, distinct from those of kept columns.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Results {
    /// Name of the column with the predicted class.
    pub(super) class: String,
    /// Names of the columns with the probability of each class, or the value of each target.
    pub(super) targets: Vec<String>,
}

impl Columns {
    /// Determines the columns for predictions of `loaded`.
    ///
    /// # Errors
    /// If no input has the identifier, or the columns of the inputs cannot be combined or are to be kept where there are none.
    pub(super) fn new(predictor: &Predictor, loaded: &[Loaded], arguments: &Arguments) -> Result<Self, Stop> {
        let (targets, classifies) = match &predictor.schema().target {
            TargetKind::Classes(names) => (names.clone(), true),
            TargetKind::Values(names) => (names.clone(), false),
            TargetKind::Unlabelled => (Vec::new(), false),
        };
        let tables: Vec<(&Loaded, &Table)> =
            loaded.iter().filter_map(|input| Some((input, input.table.as_ref()?))).collect();
        for name in &arguments.id {
            check_identifier(name, loaded, &tables)?;
        }
        let kept = if arguments.append { kept_columns(loaded, &tables)? } else { Vec::new() };
        let mut identifiers = arguments.id.clone();
        identifiers
            .extend(left_out_identifiers(predictor, &tables).into_iter().filter(|name| !arguments.id.contains(name)));
        if arguments.append {
            identifiers.clear();
        }
        let input = kept.is_empty();
        let own = if input { [&["input".to_owned()], identifiers.as_slice()].concat() } else { kept.clone() };
        let results = Results::apart_from(&own, &targets, classifies);
        let dialect = tables.first().filter(|_| !input).and_then(|(_, table)| {
            let has_commas = || table.has_decimal_commas(&predictor.config().data, predictor.schema());
            table.text_form().map(|form| Dialect::of(form, has_commas()))
        });
        let dialect = dialect.unwrap_or_default();
        Ok(Columns { kept, identifiers, input, targets, classifies, results, dialect })
    }
}

impl Columns {
    /// Returns a name for a result that no kept column has.
    pub(super) fn apart(&self, name: &str) -> String {
        free_name(name, &self.kept)
    }
}

/// Returns `name`, or, if it is taken, `predicted_name`, `predicted_name_2`, ….
fn free_name(name: &str, taken: &[String]) -> String {
    let prefixed = format!("predicted_{name}");
    let numbered = (2..).map(|number| format!("{prefixed}_{number}"));
    let mut candidates = [name.to_owned(), prefixed.clone()].into_iter().chain(numbered);
    candidates.find(|name| !taken.contains(name)).unwrap_or_default()
}

impl Results {
    /// Returns names for the results that do not occur in `own`: `predicted_x` if the input has an `x`.
    fn apart_from(own: &[String], targets: &[String], classifies: bool) -> Self {
        let mut taken = own.to_vec();
        let mut free = |name: &str| {
            let name = free_name(name, &taken);
            taken.push(name.clone());
            name
        };
        let class = if classifies { free("class") } else { String::new() };
        Results { class, targets: targets.iter().map(|name| free(name)).collect() }
    }
}

fn check_identifier(name: &str, loaded: &[Loaded], tables: &[(&Loaded, &Table)]) -> Result<(), Failure> {
    if tables.len() < loaded.len() {
        let failure = Failure::new(format!("--id {name}: only tables have columns"));
        return Err(failure.next_step("Remove --id: images and arrays are named by their files"));
    }
    match tables.iter().find(|(_, table)| table.position(name).is_none()) {
        None => Ok(()),
        Some((input, table)) => {
            let failure = Failure::new(format!("--id {name}: {} has no such column", input.source));
            Err(failure.next_step(format!("Name one of {}", table.names().collect::<Vec<_>>().join(", "))))
        }
    }
}

/// Returns the columns of all tables, which must be the same.
fn kept_columns(loaded: &[Loaded], tables: &[(&Loaded, &Table)]) -> Result<Vec<String>, Failure> {
    if let Some(other) = loaded.iter().find(|input| input.table.is_none()) {
        let failure = Failure::new(format!("--append: only tables have columns, but {} is not a table", other.source));
        return Err(failure.next_step("Remove --append: images and arrays are named by their files"));
    }
    let names = |table: &Table| table.names().map(str::to_owned).collect::<Vec<String>>();
    let Some((first, table)) = tables.first() else { return Ok(Vec::new()) };
    match tables.iter().find(|(_, other)| names(other) != names(table)) {
        None => Ok(names(table)),
        Some((other, _)) => {
            let message = format!("--append: {} and {} have different columns", first.source, other.source);
            Err(Failure::new(message).next_step("Predict them separately, each with its own --out"))
        }
    }
}

/// Returns the columns that the model left out because they identify the rows, if all tables have them.
fn left_out_identifiers(predictor: &Predictor, tables: &[(&Loaded, &Table)]) -> Vec<String> {
    let names = predictor.schema().identifiers.iter();
    names.filter(|name| tables.iter().all(|(_, table)| table.position(name).is_some())).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_the_input_has_are_told_apart() {
        let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let cases: [(&[&str], &[&str], bool, &str, &[&str]); 4] = [
            (&["input"], &["cat", "dog"], true, "class", &["cat", "dog"]),
            (&["a", "class"], &["cat", "a"], true, "predicted_class", &["cat", "predicted_a"]),
            (&["price", "predicted_price"], &["price"], false, "", &["predicted_price_2"]),
            (&["a"], &["class", "b"], true, "class", &["predicted_class", "b"]),
        ];
        for (own, targets, classifies, class, expected) in cases {
            let results = Results::apart_from(&texts(own), &texts(targets), classifies);
            assert_eq!((results.class.as_str(), results.targets), (class, texts(expected)), "{own:?}");
        }
    }
}
