//! Lines of source around places, cut and escaped so that no file can break a terminal: a few
//! lines, each of bounded length, control characters shown as escapes.

use std::ops::Range;

use source::{SourceFile, Span};

use crate::clean;

/// Places further apart than this many lines are shown in excerpts of their own.
const MAX_GAP: u32 = 12;
/// Longer lines are cut, in bytes. Generated files have lines of megabytes.
const MAX_LINE: usize = 300;
/// How much of a cut line stays before the first place in it.
const LEAD: usize = 60;

/// A few lines of one file.
pub(super) struct Excerpt {
    /// The text to show.
    pub text: String,
    /// The number of its first line.
    pub first_line: u32,
    /// Each place's index in the input, with its bytes in `text`.
    pub places: Vec<(usize, Range<usize>)>,
}

/// Cuts excerpts around `places` of a file. A place that spans lines is shown on its first one.
pub(super) fn excerpts(file: &SourceFile, places: &[(usize, Span)]) -> Vec<Excerpt> {
    let mut by_line: Vec<(u32, usize, Span)> =
        places.iter().map(|&(index, span)| (file.line_col(span.start).line, index, span)).collect();
    by_line.sort_by_key(|&(line, index, _)| (line, index));
    let groups = by_line.chunk_by(|a, b| b.0 - a.0 <= MAX_GAP);
    let mut excerpts: Vec<Excerpt> = groups.map(|group| excerpt(file, group)).collect();
    // The excerpt with the primary place first.
    excerpts.sort_by_key(|e| e.places.iter().map(|(index, _)| *index).min());
    excerpts
}

fn excerpt(file: &SourceFile, group: &[(u32, usize, Span)]) -> Excerpt {
    let (first, last) = (group[0].0, group[group.len() - 1].0);
    let mut excerpt = Excerpt { text: String::new(), first_line: first, places: Vec::new() };
    for line in first..=last {
        let here: Vec<_> = group.iter().filter(|g| g.0 == line).copied().collect();
        push_line(&mut excerpt, file, line, &here);
        excerpt.text.push('\n');
    }
    excerpt
}

fn push_line(excerpt: &mut Excerpt, file: &SourceFile, line: u32, places: &[(u32, usize, Span)]) {
    let starts = file.line_starts();
    let start = starts[line as usize - 1] as usize;
    let end = starts.get(line as usize).map_or(file.text.len(), |&next| next as usize - 1);
    let bytes = file.text[start..end].strip_suffix(b"\r").unwrap_or(&file.text[start..end]);

    let local = |span: Span| {
        let from = (span.start as usize - start).min(bytes.len());
        from..(span.end as usize).saturating_sub(start).clamp(from, bytes.len())
    };
    let focus = places.iter().map(|p| local(p.2).start).min().unwrap_or(0);
    let shown = if bytes.len() <= MAX_LINE {
        0..bytes.len()
    } else {
        let from = char_boundary(bytes, focus.saturating_sub(LEAD));
        from..char_boundary(bytes, (from + MAX_LINE).min(bytes.len()))
    };

    // Escaping changes lengths, so the line is copied in the pieces between the places' ends.
    let mut cuts: Vec<usize> = places
        .iter()
        .flat_map(|p| [local(p.2).start, local(p.2).end])
        .map(|cut| cut.clamp(shown.start, shown.end))
        .chain([shown.start, shown.end])
        .collect();
    cuts.sort_unstable();
    cuts.dedup();
    if shown.start > 0 {
        excerpt.text.push('…');
    }
    let mut offsets = vec![excerpt.text.len()];
    for piece in cuts.windows(2) {
        let text = String::from_utf8_lossy(&bytes[piece[0]..piece[1]]);
        excerpt.text.push_str(&clean(&text));
        offsets.push(excerpt.text.len());
    }
    let at = |cut: usize| {
        let cut = cut.clamp(shown.start, shown.end);
        offsets[cuts.partition_point(|&c| c < cut)]
    };
    for &(_, index, span) in places {
        let range = local(span);
        excerpt.places.push((index, at(range.start)..at(range.end)));
    }
    if shown.end < bytes.len() {
        excerpt.text.push('…');
    }
}

/// The nearest offset at or before `at` that does not split a character.
fn char_boundary(bytes: &[u8], mut at: usize) -> usize {
    let floor = at.saturating_sub(3);
    while at > floor && at < bytes.len() && bytes[at] & 0xc0 == 0x80 {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let text = format!("{}TARGET{}\n", "é".repeat(5000), "y".repeat(5000));
        let file = SourceFile::new("a.go", text.into_bytes());
        let excerpts = excerpts(&file, &[(0, Span::new(10_000, 10_006))]);
        let excerpt = &excerpts[0];
        assert!(excerpt.text.len() < 400 && excerpt.text.starts_with("…é"));
        assert_eq!(&excerpt.text[excerpt.places[0].1.clone()], "TARGET");
    }

    #[test]
    fn escapes_move_the_places_along() {
        let file = SourceFile::new("a.go", b"a\x1b[31m\xffb := m[k]\nnext\n".to_vec());
        let at = 13;
        let excerpts = excerpts(&file, &[(0, Span::new(at, at + 4)), (1, Span::new(18, 99))]);
        assert_eq!(&excerpts[0].text[excerpts[0].places[0].1.clone()], "[k]");
        assert!(!excerpts[0].text.contains('\x1b'));
        assert_eq!(excerpts[0].text.lines().count(), 2);
    }

    #[test]
    fn distant_places_get_their_own_excerpts() {
        let file = SourceFile::new("a.go", "x\n".repeat(100).into_bytes());
        let excerpts = excerpts(&file, &[(0, Span::new(150, 151)), (1, Span::new(2, 3))]);
        assert_eq!(excerpts.iter().map(|e| e.first_line).collect::<Vec<_>>(), [76, 2]);
    }
}
