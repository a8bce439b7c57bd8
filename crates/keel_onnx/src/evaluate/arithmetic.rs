//! Functions of two or more tensors, with broadcasting.

use super::{Call, length_of};
use crate::{Data, Tensor};

/// Computes an operation of this kind; returns `None` for any other.
pub(super) fn compute(operation: &str, call: &Call<'_>) -> Option<Result<Tensor, String>> {
    Some(match operation {
        "Add" | "Sub" | "Mul" | "Div" => two(call, |a, b| arithmetic(operation, a, b)),
        "Max" | "Min" | "Sum" => several(call, |a, b| arithmetic(operation, a, b)),
        "PRelu" => two(call, prelu),
        "Equal" | "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual" => two(call, |a, b| compare(operation, a, b)),
        "Where" => choose(call),
        _ => return None,
    })
}

fn two(call: &Call<'_>, combine: impl Fn(&Tensor, &Tensor) -> Result<Tensor, String>) -> Result<Tensor, String> {
    combine(call.input(0)?, call.input(1)?)
}

fn several(call: &Call<'_>, combine: impl Fn(&Tensor, &Tensor) -> Result<Tensor, String>) -> Result<Tensor, String> {
    let mut result = call.input(0)?.clone();
    for place in 1..call.inputs.len() {
        result = combine(&result, call.input(place)?)?;
    }
    Ok(result)
}

fn arithmetic(operation: &str, left: &Tensor, right: &Tensor) -> Result<Tensor, String> {
    let (shape, pairs) = pairs(left, right)?;
    let real = |a: f64, b: f64| match operation {
        "Add" | "Sum" => a + b,
        "Sub" => a - b,
        "Mul" => a * b,
        "Div" => a / b,
        _ if a.is_nan() || b.is_nan() => f64::NAN,
        "Max" => a.max(b),
        _ => a.min(b),
    };
    let whole = |a: i64, b: i64| match operation {
        "Add" | "Sum" => a.checked_add(b),
        "Sub" => a.checked_sub(b),
        "Mul" => a.checked_mul(b),
        "Div" => a.checked_div(b),
        "Max" => Some(a.max(b)),
        _ => Some(a.min(b)),
    };
    let data = match (&left.data, &right.data) {
        (Data::Float(a), Data::Float(b)) => {
            Data::Float(pairs.iter().map(|&(i, j)| real(f64::from(a[i]), f64::from(b[j])) as f32).collect())
        }
        (Data::Double(a), Data::Double(b)) => Data::Double(pairs.iter().map(|&(i, j)| real(a[i], b[j])).collect()),
        (Data::Int(a), Data::Int(b)) => {
            let values: Option<Vec<i64>> = pairs.iter().map(|&(i, j)| whole(a[i], b[j])).collect();
            Data::Int(values.ok_or("a whole number overflows or is divided by 0")?)
        }
        _ => return Err("its inputs are not numbers of one type".to_owned()),
    };
    Ok(Tensor::new(shape, data))
}

fn prelu(input: &Tensor, slope: &Tensor) -> Result<Tensor, String> {
    let (shape, pairs) = pairs(input, slope)?;
    if shape != input.shape {
        return Err(format!("slopes of {:?} do not fit values of {:?}", slope.shape, input.shape));
    }
    let (Data::Float(x), Data::Float(slope)) = (&input.data, &slope.data) else {
        return Err("its inputs are not 32-bit floats".to_owned());
    };
    let value = |&(i, j): &(usize, usize)| if x[i] < 0.0 { slope[j] * x[i] } else { x[i] };
    Ok(Tensor::floats(shape, pairs.iter().map(value).collect()))
}

fn compare(operation: &str, left: &Tensor, right: &Tensor) -> Result<Tensor, String> {
    let (shape, pairs) = pairs(left, right)?;
    if let (Data::Text(a), Data::Text(b), "Equal") = (&left.data, &right.data, operation) {
        return Ok(Tensor::new(shape, Data::Bool(pairs.iter().map(|&(i, j)| a[i] == b[j]).collect())));
    }
    let (Some(a), Some(b)) = (left.data.numbers(), right.data.numbers()) else {
        return Err("its inputs are not numbers".to_owned());
    };
    let holds = |&(i, j): &(usize, usize)| match operation {
        "Equal" => a[i] == b[j],
        "Greater" => a[i] > b[j],
        "GreaterOrEqual" => a[i] >= b[j],
        "Less" => a[i] < b[j],
        _ => a[i] <= b[j],
    };
    Ok(Tensor::new(shape, Data::Bool(pairs.iter().map(holds).collect())))
}

/// Selects values of the second input where the first is true, else of the third.
fn choose(call: &Call<'_>) -> Result<Tensor, String> {
    let (condition, yes, no) = (call.input(0)?, call.input(1)?, call.input(2)?);
    let Data::Bool(truths) = &condition.data else { return Err("its condition is not boolean".to_owned()) };
    let shape = joined(&joined(&condition.shape, &yes.shape)?, &no.shape)?;
    let places = |tensor: &Tensor| places(&tensor.shape, &shape);
    let (truth_at, yes_at, no_at) = (places(condition)?, places(yes)?, places(no)?);
    let all = yes_at.len();
    let take = |place: usize| if truths[truth_at[place]] { yes_at[place] } else { yes.data.len() + no_at[place] };
    let both = match (&yes.data, &no.data) {
        (Data::Float(a), Data::Float(b)) => Data::Float([a.as_slice(), b].concat()),
        (Data::Double(a), Data::Double(b)) => Data::Double([a.as_slice(), b].concat()),
        (Data::Int(a), Data::Int(b)) => Data::Int([a.as_slice(), b].concat()),
        (Data::Text(a), Data::Text(b)) => Data::Text([a.as_slice(), b].concat()),
        _ => return Err("its two values are of different types".to_owned()),
    };
    Ok(Tensor::new(shape, both.gathered((0..all).map(take))))
}

/// Returns the broadcast shape of two tensors, and the source positions of every pair of values.
fn pairs(left: &Tensor, right: &Tensor) -> Result<(Vec<usize>, Vec<(usize, usize)>), String> {
    let shape = joined(&left.shape, &right.shape)?;
    let (left, right) = (places(&left.shape, &shape)?, places(&right.shape, &shape)?);
    Ok((shape, left.into_iter().zip(right).collect()))
}

/// Broadcasts two shapes: aligned at the last dimension, a 1 takes the size of the other.
pub(super) fn joined(left: &[usize], right: &[usize]) -> Result<Vec<usize>, String> {
    let rank = left.len().max(right.len());
    let size = |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |at| shape[at]);
    let joined = |axis: usize| match (size(left, axis), size(right, axis)) {
        (a, b) if a == b => Ok(a),
        (1, b) => Ok(b),
        (a, 1) => Ok(a),
        _ => Err(format!("shapes {left:?} and {right:?} cannot be broadcast")),
    };
    let shape: Vec<usize> = (0..rank).map(joined).collect::<Result<_, _>>()?;
    length_of(&shape)?;
    Ok(shape)
}

/// Returns the source position in `own` for every position of `shape`.
pub(super) fn places(own: &[usize], shape: &[usize]) -> Result<Vec<usize>, String> {
    let length = length_of(shape)?;
    let missing = shape.len() - own.len();
    let mut strides = vec![0; shape.len()];
    let mut stride = 1;
    for axis in (0..own.len()).rev() {
        strides[missing + axis] = if own[axis] == 1 { 0 } else { stride };
        stride *= own[axis];
    }
    let mut places = Vec::with_capacity(length);
    let mut index = vec![0; shape.len()];
    let mut place = 0;
    for _ in 0..length {
        places.push(place);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            place += strides[axis];
            if index[axis] < shape[axis] {
                break;
            }
            place -= strides[axis] * shape[axis];
            index[axis] = 0;
        }
    }
    Ok(places)
}
