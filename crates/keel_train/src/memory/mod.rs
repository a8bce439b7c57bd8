//! Memory estimates before allocation: the memory of a run is computed from shapes only, and a run that does not fit is
//! rejected.

mod estimate;
mod limit;
mod machine;

pub use estimate::{Estimate, Job, MemoryPart};
pub use limit::{LimitOrigin, bytes_text};
pub use machine::free_bytes;

pub(crate) use estimate::{BATCHES_AHEAD, EVALUATION_BATCH, check, check_preprocessing};
