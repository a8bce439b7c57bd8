//! List of the faults.

use keel_health::rules::{
    batch_norm, dead_relu, exploding_gradient, frozen, inputs, labels, loss_trend, non_finite, output_loss,
    overfitting, regularization, saturation, signal, start_loss, symmetry, update_ratio, vanishing_gradient, zigzag,
};

use super::Fault;
use super::networks::{Architecture, Recipe};
use super::samples::Change;

const NORMALISED: Option<&str> = Some("");

/// Expected codes of a fault.
struct Expected {
    /// Codes one of which the leading finding must have.
    roots: &'static [&'static str],
    /// Further codes that indicate the fault.
    symptoms: &'static [&'static str],
}

const fn fault(
    name: &'static str,
    summary: &'static str,
    expected: Expected,
    recipe: fn(Architecture) -> Recipe,
) -> Fault {
    let Expected { roots, symptoms } = expected;
    Fault { name, summary, roots, symptoms, remark: false, recipe }
}

const fn remarked(
    name: &'static str,
    summary: &'static str,
    roots: &'static [&'static str],
    recipe: fn(Architecture) -> Recipe,
) -> Fault {
    Fault { name, summary, roots, symptoms: &[], remark: true, recipe }
}

/// All faults.
pub(crate) const FAULTS: &[Fault] = &[
    fault(
        "constant_init",
        "all weights 0.1",
        Expected {
            roots: &[symmetry::CODE],
            symptoms: &[signal::CODE, frozen::CODE, vanishing_gradient::CODE, loss_trend::CODE],
        },
        |network| Recipe { norm: None, hidden: ", init = { type = \"constant\", value = 0.1 }", ..network.healthy() },
    ),
    fault(
        "init_too_small",
        "normal weights, std 0.001",
        Expected {
            roots: &[signal::CODE],
            symptoms: &[vanishing_gradient::CODE, loss_trend::CODE, update_ratio::CODE],
        },
        |network| Recipe { norm: None, hidden: ", init = { type = \"normal\", std = 0.001 }", ..network.healthy() },
    ),
    fault(
        "init_too_large",
        "normal weights, std 1",
        Expected {
            roots: &[signal::CODE],
            symptoms: &[non_finite::CODE, start_loss::CODE, exploding_gradient::CODE, loss_trend::CODE],
        },
        |network| Recipe { norm: None, hidden: ", init = { type = \"normal\", std = 1.0 }", ..network.healthy() },
    ),
    fault(
        "init_of_another_activation",
        "xavier_normal of gain 1 in deep relu; std 0.5 with tanh in the residual network",
        Expected { roots: &[signal::CODE, saturation::CODE], symptoms: &[vanishing_gradient::CODE, loss_trend::CODE] },
        |network| match network {
            Architecture::Mlp | Architecture::Cnn => {
                Recipe { depth: 8, hidden: ", init = \"xavier_normal\"", ..network.healthy() }
            }
            Architecture::Residual => Recipe {
                norm: None,
                function: "tanh",
                hidden: ", init = { type = \"normal\", std = 0.5 }",
                ..network.healthy()
            },
        },
    ),
    fault(
        "raw_inputs",
        "pixels from 0 to 255, no preprocessing",
        Expected {
            roots: &[inputs::CODE],
            symptoms: &[
                non_finite::CODE,
                signal::CODE,
                saturation::CODE,
                dead_relu::CODE,
                exploding_gradient::CODE,
                update_ratio::CODE,
                loss_trend::CODE,
            ],
        },
        |network| Recipe { change: Change::Raw, settings: &["preprocess.steps=[]"], ..network.healthy() },
    ),
    fault(
        "uncentred_inputs",
        "standard deviation 1 around 1.5, no preprocessing",
        Expected { roots: &[inputs::CODE], symptoms: &[zigzag::CODE] },
        |network| Recipe { change: Change::Uncentred, settings: &["preprocess.steps=[]"], ..network.healthy() },
    ),
    fault(
        "sigmoid_stack",
        "eight layers of sigmoid",
        Expected {
            roots: &[vanishing_gradient::CODE, saturation::CODE, zigzag::CODE],
            symptoms: &[signal::CODE, update_ratio::CODE, loss_trend::CODE],
        },
        |network| Recipe {
            norm: None,
            function: "sigmoid",
            depth: if network == Architecture::Residual { 4 } else { 8 },
            ..network.healthy()
        },
    ),
    fault(
        "rate_30_times_too_high",
        "learning rate 30 times too high",
        Expected {
            roots: &[update_ratio::CODE, exploding_gradient::CODE],
            symptoms: &[non_finite::CODE, dead_relu::CODE, loss_trend::CODE, batch_norm::CODE],
        },
        |network| Recipe { norm: None, rate: 30.0, ..network.healthy() },
    ),
    fault(
        "rate_100_times_too_low",
        "learning rate 100 times too low",
        Expected { roots: &[update_ratio::CODE], symptoms: &[loss_trend::CODE] },
        |network| Recipe { rate: 0.01, ..network.healthy() },
    ),
    fault(
        "squashed_logits",
        "sigmoid between the logits and cross-entropy",
        Expected { roots: &[output_loss::CODE], symptoms: &[loss_trend::CODE] },
        |network| Recipe { after_last: "{ type = \"activation\", function = \"sigmoid\" }", ..network.healthy() },
    ),
    fault(
        "shuffled_labels",
        "labels unrelated to the inputs",
        Expected { roots: &[labels::CODE], symptoms: &[loss_trend::CODE, overfitting::CODE] },
        |network| Recipe { change: Change::ShuffledLabels, settings: &["train.epochs=40"], ..network.healthy() },
    ),
    fault(
        "missing_class",
        "no training sample of one class",
        Expected { roots: &[labels::CODE], symptoms: &[overfitting::CODE] },
        |network| Recipe { change: Change::MissingClass, ..network.healthy() },
    ),
    fault(
        "slow_running_statistics",
        "batch norm with momentum 0.001",
        Expected { roots: &[batch_norm::CODE], symptoms: &[overfitting::CODE] },
        |network| Recipe { norm: Some(", momentum = 0.001"), ..network.healthy() },
    ),
    fault(
        "tiny_batch",
        "batch norm with batches of 2",
        Expected { roots: &[batch_norm::CODE], symptoms: &[loss_trend::CODE, overfitting::CODE, update_ratio::CODE] },
        |network| Recipe { norm: NORMALISED, settings: &["train.batch_size=2", "train.epochs=4"], ..network.healthy() },
    ),
    fault(
        "dropout_0.9",
        "nine of ten values dropped",
        Expected { roots: &[regularization::CODE], symptoms: &[loss_trend::CODE] },
        |network| Recipe { before_last: "{ type = \"dropout\", probability = 0.9 }", ..network.healthy() },
    ),
    fault(
        "decay_1",
        "weight decay 1",
        Expected {
            roots: &[regularization::CODE],
            symptoms: &[loss_trend::CODE, vanishing_gradient::CODE, update_ratio::CODE],
        },
        |network| Recipe { settings: &["optimizer.weight_decay=1.0"], ..network.healthy() },
    ),
    remarked("constant_channel", "an input channel that never changes", &[frozen::CODE], |network| Recipe {
        change: Change::ConstantChannel,
        settings: &["preprocess.steps=[\"channel_standardize\"]"],
        ..network.healthy()
    }),
    remarked("frozen_layer", "hidden layers that do not learn", &[frozen::CODE], |network| Recipe {
        hidden: ", frozen = true",
        ..network.healthy()
    }),
    fault(
        "nan_in_data",
        "one value of the data is NaN",
        Expected { roots: &["refused"], symptoms: &[non_finite::CODE] },
        |network| Recipe { change: Change::NotANumber, ..network.healthy() },
    ),
    fault(
        "dead_relu",
        "biases of -10 before relu",
        Expected {
            roots: &[dead_relu::CODE],
            symptoms: &[signal::CODE, frozen::CODE, vanishing_gradient::CODE, loss_trend::CODE],
        },
        |network| Recipe {
            norm: None,
            hidden: ", bias_init = { type = \"constant\", value = -10.0 }",
            ..network.healthy()
        },
    ),
];
