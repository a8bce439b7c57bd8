//! A convolution and the batch norm after it: the norm's sums are computed while the convolution's output is in the cache.

use super::norm_of;
use crate::graph::Op;
use crate::layers::ConvolutionBlock;
use crate::program::Kernel;

/// Minimum number of positions of an image for which computing the statistics image by image pays off.
const MINIMUM_POSITIONS: usize = 16;

pub(super) fn join(first: &Kernel, second: &Kernel) -> Option<Kernel> {
    let Kernel::Single(op @ Op::Conv2d(convolution)) = first else { return None };
    let norm = norm_of(second).filter(|_| op.output_shape().positions() >= MINIMUM_POSITIONS)?;
    Some(Kernel::Convolution(ConvolutionBlock::new(convolution.clone(), norm)))
}
