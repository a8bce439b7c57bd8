//! Measures training from an image folder with augmentation, against a peer that has tensors in memory.

use std::path::{Path, PathBuf};
use std::time::Instant;

use image::{Rgb, RgbImage};
use keel_data::{Loader, Position};
use keel_train::{Session, config, load_data};
use serde_json::{Value, json};

use super::super::networks::Spec;
use super::super::peer::{self, Trial};
use super::super::turns::{in_turn, median};
use super::super::workload::{Workload, milliseconds};
use super::super::{Context, SEED};
use crate::failure::Failure;
use crate::interruption::Scratch;

/// Number of classes of the generated images; the total number of images is a multiple of the batch.
const CLASSES: usize = 10;
const IMAGES_A_CLASS: usize = 384;

/// Side of an image in pixels.
const SIDE: u32 = 32;

/// Maximum number of turns of each side: a turn is a whole epoch.
const MOST_TURNS: usize = 3;

/// Times of one training run of two epochs.
struct Epochs {
    /// Time from the folder to the end of the first epoch: reading, decoding, fitting, planning, training.
    first_milliseconds: f64,
    /// Time of the second epoch.
    second_milliseconds: f64,
    /// Time of a step on one batch that stays in memory.
    step_milliseconds: f64,
    images: usize,
}

/// Trains ResNet-20 for an epoch from a folder, alternating with a peer's epoch of as many images.
pub(super) fn measure(name: &'static str, context: &Context) -> Result<Value, Failure> {
    if let Some(folder) = &context.images {
        return measure_folder(name, folder, context);
    }
    (context.progress)("  making images");
    let made_up = Scratch::new("bench-images")?;
    make_images(made_up.path())?;
    measure_folder(name, made_up.path(), context)
}

fn measure_folder(name: &str, folder: &Path, context: &Context) -> Result<Value, Failure> {
    let mut trainings = vec![train(folder)?];
    let images = trainings[0].images;
    let spec = Spec::new("resnet20").description();
    let losses = Workload::new(&spec, SEED)?.first_losses();
    let check = peer::loss_check();
    let trial = Trial { check: (&check, "losses"), expected: &losses, tolerance: 1e-3, timing: "steps" };
    let mut peer = peer::fastest(context, &spec, &trial)?;
    let theirs = peer.as_mut().map(|peer| || peer.timed_epoch(images));
    let turns = if context.images.is_some() { 1 } else { context.turns.min(MOST_TURNS) };
    let mut failure = None;
    let ours = || match train(folder) {
        Ok(epochs) => {
            let milliseconds = epochs.first_milliseconds;
            trainings.push(epochs);
            milliseconds
        }
        Err(error) => {
            failure = Some(error);
            f64::NAN
        }
    };
    let turns = in_turn(turns, ours, theirs)?;
    if let Some(failure) = failure {
        return Err(failure);
    }
    let mut row = json!({ "name": name, "images": images });
    turns.write(&mut row, peer.as_ref().map_or("", |peer| &peer.name));
    let per_second = |time: fn(&Epochs) -> f64, samples: usize| {
        samples as f64 / median(&trainings.iter().map(time).collect::<Vec<_>>()) * 1000.0
    };
    let later = per_second(|epochs| epochs.second_milliseconds, images);
    let memory = per_second(|epochs| epochs.step_milliseconds, spec.batch);
    row["samples_per_second"] = json!(images as f64 / median(&turns.ours) * 1000.0);
    row["later_epochs_samples_per_second"] = json!(later);
    row["in_memory_samples_per_second"] = json!(memory);
    row["later_epochs_share_of_in_memory"] = json!(later / memory);
    Ok(row)
}

/// Trains two epochs of the preset `resnet20` on `folder`.
fn train(folder: &Path) -> Result<Epochs, Failure> {
    let source = format!("data.source=\"{}\"", folder.display());
    let settings = [source, "data.validation=0".to_owned(), "data.test=0".to_owned(), "health.level=off".to_owned()];
    let config = config::load(Some("resnet20"), &settings).map_err(failed)?;
    let start = Instant::now();
    let mut session = Session::new(&config, load_data(&config).map_err(failed)?).map_err(failed)?;
    let source = session.training_batches().clone();
    let steps = source.steps_per_epoch();
    let images = session.data().train.len();
    let mut loader = Loader::start(source, Position::default(), 2, 2).map_err(failed)?;
    let (mut step, mut first_milliseconds) = (0, 0.0);
    while let Some(batch) = loader.next() {
        let batch = batch.map_err(failed)?;
        session.step(&batch, step as u64, 1e-3);
        step += 1;
        if step == steps {
            first_milliseconds = start.elapsed().as_secs_f64() * 1000.0;
        }
        if step == 2 * steps {
            let second_milliseconds = start.elapsed().as_secs_f64() * 1000.0 - first_milliseconds;
            let again: Vec<f64> = (0..5).map(|_| milliseconds(|| session.step(&batch, step as u64, 1e-3))).collect();
            let scale = Spec::new("resnet20").batch as f64 / batch.samples() as f64;
            let step_milliseconds = median(&again) * scale;
            return Ok(Epochs { first_milliseconds, second_milliseconds, step_milliseconds, images });
        }
    }
    Err(Failure::new(format!("{} holds too few images for two epochs", folder.display())))
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::new(error.to_string())
}

/// Writes JPEG files of smooth colours with noise into class folders.
fn make_images(folder: &Path) -> Result<(), Failure> {
    for class in 0..CLASSES {
        let class_folder = folder.join(format!("class{class}"));
        let problem =
            |path: &PathBuf, reason: String| Failure::new(format!("cannot write {}: {reason}", path.display()));
        std::fs::create_dir_all(&class_folder).map_err(|error| problem(&class_folder, error.to_string()))?;
        for number in 0..IMAGES_A_CLASS {
            let path = class_folder.join(format!("{number}.jpg"));
            picture(class, number).save(&path).map_err(|error| problem(&path, error.to_string()))?;
        }
    }
    Ok(())
}

fn picture(class: usize, number: usize) -> RgbImage {
    RgbImage::from_fn(SIDE, SIDE, |column, row| {
        let mixed = (column * 31 + row * 17 + number as u32).wrapping_mul(2_654_435_761) >> 27;
        let smooth = [column * 6 + class as u32 * 11, row * 6 + number as u32 % 50, (column + row) * 3];
        Rgb(smooth.map(|value| (value + mixed).min(255) as u8))
    })
}
