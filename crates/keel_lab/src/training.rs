//! Small training runs, on the embedded digits by default, for experiments that need a trained network.

use keel_kernels::{Buffer, parallel};
use keel_nn::graph::Node;
use keel_nn::layers::LayerSpec;
use keel_nn::losses::{Loss, LossSpec, LossValue, TargetKind, Targets};
use keel_nn::observers::{Statistics, Tape, Wanted};
use keel_nn::{BatchInput, Cpu, Executor, Graph, MemoryRequest, Mode, Network, NodeId, Observer, RandomKey, lower};

use crate::error::LabError;
use crate::samples::{CLASSES, Order, Part, Task};

/// Number of samples per evaluation batch.
const EVALUATION_BATCH: usize = 256;

/// Settings of a training run: stochastic gradient descent with momentum.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    /// Learning rate.
    pub(crate) learning_rate: f32,
    /// Share of the last update added to the next.
    pub(crate) momentum: f32,
    /// Number of samples per step.
    pub(crate) batch: usize,
    /// Number of steps.
    pub(crate) steps: usize,
}

/// Result of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Score {
    /// Mean loss.
    pub(crate) loss: f64,
    /// Share of correct predictions.
    pub(crate) accuracy: f64,
}

/// A network with everything needed to train it.
pub(crate) struct Classifier {
    /// The network.
    pub(crate) network: Network,
    training: Executor,
    evaluation: Executor,
    gradients: Buffer,
    velocity: Buffer,
    loss: Loss,
    key: RandomKey,
}

impl Classifier {
    /// Creates a network of `layers` for the digits, ending in scores of the ten classes.
    ///
    /// # Errors
    /// Fails if the layers do not fit together.
    pub(crate) fn new(layers: &[LayerSpec], batch: usize, key: RandomKey) -> Result<Self, LabError> {
        Self::for_task(Task::DIGITS, layers, batch, key)
    }

    /// Creates a network of `layers` for `task`, ending in a score per class.
    ///
    /// # Errors
    /// Fails if the layers do not fit together.
    pub(crate) fn for_task(task: Task, layers: &[LayerSpec], batch: usize, key: RandomKey) -> Result<Self, LabError> {
        let network = Network::new(Graph::build(task.input, layers, task.classes)?, key.named("network"));
        let executor = |batch, mode| {
            let request = MemoryRequest { batch, mode, workers: parallel::workers() };
            Executor::new(lower(&network.graph, &Cpu::unfused()), request)
        };
        let (training, evaluation) = (executor(batch, Mode::Train), executor(EVALUATION_BATCH, Mode::Evaluate));
        let length = network.graph.parameter_length();
        let loss = LossSpec::cross_entropy()
            .build(network.graph.output_shape(), TargetKind::Classes(task.classes))
            .expect("the last layer has a score for each class");
        let (gradients, velocity) = (Buffer::zeroed(length), Buffer::zeroed(length));
        Ok(Classifier { network, training, evaluation, gradients, velocity, loss, key })
    }

    /// Trains and returns the loss of every step; stops after the first that is not finite.
    pub(crate) fn train(&mut self, data: &Part, schedule: Schedule) -> Vec<f64> {
        let mut losses = Vec::with_capacity(schedule.steps);
        let mut order = Order::new(data.len(), self.key.named("order"));
        for step in 0..schedule.steps {
            let value = self.step(&data.take(&order.next(schedule.batch)), schedule, step);
            losses.push(value.mean());
            if value.non_finite {
                break;
            }
        }
        losses
    }

    /// Takes one step on one batch.
    pub(crate) fn step(&mut self, batch: &Part, schedule: Schedule, step: usize) -> LossValue {
        let value = self.differentiate(batch, step);
        self.update(schedule);
        value
    }

    /// Updates every parameter with the last gradient.
    pub(crate) fn update(&mut self, schedule: Schedule) {
        let updates = self.velocity.iter_mut().zip(self.gradients.iter());
        for (parameter, (velocity, gradient)) in self.network.parameters.iter_mut().zip(updates) {
            *velocity = schedule.momentum * *velocity + gradient;
            *parameter -= schedule.learning_rate * *velocity;
        }
    }

    /// Returns the loss of one batch; the gradients of all parameters are then available from [`Classifier::gradient`].
    pub(crate) fn differentiate(&mut self, batch: &Part, step: usize) -> LossValue {
        self.differentiate_watched(batch, step, &mut ())
    }

    /// Computes loss and gradients like [`Classifier::differentiate`], with an observer of both passes.
    pub(crate) fn differentiate_watched(
        &mut self,
        batch: &Part,
        step: usize,
        observer: &mut dyn Observer,
    ) -> LossValue {
        let random = self.key.named("steps").child(step as u64);
        let run = BatchInput { input: &batch.inputs, random };
        self.training.forward(&mut self.network, run, observer);
        let (outputs, gradient) = self.training.outputs_and_gradient();
        let value = self.loss.forward_backward(outputs, Targets::Classes(&batch.labels), gradient);
        self.training.backward(&self.network, run, &mut self.gradients, observer);
        value
    }

    /// Returns an observer of training steps that measures `wanted` of each node.
    pub(crate) fn statistics(&self, wanted: impl Fn(&Node) -> Wanted) -> Statistics {
        Statistics::new(self.training.program(), wanted)
    }

    /// Returns true if every parameter is finite.
    pub(crate) fn is_finite(&self) -> bool {
        self.network.parameters.iter().all(|value| value.is_finite())
    }

    /// Returns the last gradient with respect to the parameter with this index, in graph order.
    pub(crate) fn gradient(&self, parameter: usize) -> &[f32] {
        &self.gradients[self.network.graph.parameters()[parameter].range.clone()]
    }

    /// Returns the last update of the parameter with this index, divided by minus the learning rate.
    pub(crate) fn velocity(&self, parameter: usize) -> &[f32] {
        &self.velocity[self.network.graph.parameters()[parameter].range.clone()]
    }

    /// Returns the mean loss and the share of correct predictions, with evaluation statistics.
    pub(crate) fn evaluate(&mut self, data: &Part) -> Score {
        let mut total = LossValue::default();
        let loss = self.loss.clone();
        self.run(data, &mut (), |outputs, labels| total.add(loss.evaluate(outputs, Targets::Classes(labels))));
        Score { loss: total.mean(), accuracy: total.correct as f64 / data.len() as f64 }
    }

    /// Returns the outputs of `nodes` for all of `data` in evaluation, in sample order.
    pub(crate) fn outputs_of(&mut self, nodes: &[NodeId], data: &Part) -> Tape {
        let mut tape = Tape::of(self.evaluation.program(), nodes);
        self.run(data, &mut tape, |_, _| {});
        tape
    }

    /// Runs `data` through the network in evaluation, batch by batch.
    pub(crate) fn run(&mut self, data: &Part, observer: &mut dyn Observer, mut each: impl FnMut(&[f32], &[u32])) {
        let features = data.inputs.len() / data.len();
        let batches = data.inputs.chunks(EVALUATION_BATCH * features).zip(data.labels.chunks(EVALUATION_BATCH));
        for (input, labels) in batches {
            let run = BatchInput { input, random: self.key.named("evaluation") };
            each(self.evaluation.forward(&mut self.network, run, observer), labels);
        }
    }

    /// Returns the scores of all of `data` in evaluation, computed by a program that `target` builds from the network.
    pub(crate) fn scores_by(&self, target: &Cpu, data: &Part) -> Vec<f32> {
        let request = MemoryRequest { batch: EVALUATION_BATCH, mode: Mode::Evaluate, workers: parallel::workers() };
        let mut executor = Executor::new(lower(&self.network.graph, target), request);
        let batch = EVALUATION_BATCH * data.inputs.len() / data.len();
        let run = |input| {
            let run = BatchInput { input, random: self.key.named("evaluation") };
            executor.evaluate(&self.network, run).to_vec()
        };
        data.inputs.chunks(batch).flat_map(run).collect()
    }

    /// Returns the scores of one batch of at most [`EVALUATION_BATCH`] samples, with evaluation statistics.
    pub(crate) fn scores(&mut self, inputs: &[f32]) -> Vec<f32> {
        let run = BatchInput { input: inputs, random: self.key.named("evaluation") };
        self.evaluation.forward(&mut self.network, run, &mut ()).to_vec()
    }

    /// Updates the evaluation statistics with those of one batch of at most the training batch size.
    pub(crate) fn gather_statistics(&mut self, inputs: &[f32]) {
        let run = BatchInput { input: inputs, random: self.key.named("statistics") };
        self.training.forward(&mut self.network, run, &mut ());
    }

    /// Returns the scores of one batch of at most the training batch size, normalised with its own statistics; the
    /// evaluation statistics are unchanged.
    pub(crate) fn scores_with_own_statistics(&mut self, inputs: &[f32]) -> Vec<f32> {
        let state: Vec<f32> = self.network.state.to_vec();
        let run = BatchInput { input: inputs, random: self.key.named("evaluation") };
        let scores = self.training.forward(&mut self.network, run, &mut ()).to_vec();
        self.network.state.copy_from_slice(&state);
        scores
    }
}

/// Returns the same layers repeated `times` times.
pub(crate) fn repeated(block: &[LayerSpec], times: usize) -> Vec<LayerSpec> {
    std::iter::repeat_n(block, times).flatten().cloned().collect()
}

/// Returns the share of rows of `scores`, `[samples, classes]`, whose largest entry is at the label.
pub(crate) fn accuracy(scores: &[f32], labels: &[u32]) -> f64 {
    let answers = scores.chunks(CLASSES).map(answer);
    answers.zip(labels).filter(|(answer, label)| *answer == **label as usize).count() as f64 / labels.len() as f64
}

/// Returns the index of the largest score, the first one on a tie.
pub(crate) fn answer(scores: &[f32]) -> usize {
    (0..scores.len()).fold(0, |best, index| if scores[index] > scores[best] { index } else { best })
}

#[cfg(test)]
mod tests {
    use keel_data::PreprocessStep;
    use keel_nn::layers::LinearSpec;

    use super::*;
    use crate::samples::{Digits, FEATURES};

    #[test]
    fn a_small_network_learns_the_digits_and_repeats_itself() {
        let digits = Digits::preprocessed(&[PreprocessStep::Standardize], 0).unwrap();
        let layers = keel_nn::model::mlp(32, 1);
        let schedule = Schedule { learning_rate: 0.1, momentum: 0.9, batch: 64, steps: 100 };
        let run = || {
            let mut classifier = Classifier::new(&layers, 64, RandomKey::new(1)).unwrap();
            let losses = classifier.train(&digits.train, schedule);
            (losses, classifier.evaluate(&digits.test))
        };
        let (losses, score) = run();
        assert!(losses[0] > 2.0 && losses[99] < 0.3 && score.accuracy > 0.93, "{} {} {score:?}", losses[0], losses[99]);
        assert_eq!(run().0, losses);
    }

    #[test]
    fn own_statistics_leave_the_running_ones_alone() {
        let digits = Digits::preprocessed(&[PreprocessStep::Standardize], 0).unwrap();
        let mut classifier = Classifier::new(&keel_nn::model::mlp(8, 1), 16, RandomKey::new(1)).unwrap();
        let before = classifier.network.state.to_vec();
        let scores = classifier.scores_with_own_statistics(&digits.test.inputs[..16 * FEATURES]);
        assert_eq!(scores.len(), 16 * CLASSES);
        assert_eq!(classifier.network.state.to_vec(), before);
        assert!(Classifier::new(&[LayerSpec::Linear(LinearSpec::new(3))], 4, RandomKey::new(0)).is_err());
    }
}
