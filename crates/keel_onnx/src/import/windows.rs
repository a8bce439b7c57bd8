//! Import of convolutions and pools.

use keel_nn::layers::{AvgPoolSpec, Conv2dSpec, Extent, LayerSpec, MaxPoolSpec, Padding};
use keel_nn::{Op, Shape};

use super::flow::Flow;
use super::parts::{Part, Values};
use crate::OnnxError;
use crate::Tensor;
use crate::evaluate::{Call, axes};

/// Returns height, width and channels of an image.
fn image(values: Values) -> Option<[usize; 3]> {
    match values.shape {
        Shape::Image { height, width, channels } => Some([height, width, channels]),
        Shape::Features(_) => None,
    }
}

/// Imports a convolution; its weights are in the order `[kernel_h, kernel_w, in_channels / groups, out_channels]`.
pub(super) fn convolution(flow: &Flow<'_>, place: usize, values: Values) -> Result<Part, OnnxError> {
    let node = &flow.nodes[place];
    let error = |reason: &str| flow.error(place, reason);
    let [height, width, channels] = image(values).ok_or_else(|| error("its input is not an image"))?;
    let weights = flow.constant_of(node, 1).ok_or_else(|| error("its weights are not constants"))?;
    let (Some(own), &[filters, depth, kernel_h, kernel_w]) = (weights.as_floats(), weights.shape.as_slice()) else {
        return Err(error("its weights are not those of a two-dimensional convolution"));
    };
    let groups = usize::try_from(flow.attributes(place).integer("group", 1)).unwrap_or(0);
    if groups == 0 || depth.checked_mul(groups) != Some(channels) || filters % groups != 0 || filters == 0 {
        return Err(error("its weights do not fit its channels and groups"));
    }
    let bias = match node.input.get(2).filter(|name| !name.is_empty()) {
        Some(name) => Some(vector(flow.constant(name), filters).ok_or_else(|| error("its bias does not fit"))?),
        None => None,
    };
    let call = Call { attributes: flow.attributes(place), opset: flow.opset, inputs: Vec::new(), outputs: 1 };
    let laid = axes(&call, [height, width], [kernel_h, kernel_w]).map_err(|reason| flow.error(place, reason))?;
    if laid[0].dilation != laid[1].dilation {
        return Err(error("its dilations of rows and columns differ"));
    }
    let mut spec = Conv2dSpec::new(filters, [kernel_h, kernel_w]);
    spec.stride = Extent::from([laid[0].stride, laid[1].stride]);
    (spec.dilation, spec.groups, spec.bias) = (laid[0].dilation, groups, bias.is_some());
    let fits = |padding: Padding| {
        let built = Conv2dSpec { padding, ..spec.clone() }.build(values.shape).ok()?;
        let shape = built.shape();
        let same = (0..2).all(|axis| shape.padding[axis][0] == laid[axis].pads[0]);
        let output = keel_nn::Layer::output_shape(&built);
        (same && output == Shape::Image { height: laid[0].output, width: laid[1].output, channels: filters })
            .then_some(padding)
    };
    let [first, second] = [laid[0].pads[0], laid[1].pads[0]];
    let found = [Padding::Each(first), Padding::Valid, Padding::Same].into_iter().find_map(fits);
    spec.padding = found.ok_or_else(|| {
        let reason =
            format!("its padding of {first} rows and {second} columns is neither even, \"same\" nor \"valid\"");
        flow.error(place, reason)
    })?;
    let taps = kernel_h * kernel_w;
    let mut ordered = vec![0.0; own.len()];
    for (at, &value) in own.iter().enumerate() {
        let (filter, channel, tap) = (at / (depth * taps), at / taps % depth, at % taps);
        ordered[(tap * depth + channel) * filters + filter] = value;
    }
    let numbers = [("weight", ordered)].into_iter().chain(bias.map(|bias| ("bias", bias))).collect();
    Ok(Part::with(place, LayerSpec::Conv2d(spec), numbers))
}

/// Imports a pool.
pub(super) fn pool(flow: &Flow<'_>, place: usize, values: Values) -> Result<Part, OnnxError> {
    let error = |reason: &str| flow.error(place, reason);
    let [height, width, channels] = image(values).ok_or_else(|| error("its input is not an image"))?;
    let attributes = flow.attributes(place);
    let kernel = match attributes.integers("kernel_shape") {
        Some(&[rows, columns]) => [usize::try_from(rows).unwrap_or(0), usize::try_from(columns).unwrap_or(0)],
        _ => return Err(error("its windows are not those of an image")),
    };
    let call = Call { attributes, opset: flow.opset, inputs: Vec::new(), outputs: 1 };
    let laid = axes(&call, [height, width], kernel).map_err(|reason| flow.error(place, reason))?;
    if laid.iter().any(|axis| axis.dilation != 1) {
        return Err(error("its windows have gaps"));
    }
    let averages = flow.nodes[place].op_type == "AveragePool";
    let is_padded = laid.iter().any(|axis| axis.pads != [0, 0] || axis.padded(axis.output - 1) != axis.kernel);
    if averages && is_padded && attributes.integer("count_include_pad", 0) == 0 {
        return Err(error("its averages exclude the padding"));
    }
    let (kernel, stride) = (Extent::from(kernel), Some(Extent::from([laid[0].stride, laid[1].stride])));
    let spec = |padding: Padding| match averages {
        true => LayerSpec::AvgPool(AvgPoolSpec { kernel, stride, padding }),
        false => LayerSpec::MaxPool(MaxPoolSpec { kernel, stride, padding }),
    };
    let output = Shape::Image { height: laid[0].output, width: laid[1].output, channels };
    let fits = |padding: &Padding| {
        let Ok(built) = spec(*padding).build(values.shape) else { return false };
        let before = match &built {
            Op::MaxPool(pool) => pool.windows().padding,
            Op::AvgPool(pool) => pool.windows().padding,
            _ => return false,
        };
        before == [laid[0].pads[0], laid[1].pads[0]] && built.output_shape() == output
    };
    let found = [Padding::Each(laid[0].pads[0]), Padding::Valid, Padding::Same].into_iter().find(fits);
    let padding = found.ok_or_else(|| error("its padding is neither even, \"same\" nor \"valid\""))?;
    Ok(Part::plain(place, spec(padding)))
}

/// Returns a constant of `length` numbers, in any shape that has them in one row.
pub(super) fn vector(tensor: Option<&Tensor>, length: usize) -> Option<Vec<f32>> {
    let tensor = tensor?;
    let is_row = tensor.shape.iter().filter(|&&size| size != 1).count() <= 1;
    tensor.as_floats().filter(|values| is_row && values.len() == length).map(<[f32]>::to_vec)
}
