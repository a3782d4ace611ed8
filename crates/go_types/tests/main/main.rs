//! Checks small programs in memory, at the crate's own boundary.

mod programs;
