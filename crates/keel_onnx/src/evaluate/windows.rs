//! Convolution and pooling over images, `[batch, channels, height, width]`.

use super::{Call, length_of};
use crate::Tensor;

/// Computes an operation of this kind; returns `None` for any other.
pub(super) fn compute(operation: &str, call: &Call<'_>) -> Option<Result<Tensor, String>> {
    Some(match operation {
        "Conv" => convolution(call),
        "MaxPool" => pool(call, Pooling::Largest),
        "AveragePool" => pool(call, Pooling::Average),
        "GlobalAveragePool" => {
            global(call, |plane| plane.iter().map(|&x| f64::from(x)).sum::<f64>() / plane.len() as f64)
        }
        "GlobalMaxPool" => {
            global(call, |plane| plane.iter().fold(f64::NEG_INFINITY, |most, &x| most.max(f64::from(x))))
        }
        _ => return None,
    })
}

#[derive(Clone, Copy, PartialEq)]
enum Pooling {
    Largest,
    Average,
}

/// Returns the dimensions and values of an image.
fn image(tensor: &Tensor) -> Result<([usize; 4], &[f32]), String> {
    let values = tensor.as_floats().ok_or("its inputs are not 32-bit floats")?;
    match tensor.shape.as_slice() {
        &[batch, channels, height, width] => Ok(([batch, channels, height, width], values)),
        other => Err(format!("only two-dimensional images are supported, found shape {other:?}")),
    }
}

/// Windows along rows or columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axis {
    /// Kernel size.
    pub(crate) kernel: usize,
    /// Step between windows.
    pub(crate) stride: usize,
    /// Distance between neighbouring kernel values.
    pub(crate) dilation: usize,
    /// Padding before and after the image.
    pub(crate) pads: [usize; 2],
    /// Image size.
    pub(crate) size: usize,
    /// Number of windows.
    pub(crate) output: usize,
}

impl Axis {
    /// Returns the position in the image of kernel value `tap` in window `at`, or `None` in the padding.
    fn place(self, at: usize, tap: usize) -> Option<usize> {
        (at * self.stride + tap * self.dilation).checked_sub(self.pads[0]).filter(|&place| place < self.size)
    }

    /// Returns the number of values of window `at` that lie in the image or its padding.
    pub(crate) fn padded(self, at: usize) -> usize {
        let end = self.size + self.pads[0] + self.pads[1];
        (0..self.kernel).filter(|tap| at * self.stride + tap * self.dilation < end).count()
    }
}

/// Returns the windows of a node along rows and columns.
pub(crate) fn axes(call: &Call<'_>, size: [usize; 2], kernel: [usize; 2]) -> Result<[Axis; 2], String> {
    let pair = |name: &str, default: i64| -> Result<[usize; 2], String> {
        let values = call.attributes.integers(name).unwrap_or(&[]);
        let values = if values.is_empty() { &[default; 2][..] } else { values };
        let fitting = |value: &i64| usize::try_from(*value).ok().filter(|value| *value <= 1 << 20);
        let sizes: Option<Vec<usize>> = values.iter().map(fitting).collect();
        match sizes.as_deref() {
            Some(&[rows, columns]) => Ok([rows, columns]),
            _ => Err(format!("`{name}` must be two numbers, not {values:?}")),
        }
    };
    let (strides, dilations) = (pair("strides", 1)?, pair("dilations", 1)?);
    let pads: Vec<i64> = call.attributes.integers("pads").unwrap_or(&[]).to_vec();
    let pads = if pads.is_empty() { vec![0; 4] } else { pads };
    let pads: Option<Vec<usize>> =
        pads.iter().map(|&pad| usize::try_from(pad).ok().filter(|&pad| pad <= 1 << 20)).collect();
    let pads = pads.filter(|pads| pads.len() == 4).ok_or("`pads` must be four numbers of 0 or more")?;
    let auto = call.attributes.string("auto_pad").unwrap_or_else(|| "NOTSET".to_owned());
    let ceil = call.attributes.integer("ceil_mode", 0) != 0;
    let axis = |at: usize| -> Result<Axis, String> {
        let (kernel, stride, dilation, size) = (kernel[at], strides[at], dilations[at], size[at]);
        if kernel == 0 || stride == 0 || dilation == 0 || size == 0 || kernel > 1 << 20 {
            return Err("a size of its windows is 0 or too large".to_owned());
        }
        let span = (kernel - 1) * dilation + 1;
        let needed = (size.div_ceil(stride) - 1) * stride + span;
        let total = needed.saturating_sub(size);
        let pads = match auto.as_str() {
            "NOTSET" | "" => [pads[at], pads[at + 2]],
            "VALID" => [0, 0],
            "SAME_UPPER" => [total / 2, total - total / 2],
            "SAME_LOWER" => [total - total / 2, total / 2],
            other => return Err(format!("unknown `auto_pad` {other}")),
        };
        let free = (size + pads[0] + pads[1]).checked_sub(span);
        let free = free.ok_or_else(|| format!("a window of {span} does not fit an image of {size}"))?;
        let mut output = free / stride + 1;
        // With `ceil_mode`, a last window counts if it begins inside the image or the padding before it.
        if ceil && free % stride != 0 && output * stride < size + pads[0] {
            output += 1;
        }
        Ok(Axis { kernel, stride, dilation, pads, size, output })
    };
    Ok([axis(0)?, axis(1)?])
}

fn convolution(call: &Call<'_>) -> Result<Tensor, String> {
    let ([batch, channels, height, width], x) = image(call.input(0)?)?;
    let ([filters, depth, kernel_h, kernel_w], weights) = image(call.input(1)?)?;
    let groups = usize::try_from(call.attributes.integer("group", 1)).unwrap_or(0);
    let fits = groups > 0 && Some(channels) == depth.checked_mul(groups) && filters % groups == 0;
    if !fits {
        return Err(format!("{groups} groups of filters for {depth} channels do not fit {channels} channels"));
    }
    let bias = match call.optional(2) {
        Some(tensor) => Some(tensor.as_floats().filter(|bias| bias.len() == filters).ok_or("its bias does not fit")?),
        None => None,
    };
    let [rows, columns] = axes(call, [height, width], [kernel_h, kernel_w])?;
    let shape = vec![batch, filters, rows.output, columns.output];
    let mut result = Vec::with_capacity(length_of(&shape)?);
    let mut sums = vec![0.0f64; rows.output * columns.output];
    for image in 0..batch {
        for filter in 0..filters {
            sums.fill(bias.map_or(0.0, |bias| f64::from(bias[filter])));
            for channel in 0..depth {
                let plane = (image * channels + filter / (filters / groups) * depth + channel) * height * width;
                let plane = &x[plane..plane + height * width];
                let taps = &weights[(filter * depth + channel) * kernel_h * kernel_w..][..kernel_h * kernel_w];
                add_plane(&mut sums, plane, taps, [rows, columns]);
            }
            result.extend(sums.iter().map(|&sum| sum as f32));
        }
    }
    Ok(Tensor::floats(shape, result))
}

/// Accumulates one channel of an image multiplied by the taps of a filter.
fn add_plane(sums: &mut [f64], plane: &[f32], taps: &[f32], [rows, columns]: [Axis; 2]) {
    for (tap, &weight) in taps.iter().enumerate() {
        let (down, across) = (tap / columns.kernel, tap % columns.kernel);
        let weight = f64::from(weight);
        // Outputs whose value under this tap lies in the image.
        let first = columns.pads[0].saturating_sub(across * columns.dilation).div_ceil(columns.stride);
        let beyond = (columns.size + columns.pads[0]).saturating_sub(across * columns.dilation);
        let end = beyond.div_ceil(columns.stride).min(columns.output);
        if first >= end {
            continue;
        }
        let start = first * columns.stride + across * columns.dilation - columns.pads[0];
        for (at, sums) in sums.chunks_exact_mut(columns.output).enumerate() {
            let Some(row) = rows.place(at, down) else { continue };
            let values = plane[row * columns.size + start..].iter().step_by(columns.stride);
            sums[first..end].iter_mut().zip(values).for_each(|(sum, &value)| *sum += weight * f64::from(value));
        }
    }
}

fn pool(call: &Call<'_>, pooling: Pooling) -> Result<Tensor, String> {
    let ([batch, channels, height, width], x) = image(call.input(0)?)?;
    let kernel = match call.attributes.integers("kernel_shape") {
        Some(&[rows, columns]) => [usize::try_from(rows).unwrap_or(0), usize::try_from(columns).unwrap_or(0)],
        _ => return Err("`kernel_shape` must be two numbers".to_owned()),
    };
    let [rows, columns] = axes(call, [height, width], kernel)?;
    let counts_padding = call.attributes.integer("count_include_pad", 0) != 0;
    let shape = vec![batch, channels, rows.output, columns.output];
    let mut result = Vec::with_capacity(length_of(&shape)?);
    for plane in x.chunks_exact(height * width) {
        for i in 0..rows.output {
            for j in 0..columns.output {
                let (mut most, mut sum, mut count) = (f64::NEG_INFINITY, 0.0, 0);
                for row in (0..rows.kernel).filter_map(|tap| rows.place(i, tap)) {
                    for column in (0..columns.kernel).filter_map(|tap| columns.place(j, tap)) {
                        let value = f64::from(plane[row * width + column]);
                        most = if value > most || value.is_nan() { value } else { most };
                        (sum, count) = (sum + value, count + 1);
                    }
                }
                let count = if counts_padding { rows.padded(i) * columns.padded(j) } else { count };
                result.push(if pooling == Pooling::Largest { most as f32 } else { (sum / count as f64) as f32 });
            }
        }
    }
    Ok(Tensor::floats(shape, result))
}

fn global(call: &Call<'_>, of_plane: impl Fn(&[f32]) -> f64) -> Result<Tensor, String> {
    let input = call.input(0)?;
    let values = input.as_floats().ok_or("its inputs are not 32-bit floats")?;
    let [batch, channels, rest @ ..] = input.shape.as_slice() else {
        return Err(format!("{:?} is not an image", input.shape));
    };
    let positions = rest.iter().product::<usize>();
    if positions == 0 {
        return Err("its windows contain no values".to_owned());
    }
    let shape = [&[*batch, *channels], vec![1; rest.len()].as_slice()].concat();
    let planes = values.chunks_exact(positions).map(|plane| of_plane(plane) as f32);
    Ok(Tensor::floats(shape, planes.collect()))
}
