//! Bytes in memory that is planned in floats.
//!
//! The positions of maxima are stored as one byte each, in buffers that a plan cuts from one block of floats. Kernels take bytes;
//! only this module sees the block as both.

/// Returns the number of floats whose memory can store `bytes` bytes.
pub fn floats_for(bytes: usize) -> usize {
    bytes.div_ceil(size_of::<f32>())
}

/// Returns the bytes of `floats`.
pub fn of(floats: &[f32]) -> &[u8] {
    // SAFETY: the same memory with a weaker alignment; every bit pattern is a valid byte.
    unsafe { std::slice::from_raw_parts(floats.as_ptr().cast(), size_of_val(floats)) }
}

/// Returns the bytes of `floats` for writing.
pub fn of_mut(floats: &mut [f32]) -> &mut [u8] {
    // SAFETY: the same memory with a weaker alignment; every bit pattern is a valid byte and a valid float.
    unsafe { std::slice::from_raw_parts_mut(floats.as_mut_ptr().cast(), size_of_val(floats)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_bytes_are_read_back_and_lie_inside_their_floats() {
        for bytes in [0, 1, 3, 4, 5, 8] {
            let mut floats = vec![0.0f32; floats_for(bytes)];
            assert!(of(&floats).len() >= bytes && of(&floats).len() < bytes + size_of::<f32>(), "{bytes}");
            of_mut(&mut floats).iter_mut().enumerate().for_each(|(index, byte)| *byte = 200 + index as u8);
            assert!(of(&floats).iter().enumerate().all(|(index, byte)| *byte == 200 + index as u8), "{bytes}");
        }
    }
}
