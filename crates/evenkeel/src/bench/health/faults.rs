//! The faults, one entry each.

use super::Fault;
use super::networks::{Architecture, Recipe};
use super::samples::Change;

const NORMALISED: Option<&str> = Some("");

const fn fault(
    name: &'static str,
    summary: &'static str,
    (roots, symptoms): (&'static [&'static str], &'static [&'static str]),
    recipe: fn(Architecture) -> Recipe,
) -> Fault {
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
    fault("constant_init", "all weights 0.1", (&["K006"], &["K005", "K016", "K011", "K017"]), |network| Recipe {
        norm: None,
        hidden: ", init = { type = \"constant\", value = 0.1 }",
        ..network.healthy()
    }),
    fault("init_too_small", "normal weights, std 0.001", (&["K005"], &["K011", "K017", "K013"]), |network| Recipe {
        norm: None,
        hidden: ", init = { type = \"normal\", std = 0.001 }",
        ..network.healthy()
    }),
    fault("init_too_large", "normal weights, std 1", (&["K005"], &["K001", "K004", "K012", "K017"]), |network| {
        Recipe { norm: None, hidden: ", init = { type = \"normal\", std = 1.0 }", ..network.healthy() }
    }),
    fault(
        "init_of_another_activation",
        "xavier_normal of gain 1 in deep relu; std 0.5 with tanh in the residual network",
        (&["K005", "K009"], &["K011", "K017"]),
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
        (&["K002"], &["K001", "K005", "K009", "K010", "K012", "K013", "K017"]),
        |network| Recipe { change: Change::Raw, settings: &["preprocess.steps=[]"], ..network.healthy() },
    ),
    fault("uncentred_inputs", "standard deviation 1 around 1.5, no preprocessing", (&["K002"], &["K014"]), |network| {
        Recipe { change: Change::Uncentred, settings: &["preprocess.steps=[]"], ..network.healthy() }
    }),
    fault(
        "sigmoid_stack",
        "eight layers of sigmoid",
        (&["K011", "K009", "K014"], &["K005", "K013", "K017"]),
        |network| Recipe {
            norm: None,
            function: "sigmoid",
            depth: if network == Architecture::Residual { 4 } else { 8 },
            ..network.healthy()
        },
    ),
    fault(
        "rate_30_times_too_high",
        "learning rate 30 times what suits",
        (&["K013", "K012"], &["K001", "K010", "K017", "K015"]),
        |network| Recipe { norm: None, rate: 30.0, ..network.healthy() },
    ),
    fault("rate_100_times_too_low", "learning rate a hundredth of what suits", (&["K013"], &["K017"]), |network| {
        Recipe { rate: 0.01, ..network.healthy() }
    }),
    fault("squashed_logits", "sigmoid between the logits and cross-entropy", (&["K008"], &["K017"]), |network| {
        Recipe { after_last: "{ type = \"activation\", function = \"sigmoid\" }", ..network.healthy() }
    }),
    fault(
        "shuffled_labels",
        "labels that have nothing to do with the inputs",
        (&["K003"], &["K017", "K018"]),
        |network| Recipe { change: Change::ShuffledLabels, settings: &["train.epochs=40"], ..network.healthy() },
    ),
    fault("missing_class", "no training sample of one class", (&["K003"], &["K018"]), |network| Recipe {
        change: Change::MissingClass,
        ..network.healthy()
    }),
    fault("slow_running_statistics", "batch norm with momentum 0.001", (&["K015"], &["K018"]), |network| Recipe {
        norm: Some(", momentum = 0.001"),
        ..network.healthy()
    }),
    fault("tiny_batch", "batch norm with batches of 2", (&["K015"], &["K017", "K018", "K013"]), |network| Recipe {
        norm: NORMALISED,
        settings: &["train.batch_size=2", "train.epochs=4"],
        ..network.healthy()
    }),
    fault("dropout_0.9", "nine of ten values dropped", (&["K019"], &["K017"]), |network| Recipe {
        before_last: "{ type = \"dropout\", probability = 0.9 }",
        ..network.healthy()
    }),
    fault("decay_1", "weight decay 1", (&["K019"], &["K017", "K011", "K013"]), |network| Recipe {
        settings: &["optimizer.weight_decay=1.0"],
        ..network.healthy()
    }),
    remarked("constant_channel", "an input channel that never changes", &["K016"], |network| Recipe {
        change: Change::ConstantChannel,
        settings: &["preprocess.steps=[\"channel_standardize\"]"],
        ..network.healthy()
    }),
    remarked("frozen_layer", "hidden layers that do not learn", &["K016"], |network| Recipe {
        hidden: ", frozen = true",
        ..network.healthy()
    }),
    fault("nan_in_data", "one value of the data is NaN", (&["refused"], &["K001"]), |network| Recipe {
        change: Change::NotANumber,
        ..network.healthy()
    }),
    fault("dead_relu", "biases of -10 before relu", (&["K010"], &["K005", "K016", "K011", "K017"]), |network| Recipe {
        norm: None,
        hidden: ", bias_init = { type = \"constant\", value = -10.0 }",
        ..network.healthy()
    }),
];
