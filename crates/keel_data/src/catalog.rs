//! One line of a catalog: a name as written in the config file, and what it is.

/// One entry of a catalog (readers, synthetic sets, preprocessing steps, augmentations).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CatalogEntry {
    /// The name as written in the config file.
    pub name: &'static str,
    /// One sentence on what it does.
    pub summary: &'static str,
}
