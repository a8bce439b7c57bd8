//! Elementwise `(x - shift) * scale` over the values of a sample.

/// One shift and one scale per value of a sample, `[sample]`; consecutive steps fold into one of these.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Elementwise {
    shift: Vec<f64>,
    scale: Vec<f64>,
    shift_f32: Vec<f32>,
    scale_f32: Vec<f32>,
    /// True if no value changes.
    is_identity: bool,
}

impl Elementwise {
    pub(crate) fn identity(length: usize) -> Self {
        Self::new(vec![0.0; length], vec![1.0; length])
    }

    /// Creates the transform; `shift` and `scale` have the length of a sample, and no scale is zero.
    pub(crate) fn new(shift: Vec<f64>, scale: Vec<f64>) -> Self {
        let narrow = |values: &[f64]| values.iter().map(|&value| value as f32).collect();
        let is_identity = shift.iter().all(|&shift| shift == 0.0) && scale.iter().all(|&scale| scale == 1.0);
        Self { shift_f32: narrow(&shift), scale_f32: narrow(&scale), shift, scale, is_identity }
    }

    /// Composes this transform with `next`: `((x - a) b - c) d = (x - (a + c / b)) (b d)`.
    pub(crate) fn then(&self, next: &Self) -> Self {
        let shift = (0..self.len()).map(|i| self.shift[i] + next.shift[i] / self.scale[i]).collect();
        let scale = (0..self.len()).map(|i| self.scale[i] * next.scale[i]).collect();
        Self::new(shift, scale)
    }

    pub(crate) fn len(&self) -> usize {
        self.shift.len()
    }

    /// Returns the shifts as f32, `[sample]`.
    pub(crate) fn shift(&self) -> &[f32] {
        &self.shift_f32
    }

    /// Returns the scales as f32, `[sample]`.
    pub(crate) fn scale(&self) -> &[f32] {
        &self.scale_f32
    }

    /// Returns the raw value of the scaled `value` at `position`.
    pub(crate) fn invert(&self, position: usize, value: f32) -> f32 {
        (f64::from(value) / self.scale[position] + self.shift[position]) as f32
    }

    /// Transforms bytes in f32, which is exact enough for them. `start` is the position of `source` in the sample.
    pub(crate) fn apply_bytes(&self, start: usize, source: &[u8], output: &mut [f32]) {
        let end = start + source.len();
        let parameters = self.shift_f32[start..end].iter().zip(&self.scale_f32[start..end]);
        for ((output, &value), (&shift, &scale)) in output.iter_mut().zip(source).zip(parameters) {
            *output = (f32::from(value) - shift) * scale;
        }
    }

    /// Transforms floats in f64, so that centring a feature far from zero loses no precision.
    pub(crate) fn apply_floats(&self, start: usize, source: &[f32], output: &mut [f32]) {
        if self.is_identity {
            return output.copy_from_slice(source);
        }
        let end = start + source.len();
        let parameters = self.shift[start..end].iter().zip(&self.scale[start..end]);
        for ((output, &value), (&shift, &scale)) in output.iter_mut().zip(source).zip(parameters) {
            *output = ((f64::from(value) - shift) * scale) as f32;
        }
    }

    /// Applies [`Self::apply_floats`] to one sample in place.
    pub(crate) fn apply_in_place(&self, sample: &mut [f32]) {
        for ((value, &shift), &scale) in sample.iter_mut().zip(&self.shift).zip(&self.scale) {
            *value = ((f64::from(*value) - shift) * scale) as f32;
        }
    }
}

/// Element types of stored inputs.
pub(crate) trait Stored: Copy + Default {
    /// Transforms consecutive values starting at position `start` of the sample.
    fn apply(elementwise: &Elementwise, start: usize, source: &[Self], output: &mut [f32]);

    /// Returns the value as f32.
    fn value(self) -> f32;
}

impl Stored for u8 {
    fn apply(elementwise: &Elementwise, start: usize, source: &[Self], output: &mut [f32]) {
        elementwise.apply_bytes(start, source, output);
    }

    fn value(self) -> f32 {
        f32::from(self)
    }
}

impl Stored for f32 {
    fn apply(elementwise: &Elementwise, start: usize, source: &[Self], output: &mut [f32]) {
        elementwise.apply_floats(start, source, output);
    }

    fn value(self) -> f32 {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_do_not_change_are_copied_bit_for_bit() {
        let source = [0.0, -0.0, 1.5, f32::MIN_POSITIVE / 2.0, f32::INFINITY];
        let mut copied = [9.0; 5];
        Elementwise::identity(5).apply_floats(0, &source, &mut copied);
        assert_eq!(copied.map(f32::to_bits), source.map(f32::to_bits));
        for other in [Elementwise::new(vec![0.0; 5], vec![2.0; 5]), Elementwise::new(vec![1.0; 5], vec![1.0; 5])] {
            other.apply_floats(0, &source, &mut copied);
            assert_ne!(copied[2], 1.5);
        }
    }

    #[test]
    fn folding_equals_two_passes_and_inverts() {
        let first = Elementwise::new(vec![1.0, -2.0], vec![0.5, 4.0]);
        let second = Elementwise::new(vec![3.0, 0.25], vec![2.0, 0.1]);
        let folded = first.then(&second);
        let source = [200u8, 7];
        let (mut once, mut twice) = ([0.0; 2], [0.0; 2]);
        folded.apply_bytes(0, &source, &mut once);
        first.apply_floats(0, &source.map(f32::from), &mut twice);
        second.apply_in_place(&mut twice);
        for position in 0..2 {
            assert!((once[position] - twice[position]).abs() < 1e-4);
            assert!((folded.invert(position, once[position]) - f32::from(source[position])).abs() < 1e-4);
        }
    }
}
