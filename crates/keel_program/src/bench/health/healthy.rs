//! Healthy training runs, some of them unusual: none may raise an alarm.

use super::Healthy;
use super::networks::{Architecture, Recipe};

const fn healthy(name: &'static str, summary: &'static str, recipe: fn(Architecture) -> Recipe) -> Healthy {
    Healthy { name, summary, recipe }
}

/// All healthy variants.
pub(crate) const HEALTHY: &[Healthy] = &[
    healthy("plain", "relu, kaiming_normal, momentum 0.9", |network| network.healthy()),
    healthy("normalised", "batch norm everywhere", |network| Recipe { norm: Some(""), ..network.healthy() }),
    healthy("tanh", "tanh with its initialiser", |network| Recipe { function: "tanh", ..network.healthy() }),
    healthy("deep_tanh", "eight layers of tanh with xavier_normal", |network| Recipe {
        function: "tanh",
        norm: None,
        depth: if network == Architecture::Residual { 3 } else { 8 },
        ..network.healthy()
    }),
    healthy("deep_relu", "eight layers of relu with kaiming_normal", |network| Recipe {
        depth: if network == Architecture::Residual { 3 } else { 8 },
        ..network.healthy()
    }),
    healthy("leaky_relu", "leaky relu", |network| Recipe { function: "leaky_relu", ..network.healthy() }),
    healthy("elu", "elu", |network| Recipe { function: "elu", ..network.healthy() }),
    healthy("gelu", "gelu", |network| Recipe { function: "gelu", ..network.healthy() }),
    healthy("silu", "silu, normalised", |network| Recipe { function: "silu", norm: Some(""), ..network.healthy() }),
    healthy("adam", "adam at 0.001", |network| Recipe {
        rate: 1.0,
        settings: &["optimizer.type=adam", "optimizer.learning_rate=0.001"],
        ..network.healthy()
    }),
    healthy("adamw", "adamw at 0.002 with decay 0.01", |network| Recipe {
        settings: &["optimizer.type=adamw", "optimizer.learning_rate=0.002", "optimizer.weight_decay=0.01"],
        ..network.healthy()
    }),
    healthy("cosine", "cosine schedule to zero", |network| Recipe {
        settings: &["schedule.type=cosine"],
        ..network.healthy()
    }),
    healthy("one_cycle", "one cycle up and down", |network| Recipe {
        rate: 2.0,
        settings: &["schedule.type=one_cycle"],
        ..network.healthy()
    }),
    healthy("dropout", "dropout of 0.3 before the last layer", |network| Recipe {
        before_last: "{ type = \"dropout\", probability = 0.3 }",
        ..network.healthy()
    }),
    healthy("no_momentum", "plain gradient descent, ten times the rate", |network| Recipe {
        rate: 5.0,
        settings: &["optimizer.momentum=0.0"],
        ..network.healthy()
    }),
    healthy("no_decay", "no weight decay", |network| Recipe {
        settings: &["optimizer.weight_decay=0.0"],
        ..network.healthy()
    }),
    healthy("large_batch", "batches of 256", |network| Recipe {
        settings: &["train.batch_size=256", "train.epochs=24"],
        ..network.healthy()
    }),
    healthy("small_batch", "batches of 16", |network| Recipe {
        rate: 0.5,
        settings: &["train.batch_size=16", "train.epochs=6"],
        ..network.healthy()
    }),
    healthy("orthogonal", "orthogonal weights, tanh", |network| Recipe {
        function: "tanh",
        hidden: ", init = \"orthogonal\"",
        ..network.healthy()
    }),
    healthy("clipped", "gradient norm clipped at 1", |network| Recipe {
        settings: &["optimizer.clip_norm=1.0"],
        ..network.healthy()
    }),
];
