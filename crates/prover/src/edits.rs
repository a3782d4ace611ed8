//! Changes of a text that may lie inside each other: a wrapped map operand inside a statement that is
//! rewritten. `engine`'s fixes refuse overlaps; here nesting is the normal case.

use std::cmp::Reverse;

use source::Span;

/// A part of what stands in place of an edit's span.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Piece {
    /// New text.
    Text(String),
    /// Old text of the edit's span, with the edits inside it made.
    Source(Span),
}

/// New content for a span.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Edit {
    /// What is replaced; empty to insert.
    pub span: Span,
    /// Of two edits of one span, the one with the lower rank is outside.
    pub rank: u8,
    /// The new content.
    pub pieces: Vec<Piece>,
}

impl Edit {
    /// `before` and `after` around a span.
    pub fn wrap(span: Span, rank: u8, before: String, after: String) -> Self {
        let pieces = vec![Piece::Text(before), Piece::Source(span), Piece::Text(after)];
        Self { span, rank, pieces }
    }

    /// New text at a place.
    pub fn insert(at: u32, text: String) -> Self {
        Self { span: Span::at(at), rank: 0, pieces: vec![Piece::Text(text)] }
    }
}

/// Makes all edits. They are nested or apart, as nodes of a tree are.
pub(crate) fn apply(text: &[u8], mut edits: Vec<Edit>) -> Vec<u8> {
    // Outer before inner; an insertion before what starts at its place.
    edits.sort_by_key(|e| (e.span.start, !e.span.is_empty(), Reverse(e.span.end), e.rank));
    let mut out = Vec::with_capacity(text.len() + 64 * edits.len());
    let whole = Span::new(0, text.len() as u32);
    render(text, whole, &edits, &mut out);
    out
}

/// Writes a span with the edits made that lie in it. `edits` are in order.
fn render(text: &[u8], span: Span, edits: &[Edit], out: &mut Vec<u8>) {
    let mut at = span.start;
    let mut index = 0;
    while let Some(edit) = edits.get(index) {
        let inside = edit.span.start >= at && edit.span.end <= span.end;
        if !inside || (edit.span.is_empty() && edit.span.start == span.end && !span.is_empty()) {
            index += 1;
            continue;
        }
        out.extend_from_slice(&text[at as usize..edit.span.start as usize]);
        // Those that lie in this one follow it directly.
        let rest = &edits[index + 1..];
        let inner = rest.iter().take_while(|e| e.span.start < edit.span.end).count();
        for piece in &edit.pieces {
            match piece {
                Piece::Text(new) => out.extend_from_slice(new.as_bytes()),
                Piece::Source(span) => render(text, *span, &rest[..inner], out),
            }
        }
        at = edit.span.end;
        index += 1 + if edit.span.is_empty() { 0 } else { inner };
    }
    out.extend_from_slice(&text[at as usize..span.end as usize]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrap(start: u32, end: u32, name: &str) -> Edit {
        Edit::wrap(Span::new(start, end), 1, format!("{name}("), ")".into())
    }

    fn text(edits: Vec<Edit>) -> String {
        String::from_utf8(apply(b"m[k][j] = f()", edits)).unwrap()
    }

    #[test]
    fn edits_nest() {
        let edits = vec![wrap(0, 1, "A"), wrap(0, 4, "B"), wrap(2, 3, "K"), wrap(10, 13, "F")];
        assert_eq!(text(edits), "B(A(m)[K(k)])[j] = F(f())");
    }

    #[test]
    fn a_statement_can_be_turned_around() {
        let (m, call) = (Span::new(0, 7), Span::new(10, 13));
        let turned = Edit {
            span: Span::new(0, 13),
            rank: 0,
            pieces: vec![
                Piece::Text("t := ".into()),
                Piece::Source(call),
                Piece::Text("; ".into()),
                Piece::Source(m),
                Piece::Text(" = t".into()),
            ],
        };
        let edits = vec![wrap(0, 1, "A"), turned, wrap(10, 11, "G"), Edit::insert(0, "x; ".into())];
        assert_eq!(text(edits), "x; t := G(f)(); A(m)[k][j] = t");
    }

    #[test]
    fn of_one_span_the_lower_rank_is_outside() {
        let mut inner = wrap(0, 1, "P");
        inner.rank = 2;
        assert_eq!(text(vec![inner, wrap(0, 1, "M")]), "M(P(m))[k][j] = f()");
    }

    #[test]
    fn an_insertion_at_the_end_of_a_span_is_not_in_it() {
        assert_eq!(text(vec![Edit::insert(1, "!".into()), wrap(0, 1, "A")]), "A(m)![k][j] = f()");
    }
}
