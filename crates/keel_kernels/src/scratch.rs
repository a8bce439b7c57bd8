//! Memory for intermediate results of one call.

/// Scratch buffer of floats whose contents are undefined before and after a call. The documentation of a function gives the
/// required length.
#[derive(Debug)]
pub struct Scratch<'a>(pub &'a mut [f32]);

impl<'a> Scratch<'a> {
    /// Creates an empty scratch buffer, for calls that need none.
    pub const fn none() -> Self {
        Scratch(&mut [])
    }

    /// Returns the number of floats.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns true if there are no floats.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Splits off the first `length` floats.
    ///
    /// # Panics
    /// If there are fewer.
    pub fn take(self, length: usize) -> (&'a mut [f32], Scratch<'a>) {
        let (first, rest) = self.0.split_at_mut(length);
        (first, Scratch(rest))
    }

    /// Reborrows the same floats for one of several calls.
    pub fn reborrow(&mut self) -> Scratch<'_> {
        Scratch(self.0)
    }
}
