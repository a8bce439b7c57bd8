//! Writes arrays as NumPy files.

/// An array with its shape.
#[derive(Debug)]
pub(in crate::bench::health) struct Array {
    /// Size of every dimension.
    pub(in crate::bench::health) sizes: Vec<usize>,
    /// Values in row-major order.
    pub(in crate::bench::health) values: Vec<f32>,
}

impl Array {
    /// Returns the array as an `.npy` file, version 1.0, little-endian 32-bit floats.
    pub(in crate::bench::health) fn to_npy(&self) -> Vec<u8> {
        let sizes: String = self.sizes.iter().map(|size| format!("{size},")).collect();
        let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({sizes}), }}");
        let length = (10 + header.len() + 1).next_multiple_of(64);
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend(((length - 10) as u16).to_le_bytes());
        file.extend(header.bytes());
        file.resize(length - 1, b' ');
        file.push(b'\n');
        self.values.iter().for_each(|value| file.extend(value.to_le_bytes()));
        file
    }
}
