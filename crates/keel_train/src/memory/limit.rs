//! The limit a run has to keep.

use super::machine;
use crate::config::MemoryLimit;

/// Who set a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitOrigin {
    /// The config.
    Config,
    /// The memory the machine has free.
    Machine,
}

impl MemoryLimit {
    /// The bytes a run may take and who says so; `None` where nobody does. A limit above all the machine could ever give
    /// is none: it would end in a failed allocation.
    ///
    /// # Errors
    /// A text that is neither `auto` nor a size; the message says what is accepted.
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

/// Bytes as a person reads them: `512 bytes`, `3.4 MB`, `101.4 GB`.
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
