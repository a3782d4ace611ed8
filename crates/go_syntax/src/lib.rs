//! Go source to syntax trees: scanner, error-tolerant parser, AST and visitors. No types here.

pub mod ast;
