//! Go in, IR out: every file of `tests/data` is checked and lowered, and its printed IR is a
//! snapshot. Slow tests (`UNPANIC_SLOW=1`) lower the whole standard library.

mod snapshots;
mod standard_library;
mod support;
