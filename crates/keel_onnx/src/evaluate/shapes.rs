//! Operations that move values without changing them.

use super::{Call, length_of};
use crate::{Data, Tensor};

/// Computes an operation of this kind; returns `None` for any other.
pub(super) fn compute(operation: &str, call: &Call<'_>) -> Option<Result<Tensor, String>> {
    Some(match operation {
        "Constant" => constant(call),
        "Transpose" => transpose(call),
        "Reshape" => reshape(call),
        "Flatten" => flatten(call),
        "Squeeze" => squeeze(call),
        "Unsqueeze" => unsqueeze(call),
        "Concat" => concat(call),
        "Gather" => gather(call),
        "Shape" => call.input(0).map(|input| Tensor::integers(input.shape.iter().map(|&size| size as i64).collect())),
        _ => return None,
    })
}

/// Converts an axis that may be negative to one counted from the front.
pub(super) fn axis_of(axis: i64, rank: usize) -> Result<usize, String> {
    let counted = if axis < 0 { axis + rank as i64 } else { axis };
    let axis = usize::try_from(counted).ok().filter(|&axis| axis < rank);
    axis.ok_or_else(|| format!("there is no axis {counted} in {rank} dimensions"))
}

/// Returns the axes of an attribute, or of an input from a later version on.
pub(super) fn axes_of(call: &Call<'_>, place: usize, rank: usize) -> Result<Option<Vec<usize>>, String> {
    let axes = match call.optional(place) {
        Some(Tensor { data: Data::Int(axes), .. }) => Some(axes.as_slice()),
        Some(_) => return Err("its axes are not integers".to_owned()),
        None => call.attributes.integers("axes"),
    };
    axes.map(|axes| axes.iter().map(|&axis| axis_of(axis, rank)).collect()).transpose()
}

fn constant(call: &Call<'_>) -> Result<Tensor, String> {
    let attributes = call.attributes;
    if let Some(tensor) = attributes.tensor("value")? {
        return Ok(tensor);
    }
    if attributes.has("value_float") {
        return Ok(Tensor::floats([], vec![attributes.float("value_float", 0.0)]));
    }
    if attributes.has("value_int") {
        return Ok(Tensor::new([], Data::Int(vec![attributes.integer("value_int", 0)])));
    }
    if let Some(values) = attributes.floats("value_floats") {
        return Ok(Tensor::floats([values.len()], values.to_vec()));
    }
    match attributes.integers("value_ints") {
        Some(values) => Ok(Tensor::integers(values.to_vec())),
        None => Err("it has no supported value".to_owned()),
    }
}

fn transpose(call: &Call<'_>) -> Result<Tensor, String> {
    let input = call.input(0)?;
    let rank = input.shape.len();
    let order: Vec<usize> = match call.attributes.integers("perm") {
        Some(order) => order.iter().map(|&axis| axis_of(axis, rank)).collect::<Result<_, _>>()?,
        None => (0..rank).rev().collect(),
    };
    if (0..rank).any(|axis| order.iter().filter(|&&other| other == axis).count() != 1) || order.len() != rank {
        return Err(format!("{order:?} is not an order of {rank} axes"));
    }
    let mut strides = vec![1; rank];
    for axis in (1..rank).rev() {
        strides[axis - 1] = strides[axis] * input.shape[axis];
    }
    let shape: Vec<usize> = order.iter().map(|&axis| input.shape[axis]).collect();
    let strides: Vec<usize> = order.iter().map(|&axis| strides[axis]).collect();
    let place = |mut at: usize| {
        let mut place = 0;
        for axis in (0..rank).rev() {
            place += at % shape[axis] * strides[axis];
            at /= shape[axis];
        }
        place
    };
    let data = input.data.gathered((0..input.data.len()).map(place));
    Ok(Tensor::new(shape.clone(), data))
}

fn reshape(call: &Call<'_>) -> Result<Tensor, String> {
    let input = call.input(0)?;
    let Data::Int(wanted) = &call.input(1)?.data else {
        return Err("its shape is not a list of integers".to_owned());
    };
    reshaped(input, wanted, call.attributes.integer("allowzero", 0) != 0)
}

/// Reshapes `input`: 0 keeps a dimension unless `zero_is_zero`, -1 infers it.
fn reshaped(input: &Tensor, wanted: &[i64], zero_is_zero: bool) -> Result<Tensor, String> {
    let misfit = || format!("{} values of {:?} do not fit {wanted:?}", input.data.len(), input.shape);
    let mut shape = Vec::with_capacity(wanted.len());
    for (axis, &size) in wanted.iter().enumerate() {
        shape.push(match size {
            0 if !zero_is_zero => *input.shape.get(axis).ok_or_else(misfit)?,
            -1 => 1,
            size => usize::try_from(size).map_err(|_| misfit())?,
        });
    }
    let known = length_of(&shape)?;
    match wanted.iter().filter(|&&size| size == -1).count() {
        0 => {}
        1 if known > 0 && input.data.len().is_multiple_of(known) => {
            let open = wanted.iter().position(|&size| size == -1).unwrap_or(0);
            shape[open] = input.data.len() / known;
        }
        _ => return Err(misfit()),
    }
    if shape.iter().product::<usize>() != input.data.len() {
        return Err(misfit());
    }
    Ok(Tensor::new(shape, input.data.clone()))
}

fn flatten(call: &Call<'_>) -> Result<Tensor, String> {
    let input = call.input(0)?;
    let (axis, rank) = (call.attributes.integer("axis", 1), input.shape.len());
    let axis = if axis == rank as i64 { rank } else { axis_of(axis, rank)? };
    let (rows, columns) = input.shape.split_at(axis);
    Ok(Tensor::new([rows.iter().product::<usize>(), columns.iter().product()], input.data.clone()))
}

fn squeeze(call: &Call<'_>) -> Result<Tensor, String> {
    let input = call.input(0)?;
    let axes = axes_of(call, 1, input.shape.len())?;
    let is_dropped = |axis: usize| match &axes {
        Some(axes) => axes.contains(&axis),
        None => input.shape[axis] == 1,
    };
    let dropped: Vec<usize> = (0..input.shape.len()).filter(|&axis| is_dropped(axis)).collect();
    if let Some(axis) = dropped.iter().find(|&&axis| input.shape[axis] != 1) {
        return Err(format!("axis {axis} of {:?} is not 1", input.shape));
    }
    let kept = (0..input.shape.len()).filter(|axis| !dropped.contains(axis)).map(|axis| input.shape[axis]);
    Ok(Tensor::new(kept.collect::<Vec<_>>(), input.data.clone()))
}

fn unsqueeze(call: &Call<'_>) -> Result<Tensor, String> {
    let input = call.input(0)?;
    let given = match call.optional(1) {
        Some(tensor) => tensor.data.len(),
        None => call.attributes.integers("axes").map_or(0, <[i64]>::len),
    };
    if given > 8 {
        return Err("it adds more than 8 axes".to_owned());
    }
    let rank = input.shape.len() + given;
    let axes = axes_of(call, 1, rank)?.ok_or("its axes are missing")?;
    let mut own = input.shape.iter();
    let size = |axis: usize| if axes.contains(&axis) { Some(1) } else { own.next().copied() };
    let shape: Option<Vec<usize>> = (0..rank).map(size).collect();
    let shape = shape.filter(|shape| shape.iter().product::<usize>() == input.data.len());
    Ok(Tensor::new(shape.ok_or("an axis is given twice")?, input.data.clone()))
}

fn concat(call: &Call<'_>) -> Result<Tensor, String> {
    let first = call.input(0)?;
    let axis = axis_of(call.attributes.integer("axis", 1), first.shape.len())?;
    let parts: Vec<&Tensor> = (0..call.inputs.len()).map(|place| call.input(place)).collect::<Result<_, _>>()?;
    let mut shape = first.shape.clone();
    shape[axis] = 0;
    for part in &parts {
        let fits = part.shape.len() == shape.len()
            && (0..shape.len()).all(|other| other == axis || part.shape[other] == shape[other])
            && part.data.element() == first.data.element();
        if !fits {
            return Err(format!("{:?} and {:?} cannot be joined along axis {axis}", first.shape, part.shape));
        }
        shape[axis] = shape[axis].saturating_add(part.shape[axis]);
    }
    length_of(&shape)?;
    let outer: usize = shape[..axis].iter().product();
    // Concatenated values of all parts, and the positions to gather them from.
    let mut all = first.data.gathered(std::iter::empty());
    let mut starts = Vec::with_capacity(parts.len());
    for part in &parts {
        starts.push(all.len());
        append(&mut all, &part.data);
    }
    let block = |part: &Tensor| part.shape[axis..].iter().product::<usize>();
    let places = (0..outer).flat_map(|row| {
        parts.iter().zip(&starts).flat_map(move |(part, start)| {
            let length = block(part);
            start + row * length..start + (row + 1) * length
        })
    });
    let places: Vec<usize> = places.collect();
    Ok(Tensor::new(shape, all.gathered(places.into_iter())))
}

fn append(all: &mut Data, more: &Data) {
    match (all, more) {
        (Data::Float(all), Data::Float(more)) => all.extend_from_slice(more),
        (Data::Double(all), Data::Double(more)) => all.extend_from_slice(more),
        (Data::Int(all), Data::Int(more)) => all.extend_from_slice(more),
        (Data::Byte(all), Data::Byte(more)) => all.extend_from_slice(more),
        (Data::Bool(all), Data::Bool(more)) => all.extend_from_slice(more),
        (Data::Text(all), Data::Text(more)) => all.extend_from_slice(more),
        // Types are compared before this point.
        _ => {}
    }
}

fn gather(call: &Call<'_>) -> Result<Tensor, String> {
    let (input, wanted) = (call.input(0)?, call.input(1)?);
    let axis = axis_of(call.attributes.integer("axis", 0), input.shape.len())?;
    let Data::Int(indices) = &wanted.data else { return Err("its indices are not integers".to_owned()) };
    let size = input.shape[axis];
    let indices: Vec<usize> = indices.iter().map(|&index| axis_of(index, size)).collect::<Result<_, _>>()?;
    let (outer, inner) = (&input.shape[..axis], &input.shape[axis + 1..]);
    let shape = [outer, &wanted.shape, inner].concat();
    length_of(&shape)?;
    let (rows, length) = (outer.iter().product::<usize>(), inner.iter().product::<usize>());
    let places = (0..rows).flat_map(|row| {
        indices.iter().flat_map(move |index| {
            let start = (row * size + index) * length;
            start..start + length
        })
    });
    let places: Vec<usize> = places.collect();
    Ok(Tensor::new(shape, input.data.gathered(places.into_iter())))
}
