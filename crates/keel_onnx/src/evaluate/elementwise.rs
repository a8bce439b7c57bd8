//! Elementwise functions.

use keel_nn::activations::Activation;

use super::Call;
use crate::schema::element;
use crate::{Data, Tensor};

/// Computes an operation of this kind; returns `None` for any other.
pub(super) fn compute(operation: &str, call: &Call<'_>) -> Option<Result<Tensor, String>> {
    let float = |name, default| f64::from(call.attributes.float(name, default));
    let (alpha, gamma) = (float("alpha", default_alpha(operation)), float("gamma", 1.050_701));
    let function: Box<dyn Fn(f64) -> f64> = match operation {
        "Relu" => Box::new(|x| if x < 0.0 { 0.0 } else { x }),
        "LeakyRelu" => Box::new(move |x| if x < 0.0 { alpha * x } else { x }),
        "Elu" => Box::new(move |x| if x < 0.0 { alpha * x.exp_m1() } else { x }),
        "Selu" => Box::new(move |x| if x <= 0.0 { gamma * alpha * x.exp_m1() } else { gamma * x }),
        "Sigmoid" => Box::new(sigmoid),
        "Tanh" => Box::new(f64::tanh),
        "Softplus" => Box::new(softplus),
        "Mish" => Box::new(|x| x * softplus(x).tanh()),
        "HardSwish" => Box::new(|x| x * (x / 6.0 + 0.5).clamp(0.0, 1.0)),
        "Gelu" => match call.attributes.string("approximate").as_deref() {
            Some(approximate) if approximate == Activation::Tanh.name() => Box::new(|x| {
                0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x * x * x)).tanh())
            }),
            _ => Box::new(|x| 0.5 * x * (1.0 + erf(x * std::f64::consts::FRAC_1_SQRT_2))),
        },
        "Swish" => Box::new(move |x| x * sigmoid(alpha * x)),
        "Erf" => Box::new(erf),
        "Exp" => Box::new(f64::exp),
        "Log" => Box::new(f64::ln),
        "Sqrt" => Box::new(f64::sqrt),
        "Abs" => Box::new(f64::abs),
        "Neg" => Box::new(|x| -x),
        "Reciprocal" => Box::new(|x| 1.0 / x),
        "Floor" => Box::new(f64::floor),
        "Sin" => Box::new(f64::sin),
        "Cos" => Box::new(f64::cos),
        "Clip" => return Some(clip(call)),
        "Cast" => return Some(cast(call)),
        "IsNaN" => return Some(is_nan(call)),
        "Identity" => return Some(call.input(0).cloned()),
        "Dropout" => return Some(dropout(call)),
        _ => return None,
    };
    Some(call.input(0).and_then(|input| map(input, function)))
}

fn default_alpha(operation: &str) -> f32 {
    match operation {
        "LeakyRelu" => 0.01,
        "Selu" => 1.673_263_2,
        _ => 1.0,
    }
}

/// Applies `function` to every value.
pub(super) fn map(input: &Tensor, function: impl Fn(f64) -> f64) -> Result<Tensor, String> {
    let data = match &input.data {
        Data::Float(values) => Data::Float(values.iter().map(|&x| function(f64::from(x)) as f32).collect()),
        Data::Double(values) => Data::Double(values.iter().map(|&x| function(x)).collect()),
        Data::Int(values) => Data::Int(values.iter().map(|&x| function(x as f64) as i64).collect()),
        _ => return Err("its inputs are not numbers".to_owned()),
    };
    Ok(Tensor::new(input.shape.clone(), data))
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// Error function: power series near 0, continued fraction of the complement further out.
pub fn erf(x: f64) -> f64 {
    let size = x.abs();
    if x.is_nan() {
        return x;
    }
    if size > 6.0 {
        return x.signum();
    }
    if size < 2.5 {
        let (mut term, mut sum, mut n) = (x, x, 0.0);
        while f64::abs(term) > 1e-17 * sum.abs() && n < 200.0 {
            n += 1.0;
            term *= -x * x / n;
            sum += term / (2.0 * n + 1.0);
        }
        return sum * std::f64::consts::FRAC_2_SQRT_PI;
    }
    let fraction = (1..=60).rev().fold(size, |below, k| size + f64::from(k) / 2.0 / below);
    let complement = (-size * size).exp() / (fraction * std::f64::consts::PI.sqrt());
    x.signum() * (1.0 - complement)
}

/// Clamps values to two limits, which are attributes before version 11.
fn clip(call: &Call<'_>) -> Result<Tensor, String> {
    let limit = |place: usize, name: &str, none: f64| -> Result<f64, String> {
        if call.opset < 11 {
            return Ok(if call.attributes.has(name) { f64::from(call.attributes.float(name, 0.0)) } else { none });
        }
        let Some(tensor) = call.optional(place) else { return Ok(none) };
        match tensor.data.numbers().as_deref() {
            Some([limit]) => Ok(*limit),
            _ => Err(format!("its limit `{name}` must be one number")),
        }
    };
    let (low, high) = (limit(1, "min", f64::NEG_INFINITY)?, limit(2, "max", f64::INFINITY)?);
    map(call.input(0)?, |x| {
        let above = if x < low { low } else { x };
        if above > high { high } else { above }
    })
}

fn is_nan(call: &Call<'_>) -> Result<Tensor, String> {
    let input = call.input(0)?;
    let numbers = input.data.numbers().ok_or("its inputs are not numbers")?;
    Ok(Tensor::new(input.shape.clone(), Data::Bool(numbers.iter().map(|x| x.is_nan()).collect())))
}

fn cast(call: &Call<'_>) -> Result<Tensor, String> {
    let input = call.input(0)?;
    let to = call.attributes.integer("to", 0);
    let numbers = input.data.numbers().ok_or("texts cannot be cast to numbers")?;
    let data = match i32::try_from(to) {
        Ok(element::FLOAT) => Data::Float(numbers.iter().map(|&x| x as f32).collect()),
        Ok(element::DOUBLE) => Data::Double(numbers),
        Ok(element::INT64) => Data::Int(numbers.iter().map(|&x| x as i64).collect()),
        Ok(element::INT32) => Data::Int(numbers.iter().map(|&x| i64::from(x as i32)).collect()),
        Ok(element::BOOL) => Data::Bool(numbers.iter().map(|&x| x != 0.0).collect()),
        Ok(element::UINT8) => Data::Byte(numbers.iter().map(|&x| x as u8).collect()),
        _ => return Err(format!("elements of type {to} are not supported")),
    };
    Ok(Tensor::new(input.shape.clone(), data))
}

/// Returns the input: nothing is dropped outside training.
fn dropout(call: &Call<'_>) -> Result<Tensor, String> {
    let trains = call.optional(2).is_some_and(|tensor| tensor.data == Data::Bool(vec![true]));
    if trains || call.outputs > 1 {
        return Err("it is in training mode".to_owned());
    }
    call.input(0).cloned()
}

#[cfg(test)]
mod tests {
    use super::erf;

    #[test]
    fn the_error_function_has_its_known_values() {
        let cases = [
            (0.0, 0.0),
            (0.5, 0.520_499_877_813_046_5),
            (1.0, 0.842_700_792_949_714_9),
            (2.0, 0.995_322_265_018_952_7),
            (2.6, 0.999_763_965_583_470_7),
            (4.0, 0.999_999_984_582_742_1),
            (9.0, 1.0),
        ];
        for (x, expected) in cases {
            assert!((erf(x) - expected).abs() < 1e-12 && (erf(-x) + expected).abs() < 1e-12, "{x}: {}", erf(x));
        }
        assert!(erf(f64::NAN).is_nan());
    }
}
