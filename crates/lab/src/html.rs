//! The report as a page: one file, no script, charts drawn here, the programs shown. A policy lets in
//! the page's own style and nothing else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::chart::{self, Row, Scale};
use crate::judge::{Judgement, Measured};
use crate::report::{Outcome, Report, digits, measured, word};

const STYLE: &str = include_str!("page.css");
/// Colours there are for toolchains, see the style.
const COLOURS: usize = 6;

/// The page.
pub fn page(report: &Report) -> String {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{hash}'; \
         base-uri 'none'; form-action 'none'\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>unpanic lab</title>\
         <style>{STYLE}</style></head><body>\n<h1>What is said of Go, tried</h1>\n\
         <p>{}. {} Intervals are those of 99%; a claim is judged by its interval.</p>\n",
        report.summary(),
        escaped(&report.circumstances())
    );
    if report.was_busy() {
        page += "<p class=\"note\">The machine was busy with other things: times and rates are those of a \
                 busy machine.</p>\n";
    }
    page += &legend(report);
    page += "<nav><ul>\n";
    for outcome in &report.outcomes {
        let (name, title) = (escaped(&outcome.experiment.name), escaped(&outcome.experiment.title));
        page += &format!("<li><a href=\"#{name}\">{title}</a> {}</li>\n", badges(outcome));
    }
    page += "</ul></nav>\n";
    for outcome in &report.outcomes {
        section(report, outcome, &mut page);
    }
    page + "</body></html>\n"
}

fn legend(report: &Report) -> String {
    let keys = report.toolchains.iter().enumerate().map(|(index, name)| {
        let colour = index % COLOURS;
        format!(
            "<span class=\"key\"><svg viewBox=\"0 0 10 10\"><circle class=\"s{colour}\" cx=\"5\" cy=\"5\" \
             r=\"4\"/></svg>{}</span> ",
            escaped(name)
        )
    });
    format!("<p>{}</p>\n", keys.collect::<String>())
}

/// Each verdict of an experiment, once.
fn badges(outcome: &Outcome) -> String {
    let mut words: Vec<&str> =
        outcome.claims.iter().flat_map(|c| &c.judgements).map(|j| word(j.verdict)).collect();
    words.sort_unstable();
    words.dedup();
    let words: Vec<String> =
        words.iter().map(|w| format!("<span class=\"{w}\">{w}</span> ")).collect();
    words.concat()
}

fn section(report: &Report, outcome: &Outcome, page: &mut String) {
    let experiment = outcome.experiment;
    *page += &format!(
        "<section id=\"{}\"><h2>{}</h2>\n<p>{}</p>\n",
        escaped(&experiment.name),
        escaped(&experiment.title),
        escaped(&experiment.about)
    );
    for why in &outcome.unbuilt {
        *page += &format!("<pre class=\"note\">{}</pre>\n", block(why));
    }
    *page += "<table><tr><th>claim<th>expected<th>Go<th>measured<th>verdict</tr>\n";
    for claim in &outcome.claims {
        let rows = report.toolchains.len();
        for (index, (judgement, go)) in claim.judgements.iter().zip(&report.toolchains).enumerate()
        {
            *page += "<tr>";
            if index == 0 {
                *page += &format!(
                    "<td rowspan=\"{rows}\">{}<td rowspan=\"{rows}\">{}",
                    escaped(claim.text),
                    escaped(&claim.expected)
                );
            }
            cells(judgement, go, page);
        }
    }
    *page += "</table>\n";
    *page += &rates(report, outcome);
    *page += &numbers(report, outcome);
    for run in &outcome.collections {
        let title = format!("heap in MB, {}, {}", run.variant, run.toolchain);
        *page += &figure(&title, &chart::heap(&title, &run.cycles));
    }
    *page += "<ul>";
    for variant in &experiment.variants {
        let env = variant.env.iter().map(|(key, value)| format!("{key}={value}"));
        let env: Vec<String> = env.collect();
        let env = if env.is_empty() { String::new() } else { format!(" ({})", env.join(" ")) };
        let line = format!("{}: {}{env}", variant.name, variant.about);
        *page += &format!("<li>{}</li>", escaped(&line));
    }
    *page += "</ul>\n";
    if !experiment.sources.is_empty() {
        let sources = experiment.sources.iter().map(|source| source_text(source));
        let sources: Vec<String> = sources.collect();
        *page += &format!("<p class=\"dim\">Said in: {}</p>\n", sources.join("; "));
    }
    *page += &format!(
        "<details><summary>the program</summary><pre>{}</pre></details></section>\n",
        block(experiment.program)
    );
}

fn cells(judgement: &Judgement, go: &str, page: &mut String) {
    let verdict = word(judgement.verdict);
    let note = judgement.note.as_ref().map(|n| format!("<br><small>{}</small>", escaped(n)));
    *page += &format!(
        "<td>{}<td>{}{}<td class=\"{verdict}\">{verdict}</tr>\n",
        escaped(go),
        escaped(&measured(&judgement.measured)),
        note.unwrap_or_default()
    );
}

fn rates(report: &Report, outcome: &Outcome) -> String {
    let mut rows = Vec::new();
    for claim in &outcome.claims {
        for (series, judgement) in claim.judgements.iter().enumerate() {
            if let Measured::Share { hits, runs, low, high } = judgement.measured
                && runs > 0
            {
                let race = if claim.race { ", -race" } else { "" };
                let share = f64::from(hits) / f64::from(runs);
                let figure = format!("{hits} of {runs}");
                let label = format!("{}{race}", claim.variant);
                rows.push(Row { label, series, at: [low, share, high], figure });
            }
        }
    }
    if rows.is_empty() || report.toolchains.is_empty() {
        return String::new();
    }
    let title = "share of runs in which it happens";
    figure(title, &chart::intervals(title, &rows, Scale::Share))
}

fn numbers(report: &Report, outcome: &Outcome) -> String {
    let Some(title) = &outcome.experiment.chart else { return String::new() };
    let mut rows = Vec::new();
    for number in &outcome.numbers {
        for (series, median) in number.medians.iter().enumerate().take(report.toolchains.len()) {
            if let Some(m) = median {
                let figure = format!("{} ({}–{})", digits(m.value), digits(m.low), digits(m.high));
                let at = [m.low, m.value, m.high];
                rows.push(Row { label: number.key.clone(), series, at, figure });
            }
        }
    }
    if rows.is_empty() {
        return String::new();
    }
    figure(title, &chart::intervals(title, &rows, Scale::Log))
}

fn figure(caption: &str, svg: &str) -> String {
    format!("<figure><figcaption>{}</figcaption>{svg}</figure>\n", escaped(caption))
}

/// An address is a link.
fn source_text(source: &str) -> String {
    let text = escaped(source);
    if source.starts_with("https://") {
        format!("<a href=\"{text}\" rel=\"noreferrer\">{text}</a>")
    } else {
        text
    }
}

fn escaped(text: &str) -> String {
    diag::markup(&diag::clean_line(text))
}

/// Text of several lines.
fn block(text: &str) -> String {
    diag::markup(&diag::clean(text))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::judge::Verdict;
    use crate::report::ClaimOutcome;

    #[test]
    fn what_programs_print_cannot_be_markup() {
        let measured = Measured::Printed { values: vec!["<script>x</script>".into()], runs: 3 };
        let judgement = Judgement {
            measured,
            verdict: Verdict::Disagrees,
            note: Some("<i>".into()),
            settled: true,
        };
        let claim = ClaimOutcome {
            text: "a claim",
            variant: "all",
            race: false,
            expected: "1".into(),
            judgements: vec![judgement],
        };
        let outcome = Outcome {
            experiment: &crate::all()[0],
            claims: vec![claim],
            numbers: Vec::new(),
            collections: Vec::new(),
            unbuilt: vec!["main.go:1: <b>\nnext".into()],
        };
        let report = Report {
            toolchains: vec!["go1.27 (/a<b>/go)".into()],
            host: "linux/amd64".into(),
            load: None,
            processors: 2,
            time: Duration::from_secs(1),
            outcomes: vec![outcome],
        };
        let page = page(&report);
        assert!(!page.contains("<script") && !page.contains("<i>") && !page.contains("<b>"));
        assert!(page.contains("&lt;script&gt;x&lt;/script&gt;"));
        assert!(page.contains("style-src 'sha256-"));
        assert!(page.contains("every copy of it has the same one"), "the program is shown");
    }
}
