//! Bytes of the fuzzer taken one part after the other.

/// What is left of an input. Once it is used up, every part is zero or empty.
pub(crate) struct Bytes<'a> {
    rest: &'a [u8],
}

impl<'a> Bytes<'a> {
    /// All of an input.
    pub(crate) fn new(input: &'a [u8]) -> Self {
        Bytes { rest: input }
    }

    /// The next byte.
    pub(crate) fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.rest.split_first() else { return 0 };
        self.rest = rest;
        first
    }

    /// One of `choices`, which are not empty.
    pub(crate) fn choice<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::from(self.byte()) % choices.len()]
    }

    /// A size: small for most first bytes, else one that is apt to overflow.
    pub(crate) fn size(&mut self) -> u64 {
        match self.byte() {
            small @ 0..=199 => u64::from(small % 34),
            200..=219 => u64::from(u16::from_le_bytes([self.byte(), self.byte()])),
            220..=239 => u64::from(u32::MAX >> (self.byte() % 32)),
            _ => u64::MAX >> (self.byte() % 64),
        }
    }

    /// Up to `length` bytes.
    pub(crate) fn take(&mut self, length: usize) -> &'a [u8] {
        let (part, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.rest = rest;
        part
    }

    /// A part whose length, at most 255, is the next byte.
    pub(crate) fn part(&mut self) -> &'a [u8] {
        let length = usize::from(self.byte());
        self.take(length)
    }

    /// As [`Bytes::part`], as text.
    pub(crate) fn text(&mut self) -> String {
        String::from_utf8_lossy(self.part()).into_owned()
    }

    /// Everything that is left.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.rest
    }

    /// True if nothing is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}

/// `length` bytes that begin with `start` and repeat it; zeros where it is empty.
pub(crate) fn repeated(start: &[u8], length: usize) -> Vec<u8> {
    start.iter().copied().cycle().chain(std::iter::repeat(0)).take(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_that_is_used_up_gives_zeros() {
        let mut bytes = Bytes::new(&[2, 7, 8, 9]);
        assert_eq!(bytes.part(), [7, 8]);
        assert_eq!((bytes.byte(), bytes.byte(), bytes.size(), bytes.part()), (9, 0, 0, &[][..]));
        assert!(bytes.is_empty());
        assert_eq!(repeated(&[1, 2], 3), [1, 2, 1]);
        assert_eq!(repeated(&[], 2), [0, 0]);
    }
}
