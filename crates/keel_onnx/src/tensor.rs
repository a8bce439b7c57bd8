//! Tensors of a graph during evaluation, and their file form.

use crate::schema::{TensorProto, element};

/// Values of one type, row-major.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// 32-bit floats; also holds 16-bit floats.
    Float(Vec<f32>),
    /// 64-bit floats.
    Double(Vec<f64>),
    /// 64-bit integers; also holds 32-bit ones.
    Int(Vec<i64>),
    /// Bytes.
    Byte(Vec<u8>),
    /// Booleans.
    Bool(Vec<bool>),
    /// Texts.
    Text(Vec<String>),
}

impl Data {
    /// Returns the number of values.
    pub fn len(&self) -> usize {
        match self {
            Data::Float(values) => values.len(),
            Data::Double(values) => values.len(),
            Data::Int(values) => values.len(),
            Data::Byte(values) => values.len(),
            Data::Bool(values) => values.len(),
            Data::Text(values) => values.len(),
        }
    }

    /// Returns true if there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of the element type in files.
    pub fn element(&self) -> i32 {
        match self {
            Data::Float(_) => element::FLOAT,
            Data::Double(_) => element::DOUBLE,
            Data::Int(_) => element::INT64,
            Data::Byte(_) => element::UINT8,
            Data::Bool(_) => element::BOOL,
            Data::Text(_) => element::STRING,
        }
    }

    /// Returns the values at `places`, in order.
    pub fn gathered(&self, places: impl Iterator<Item = usize>) -> Data {
        match self {
            Data::Float(values) => Data::Float(places.map(|place| values[place]).collect()),
            Data::Double(values) => Data::Double(places.map(|place| values[place]).collect()),
            Data::Int(values) => Data::Int(places.map(|place| values[place]).collect()),
            Data::Byte(values) => Data::Byte(places.map(|place| values[place]).collect()),
            Data::Bool(values) => Data::Bool(places.map(|place| values[place]).collect()),
            Data::Text(values) => Data::Text(places.map(|place| values[place].clone()).collect()),
        }
    }

    /// Returns every value as a number, or `None` for texts.
    pub fn numbers(&self) -> Option<Vec<f64>> {
        Some(match self {
            Data::Float(values) => values.iter().map(|&value| f64::from(value)).collect(),
            Data::Double(values) => values.clone(),
            Data::Int(values) => values.iter().map(|&value| value as f64).collect(),
            Data::Byte(values) => values.iter().map(|&value| f64::from(value)).collect(),
            Data::Bool(values) => values.iter().map(|&value| f64::from(u8::from(value))).collect(),
            Data::Text(_) => return None,
        })
    }
}

/// Values with their dimensions.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Dimensions; empty for a single value.
    pub shape: Vec<usize>,
    /// The values, as many as the product of the dimensions.
    pub data: Data,
}

impl Tensor {
    /// Creates a tensor of `shape`.
    ///
    /// # Panics
    /// Panics if the number of values does not match `shape`.
    pub fn new(shape: impl Into<Vec<usize>>, data: Data) -> Self {
        let shape = shape.into();
        assert_eq!(data.len(), shape.iter().product::<usize>(), "values of a tensor of {shape:?}");
        Tensor { shape, data }
    }

    /// Creates a tensor of 32-bit floats.
    pub fn floats(shape: impl Into<Vec<usize>>, values: Vec<f32>) -> Self {
        Tensor::new(shape, Data::Float(values))
    }

    /// Creates a vector of integers.
    pub fn integers(values: Vec<i64>) -> Self {
        Tensor::new([values.len()], Data::Int(values))
    }

    /// Creates a vector of texts.
    pub fn texts(values: &[String]) -> Self {
        Tensor::new([values.len()], Data::Text(values.to_vec()))
    }

    /// Returns the 32-bit floats.
    pub fn as_floats(&self) -> Option<&[f32]> {
        match &self.data {
            Data::Float(values) => Some(values),
            _ => None,
        }
    }

    /// Reads the tensor of a file, called `name` in messages.
    ///
    /// # Errors
    /// Returns a sentence if the type is not supported or the number of values does not match the dimensions.
    pub fn of_proto(proto: &TensorProto) -> Result<Self, String> {
        let name = &proto.name;
        if proto.data_location == Some(1) || !proto.external_data.is_empty() {
            return Err(format!("the values of tensor `{name}` are in another file"));
        }
        let shape: Option<Vec<usize>> = proto.dims.iter().map(|&dim| usize::try_from(dim).ok()).collect();
        let shape = shape.ok_or_else(|| format!("tensor `{name}` has a negative dimension: {:?}", proto.dims))?;
        let product = shape.iter().try_fold(1usize, |product, &dim| product.checked_mul(dim));
        let length = product.ok_or_else(|| format!("tensor `{name}` has dimensions that overflow: {shape:?}"))?;
        let data = values_of(proto, length)?;
        if data.len() != length {
            return Err(format!("tensor `{name}` of {shape:?} has {} values instead of {length}", data.len()));
        }
        Ok(Tensor { shape, data })
    }

    /// Converts to the file form, with values as bytes and texts as texts.
    pub fn to_proto(&self, name: &str) -> TensorProto {
        let mut proto = TensorProto {
            dims: self.shape.iter().map(|&dim| dim as i64).collect(),
            data_type: Some(self.data.element()),
            name: name.to_owned(),
            ..TensorProto::default()
        };
        proto.raw_data = match &self.data {
            Data::Float(values) => Some(values.iter().flat_map(|value| value.to_le_bytes()).collect()),
            Data::Double(values) => Some(values.iter().flat_map(|value| value.to_le_bytes()).collect()),
            Data::Int(values) => Some(values.iter().flat_map(|value| value.to_le_bytes()).collect()),
            Data::Byte(values) => Some(values.clone()),
            Data::Bool(values) => Some(values.iter().map(|&value| u8::from(value)).collect()),
            Data::Text(values) => {
                proto.string_data = values.iter().map(|text| text.as_bytes().to_vec()).collect();
                None
            }
        };
        proto
    }
}

/// Returns the values of a tensor with `length` of them; no more is allocated than the file holds.
fn values_of(proto: &TensorProto, length: usize) -> Result<Data, String> {
    let name = &proto.name;
    let kind = proto.data_type.unwrap_or(0);
    let size = match kind {
        element::UINT8 | element::INT8 | element::BOOL => 1,
        element::FLOAT16 => 2,
        element::FLOAT | element::INT32 => 4,
        element::DOUBLE | element::INT64 => 8,
        element::STRING => return texts(proto),
        other => return Err(format!("tensor `{name}` has elements of the unsupported type {other}")),
    };
    let Some(raw) = proto.raw_data.as_deref() else { return Ok(fields(proto, kind)) };
    if Some(raw.len()) != length.checked_mul(size) {
        return Err(format!("tensor `{name}` of {:?} has {} bytes of {size} a value", proto.dims, raw.len()));
    }
    Ok(match kind {
        element::FLOAT => {
            Data::Float(raw.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
        }
        element::FLOAT16 => {
            Data::Float(raw.chunks_exact(2).map(|b| half::f16::from_le_bytes([b[0], b[1]]).to_f32()).collect())
        }
        element::DOUBLE => Data::Double(raw.chunks_exact(8).map(|b| f64::from_le_bytes(eight(b))).collect()),
        element::INT64 => Data::Int(raw.chunks_exact(8).map(|b| i64::from_le_bytes(eight(b))).collect()),
        element::INT32 => {
            Data::Int(raw.chunks_exact(4).map(|b| i64::from(i32::from_le_bytes([b[0], b[1], b[2], b[3]]))).collect())
        }
        element::BOOL => Data::Bool(raw.iter().map(|&byte| byte != 0).collect()),
        element::INT8 => Data::Int(raw.iter().map(|&byte| i64::from(byte as i8)).collect()),
        _ => Data::Byte(raw.to_vec()),
    })
}

fn eight(bytes: &[u8]) -> [u8; 8] {
    let mut array = [0; 8];
    array.copy_from_slice(bytes);
    array
}

fn texts(proto: &TensorProto) -> Result<Data, String> {
    let text = |bytes: &Vec<u8>| String::from_utf8(bytes.clone());
    let texts: Result<Vec<String>, _> = proto.string_data.iter().map(text).collect();
    texts.map(Data::Text).map_err(|_| format!("tensor `{}` has a text that is not UTF-8", proto.name))
}

/// Returns the values in the field of their type.
fn fields(proto: &TensorProto, kind: i32) -> Data {
    let small = || proto.int32_data.iter();
    match kind {
        element::FLOAT => Data::Float(proto.float_data.clone()),
        element::FLOAT16 => Data::Float(small().map(|&bits| half::f16::from_bits(bits as u16).to_f32()).collect()),
        element::DOUBLE => Data::Double(proto.double_data.clone()),
        element::INT64 => Data::Int(proto.int64_data.clone()),
        element::BOOL => Data::Bool(small().map(|&value| value != 0).collect()),
        element::UINT8 => Data::Byte(small().map(|&value| value as u8).collect()),
        _ => Data::Int(small().map(|&value| i64::from(value)).collect()),
    }
}
