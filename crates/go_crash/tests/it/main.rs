//! The reader from the outside, on dumps that the programs under `testdata/corpus` printed, on the same
//! dumps behind the prefixes of log collectors, and cut and fed in every way.

mod dumps;
mod hostile;
mod pieces;
mod reports;
mod shared;
