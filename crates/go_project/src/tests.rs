//! Whole loads on trees in memory.
