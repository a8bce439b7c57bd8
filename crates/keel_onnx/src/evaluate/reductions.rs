//! Sums, means and maxima along axes, softmax, and argmax.

use super::Call;
use super::shapes::{axes_of, axis_of};
use crate::{Data, Tensor};

/// Computes an operation of this kind; returns `None` for any other.
pub(super) fn compute(operation: &str, call: &Call<'_>) -> Option<Result<Tensor, String>> {
    Some(match operation {
        "ReduceSum" => reduce(call, |row| row.iter().sum()),
        "ReduceMean" => reduce(call, |row| row.iter().sum::<f64>() / row.len() as f64),
        "ReduceMax" => {
            reduce(call, |row| row.iter().fold(f64::NEG_INFINITY, |a, &b| if b.is_nan() { b } else { a.max(b) }))
        }
        "Softmax" => softmax(call, |exponential, sum| exponential / sum),
        "LogSoftmax" => softmax(call, |exponential, sum| exponential.ln() - sum.ln()),
        "ArgMax" => arg_max(call),
        _ => return None,
    })
}

fn reduce(call: &Call<'_>, of_row: impl Fn(&[f64]) -> f64) -> Result<Tensor, String> {
    let input = call.input(0)?;
    let rank = input.shape.len();
    let axes = match axes_of(call, 1, rank)?.filter(|axes| !axes.is_empty()) {
        Some(axes) => axes,
        None if call.attributes.integer("noop_with_empty_axes", 0) != 0 => return Ok(input.clone()),
        None => (0..rank).collect(),
    };
    let Data::Float(values) = &input.data else { return Err("its inputs are not 32-bit floats".to_owned()) };
    let kept = |axis: usize| !axes.contains(&axis);
    let full: Vec<usize> = (0..rank).map(|axis| if kept(axis) { input.shape[axis] } else { 1 }).collect();
    let mut rows = vec![Vec::new(); full.iter().product()];
    for (&value, place) in values.iter().zip(super::arithmetic::places(&full, &input.shape)?) {
        rows[place].push(f64::from(value));
    }
    let keeps = call.attributes.integer("keepdims", 1) != 0;
    let shape: Vec<usize> = (0..rank).filter(|&axis| keeps || kept(axis)).map(|axis| full[axis]).collect();
    Ok(Tensor::floats(shape, rows.iter().map(|row| of_row(row) as f32).collect()))
}

/// Computes softmax along an axis; before version 13, over all dimensions from the axis on.
fn softmax(call: &Call<'_>, share: impl Fn(f64, f64) -> f64) -> Result<Tensor, String> {
    let input = call.input(0)?;
    let values = input.as_floats().ok_or("its inputs are not 32-bit floats")?;
    let before = call.opset < 13;
    let axis = axis_of(call.attributes.integer("axis", if before { 1 } else { -1 }), input.shape.len())?;
    let inner: usize = if before { 1 } else { input.shape[axis + 1..].iter().product() };
    let length: usize = if before { input.shape[axis..].iter().product() } else { input.shape[axis] };
    let mut result = vec![0.0; values.len()];
    for start in (0..values.len()).filter(|place| (place / inner.max(1)).is_multiple_of(length.max(1))) {
        let places = || (0..length).map(|at| start + at * inner);
        let most = places().fold(f32::NEG_INFINITY, |most, place| most.max(values[place]));
        let exponential = |place: usize| f64::from(values[place] - most).exp();
        let sum: f64 = places().map(exponential).sum();
        places().for_each(|place| result[place] = share(exponential(place), sum) as f32);
    }
    Ok(Tensor::floats(input.shape.clone(), result))
}

fn arg_max(call: &Call<'_>) -> Result<Tensor, String> {
    let input = call.input(0)?;
    let values = input.as_floats().ok_or("its inputs are not 32-bit floats")?;
    let axis = axis_of(call.attributes.integer("axis", 0), input.shape.len())?;
    let inner: usize = input.shape[axis + 1..].iter().product();
    let length = input.shape[axis];
    if length == 0 {
        return Err("its input is empty".to_owned());
    }
    let takes_last = call.attributes.integer("select_last_index", 0) != 0;
    let starts = (0..values.len()).filter(|place| (place / inner.max(1)).is_multiple_of(length));
    let largest = |start: usize| {
        let value = |at: usize| values[start + at * inner];
        let better = |at: usize, best: usize| value(at) > value(best) || takes_last && value(at) == value(best);
        (0..length).fold(0, |best, at| if better(at, best) { at } else { best }) as i64
    };
    let mut shape = input.shape.clone();
    if call.attributes.integer("keepdims", 1) != 0 {
        shape[axis] = 1;
    } else {
        shape.remove(axis);
    }
    Ok(Tensor::new(shape, Data::Int(starts.map(largest).collect())))
}
