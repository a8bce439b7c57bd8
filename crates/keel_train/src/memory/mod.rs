//! Memory is known before it is used: what a run will hold is summed from shapes alone, and refused where it does not
//! fit.

mod estimate;
mod limit;
mod machine;

pub use estimate::{Estimate, Job, MemoryPart};
pub use limit::{LimitOrigin, bytes_text};
pub use machine::free_bytes;

pub(crate) use estimate::{BATCHES_AHEAD, EVALUATION_BATCH, check, check_preprocessing};
