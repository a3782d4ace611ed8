//! Token kinds, their spelling, their precedence and sets of them. Separate from the lexer because
//! the parser and the error messages need them without the scanning.

use base::PackedName;

use crate::ast::{AssignOp, BinaryOp};

macro_rules! tokens {
    ($($name:ident $text:literal,)*) => {
        /// A token kind. Text of names and literals is found at the token's offsets.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub(crate) enum Tok { $($name),* }

        const TEXTS: &[&str] = &[$($text),*];
    };
}

tokens! {
    Eof "end of file", Illegal "illegal character", Ident "name", Int "integer literal",
    Float "float literal", Imag "imaginary literal", Char "rune literal", String "string literal",
    // Binary operators, in the order of `BinaryOp`.
    LOr "||", LAnd "&&", Eql "==", Neq "!=", Lss "<", Leq "<=", Gtr ">", Geq ">=", Add "+", Sub "-",
    Or "|", Xor "^", Mul "*", Quo "/", Rem "%", Shl "<<", Shr ">>", And "&", AndNot "&^",
    // Assignment operators, in the order of the arithmetic binary ones.
    AddAssign "+=", SubAssign "-=", OrAssign "|=", XorAssign "^=", MulAssign "*=", QuoAssign "/=",
    RemAssign "%=", ShlAssign "<<=", ShrAssign ">>=", AndAssign "&=", AndNotAssign "&^=",
    Assign "=", Define ":=",
    Arrow "<-", Inc "++", Dec "--", Not "!", Tilde "~", Ellipsis "...",
    LParen "(", LBrack "[", LBrace "{", Comma ",", Period ".",
    RParen ")", RBrack "]", RBrace "}", Semicolon ";", Colon ":",
    Break "break", Case "case", Chan "chan", Const "const", Continue "continue", Default "default",
    Defer "defer", Else "else", Fallthrough "fallthrough", For "for", Func "func", Go "go",
    Goto "goto", If "if", Import "import", Interface "interface", Map "map", Package "package",
    Range "range", Return "return", Select "select", Struct "struct", Switch "switch", Type "type",
    Var "var",
}

impl Tok {
    /// The spelling, or a description for kinds that have several.
    pub(crate) fn text(self) -> &'static str {
        TEXTS[self as usize]
    }
    /// The spelling in quotes, or a description for kinds that have several.
    pub(crate) fn quoted(self) -> String {
        if (self as u8) < Tok::LOr as u8 {
            self.text().to_owned()
        } else {
            format!("'{}'", self.text())
        }
    }
    pub(crate) fn is_keyword(self) -> bool {
        self as u8 >= Tok::Break as u8
    }
    pub(crate) fn is_literal(self) -> bool {
        (Tok::Int as u8..=Tok::String as u8).contains(&(self as u8))
    }
    /// Precedence as a binary operator, 1 to 5; 0 for anything else (Go spec, "Operator precedence").
    #[inline]
    pub(crate) fn precedence(self) -> u8 {
        PRECEDENCE[self as usize]
    }
    /// The operator of a token with a precedence.
    #[inline]
    pub(crate) fn binary_op(self) -> BinaryOp {
        match self {
            Tok::LOr => BinaryOp::LogicalOr,
            Tok::LAnd => BinaryOp::LogicalAnd,
            Tok::Eql => BinaryOp::Eq,
            Tok::Neq => BinaryOp::Ne,
            Tok::Lss => BinaryOp::Lt,
            Tok::Leq => BinaryOp::Le,
            Tok::Gtr => BinaryOp::Gt,
            Tok::Geq => BinaryOp::Ge,
            Tok::Sub => BinaryOp::Sub,
            Tok::Or => BinaryOp::Or,
            Tok::Xor => BinaryOp::Xor,
            Tok::Mul => BinaryOp::Mul,
            Tok::Quo => BinaryOp::Div,
            Tok::Rem => BinaryOp::Rem,
            Tok::Shl => BinaryOp::Shl,
            Tok::Shr => BinaryOp::Shr,
            Tok::And => BinaryOp::And,
            Tok::AndNot => BinaryOp::AndNot,
            _ => BinaryOp::Add,
        }
    }
    /// What an assignment token assigns; `None` for other tokens.
    #[inline]
    pub(crate) fn assign_op(self) -> Option<AssignOp> {
        Some(match self {
            Tok::Assign => AssignOp::Assign,
            Tok::Define => AssignOp::Define,
            Tok::AddAssign => AssignOp::Op(BinaryOp::Add),
            Tok::SubAssign => AssignOp::Op(BinaryOp::Sub),
            Tok::OrAssign => AssignOp::Op(BinaryOp::Or),
            Tok::XorAssign => AssignOp::Op(BinaryOp::Xor),
            Tok::MulAssign => AssignOp::Op(BinaryOp::Mul),
            Tok::QuoAssign => AssignOp::Op(BinaryOp::Div),
            Tok::RemAssign => AssignOp::Op(BinaryOp::Rem),
            Tok::ShlAssign => AssignOp::Op(BinaryOp::Shl),
            Tok::ShrAssign => AssignOp::Op(BinaryOp::Shr),
            Tok::AndAssign => AssignOp::Op(BinaryOp::And),
            Tok::AndNotAssign => AssignOp::Op(BinaryOp::AndNot),
            _ => return None,
        })
    }
}

/// A set of token kinds.
#[derive(Clone, Copy)]
pub(crate) struct TokSet(u128);

impl TokSet {
    pub(crate) const fn new(tokens: &[Tok]) -> Self {
        let mut bits = 0;
        let mut i = 0;
        while i < tokens.len() {
            bits |= 1 << tokens[i] as u8;
            i += 1;
        }
        Self(bits)
    }
    pub(crate) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
    #[inline]
    pub(crate) const fn has(self, tok: Tok) -> bool {
        self.0 >> tok as u8 & 1 == 1
    }
}

static PRECEDENCE: [u8; TEXTS.len()] = {
    use Tok::{
        Add, And, AndNot, Eql, Geq, Gtr, LAnd, LOr, Leq, Lss, Mul, Neq, Or, Quo, Rem, Shl, Shr,
        Sub, Xor,
    };
    let levels: [&[Tok]; 5] = [
        &[LOr],
        &[LAnd],
        &[Eql, Neq, Lss, Leq, Gtr, Geq],
        &[Add, Sub, Or, Xor],
        &[Mul, Quo, Rem, Shl, Shr, And, AndNot],
    ];
    let mut table = [0; TEXTS.len()];
    let mut level = 0;
    while level < levels.len() {
        let mut i = 0;
        while i < levels[level].len() {
            table[levels[level][i] as usize] = level as u8 + 1;
            i += 1;
        }
        level += 1;
    }
    table
};

const KEYWORDS: [Tok; 25] = [
    Tok::Break,
    Tok::Case,
    Tok::Chan,
    Tok::Const,
    Tok::Continue,
    Tok::Default,
    Tok::Defer,
    Tok::Else,
    Tok::Fallthrough,
    Tok::For,
    Tok::Func,
    Tok::Go,
    Tok::Goto,
    Tok::If,
    Tok::Import,
    Tok::Interface,
    Tok::Map,
    Tok::Package,
    Tok::Range,
    Tok::Return,
    Tok::Select,
    Tok::Struct,
    Tok::Switch,
    Tok::Type,
    Tok::Var,
];

/// A perfect hash of the keywords over their length and first two bytes, in the low bits of the
/// packed name. The factors were found by search; the table does not compile if two keywords meet.
#[inline]
const fn keyword_slot(word: u64, len: usize) -> usize {
    ((word & 0xff) as usize + (word >> 8 & 0xff) as usize * 4 + len * 6) & 63
}

/// The words of the packed keyword in each slot, and the keyword.
static KEYWORD_TABLE: [([u64; 2], Tok); 64] = {
    let mut table = [([0; 2], Tok::Ident); 64];
    let mut i = 0;
    while i < KEYWORDS.len() {
        let text = TEXTS[KEYWORDS[i] as usize].as_bytes();
        let mut words = [0; 2];
        let mut b = 0;
        while b < text.len() {
            words[b / 8] |= (text[b] as u64) << (b % 8 * 8);
            b += 1;
        }
        let slot = keyword_slot(words[0], text.len());
        assert!(matches!(table[slot].1, Tok::Ident), "two keywords share a slot");
        table[slot] = (words, KEYWORDS[i]);
        i += 1;
    }
    table
};

/// The keyword that a name of `len` bytes spells, or [`Tok::Ident`].
#[inline]
pub(crate) fn keyword(name: PackedName, len: usize) -> Tok {
    let words = name.words();
    let (keyword, tok) = KEYWORD_TABLE[keyword_slot(words[0], len)];
    if keyword == words { tok } else { Tok::Ident }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(word: &str) -> Tok {
        PackedName::new(word.as_bytes(), 0, word.len())
            .map_or(Tok::Ident, |name| keyword(name, word.len()))
    }

    #[test]
    fn keywords_are_found_and_names_are_not() {
        for k in KEYWORDS {
            assert_eq!(of(k.text()), k);
        }
        for name in ["", "x", "brea", "breaks", "fallthroughs", "Go", "types", "iff"] {
            assert_eq!(of(name), Tok::Ident, "{name}");
        }
    }
}
