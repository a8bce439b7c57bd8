//! Attributes of a node by name.

use crate::Tensor;
use crate::schema::AttributeProto;

/// Attributes of one node.
#[derive(Clone, Copy)]
pub(crate) struct Attributes<'a>(pub(crate) &'a [AttributeProto]);

impl<'a> Attributes<'a> {
    fn find(self, name: &str) -> Option<&'a AttributeProto> {
        self.0.iter().find(|attribute| attribute.name == name)
    }

    /// Returns an integer.
    pub(crate) fn integer(self, name: &str, default: i64) -> i64 {
        self.find(name).map_or(default, |attribute| attribute.i.unwrap_or(0))
    }

    /// Returns a float.
    pub(crate) fn float(self, name: &str, default: f32) -> f32 {
        self.find(name).map_or(default, |attribute| attribute.f.unwrap_or(0.0))
    }

    /// Returns several integers, or `None` if absent.
    pub(crate) fn integers(self, name: &str) -> Option<&'a [i64]> {
        self.find(name).map(|attribute| attribute.ints.as_slice())
    }

    /// Returns several floats.
    pub(crate) fn floats(self, name: &str) -> Option<&'a [f32]> {
        self.find(name).map(|attribute| attribute.floats.as_slice())
    }

    /// Returns several texts.
    ///
    /// # Errors
    /// Fails if one is not valid UTF-8.
    pub(crate) fn strings(self, name: &str) -> Result<Option<Vec<String>>, String> {
        let Some(attribute) = self.find(name) else { return Ok(None) };
        let texts: Result<Vec<String>, _> = attribute.strings.iter().cloned().map(String::from_utf8).collect();
        texts.map(Some).map_err(|_| format!("`{name}` has a text that is not UTF-8"))
    }

    /// Returns a text.
    pub(crate) fn string(self, name: &str) -> Option<String> {
        self.find(name)
            .map(|attribute| String::from_utf8_lossy(attribute.s.as_deref().unwrap_or_default()).into_owned())
    }

    /// Returns a tensor.
    ///
    /// # Errors
    /// Fails if the tensor cannot be read.
    pub(crate) fn tensor(self, name: &str) -> Result<Option<Tensor>, String> {
        self.find(name).and_then(|attribute| attribute.t.as_ref()).map(Tensor::of_proto).transpose()
    }

    /// Returns true if `name` is present.
    pub(crate) fn has(self, name: &str) -> bool {
        self.find(name).is_some()
    }
}
