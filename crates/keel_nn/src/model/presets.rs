//! Predefined lists of layers.

use crate::activations::Activation;
use crate::init::{InitSpec, PatchWhitening};
use crate::layers::{
    BatchNormSpec, Conv2dSpec, DropoutSpec, FlattenSpec, GlobalAvgPoolSpec, LayerSpec, LinearSpec, MaxPoolSpec,
    MembersSpec, Padding, ResidualSpec,
};

/// Default number of members of the `tabular` preset.
pub(super) const TABULAR_MEMBERS: usize = 8;

/// Returns members, then `depth` times a shared linear layer of `width` units - relu - dropout, then a linear layer for each
/// member. The shared layers are 1x1 convolutions over the members.
pub fn tabular(width: usize, depth: usize, members: usize, dropout: f32) -> Vec<LayerSpec> {
    let mut layers = vec![LayerSpec::Members(MembersSpec { count: members })];
    for _ in 0..depth {
        layers.extend([LayerSpec::Conv2d(Conv2dSpec::new(width, 1)), relu()]);
        if dropout > 0.0 {
            layers.push(LayerSpec::Dropout(DropoutSpec { probability: dropout }));
        }
    }
    layers.push(LayerSpec::Flatten(FlattenSpec::default()));
    layers.push(LayerSpec::Linear(LinearSpec { out_features: None, groups: members, ..LinearSpec::new(1) }));
    layers
}

/// Returns `depth` times linear - batch norm - relu with `width` units, then linear.
pub fn mlp(width: usize, depth: usize) -> Vec<LayerSpec> {
    let mut layers = Vec::new();
    for _ in 0..depth {
        let mut linear = LinearSpec::new(width);
        linear.bias = false;
        layers.extend([LayerSpec::Linear(linear), batch_norm(), relu()]);
    }
    layers.push(LayerSpec::Linear(LinearSpec { out_features: None, ..LinearSpec::new(1) }));
    layers
}

/// Returns `depth` times convolution - batch norm - relu - max pool, with channels doubling from `width`, then linear.
pub fn cnn(width: usize, depth: usize) -> Vec<LayerSpec> {
    let mut layers = Vec::new();
    for stage in 0..depth {
        layers.extend([conv(doubled(width, stage), 1), batch_norm(), relu(), LayerSpec::MaxPool(MaxPoolSpec::new(2))]);
    }
    layers.push(LayerSpec::Flatten(FlattenSpec::default()));
    layers.push(LayerSpec::Linear(LinearSpec { out_features: None, ..LinearSpec::new(1) }));
    layers
}

/// Returns the CIFAR residual network of He et al. 2016 with `6 * blocks + 2` layers and `width`, `2 width`, `4 width` channels.
pub fn resnet(width: usize, blocks: usize) -> Vec<LayerSpec> {
    let mut layers = vec![conv(width, 1), batch_norm(), relu()];
    for stage in 0..3 {
        for block in 0..blocks {
            let stride = if stage > 0 && block == 0 { 2 } else { 1 };
            let channels = doubled(width, stage);
            let body = vec![conv(channels, stride), batch_norm(), relu(), conv(channels, 1), batch_norm()];
            layers.push(LayerSpec::Residual(ResidualSpec::new(body)));
        }
    }
    layers.push(LayerSpec::GlobalAvgPool(GlobalAvgPoolSpec::default()));
    layers.push(LayerSpec::Linear(LinearSpec { out_features: None, ..LinearSpec::new(1) }));
    layers
}

/// Returns filters that whiten 2x2 patches (frozen), then three stages of two convolutions with `width`, `4 width` and `4 width`
/// channels, each stage pooled, after Jordan 2024 ("94% on CIFAR-10 in 3.29 seconds"), scaled down.
pub fn whitened(width: usize) -> Vec<LayerSpec> {
    let mut whitening = Conv2dSpec::new(24, 2);
    (whitening.padding, whitening.bias, whitening.frozen) = (Padding::Valid, false, true);
    whitening.init = InitSpec::PatchWhitening(PatchWhitening::default());
    let gelu = || LayerSpec::Activation(Activation::Gelu);
    let near_identity = |channels| {
        let mut conv = Conv2dSpec::new(channels, 3);
        (conv.bias, conv.init) = (false, InitSpec::Dirac);
        LayerSpec::Conv2d(conv)
    };
    let mut layers = vec![LayerSpec::Conv2d(whitening), gelu()];
    for channels in [width, doubled(width, 2), doubled(width, 2)] {
        layers.extend([near_identity(channels), LayerSpec::MaxPool(MaxPoolSpec::new(2)), batch_norm(), gelu()]);
        layers.extend([near_identity(channels), batch_norm(), gelu()]);
    }
    layers.push(LayerSpec::GlobalAvgPool(GlobalAvgPoolSpec::default()));
    layers.push(LayerSpec::Linear(LinearSpec { out_features: None, bias: false, ..LinearSpec::new(1) }));
    layers
}

/// Returns a stem of a convolution with stride 2 and a pool, then four stages of `blocks` residual blocks (He et al. 2016) with
/// channels doubling from `width`, global average, dropout, linear.
pub fn photo(width: usize, blocks: usize, dropout: f32) -> Vec<LayerSpec> {
    let mut layers = vec![conv(width, 2), batch_norm(), relu(), LayerSpec::MaxPool(MaxPoolSpec::new(2))];
    for stage in 0..4 {
        for block in 0..blocks {
            let stride = if stage > 0 && block == 0 { 2 } else { 1 };
            let channels = doubled(width, stage);
            let body = vec![conv(channels, stride), batch_norm(), relu(), conv(channels, 1), batch_norm()];
            layers.push(LayerSpec::Residual(ResidualSpec::new(body)));
        }
    }
    layers.push(LayerSpec::GlobalAvgPool(GlobalAvgPoolSpec::default()));
    if dropout > 0.0 {
        layers.push(LayerSpec::Dropout(DropoutSpec { probability: dropout }));
    }
    layers.push(LayerSpec::Linear(LinearSpec { out_features: None, ..LinearSpec::new(1) }));
    layers
}

/// Kind of block of a residual network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    /// Two 3x3 convolutions.
    Basic,
    /// 1x1, 3x3 and 1x1 convolutions, the last with four times the channels; the second has the stride.
    Bottleneck,
}

/// Returns a residual network for photos (He et al. 2016) with the layout of torchvision: 7x7 convolution with stride 2, 3x3 max
/// pool with stride 2, four stages with `blocks` blocks and channels doubling from `width`, global average, linear.
pub fn torchvision_resnet(width: usize, blocks: [usize; 4], block: Block) -> Vec<LayerSpec> {
    let mut stem = Conv2dSpec::new(width, 7);
    (stem.stride, stem.padding, stem.bias) = (2.into(), Padding::Each(3), false);
    let pool = MaxPoolSpec { kernel: 3.into(), stride: Some(2.into()), padding: Padding::Each(1) };
    let mut layers = vec![LayerSpec::Conv2d(stem), batch_norm(), relu(), LayerSpec::MaxPool(pool)];
    for (stage, count) in blocks.into_iter().enumerate() {
        for number in 0..count {
            let stride = if stage > 0 && number == 0 { 2 } else { 1 };
            let channels = doubled(width, stage);
            let body = match block {
                Block::Basic => vec![conv(channels, stride), batch_norm(), relu(), conv(channels, 1), batch_norm()],
                Block::Bottleneck => vec![
                    pointwise(channels),
                    batch_norm(),
                    relu(),
                    conv(channels, stride),
                    batch_norm(),
                    relu(),
                    pointwise(doubled(channels, 2)),
                    batch_norm(),
                ],
            };
            layers.push(LayerSpec::Residual(ResidualSpec::new(body)));
        }
    }
    layers.push(LayerSpec::GlobalAvgPool(GlobalAvgPoolSpec::default()));
    layers.push(LayerSpec::Linear(LinearSpec { out_features: None, ..LinearSpec::new(1) }));
    layers
}

/// Returns `width` doubled `times` times; on overflow, a number of channels that no layer accepts.
fn doubled(width: usize, times: usize) -> usize {
    let factor = u32::try_from(times).ok().and_then(|times| 2usize.checked_pow(times));
    factor.and_then(|factor| width.checked_mul(factor)).unwrap_or(usize::MAX)
}

/// Returns a 3x3 convolution with one pixel of padding and no bias.
fn conv(channels: usize, stride: usize) -> LayerSpec {
    let mut conv = Conv2dSpec::new(channels, 3);
    (conv.stride, conv.padding, conv.bias) = (stride.into(), Padding::Each(1), false);
    LayerSpec::Conv2d(conv)
}

/// Returns a 1x1 convolution without bias.
fn pointwise(channels: usize) -> LayerSpec {
    let mut conv = Conv2dSpec::new(channels, 1);
    conv.bias = false;
    LayerSpec::Conv2d(conv)
}

fn batch_norm() -> LayerSpec {
    LayerSpec::BatchNorm(BatchNormSpec::default())
}

fn relu() -> LayerSpec {
    LayerSpec::Activation(Activation::Relu)
}
