//! Normalisation.

use super::Call;
use super::shapes::axis_of;
use crate::Tensor;

/// Computes an operation of this kind; returns `None` for any other.
pub(super) fn compute(operation: &str, call: &Call<'_>) -> Option<Result<Tensor, String>> {
    Some(match operation {
        "BatchNormalization" => batch_norm(call),
        "InstanceNormalization" => instance_norm(call),
        "GroupNormalization" => group_norm(call),
        "LayerNormalization" => layer_norm(call),
        _ => return None,
    })
}

fn floats<'a>(call: &Call<'a>, place: usize) -> Result<&'a [f32], String> {
    call.input(place)?.as_floats().ok_or_else(|| "its inputs are not 32-bit floats".to_owned())
}

/// Returns batch, channels and positions of `[batch, channels, …]`.
fn sizes(input: &Tensor) -> Result<[usize; 3], String> {
    match input.shape.as_slice() {
        [batch, channels, rest @ ..] => Ok([*batch, *channels, rest.iter().product()]),
        other => Err(format!("{other:?} has no channels")),
    }
}

fn batch_norm(call: &Call<'_>) -> Result<Tensor, String> {
    if call.attributes.integer("training_mode", 0) != 0 {
        return Err("it is in training mode".to_owned());
    }
    let (input, x) = (call.input(0)?, floats(call, 0)?);
    let [_, channels, positions] = sizes(input)?;
    let tables = [floats(call, 1)?, floats(call, 2)?, floats(call, 3)?, floats(call, 4)?];
    if tables.iter().any(|table| table.len() != channels) {
        return Err(format!("its tables do not fit {channels} channels"));
    }
    let [scale, shift, mean, variance] = tables;
    let epsilon = f64::from(call.attributes.float("epsilon", 1e-5));
    let value = |(place, &x): (usize, &f32)| {
        let c = place / positions.max(1) % channels;
        let normalised = (f64::from(x) - f64::from(mean[c])) / (f64::from(variance[c]) + epsilon).sqrt();
        (normalised * f64::from(scale[c]) + f64::from(shift[c])) as f32
    };
    Ok(Tensor::floats(input.shape.clone(), x.iter().enumerate().map(value).collect()))
}

fn instance_norm(call: &Call<'_>) -> Result<Tensor, String> {
    let (input, x) = (call.input(0)?, floats(call, 0)?);
    let [_, channels, positions] = sizes(input)?;
    let (scale, shift) = (floats(call, 1)?, floats(call, 2)?);
    if scale.len() != channels || shift.len() != channels {
        return Err(format!("its scales and shifts do not fit {channels} channels"));
    }
    let epsilon = f64::from(call.attributes.float("epsilon", 1e-5));
    let y = normalised(x, positions, epsilon);
    let affine = |(place, h): (usize, f64)| {
        let c = place / positions.max(1) % channels;
        (h * f64::from(scale[c]) + f64::from(shift[c])) as f32
    };
    Ok(Tensor::floats(input.shape.clone(), y.into_iter().enumerate().map(affine).collect()))
}

fn group_norm(call: &Call<'_>) -> Result<Tensor, String> {
    let (input, x) = (call.input(0)?, floats(call, 0)?);
    let [_, channels, positions] = sizes(input)?;
    let groups = usize::try_from(call.attributes.integer("num_groups", 0)).unwrap_or(0);
    if groups == 0 || channels % groups != 0 {
        return Err(format!("{groups} groups do not divide {channels} channels"));
    }
    let (scale, shift) = (floats(call, 1)?, floats(call, 2)?);
    // One scale per channel from version 21 on, one per group before.
    let per = match (scale.len(), shift.len()) {
        (a, b) if a == b && a == channels => 1,
        (a, b) if a == b && a == groups => channels / groups,
        _ => return Err(format!("its scales and shifts do not fit {channels} channels")),
    };
    let epsilon = f64::from(call.attributes.float("epsilon", 1e-5));
    let y = normalised(x, channels / groups * positions, epsilon);
    let affine = |(place, h): (usize, f64)| {
        let c = place / positions.max(1) % channels / per;
        (h * f64::from(scale[c]) + f64::from(shift[c])) as f32
    };
    Ok(Tensor::floats(input.shape.clone(), y.into_iter().enumerate().map(affine).collect()))
}

fn layer_norm(call: &Call<'_>) -> Result<Tensor, String> {
    let (input, x) = (call.input(0)?, floats(call, 0)?);
    let axis = axis_of(call.attributes.integer("axis", -1), input.shape.len())?;
    let length: usize = input.shape[axis..].iter().product();
    let scale = floats(call, 1)?;
    let shift = match call.optional(2) {
        Some(tensor) => Some(tensor.as_floats().ok_or("its inputs are not 32-bit floats")?),
        None => None,
    };
    if scale.len() != length || shift.is_some_and(|shift| shift.len() != length) {
        return Err(format!("its scales and shifts do not fit {length} values"));
    }
    let y = normalised(x, length, f64::from(call.attributes.float("epsilon", 1e-5)));
    let affine = |(place, h): (usize, f64)| {
        let at = place % length;
        (h * f64::from(scale[at]) + shift.map_or(0.0, |shift| f64::from(shift[at]))) as f32
    };
    Ok(Tensor::floats(input.shape.clone(), y.into_iter().enumerate().map(affine).collect()))
}

/// Normalises rows of `length` values to mean 0 and variance 1.
fn normalised(x: &[f32], length: usize, epsilon: f64) -> Vec<f64> {
    let mut y = Vec::with_capacity(x.len());
    for row in x.chunks(length.max(1)) {
        let count = row.len() as f64;
        let mean = row.iter().map(|&x| f64::from(x)).sum::<f64>() / count;
        let variance = row.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / count;
        y.extend(row.iter().map(|&x| (f64::from(x) - mean) / (variance + epsilon).sqrt()));
    }
    y
}
