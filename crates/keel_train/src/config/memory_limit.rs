//! The `train.memory_limit` key.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Maximum memory of a training run: bytes, a text such as `4GB`, or `auto` for the free memory of the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a number of bytes, a text such as \"4GB\", or \"auto\"")]
pub enum MemoryLimit {
    /// Bytes; 0 = the free memory of the machine.
    Bytes(u64),
    /// A number with a unit, or `auto`.
    Text(String),
}

impl Default for MemoryLimit {
    fn default() -> Self {
        MemoryLimit::Text("auto".to_owned())
    }
}

impl MemoryLimit {
    /// Returns the bytes given in the config; `None` for the memory of the machine.
    pub(crate) fn given(&self) -> Result<Option<u64>, String> {
        match self {
            MemoryLimit::Bytes(0) => Ok(None),
            MemoryLimit::Bytes(bytes) => Ok(Some(*bytes)),
            MemoryLimit::Text(text) if text.trim() == "auto" => Ok(None),
            MemoryLimit::Text(text) => parse(text).map(Some),
        }
    }
}

/// Parses `4GB`, `1.5 GiB`, `800mb` or `123456` into bytes.
fn parse(text: &str) -> Result<u64, String> {
    let refusal = || format!("`{text}` is not a valid memory size; write 4GB, 800MB, a number of bytes, or auto");
    let text = text.trim();
    let end = text.find(|character: char| character.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor: f64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "kb" | "k" => 1e3,
        "mb" | "m" => 1e6,
        "gb" | "g" => 1e9,
        "tb" | "t" => 1e12,
        "kib" => 1024.0,
        "mib" => 1024.0 * 1024.0,
        "gib" => 1024.0 * 1024.0 * 1024.0,
        _ => return Err(refusal()),
    };
    match number.trim().parse::<f64>() {
        Ok(number) if number * factor >= 1.0 && number.is_finite() => Ok((number * factor) as u64),
        _ => Err(refusal()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_and_what_is_none_is_refused() {
        for (text, expected) in [
            ("4GB", 4_000_000_000),
            ("1.5 GiB", 1_610_612_736),
            ("800mb", 800_000_000),
            ("123456", 123_456),
            ("2k", 2_000),
        ] {
            assert_eq!(MemoryLimit::Text(text.to_owned()).given(), Ok(Some(expected)), "{text}");
        }
        for text in ["", "much", "-1GB", "4XB", "GB", "nan", "inf"] {
            let message = MemoryLimit::Text(text.to_owned()).given().unwrap_err();
            assert!(message.contains("write 4GB"), "{message}");
        }
        assert_eq!(MemoryLimit::default().given(), Ok(None));
        assert_eq!(MemoryLimit::Bytes(0).given(), Ok(None));
        assert_eq!(MemoryLimit::Bytes(7).given(), Ok(Some(7)));
    }
}
