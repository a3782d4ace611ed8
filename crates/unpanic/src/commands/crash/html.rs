//! A page for the browser: everything that the text has, in one file without scripts or links.

use std::fmt::Write as _;

use go_crash::Goroutine;

use super::Told;
use super::code::Code;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}\
h1{font-size:1.3rem;color:#b3261e;white-space:pre-wrap;overflow-wrap:anywhere}h2{font-size:1.05rem;margin-top:1.6rem}\
pre{background:#f5f6f8;padding:.6rem .8rem;overflow-x:auto;border-radius:6px}\
.hit{background:#ffe1de;display:inline-block;min-width:100%}table{border-collapse:collapse;width:100%}\
td,th{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #e3e6ea;overflow-wrap:anywhere}\
.dim{color:#6a737d}@media(prefers-color-scheme:dark){body{background:#15181c;color:#e6e8ea}pre{background:#20242a}\
.hit{background:#5a2320}td,th{border-color:#333a42}}";

/// The page of all reports.
pub fn page(told: &[Told], code: &Code) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>unpanic crash</title>\
         <style>{STYLE}</style></head><body>\n"
    );
    for told in told {
        report(told, code, &mut page);
    }
    if told.is_empty() {
        page += "<p>No crash in the input.</p>";
    }
    page + "</body></html>\n"
}

fn report(told: &Told, code: &Code, page: &mut String) {
    let report = &told.report;
    let (kind, message) = report.head.cause();
    let _ = writeln!(page, "<h1>{}: {}</h1>", kind.as_str(), escaped(message));
    let _ = writeln!(
        page,
        "<p>{}.<br><span class=\"dim\">class {}, fingerprint {}</span></p>",
        report.recover_text(),
        report.class().as_str(),
        report.fingerprint
    );
    for crashed in &report.crashed {
        stack(told, crashed, code, page);
    }
    for lock in &report.locks {
        let _ = writeln!(
            page,
            "<h2>{} wait in {} at {}</h2><ul>",
            lock.waiting,
            escaped(&lock.operation),
            lock.address
        );
        for holder in &lock.holders {
            let _ = writeln!(
                page,
                "<li>perhaps held by goroutine {}: {} <span class=\"dim\">{}</span></li>",
                holder.goroutine,
                escaped(&holder.function),
                escaped(&holder.place)
            );
        }
        page.push_str("</ul>");
    }
    if report.groups.is_empty() {
        return;
    }
    page.push_str("<h2>Goroutines by what they do</h2><table><tr><th>count<th>state<th>stack</tr>");
    for group in &report.groups {
        let _ = write!(
            page,
            "<tr><td>{}<td>{}<td><details><summary>{}</summary><pre>",
            group.count,
            escaped(group.sample.state()),
            escaped(group.sample.frames().next().map_or("", |f| f.function))
        );
        frames(&group.sample, page);
        page.push_str("</pre></details></tr>\n");
    }
    page.push_str("</table>\n");
}

fn stack(told: &Told, stack: &Goroutine, code: &Code, page: &mut String) {
    let _ = write!(page, "<h2>goroutine {} [{}]</h2><pre>", stack.id, escaped(stack.state()));
    frames(stack, page);
    page.push_str("</pre>\n");
    let site = told.report.site(stack);
    if let Some((site, excerpt)) = site.and_then(|site| Some((site, code.excerpt(&site)?))) {
        let _ = write!(page, "<p>{}</p><pre>", escaped(&excerpt.path.to_string_lossy()));
        for (line, text) in (excerpt.first..).zip(&excerpt.lines) {
            let text = format!("{line:>5}  {}", escaped(text));
            if line == site.line {
                let _ = writeln!(page, "<span class=\"hit\">{text}</span>");
            } else {
                let _ = writeln!(page, "{text}");
            }
        }
        page.push_str("</pre>\n");
    }
}

fn frames(stack: &Goroutine, page: &mut String) {
    for frame in stack.frames() {
        let _ = writeln!(
            page,
            "{}\n    {}:{}",
            escaped(frame.function),
            escaped(frame.file),
            frame.line
        );
    }
    if let Some(by) = stack.created_by() {
        let _ = writeln!(
            page,
            "started by {}\n    {}:{}",
            escaped(by.function),
            escaped(by.file),
            by.line
        );
    }
}

/// Text as HTML, control characters made visible.
fn escaped(text: &str) -> String {
    diag::markup(&diag::clean(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_be_markup() {
        assert_eq!(escaped("<b a='\"'>&\x1b"), "&lt;b a=&#39;&quot;&#39;&gt;&amp;\\x1b");
    }
}
