//! Every value the same. All units of a layer then compute and learn the same: right for biases, wrong for weights.

pub(super) fn fill(values: &mut [f32], value: f32) {
    values.fill(value);
}
