//! Changes to try if no finding suggests one, or none of the remedies helped: groups of changes of one kind, in the order in
//! which they most often matter.

use keel_data::{PreprocessStep, SplitDataset};
use keel_nn::init::InitSpec;
use keel_nn::layers::LayerSpec;

use super::intervention::Intervention;
use super::network_changes as network;
use crate::config::{AutoLoss, Config, LossConfig};
use crate::optimizers::{AdamConfig, OptimizerConfig};
use crate::planning::RangeTest;
use crate::schedules::ScheduleConfig;

/// Factor between learning rates that are tried.
const RATE_FACTOR: f64 = 10.0;

/// Ratio up to which two learning rates count as equal.
const SAME_RATE: f64 = 1.5;

/// Factor of the number of epochs.
const LONGER: u64 = 3;

/// Maximum number of epochs of a config.
const MOST_EPOCHS: u64 = 1_000_000;

/// Learning rates of Adam that suit most networks.
const USUAL_RATES: [f64; 2] = [0.001, 0.01];

/// Batch size that suits nearly every network.
const BATCH_SIZE: usize = 32;

/// Batch sizes outside which a smaller or a larger batch is tried.
const BATCH_SIZES: std::ops::RangeInclusive<usize> = 8..=128;

/// A group of changes of one kind.
pub(super) struct Group {
    /// Returns the changes for the given config.
    pub(super) changes: fn(&Config, &SplitDataset) -> Vec<Intervention>,
    /// Condition for trying the group.
    pub(super) occasion: Occasion,
}

/// Condition for trying a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occasion {
    /// The training run has a fault.
    Fault,
    /// The loss was still falling at the end, or the training run has a fault; needs longer training runs.
    TooShort,
    /// The training run has a fault and nothing else helps; needs longer training runs.
    LastResort,
}

/// Groups in the order in which they are tried.
pub(super) const GROUPS: [Group; 9] = [
    Group { changes: inputs, occasion: Occasion::Fault },
    Group { changes: rate, occasion: Occasion::Fault },
    Group { changes: signal, occasion: Occasion::Fault },
    Group { changes: output, occasion: Occasion::Fault },
    Group { changes: regularisation, occasion: Occasion::Fault },
    Group { changes: conventional, occasion: Occasion::Fault },
    Group { changes: size, occasion: Occasion::Fault },
    Group { changes: length, occasion: Occasion::TooShort },
    Group { changes: larger, occasion: Occasion::LastResort },
];

fn inputs(config: &Config, _data: &SplitDataset) -> Vec<Intervention> {
    let reason = "with features of different scales or far from zero, no learning rate suits all weights";
    standardised(config)
        .map(|config| Intervention::advice("standardise the inputs", reason, config))
        .into_iter()
        .collect()
}

fn rate(config: &Config, data: &SplitDataset) -> Vec<Intervention> {
    let rate = config.optimizer.learning_rate();
    let reason = "the learning rate matters more than any other setting";
    let with = |optimizer: OptimizerConfig| Config { optimizer, ..config.clone() };
    let mut rates: Vec<(String, f64)> = vec![
        (format!("lower the learning rate to {}", rate_text(rate / RATE_FACTOR)), rate / RATE_FACTOR),
        (format!("raise the learning rate to {}", rate_text(rate * RATE_FACTOR)), rate * RATE_FACTOR),
    ];
    let suggestion = RangeTest::run(config, data.clone()).ok().and_then(|test| test.suggestion);
    let new = |suggestion: &f64| rates.iter().all(|(_, rate)| !is_same_rate(*rate, *suggestion));
    if let Some(suggestion) = suggestion.filter(|suggestion| new(suggestion) && !is_same_rate(rate, *suggestion)) {
        rates.insert(
            0,
            (format!("use the learning rate {} that a range test suggests", rate_text(suggestion)), suggestion),
        );
    }
    let mut advice: Vec<Intervention> = rates
        .into_iter()
        .map(|(change, rate)| {
            Intervention::advice(change, reason, with(config.optimizer.clone().with_learning_rate(rate)))
        })
        .collect();
    if let Some(optimizer) = usual_optimizer(config) {
        let reason = "it adapts the step size to each weight, so that one learning rate suits most networks";
        let change = format!("train with {} at its usual learning rate", optimizer.name());
        advice.insert(0, Intervention::advice(change, reason, with(optimizer)));
    }
    advice
}

fn signal(config: &Config, _data: &SplitDataset) -> Vec<Intervention> {
    let cases: [(&str, &str, fn(&mut Vec<LayerSpec>) -> bool); 5] = [
        (
            "initialise by fan-in",
            "weights of the wrong scale shrink or amplify the signal from layer to layer",
            |layers| network::automatic_init(layers),
        ),
        (
            "use relu in the hidden layers",
            "activations that saturate on both sides pass little gradient through many layers",
            |layers| network::relu_for_saturating(layers),
        ),
        (
            "use leaky relu in the hidden layers",
            "units that are never active do not learn; with leaky relu they always receive some gradient",
            |layers| network::leaky_for_relu(layers),
        ),
        (
            "add relu between layers without an activation in between",
            "consecutive layers without an activation are equivalent to one linear layer",
            network::missing_activations,
        ),
        (
            "add batch norm after the hidden layers",
            "it keeps the scale of the signal constant regardless of the weights",
            network::batch_norm,
        ),
    ];
    let mut advice: Vec<Intervention> = cases
        .iter()
        .filter_map(|(change, reason, edit)| Some(Intervention::advice(*change, reason, edited(config, *edit)?)))
        .collect();
    if config.model.init != InitSpec::Auto {
        let mut automatic = config.clone();
        automatic.model.init = InitSpec::Auto;
        network::automatic_init(&mut automatic.model.layers);
        advice.retain(|other| other.change != cases[0].0);
        advice.insert(0, Intervention::advice(cases[0].0, cases[0].1, automatic));
    }
    advice
}

fn output(config: &Config, _data: &SplitDataset) -> Vec<Intervention> {
    let bare = edited(config, network::no_last_activation);
    let usual = |mut config: Config| {
        config.train.loss = LossConfig::Auto(AutoLoss::Auto);
        config
    };
    let mut advice = Vec::new();
    if let Some(bare) = &bare {
        let reason = "the loss includes its own activation, and a second one limits the outputs of the network";
        advice.push(Intervention::advice("remove the last activation", reason, bare.clone()));
    }
    if config.train.loss != LossConfig::Auto(AutoLoss::Auto) {
        let reason = "another loss optimises a different objective";
        let change = "use the usual loss of the task";
        advice.push(Intervention::advice(change, reason, usual(config.clone())));
        let both = "use the usual loss and remove the last activation";
        advice.extend(bare.map(|bare| Intervention::advice(both, reason, usual(bare))));
    }
    advice
}

fn regularisation(config: &Config, _data: &SplitDataset) -> Vec<Intervention> {
    let mut advice = Vec::new();
    let reason = "a network that does not fit its training samples needs no regularisation";
    let dropouts = [("lower the dropout to 0.2", false), ("remove the dropout", true)];
    for (change, off) in dropouts {
        let edit = |layers: &mut Vec<LayerSpec>| network::less_dropout(layers, off);
        let mut milder = edited(config, edit);
        if config.model.dropout > 0.0 && config.model.layers.is_empty() {
            let mut preset = config.clone();
            preset.model.dropout = if off { 0.0 } else { config.model.dropout.min(0.2) };
            milder = (preset != *config).then_some(preset);
        }
        advice.extend(milder.map(|config| Intervention::advice(change, reason, config)));
    }
    if config.optimizer.weight_decay() > 0.0 {
        let optimizer = config.optimizer.clone().with_weight_decay(0.0);
        let without = Config { optimizer, ..config.clone() };
        advice.push(Intervention::advice("remove the weight decay", reason, without));
    }
    if let Some(free) = edited(config, |layers| network::unfrozen(layers)) {
        let reason = "frozen weights keep their initial values";
        advice.push(Intervention::advice("train all weights", reason, free));
    }
    advice
}

/// Returns the config with all usual settings at once: faults that mask each other show no effect one by one.
fn conventional(config: &Config, _data: &SplitDataset) -> Vec<Intervention> {
    let mut usual = standardised(config).unwrap_or_else(|| config.clone());
    usual.model.init = InitSpec::Auto;
    usual.model.dropout = usual.model.dropout.min(0.2);
    usual.optimizer = OptimizerConfig::Adam(AdamConfig::default());
    usual.schedule = ScheduleConfig::default();
    if !BATCH_SIZES.contains(&usual.train.batch_size) {
        usual.train.batch_size = BATCH_SIZE;
    }
    let all = |layers: &mut Vec<LayerSpec>| {
        network::automatic_init(layers);
        network::unfrozen(layers);
        network::less_dropout(layers, false);
        network::relu_for_saturating(layers);
        network::missing_activations(layers);
        true
    };
    usual.model.layers = edited(&usual, all).map(|edited| edited.model.layers).unwrap_or_default();
    let mut safe = edited(&usual, network::no_last_activation).unwrap_or_else(|| usual.clone());
    safe.train.loss = LossConfig::Auto(AutoLoss::Auto);
    let normed = edited(&usual, network::batch_norm);
    let reason = "faults that mask each other show no effect one by one";
    let name = "use the usual inputs, initialisation, activations and optimizer, all at once";
    let mut advice = vec![Intervention::advice(name, reason, usual.clone())];
    if safe != usual {
        advice.push(Intervention::advice(
            format!("{name}, and the usual loss without a last activation"),
            reason,
            safe,
        ));
    }
    advice.extend(normed.map(|config| Intervention::advice(format!("{name}, with batch norm"), reason, config)));
    advice.retain(|advice| advice.config.as_ref() != Ok(config));
    advice
}

fn size(config: &Config, _data: &SplitDataset) -> Vec<Intervention> {
    let reason = "a network that is too small cannot fit its data";
    let mut advice = Vec::new();
    let wider = edited(config, |layers| network::wider(layers));
    advice.extend(wider.map(|config| Intervention::advice("widen narrow hidden layers", reason, config)));
    if !BATCH_SIZES.contains(&config.train.batch_size) {
        let mut changed = config.clone();
        changed.train.batch_size = BATCH_SIZE;
        let reason = "large batches give few steps per epoch, tiny ones give noisy steps";
        advice.push(Intervention::advice(format!("train with batches of {BATCH_SIZE}"), reason, changed));
    }
    advice
}

fn length(config: &Config, _data: &SplitDataset) -> Vec<Intervention> {
    let mut longer = config.clone();
    longer.train.epochs = config.train.epochs.saturating_mul(LONGER).min(MOST_EPOCHS);
    longer.train.early_stopping = 0;
    let reason = "the loss may continue to fall";
    let change = format!("train for {} epochs", longer.train.epochs);
    vec![Intervention::advice(change, reason, longer)]
}

/// Returns the usual settings with wider layers, more epochs, and each of the usual learning rates.
fn larger(config: &Config, data: &SplitDataset) -> Vec<Intervention> {
    let reason = "faults that mask each other show no effect one by one, and small networks need more time";
    let mut advice = Vec::new();
    for usual in conventional(config, data) {
        let Ok(mut larger) = usual.config else { continue };
        larger = edited(&larger, |layers| network::wider(layers)).unwrap_or(larger);
        larger.train.epochs = config.train.epochs.saturating_mul(LONGER).min(MOST_EPOCHS);
        larger.train.early_stopping = 0;
        for rate in USUAL_RATES {
            let mut config = larger.clone();
            config.optimizer = config.optimizer.with_learning_rate(rate);
            let change =
                format!("{}; a wider network, {} epochs, learning rate {rate}", usual.change, config.train.epochs);
            advice.push(Intervention::advice(change, reason, config));
        }
    }
    advice
}

/// Returns the config with `edit` applied to its layers; `None` if nothing changes, or if entries move that the config names.
fn edited(config: &Config, edit: impl FnOnce(&mut Vec<LayerSpec>) -> bool) -> Option<Config> {
    let mut changed = config.clone();
    if changed.model.layers.is_empty() {
        changed.model = changed.model.listed();
    }
    let before = changed.model.layers.len();
    let changes = edit(&mut changed.model.layers);
    let keeps_places = before == changed.model.layers.len() || !changed.model.names_parts();
    (changes && keeps_places).then_some(changed)
}

/// Returns the config with standardised inputs; `None` if a step already scales them.
fn standardised(config: &Config) -> Option<Config> {
    let steps = config.preprocess.resolved_steps();
    let scales = |step: &PreprocessStep| {
        use PreprocessStep::*;
        matches!(step, Standardize | RobustScale | ChannelStandardize | Whiten(_) | Zca(_) | PiecewiseLinear(_))
    };
    if steps.iter().any(scales) {
        return None;
    }
    let mut changed = config.clone();
    changed.preprocess.recipe = None;
    changed.preprocess.steps = steps;
    changed.preprocess.steps.push(PreprocessStep::Standardize);
    Some(changed)
}

/// Returns Adam with its default settings, unless it is used already.
fn usual_optimizer(config: &Config) -> Option<OptimizerConfig> {
    let usual = OptimizerConfig::Adam(AdamConfig::default());
    let adaptive = matches!(config.optimizer, OptimizerConfig::Adam(_) | OptimizerConfig::Adamw(_));
    let same = adaptive && is_same_rate(config.optimizer.learning_rate(), usual.learning_rate());
    (!same).then_some(usual)
}

/// Formats a rate with three significant digits, with an exponent for small numbers.
fn rate_text(rate: f64) -> String {
    let rounded: f64 = format!("{rate:.2e}").parse().unwrap_or(rate);
    if rounded < 1e-3 { format!("{rounded:e}") } else { rounded.to_string() }
}

fn is_same_rate(one: f64, other: f64) -> bool {
    (one / other).max(other / one) < SAME_RATE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::session::load_data;

    fn config(settings: &[&str]) -> Config {
        let settings: Vec<String> = settings.iter().map(|text| (*text).to_owned()).collect();
        config::load(Some("mlp"), &settings).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn rates_are_written_for_people() {
        let cases = [(3.0, "3"), (0.1, "0.1"), (1e-3, "0.001"), (5.0812e-4, "5.08e-4"), (1e-5, "1e-5")];
        for (rate, text) in cases {
            assert_eq!(rate_text(rate), text);
        }
    }

    #[test]
    fn advice_changes_what_it_says_and_nothing_that_is_right_already() {
        let faulty = config(&[
            "data.source=digits",
            "preprocess.steps=[]",
            "optimizer.type=sgd",
            "optimizer.learning_rate=30.0",
            "train.batch_size=512",
            "train.loss=mse",
            "model.layers=[{type=\"linear\",out_features=8,init=\"zeros\"},{type=\"activation\",function=\"sigmoid\"},\
             {type=\"dropout\",probability=0.9},{type=\"linear\"},{type=\"activation\",function=\"sigmoid\"}]",
        ]);
        let data = load_data(&faulty).unwrap();
        let changes = |group: fn(&Config, &SplitDataset) -> Vec<Intervention>, config: &Config| -> Vec<String> {
            group(config, &data).into_iter().map(|advice| advice.change).collect()
        };
        assert_eq!(changes(inputs, &faulty), ["standardise the inputs"]);
        let rates = changes(rate, &faulty);
        assert!(rates[0].contains("usual learning rate") && rates.iter().any(|change| change.ends_with("to 3")));
        assert_eq!(changes(signal, &faulty).len(), 3, "initialiser, relu, batch norm");
        assert_eq!(changes(output, &faulty).len(), 3);
        assert_eq!(changes(regularisation, &faulty).len(), 3, "less dropout, none, no decay");
        assert_eq!(changes(size, &faulty).len(), 2);
        let usual = conventional(&faulty, &data).remove(0).config.unwrap();
        assert_eq!(usual.preprocess.steps, [PreprocessStep::Standardize]);
        assert_eq!(changes(inputs, &usual), [""; 0]);
        assert_eq!(conventional(&usual, &data).len(), 2, "only the loss and batch norm remain to be changed");
    }
}
