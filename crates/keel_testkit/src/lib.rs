//! Test tools of Evenkeel: numerical gradients, golden files, tolerances.
