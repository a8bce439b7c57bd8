//! Records of event files: length, checksum of the length, bytes, checksum of the bytes.

use std::io::{self, Write};

/// Added to the rotated checksum, so that checksums of data containing checksums stay distinct.
const MASK: u32 = 0xa282_ead8;
/// Castagnoli's polynomial, reflected.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// Checksums of all single bytes.
const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut rest = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            rest = if rest & 1 == 1 { (rest >> 1) ^ POLYNOMIAL } else { rest >> 1 };
            bit += 1;
        }
        table[byte] = rest;
        byte += 1;
    }
    table
};

/// Returns the CRC-32C of `bytes`.
fn checksum(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |rest, &byte| (rest >> 8) ^ TABLE[((rest ^ u32::from(byte)) & 0xff) as usize])
}

fn masked(bytes: &[u8]) -> u32 {
    checksum(bytes).rotate_right(15).wrapping_add(MASK)
}

/// Writes one record.
///
/// # Errors
/// Fails with an error of the operating system, such as a full disk.
pub(super) fn write(file: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    let length = (bytes.len() as u64).to_le_bytes();
    let mut record = Vec::with_capacity(bytes.len() + 16);
    record.extend(length);
    record.extend(masked(&length).to_le_bytes());
    record.extend(bytes);
    record.extend(masked(bytes).to_le_bytes());
    file.write_all(&record)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_rfc_3720() {
        assert_eq!(checksum(&[0; 32]), 0x8a91_36aa);
        assert_eq!(checksum(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(checksum(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn a_record_frames_its_bytes() {
        let mut file = Vec::new();
        write(&mut file, b"abc").unwrap();
        assert_eq!((file.len(), &file[..8], &file[12..15]), (19, &[3, 0, 0, 0, 0, 0, 0, 0][..], &b"abc"[..]));
    }
}
