//! Tests of the prover at its boundary: Go programs with and without traps.
