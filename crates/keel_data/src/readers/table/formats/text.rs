//! Decoding of a text file: compression and encoding.

use crate::config::DataConfig;
use crate::error::DataError;
use crate::readers::data_file::{ByteLimit, megabytes, read_at_most};
use flate2::read::MultiGzDecoder;
use std::path::Path;

/// Number of bytes examined to recognise UTF-16 without a byte order mark.
const SAMPLE: usize = 4_096;

/// Text of a file.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) text: String,
    /// True if the file is UTF-8 without a byte order mark.
    pub(super) is_plain_utf8: bool,
    /// Note about the encoding, if it is not UTF-8.
    pub(super) note: Option<String>,
}

/// Decodes the text of a file.
///
/// # Errors
/// Fails if a compressed file is damaged or unpacks to more than the config allows, or if the bytes are not text.
pub(super) fn decode(path: &Path, mut bytes: Vec<u8>, config: &DataConfig) -> Result<Decoded, DataError> {
    if bytes.starts_with(&[0x1f, 0x8b]) {
        bytes = unpacked(path, &bytes, ByteLimit::of_packed(config, bytes.len() as u64))?;
    }
    let encoding = match encoding_rs::Encoding::for_bom(&bytes).map(|(encoding, _)| encoding).or_else(|| utf_16(&bytes))
    {
        Some(encoding) => encoding,
        None => match String::from_utf8(bytes) {
            Ok(text) => {
                return text_only(path, text).map(|text| Decoded { text, is_plain_utf8: true, note: None });
            }
            Err(error) => {
                bytes = error.into_bytes();
                if let Some(damage) = Damage::of_utf_8(&bytes) {
                    let text = text_only(path, String::from_utf8_lossy(&bytes).into_owned())?;
                    return Ok(Decoded { text, is_plain_utf8: false, note: Some(damage.note()) });
                }
                guess(&bytes)
            }
        },
    };
    let (text, used, _) = encoding.decode(&bytes);
    let note = (used != encoding_rs::UTF_8)
        .then(|| format!("the text is read as {}; save the table as UTF-8 if letters are wrong", used.name()));
    text_only(path, text.into_owned()).map(|text| Decoded { text, is_plain_utf8: false, note })
}

/// Unpacks a compressed file. Its true size is known only at its end, so it is unpacked up to the limit.
fn unpacked(path: &Path, bytes: &[u8], limit: ByteLimit) -> Result<Vec<u8>, DataError> {
    let unpacked = read_at_most(MultiGzDecoder::new(bytes), limit.bytes(), 0).map_err(|error| {
        DataError::format(path, format!("the compressed table is damaged: {error}"), "Fetch the file again")
    })?;
    unpacked.ok_or_else(|| {
        let what = format!("its {} unpack to more than {}", megabytes(bytes.len() as u64), megabytes(limit.bytes()));
        limit.refusal(path, limit.bytes().saturating_mul(2), &what)
    })
}

/// Bytes of a UTF-8 text that are not UTF-8.
struct Damage {
    /// Number of places.
    places: usize,
    /// Line of the first of them, counted from 1.
    line: usize,
    /// Letters around it.
    around: String,
}

impl Damage {
    /// Returns the damage of a text that is UTF-8 for the most part: among the letters beyond ASCII, at least two are valid for
    /// each place that is not. Texts in other encodings form valid letters only by chance.
    fn of_utf_8(bytes: &[u8]) -> Option<Self> {
        let (mut letters, mut places, mut line, mut damage) = (0usize, 0usize, 1, None);
        for chunk in bytes.utf8_chunks() {
            let valid = chunk.valid();
            letters += valid.chars().filter(|c| !c.is_ascii()).count();
            line += valid.matches('\n').count();
            if chunk.invalid().is_empty() {
                continue;
            }
            places += 1;
            damage.get_or_insert_with(|| {
                let begin = valid.chars().rev().take_while(|c| c.is_alphanumeric()).collect::<Vec<char>>();
                let around = begin.into_iter().rev().chain([char::REPLACEMENT_CHARACTER]).collect();
                (line, around)
            });
        }
        let (line, around) = damage?;
        (letters > 2 * places).then_some(Damage { places, line, around })
    }

    fn note(&self) -> String {
        let Self { places, line, around } = self;
        let what = match places {
            1 => format!("line {line} has a byte that is not UTF-8"),
            _ => format!("{places} places are not UTF-8, the first in line {line}"),
        };
        format!(
            "{what}, read as in \"{around}\"; correct the text there: it counts as another text than the intended one"
        )
    }
}

/// Guesses the encoding of bytes that are not UTF-8.
fn guess(bytes: &[u8]) -> &'static encoding_rs::Encoding {
    if is_chinese(bytes) {
        return encoding_rs::GB18030;
    }
    let mut detector = chardetng::EncodingDetector::new();
    detector.feed(bytes, true);
    detector.guess(None, false)
}

/// Returns true if all bytes above 127 form pairs of GB 2312, four in five of them common characters, some of those
/// beyond the range of Korean syllables. A table has too little text for the guess by frequency, which takes such pairs
/// for letters.
fn is_chinese(bytes: &[u8]) -> bool {
    let (mut pairs, mut common, mut beyond_korean) = (0usize, 0usize, false);
    let mut rest = bytes;
    while let [lead, tail @ ..] = rest {
        if lead.is_ascii() {
            rest = tail;
            continue;
        }
        let [0xa1..=0xfe, after @ ..] = tail else { return false };
        if !(0xa1..=0xf7).contains(lead) {
            return false;
        }
        pairs += 1;
        common += usize::from((0xb0..=0xd7).contains(lead));
        beyond_korean |= (0xc9..=0xd7).contains(lead);
        rest = after;
    }
    beyond_korean && common * 5 >= pairs * 4
}

/// Detects UTF-16 without a byte order mark: most of every other byte is zero.
fn utf_16(bytes: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    let sample = bytes.get(..SAMPLE).unwrap_or(bytes);
    let zeros = |from: usize| sample.iter().skip(from).step_by(2).filter(|&&byte| byte == 0).count();
    let most = |zeros: usize| sample.len() >= 4 && zeros * 5 > sample.len() * 2;
    match (most(zeros(0)), most(zeros(1))) {
        (false, true) => Some(encoding_rs::UTF_16LE),
        (true, false) => Some(encoding_rs::UTF_16BE),
        _ => None,
    }
}

/// Rejects text with zero bytes, and makes every line end in `\n` or `\r\n`.
fn text_only(path: &Path, text: String) -> Result<String, DataError> {
    let text = with_line_feeds(text);
    match text.find('\0') {
        None => Ok(text),
        Some(_) => {
            let line = text.chars().take_while(|c| *c != '\0').filter(|c| *c == '\n').count() + 1;
            let what = format!("line {line} has a zero byte: this is not a text file");
            Err(DataError::format(path, what, "Give a table as CSV, or set data.format to the format of the file"))
        }
    }
}

/// Replaces each `\r` that no `\n` follows with `\n`: some programs end lines with it alone. Removes byte order marks at the
/// beginning of lines, as between files that were joined.
fn with_line_feeds(text: String) -> String {
    const MARKED: [&str; 2] = ["\n\u{feff}", "\r\u{feff}"];
    let text = if MARKED.iter().any(|marked| text.contains(marked)) {
        text.replace(MARKED[0], "\n").replace(MARKED[1], "\r")
    } else {
        text
    };
    let bytes = text.as_bytes();
    let is_alone = |place: usize| bytes.get(place + 1) != Some(&b'\n');
    if !text.match_indices('\r').any(|(place, _)| is_alone(place)) {
        return text;
    }
    let one = |(place, c)| if c == '\r' && is_alone(place) { '\n' } else { c };
    text.char_indices().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_found_and_said() {
        let utf_16 = |text: &str, big: bool, mark: bool| -> Vec<u8> {
            let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
            units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
        };
        let table = "größe,name\n1,Jürgen\n2,Zoë\n3,Müller\n";
        let chinese = "名称,价格,城市\n苹果手机,1,北京\n香蕉牛奶,2,上海\n今天天气很好,3,广州\n";
        let short = "编号,城市,价格,类别\n1,北京,0.1,好\n2,上海,0.5,坏\n";
        let russian = "город,население,страна\nМосква,12,Россия\nКазань,1,Россия\nПариж,2,Франция\n";
        let encoded = |text: &str, encoding: &'static encoding_rs::Encoding| encoding.encode(text).0.into_owned();
        let cases = [
            (table, table.as_bytes().to_vec(), ""),
            (table, ["\u{feff}".as_bytes(), table.as_bytes()].concat(), ""),
            (table, utf_16(table, false, true), "UTF-16LE"),
            (table, utf_16(table, true, true), "UTF-16BE"),
            (table, utf_16(table, false, false), "UTF-16LE"),
            (table, encoded(table, encoding_rs::WINDOWS_1252), "windows-1252"),
            (chinese, encoded(chinese, encoding_rs::GB18030), "gb18030"),
            (short, encoded(short, encoding_rs::GBK), "gb18030"),
            (russian, encoded(russian, encoding_rs::WINDOWS_1251), "windows-1251"),
        ];
        for (expected, bytes, name) in cases {
            let is_plain = bytes == expected.as_bytes();
            let Decoded { text, is_plain_utf8, note } =
                decode(Path::new("t.csv"), bytes, &DataConfig::default()).unwrap();
            assert_eq!(text, expected, "{note:?}");
            assert_eq!(note.is_some(), !name.is_empty());
            assert_eq!(is_plain_utf8, is_plain, "{note:?}");
            assert!(note.unwrap_or_default().contains(name));
        }
    }

    #[test]
    fn single_bytes_that_are_not_utf_8_leave_the_rest_as_it_is() {
        let read = |bytes: &[u8]| decode(Path::new("t.csv"), bytes.to_vec(), &DataConfig::default()).unwrap();
        let bytes = ["stadt,b\nKöln,1\nZürich,2\nKöln,3\nZ".as_bytes(), b"\xfc", "rich,4\n".as_bytes()].concat();
        let found = read(&bytes);
        assert!(found.text.ends_with("Köln,3\nZ\u{fffd}rich,4\n") && !found.is_plain_utf8, "{}", found.text);
        let note = found.note.unwrap();
        assert!(note.starts_with("line 5 has a byte that is not UTF-8, read as in \"Z\u{fffd}\""), "{note}");
        let twice = read(&[&bytes[..], b"\xfc,5\n", "ööö,6\n".as_bytes()].concat()).note.unwrap();
        assert!(twice.starts_with("2 places are not UTF-8, the first in line 5"), "{twice}");
        let mostly_other = ["Zürich,1\n".as_bytes(), b"Z\xfcrich,2\nK\xf6ln,3\n"].concat();
        assert!(read(&mostly_other).note.unwrap().contains("windows-1252"));
    }

    #[test]
    fn byte_order_marks_at_the_beginning_of_lines_are_left_out() {
        let text = "\u{feff}a,b\n1,2\n\u{feff}a,b\r\u{feff}3,\u{feff}4\n";
        let found = decode(Path::new("t.csv"), text.as_bytes().to_vec(), &DataConfig::default()).unwrap();
        assert_eq!(found.text, "a,b\n1,2\na,b\n3,\u{feff}4\n");
    }

    #[test]
    fn a_file_that_unpacks_to_more_than_the_limit_is_refused() {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::copy(&mut std::io::Read::take(std::io::repeat(b'a'), 3_000_000), &mut packed).unwrap();
        let packed = packed.finish().unwrap();
        for (largest_file_megabytes, is_read) in [(Some(3), true), (Some(2), false), (None, true)] {
            let config = DataConfig { largest_file_megabytes, ..DataConfig::default() };
            let read = decode(Path::new("t.csv.gz"), packed.clone(), &config);
            assert_eq!(read.is_ok(), is_read, "{largest_file_megabytes:?}");
            let expected =
                "unpack to more than 2.0 MB; at most 2 MB of one file are read. Set data.largest_file_megabytes = 4";
            assert!(read.map_or_else(|error| error.to_string().contains(expected), |_| true));
        }
    }

    #[test]
    fn other_bytes_are_refused() {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut packed, b"a,b\n1,2\n").unwrap();
        let packed = packed.finish().unwrap();
        assert_eq!(decode(Path::new("t"), packed.clone(), &DataConfig::default()).unwrap().text, "a,b\n1,2\n");
        let cases = [
            (packed[..12].to_vec(), "damaged"),
            (b"a,b\n1,\0\0\0".to_vec(), "line 2 has a zero byte"),
            (b"a,b\r1,\0\0\0".to_vec(), "line 2 has a zero byte"),
        ];
        for (bytes, expected) in cases {
            let message = decode(Path::new("t.csv"), bytes, &DataConfig::default()).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
