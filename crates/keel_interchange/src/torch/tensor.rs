//! Tensors of a file in another axis order.

use safetensors::tensor::{Dtype, TensorView};

use super::layout::{Layout, permuted};
use super::pair::Pair;

/// A tensor ready to be written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tensor {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    /// True for an i64, false for f32.
    pub(super) is_counter: bool,
    pub(super) bytes: Vec<u8>,
}

/// Reads the source of a pair in the axis order of the result.
///
/// # Errors
/// Returns a sentence if the shape or type differs or a value is not finite.
pub(super) fn read_tensor(pair: &Pair, tensor: &TensorView<'_>) -> Result<Tensor, String> {
    let source = pair.layout.source_shape(&pair.shape);
    if tensor.shape() != source {
        return Err(format!("has the shape {:?}, expected {source:?}", tensor.shape()));
    }
    let named = |shape: Vec<usize>, is_counter, bytes| Tensor { name: pair.ours.clone(), shape, is_counter, bytes };
    match pair.layout {
        Layout::FromCounter => {
            let count = match (tensor.dtype(), tensor.data().as_chunks::<8>().0) {
                (Dtype::I64, [count]) => i64::from_le_bytes(*count),
                (other, _) => return Err(format!("holds {other:?}; I64 is expected")),
            };
            Ok(named(vec![1], false, (count as f32).to_le_bytes().to_vec()))
        }
        Layout::ToCounter => {
            let count = floats(tensor)?.first().copied().unwrap_or_default();
            Ok(named(Vec::new(), true, (count as i64).to_le_bytes().to_vec()))
        }
        layout => {
            let values = permuted(&floats(tensor)?, &source, layout.axes());
            let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            Ok(named(pair.shape.clone(), false, bytes))
        }
    }
}

fn floats(tensor: &TensorView<'_>) -> Result<Vec<f32>, String> {
    let values: Vec<f32> = match tensor.dtype() {
        Dtype::F32 => tensor.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
        other => return Err(format!("holds {other:?}; save it as F32")),
    };
    match values.iter().position(|value| !value.is_finite()) {
        Some(at) => Err(format!("holds {} at index {at}", values[at])),
        None => Ok(values),
    }
}
