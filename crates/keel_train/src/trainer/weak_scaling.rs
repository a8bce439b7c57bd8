//! Weak scaling: every rank takes a whole batch, so the batch of a step grows with the number of ranks, and the learning rate
//! with it.

use crate::auto::{Choice, RateScaling, TrainingReason};
use crate::config::Config;
use crate::error::TrainError;
use crate::optimizers::OptimizerConfig;
use crate::schedules::ScheduleConfig;

/// Number of epochs over which the learning rate rises to its larger value (Goyal et al. 2017).
const WARM_EPOCHS: u64 = 5;

/// Maximum fraction of all steps for the warm-up.
const WARM_SHARE: f64 = 0.1;

/// Returns the config for `ranks` ranks that each take a batch of `config`, with a reason for every change. `samples` is the
/// number of samples in the training split.
///
/// The learning rate grows in proportion to the batch for gradient descent (Goyal et al., "Accurate, Large Minibatch SGD",
/// 2017), and with its square root for optimizers that divide by the size of gradients (Malladi et al., "On the SDEs and
/// Scaling Rules for Adaptive Gradient Algorithms", 2022). It rises to that value over five epochs, at most a tenth of the
/// training run; a one-cycle schedule already has such a rise.
///
/// # Errors
/// If the batch is larger than the training split.
pub(super) fn weakly_scaled(
    config: &Config,
    samples: usize,
    ranks: usize,
) -> Result<(Config, Vec<Choice>), TrainError> {
    let mut scaled = config.clone();
    let batch_size = config.train.batch_size.saturating_mul(ranks);
    if batch_size > samples {
        return Err(TrainError::setting(
            "train.batch_size",
            format!(
                "{ranks} batches of {} samples are more than the {samples} of the training split; use fewer ranks, a smaller \
             train.batch_size, or leave --weak-scaling out",
                config.train.batch_size
            ),
        ));
    }
    scaled.train.batch_size = batch_size;
    let linear = matches!(config.optimizer, OptimizerConfig::Sgd(_));
    let (factor, scaling) = match linear {
        true => (ranks as f64, RateScaling::Proportional),
        false => ((ranks as f64).sqrt(), RateScaling::SquareRoot),
    };
    let learning_rate = config.optimizer.learning_rate() * factor;
    scaled.optimizer = config.optimizer.clone().with_learning_rate(learning_rate);
    let batches = TrainingReason::RankBatches { batch_size: config.train.batch_size, ranks };
    let rate = TrainingReason::ScaledRate { learning_rate: config.optimizer.learning_rate(), scaling };
    let mut choices = vec![
        Choice::new("train.batch_size", batch_size.to_string(), batches),
        Choice::new("optimizer.learning_rate", learning_rate.to_string(), rate),
    ];
    let steps_per_epoch = samples.div_ceil(batch_size) as u64;
    let most = (WARM_SHARE * (config.train.epochs * steps_per_epoch) as f64) as u64;
    let steps = (WARM_EPOCHS * steps_per_epoch).min(most);
    if let Some(schedule) = warmed(&config.schedule, steps) {
        scaled.schedule = schedule;
        let reason = TrainingReason::WarmUp { epochs: WARM_EPOCHS };
        choices.push(Choice::new("schedule.warmup_steps", steps.to_string(), reason));
    }
    Ok((scaled, choices))
}

/// Returns the schedule with a warm-up of `steps`; `None` if its own warm-up is at least as long.
fn warmed(schedule: &ScheduleConfig, steps: u64) -> Option<ScheduleConfig> {
    if matches!(schedule, ScheduleConfig::OneCycle(_)) {
        return None;
    }
    let mut settings = serde_json::to_value(schedule).ok()?;
    let present = settings.get("warmup_steps").and_then(serde_json::Value::as_u64).unwrap_or(0);
    if present >= steps {
        return None;
    }
    *settings.get_mut("warmup_steps")? = steps.into();
    serde_json::from_value(settings).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(overrides: &[&str]) -> Config {
        let overrides: Vec<String> = overrides.iter().map(|&setting| setting.to_owned()).collect();
        crate::config::load(None, &overrides).unwrap()
    }

    #[test]
    fn batch_and_learning_rate_grow_with_the_ranks() {
        let common = ["train.batch_size=50", "train.epochs=100", "optimizer.learning_rate=0.1"];
        let with = |more: &[&str]| settings(&[&common[..], more].concat());
        let config = with(&["optimizer.type=sgd", "schedule.type=cosine"]);
        let (scaled, choices) = weakly_scaled(&config, 1000, 4).unwrap();
        assert_eq!(scaled.train.batch_size, 200);
        assert!((scaled.optimizer.learning_rate() - 0.4).abs() < 1e-12);
        let ScheduleConfig::Cosine(cosine) = &scaled.schedule else { panic!("{:?}", scaled.schedule) };
        assert_eq!(cosine.warmup_steps, 25, "five epochs of five steps");
        let keys: Vec<&str> = choices.iter().map(|choice| choice.key.as_str()).collect();
        assert_eq!(keys, ["train.batch_size", "optimizer.learning_rate", "schedule.warmup_steps"]);
        let short = with(&["optimizer.type=sgd", "schedule.type=cosine", "train.epochs=10"]);
        let ScheduleConfig::Cosine(cosine) = weakly_scaled(&short, 1000, 4).unwrap().0.schedule else { panic!() };
        assert_eq!(cosine.warmup_steps, 5, "a tenth of ten epochs of five steps");
        let adam = with(&["optimizer.type=adam", "schedule.type=one_cycle"]);
        let (scaled, choices) = weakly_scaled(&adam, 1000, 4).unwrap();
        assert!((scaled.optimizer.learning_rate() - 0.2).abs() < 1e-12);
        assert_eq!((scaled.schedule, choices.len()), (adam.schedule, 2));
    }

    #[test]
    fn a_batch_of_more_samples_than_there_are_is_refused() {
        let config = settings(&["train.batch_size=300"]);
        assert!(weakly_scaled(&config, 1200, 4).is_ok());
        let message = weakly_scaled(&config, 1199, 4).unwrap_err().to_string();
        assert!(message.contains("4 batches of 300 samples are more than the 1199"), "{message}");
    }
}
