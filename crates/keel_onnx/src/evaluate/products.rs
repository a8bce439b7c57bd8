//! Matrix products.

use super::arithmetic::{joined, places};
use super::{Call, length_of};
use crate::Tensor;

/// Computes an operation of this kind; returns `None` for any other.
pub(super) fn compute(operation: &str, call: &Call<'_>) -> Option<Result<Tensor, String>> {
    Some(match operation {
        "Gemm" => gemm(call),
        "MatMul" => matmul(call),
        _ => return None,
    })
}

/// Computes `alpha A B + beta C`, with either matrix transposed if requested.
fn gemm(call: &Call<'_>) -> Result<Tensor, String> {
    let (left, right) = (call.input(0)?, call.input(1)?);
    let (Some(a), Some(b)) = (left.as_floats(), right.as_floats()) else {
        return Err("its inputs are not 32-bit floats".to_owned());
    };
    let sizes = |tensor: &Tensor, transposed: bool| match (tensor.shape.as_slice(), transposed) {
        (&[rows, columns], false) => Ok([rows, columns]),
        (&[columns, rows], true) => Ok([rows, columns]),
        _ => Err(format!("{:?} is not a matrix", tensor.shape)),
    };
    let transposed = [call.attributes.integer("transA", 0) != 0, call.attributes.integer("transB", 0) != 0];
    let ([rows, depth], [depth_b, columns]) = (sizes(left, transposed[0])?, sizes(right, transposed[1])?);
    if depth != depth_b {
        return Err(format!("matrices of {:?} and {:?} cannot be multiplied", left.shape, right.shape));
    }
    let (alpha, beta) = (call.attributes.float("alpha", 1.0), call.attributes.float("beta", 1.0));
    let shape = vec![rows, columns];
    let mut sums = vec![0.0; length_of(&shape)?];
    for i in 0..rows {
        let row = &mut sums[i * columns..(i + 1) * columns];
        for k in 0..depth {
            let x = f64::from(if transposed[0] { a[k * rows + i] } else { a[i * depth + k] });
            let value = |j: usize| if transposed[1] { b[j * depth + k] } else { b[k * columns + j] };
            row.iter_mut().enumerate().for_each(|(j, sum)| *sum += x * f64::from(value(j)));
        }
    }
    let added = match call.optional(2) {
        None => None,
        Some(tensor) => {
            let values = tensor.as_floats().ok_or("its inputs are not 32-bit floats")?;
            if joined(&tensor.shape, &shape)? != shape {
                return Err(format!("{:?} cannot be added to {shape:?}", tensor.shape));
            }
            Some((values, places(&tensor.shape, &shape)?))
        }
    };
    let total = |(place, sum): (usize, f64)| {
        let own = added.as_ref().map_or(0.0, |(values, places)| f64::from(values[places[place]]));
        (f64::from(alpha) * sum + f64::from(beta) * own) as f32
    };
    Ok(Tensor::floats(shape, sums.into_iter().enumerate().map(total).collect()))
}

/// Multiplies the matrices in the last two dimensions.
fn matmul(call: &Call<'_>) -> Result<Tensor, String> {
    let (left, right) = (call.input(0)?, call.input(1)?);
    let (Some(a), Some(b)) = (left.as_floats(), right.as_floats()) else {
        return Err("its inputs are not 32-bit floats".to_owned());
    };
    let ([outer_a @ .., rows, depth], [outer_b @ .., depth_b, columns]) =
        (left.shape.as_slice(), right.shape.as_slice())
    else {
        return Err(format!("{:?} and {:?} are not matrices", left.shape, right.shape));
    };
    let (rows, depth, columns) = (*rows, *depth, *columns);
    if depth != *depth_b {
        return Err(format!("matrices of {:?} and {:?} cannot be multiplied", left.shape, right.shape));
    }
    let outer = joined(outer_a, outer_b)?;
    let (at_a, at_b) = (places(outer_a, &outer)?, places(outer_b, &outer)?);
    let shape = [outer.as_slice(), &[rows, columns]].concat();
    let mut result = Vec::with_capacity(length_of(&shape)?);
    for (&at_a, &at_b) in at_a.iter().zip(&at_b) {
        let (a, b) = (&a[at_a * rows * depth..][..rows * depth], &b[at_b * depth * columns..][..depth * columns]);
        for i in 0..rows {
            let mut sums = vec![0.0f64; columns];
            for k in 0..depth {
                let x = f64::from(a[i * depth + k]);
                let row = &b[k * columns..(k + 1) * columns];
                sums.iter_mut().zip(row).for_each(|(sum, &value)| *sum += x * f64::from(value));
            }
            result.extend(sums.into_iter().map(|sum| sum as f32));
        }
    }
    Ok(Tensor::floats(shape, result))
}
