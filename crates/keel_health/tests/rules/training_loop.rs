//! Rules about the training loop: each on both sides of its limits, and healthy loops that look similar.

use keel_health::measurement::{
    ActivationFunction::{LogSoftmax, Relu, Softmax},
    DataMeasurement, EpochMeasurement, LayerDescription, LayerKind, LossKind, ModelDescription, NormStatistics,
    PredictionMeasurement, StepMeasurement,
};
use keel_health::{Finding, Level, Monitor, find_rule};

use crate::simulated::{all, data, healthy_step, mlp, run, with_code};

/// Steps of two windows.
const STEPS: u64 = 200;

/// The level of the finding of rule `code`.
fn level(monitor: &Monitor, code: &str) -> Option<Level> {
    assert!(find_rule(code).is_ok(), "{code}");
    with_code(monitor, code).first().map(|finding| finding.level)
}

fn only(monitor: &Monitor, code: &str) -> Finding {
    let found = with_code(monitor, code);
    let [finding] = found.as_slice() else { panic!("{code}: {:?}", all(&monitor.findings())) };
    finding.clone()
}

/// A loss that does not fall.
fn stuck(step: &mut StepMeasurement) {
    step.loss = 2.3;
}

/// Every update norm of `layer` is `norm`.
fn set_updates(step: &mut StepMeasurement, layer: usize, norm: f32) {
    step.layers[layer].parameters.iter_mut().for_each(|parameter| parameter.update_norm = Some(norm));
}

mod uncleared_gradients {
    use super::*;

    /// A run in which `old` of every hundred updates begin with an old gradient.
    fn leftover(old: u64, falls: bool) -> Option<Level> {
        let monitor = run(&mlp(Relu, 2), STEPS, |number, step| {
            // Step 0 follows no update.
            step.gradient_before_norm = Some(if number % 100 < old { 3.0 } else { 0.0 });
            if !falls {
                stuck(step);
            }
        });
        level(&monitor, "K028")
    }

    #[test]
    fn more_than_half_of_the_updates() {
        assert_eq!(leftover(0, false), None);
        assert_eq!(leftover(50, false), None, "exactly half");
        assert_eq!(leftover(52, false), Some(Level::Error));
        assert_eq!(leftover(100, false), Some(Level::Error));
        assert_eq!(leftover(100, true), Some(Level::Warn), "the loss falls in spite of it");
    }

    #[test]
    fn it_names_the_norm_and_the_line_to_change() {
        let monitor = run(&mlp(Relu, 2), STEPS, |_, step| {
            step.gradient_before_norm = Some(3.0);
            stuck(step);
        });
        let finding = only(&monitor, "K028");
        assert!(finding.message.starts_with("100 of 100 updates began with an old gradient of norm 3 "), "{finding:?}");
        assert!(finding.remedy.contains("`optimizer.zero_grad(); loss.backward()`"), "{}", finding.remedy);
    }

    #[test]
    fn not_a_number_in_the_buffers_is_not_cleared() {
        let model = mlp(Relu, 2);
        let monitor = run(&model, STEPS, |_, step| {
            step.gradient_before_norm = Some(f32::NAN);
            stuck(step);
        });
        assert_eq!(level(&monitor, "K028"), Some(Level::Error));
    }

    #[test]
    fn accumulation_that_clears_behind_each_update_is_silent() {
        for every in [2, 4, 16] {
            for recorded in [true, false] {
                let monitor = run(&mlp(Relu, 2), 3 * STEPS, |number, step| {
                    let (place, last) = (number % every, number % every == every - 1);
                    step.gradient_before_norm = Some(place as f32);
                    step.updated = recorded.then_some(last);
                    if !last {
                        (0..step.layers.len()).for_each(|layer| set_updates(step, layer, 0.0));
                    }
                    stuck(step);
                });
                let found = [level(&monitor, "K028"), level(&monitor, "K029")];
                assert_eq!(found, [None, None], "every {every}, recorded: {recorded}");
            }
        }
    }

    #[test]
    fn accumulation_that_never_clears_is_found() {
        let monitor = run(&mlp(Relu, 2), STEPS, |number, step| {
            (step.gradient_before_norm, step.updated) = (Some(1.0), Some(number % 4 == 3));
            stuck(step);
        });
        assert_eq!(level(&monitor, "K028"), Some(Level::Error));
    }

    #[test]
    fn steps_of_which_no_update_is_known_are_not_judged() {
        let monitor = run(&mlp(Relu, 2), STEPS, |_, step| {
            step.layers.clear();
            step.gradient_before_norm = Some(1.0);
            stuck(step);
        });
        assert_eq!(level(&monitor, "K028"), None);
    }

    #[test]
    fn it_leads_what_it_causes() {
        let monitor = run(&mlp(Relu, 2), 800, |number, step| {
            step.gradient_before_norm = Some(3.0);
            step.loss = if number < 5 { 2.3 } else { 9.0 };
        });
        let findings = monitor.findings();
        assert_eq!(all(&findings), ["K028 error", "K017 error"]);
        assert!(!findings[1].is_root());
    }
}

mod unoptimised_parameters {
    use super::*;

    const FC1: usize = 0;
    const FC2: usize = 2;
    const HEAD: usize = 4;

    /// A run in which no update moves `layers`; the loss is `loss(step)`.
    fn without(layers: &[usize], loss: fn(u64) -> f32) -> Monitor {
        run(&mlp(Relu, 2), 2 * STEPS, |number, step| {
            layers.iter().for_each(|&layer| set_updates(step, layer, 0.0));
            step.loss = loss(number);
        })
    }

    fn falling(step: u64) -> f32 {
        0.2 + 2.1 * (-(step as f32) / 150.0).exp()
    }

    #[test]
    fn levels_follow_what_is_left_out() {
        for (layers, loss, expected) in [
            (&[][..], falling as fn(u64) -> f32, None),
            (&[HEAD], falling, Some(Level::Warn)),
            (&[FC2], falling, Some(Level::Warn)),
            (&[FC1, FC2], falling, Some(Level::Info)),
            (&[FC1, FC2], |_| 2.2, Some(Level::Warn)),
            (&[FC1, FC2, HEAD], |_| 2.3, Some(Level::Error)),
        ] {
            assert_eq!(level(&without(layers, loss), "K029"), expected, "{layers:?}");
        }
    }

    #[test]
    fn it_names_the_first_layer_and_the_lines_to_change() {
        let finding = only(&without(&[FC2, HEAD], |_| 2.3), "K029");
        assert_eq!(finding.layer.as_deref(), Some("fc2"));
        assert!(finding.message.starts_with("the weight of fc2 and of one more layer got"), "{}", finding.message);
        assert!(finding.remedy.contains("`model.fc2.requires_grad_(False)`"), "{}", finding.remedy);
    }

    #[test]
    fn a_gradient_that_rounds_to_nothing_is_no_fault() {
        // Rate 0.05, weights of norm 10: an update must show from a gradient of norm 2e-4 on.
        for (gradient, expected) in [(1.9e-4, None), (2.1e-4, Some(Level::Warn)), (0.0, None)] {
            let monitor = run(&mlp(Relu, 2), STEPS, |_, step| {
                set_updates(step, FC2, 0.0);
                step.layers[FC2].parameters.iter_mut().for_each(|one| one.gradient_norm = Some(gradient));
            });
            assert_eq!(level(&monitor, "K029"), expected, "{gradient}");
        }
    }

    #[test]
    fn k016_speaks_of_parameters_without_a_gradient_and_k029_of_those_with_one() {
        for (gradient, codes) in [(0.0, [true, false]), (1.0, [false, true])] {
            let monitor = run(&mlp(Relu, 2), STEPS, |_, step| {
                set_updates(step, FC2, 0.0);
                step.layers[FC2].parameters.iter_mut().for_each(|one| one.gradient_norm = Some(gradient));
            });
            assert_eq!(["K016", "K029"].map(|code| level(&monitor, code).is_some()), codes, "{gradient}");
        }
    }

    #[test]
    fn one_step_that_moves_is_enough() {
        let monitor = run(&mlp(Relu, 2), 3 * STEPS, |number, step| {
            set_updates(step, FC2, if number % 100 == 57 { 1e-3 } else { 0.0 });
        });
        assert_eq!(level(&monitor, "K029"), None);
    }

    #[test]
    fn weights_that_came_to_rest_were_given_to_the_optimizer() {
        // Rest is longer than the windows that are kept.
        let monitor = run(&mlp(Relu, 2), 5000, |number, step| {
            set_updates(step, FC2, if number < 150 { 1e-3 } else { 0.0 });
        });
        assert_eq!(level(&monitor, "K029"), None);
    }

    #[test]
    fn a_bias_alone_is_a_fact() {
        let monitor = run(&mlp(Relu, 2), STEPS, |_, step| step.layers[FC2].parameters[1].update_norm = Some(0.0));
        let finding = only(&monitor, "K029");
        assert_eq!(finding.level, Level::Info);
        assert!(finding.message.contains("the bias of fc2"), "{}", finding.message);
    }

    #[test]
    fn layers_frozen_on_purpose_a_rate_of_zero_and_averaged_weights_are_silent() {
        let mut frozen = mlp(Relu, 2);
        frozen.layers[FC1].frozen = true;
        let monitor = run(&frozen, STEPS, |_, step| set_updates(step, FC1, 0.0));
        assert_eq!(level(&monitor, "K029"), None, "frozen");

        let monitor = run(&mlp(Relu, 2), 3 * STEPS, |number, step| {
            if number >= STEPS {
                step.learning_rate = Some(0.0);
                (0..5).for_each(|layer| set_updates(step, layer, 0.0));
            }
        });
        assert_eq!(level(&monitor, "K029"), None, "the end of a schedule");

        // Averaged weights move without a gradient.
        let monitor = run(&mlp(Relu, 2), STEPS, |_, step| {
            step.layers[FC2].parameters.iter_mut().for_each(|one| one.gradient_norm = None);
        });
        assert_eq!(level(&monitor, "K029"), None, "averaged");
    }

    #[test]
    fn steps_that_only_accumulate_are_not_judged_unless_there_is_nothing_else() {
        let recorded = |updates: fn(u64) -> bool| {
            let monitor = run(&mlp(Relu, 2), 2 * STEPS, |number, step| {
                step.updated = Some(updates(number));
                // A loop that clears its gradients with the update has none left to measure then.
                let measured = !updates(number);
                step.layers.iter_mut().for_each(|layer| layer.parameters.retain(|_| measured));
                (0..5).for_each(|layer| set_updates(step, layer, 0.0));
                stuck(step);
            });
            level(&monitor, "K029")
        };
        assert_eq!(recorded(|number| number % 4 == 3), None);
        assert_eq!(recorded(|number| number == 150), None, "one update in four hundred steps");
        assert_eq!(recorded(|_| false), Some(Level::Error));
    }

    #[test]
    fn rare_updates_are_updates() {
        // One update for 150 batches: some windows hold none.
        let monitor = run(&mlp(Relu, 2), 900, |number, step| {
            if number % 150 != 0 {
                (0..5).for_each(|layer| set_updates(step, layer, 0.0));
            }
        });
        assert_eq!(level(&monitor, "K029"), None);
    }
}

mod wrong_mode {
    use super::*;

    /// A network with dropout of a half, or with another layer in its place.
    fn with_layer(layer: LayerDescription) -> ModelDescription {
        let mut model = mlp(Relu, 2);
        model.layers[1] = layer;
        model
    }

    fn dropout() -> LayerDescription {
        LayerDescription { probability: Some(0.5), ..LayerDescription::new("drop", LayerKind::Dropout, &[0]) }
    }

    fn norm() -> LayerDescription {
        LayerDescription::new("norm", LayerKind::BatchNorm, &[0])
    }

    /// A run with `evaluation` of every hundred steps in evaluation mode.
    fn steps(layer: LayerDescription, evaluation: u64) -> Option<Level> {
        let monitor = run(&with_layer(layer), STEPS, |number, step| {
            step.training_mode = Some(number % 100 >= evaluation);
        });
        level(&monitor, "K030")
    }

    #[test]
    fn more_than_half_of_the_training_steps() {
        assert_eq!(steps(dropout(), 0), None);
        assert_eq!(steps(dropout(), 50), None, "exactly half");
        assert_eq!(steps(dropout(), 51), Some(Level::Warn));
        assert_eq!(steps(norm(), 100), Some(Level::Warn));
    }

    #[test]
    fn layers_that_do_the_same_in_both_modes_are_silent() {
        let none = LayerDescription { probability: Some(0.0), ..dropout() };
        let frozen = LayerDescription { frozen: true, ..norm() };
        let layer_norm = LayerDescription::new("norm", LayerKind::LayerNorm, &[0]);
        for layer in [none, frozen, layer_norm, LayerDescription::activation("act1", Relu, &[0])] {
            assert_eq!(steps(layer.clone(), 100), None, "{layer:?}");
        }
    }

    #[test]
    fn the_finding_begins_with_the_evaluation_that_forgot_to_switch_back() {
        let monitor = run(&with_layer(norm()), 1000, |number, step| step.training_mode = Some(number < 500));
        let finding = only(&monitor, "K030");
        assert_eq!(finding.first_step, 500);
        assert!(finding.message.starts_with("100 of 100 training steps ran in evaluation mode"), "{finding:?}");
        assert!(finding.remedy.contains("`model.train()`"), "{}", finding.remedy);
    }

    #[test]
    fn an_epoch_evaluated_in_training_mode() {
        let epoch = |training_mode| EpochMeasurement {
            training_mode,
            validation_loss: Some(1.0),
            ..EpochMeasurement::default()
        };
        for (layer, epoch, expected) in [
            (dropout(), epoch(Some(true)), Some(Level::Warn)),
            (dropout(), epoch(Some(false)), None),
            (dropout(), epoch(None), None),
            (LayerDescription::activation("act1", Relu, &[0]), epoch(Some(true)), None),
            (dropout(), EpochMeasurement { validation_loss: None, ..epoch(Some(true)) }, None),
        ] {
            let mut monitor = Monitor::new(with_layer(layer));
            monitor.epoch(&epoch);
            assert_eq!(level(&monitor, "K030"), expected, "{epoch:?}");
        }
    }

    #[test]
    fn dropout_that_drops_too_little() {
        for (zeros, expected) in [(0.24, Some(Level::Warn)), (0.25, None), (0.5, None), (0.75, None)] {
            let monitor = run(&with_layer(dropout()), STEPS, |_, step| {
                let output = keel_health::measurement::SignalMeasurement {
                    count: 6400,
                    mean: 0.5,
                    std: 1.0,
                    zero_fraction: Some(zeros),
                    ..Default::default()
                };
                step.layers[1].output = Some(output);
            });
            assert_eq!(level(&monitor, "K030"), expected, "{zeros}");
        }
    }

    /// Three epochs whose running mean is `means`, after steps of the given recorded mode.
    fn epochs(layer: LayerDescription, means: [f32; 3], mode: Option<bool>) -> Option<Level> {
        let model = with_layer(layer);
        let mut monitor = Monitor::new(model.clone());
        let mut number = 0;
        for mean in means {
            for _ in 0..50 {
                let mut step = healthy_step(&model, number);
                (step.epoch, step.training_mode) = (number / 50, mode);
                monitor.step(&step);
                number += 1;
            }
            let norm = NormStatistics {
                layer: 1,
                running_mean: vec![mean, 0.5],
                running_variance: vec![1.0; 2],
                ..NormStatistics::default()
            };
            let epoch = EpochMeasurement { step: number, norms: vec![norm], ..EpochMeasurement::default() };
            monitor.epoch(&epoch);
        }
        level(&monitor, "K030")
    }

    #[test]
    fn running_statistics_that_never_change() {
        assert_eq!(epochs(norm(), [0.1, 0.1, 0.1], None), Some(Level::Warn));
        assert_eq!(epochs(norm(), [0.1, 0.2, 0.2], None), Some(Level::Warn), "from the second epoch on");
        assert_eq!(epochs(norm(), [0.1, 0.2, 0.3], None), None);
        assert_eq!(epochs(norm(), [0.1, 0.1, 0.1], Some(true)), None, "fixed by the loop although it trains");
        assert_eq!(epochs(LayerDescription { frozen: true, ..norm() }, [0.1; 3], None), None, "fine-tuning");
    }
}

mod one_class_batches {
    use super::*;

    /// Counts of a batch of 64 samples of ten classes that are all of class `class`.
    fn one(class: usize) -> Vec<u32> {
        let mut counts = vec![0; 10];
        counts[class] = 64;
        counts
    }

    fn mixed() -> Vec<u32> {
        vec![7, 7, 6, 6, 6, 6, 6, 6, 7, 7]
    }

    /// A run with the batches `counts(step)` over data with `shares`; without shares no data was measured.
    fn batches(shares: &[f32], counts: impl Fn(u64) -> Vec<u32>) -> Option<Level> {
        let model = mlp(Relu, 2);
        let mut monitor = Monitor::new(model.clone());
        if !shares.is_empty() {
            monitor.data(&DataMeasurement { class_shares: shares.to_vec(), ..data(&[(0.0, 1.0)]) });
        }
        for number in 0..STEPS {
            monitor.step(&StepMeasurement { class_counts: counts(number), ..healthy_step(&model, number) });
        }
        level(&monitor, "K031")
    }

    const EQUAL: [f32; 10] = [0.1; 10];

    #[test]
    fn most_batches_of_one_class() {
        let sorted = |step: u64| one((step / 40) as usize);
        let alternating = |step: u64| one((step % 10) as usize);
        assert_eq!(batches(&EQUAL, sorted), Some(Level::Error));
        assert_eq!(batches(&EQUAL, alternating), Some(Level::Warn));
        assert_eq!(batches(&EQUAL, |_| mixed()), None, "a class-balanced sampler");
        let some = |share: u64| batches(&EQUAL, move |step| if step % 100 < share { one(3) } else { mixed() });
        assert_eq!(some(50), None, "exactly half");
        // The first of 51 batches repeats no class.
        assert_eq!(some(51), Some(Level::Warn));
        assert_eq!(some(52), Some(Level::Error));
    }

    #[test]
    fn one_sample_that_differs_makes_a_batch_mixed() {
        let nearly = |_| {
            let mut counts = one(2);
            (counts[2], counts[3]) = (63, 1);
            counts
        };
        assert_eq!(batches(&EQUAL, nearly), None);
    }

    #[test]
    fn without_the_shares_of_the_data_several_classes_must_be_seen() {
        assert_eq!(batches(&[], |step| one((step / 40) as usize)), Some(Level::Error));
        assert_eq!(batches(&[], |_| one(4)), None, "data of one class");
    }

    #[test]
    fn unbalanced_data_small_batches_and_single_samples_are_silent() {
        let rare = |share: f32| [1.0 - share, share];
        assert_eq!(batches(&[1.0, 0.0], |_| vec![64, 0]), None, "one class only");
        // 0.97 to the power of 64 is 0.14, 0.96 to the power of 64 is 0.07.
        assert_eq!(batches(&rare(0.03), |_| vec![64, 0]), None);
        assert_eq!(batches(&rare(0.04), |_| vec![64, 0]), Some(Level::Error));
        let small =
            |samples: u32| move |step: u64| if step.is_multiple_of(2) { vec![samples, 0] } else { vec![0, samples] };
        assert_eq!(batches(&[0.5, 0.5], small(1)), None, "batches of one sample");
        assert_eq!(batches(&[0.5, 0.5], small(4)), None, "0.125 by chance");
        assert_eq!(batches(&[0.5, 0.5], small(5)), Some(Level::Error), "0.0625 by chance, the cause of a stuck loss");
        assert_eq!(batches(&EQUAL, |_| Vec::new()), None, "not counted");
    }
}

mod values_given_to_the_loss {
    use super::*;
    use LossKind::{Bce, BceProbabilities, CrossEntropy, Mse, Nll};

    fn given(lowest: f32, highest: f32, sums: Option<[f32; 2]>) -> PredictionMeasurement {
        PredictionMeasurement {
            lowest,
            highest,
            lowest_row_sum: sums.map(|sums| sums[0]),
            highest_row_sum: sums.map(|sums| sums[1]),
        }
    }

    fn judged(model: ModelDescription, predictions: PredictionMeasurement) -> Monitor {
        run(&model, 100, |_, step| step.predictions = Some(predictions))
    }

    fn with_loss(loss: LossKind) -> ModelDescription {
        ModelDescription { loss: Some(loss), unlisted_functions: true, ..mlp(Relu, 2) }
    }

    #[test]
    fn table() {
        let probabilities = given(0.01, 0.6, Some([0.9995, 1.0005]));
        let logits = given(-3.0, 4.0, Some([-5.0, 5.0]));
        for (loss, predictions, words) in [
            (CrossEntropy, probabilities, Some("softmax is applied twice")),
            (CrossEntropy, logits, None),
            (CrossEntropy, given(0.01, 0.6, Some([0.99, 1.0])), None),
            (CrossEntropy, given(0.04, 0.96, Some([0.3, 3.0])), Some("sigmoid is applied first")),
            (CrossEntropy, given(0.06, 0.96, Some([0.3, 3.0])), None),
            (CrossEntropy, given(-2.3, -0.1, Some([-30.0, -20.0])), None),
            (Bce, given(0.05, 0.95, None), Some("sigmoid is applied first")),
            (Bce, given(0.3, 0.6, None), None),
            (Bce, given(0.05, 1.2, None), None),
            (BceProbabilities, given(0.01, 0.99, None), None),
            (Nll, probabilities, Some("probabilities, not their logarithms")),
            (Nll, logits, Some("never above 0")),
            (Nll, given(-8.0, 0.0, Some([-40.0, -20.0])), None),
            (Mse, probabilities, None),
        ] {
            let monitor = judged(with_loss(loss), predictions);
            let found = with_code(&monitor, "K008");
            let message = found.first().map(|finding| (finding.level, finding.message.clone()));
            match (words, &message) {
                (None, None) => {}
                (Some(words), Some((Level::Error, message))) if message.contains(words) => {}
                _ => panic!("{loss:?}, {predictions:?}: {message:?}"),
            }
        }
    }

    #[test]
    fn one_batch_of_other_values_clears_the_network() {
        let monitor = run(&with_loss(CrossEntropy), STEPS, |number, step| {
            let other = number % 100 == 40;
            step.predictions = Some(given(if other { -0.1 } else { 0.1 }, 0.6, Some([1.0, 1.0])));
        });
        assert_eq!(level(&monitor, "K008"), None);
    }

    #[test]
    fn an_activation_that_the_description_names_is_reported_once() {
        let mut model = with_loss(CrossEntropy);
        model.layers.push(LayerDescription::activation("out", Softmax, &[4]));
        let finding = only(&judged(model, given(0.01, 0.6, Some([1.0, 1.0]))), "K008");
        assert_eq!(finding.layer.as_deref(), Some("out"));
    }

    #[test]
    fn a_description_that_may_lack_functions_is_not_taken_at_its_word() {
        for (loss, faulty) in [(Nll, true), (BceProbabilities, true), (CrossEntropy, false)] {
            let listed = ModelDescription { unlisted_functions: false, ..with_loss(loss) };
            assert_eq!(level(&Monitor::new(listed), "K008").is_some(), faulty, "{loss:?}");
            assert_eq!(level(&Monitor::new(with_loss(loss)), "K008"), None, "{loss:?}");
        }
        let mut log_softmax = with_loss(Nll);
        log_softmax.layers.push(LayerDescription::activation("out", LogSoftmax, &[4]));
        assert_eq!(level(&Monitor::new(log_softmax), "K008"), None);
    }
}

#[test]
fn a_healthy_loop_with_every_measurement_has_no_finding() {
    let mut model = ModelDescription { unlisted_functions: true, ..mlp(Relu, 2) };
    model.layers[1] =
        LayerDescription { probability: Some(0.5), ..LayerDescription::new("drop", LayerKind::Dropout, &[0]) };
    let monitor = run(&model, 1500, |_, step| {
        step.gradient_before_norm = Some(0.0);
        (step.updated, step.training_mode) = (Some(true), Some(true));
        step.class_counts = vec![7, 7, 6, 6, 6, 6, 6, 6, 7, 7];
        step.predictions = Some(PredictionMeasurement {
            lowest: -3.0,
            highest: 5.0,
            lowest_row_sum: Some(-4.0),
            highest_row_sum: Some(6.0),
        });
    });
    assert_eq!(all(&monitor.findings()), [""; 0]);
}
