//! Detection of truncated JPEG and WebP files.
//!
//! Decoders fill the missing part of a truncated file with grey, which no later step can distinguish from a picture. A
//! complete file has an end-of-image marker at its top level: the markers of thumbnails are inside segments, which are
//! skipped by their lengths, and coded data cannot contain one, because every 0xFF in it is followed by a zero (ITU
//! T.81, B.1.1).

/// Start of image.
const SOI: [u8; 2] = [0xff, 0xd8];
/// End of image.
const EOI: u8 = 0xd9;

/// Returns true if `bytes` are a JPEG file without an end-of-image marker. Bytes after the end, such as further images,
/// are ignored.
pub(super) fn is_truncated_jpeg(bytes: &[u8]) -> bool {
    if !bytes.starts_with(&SOI) {
        return false;
    }
    let mut at = 2;
    loop {
        // Coded data, stuffed zeros, fill bytes and restart markers lie between the segments; none of them has a length.
        let Some(step) = bytes.get(at..).unwrap_or_default().iter().position(|&byte| byte == 0xff) else { return true };
        at += step;
        let Some(&code) = bytes.get(at + 1) else { return true };
        match code {
            EOI => return false,
            0xff => at += 1,
            0x00 | 0x01 | 0xd0..=0xd8 => at += 2,
            _ => {
                let Some(&[high, low]) = bytes.get(at + 2..at + 4) else { return true };
                at += 2 + usize::from(u16::from_be_bytes([high, low]));
                if at >= bytes.len() {
                    return true;
                }
            }
        }
    }
}

/// Returns true if a file of `length` bytes beginning with `start` is a WebP file that should be longer, according to
/// its RIFF header.
pub(super) fn is_truncated_webp(start: &[u8], length: u64) -> bool {
    let (Some(b"RIFF"), Some(b"WEBP"), Some(&[a, b, c, d])) = (start.get(..4), start.get(8..12), start.get(4..8))
    else {
        return false;
    };
    u64::from(u32::from_le_bytes([a, b, c, d])) + 8 > length
}

/// Chunks of WebP files. Arbitrary data may follow the end of the image.
const CHUNKS: [&[u8; 4]; 9] = [b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP", b"EXIF", b"XMP "];
/// Header size of an animation frame, before its chunks.
const FRAME_HEADER: usize = 16;

/// Returns true if `bytes` are a WebP file with a chunk that claims more bytes than the file has left, which a decoder
/// would allocate.
pub(super) fn has_truncated_chunk(bytes: &[u8]) -> bool {
    is_any_chunk_truncated(bytes.get(12..).unwrap_or_default())
}

fn is_any_chunk_truncated(chunks: &[u8]) -> bool {
    let mut rest = chunks;
    while let Some((&[n, a, m, e, size @ ..], content)) = rest.split_first_chunk::<8>() {
        let (name, length) = ([n, a, m, e], u32::from_le_bytes(size) as usize);
        if !CHUNKS.contains(&&name) {
            return false;
        }
        let Some((content, after)) = content.split_at_checked(length) else { return true };
        if name == *b"ANMF" && content.get(FRAME_HEADER..).is_some_and(is_any_chunk_truncated) {
            return true;
        }
        // Chunks are aligned to even offsets.
        rest = after.get(length % 2..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_chunk_of_a_webp_file_is_longer_than_the_file() {
        let file =
            |size: u32| [b"RIFF\0\0\0\0WEBPVP8X\x01\0\0\0ab".as_slice(), b"EXIF", &size.to_le_bytes(), b"abc"].concat();
        for (size, truncated) in [(3, false), (2, false), (4, true), (u32::MAX, true)] {
            assert_eq!(has_truncated_chunk(&file(size)), truncated, "{size}");
        }
        assert!(!has_truncated_chunk(b"RIFF"));
        let frame = [b"RIFF\0\0\0\0WEBPANMF\x1c\0\0\0".as_slice(), &[0; 16], b"VP8 \xff\xff\0\0abcd"].concat();
        assert!(has_truncated_chunk(&frame));
        let followed = [file(3), b"\0more than the image\xff\xff".to_vec()].concat();
        assert!(!has_truncated_chunk(&followed));
    }

    #[test]
    fn a_webp_file_is_as_long_as_it_says() {
        let start = b"RIFF\x0c\0\0\0WEBPVP8 ";
        for (length, truncated) in [(20, false), (21, false), (19, true), (0, true)] {
            assert_eq!(is_truncated_webp(start, length), truncated, "{length}");
        }
        assert!(!is_truncated_webp(b"RIFF", 4) && !is_truncated_webp(b"GIF89a", 3));
    }

    /// Returns a file of one segment and one scan, with `inside` in the segment and `coded` as data.
    fn file(inside: &[u8], coded: &[u8]) -> Vec<u8> {
        let length = (inside.len() as u16 + 2).to_be_bytes();
        let scan = [0xff, 0xda, 0x00, 0x04, 0x01, 0x02];
        [&[0xff, 0xd8, 0xff, 0xe1][..], &length, inside, &scan, coded, &[0xff, 0xd9]].concat()
    }

    #[test]
    fn every_cut_of_a_file_is_found_and_no_whole_file_is() {
        let thumbnail = [0xff, 0xd8, 0x01, 0xff, 0xd9];
        let cases: [(&[u8], &[u8]); 5] = [
            (b"text", &[1, 2, 3]),
            (&thumbnail, &[1, 2, 3]),
            (b"", &[0xff, 0x00, 0xd9, 0xff, 0xd0, 4]),
            (b"", &[1, 0xff, 0xff, 0xd3, 2]),
            (b"two scans", &[1, 0xff, 0xc4, 0x00, 0x03, 9, 0xff, 0xda, 0x00, 0x03, 1, 7]),
        ];
        for (inside, coded) in cases {
            let whole = file(inside, coded);
            assert!(!is_truncated_jpeg(&whole), "{whole:x?}");
            assert!(!is_truncated_jpeg(&[&whole[..], b"more", &whole[..9]].concat()), "{whole:x?}");
            for length in 2..whole.len() {
                assert!(is_truncated_jpeg(&whole[..length]), "{length} of {whole:x?}");
            }
        }
        assert!(!is_truncated_jpeg(b"\x89PNG"));
    }
}
