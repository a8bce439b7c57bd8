//! Fitted preprocessing as nodes.
//!
//! Shifts and scales of floats are computed in 64 bits, as in the predictor, so that centring a feature far from zero
//! loses no precision; bytes need only 32 bits.

use keel_data::{FittedStep, Preprocessor, SampleShape};

use super::builder::{Builder, integer};
use crate::onnx::schema::element;
use crate::onnx::{Data, Tensor};

/// Magnitude up to which soft clipping squares a value; beyond it the result equals the limit anyway.
const SQUARABLE: f64 = 1e100;

/// Samples between steps.
struct Rows {
    /// Name of the value, `[batch, shape]`.
    value: String,
    shape: SampleShape,
    /// True while the values are bytes.
    are_bytes: bool,
    /// Deferred `(x - shift) * scale` of every value of a sample.
    pending: Option<Affine>,
}

struct Affine {
    shift: Vec<f64>,
    scale: Vec<f64>,
}

impl Affine {
    /// Composes this transform with `(x - shift) * scale`: `((x - a) b - c) d = (x - (a + c / b)) (b d)`.
    fn then(self, shift: &[f64], scale: &[f64]) -> Affine {
        let length = self.shift.len();
        let at = |values: &[f64], place: usize| values[place % values.len()];
        Affine {
            shift: (0..length).map(|i| self.shift[i] + at(shift, i) / self.scale[i]).collect(),
            scale: (0..length).map(|i| self.scale[i] * at(scale, i)).collect(),
        }
    }
}

/// Adds the steps of `preprocessor` to raw samples `value`, `[batch, input_shape]`; returns `[batch, output_shape]` in
/// 32 bits, images with channels last.
pub(super) fn export(builder: &mut Builder, preprocessor: &Preprocessor, value: &str, are_bytes: bool) -> String {
    builder.enter("preprocess");
    let mut rows = Rows { value: value.to_owned(), shape: *preprocessor.input_shape(), are_bytes, pending: None };
    for step in preprocessor.steps() {
        rows.apply(builder, step);
        rows.shape = step.output_shape(&rows.shape);
    }
    rows.flush(builder);
    rows.widen(builder);
    rows.value
}

impl Rows {
    fn apply(&mut self, builder: &mut Builder, step: &FittedStep) {
        match step {
            FittedStep::Impute { fill } if !self.are_bytes => {
                let fill: Vec<f64> = fill.iter().map(|&fill| f64::from(fill)).collect();
                let fill = self.constant(builder, "fill", &fill, element::FLOAT);
                let missing = builder.node("IsNaN", &[&self.value], Vec::new());
                self.value = builder.node("Where", &[&missing, &fill, &self.value], Vec::new());
            }
            FittedStep::Impute { .. } => {}
            FittedStep::Elementwise { shift, scale, .. } => self.push(shift, scale),
            FittedStep::Clip { low, high } => {
                self.flush(builder);
                self.widen(builder);
                for (operation, name, limits) in [("Max", "low", low), ("Min", "high", high)] {
                    let limits: Vec<f64> = limits.iter().map(|&limit| f64::from(limit)).collect();
                    let limits = self.constant(builder, name, &limits, element::FLOAT);
                    self.value = builder.node(operation, &[&self.value, &limits], Vec::new());
                }
            }
            FittedStep::SoftClip { limit } => {
                self.flush(builder);
                self.soft_clip(builder, *limit);
            }
            FittedStep::PiecewiseLinear { edges } => {
                self.flush(builder);
                self.widen(builder);
                self.bins(builder, edges);
            }
            FittedStep::Projection { mean, matrix, output_shape, .. } => {
                self.push(mean, &[1.0]);
                self.flush(builder);
                self.widen(builder);
                if self.shape.is_image() {
                    self.value = builder.reshape(&self.value, &[-1, self.shape.len() as i64]);
                }
                let weights = Tensor::floats([matrix.in_features, matrix.out_features], matrix.values.clone());
                let weights = builder.constant("matrix", weights);
                self.value = builder.node("MatMul", &[&self.value, &weights], Vec::new());
                if output_shape.is_image() {
                    let shape: Vec<i64> = output_shape.dimensions().iter().map(|&size| size as i64).collect();
                    self.value = builder.reshape(&self.value, &[&[-1], shape.as_slice()].concat());
                }
            }
        }
    }

    fn push(&mut self, shift: &[f64], scale: &[f64]) {
        let length = self.shape.len();
        let own = self.pending.take().unwrap_or_else(|| Affine { shift: vec![0.0; length], scale: vec![1.0; length] });
        self.pending = Some(own.then(shift, scale));
    }

    /// Applies the deferred shift and scale.
    fn flush(&mut self, builder: &mut Builder) {
        let Some(Affine { shift, scale }) = self.pending.take() else { return };
        if shift.iter().all(|&shift| shift == 0.0) && scale.iter().all(|&scale| scale == 1.0) {
            return;
        }
        let wide = if self.are_bytes { element::FLOAT } else { element::DOUBLE };
        let widened = builder.cast(&self.value, wide);
        let shift = self.constant(builder, "shift", &shift, wide);
        let scale = self.constant(builder, "scale", &scale, wide);
        let centred = builder.node("Sub", &[&widened, &shift], Vec::new());
        self.value = builder.node("Mul", &[&centred, &scale], Vec::new());
        if wide == element::DOUBLE {
            self.value = builder.cast(&self.value, element::FLOAT);
        }
        self.are_bytes = false;
    }

    /// Converts bytes to floats.
    fn widen(&mut self, builder: &mut Builder) {
        if std::mem::take(&mut self.are_bytes) {
            self.value = builder.cast(&self.value, element::FLOAT);
        }
    }

    /// Adds `x / sqrt(1 + (x / limit)^2)` in 64 bits.
    fn soft_clip(&mut self, builder: &mut Builder, limit: f64) {
        let wide = builder.cast(&self.value, element::DOUBLE);
        let constant = |builder: &mut Builder, name: &str, value: f64| {
            builder.constant(name, Tensor::new([], Data::Double(vec![value])))
        };
        let (low, high) = (constant(builder, "low", -SQUARABLE), constant(builder, "high", SQUARABLE));
        let (one, limit) = (constant(builder, "one", 1.0), constant(builder, "limit", limit));
        let bounded = builder.node("Clip", &[&wide, &low, &high], Vec::new());
        let ratio = builder.node("Div", &[&bounded, &limit], Vec::new());
        let square = builder.node("Mul", &[&ratio, &ratio], Vec::new());
        let sum = builder.node("Add", &[&square, &one], Vec::new());
        let root = builder.node("Sqrt", &[&sum], Vec::new());
        let clipped = builder.node("Div", &[&bounded, &root], Vec::new());
        self.value = builder.cast(&clipped, element::FLOAT);
        self.are_bytes = false;
    }

    /// Appends to each feature its position in each of its bins.
    fn bins(&mut self, builder: &mut Builder, edges: &[Vec<f32>]) {
        let (mut features, mut starts, mut widths) = (Vec::new(), Vec::new(), Vec::new());
        for (feature, edges) in edges.iter().enumerate() {
            for bin in edges.windows(2) {
                features.push(feature as i64);
                starts.push(bin[0]);
                widths.push(bin[1] - bin[0]);
            }
        }
        if features.is_empty() {
            return;
        }
        let bins = features.len();
        let features = builder.constant("bin_features", Tensor::integers(features));
        let starts = builder.constant("bin_starts", Tensor::floats([bins], starts));
        let widths = builder.constant("bin_widths", Tensor::floats([bins], widths));
        let (zero, one) = (builder.number("zero", 0.0), builder.number("one", 1.0));
        let values = builder.node("Gather", &[&self.value, &features], vec![integer("axis", 1)]);
        let beyond = builder.node("Sub", &[&values, &starts], Vec::new());
        let share = builder.node("Div", &[&beyond, &widths], Vec::new());
        let positions = builder.node("Clip", &[&share, &zero, &one], Vec::new());
        self.value = builder.node("Concat", &[&self.value, &positions], vec![integer("axis", 1)]);
    }

    /// Adds a constant with one value for each value of a sample, with as few dimensions as possible.
    fn constant(&self, builder: &mut Builder, name: &str, values: &[f64], kind: i32) -> String {
        let channels = self.shape.channels();
        let repeats = |period: usize| values.iter().zip(values.iter().cycle().skip(period)).all(|(a, b)| a == b);
        let shape = match () {
            () if values.len() == 1 || repeats(1) => Vec::new(),
            () if values.len() == channels || (values.len().is_multiple_of(channels) && repeats(channels)) => {
                vec![channels]
            }
            () => self.shape.dimensions(),
        };
        let values = &values[..shape.iter().product()];
        let data = match kind {
            element::DOUBLE => Data::Double(values.to_vec()),
            _ => Data::Float(values.iter().map(|&value| value as f32).collect()),
        };
        builder.constant(name, Tensor::new(shape, data))
    }
}
