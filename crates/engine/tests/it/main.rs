//! The whole run, from a folder of Go to findings, held against `// want "CODE"` marks: the rules'
//! pages, the example programs, and variants of them.

mod examples;
mod pages;
mod variants;
mod wants;
