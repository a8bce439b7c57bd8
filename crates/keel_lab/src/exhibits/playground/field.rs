//! Predictions of the network over the plane.

use serde::Serialize;

use crate::samples::{PICTURE, Part};
use crate::training::answer;
use crate::watched::WatchedRun;

/// Number of cells per side.
pub(super) const SIDE: usize = 48;

/// Prediction at the centre of a cell: the class with the highest probability, and that probability in whole percent;
/// `None` if it is not a number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Cell(pub(super) usize, pub(super) Option<u8>);

/// Prediction at one point.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Asked {
    /// Class with the highest probability.
    pub(super) class: usize,
    /// Probability of each class.
    pub(super) probabilities: Vec<f64>,
}

/// Returns the cells of the picture, row by row from the bottom.
pub(super) fn cells(run: &mut WatchedRun) -> Vec<Cell> {
    let middle = |index: usize| ((index as f64 + 0.5) / SIDE as f64 * PICTURE) as f32;
    let pixels = (0..SIDE * SIDE).flat_map(|cell| [middle(cell % SIDE), middle(cell / SIDE)]).collect();
    let cell = |probabilities: Vec<f64>| {
        let class = highest(&probabilities);
        let percent = (100.0 * probabilities[class]).round();
        Cell(class, percent.is_finite().then_some(percent as u8))
    };
    probabilities(run, pixels).into_iter().map(cell).collect()
}

/// Returns the prediction at `point`, or `None` if it is not a number.
pub(super) fn asked(run: &mut WatchedRun, point: [f64; 2]) -> Option<Asked> {
    let probabilities = probabilities(run, point.map(|pixel| pixel as f32).to_vec()).pop()?;
    let finite = probabilities.iter().all(|probability| probability.is_finite());
    finite.then(|| Asked { class: highest(&probabilities), probabilities })
}

fn highest(probabilities: &[f64]) -> usize {
    (0..probabilities.len())
        .fold(0, |best, class| if probabilities[class] > probabilities[best] { class } else { best })
}

/// Returns the probabilities of the classes at each point, `[points, 2]` in pixels.
fn probabilities(run: &mut WatchedRun, pixels: Vec<f32>) -> Vec<Vec<f64>> {
    let inputs = run.samples().given(pixels);
    let part = Part { labels: vec![0; inputs.len() / 2], inputs };
    let classes = run.samples().task.classes;
    let mut all = Vec::with_capacity(part.len());
    run.classifier().run(&part, &mut (), |scores, _| all.extend(scores.chunks(classes).map(softmax)));
    all
}

fn softmax(scores: &[f32]) -> Vec<f64> {
    let largest = f64::from(scores[answer(scores)]);
    let powers: Vec<f64> = scores.iter().map(|&score| (f64::from(score) - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|power| power / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Data, Recipe};
    use crate::watched::tests::recipe;

    #[test]
    fn regions_agree_with_the_answers_to_the_samples() {
        let circles = Recipe { data: Data::Circles, noise: 0.02, ..recipe() };
        let mut run = WatchedRun::begin(&circles, 1).unwrap();
        run.train_to(400);
        assert!(run.validate().accuracy > 0.97);
        let cells = cells(&mut run);
        let at = |x: f64, y: f64| {
            let place = |pixel: f64| (pixel / PICTURE * SIDE as f64) as usize;
            cells[place(y) * SIDE + place(x)]
        };
        // The inner circle has class 0; the outer one, 0.35 of the picture away from the centre, has class 1.
        assert_eq!(at(128.0, 128.0).0, 0);
        assert_eq!([at(128.0, 217.0).0, at(39.0, 128.0).0], [1, 1]);
        let asked = asked(&mut run, [128.0, 217.0]).unwrap();
        assert_eq!(asked.class, 1);
        assert!((asked.probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert_eq!(softmax(&[0.0, f32::NAN]).len(), 2);
    }
}
