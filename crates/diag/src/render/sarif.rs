//! SARIF 2.1.0 (OASIS standard), for code-scanning services and editors: rules with their help
//! pages, one thread flow a goroutine, fixes and fingerprints.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_sarif::sarif::{
    ArtifactChange, ArtifactContent, ArtifactLocation, CodeFlow, Fix, Invocation, Location,
    LogicalLocation, Message, MultiformatMessageString, Notification, PhysicalLocation,
    PropertyBag, Region, Replacement, ReportingConfiguration, ReportingDescriptor,
    ReportingDescriptorReference, Result as SarifResult, ResultLevel, Run, Sarif, ThreadFlow,
    ThreadFlowLocation, Tool, ToolComponent,
};
use source::FileSpan;

use super::{Report, wording};
use crate::{
    Access, Finding, Problem, ProblemPlace, Resolver, RuleMeta, Severity, clean, clean_line,
};

/// The identifier of the standard's schema. A name, not a place that anything is fetched from.
const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
/// The name under which the fingerprint stands in `partialFingerprints`.
const FINGERPRINT: &str = "unpanic/v1";
/// The base that relative paths belong to: the working directory, left for the reader to define.
const BASE: &str = "SRCROOT";

/// Writes the log, indented.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let driver = ToolComponent::builder()
        .name("unpanic")
        .version(report.version)
        .semantic_version(report.version)
        .rules(report.rules.iter().map(|r| rule(r)).collect::<Vec<_>>())
        .build();
    let failed = report.problems.iter().any(|p| p.severity == Severity::Error);
    let invocation = Invocation::builder()
        .execution_successful(!failed)
        .tool_execution_notifications(
            report.problems.iter().map(|p| notification(p, report)).collect::<Vec<_>>(),
        )
        .build();
    let run = Run::builder()
        .tool(Tool::builder().driver(driver).build())
        .invocations(vec![invocation])
        .column_kind(serde_json::json!("unicodeCodePoints"))
        .results(report.findings.iter().map(|f| result(f, report)).collect::<Vec<_>>())
        .build();
    let log =
        Sarif::builder().schema(SCHEMA).version(serde_json::json!("2.1.0")).runs(vec![run]).build();
    let text = serde_json::to_string_pretty(&log)?;
    writeln!(out, "{}", super::json::escape_reordering(&text))
}

fn rule(meta: &RuleMeta) -> ReportingDescriptor {
    let text = |t: &str| MultiformatMessageString::builder().text(t).build();
    let help = MultiformatMessageString::builder().text(meta.page).markdown(meta.page).build();
    let configuration =
        ReportingConfiguration::builder().level(serde_json::json!(meta.severity.as_str())).build();
    ReportingDescriptor::builder()
        .id(meta.code)
        .name(meta.name)
        .short_description(text(meta.summary))
        .help(help)
        .default_configuration(configuration)
        .build()
}

fn result(finding: &Finding, report: &Report<'_>) -> SarifResult {
    let resolver = &report.resolver;
    let mut text = clean_line(&finding.message).into_owned();
    for note in &finding.notes {
        text += "\n";
        text += &clean_line(&note.message);
    }
    let mut primary = location(finding.primary, resolver, None);
    if let Some(access) = finding.accesses.first() {
        primary.logical_locations = Some(vec![function(&access.function)]);
    }
    let level = match finding.severity {
        Severity::Error => ResultLevel::Error,
        Severity::Warning => ResultLevel::Warning,
        Severity::Note => ResultLevel::Note,
    };
    let mut result = SarifResult::builder()
        .rule_id(finding.rule.code)
        .level(level)
        .message(message(&text))
        .locations(vec![primary])
        .partial_fingerprints(BTreeMap::from([(
            FINGERPRINT.to_owned(),
            finding.fingerprint.clone(),
        )]))
        .properties(properties(finding))
        .build();
    let index = report.rules.iter().position(|r| r.code == finding.rule.code);
    result.rule_index = index.map(|i| i as i64);
    if !finding.accesses.is_empty() {
        let flows: Vec<ThreadFlow> = finding
            .accesses
            .iter()
            .enumerate()
            .map(|(index, access)| thread_flow(index, access, resolver))
            .collect();
        let flow = CodeFlow::builder().thread_flows(flows).build();
        result.code_flows = Some(vec![flow]);
    }
    let others = finding.accesses.iter().filter(|a| a.place != finding.primary);
    let related = others
        .map(|a| (a.place, wording::access(a, resolver)))
        .chain(finding.notes.iter().filter_map(|n| Some((n.place?, n.message.clone()))));
    let related: Vec<Location> = related
        .enumerate()
        .map(|(id, (place, text))| {
            let mut location = location(place, resolver, Some(&text));
            location.id = Some(id as i64 + 1);
            location
        })
        .collect();
    if !related.is_empty() {
        result.related_locations = Some(related);
    }
    if let Some(fix) = &finding.fix {
        result.fixes = Some(vec![sarif_fix(fix, resolver)]);
    }
    result
}

/// The goroutine's start, its calls, the access.
fn thread_flow(index: usize, access: &Access, resolver: &Resolver<'_>) -> ThreadFlow {
    let goroutine = wording::goroutine(access, resolver);
    let mut locations = Vec::new();
    let mut step = |place: FileSpan, text: &str, in_function: &str, importance: &str| {
        let mut location = location(place, resolver, Some(text));
        if !in_function.is_empty() {
            location.logical_locations = Some(vec![function(in_function)]);
        }
        locations.push(
            ThreadFlowLocation::builder()
                .location(location)
                .importance(serde_json::json!(importance))
                .build(),
        );
    };
    if let Some(start) = access.goroutine.start {
        step(start, &goroutine, "", "important");
    }
    for (depth, frame) in access.path.iter().enumerate() {
        let callee = access.path.get(depth + 1).map_or(&access.function, |next| &next.function);
        let text = format!("calls {}", wording::short_function(callee));
        step(frame.place, &text, &frame.function, "unimportant");
    }
    let text = format!("{}; {}", access.kind.label(), wording::locks(access));
    step(access.place, &text, &access.function, "essential");
    let name = wording::name(index);
    ThreadFlow::builder()
        .message(message(&format!("{name}: {goroutine}")))
        .id(name)
        .locations(locations)
        .build()
}

fn sarif_fix(fix: &crate::Fix, resolver: &Resolver<'_>) -> Fix {
    let mut changes: BTreeMap<String, ArtifactChange> = BTreeMap::new();
    for edit in &fix.edits {
        let place = FileSpan { file: edit.file, span: edit.span };
        let replacement = Replacement::builder()
            .deleted_region(region(place, resolver))
            .inserted_content(ArtifactContent::builder().text(edit.text.as_str()).build())
            .build();
        let uri = uri(place, resolver);
        changes
            .entry(uri.clone())
            .or_insert_with(|| {
                ArtifactChange::builder()
                    .artifact_location(artifact(uri))
                    .replacements(Vec::new())
                    .build()
            })
            .replacements
            .push(replacement);
    }
    Fix::builder()
        .description(message(&clean_line(&fix.description)))
        .artifact_changes(changes.into_values().collect::<Vec<_>>())
        .build()
}

fn notification(problem: &Problem, report: &Report<'_>) -> Notification {
    let mut notification = Notification::builder()
        .message(message(&problem.message))
        .level(serde_json::json!(problem.severity.as_str()))
        .descriptor(ReportingDescriptorReference::builder().id(problem.kind.as_str()).build())
        .build();
    notification.locations = match &problem.place {
        None => None,
        Some(ProblemPlace::Span(at)) => Some(vec![location(*at, &report.resolver, None)]),
        Some(ProblemPlace::Path { path, line, .. }) => {
            let mut physical = PhysicalLocation::builder()
                .artifact_location(artifact(path_uri(&report.resolver.show(path))))
                .build();
            physical.region =
                line.map(|l| Region::builder().start_line(i64::from(l.max(1))).build());
            Some(vec![Location::builder().physical_location(physical).build()])
        }
    };
    notification
}

fn properties(finding: &Finding) -> PropertyBag {
    let mut bag = PropertyBag::builder().build();
    let mut set = |key: &str, value: &str| {
        bag.additional_properties.insert(key.to_owned(), serde_json::json!(value));
    };
    set("confidence", finding.confidence.as_str());
    set("status", finding.status.as_str());
    set("variable", &clean_line(&finding.variable));
    set("package", &clean_line(&finding.package));
    bag
}

fn message(text: &str) -> Message {
    // Braces are placeholders unless doubled (§3.11.5); `[text](target)` is a link unless escaped.
    let text = clean(text).replace("](", "\\](").replace('{', "{{").replace('}', "}}");
    Message::builder().text(text).build()
}

fn location(place: FileSpan, resolver: &Resolver<'_>, text: Option<&str>) -> Location {
    let physical = PhysicalLocation::builder()
        .artifact_location(artifact(uri(place, resolver)))
        .region(region(place, resolver))
        .build();
    let mut location = Location::builder().physical_location(physical).build();
    location.message = text.map(message);
    location
}

fn region(place: FileSpan, resolver: &Resolver<'_>) -> Region {
    let lines = resolver.place(place);
    let (column, end_column) = resolver.char_columns(place);
    Region::builder()
        .start_line(i64::from(lines.line))
        .start_column(i64::from(column))
        .end_line(i64::from(lines.end_line))
        .end_column(i64::from(end_column))
        .byte_offset(i64::from(place.span.start))
        .byte_length(i64::from(place.span.len()))
        .build()
}

fn function(name: &str) -> LogicalLocation {
    LogicalLocation::builder().fully_qualified_name(clean_line(name)).kind("function").build()
}

fn artifact(uri: String) -> ArtifactLocation {
    let relative = !uri.starts_with("file:") && !uri.starts_with("../");
    let mut location = ArtifactLocation::builder().uri(uri).build();
    location.uri_base_id = relative.then(|| BASE.to_owned());
    location
}

fn uri(place: FileSpan, resolver: &Resolver<'_>) -> String {
    path_uri(&resolver.path(place.file))
}

/// A path as a URI reference (RFC 3986): `file:` when absolute, every byte that is not an
/// unreserved character or `/` percent-encoded.
fn path_uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len() + 8);
    if path.starts_with('/') {
        uri.push_str("file://");
    }
    for byte in path.bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' => uri.push(byte.into()),
            b if b.is_ascii_alphanumeric() => uri.push(b.into()),
            b => uri.push_str(&format!("%{b:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing;

    fn render(world: &testing::World) -> String {
        let mut out = Vec::new();
        write(&world.report(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_result_with_a_thread_flow_a_goroutine() {
        let text = render(&testing::World::new());
        insta::assert_snapshot!(text);
        // The types are generated from the standard's schema: what is required must be there.
        let log: Sarif = serde_json::from_str(&text).unwrap();
        let run = &log.runs[0];
        let rules = run.tool.driver.rules.as_ref().unwrap();
        for result in run.results.as_ref().unwrap() {
            let index = usize::try_from(result.rule_index.unwrap()).unwrap();
            assert_eq!(Some(&rules[index].id), result.rule_id.as_ref());
            for flow in &result.code_flows.as_ref().unwrap()[0].thread_flows {
                assert!(!flow.locations.is_empty());
            }
        }
    }

    #[test]
    fn hostile_text_is_escaped() {
        let text = render(&testing::World::hostile());
        testing::assert_harmless(&text, usize::MAX);
        serde_json::from_str::<Sarif>(&text).unwrap();
    }

    #[test]
    fn paths_become_uris() {
        assert_eq!(path_uri("a b/ü%.go"), "a%20b/%C3%BC%25.go");
        assert_eq!(path_uri("/usr/x.go"), "file:///usr/x.go");
    }
}
