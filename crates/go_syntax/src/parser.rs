//! The parser: tokens to the arenas of [`File`], by recursive descent with precedence climbing.
//! It accepts what go/parser accepts, a larger language than the specification's, and goes on
//! after errors. This module has the entry, the state and the recovery; the grammar is in
//! `parser/{decl,types,params,expr,stmt}.rs`.
//!
//! Depth: the nesting of a tree is limited to [`MAX_DEPTH`], counted over what the parser and every
//! recursive visitor go down into. The left operands of a chain `a + b + c + …` count once, since
//! visitors loop over them. A thread that parses hostile files needs a stack of [`STACK_BYTES`].

mod buffers;
mod decl;
mod expr;
mod params;
mod stmt;
mod types;

use base::{LocalInterner, Symbol, sym};
use source::Span;

use buffers::Buffers;

use crate::ast::{
    Expr, ExprId, ExprKind, ExprRange, FieldRange, File, Ident, IdentRange, SpecRange, Stmt,
    StmtId, StmtKind, StmtRange,
};
use crate::lexer::Lexer;
use crate::token::{Tok, TokSet};

/// How deep a tree may nest. Go's own parser stops at 100,000, its compiler far earlier.
pub const MAX_DEPTH: u32 = 10_000;

/// A stack that is large enough to parse and to visit a tree of [`MAX_DEPTH`]. Threads that read
/// files nobody vouches for should have it; it is reserved, not used, by ordinary files.
pub const STACK_BYTES: usize = 64 << 20;

/// How much of a file to parse.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParseMode {
    /// All of it.
    Full,
    /// The package clause and the imports; what follows is not even scanned.
    ImportsOnly,
    /// Everything but the bodies of function declarations: such a body is a `Block` with no
    /// statements. The bodies are only searched for their end, so errors and comments in them are
    /// not seen.
    Declarations,
}

/// Parses one file. Whatever the bytes are, the result is a tree; what did not parse is in
/// [`File::errors`].
pub fn parse(text: &[u8], interner: &mut LocalInterner, mode: ParseMode) -> File {
    let mut parser = Parser::new(text, interner, mode);
    parser.file();
    parser.finish()
}

struct Parser<'t, 'i> {
    lex: Lexer<'t>,
    names: &'i mut LocalInterner,
    b: Box<Buffers>,
    mode: ParseMode,
    /// Below zero in the header of a control clause, where `{` opens the body.
    expr_lev: i32,
    /// How deep the parser is.
    depth: u32,
    /// The largest height of the trees completed since it was last reset.
    height: u32,
    /// Where recovery last stopped, and how often in a row it stopped there.
    sync_pos: u32,
    sync_count: u32,
}

const STMT_START: TokSet = TokSet::new(&[
    Tok::Break,
    Tok::Const,
    Tok::Continue,
    Tok::Defer,
    Tok::Fallthrough,
    Tok::For,
    Tok::Go,
    Tok::Goto,
    Tok::If,
    Tok::Return,
    Tok::Select,
    Tok::Switch,
    Tok::Type,
    Tok::Var,
]);
const DECL_START: TokSet = TokSet::new(&[Tok::Import, Tok::Const, Tok::Type, Tok::Var, Tok::Func]);
const EXPR_END: TokSet =
    TokSet::new(&[Tok::Comma, Tok::Colon, Tok::Semicolon, Tok::RParen, Tok::RBrack, Tok::RBrace]);
const OPERAND_END: TokSet = EXPR_END.or(STMT_START);
const LINE_END: TokSet = STMT_START.or(TokSet::new(&[Tok::Semicolon, Tok::RBrace]));

impl<'t, 'i> Parser<'t, 'i> {
    fn new(text: &'t [u8], names: &'i mut LocalInterner, mode: ParseMode) -> Self {
        let mut b = Buffers::take();
        let comments = std::mem::take(&mut b.file.comments);
        let mut parser = Self {
            lex: Lexer::new(text, mode != ParseMode::ImportsOnly, comments),
            names,
            b,
            mode,
            expr_lev: 0,
            depth: 0,
            height: 0,
            sync_pos: 0,
            sync_count: 0,
        };
        parser.next();
        parser
    }

    fn finish(mut self) -> File {
        let file = &mut self.b.file;
        file.comments = self.lex.comments;
        file.errors = self.lex.errors;
        file.errors.sort_by_key(|e| e.pos);
        self.b.finish()
    }

    #[inline]
    fn next(&mut self) {
        self.lex.next();
    }

    #[inline]
    fn tok(&self) -> Tok {
        self.lex.tok
    }

    /// Offset of the current token.
    #[inline]
    fn pos(&self) -> u32 {
        self.lex.start
    }

    #[inline]
    fn at(&self, tok: Tok) -> bool {
        self.lex.tok == tok
    }

    /// Whether the current token is a semicolon that stands for a newline.
    fn at_newline(&self) -> bool {
        self.at(Tok::Semicolon) && self.lex.semi_implicit
    }

    #[inline]
    fn eat(&mut self, tok: Tok) -> bool {
        let here = self.lex.tok == tok;
        if here {
            self.next();
        }
        here
    }

    #[cold]
    fn error(&mut self, at: u32, message: impl Into<String>) {
        self.lex.error(at, message);
    }

    /// Reports that the current token is not what belongs here.
    #[cold]
    fn expected(&mut self, what: &str) {
        if self.lex.wants_error(self.pos()) {
            let found = self.found();
            self.error(self.pos(), format!("expected {what}, found {found}"));
        }
    }

    fn found(&self) -> String {
        let tok = self.tok();
        let text = || self.lex.str(self.lex.start, self.lex.end);
        match tok {
            Tok::Semicolon if self.lex.semi_implicit && self.lex.start == self.lex.end => {
                "end of file".into()
            }
            Tok::Semicolon if self.lex.semi_implicit => "newline".into(),
            Tok::Ident => format!("name {}", text()),
            Tok::Illegal => "an illegal character".into(),
            _ if tok.is_literal() => {
                let shown: String =
                    text().chars().take(40).map(|c| if c == '\n' { ' ' } else { c }).collect();
                format!("literal {shown}")
            }
            _ if tok.is_keyword() => format!("keyword '{}'", tok.text()),
            _ => tok.quoted(),
        }
    }

    /// Consumes the current token, which should be `tok`. The result is its offset.
    #[inline]
    fn expect(&mut self, tok: Tok, purpose: &str) -> u32 {
        let pos = self.pos();
        if !self.at(tok) {
            self.expected(&format!("{} {purpose}", tok.quoted()));
        }
        self.next();
        pos
    }

    /// Like [`Self::expect`]; the result is the offset after the token, or where it is missing.
    #[inline]
    fn expect_end(&mut self, tok: Tok, purpose: &str) -> u32 {
        let end = if self.at(tok) { self.lex.end } else { self.pos() };
        self.expect(tok, purpose);
        end
    }

    /// Like [`Self::expect_end`], with a hint at the comma that is missing before a newline.
    fn expect_closing(&mut self, tok: Tok, list: &str) -> u32 {
        if !self.at(tok) && self.at_newline() {
            self.error(self.pos(), format!("missing ',' before newline in {list}"));
            self.next();
        }
        let mut end = self.lex.end;
        if !self.at(tok) {
            end = self.pos();
            self.expected(&format!("{} to close the {list}", tok.quoted()));
        }
        self.next();
        end
    }

    /// The end of a statement, declaration or field. `)` and `}` make it unnecessary.
    #[inline]
    fn expect_semi(&mut self, after: &str) {
        match self.tok() {
            Tok::Semicolon => self.next(),
            Tok::RParen | Tok::RBrace => {}
            _ => self.missing_semi(after),
        }
    }

    /// Reports a missing end of a statement and goes on after the line, or after a block.
    #[cold]
    fn missing_semi(&mut self, after: &str) {
        let what = format!("';' or newline after {after}");
        match self.tok() {
            Tok::Comma => {
                self.expected(&what);
                self.next();
            }
            Tok::LBrace => {
                let found = format!(
                    "expected {what}, found '{{' (parentheses missing around a composite literal?)"
                );
                self.error(self.pos(), found);
                self.enter();
                self.block("block");
                self.leave();
                self.eat(Tok::Semicolon);
            }
            _ => {
                self.expected(&what);
                self.advance(LINE_END);
                self.eat(Tok::Semicolon);
            }
        }
    }

    /// Whether a list goes on: at a comma, or where one is missing.
    #[inline]
    fn at_comma(&mut self, list: &str, follow: Tok) -> bool {
        if self.at(Tok::Comma) {
            return true;
        }
        if self.at(follow) {
            return false;
        }
        let message = if self.at_newline() {
            format!("missing ',' before newline in {list}")
        } else {
            format!("expected ',' or {} in {list}, found {}", follow.quoted(), self.found())
        };
        self.error(self.pos(), message);
        true
    }

    /// Skips to a token of `to`. Ten stops at the same place are allowed, then one token is skipped
    /// all the same, so that the callers cannot loop for ever.
    #[cold]
    fn advance(&mut self, to: TokSet) {
        while !self.at(Tok::Eof) {
            if to.has(self.tok()) {
                if self.pos() == self.sync_pos && self.sync_count < 10 {
                    self.sync_count += 1;
                    return;
                }
                if self.pos() > self.sync_pos {
                    self.sync_pos = self.pos();
                    self.sync_count = 0;
                    return;
                }
            }
            self.next();
        }
    }

    /// Goes down one level of nesting; pair with [`Self::leave`].
    #[inline]
    fn enter(&mut self) {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            self.too_deep();
        }
    }

    #[inline]
    fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Starts measuring the height of a new tree; pair with [`Self::grow`] and [`Self::end_height`].
    #[inline]
    fn start_height(&mut self) -> u32 {
        std::mem::replace(&mut self.height, 0)
    }

    /// Puts one more node on top of what was built since [`Self::start_height`].
    #[inline]
    fn grow(&mut self) {
        self.height += 1;
        if self.height > MAX_DEPTH {
            self.too_deep();
        }
    }

    #[inline]
    fn end_height(&mut self, before: u32) {
        self.height = self.height.max(before);
    }

    #[cold]
    fn too_deep(&mut self) {
        self.error(
            self.pos(),
            format!("nested more than {MAX_DEPTH} levels deep; the rest of the file is not read"),
        );
        self.lex.stop();
    }

    /// The first `byte` at or after `pos` that is not in a comment.
    fn find_from(&self, pos: u32, byte: u8) -> u32 {
        let text = self.lex.text();
        let mut at = pos as usize;
        while at < text.len() && text[at] != byte {
            at = match text[at..] {
                [b'/', b'*', ..] => {
                    memchr::memmem::find(&text[at + 2..], b"*/").map_or(text.len(), |n| at + n + 4)
                }
                [b'/', b'/', ..] => {
                    memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |n| at + n)
                }
                _ => at + 1,
            };
        }
        at as u32
    }

    #[inline]
    fn push_expr(&mut self, kind: ExprKind, start: u32, end: u32) -> ExprId {
        self.b.file.exprs.push(Expr { kind, span: Span { start, end } })
    }

    /// A `Bad` expression from `start` to the current token.
    #[cold]
    fn bad_expr(&mut self, start: u32) -> ExprId {
        let end = self.pos().max(start);
        self.push_expr(ExprKind::Bad, start, end)
    }

    #[inline]
    fn push_stmt(&mut self, kind: StmtKind, start: u32, end: u32) -> StmtId {
        self.b.file.stmts.push(Stmt { kind, span: Span { start, end: end.max(start) } })
    }

    #[inline]
    fn span(&self, id: ExprId) -> Span {
        self.b.file.exprs[id].span
    }

    #[inline]
    fn kind(&self, id: ExprId) -> ExprKind {
        self.b.file.exprs[id].kind
    }

    /// Moves the expressions gathered since `mark` to a list of the tree.
    #[inline]
    fn expr_range(&mut self, mark: usize) -> ExprRange {
        let start = self.b.file.expr_lists.len() as u32;
        self.b.file.expr_lists.extend_from_slice(&self.b.exprs[mark..]);
        self.b.exprs.truncate(mark);
        ExprRange { start, len: self.b.file.expr_lists.len() as u32 - start }
    }

    #[inline]
    fn stmt_range(&mut self, mark: usize) -> StmtRange {
        let start = self.b.file.stmt_lists.len() as u32;
        self.b.file.stmt_lists.extend_from_slice(&self.b.stmts[mark..]);
        self.b.stmts.truncate(mark);
        StmtRange { start, len: self.b.file.stmt_lists.len() as u32 - start }
    }

    fn field_range(&mut self, mark: usize) -> FieldRange {
        let start = self.b.file.fields.len() as u32;
        self.b.file.fields.extend_from_slice(&self.b.fields[mark..]);
        self.b.fields.truncate(mark);
        FieldRange { start, len: self.b.file.fields.len() as u32 - start }
    }

    fn ident_range(&mut self, mark: usize) -> IdentRange {
        let start = self.b.file.idents.len() as u32;
        self.b.file.idents.extend_from_slice(&self.b.idents[mark..]);
        self.b.idents.truncate(mark);
        IdentRange { start, len: self.b.file.idents.len() as u32 - start }
    }

    fn spec_range(&mut self, mark: usize) -> SpecRange {
        let start = self.b.file.specs.len() as u32;
        self.b.file.specs.as_mut_vec().extend_from_slice(&self.b.specs[mark..]);
        self.b.specs.truncate(mark);
        SpecRange { start, len: self.b.file.specs.len() as u32 - start }
    }

    /// A name; a missing one is `_`, with an error that says what it would have named.
    #[inline]
    fn ident(&mut self, what: &str) -> Ident {
        let pos = self.pos();
        if self.at(Tok::Ident) {
            let name = self.name();
            self.next();
            return Ident { name, pos };
        }
        self.expected(what);
        self.next();
        self.missing_name(pos)
    }

    /// A made-up name at `pos`, or at the last byte: it too lies inside the file.
    fn missing_name(&self, pos: u32) -> Ident {
        let last = (self.lex.text().len() as u32).saturating_sub(1);
        Ident { name: sym::BLANK, pos: pos.min(last) }
    }

    /// The symbol of the current token, a name.
    #[inline]
    fn name(&mut self) -> Symbol {
        let lex = &self.lex;
        match lex.name {
            Some(name) => self.names.intern_packed(name, || lex.str(lex.start, lex.end)),
            None => self.names.intern(lex.str(lex.start, lex.end)),
        }
    }

    #[inline]
    fn ident_expr(&mut self, ident: Ident) -> ExprId {
        let end = ident.span().end;
        self.push_expr(ExprKind::Ident(ident.name), ident.pos, end)
    }
}
