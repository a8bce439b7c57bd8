//! Choices for images.

use keel_data::{PreprocessStep, SampleShape};
use keel_nn::Preset;
use keel_nn::losses::LossSpec;

use super::{Chooser, Facts, ImageKind, ImageReason, PhotoReason, Reason, TrainingReason};
use crate::config::{AveragingConfig, Config, LossConfig};
use crate::optimizers::{AdamwConfig, OptimizerConfig, SgdConfig};
use crate::schedules::{OneCycleConfig, ScheduleConfig};

/// Maximum side of an image that is processed at full resolution; larger ones are photos, whose networks reduce their size
/// first.
const SMALL_SIDE: usize = 48;

/// Number of training samples below which a small network suffices, since a larger one would only memorise.
const FEW_SAMPLES: usize = 2_000;

/// Minimum number of channels for which the windows of [`Preset::Whitened`] have enough values for its whitening filters.
const WHITENED_CHANNELS: usize = 3;

/// Minimum side for which a pixel is left after the whitening filters and the three pools of [`Preset::Whitened`].
const WHITENED_SIDE: usize = 9;

/// Chooses all open settings for images.
pub(super) fn choose(chooser: &mut Chooser, facts: &Facts) {
    let SampleShape::Image { height, width, channels } = facts.shape else { return };
    keep_for_training(chooser, facts);
    let (side, shortest) = (height.max(width), height.min(width));
    match (side <= SMALL_SIDE, channels) {
        (true, _) if channels < WHITENED_CHANNELS || shortest < WHITENED_SIDE => small(chooser, facts.shape),
        (true, _) => small_colour(chooser, side),
        (false, _) => photos(chooser, facts, channels),
    }
}

/// Keeps all training images of a source that has a validation part but no test part, instead of splitting off test images.
fn keep_for_training(chooser: &mut Chooser, facts: &Facts) {
    let [_, validation, test] = facts.parts;
    if validation > 0 && test == 0 {
        chooser.choose("data.test", ImageReason::OwnValidation, |config| config.data.test = 0.0);
    }
}

/// Chooses for digits and similar images, those of two channels, and colour images too small for more pools: the classic
/// network, no mirroring.
fn small(chooser: &mut Chooser, shape: SampleShape) {
    let SampleShape::Image { height, width, channels } = shape else { return };
    let (side, shortest) = (height.max(width), height.min(width));
    let kind = match channels {
        1 => ImageKind::Grey,
        2 => ImageKind::TwoChannels,
        _ => ImageKind::Colour,
    };
    let defaults = Config::default();
    chooser.choose("preprocess.steps", ImageReason::ScaledPixels, |config| {
        config.preprocess.steps = vec![PreprocessStep::Standardize];
    });
    chooser.choose("augment.flip", ImageReason::MirroredDigits, |config| config.augment.flip = false);
    match shortest {
        1 => {
            chooser.choose("model.preset", ImageReason::OneRow { kind }, |config| config.model.preset = Preset::Mlp);
        }
        2 | 3 => {
            let reason = ImageReason::OnePool { kind, shortest };
            chooser.choose("model.preset", reason, |config| config.model.preset = Preset::Cnn);
            chooser.choose("model.depth", reason, |config| config.model.depth = 1);
        }
        _ => {
            let reason = ImageReason::TwoConvolutions { kind, side };
            chooser.choose("model.preset", reason, |config| config.model.preset = Preset::Cnn);
        }
    }
    chooser.choose("train.epochs", ImageReason::EnoughEpochs, |config| config.train.epochs = defaults.train.epochs);
    chooser.choose("train.batch_size", ImageReason::ManySteps, |config| {
        config.train.batch_size = defaults.train.batch_size
    });
    chooser.choose("optimizer", ImageReason::ReliableOptimizer, |config| {
        config.optimizer = OptimizerConfig::Sgd(SgdConfig::default());
    });
    chooser.choose("schedule", ImageReason::ShortTraining, |config| {
        config.schedule = ScheduleConfig::OneCycle(OneCycleConfig::default());
    });
}

/// Chooses for CIFAR-10 and similar images.
fn small_colour(chooser: &mut Chooser, side: usize) {
    chooser.choose("preprocess.steps", ImageReason::ScaledChannels, |config| {
        config.preprocess.steps = vec![PreprocessStep::ChannelStandardize];
    });
    chooser.choose("augment.flip", ImageReason::MirroredObjects, |config| config.augment.flip = true);
    chooser.choose("augment.crop_padding", ImageReason::SmallShift, |config| {
        config.augment.crop_padding = (side / 12).max(1);
    });
    chooser.choose("model.preset", ImageReason::Whitening { side }, |config| config.model.preset = Preset::Whitened);
    chooser.choose("model.width", ImageReason::WiderIsSlower, |config| config.model.width = 32);
    chooser.choose("train.epochs", ImageReason::WhileImproving, |config| config.train.epochs = 20);
    chooser.choose("train.batch_size", ImageReason::LargeBatches, |config| config.train.batch_size = 128);
    smooth_labels(chooser);
    chooser.choose("train.averaging", TrainingReason::AveragedWeights, |config| {
        config.train.averaging = AveragingConfig::Ema { decay: 0.99 };
    });
    chooser.choose("train.mirrored_evaluation", ImageReason::TwoViews, |config| {
        config.train.mirrored_evaluation = true;
    });
    chooser.choose("optimizer", ImageReason::HighRates, |config| {
        config.optimizer = OptimizerConfig::Sgd(SgdConfig {
            learning_rate: 0.2,
            momentum: 0.9,
            nesterov: true,
            weight_decay: 0.0008,
            shift_learning_rate_factor: 16.0,
            ..SgdConfig::default()
        });
    });
    chooser.choose("schedule", ImageReason::ShortTraining, |config| {
        config.schedule = ScheduleConfig::OneCycle(OneCycleConfig {
            rising_share: 0.2,
            start_divisor: 5.0,
            ..OneCycleConfig::default()
        });
    });
}

fn smooth_labels(chooser: &mut Chooser) {
    chooser.choose("train.loss", ImageReason::SmoothedLabels, |config| {
        let smoothed = LossSpec::CrossEntropy { label_smoothing: 0.1 };
        config.train.loss = LossConfig::Chosen(smoothed);
    });
}

/// Chooses for photos: a residual network that first reduces their size, random crops of random size.
fn photos(chooser: &mut Chooser, facts: &Facts, channels: usize) {
    let samples = facts.training_samples(&chooser.config);
    let few = samples < FEW_SAMPLES;
    chooser.choose("preprocess.steps", ImageReason::ScaledChannels, |config| {
        config.preprocess.steps = vec![PreprocessStep::ChannelStandardize];
    });
    chooser.choose("augment.flip", ImageReason::MirroredObjects, |config| config.augment.flip = true);
    chooser.choose("augment.random_resized_crop", PhotoReason::RandomCrops, |config| {
        config.augment.random_resized_crop = 0.35
    });
    let kind = if channels == 1 { ImageKind::Grey } else { ImageKind::Photo };
    chooser.choose("model.preset", PhotoReason::ResidualBlocks { kind }, |config| config.model.preset = Preset::Photo);
    let (width, reason) = match samples {
        0..FEW_SAMPLES => (24, PhotoReason::FewImages { samples }),
        FEW_SAMPLES..20_000 => (32, PhotoReason::Images { samples }),
        _ => (48, PhotoReason::ManyImages { samples }),
    };
    chooser.choose("model.width", reason, |config| config.model.width = width);
    chooser.choose("model.dropout", PhotoReason::NoSingleFeatures, |config| {
        config.model.dropout = if few { 0.3 } else { 0.1 }
    });
    let batch = if few { 32 } else { 64 };
    chooser.choose("train.batch_size", PhotoReason::Images { samples }, |config| config.train.batch_size = batch);
    let steps = (samples as u64).div_ceil(chooser.config.train.batch_size as u64).max(1);
    let epochs = (if few { 800u64 } else { 10_000 }).div_ceil(steps).clamp(15, 200);
    let reason = if few { PhotoReason::ManyEpochs.into() } else { Reason::from(ImageReason::WhileImproving) };
    chooser.choose("train.epochs", reason, |config| config.train.epochs = epochs);
    smooth_labels(chooser);
    chooser.choose("train.averaging", TrainingReason::AveragedWeights, |config| {
        config.train.averaging = AveragingConfig::Ema { decay: 0.99 };
    });
    chooser.choose("train.mirrored_evaluation", ImageReason::TwoViews, |config| {
        config.train.mirrored_evaluation = true;
    });
    chooser.choose("optimizer", PhotoReason::AnyBatchSize, |config| {
        config.optimizer =
            OptimizerConfig::Adamw(AdamwConfig { learning_rate: 0.002, weight_decay: 0.05, ..AdamwConfig::default() });
    });
    chooser.choose("schedule", PhotoReason::SlowRise, |config| {
        config.schedule = ScheduleConfig::OneCycle(OneCycleConfig { rising_share: 0.15, ..OneCycleConfig::default() });
    });
}
