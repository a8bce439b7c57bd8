//! A projection matrix, stored compactly in documents.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::fmt::Write;

/// A matrix `[in_features, out_features]`, row-major.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Matrix {
    /// Rows.
    pub in_features: usize,
    /// Columns.
    pub out_features: usize,
    /// Row-major values; stored as little-endian hexadecimal, eight digits per value, so that nothing is rounded.
    #[serde(serialize_with = "write_hexadecimal", deserialize_with = "read_hexadecimal")]
    pub values: Vec<f32>,
}

impl Matrix {
    /// `outputs [batch, out_features] = inputs [batch, in_features] x self`, on the calling thread.
    pub(crate) fn multiply(&self, batch: usize, inputs: &[f32], outputs: &mut [f32]) {
        let left = MatRef::from_row_major_slice(&inputs[..batch * self.in_features], batch, self.in_features);
        let right = MatRef::from_row_major_slice(&self.values, self.in_features, self.out_features);
        let result =
            MatMut::from_row_major_slice_mut(&mut outputs[..batch * self.out_features], batch, self.out_features);
        matmul(result, Accum::Replace, left, right, 1.0, Par::Seq);
    }
}

fn write_hexadecimal<S: Serializer>(values: &[f32], serializer: S) -> Result<S::Ok, S::Error> {
    let mut text = String::with_capacity(values.len() * 8);
    for value in values {
        for byte in value.to_le_bytes() {
            // Writing to a string cannot fail.
            _ = write!(text, "{byte:02x}");
        }
    }
    serializer.serialize_str(&text)
}

fn read_hexadecimal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f32>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    if !text.len().is_multiple_of(8) {
        return Err(D::Error::custom(
            "a matrix is truncated: the length of its text is not a multiple of eight digits",
        ));
    }
    text.as_bytes()
        .chunks_exact(8)
        .map(|digits| {
            let mut bytes = [0u8; 4];
            for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
                *byte = digit(pair[0])? << 4 | digit(pair[1])?;
            }
            Some(f32::from_le_bytes(bytes))
        })
        .collect::<Option<Vec<f32>>>()
        .ok_or_else(|| D::Error::custom("a matrix holds something other than hexadecimal digits"))
}
