//! Memory limit of a run.

use super::machine;
use crate::config::MemoryLimit;

/// Origin of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitOrigin {
    /// Set in the config.
    Config,
    /// Free memory of the machine.
    Machine,
}

impl MemoryLimit {
    /// Returns the limit in bytes and its origin; `None` if there is none. A limit above what the machine could ever provide is
    /// ignored: it would end in a failed allocation.
    ///
    /// # Errors
    /// If the text is neither `auto` nor a valid size; the message says what is accepted.
    pub fn resolve(&self) -> Result<Option<(u64, LimitOrigin)>, String> {
        match self.given()? {
            Some(bytes) => match machine::most_bytes().filter(|most| *most < bytes) {
                Some(most) => Ok(Some((most, LimitOrigin::Machine))),
                None => Ok(Some((bytes, LimitOrigin::Config))),
            },
            None => Ok(machine::free_bytes().map(|bytes| (bytes, LimitOrigin::Machine))),
        }
    }
}

/// Formats a number of bytes for display: `512 bytes`, `3.4 MB`, `101.4 GB`.
pub fn bytes_text(bytes: u64) -> String {
    let units = [(1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    let fitting = units.into_iter().find(|(size, _)| bytes as f64 >= *size);
    fitting.map_or_else(|| format!("{bytes} bytes"), |(size, unit)| format!("{:.1} {unit}", bytes as f64 / size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_with_one_digit_after_the_point() {
        for (bytes, text) in [(512, "512 bytes"), (3_400_000, "3.4 MB"), (101_421_241_088, "101.4 GB")] {
            assert_eq!(bytes_text(bytes), text);
        }
    }
}
