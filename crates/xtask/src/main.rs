//! Checks and tools of the repository.
fn main() {}
