//! Changes to try if no finding suggests one, or none of the remedies helped: groups of changes of one kind, in the order in
//! which they most often matter.

use keel_data::{PreprocessStep, SplitDataset};
use keel_nn::init::InitSpec;
use keel_nn::layers::LayerSpec;

use super::advised_change::{AdvisedChange, UsualSettings};
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
    let standardised = standardised(config);
    standardised.map(|config| Intervention::advice(AdvisedChange::StandardiseInputs, config)).into_iter().collect()
}

fn rate(config: &Config, data: &SplitDataset) -> Vec<Intervention> {
    let rate = config.optimizer.learning_rate();
    let with = |optimizer: OptimizerConfig| Config { optimizer, ..config.clone() };
    let [lower, higher] = [rate / RATE_FACTOR, rate * RATE_FACTOR].map(three_digits);
    let mut rates =
        vec![(AdvisedChange::LowerRate { rate: lower }, lower), (AdvisedChange::RaiseRate { rate: higher }, higher)];
    let suggestion = RangeTest::run(config, data.clone()).ok().and_then(|test| test.suggestion);
    let new = |suggestion: &f64| [rate, lower, higher].iter().all(|rate| !is_same_rate(*rate, *suggestion));
    if let Some(rate) = suggestion.map(three_digits).filter(new) {
        rates.insert(0, (AdvisedChange::SuggestedRate { rate }, rate));
    }
    let mut advice: Vec<Intervention> = rates
        .into_iter()
        .map(|(change, rate)| Intervention::advice(change, with(config.optimizer.clone().with_learning_rate(rate))))
        .collect();
    if let Some(optimizer) = usual_optimizer(config) {
        let change = AdvisedChange::UsualOptimizer { optimizer: optimizer.name().to_owned() };
        advice.insert(0, Intervention::advice(change, with(optimizer)));
    }
    advice
}

/// Rounds a rate to the digits that the description of its change shows.
fn three_digits(rate: f64) -> f64 {
    format!("{rate:.2e}").parse().unwrap_or(rate)
}

fn signal(config: &Config, _data: &SplitDataset) -> Vec<Intervention> {
    let cases: [(AdvisedChange, fn(&mut Vec<LayerSpec>) -> bool); 4] = [
        (AdvisedChange::UseRelu, |layers| network::relu_for_saturating(layers)),
        (AdvisedChange::UseLeakyRelu, |layers| network::leaky_for_relu(layers)),
        (AdvisedChange::AddActivations, network::missing_activations),
        (AdvisedChange::AddBatchNorm, network::batch_norm),
    ];
    let initialised = automatically_initialised(config).map(|config| (AdvisedChange::InitialiseByFanIn, config));
    let edited = cases.into_iter().filter_map(|(change, edit)| Some((change, edited(config, edit)?)));
    initialised.into_iter().chain(edited).map(|(change, config)| Intervention::advice(change, config)).collect()
}

fn output(config: &Config, _data: &SplitDataset) -> Vec<Intervention> {
    let bare = edited(config, network::no_last_activation);
    let usual = |mut config: Config| {
        config.train.loss = LossConfig::Auto(AutoLoss::Auto);
        config
    };
    let mut advice = Vec::new();
    if let Some(bare) = &bare {
        advice.push(Intervention::advice(AdvisedChange::RemoveLastActivation, bare.clone()));
    }
    if config.train.loss != LossConfig::Auto(AutoLoss::Auto) {
        advice.push(Intervention::advice(AdvisedChange::UseUsualLoss, usual(config.clone())));
        advice.extend(bare.map(|bare| Intervention::advice(AdvisedChange::UseUsualLossAlone, usual(bare))));
    }
    advice
}

fn regularisation(config: &Config, _data: &SplitDataset) -> Vec<Intervention> {
    let mut advice = Vec::new();
    let dropouts = [
        (AdvisedChange::LowerDropout { probability: network::LOW_DROPOUT }, false),
        (AdvisedChange::RemoveDropout, true),
    ];
    for (change, off) in dropouts {
        let edit = |layers: &mut Vec<LayerSpec>| network::less_dropout(layers, off);
        let mut milder = edited(config, edit);
        if config.model.dropout > 0.0 && config.model.layers.is_empty() {
            let mut preset = config.clone();
            preset.model.dropout = if off { 0.0 } else { config.model.dropout.min(network::LOW_DROPOUT) };
            milder = (preset != *config).then_some(preset);
        }
        advice.extend(milder.map(|config| Intervention::advice(change, config)));
    }
    if config.optimizer.weight_decay() > 0.0 {
        let optimizer = config.optimizer.clone().with_weight_decay(0.0);
        let without = Config { optimizer, ..config.clone() };
        advice.push(Intervention::advice(AdvisedChange::RemoveWeightDecay, without));
    }
    if let Some(free) = edited(config, |layers| network::unfrozen(layers)) {
        advice.push(Intervention::advice(AdvisedChange::TrainAllWeights, free));
    }
    advice
}

fn conventional(config: &Config, _data: &SplitDataset) -> Vec<Intervention> {
    let usual = usual_configs(config).into_iter();
    usual.map(|(settings, usual)| Intervention::advice(AdvisedChange::UseUsualSettings { settings }, usual)).collect()
}

/// Returns the config with all usual settings at once: faults that mask each other show no effect one by one.
fn usual_configs(config: &Config) -> Vec<(UsualSettings, Config)> {
    let mut usual = standardised(config).unwrap_or_else(|| config.clone());
    usual.model.init = InitSpec::Auto;
    usual.model.dropout = usual.model.dropout.min(network::LOW_DROPOUT);
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
    let safe = (safe != usual).then_some((UsualSettings::WithUsualLoss, safe));
    let mut configs = vec![(UsualSettings::Plain, usual)];
    configs.extend(safe);
    configs.extend(normed.map(|normed| (UsualSettings::WithBatchNorm, normed)));
    configs.retain(|(_, usual)| usual != config);
    configs
}

fn size(config: &Config, _data: &SplitDataset) -> Vec<Intervention> {
    let mut advice = Vec::new();
    let wider = edited(config, |layers| network::wider(layers));
    advice.extend(wider.map(|config| Intervention::advice(AdvisedChange::WidenLayers, config)));
    if !BATCH_SIZES.contains(&config.train.batch_size) {
        let mut changed = config.clone();
        changed.train.batch_size = BATCH_SIZE;
        advice.push(Intervention::advice(AdvisedChange::SetBatchSize { batch_size: BATCH_SIZE }, changed));
    }
    advice
}

fn length(config: &Config, _data: &SplitDataset) -> Vec<Intervention> {
    let longer = longer(config.clone());
    vec![Intervention::advice(AdvisedChange::TrainLonger { epochs: longer.train.epochs }, longer)]
}

/// Returns the usual settings with wider layers, more epochs, and each of the usual learning rates.
fn larger(config: &Config, _data: &SplitDataset) -> Vec<Intervention> {
    let mut advice = Vec::new();
    for (settings, usual) in usual_configs(config) {
        let larger = longer(edited(&usual, |layers| network::wider(layers)).unwrap_or(usual));
        let epochs = larger.train.epochs;
        for rate in USUAL_RATES {
            let optimizer = larger.optimizer.clone().with_learning_rate(rate);
            let change = AdvisedChange::EnlargeUsual { settings, epochs, rate };
            advice.push(Intervention::advice(change, Config { optimizer, ..larger.clone() }));
        }
    }
    advice
}

/// Returns the config with more epochs, all of which are trained.
fn longer(mut config: Config) -> Config {
    config.train.epochs = config.train.epochs.saturating_mul(LONGER).min(MOST_EPOCHS);
    config.train.early_stopping = 0;
    config
}

/// Returns the config with the automatic initialisers; `None` if it has them already.
fn automatically_initialised(config: &Config) -> Option<Config> {
    if config.model.init == InitSpec::Auto {
        return edited(config, |layers| network::automatic_init(layers));
    }
    let mut automatic = config.clone();
    automatic.model.init = InitSpec::Auto;
    network::automatic_init(&mut automatic.model.layers);
    Some(automatic)
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

fn is_same_rate(one: f64, other: f64) -> bool {
    (one / other).max(other / one) < SAME_RATE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::loading::load_data;

    fn config(settings: &[&str]) -> Config {
        let settings: Vec<String> = settings.iter().map(|text| (*text).to_owned()).collect();
        config::load(Some("mlp"), &settings).unwrap_or_else(|error| panic!("{error}"))
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

    #[test]
    fn descriptions_of_rates_state_all_their_digits() {
        let config = config(&["data.source=digits", "optimizer.type=sgd", "optimizer.learning_rate=0.123456"]);
        let data = load_data(&config).unwrap();
        let rates = rate(&config, &data);
        assert!(rates.len() >= 3, "{rates:?}");
        for advice in rates {
            let stated = advice.change.split(' ').filter_map(|word| word.parse().ok()).collect::<Vec<f64>>();
            let optimizer = advice.config.unwrap().optimizer;
            // Another optimizer is proposed at its usual rate, which the description does not state.
            let rate = (optimizer.name() == config.optimizer.name()).then(|| optimizer.learning_rate());
            assert_eq!(stated, Vec::from_iter(rate), "{}", advice.change);
        }
    }
}
