//! Several replicas of one training: an exchange between gradient and update, and nothing else, makes them one.

use std::sync::{Arc, Barrier, Mutex};

use keel_data::{Batch, BatchTargets, Batches, Position};
use keel_nn::losses::LossValue;
use keel_train::{Config, Exchange, Session, StepResult, config, load_data, threads};

/// Meeting point of the replicas, which run as threads.
#[derive(Debug)]
struct Meeting {
    barrier: Barrier,
    /// Loss and gradient of each replica, by its number.
    shares: Mutex<Vec<(LossValue, Vec<f32>)>>,
}

#[derive(Debug)]
struct Threads {
    number: usize,
    meeting: Arc<Meeting>,
}

impl Exchange for Threads {
    fn exchange(&mut self, loss: LossValue, gradients: &mut [f32]) -> LossValue {
        self.meeting.shares.lock().unwrap()[self.number] = (loss, gradients.to_vec());
        self.meeting.barrier.wait();
        let shares = self.meeting.shares.lock().unwrap().clone();
        let weight: f64 = shares.iter().map(|(loss, _)| loss.weight).sum();
        for (at, gradient) in gradients.iter_mut().enumerate() {
            let sum: f64 = shares.iter().map(|(loss, own)| loss.weight * f64::from(own[at])).sum();
            *gradient = (sum / weight) as f32;
        }
        let mut whole = LossValue::default();
        shares.iter().for_each(|(loss, _)| whole.add(*loss));
        self.meeting.barrier.wait();
        whole
    }
}

fn settings(loss: &str) -> Config {
    let overrides: Vec<String> = [
        "data.source=digits",
        "train.batch_size=24",
        "optimizer.type=adam",
        "model.layers=[{type=\"linear\", out_features=20}, {type=\"activation\", function=\"tanh\"}, {type=\"linear\"}]",
        loss,
    ]
    .map(str::to_owned)
    .to_vec();
    config::load(None, &overrides).unwrap_or_else(|error| panic!("{error}"))
}

fn session(config: &Config) -> Session {
    Session::new(config, load_data(config).unwrap()).unwrap()
}

/// The samples `rows` of `batch`.
fn part(batch: &Batch, rows: std::ops::Range<usize>) -> Batch {
    let length = batch.inputs.len() / batch.samples();
    let BatchTargets::Classes(labels) = &batch.targets else { panic!("classes expected") };
    Batch {
        inputs: batch.inputs[rows.start * length..rows.end * length].to_vec(),
        targets: BatchTargets::Classes(labels[rows.clone()].to_vec()),
        weights: if batch.weights.is_empty() { Vec::new() } else { batch.weights[rows.clone()].to_vec() },
        indices: batch.indices[rows].to_vec(),
        position: batch.position,
    }
}

fn train(mut session: Session, batches: &[Batch]) -> (Vec<f32>, Vec<StepResult>) {
    let results = batches.iter().enumerate().map(|(step, batch)| session.step(batch, step as u64, 0.01)).collect();
    (session.network().parameters.to_vec(), results)
}

#[test]
fn replicas_with_uneven_shares_train_as_one_with_the_whole_batch() {
    for loss in ["train.loss=cross_entropy", "train.class_weights=[1, 2, 1, 3, 1, 1, 4, 1, 1, 2]"] {
        let config = settings(loss);
        let pool = || threads::pool(1).unwrap();
        let (expected, losses, batches) = pool().install(|| {
            let alone = session(&config);
            let mut source = Batches::new(alone.training_batches().clone(), Position::default());
            let batches: Vec<Batch> = (0..6).map(|_| source.next().unwrap().unwrap().clone()).collect();
            let (weights, results) = train(alone, &batches);
            (weights, results, batches)
        });
        let meeting = Arc::new(Meeting {
            barrier: Barrier::new(3),
            shares: Mutex::new(vec![(LossValue::default(), Vec::new()); 3]),
        });
        let shares = [0..7, 7..20, 20..24];
        let replicas: Vec<_> = shares
            .into_iter()
            .enumerate()
            .map(|(number, rows)| {
                let (config, meeting) = (config.clone(), Arc::clone(&meeting));
                let batches: Vec<Batch> = batches.iter().map(|batch| part(batch, rows.clone())).collect();
                std::thread::spawn(move || {
                    pool().install(|| train(session(&config).with_exchange(Threads { number, meeting }), &batches))
                })
            })
            .collect();
        let trained: Vec<_> = replicas.into_iter().map(|replica| replica.join().unwrap()).collect();
        for (number, (weights, results)) in trained.iter().enumerate() {
            assert!(*weights == trained[0].0, "{loss}: replica {number} drifts apart");
            for (weight, expected) in weights.iter().zip(&expected) {
                assert!((weight - expected).abs() < 1e-4, "{loss}: replica {number}: {weight} {expected}");
            }
            for (result, expected) in results.iter().zip(&losses) {
                assert!((result.loss - expected.loss).abs() < 1e-5, "{loss}: {} {}", result.loss, expected.loss);
                assert_eq!(result.right, expected.right, "{loss}");
            }
        }
    }
}
