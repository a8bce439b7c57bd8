//! Memory is known before it is used: what a run will hold is summed from shapes alone, and refused where it does not
//! fit.

mod estimate;
mod limit;
mod machine;
mod outline;

pub use estimate::{Estimate, Job, Part};
pub use limit::{LimitOrigin, MemoryLimit, bytes_text};
pub use machine::free_bytes;
pub use outline::Outline;

pub(crate) use estimate::{check, check_preprocessing};
