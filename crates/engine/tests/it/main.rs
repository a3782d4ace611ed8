//! The whole run, from a folder of Go to findings, held against `// want "CODE"` marks: the rules'
//! pages, the example programs, variants of them, and the shapes of ordering met in real programs.

mod cached;
mod confidence;
mod examples;
mod pages;
mod shapes;
mod variants;
mod wants;
