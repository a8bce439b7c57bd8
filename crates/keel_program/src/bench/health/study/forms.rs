//! Training runs of the study: faults from mild to severe, and healthy ones.

use keel_health::rules::{
    batch_norm, dead_relu, exploding_gradient, frozen, inputs, labels, loss_trend, missing_activation, non_finite,
    output_loss, overfitting, regularization, saturation, signal, start_loss, stopped_early, symmetry, update_ratio,
    vanishing_gradient, zigzag,
};

use super::places::Place;
use crate::bench::health::networks::{Architecture, Recipe};
use crate::bench::health::samples::Change;

/// One fault at one strength.
#[derive(Debug)]
pub(super) struct Form {
    /// Name of the fault.
    pub(super) name: &'static str,
    /// Codes of the rules it concerns.
    pub(super) codes: &'static [&'static str],
    /// Returns the training run; `None` if the fault does not apply to the network.
    pub(super) recipe: fn(Place) -> Option<Recipe>,
}

const fn form(name: &'static str, codes: &'static [&'static str], recipe: fn(Place) -> Option<Recipe>) -> Form {
    Form { name, codes, recipe }
}

/// All training runs.
pub(super) const FORMS: &[Form] = &[
    // No fault.
    form(
        "healthy",
        &[dead_relu::CODE, start_loss::CODE, signal::CODE, regularization::CODE, overfitting::CODE, update_ratio::CODE],
        |place| Some(place.healthy()),
    ),
    // Adam at 0.001.
    form("adam", &[dead_relu::CODE, update_ratio::CODE], |place| {
        Some(Recipe { settings: &["optimizer.type=adam", "optimizer.learning_rate=0.001"], ..place.healthy() })
    }),
    // Adam at 0.01, ten times the usual rate.
    form("adam_fast", &[dead_relu::CODE, update_ratio::CODE], |place| {
        Some(Recipe { settings: &["optimizer.type=adam", "optimizer.learning_rate=0.01"], ..place.healthy() })
    }),
    // A learning rate 3000 times too high.
    form("rate_3000", &[non_finite::CODE, update_ratio::CODE, exploding_gradient::CODE], |place| {
        Some(Recipe { norm: None, rate: 3000.0, ..place.healthy() })
    }),
    // Inputs of mean 0.3 and deviation 1.0.
    form("moved_0.3", &[inputs::CODE, zigzag::CODE], |place| {
        (place.is_digits()).then(|| Recipe {
            change: Change::Moved { mean: 0.3, std: 1.0 },
            settings: &["preprocess.steps=[]"],
            ..place.healthy()
        })
    }),
    // Inputs of mean 0.7 and deviation 1.0.
    form("moved_0.7", &[inputs::CODE, zigzag::CODE], |place| {
        (place.is_digits()).then(|| Recipe {
            change: Change::Moved { mean: 0.7, std: 1.0 },
            settings: &["preprocess.steps=[]"],
            ..place.healthy()
        })
    }),
    // Inputs of mean 1.5 and deviation 1.0.
    form("moved_1.5", &[inputs::CODE, zigzag::CODE], |place| {
        (place.is_digits()).then(|| Recipe {
            change: Change::Moved { mean: 1.5, std: 1.0 },
            settings: &["preprocess.steps=[]"],
            ..place.healthy()
        })
    }),
    // Inputs of mean 5.0 and deviation 1.0.
    form("moved_5", &[inputs::CODE, zigzag::CODE], |place| {
        (place.is_digits()).then(|| Recipe {
            change: Change::Moved { mean: 5.0, std: 1.0 },
            settings: &["preprocess.steps=[]"],
            ..place.healthy()
        })
    }),
    // Inputs of mean 0.0 and deviation 0.3.
    form("std_0.3", &[inputs::CODE, zigzag::CODE], |place| {
        (place.is_digits()).then(|| Recipe {
            change: Change::Moved { mean: 0.0, std: 0.3 },
            settings: &["preprocess.steps=[]"],
            ..place.healthy()
        })
    }),
    // Inputs of mean 0.0 and deviation 0.1.
    form("std_0.1", &[inputs::CODE, zigzag::CODE], |place| {
        (place.is_digits()).then(|| Recipe {
            change: Change::Moved { mean: 0.0, std: 0.1 },
            settings: &["preprocess.steps=[]"],
            ..place.healthy()
        })
    }),
    // Inputs of mean 0.0 and deviation 3.0.
    form("std_3", &[inputs::CODE, zigzag::CODE], |place| {
        (place.is_digits()).then(|| Recipe {
            change: Change::Moved { mean: 0.0, std: 3.0 },
            settings: &["preprocess.steps=[]"],
            ..place.healthy()
        })
    }),
    // Inputs of mean 0.0 and deviation 30.0.
    form("std_30", &[inputs::CODE, zigzag::CODE], |place| {
        (place.is_digits()).then(|| Recipe {
            change: Change::Moved { mean: 0.0, std: 30.0 },
            settings: &["preprocess.steps=[]"],
            ..place.healthy()
        })
    }),
    // Inputs as they are stored.
    form("raw", &[inputs::CODE], |place| Some(Recipe { settings: &["preprocess.steps=[]"], ..place.healthy() })),
    // Pixels from 0 to 255.
    form("raw_bytes", &[inputs::CODE, saturation::CODE], |place| {
        (place.is_digits()).then(|| Recipe {
            change: Change::Raw,
            settings: &["preprocess.steps=[]"],
            ..place.healthy()
        })
    }),
    // Pixels from 0 to 1.
    form("unit_range", &[inputs::CODE], |place| {
        (place.is_digits()).then(|| Recipe { settings: &["preprocess.steps=[\"min_max\"]"], ..place.healthy() })
    }),
    // One class 3 times as rare as the others.
    form("rare_class_3", &[labels::CODE], |place| {
        (place.is_digits()).then(|| Recipe { change: Change::RareClass(3), ..place.healthy() })
    }),
    // One class 8 times as rare as the others.
    form("rare_class_8", &[labels::CODE], |place| {
        (place.is_digits()).then(|| Recipe { change: Change::RareClass(8), ..place.healthy() })
    }),
    // One class 30 times as rare as the others.
    form("rare_class_30", &[labels::CODE], |place| {
        (place.is_digits()).then(|| Recipe { change: Change::RareClass(30), ..place.healthy() })
    }),
    // No training sample of one class.
    form("missing_class", &[labels::CODE], |place| {
        (place.is_digits()).then(|| Recipe { change: Change::MissingClass, ..place.healthy() })
    }),
    // Labels of other samples.
    form("shuffled_labels", &[labels::CODE], |place| {
        (place.is_digits()).then(|| Recipe {
            change: Change::ShuffledLabels,
            settings: &["train.epochs=30"],
            ..place.healthy()
        })
    }),
    // Last layer with the default initialiser.
    form("last_default", &[start_loss::CODE], |place| {
        (place.architecture() != Architecture::Mlp).then(|| Recipe { last: Some(""), ..place.healthy() })
    }),
    // Last layer of deviation 0.3.
    form("last_0.3", &[start_loss::CODE, signal::CODE], |place| {
        Some(Recipe { last: Some(", init = { type = \"normal\", std = 0.3 }"), ..place.healthy() })
    }),
    // Last layer of deviation 1.
    form("last_1", &[start_loss::CODE, signal::CODE], |place| {
        Some(Recipe { last: Some(", init = { type = \"normal\", std = 1 }"), ..place.healthy() })
    }),
    // Last layer of deviation 5.
    form("last_5", &[start_loss::CODE, signal::CODE], |place| {
        Some(Recipe { last: Some(", init = { type = \"normal\", std = 5 }"), ..place.healthy() })
    }),
    // Weights of deviation 0.3.
    form("normal_0.3", &[signal::CODE, vanishing_gradient::CODE], |place| {
        Some(Recipe { norm: None, hidden: ", init = { type = \"normal\", std = 0.3 }", ..place.healthy() })
    }),
    // Weights of deviation 0.06.
    form("normal_0.06", &[signal::CODE, vanishing_gradient::CODE], |place| {
        Some(Recipe { norm: None, hidden: ", init = { type = \"normal\", std = 0.06 }", ..place.healthy() })
    }),
    // Weights of deviation 0.02.
    form("normal_0.02", &[signal::CODE, vanishing_gradient::CODE], |place| {
        Some(Recipe { norm: None, hidden: ", init = { type = \"normal\", std = 0.02 }", ..place.healthy() })
    }),
    // Weights of deviation 0.003.
    form("normal_0.003", &[signal::CODE, vanishing_gradient::CODE], |place| {
        Some(Recipe { norm: None, hidden: ", init = { type = \"normal\", std = 0.003 }", ..place.healthy() })
    }),
    // Weights of deviation 1.
    form("normal_1", &[signal::CODE, exploding_gradient::CODE, start_loss::CODE], |place| {
        Some(Recipe { norm: None, hidden: ", init = { type = \"normal\", std = 1.0 }", ..place.healthy() })
    }),
    // Xavier_normal in eight relu layers.
    form("xavier_deep", &[signal::CODE, vanishing_gradient::CODE], |place| {
        (place.architecture() != Architecture::Residual).then(|| Recipe {
            depth: 8,
            hidden: ", init = \"xavier_normal\"",
            ..place.healthy()
        })
    }),
    // All weights 0.1.
    form("constant", &[symmetry::CODE], |place| {
        Some(Recipe { norm: None, hidden: ", init = { type = \"constant\", value = 0.1 }", ..place.healthy() })
    }),
    // All weights zero.
    form("zeros", &[symmetry::CODE], |place| {
        Some(Recipe { norm: None, hidden: ", init = \"zeros\"", ..place.healthy() })
    }),
    // Sigmoid after the last layer.
    form("sigmoid_output", &[output_loss::CODE], |place| {
        Some(Recipe { after_last: "{ type = \"activation\", function = \"sigmoid\" }", ..place.healthy() })
    }),
    // Tanh after the last layer.
    form("tanh_output", &[output_loss::CODE], |place| {
        Some(Recipe { after_last: "{ type = \"activation\", function = \"tanh\" }", ..place.healthy() })
    }),
    // Relu after the last layer.
    form("relu_output", &[output_loss::CODE], |place| {
        Some(Recipe { after_last: "{ type = \"activation\", function = \"relu\" }", ..place.healthy() })
    }),
    // Tanh with weights of deviation 0.25.
    form("tanh_0.25", &[saturation::CODE, signal::CODE], |place| {
        Some(Recipe {
            norm: None,
            function: "tanh",
            hidden: ", init = { type = \"normal\", std = 0.25 }",
            ..place.healthy()
        })
    }),
    // Tanh with weights of deviation 0.5.
    form("tanh_0.5", &[saturation::CODE, signal::CODE], |place| {
        Some(Recipe {
            norm: None,
            function: "tanh",
            hidden: ", init = { type = \"normal\", std = 0.5 }",
            ..place.healthy()
        })
    }),
    // Tanh with weights of deviation 1.5.
    form("tanh_1.5", &[saturation::CODE, signal::CODE], |place| {
        Some(Recipe {
            norm: None,
            function: "tanh",
            hidden: ", init = { type = \"normal\", std = 1.5 }",
            ..place.healthy()
        })
    }),
    // One hidden layer of sigmoid.
    form("sigmoid_1", &[saturation::CODE, zigzag::CODE], |place| {
        (place.architecture() == Architecture::Mlp).then(|| Recipe {
            norm: None,
            function: "sigmoid",
            depth: 1,
            ..place.healthy()
        })
    }),
    // Biases of -0.5 before relu.
    form("bias_-0.5", &[dead_relu::CODE], |place| {
        Some(Recipe { norm: None, hidden: ", bias_init = { type = \"constant\", value = -0.5 }", ..place.healthy() })
    }),
    // Biases of -1.5 before relu.
    form("bias_-1.5", &[dead_relu::CODE], |place| {
        Some(Recipe { norm: None, hidden: ", bias_init = { type = \"constant\", value = -1.5 }", ..place.healthy() })
    }),
    // Biases of -4.0 before relu.
    form("bias_-4.0", &[dead_relu::CODE], |place| {
        Some(Recipe { norm: None, hidden: ", bias_init = { type = \"constant\", value = -4.0 }", ..place.healthy() })
    }),
    // 2 layers of sigmoid.
    form("sigmoid_2", &[vanishing_gradient::CODE, saturation::CODE, zigzag::CODE], |place| {
        Some(Recipe { norm: None, function: "sigmoid", depth: 2, ..place.healthy() })
    }),
    // 4 layers of sigmoid.
    form("sigmoid_4", &[vanishing_gradient::CODE, saturation::CODE, zigzag::CODE], |place| {
        Some(Recipe { norm: None, function: "sigmoid", depth: 4, ..place.healthy() })
    }),
    // 8 layers of sigmoid.
    form("sigmoid_8", &[vanishing_gradient::CODE, saturation::CODE, zigzag::CODE], |place| {
        (place.architecture() != Architecture::Residual).then(|| Recipe {
            norm: None,
            function: "sigmoid",
            depth: 8,
            ..place.healthy()
        })
    }),
    // Eight layers of tanh of deviation 0.05.
    form("tanh_deep_small", &[vanishing_gradient::CODE, signal::CODE], |place| {
        (place.architecture() != Architecture::Residual).then(|| Recipe {
            norm: None,
            function: "tanh",
            depth: 8,
            hidden: ", init = { type = \"normal\", std = 0.05 }",
            ..place.healthy()
        })
    }),
    // 0.003 times the learning rate that suits.
    form("rate_0.003", &[update_ratio::CODE, loss_trend::CODE, stopped_early::CODE], |place| {
        Some(Recipe { rate: 0.003, ..place.healthy() })
    }),
    // 0.01 times the learning rate that suits.
    form("rate_0.01", &[update_ratio::CODE, loss_trend::CODE, stopped_early::CODE], |place| {
        Some(Recipe { rate: 0.01, ..place.healthy() })
    }),
    // 0.03 times the learning rate that suits.
    form("rate_0.03", &[update_ratio::CODE, loss_trend::CODE, stopped_early::CODE], |place| {
        Some(Recipe { rate: 0.03, ..place.healthy() })
    }),
    // 0.1 times the learning rate that suits.
    form("rate_0.1", &[update_ratio::CODE, loss_trend::CODE, stopped_early::CODE], |place| {
        Some(Recipe { rate: 0.1, ..place.healthy() })
    }),
    // 0.3 times the learning rate that suits.
    form("rate_0.3", &[update_ratio::CODE, loss_trend::CODE, stopped_early::CODE], |place| {
        Some(Recipe { rate: 0.3, ..place.healthy() })
    }),
    // 3.0 times the learning rate that suits.
    form("rate_3.0", &[update_ratio::CODE, loss_trend::CODE, exploding_gradient::CODE, dead_relu::CODE], |place| {
        Some(Recipe { norm: None, rate: 3.0, ..place.healthy() })
    }),
    // 10.0 times the learning rate that suits.
    form("rate_10.0", &[update_ratio::CODE, loss_trend::CODE, exploding_gradient::CODE, dead_relu::CODE], |place| {
        Some(Recipe { norm: None, rate: 10.0, ..place.healthy() })
    }),
    // 30.0 times the learning rate that suits.
    form("rate_30.0", &[update_ratio::CODE, loss_trend::CODE, exploding_gradient::CODE, dead_relu::CODE], |place| {
        Some(Recipe { norm: None, rate: 30.0, ..place.healthy() })
    }),
    // Momentum 0.99.
    form("momentum_0.99", &[update_ratio::CODE, loss_trend::CODE], |place| {
        Some(Recipe { settings: &["optimizer.momentum=0.99"], ..place.healthy() })
    }),
    // Batch norm with momentum 0.02.
    form("norm_momentum_0.02", &[batch_norm::CODE], |place| {
        Some(Recipe { norm: Some(", momentum = 0.02"), ..place.healthy() })
    }),
    // Batch norm with momentum 0.005.
    form("norm_momentum_0.005", &[batch_norm::CODE], |place| {
        Some(Recipe { norm: Some(", momentum = 0.005"), ..place.healthy() })
    }),
    // Batch norm with momentum 0.001.
    form("norm_momentum_0.001", &[batch_norm::CODE], |place| {
        Some(Recipe { norm: Some(", momentum = 0.001"), ..place.healthy() })
    }),
    // Batch norm with batches of 8.
    form("norm_batch_8", &[batch_norm::CODE], |place| {
        Some(Recipe { norm: Some(""), settings: &["train.batch_size=8", "train.epochs=6"], ..place.healthy() })
    }),
    // Batch norm with batches of 4.
    form("norm_batch_4", &[batch_norm::CODE], |place| {
        Some(Recipe { norm: Some(""), settings: &["train.batch_size=4", "train.epochs=5"], ..place.healthy() })
    }),
    // Batch norm with batches of 2.
    form("norm_batch_2", &[batch_norm::CODE], |place| {
        Some(Recipe { norm: Some(""), settings: &["train.batch_size=2", "train.epochs=4"], ..place.healthy() })
    }),
    // Hidden layers that do not learn.
    form("hidden_frozen", &[frozen::CODE], |place| Some(Recipe { hidden: ", frozen = true", ..place.healthy() })),
    // An input channel that never changes.
    form("constant_channel", &[frozen::CODE], |place| {
        (place.is_digits()).then(|| Recipe {
            change: Change::ConstantChannel,
            settings: &["preprocess.steps=[\"channel_standardize\"]"],
            ..place.healthy()
        })
    }),
    // 120 training samples for forty epochs.
    form("few_samples", &[overfitting::CODE], |place| {
        (place.is_digits()).then(|| Recipe {
            change: Change::Few(120),
            settings: &["train.epochs=40"],
            ..place.healthy()
        })
    }),
    // Five times as long as needed.
    form("long", &[overfitting::CODE], |place| {
        (place.architecture() == Architecture::Mlp)
            .then(|| Recipe { settings: &["train.epochs=120"], ..place.healthy() })
    }),
    // Dropout of 0.5 before the last layer.
    form("dropout_0.5", &[regularization::CODE], |place| {
        Some(Recipe { before_last: "{ type = \"dropout\", probability = 0.5 }", ..place.healthy() })
    }),
    // Dropout of 0.7 before the last layer.
    form("dropout_0.7", &[regularization::CODE], |place| {
        Some(Recipe { before_last: "{ type = \"dropout\", probability = 0.7 }", ..place.healthy() })
    }),
    // Dropout of 0.9 before the last layer.
    form("dropout_0.9", &[regularization::CODE], |place| {
        Some(Recipe { before_last: "{ type = \"dropout\", probability = 0.9 }", ..place.healthy() })
    }),
    // Weight decay 0.01.
    form("decay_0.01", &[regularization::CODE], |place| {
        Some(Recipe { settings: &["optimizer.weight_decay=0.01"], ..place.healthy() })
    }),
    // Weight decay 0.1.
    form("decay_0.1", &[regularization::CODE], |place| {
        Some(Recipe { settings: &["optimizer.weight_decay=0.1"], ..place.healthy() })
    }),
    // Weight decay 1.0.
    form("decay_1.0", &[regularization::CODE], |place| {
        Some(Recipe { settings: &["optimizer.weight_decay=1.0"], ..place.healthy() })
    }),
    // No activation between the layers.
    form("no_activation", &[missing_activation::CODE], |place| {
        (place.architecture() != Architecture::Residual).then(|| Recipe { norm: None, function: "", ..place.healthy() })
    }),
    // Activations that change nothing.
    form("identity", &[missing_activation::CODE], |place| {
        (place.architecture() != Architecture::Residual).then(|| Recipe {
            norm: None,
            function: "identity",
            ..place.healthy()
        })
    }),
    // One epoch.
    form("epochs_1", &[stopped_early::CODE], |place| Some(Recipe { settings: &["train.epochs=1"], ..place.healthy() })),
    // Three epochs.
    form("epochs_3", &[stopped_early::CODE], |place| Some(Recipe { settings: &["train.epochs=3"], ..place.healthy() })),
    // Six epochs.
    form("epochs_6", &[stopped_early::CODE], |place| Some(Recipe { settings: &["train.epochs=6"], ..place.healthy() })),
    // Twenty layers of relu.
    form("depth_20", &[signal::CODE, dead_relu::CODE], |place| {
        (place.architecture() == Architecture::Mlp).then(|| Recipe { depth: 20, ..place.healthy() })
    }),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_has_a_name_of_its_own_and_a_config_that_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        for (index, form) in FORMS.iter().enumerate() {
            assert!(FORMS[index + 1..].iter().all(|other| other.name != form.name), "{}", form.name);
            let recipes = Place::ALL.into_iter().filter_map(|place| Some((place, (form.recipe)(place)?)));
            let mut applies = 0;
            for (place, recipe) in recipes {
                let overrides = place.overrides(&recipe, 1, folder.path()).unwrap();
                keel_train::config::load(None, &overrides)
                    .unwrap_or_else(|error| panic!("{} {}: {error}", form.name, place.name()));
                applies += 1;
            }
            assert!(applies > 0 && !form.codes.is_empty(), "{} applies nowhere", form.name);
        }
    }
}
