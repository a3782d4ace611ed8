//! The reader from the outside, on dumps that the programs under `testdata/corpus` printed, on the same
//! dumps behind the prefixes of log collectors, and cut and fed in every way.

#![expect(clippy::disallowed_methods, reason = "tests read their data from the disk")]

mod dumps;
mod formats;
mod hostile;
mod pieces;
mod reports;
mod shared;
