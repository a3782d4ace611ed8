//! Go source to syntax trees: scanner, error-tolerant parser, AST and visitors. No types here.

pub mod ast;
pub mod directives;
pub mod dump;
mod lexer;
pub mod literal;
mod parser;
mod token;
mod unicode;
mod unicode_tables;
pub mod walk;

pub use parser::{MAX_DEPTH, ParseMode, STACK_BYTES, parse};
