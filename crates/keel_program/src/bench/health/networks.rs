//! Three kinds of networks, small enough for hundreds of training runs.

use super::samples::Change;

/// A kind of network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Architecture {
    /// Linear layers.
    Mlp,
    /// Convolutions and pooling.
    Cnn,
    /// Residual blocks of convolutions.
    Residual,
}

/// Structure and settings of a training run of a kind of network.
#[derive(Debug, Clone)]
pub(crate) struct Recipe {
    /// Activation of every hidden layer; empty for none.
    pub(crate) function: &'static str,
    /// Batch normalisation before every activation, with these additional keys; `None` for none.
    pub(crate) norm: Option<&'static str>,
    /// Number of hidden layers (residual: blocks).
    pub(crate) depth: usize,
    /// Additional keys of every hidden layer with weights.
    pub(crate) hidden: &'static str,
    /// Layers before the last linear one.
    pub(crate) before_last: &'static str,
    /// Additional keys of the last linear layer; `None` for the network's default.
    pub(crate) last: Option<&'static str>,
    /// Layers after the last linear one.
    pub(crate) after_last: &'static str,
    /// Change of the samples before training.
    pub(crate) change: Change,
    /// Factor of the network's suitable learning rate.
    pub(crate) rate: f64,
    /// Additional settings.
    pub(crate) settings: &'static [&'static str],
}

impl Architecture {
    /// All kinds.
    pub(crate) const ALL: [Architecture; 3] = [Architecture::Mlp, Architecture::Cnn, Architecture::Residual];

    /// Returns the name for tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Architecture::Mlp => "mlp",
            Architecture::Cnn => "cnn",
            Architecture::Residual => "residual",
        }
    }

    /// Returns additional keys of the last layer. Sums of branches and maxima are large, so the layer that reads them starts
    /// with small weights; otherwise the initial loss would be far above that of guessing.
    fn last(self) -> &'static str {
        match self {
            Architecture::Mlp => "",
            Architecture::Cnn => ", init = { type = \"normal\", std = 0.1 }",
            Architecture::Residual => ", init = { type = \"normal\", std = 0.01 }",
        }
    }

    /// Returns a healthy training run: relu, with batch norm only in the residual network.
    pub(crate) fn healthy(self) -> Recipe {
        let (depth, norm) = match self {
            Architecture::Mlp | Architecture::Cnn => (3, None),
            Architecture::Residual => (2, Some("")),
        };
        Recipe {
            function: "relu",
            norm,
            depth,
            hidden: "",
            before_last: "",
            last: None,
            after_last: "",
            change: Change::Nothing,
            rate: 1.0,
            settings: &[],
        }
    }
}

impl Recipe {
    /// Returns the suitable learning rate of the network, without the factor.
    fn suitable_rate(&self) -> f64 {
        if self.norm.is_some() { 0.05 } else { 0.01 }
    }

    /// Returns all settings as `key=value` overrides of the default config.
    pub(crate) fn overrides(&self, architecture: Architecture, seed: u64) -> Vec<String> {
        let mut overrides = vec![
            format!("model.layers=[{}]", self.layers(architecture)),
            format!("train.seed={seed}"),
            "train.epochs=12".to_owned(),
            "schedule.type=constant".to_owned(),
            format!("optimizer.learning_rate={}", self.rate * self.suitable_rate()),
        ];
        overrides.extend(self.settings.iter().map(|&setting| setting.to_owned()));
        overrides
    }

    fn layers(&self, architecture: Architecture) -> String {
        let mut layers = Vec::new();
        let norm = self.norm.map(|keys| format!("{{ type = \"batch_norm\"{keys} }}"));
        let activation = format!("{{ type = \"activation\", function = \"{}\" }}", self.function);
        let activation = (!self.function.is_empty()).then_some(activation);
        let linear = format!("{{ type = \"linear\", out_features = 48{} }}", self.hidden);
        let convolution =
            format!("{{ type = \"conv2d\", out_channels = 8, kernel = 3, padding = \"same\"{} }}", self.hidden);
        let pool = "{ type = \"max_pool\", kernel = 2 }".to_owned();
        match architecture {
            Architecture::Mlp => {
                for _ in 0..self.depth {
                    layers.push(linear.clone());
                    layers.extend(norm.clone());
                    layers.extend(activation.clone());
                }
            }
            Architecture::Cnn => {
                for layer in 0..self.depth {
                    layers.push(convolution.clone());
                    layers.extend(norm.clone());
                    layers.extend(activation.clone());
                    if layer + 2 >= self.depth {
                        layers.push(pool.clone());
                    }
                }
            }
            Architecture::Residual => {
                layers.push(convolution.clone());
                layers.extend(norm.clone());
                layers.extend(activation.clone());
                for _ in 0..self.depth {
                    let mut body = vec![convolution.clone()];
                    body.extend(norm.clone());
                    body.extend(activation.clone());
                    body.push(convolution.clone());
                    body.extend(norm.clone());
                    let body = body.join(", ");
                    layers.push(format!("{{ type = \"residual\", after = \"{}\", body = [{body}] }}", self.function));
                }
                layers.push(pool);
            }
        }
        layers.extend((!self.before_last.is_empty()).then(|| self.before_last.to_owned()));
        layers.push(format!("{{ type = \"linear\"{} }}", self.last.unwrap_or(architecture.last())));
        layers.extend((!self.after_last.is_empty()).then(|| self.after_last.to_owned()));
        layers.join(", ")
    }
}
