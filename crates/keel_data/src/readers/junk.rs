//! Files and folders that operating systems and programs leave next to data.

/// Names in lower case, except those that start with a dot.
const NAMES: &[&str] = &[
    "__macosx",
    "@eadir",
    "$recycle.bin",
    "system volume information",
    "desktop.ini",
    "ehthumbs.db",
    "icon\r",
    "thumbs.db",
];

/// Returns true if `name` is hidden or created by an operating system: `.DS_Store`, `._photo.jpg`, `__MACOSX`, `Thumbs.db`.
pub(super) fn is_junk(name: &str) -> bool {
    name.starts_with('.') || NAMES.contains(&name.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::is_junk;

    #[test]
    fn what_systems_leave_behind_is_junk_and_data_is_not() {
        for name in [".DS_Store", "._cat.jpg", ".ipynb_checkpoints", "__MACOSX", "Thumbs.db", "DESKTOP.INI", "Icon\r"] {
            assert!(is_junk(name), "{name}");
        }
        for name in ["cat.jpg", "thumbs", "macosx", "icon", "a.DS_Store"] {
            assert!(!is_junk(name), "{name}");
        }
    }
}
