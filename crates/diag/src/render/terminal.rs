//! For people at a terminal: the headline, the code of both accesses, then who gets there, how,
//! holding what, and the argument.

use std::fmt::Write as _;
use std::io::{self, Write};

use annotate_snippets::renderer::{DecorStyle, Renderer};
use annotate_snippets::{AnnotationKind, Group, Level, Patch, Snippet};
use source::{FileId, FileSpan, Span};

use super::{Report, excerpt, wording};
use crate::{
    Access, Applicability, Confidence, Finding, Fix, NoteKind, Problem, ProblemRecord, Severity,
    Status, clean_line,
};

/// How to print.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Whether to write ANSI colours.
    pub color: bool,
    /// Columns of the terminal.
    pub width: usize,
}

/// Writes the findings, a blank line after each.
pub fn write(report: &Report<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    for finding in report.findings {
        writeln!(out, "{}\n", finding_text(finding, report, style))?;
    }
    Ok(())
}

/// Writes problems, for standard error.
pub fn write_problems(report: &Report<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    for problem in report.problems {
        writeln!(out, "{}", problem_text(problem, report, style))?;
    }
    Ok(())
}

/// One line: how many findings, and where to read on.
pub fn summary(findings: &[Finding]) -> String {
    if findings.is_empty() {
        return "no findings".to_owned();
    }
    let count = |c: Confidence| findings.iter().filter(|f| f.confidence == c).count();
    let mut parts = Vec::new();
    for confidence in [Confidence::High, Confidence::Medium, Confidence::Low] {
        match count(confidence) {
            0 => {}
            n => parts.push(format!("{n} of {} confidence", confidence.as_str())),
        }
    }
    let plural = if findings.len() == 1 { "" } else { "s" };
    format!(
        "{} finding{plural}: {}. `unpanic explain {}` says more.",
        findings.len(),
        parts.join(", "),
        findings[0].rule.code
    )
}

fn renderer(style: Style) -> Renderer {
    let renderer = if style.color { Renderer::styled() } else { Renderer::plain() };
    renderer.term_width(style.width).decor_style(DecorStyle::Ascii)
}

fn level(severity: Severity) -> Level<'static> {
    match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    }
}

fn finding_text(finding: &Finding, report: &Report<'_>, style: Style) -> String {
    let title =
        level(finding.severity).primary_title(clean_line(&finding.message)).id(finding.rule.code);
    let mut group = title.elements(snippets(&labels(finding, report), finding.primary, report));
    for (names, access) in sides(finding) {
        let text = side_text(access, names.is_some(), report);
        let name = names.unwrap_or_else(|| "reached from".to_owned());
        group = group.element(Level::NOTE.with_name(name).message(text));
    }
    for note in finding.notes.iter().filter(|n| n.place.is_none()) {
        let level = if note.kind == NoteKind::Help { Level::HELP } else { Level::NOTE };
        group = group.element(level.message(clean_line(&note.message).into_owned()));
    }
    let mut groups = vec![group.element(Level::NOTE.no_name().message(standing(finding)))];
    if let Some(fix) = &finding.fix {
        groups.extend(fix_group(fix, report));
    }
    renderer(style).render(&groups)
}

/// "confidence: high · status: suspected · package example.com/hub".
fn standing(finding: &Finding) -> String {
    let mut text = format!("confidence {}", finding.confidence.as_str());
    if finding.status != Status::Suspected {
        let _ = write!(text, ", {}", finding.status.as_str());
    }
    let _ = write!(text, ", package {}", clean_line(&finding.package));
    text
}

/// What to write beside which code: accesses first, so that their labels win. Two accesses at one
/// place share a label.
fn labels(finding: &Finding, report: &Report<'_>) -> Vec<(FileSpan, String)> {
    let mut labels: Vec<(FileSpan, String)> = Vec::new();
    let race = finding.accesses.len() > 1;
    for (index, access) in finding.accesses.iter().enumerate() {
        let name = wording::name(index);
        if let Some((_, label)) = labels.iter_mut().find(|(place, _)| *place == access.place) {
            label.push_str(" and ");
            label.push_str(&name);
        } else if race {
            labels.push((access.place, format!("{} by {name}", access.kind.label())));
        } else {
            labels.push((access.place, access.kind.label().to_owned()));
        }
    }
    if !labels.iter().any(|(place, _)| overlaps(*place, finding.primary)) {
        labels.insert(0, (finding.primary, String::new()));
    }
    for note in &finding.notes {
        if let Some(place) = note.place {
            labels.push((place, clean_line(&note.message).into_owned()));
        }
    }
    debug_assert!(labels.iter().all(|(p, _)| !report.resolver.path(p.file).is_empty()));
    labels
}

fn overlaps(a: FileSpan, b: FileSpan) -> bool {
    a.file == b.file && a.span.start <= b.span.end && b.span.start <= a.span.end
}

/// Excerpts with labels, those of the primary place's file first, then the files in label order.
fn snippets<'a>(
    labels: &[(FileSpan, String)],
    primary: FileSpan,
    report: &Report<'_>,
) -> Vec<Snippet<'a, annotate_snippets::Annotation<'a>>> {
    let mut files: Vec<FileId> = vec![primary.file];
    for (place, _) in labels {
        if !files.contains(&place.file) {
            files.push(place.file);
        }
    }
    let mut snippets = Vec::new();
    for id in files {
        let file = report.resolver.file(id);
        let places: Vec<(usize, Span)> = labels
            .iter()
            .enumerate()
            .filter(|(_, (place, _))| place.file == id)
            .map(|(index, (place, _))| (index, place.span))
            .collect();
        for excerpt in excerpt::excerpts(file, &places) {
            let annotations = excerpt.places.into_iter().map(|(index, range)| {
                let kind = if overlaps(labels[index].0, primary) {
                    AnnotationKind::Primary
                } else {
                    AnnotationKind::Context
                };
                let label = labels[index].1.clone();
                kind.span(range).label((!label.is_empty()).then_some(label))
            });
            snippets.push(
                Snippet::source(excerpt.text)
                    .line_start(excerpt.first_line as usize)
                    .path(report.resolver.path(id))
                    .annotations(annotations),
            );
        }
    }
    snippets
}

/// The accesses with the names of their goroutines. Two that differ in nothing (a handler that
/// races with itself) are told once; a finding with one access names no goroutine.
fn sides(finding: &Finding) -> Vec<(Option<String>, &Access)> {
    match &finding.accesses[..] {
        [] => Vec::new(),
        [only] if only.path.is_empty() && only.goroutine.start.is_none() => Vec::new(),
        [only] => vec![(None, only)],
        [a, b] if same_side(a, b) => vec![(Some("goroutines A and B".to_owned()), a)],
        many => many.iter().enumerate().map(|(i, a)| (Some(wording::name(i)), a)).collect(),
    }
}

fn same_side(a: &Access, b: &Access) -> bool {
    let path = |x: &Access| x.path.iter().map(|f| f.place).collect::<Vec<_>>();
    a.goroutine.kind == b.goroutine.kind
        && a.goroutine.start == b.goroutine.start
        && a.function == b.function
        && a.locks == b.locks
        && path(a) == path(b)
}

fn side_text(access: &Access, race: bool, report: &Report<'_>) -> String {
    let mut text = wording::goroutine(access, &report.resolver);
    if let Some(path) = wording::path(access, &report.resolver) {
        let _ = write!(text, "\npath: {path}");
    } else if !access.function.is_empty() {
        let _ = write!(text, "\nin {}", wording::short_function(&access.function));
    }
    if race || !access.locks.is_empty() {
        let _ = write!(text, "\n{}", wording::locks(access));
    }
    text
}

fn fix_group<'a>(fix: &Fix, report: &Report<'_>) -> Option<Group<'a>> {
    let file = fix.edits.first()?.file;
    let hint = match fix.applicability {
        Applicability::Safe => " (`--fix` does it)",
        Applicability::Unsafe => "",
    };
    let title = Level::HELP.secondary_title(format!("{}{hint}", clean_line(&fix.description)));
    let edits: Vec<_> = fix.edits.iter().filter(|e| e.file == file).collect();
    let places: Vec<(usize, Span)> = edits.iter().map(|e| e.span).enumerate().collect();
    let snippets = excerpt::excerpts(report.resolver.file(file), &places).into_iter().map(|e| {
        let patches = e
            .places
            .into_iter()
            .map(|(index, range)| Patch::new(range, crate::clean(&edits[index].text).into_owned()));
        Snippet::source(e.text)
            .line_start(e.first_line as usize)
            .path(report.resolver.path(file))
            .patches(patches)
    });
    Some(title.elements(snippets))
}

fn problem_text(problem: &Problem, report: &Report<'_>, style: Style) -> String {
    let record = ProblemRecord::new(problem, &report.resolver);
    let title = level(problem.severity).primary_title(clean_line(&problem.message).into_owned());
    let mut group = match &problem.place {
        Some(crate::ProblemPlace::Span(at)) => {
            title.elements(snippets(&[(*at, String::new())], *at, report))
        }
        _ => match record.position() {
            Some(position) => title.element(annotate_snippets::Origin::path(position)),
            None => Group::with_title(title),
        },
    };
    if let Some(help) = &problem.help {
        group = group.element(Level::HELP.message(clean_line(help).into_owned()));
    }
    renderer(style).render(&[group])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing;

    fn render(world: &testing::World) -> String {
        let style = Style { color: false, width: 100 };
        let mut out = Vec::new();
        write(&world.report(), style, &mut out).unwrap();
        writeln!(out, "{}", summary(&world.findings)).unwrap();
        write_problems(&world.report(), style, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn shows_both_goroutines_and_the_argument() {
        insta::assert_snapshot!(render(&testing::World::new()));
    }

    #[test]
    fn hostile_text_is_escaped() {
        let text = render(&testing::World::hostile());
        testing::assert_harmless(&text, usize::MAX);
        assert!(text.lines().all(|l| l.chars().count() < 1000), "{text}");
        insta::assert_snapshot!(text);
    }
}
