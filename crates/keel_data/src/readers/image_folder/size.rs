//! Default size of the samples: small images keep their size, photos are as large as a pixel budget allows.

use std::collections::BTreeMap;

/// Longest side of images that keep their size.
const SMALL: usize = 64;
/// Limits of the geometric mean of the sides of larger images.
const SIDES: [f64; 2] = [64.0, 224.0];
/// Sides are multiples of this, so that feature maps halve evenly.
const STEP: f64 = 8.0;

/// Size of all samples and the reason for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageSizeChoice {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Reason, as a phrase.
    pub reason: String,
}

/// Default number of pixels over all samples: a few hundred photos of 112 x 112, or more of 64 x 64.
pub const PIXEL_BUDGET: usize = 6_000_000;

/// Chooses the size for images with these `[height, width]`, after orientation.
///
/// Images of up to 64 pixels keep their size (the most common one). For larger ones the size follows from
/// `pixel_budget` divided by their number, between 64 and 224 pixels, without enlarging them; their proportions are
/// kept if nine of ten images share them, else samples are square.
pub fn choose_image_size(sides: &[[usize; 2]], pixel_budget: usize) -> ImageSizeChoice {
    let (common, count) = most_common(sides);
    let choice = |[height, width]: [usize; 2], reason: String| ImageSizeChoice { height, width, reason };
    let longest = sides.iter().flatten().copied().max().unwrap_or(0);
    if longest <= SMALL {
        return choice(common, "the size of the images, which are small".to_owned());
    }
    let number = sides.len().max(1) as f64;
    let affordable = (pixel_budget as f64 / number).sqrt().clamp(SIDES[0], SIDES[1]);
    let native = (common[0] as f64 * common[1] as f64).sqrt();
    if count as f64 >= 0.9 * number && native <= affordable {
        return choice(common, "the size of the images".to_owned());
    }
    let shorter = median(sides.iter().map(|[height, width]| *height.min(width) as f64));
    let aspect = shared_aspect(sides).unwrap_or(1.0);
    // The shorter side of the sample does not exceed that of the images.
    let available = shorter * aspect.max(1.0 / aspect).sqrt();
    let side = affordable.min(available);
    let whole = |steps: f64| if available < affordable { steps.floor() } else { steps.round() };
    let rounded = |side: f64| (whole(side / STEP) * STEP).max(STEP.min(side)).max(1.0) as usize;
    let size = [rounded(side * aspect.sqrt()), rounded(side / aspect.sqrt())];
    let (height, width) = (median_of(sides, 0), median_of(sides, 1));
    choice(size, format!("chosen for {} images of about {height} x {width}", sides.len()))
}

/// Returns height over width if nine of ten images agree to within a tenth, clamped to between a half and 2.
fn shared_aspect(sides: &[[usize; 2]]) -> Option<f64> {
    let aspect = |[height, width]: &[usize; 2]| *height as f64 / *width as f64;
    let middle = median(sides.iter().map(aspect));
    let alike = sides.iter().filter(|sides| (aspect(sides) / middle).ln().abs() < 0.1).count();
    (alike * 10 >= sides.len() * 9).then_some(middle.clamp(0.5, 2.0))
}

/// Returns the most common size and its frequency; among equally common sizes, the larger one.
fn most_common(sides: &[[usize; 2]]) -> ([usize; 2], usize) {
    let mut counts: BTreeMap<[usize; 2], usize> = BTreeMap::new();
    for &sides in sides {
        *counts.entry(sides).or_default() += 1;
    }
    let best = counts.into_iter().max_by_key(|&(sides, count)| (count, sides));
    best.unwrap_or(([1, 1], 0))
}

fn median_of(sides: &[[usize; 2]], side: usize) -> usize {
    median(sides.iter().map(|sides| sides[side] as f64)) as usize
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(sides: &[[usize; 2]], times: usize) -> [usize; 2] {
        let all: Vec<[usize; 2]> = sides.iter().cycle().take(sides.len() * times).copied().collect();
        let choice = choose_image_size(&all, PIXEL_BUDGET);
        [choice.height, choice.width]
    }

    #[test]
    fn small_images_are_taken_natively() {
        assert_eq!(chosen(&[[32, 32]], 60_000), [32, 32]);
        assert_eq!(chosen(&[[28, 28], [28, 28], [20, 31]], 10), [28, 28]);
        assert_eq!(chosen(&[[64, 48]], 3), [64, 48]);
        assert_eq!(chosen(&[[96, 96]], 500), [96, 96]);
    }

    #[test]
    fn photos_get_what_the_budget_allows_and_keep_shared_proportions() {
        // Mixed proportions: square. 6,000,000 / 396 is 123 squared.
        assert_eq!(chosen(&[[3_000, 4_000], [4_000, 3_000]], 198), [120, 120]);
        assert_eq!(chosen(&[[3_000, 4_000]], 396), [104, 144]);
        assert_eq!(chosen(&[[3_000, 4_000], [3_000, 3_000]], 20), [224, 224]);
        assert_eq!(chosen(&[[300, 400]], 100_000), [56, 72]);
        assert_eq!(chosen(&[[3_000, 3_000]], 100_000), [64, 64]);
    }

    #[test]
    fn images_are_not_enlarged_and_no_size_is_zero() {
        assert_eq!(chosen(&[[70, 80], [90, 70]], 5), [64, 64]);
        assert_eq!(chosen(&[[3, 1_000], [3, 950]], 5), [3, 6]);
        assert_eq!(choose_image_size(&[], 10).height, 1);
    }
}
