//! Random search over the settings that the doctor changes: the baseline for repair tools (Bergstra & Bengio 2012; "Repairing
//! DNN Architecture: Are We There Yet?", 2023).

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use keel_data::{PreprocessStep, SplitDataset};
use keel_nn::activations::{Activation, LeakyReluSpec};
use keel_nn::init::InitSpec;
use keel_nn::layers::{DropoutSpec, LayerSpec};
use keel_train::Config;
use keel_train::optimizers::{AdamConfig, OptimizerConfig, RmspropConfig, SgdConfig};

use super::draws::Draws;
use super::{score, trained};

/// Seed of the draws.
const SEED: u64 = 20_231;

/// Range of the learning rate.
const RATES: [f64; 2] = [1e-4, 1.0];

/// A random search around a config; each draw keeps about half of the settings.
pub(super) struct RandomSearch {
    base: Config,
    data: SplitDataset,
    draws: Draws,
    /// Number of training runs so far.
    pub(super) trainings: u64,
}

impl RandomSearch {
    pub(super) fn new(base: Config, data: SplitDataset) -> Self {
        RandomSearch { base: base.settled(), data, draws: Draws::new(SEED), trainings: 0 }
    }

    /// Trains the initial config and then one draw after the other for `seconds`; returns the config with the best validation
    /// score.
    pub(super) fn run(&mut self, seconds: f64, stop: &AtomicBool) -> Config {
        let began = Instant::now();
        let mut best = self.base.clone();
        let mut best_score = self.validation_score(&best);
        while began.elapsed().as_secs_f64() < seconds && !stop.load(Ordering::Relaxed) {
            let candidate = self.draw();
            let score = self.validation_score(&candidate);
            if score > best_score {
                (best, best_score) = (candidate, score);
            }
        }
        best
    }

    fn validation_score(&mut self, config: &Config) -> f64 {
        self.trainings += 1;
        let result = trained(config, Some(self.data.clone()), config.train.seed);
        result.map_or(f64::NEG_INFINITY, |(validation, _)| score(&validation))
    }

    /// Returns the initial config with about half of its settings redrawn.
    fn draw(&mut self) -> Config {
        let mut config = self.base.clone();
        if self.draws.unit() < 0.5 {
            config.optimizer = self.draws.one_of(&[
                OptimizerConfig::Sgd(SgdConfig::default()),
                OptimizerConfig::Adam(AdamConfig::default()),
                OptimizerConfig::Rmsprop(RmspropConfig::default()),
            ]);
        }
        if self.draws.unit() < 0.5 {
            let rate = self.draws.logarithmic(RATES[0], RATES[1]);
            config.optimizer = config.optimizer.with_learning_rate(rate);
        }
        if self.draws.unit() < 0.5 {
            let decay = self.draws.one_of(&[0.0, 1e-4, 1e-2]);
            config.optimizer = config.optimizer.with_weight_decay(decay);
        }
        if self.draws.unit() < 0.5 {
            config.preprocess.recipe = None;
            config.preprocess.steps =
                self.draws.one_of(&[Vec::new(), vec![PreprocessStep::Standardize], vec![PreprocessStep::MinMax]]);
        }
        if self.draws.unit() < 0.5 {
            config.train.batch_size = self.draws.one_of(&[16, 32, 64, 128]);
        }
        if self.draws.unit() < 0.5 {
            config.train.epochs = config.train.epochs.saturating_mul(self.draws.one_of(&[2, 3])).min(1_000_000);
        }
        self.draw_layers(&mut config);
        config
    }

    fn draw_layers(&mut self, config: &mut Config) {
        config.model = config.model.listed();
        let layers = &mut config.model.layers;
        let Some(last) = layers.iter().rposition(|layer| matches!(layer, LayerSpec::Linear(_))) else { return };
        if self.draws.unit() < 0.5 {
            config.model.init = InitSpec::Auto;
            layers.iter_mut().for_each(|layer| match layer {
                LayerSpec::Linear(linear) => linear.init = InitSpec::Auto,
                LayerSpec::Conv2d(conv) => conv.init = InitSpec::Auto,
                _ => {}
            });
        }
        if self.draws.unit() < 0.5 {
            let new = self.draws.one_of(&[
                Activation::Relu,
                Activation::LeakyRelu(LeakyReluSpec::DEFAULT),
                Activation::Tanh,
                Activation::Sigmoid,
            ]);
            layers[..last].iter_mut().for_each(|layer| {
                if let LayerSpec::Activation(activation) = layer {
                    *activation = new;
                }
            });
        }
        if self.draws.unit() < 0.5 {
            let factor = self.draws.one_of(&[0.5, 2.0, 4.0]);
            let scaled = |width: usize| ((width as f64 * factor) as usize).clamp(1, 1024);
            layers[..last].iter_mut().for_each(|layer| match layer {
                LayerSpec::Linear(linear) => linear.out_features = linear.out_features.map(scaled),
                LayerSpec::Conv2d(conv) if conv.groups == 1 => conv.out_channels = scaled(conv.out_channels),
                _ => {}
            });
        }
        if self.draws.unit() < 0.5 {
            self.draw_depth(layers);
        }
        if self.draws.unit() < 0.5 {
            let probability = self.draws.one_of(&[0.0, 0.2, 0.5]);
            self.draw_dropout(layers, probability);
        }
    }

    /// Removes one hidden linear layer with its activation and norm, or adds another of the same kind.
    fn draw_depth(&mut self, layers: &mut Vec<LayerSpec>) {
        let linear = |layer: &LayerSpec| matches!(layer, LayerSpec::Linear(_));
        let places: Vec<usize> = (0..layers.len()).filter(|&at| linear(&layers[at])).collect();
        let [.., from, to] = places[..] else { return };
        if self.draws.unit() < 0.5 && places.len() > 2 {
            layers.drain(from..to);
        } else {
            let copy = layers[from..to].to_vec();
            layers.splice(to..to, copy);
        }
    }

    /// Sets the probability of every dropout, or adds one dropout before the last layer.
    fn draw_dropout(&mut self, layers: &mut Vec<LayerSpec>, probability: f32) {
        let mut found = false;
        for layer in layers.iter_mut() {
            if let LayerSpec::Dropout(dropout) = layer {
                (dropout.probability, found) = (probability, true);
            }
        }
        let last = layers.iter().rposition(|layer| matches!(layer, LayerSpec::Linear(_)));
        if let (false, Some(last)) = (found, last.filter(|_| probability > 0.0)) {
            layers.insert(last, LayerSpec::Dropout(DropoutSpec { probability }));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn draws_reach_every_setting_and_most_can_be_trained() {
        let settings = ["data.source=spiral", "train.epochs=1", "model.width=8", "train.threads=1"].map(str::to_owned);
        let base = keel_train::config::load(Some("mlp"), &settings).unwrap();
        let data = keel_train::load_data(&base).unwrap();
        let mut search = RandomSearch::new(base.clone(), data);
        let drawn: Vec<Config> = (0..60).map(|_| search.draw()).collect();
        let kinds = |value: fn(&Config) -> String| drawn.iter().map(value).collect::<BTreeSet<_>>().len();
        assert!(kinds(|config| config.optimizer.name().to_owned()) >= 3);
        assert!(kinds(|config| config.optimizer.learning_rate().to_string()) > 20);
        assert!(kinds(|config| config.train.batch_size.to_string()) >= 4);
        assert!(kinds(|config| config.train.epochs.to_string()) == 3);
        assert!(kinds(|config| config.model.layers.len().to_string()) >= 3, "depth and dropout");
        assert!(kinds(|config| format!("{:?}", config.preprocess.steps)) >= 3);
        let finite = drawn.iter().take(12).filter(|config| search.validation_score(config).is_finite()).count();
        assert!(finite >= 8, "{finite} of 12 have a result");
    }
}
