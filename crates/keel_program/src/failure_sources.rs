//! Converts the errors of the libraries to failures, with the config lines they refer to.

use keel_data::DataError;
use keel_health::HealthError;
use keel_nn::GraphError;
use keel_train::TrainError;
use keel_train::config::{self, ConfigError, Origin, Problem, Sources, line_of, place_of};

use crate::failure::{Failure, Place, Stop, from_sentence};

impl From<HealthError> for Stop {
    fn from(error: HealthError) -> Self {
        from_sentence(&error.to_string()).into()
    }
}

impl From<DataError> for Stop {
    fn from(error: DataError) -> Self {
        from_sentence(&error.to_string()).into()
    }
}

impl From<GraphError> for Stop {
    fn from(error: GraphError) -> Self {
        from_sentence(&error.to_string()).into()
    }
}

impl From<TrainError> for Stop {
    fn from(error: TrainError) -> Self {
        match error {
            TrainError::Config(error) => error.into(),
            other => from_sentence(&other.to_string()).into(),
        }
    }
}

/// Returns the failure for an error about the data named `source`, whose name is added if the message lacks it.
pub(crate) fn of_source(source: &str, error: &TrainError) -> Failure {
    let text = error.to_string();
    let named = if text.contains(source) { text } else { format!("{source}: {text}") };
    from_sentence(&named).or_next_step("Give samples of the kind the model was trained on, with the same classes")
}

/// Returns the failure for an error about a key of the config read from `sources`, with the place where the key was written.
pub(crate) fn of_config(sources: Sources<'_>, error: TrainError) -> Stop {
    let found = error.key().and_then(|key| place_of(sources, &key).map(|place| (key, place)));
    let Some((key, place)) = found else { return error.into() };
    let failure = from_sentence(&error.to_string());
    let config::Place { file, text, origin } = place;
    match origin {
        Origin::File(span) => {
            let (file_name, line) = (file.display().to_string(), line_of(&text, &span));
            let message = format!("`{key}`");
            let place = Place { file: file_name.clone(), line, key, message };
            failure.at(&format!("{file_name}:{line}")).source(&file, &text).label(span, place).into()
        }
        Origin::Override(index) => failure.at(&format!("--set {}", sources.overrides[index])).into(),
        Origin::UserDefaults { file, line } => failure.at(&format!("{}:{line}", file.display())).into(),
        Origin::Default => failure.into(),
    }
}

impl From<ConfigError> for Stop {
    fn from(error: ConfigError) -> Self {
        from_config(&error).into()
    }
}

/// Labels the line of the config for every problem that has one; the others are listed in the message.
fn from_config(error: &ConfigError) -> Failure {
    if let [Problem { origin: Origin::Default | Origin::Override(_) | Origin::UserDefaults { .. }, .. }] =
        error.problems.as_slice()
    {
        return from_sentence(&error.to_string());
    }
    let count = error.problems.len();
    let noun = if count == 1 { "problem" } else { "problems" };
    let mut message = format!("{}: {count} {noun} in the config", error.file.display());
    for problem in &error.problems {
        message.push_str(&format!("\n{}", error.describe(problem)));
    }
    let mut failure = Failure::new(message)
        .next_step("`evenkeel init` explains every key of a config, `evenkeel catalog` lists every name")
        .source(&error.file, &error.text);
    for problem in &error.problems {
        if let Origin::File(span) = &problem.origin {
            let place = Place {
                file: error.file.display().to_string(),
                line: line_of(&error.text, span),
                key: problem.key.clone(),
                message: problem.message.clone(),
            };
            failure = failure.label(span.clone(), place);
        }
    }
    failure
}
