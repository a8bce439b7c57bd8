//! Times and sizes of the files of a run, to detect changes.

use std::path::Path;
use std::time::SystemTime;

use keel_train::runs::RunFolder;

/// Times and sizes of the files that change while a run is in progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp([Option<(SystemTime, u64)>; 5]);

impl Stamp {
    /// Reads the current stamp of `folder`.
    pub(crate) fn of(folder: &RunFolder) -> Self {
        let metrics = folder.metrics();
        let mut log = metrics.clone().into_os_string();
        log.push("-wal");
        Stamp([
            file(&folder.config()),
            file(&folder.summary()),
            file(&metrics),
            file(Path::new(&log)),
            file(&folder.model()),
        ])
    }

    /// Returns the time of the most recently written file, in seconds since 1970.
    pub(crate) fn written(&self) -> f64 {
        let times = self.0.iter().flatten().map(|(time, _)| *time);
        times.max().map_or(0.0, seconds_since_1970)
    }

    /// Returns the time at which the summary was written; for a run in progress, that is just before its first step.
    pub(crate) fn summary_written(&self) -> Option<SystemTime> {
        self.0[1].map(|(time, _)| time)
    }
}

fn file(path: &Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// Converts to seconds since 1970.
pub(crate) fn seconds_since_1970(time: SystemTime) -> f64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}
