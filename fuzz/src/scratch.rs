//! A folder for the files of one input.

use std::path::{Path, PathBuf};

use keel_data::{DataConfig, Dataset};
use tempfile::TempDir;

/// A folder that is gone after the input.
pub(crate) struct Scratch {
    folder: TempDir,
}

impl Scratch {
    /// Makes the folder, in memory where the system has a place for that.
    pub(crate) fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
        let folder = tempfile::Builder::new().prefix("evenkeel-fuzz-").tempdir_in(parent);
        Scratch { folder: folder.expect("the folder for temporary files can be written") }
    }

    /// The folder itself.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes the file `name`, whose folders are made; returns its path.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        let written = match path.parent() {
            Some(parent) => std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&path, bytes)),
            None => std::fs::write(&path, bytes),
        };
        written.expect("a file of the folder for temporary files can be written");
        path
    }

    /// Reads `source` in this folder as a training would, with its divisions, and once more as data for a trained model.
    pub(crate) fn load(&self, source: &str, config: DataConfig) {
        let config = DataConfig { source: source.to_owned(), ..config };
        let Ok(dataset) = keel_data::load(&config, self.path()) else { return };
        let schema = dataset.schema();
        self.use_of(dataset, &config);
        // Either may refuse the data; a column of targets that the model has no class for, say.
        let _ = keel_data::load_for_model(&config, self.path(), &schema);
        let _ = keel_data::load_to_predict(&config, self.path(), &schema);
    }

    fn use_of(&self, dataset: Dataset, config: &DataConfig) {
        let samples = dataset.samples();
        if let Ok(split) = dataset.split(config.split()) {
            let parts = split.train.len() + split.validation.len() + split.test.len();
            assert!(parts <= samples, "{parts} samples in the parts of {samples}");
        }
    }
}
