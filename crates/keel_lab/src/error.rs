//! Errors of the lab.

/// Errors of the lab. Every message states the fault, the location, and the next step.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// No experiment has this name.
    #[error("there is no experiment \"{name}\"{}; `evenkeel lab list` shows all", did_you_mean(nearest))]
    UnknownExperiment {
        /// Given name.
        name: String,
        /// The most similar name.
        nearest: Option<String>,
    },
    /// No exhibit has this name.
    #[error("there is no exhibit \"{name}\"{}; there are {}", did_you_mean(nearest), known.join(", "))]
    UnknownExhibit {
        /// Given name.
        name: String,
        /// The most similar name.
        nearest: Option<String>,
        /// All exhibits.
        known: Vec<&'static str>,
    },
    /// A setting is not `key=value`.
    #[error("\"{text}\" is not a setting; write it as key=value, for example width=512")]
    MalformedSetting {
        /// Given text.
        text: String,
    },
    /// The experiment has no such knob.
    #[error("{experiment} has no knob \"{knob}\"{}; it has {}", did_you_mean(nearest), known.join(", "))]
    UnknownKnob {
        /// The experiment.
        experiment: &'static str,
        /// Given name.
        knob: String,
        /// The most similar knob.
        nearest: Option<String>,
        /// All knobs.
        known: Vec<String>,
    },
    /// No experiment has such a knob.
    #[error("none of these experiments has a knob \"{knob}\"{}; `evenkeel lab list` shows all", did_you_mean(nearest))]
    KnobOfNone {
        /// Given name.
        knob: String,
        /// The most similar knob.
        nearest: Option<String>,
    },
    /// A value that the knob does not accept.
    #[error("{knob} of {experiment} cannot be {value}; give it {expected}")]
    KnobValue {
        /// The experiment.
        experiment: &'static str,
        /// The knob.
        knob: String,
        /// Given value.
        value: String,
        /// Accepted values.
        expected: String,
    },
    /// A result that is not a number.
    #[error("{what} of {experiment} is not finite; choose smaller weights or fewer layers")]
    NotFinite {
        /// The experiment.
        experiment: &'static str,
        /// The quantity.
        what: String,
    },
    /// A picture was requested that does not exist.
    #[error("{experiment} has no histograms for a picture; initialisation and batch_norm have some")]
    NoPicture {
        /// The experiment.
        experiment: &'static str,
    },
    /// The data named by a knob are not labelled images.
    #[error(
        "{source_name} holds no labelled images; give data=photographs, data=digits, a folder with one folder of images per class, or CIFAR-10 binaries"
    )]
    NoImages {
        /// Given source.
        source_name: String,
    },
    /// A dataset could not be made.
    #[error(transparent)]
    Data(#[from] keel_data::DataError),
    /// A network could not be built.
    #[error(transparent)]
    Graph(#[from] keel_nn::GraphError),
    /// A layer could not be built.
    #[error(transparent)]
    Layer(#[from] keel_nn::layers::BuildError),
    /// An initialiser was rejected.
    #[error(transparent)]
    Init(#[from] keel_nn::init::InvalidInit),
}

fn did_you_mean(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or(String::new(), |nearest| format!(", did you mean \"{nearest}\"?"))
}

/// Returns the candidate most similar to `name`, if any.
pub(crate) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    candidates
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(similarity, _)| *similarity > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate.to_owned())
}
