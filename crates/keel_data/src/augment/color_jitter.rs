//! Random brightness and contrast of the whole image (Howard 2013).

use crate::catalog::CatalogEntry;
use crate::preprocess::elementwise::Elementwise;
use crate::random::uniform;
use rand_chacha::ChaCha8Rng;

pub(super) const ENTRY: CatalogEntry =
    CatalogEntry { name: "color_jitter", summary: "change brightness and contrast by up to this share" };

/// Affine change `gain * value + offset` of every value, in raw units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Tone {
    pub(crate) gain: f32,
    pub(crate) offset: f32,
}

/// Draws brightness and contrast, each uniform between `1 - strength` and `1 + strength`, about the middle of `range`.
/// Returns `None` if `strength` is 0 (off).
pub(super) fn draw(stream: &mut ChaCha8Rng, strength: f64, (low, high): (f32, f32)) -> Option<Tone> {
    if strength == 0.0 {
        return None;
    }
    let mut factor = || 1.0 + strength * (2.0 * uniform(stream) - 1.0);
    let (brightness, contrast) = (factor(), factor());
    let (low, middle) = (f64::from(low), f64::from(low + high) / 2.0);
    // Scale brightness about black first, then contrast about the middle.
    let (gain, offset) = (brightness * contrast, contrast * (low - brightness * low) + middle - contrast * middle);
    Some(Tone { gain: gain as f32, offset: offset as f32 })
}

impl Tone {
    /// Applies the change to part of a row that is already shifted and scaled; the values begin at `start` within the sample.
    pub(super) fn apply(self, elementwise: &Elementwise, start: usize, row: &mut [f32]) {
        let position = start..start + row.len();
        let parameters = elementwise.shift()[position.clone()].iter().zip(&elementwise.scale()[position]);
        for (value, (shift, scale)) in row.iter_mut().zip(parameters) {
            *value = self.gain * *value + ((self.gain - 1.0) * shift + self.offset) * scale;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, stream};

    #[test]
    fn tones_stay_in_their_range_and_differ() {
        let tones: Vec<Tone> = (0..500)
            .map(|sample| draw(&mut stream(1, Purpose::Augmentation, 0, sample), 0.2, (0.0, 255.0)).unwrap())
            .collect();
        // Grey values stay between 0.8 and 1.2 times their brightness; contrast alone does not move the middle.
        for tone in &tones {
            let middle = tone.gain * 127.5 + tone.offset;
            assert!((0.64..=1.44).contains(&tone.gain), "{tone:?}");
            assert!((127.5 - 0.2 * 1.2 * 127.5..=127.5 + 0.2 * 1.2 * 127.5).contains(&middle), "{tone:?}");
        }
        assert!(tones.iter().any(|tone| tone.gain > 1.2) && tones.iter().any(|tone| tone.gain < 0.8));
        assert_eq!(draw(&mut stream(1, Purpose::Augmentation, 0, 0), 0.0, (0.0, 255.0)), None);
    }

    #[test]
    fn a_tone_after_scaling_is_one_before_it() {
        let elementwise = Elementwise::new(vec![100.0, 7.0, 30.0], vec![0.5, 2.0, -1.0]);
        let tone = Tone { gain: 1.3, offset: -12.0 };
        let raw = [50.0f32, 200.0, 3.0];
        let mut row = [0.0; 3];
        elementwise.apply_floats(0, &raw, &mut row);
        tone.apply(&elementwise, 0, &mut row);
        let mut expected = [0.0; 3];
        elementwise.apply_floats(0, &raw.map(|value| 1.3 * value - 12.0), &mut expected);
        assert!(
            row.iter().zip(expected).all(|(value, expected)| (value - expected).abs() < 1e-3),
            "{row:?} {expected:?}"
        );
    }
}
