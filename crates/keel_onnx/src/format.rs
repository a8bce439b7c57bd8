//! Decoding of model files with limits.

use prost::Message;

use crate::OnnxError;
use crate::schema::{GraphProto, ModelProto};

/// Maximum number of messages inside a file. Each takes more memory than its bytes in the file, so their number is
/// counted before they are decoded.
const MOST_MESSAGES: usize = 4_000_000;
/// Oldest supported operator set.
const OLDEST_OPSET: i64 = 7;

/// Decodes the model in `bytes`; `file` identifies it in messages.
///
/// # Errors
/// Fails if the bytes are not a model, or if it has more parts than any network.
pub fn decode(bytes: &[u8], file: &str) -> Result<ModelProto, OnnxError> {
    let damaged = |reason: String| OnnxError::Damaged { file: file.to_owned(), reason };
    let mut messages = 0;
    count(bytes, Kind::Model, &mut messages).ok_or_else(|| damaged("it is not an ONNX model".to_owned()))?;
    if messages > MOST_MESSAGES {
        return Err(damaged(format!("it has more than {MOST_MESSAGES} parts")));
    }
    ModelProto::decode(bytes).map_err(|error| damaged(format!("it is not an ONNX model ({error})")))
}

/// Encodes `model` to bytes.
pub fn encode(model: &ModelProto) -> Vec<u8> {
    model.encode_to_vec()
}

/// Returns the graph of a model and the version of its operator set, if all of it is supported.
///
/// # Errors
/// Fails if the model has no graph, its own functions, sparse constants, or an operator set that is too old.
pub fn check_subset<'a>(model: &'a ModelProto, file: &str) -> Result<(&'a GraphProto, i64), OnnxError> {
    let refused =
        |reason: String, next: &str| OnnxError::Model { file: file.to_owned(), reason, next: next.to_owned() };
    let Some(graph) = &model.graph else {
        return Err(refused("it contains no graph".to_owned(), "export the model again"));
    };
    if let Some(function) = model.functions.first() {
        let reason = format!("it defines the function `{}`", function.name);
        return Err(refused(reason, "export it with functions inlined"));
    }
    if !graph.sparse_initializer.is_empty() {
        return Err(refused("it has sparse constants".to_owned(), "export it with dense ones"));
    }
    let standard = model.opset_import.iter().find(|set| set.domain.is_empty() || set.domain == "ai.onnx");
    let opset = standard.and_then(|set| set.version).unwrap_or(1);
    if opset < OLDEST_OPSET {
        let reason = format!("it uses operator set {opset}; the oldest supported one is {OLDEST_OPSET}");
        return Err(refused(reason, "convert it with onnx.version_converter"));
    }
    Ok((graph, opset))
}

/// Messages whose parts are counted.
#[derive(Clone, Copy)]
enum Kind {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    Value,
    Type,
    TensorType,
    Shape,
    Leaf,
}

impl Kind {
    /// Returns the kind of message or text in field `tag`, or `None` for opaque bytes.
    fn of_field(self, tag: u64) -> Option<Kind> {
        match (self, tag) {
            (Kind::Model, 7) => Some(Kind::Graph),
            (Kind::Model, 8 | 14 | 25) => Some(Kind::Leaf),
            (Kind::Graph, 1) => Some(Kind::Node),
            (Kind::Graph, 5) | (Kind::Attribute, 5) => Some(Kind::Tensor),
            (Kind::Graph, 11 | 12) => Some(Kind::Value),
            (Kind::Graph, 15) | (Kind::Node, 1 | 2) | (Kind::Attribute, 9) | (Kind::Tensor, 6 | 13) => Some(Kind::Leaf),
            (Kind::Node, 5) => Some(Kind::Attribute),
            (Kind::Value, 2) => Some(Kind::Type),
            (Kind::Type, 1) => Some(Kind::TensorType),
            (Kind::TensorType, 2) => Some(Kind::Shape),
            (Kind::Shape, 1) => Some(Kind::Leaf),
            _ => None,
        }
    }
}

/// Counts the messages in `bytes`; returns `None` if they are not fields. No kind of message contains itself, so the
/// recursion depth is bounded by the number of kinds.
fn count(mut bytes: &[u8], kind: Kind, messages: &mut usize) -> Option<()> {
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        match key & 7 {
            0 => drop(varint(&mut bytes)?),
            1 => bytes = bytes.get(8..)?,
            5 => bytes = bytes.get(4..)?,
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                let inner = bytes.get(..length)?;
                bytes = bytes.get(length..)?;
                let Some(inner_kind) = kind.of_field(key >> 3) else { continue };
                *messages += 1;
                if *messages > MOST_MESSAGES {
                    return Some(());
                }
                if !matches!(inner_kind, Kind::Leaf) {
                    count(inner, inner_kind, messages)?;
                }
            }
            _ => return None,
        }
    }
    Some(())
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for place in 0..10 {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f).checked_shl(7 * place)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
