//! The text of a generated test. A concurrent map access ends the process and no `recover` stops that,
//! so the calls run in a process of their own, which the test starts and judges. Rounds of growing
//! length get both the first use of a fresh object and long runs on one; with four threads at least, the
//! runtime's own check notices in a fraction of a second.

use diag::{FindingRecord, clean_line};
use go_syntax::ast::{ExprId, ExprKind};
use go_types::{ConstValue, ObjId, Type, TypeId, unalias};

use super::calls::{Call, How, Plan, callee_of};
use super::generics::{Callable, callable};
use super::names::listed;
use super::values::{Refusal, Values};
use super::{Function, Sources};

/// The first words of each file, by which one may be written over.
pub const HEADER: &str = "// Written by `unpanic prove --emit-test`";

/// A written test.
pub(super) struct Written {
    pub file: String,
    pub name: String,
    pub child: String,
    pub text: String,
    pub calls: Vec<String>,
    pub assumed: Vec<String>,
}

/// Of the tests that can be made of a plan, which.
#[derive(Clone, Copy)]
pub(super) struct Variant {
    /// One that takes the race detector.
    pub race: bool,
    /// Constructors that return an error are called too.
    pub fallible: bool,
}

/// Writes the test of a plan.
pub(super) fn write(
    sources: &Sources<'_>,
    plan: &Plan<'_>,
    record: &FindingRecord,
    variant: Variant,
) -> Result<Written, String> {
    let pkg = plan.source.pkg;
    let mut own: Vec<_> = sources.files.iter().map(|s| s.pkg).collect();
    own.dedup();
    let mut values = Values::new(sources.store, pkg, own, variant.fallible);
    let mut names: Vec<String> = Vec::new();
    let (mut calls, mut paths) = (Vec::new(), vec![("GET".to_owned(), "\"/\"".to_owned())]);
    match &plan.how {
        How::Direct(functions) => {
            for call in functions {
                calls.push(
                    direct(sources, &mut values, call, record).map_err(|Refusal(reason)| reason)?,
                );
                names.push(shown(sources, &call.function));
            }
            let both = listed(&names, "`");
            values.assume(if names.len() == 1 {
                format!("{both} may be called by several goroutines at once")
            } else {
                format!("{both} may be called at once")
            });
        }
        How::Serve { routes, patterns } => {
            let handler =
                handler(sources, &mut values, routes).map_err(|Refusal(reason)| reason)?;
            paths = patterns.iter().map(|p| request_of(&mut values, p)).collect();
            values.requests = true;
            let (n, request) = (values.names.local("n"), values.names.local("request"));
            let recorder = values.names.std("net/http/httptest");
            calls.push(format!("{handler}.ServeHTTP({recorder}.NewRecorder(), {request}({n}))"));
            names.push(shown(sources, routes));
        }
    }
    Ok(assemble(sources, plan, record, variant.race, values, &Calls { calls, names, paths }))
}

/// `T.Method` or the function's name.
fn shown(sources: &Sources<'_>, function: &Function<'_>) -> String {
    let name = sources.store.obj(function.obj).name;
    match callable(sources.store, function).and_then(|callable| callable.receiver) {
        Some(t) => {
            let base = match sources.store.ty(unalias(sources.store, t)) {
                Type::Pointer(base) => *base,
                _ => t,
            };
            let text = go_types::type_string(sources.store, base);
            format!("{}.{name}", text.rsplit(['/', '.']).next().unwrap_or(&text))
        }
        None => name.to_string(),
    }
}

/// The call of a function. The receiver is one for all goroutines, and so is a parameter that the
/// finding speaks of; what it does not name is made for each call.
fn direct(
    sources: &Sources<'_>,
    values: &mut Values<'_>,
    call: &Call<'_>,
    record: &FindingRecord,
) -> Result<String, Refusal> {
    let unknown = || Refusal("its type is not known".to_owned());
    let Callable { receiver, signature, targs } =
        callable(sources.store, &call.function).ok_or_else(unknown)?;
    let name = sources.store.obj(call.function.obj).name;
    let target = match receiver {
        Some(t) => format!("{}.{name}", values.shared(t)?),
        None => values.names.instance(call.function.obj, &targs)?,
    };
    let words: Vec<&str> = record
        .variable
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|w| !w.is_empty())
        .collect();
    let innermost = call.innermost;
    let mut made_shared: Vec<String> = Vec::new();
    let mut make = |values: &mut Values<'_>, param: ObjId, t: TypeId, depth: usize| {
        let store = values.store;
        let own = store.obj(param).name.as_str();
        let basic = matches!(store.ty(go_types::under(store, t)), Type::Basic(_));
        let fresh = matches!(
            go_types::type_string(store, unalias(store, t)).as_str(),
            "net/http.ResponseWriter" | "*net/http.Request" | "context.Context" | "error"
        );
        if !basic && !fresh && (!innermost || words.contains(&own)) {
            made_shared.push(own.to_owned());
            return values.shared(t);
        }
        values.value(t, depth)
    };
    let arguments = values.arguments(signature, 0, 0, &mut make)?;
    for own in made_shared {
        values.assume(format!("calls of `{name}` may get the same `{own}`"));
    }
    Ok(format!("{target}({arguments})"))
}

/// A handler: what the function returns, or the mux that it registers with.
fn handler(
    sources: &Sources<'_>,
    values: &mut Values<'_>,
    routes: &Function<'_>,
) -> Result<String, Refusal> {
    let store = sources.store;
    let unknown = || Refusal("the handler is registered where a test cannot get at it".to_owned());
    let Callable { receiver, signature, targs } = callable(store, routes).ok_or_else(unknown)?;
    let target = match receiver {
        Some(t) => format!("{}.{}", values.shared(t)?, store.obj(routes.obj).name),
        None => values.names.instance(routes.obj, &targs)?,
    };
    let is_mux = |t: TypeId| go_types::type_string(store, t) == "*net/http.ServeMux";
    let serves = |t: TypeId| {
        go_types::lookup_field_or_method(
            store,
            t,
            false,
            None,
            base::Symbol::intern("ServeHTTP"),
            false,
        )
        .obj()
        .is_some()
    };
    let mut mux = None;
    let mut make = |values: &mut Values<'_>, _: ObjId, t: TypeId, _: usize| {
        if is_mux(t) {
            let name = values.names.variable();
            let http = values.names.std("net/http");
            values.setup.push(format!("{name} := {http}.NewServeMux()"));
            mux = Some(name.clone());
            return Ok(name);
        }
        values.value(t, 1)
    };
    let arguments = values.arguments(signature, 0, 1, &mut make)?;
    let call = format!("{target}({arguments})");
    let results: Vec<TypeId> =
        signature.results.iter().filter_map(|&r| store.obj(r).typ.get()).collect();
    match (&results[..], mux) {
        (&[only], _) if serves(only) => {
            let name = values.names.variable();
            values.setup.push(format!("{name} := {call}"));
            Ok(name)
        }
        ([], Some(mux)) => {
            values.setup.push(call);
            Ok(mux)
        }
        _ => Err(unknown()),
    }
}

/// `GET /cart/{id}` as a method and an expression for the path.
fn request_of(values: &mut Values<'_>, pattern: &str) -> (String, String) {
    let (method, rest) = match pattern.split_once(' ') {
        Some((method, rest)) if method.chars().all(|c| c.is_ascii_uppercase()) => (method, rest),
        _ => ("GET", pattern),
    };
    let path = &rest[rest.find('/').unwrap_or(0)..];
    let mut parts: Vec<String> = Vec::new();
    let mut left = path;
    while let Some((before, after)) = left.split_once('{') {
        let Some((name, rest)) = after.split_once('}') else { break };
        parts.push(quote(before));
        if name != "$" {
            let n = values.names.local("n");
            parts.push(format!("{}.Itoa({n})", values.names.std("strconv")));
        }
        left = rest;
    }
    parts.push(quote(left));
    parts.retain(|part| part != "\"\"");
    (method.to_owned(), parts.join("+"))
}

/// A text as a Go string.
fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted += &format!("\\u{:04x}", c as u32),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// What the package asks of requests: cookies, header fields and form values, by their literal names.
fn asked(sources: &Sources<'_>, plan: &Plan<'_>) -> Vec<(&'static str, String)> {
    let mut asked: Vec<(&'static str, String)> = Vec::new();
    for &source in sources.files.iter().filter(|s| s.pkg == plan.source.pkg) {
        let ast = &source.info.ast;
        for (_, expr) in ast.exprs.iter_enumerated() {
            let ExprKind::Call { fun, args, .. } = expr.kind else { continue };
            let [name]: [ExprId; 1] = match ast.expr_list(args).try_into() {
                Ok(one) => one,
                Err(_) => continue,
            };
            let Some(callee) = callee_of(source, fun) else { continue };
            let object = sources.store.obj(callee);
            let Some(pkg) = object.pkg else { continue };
            let path = sources.store.package(pkg).path.as_str();
            let kind = match (path, object.name.as_str()) {
                ("net/http", "Cookie") => "cookie",
                ("net/http", "Get") => "header",
                ("net/http", "FormValue") | ("net/url", "Get") => "form",
                _ => continue,
            };
            let Some(text) = source.info.consts.get(&name).and_then(ConstValue::str_val) else {
                continue;
            };
            let text = String::from_utf8_lossy(text).into_owned();
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            if !text.is_empty() && text.chars().all(plain) && text.len() < 200 {
                asked.push((kind, text));
            }
        }
    }
    asked.sort();
    asked.dedup();
    asked
}

/// Indents lines.
fn indent(text: &str, tabs: usize) -> String {
    let tabs = "\t".repeat(tabs);
    text.lines().map(|line| format!("{tabs}{line}\n")).collect()
}

/// A comment of lines that are not too long.
fn comment(text: &str) -> String {
    let mut out = String::new();
    let mut line = String::from("//");
    for word in text.split_whitespace() {
        if line.chars().count() + word.chars().count() > 98 && line.len() > 2 {
            out += &line;
            out.push('\n');
            line = String::from("//");
        }
        line.push(' ');
        line += word;
    }
    out += &line;
    out.push('\n');
    out
}

/// What is called: statements, the functions' names, and the requests.
struct Calls {
    calls: Vec<String>,
    names: Vec<String>,
    paths: Vec<(String, String)>,
}

fn assemble(
    sources: &Sources<'_>,
    plan: &Plan<'_>,
    record: &FindingRecord,
    needs_race: bool,
    mut values: Values<'_>,
    made: &Calls,
) -> Written {
    let Calls { calls, names, paths } = made;
    let digits = diag::stable_hash(record.fingerprint.as_bytes());
    let mark = digits.get(..8).unwrap_or("0").to_owned();
    let stem: String = names
        .iter()
        .flat_map(|name| name.split('.'))
        .map(|part| {
            let mut letters = part.chars().filter(char::is_ascii_alphanumeric);
            let first = letters.next().map(|c| c.to_ascii_uppercase());
            first.into_iter().chain(letters).collect::<String>()
        })
        .collect();
    let name = format!("TestConcurrent{stem}_{mark}");
    let child = format!("CONCURRENT_CALLS_{}", mark.to_ascii_uppercase());

    let local = |values: &Values<'_>, name: &str| values.names.local(name);
    let [t, n, round, until, start, done, goroutine, i, request] =
        ["t", "n", "round", "until", "start", "done", "goroutine", "calls", "request"]
            .map(|name| local(&values, name));
    let (testing, runtime) = (values.names.std("testing"), values.names.std("runtime"));
    let (sync, time) = (values.names.std("sync"), values.names.std("time"));
    let (os, exec) = (values.names.std("os"), values.names.std("os/exec"));
    let strings = values.names.std("strings");

    let mut body = String::new();
    if values.requests {
        body += &requests(sources, plan, &mut values, paths, &request, &n);
    }
    let setup: String = values.setup.iter().map(|line| indent(line, 2)).collect();
    let number = |text: &str| {
        let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
        words.any(|word| word == n)
    };
    let numbered = calls.iter().any(|c| number(c));
    let mut once = format!("\t\tif {round} == 0 {{\n");
    let mut each = String::new();
    if numbered {
        once += &format!("\t\t\t{n} := 0\n");
        each = format!("\t\t\t\t\t{n} := ({round}*8+{goroutine})<<8 + {i}\n");
    }
    once.extend(calls.iter().map(|c| indent(c, 3)));
    once += "\t\t}\n";
    let in_turn = if let [only] = &calls[..] {
        indent(only, 5)
    } else {
        let mut text = format!("\t\t\t\t\tswitch {goroutine} % {} {{\n", calls.len());
        for (index, c) in calls.iter().enumerate() {
            text += &format!("\t\t\t\t\tcase {index}:\n{}", indent(c, 6));
        }
        text + "\t\t\t\t\t}\n"
    };
    let looping = format!(
        "\
\t{runtime}.GOMAXPROCS(4)
\t{until} := {time}.Now().Add(15 * {time}.Second)
\tfor {round} := 0; {round} < 900 && {time}.Now().Before({until}); {round}++ {{
{setup}{once}\t\t{start} := make(chan struct{{}})
\t\tvar {done} {sync}.WaitGroup
\t\tfor {goroutine} := 0; {goroutine} < 8; {goroutine}++ {{
\t\t\t{done}.Add(1)
\t\t\tgo func({goroutine} int) {{
\t\t\t\tdefer {done}.Done()
\t\t\t\t<-{start}
\t\t\t\tfor {i} := 0; {i} < 1<<uint({round}%9); {i}++ {{
{each}{in_turn}\t\t\t\t}}
\t\t\t}}({goroutine})
\t\t}}
\t\tclose({start})
\t\t{done}.Wait()
\t}}
"
    );

    let message = clean_line(&record.message);
    let mut head = format!("{HEADER} for {}.\n", clean_line(&record.rule));
    head += &comment(&format!("The finding: {message}"));
    let mut doc = comment(&format!(
        "{name} calls {} from eight goroutines at once. It fails as long as that is a race, and passes \
         once it is none. The calls run in a process of their own, since a concurrent map access ends \
         a process without a way to stop it.",
        match &plan.how {
            How::Direct(_) => listed(names, ""),
            How::Serve { .. } => format!("the handler of {}", names.join(", ")),
        }
    ));
    if needs_race {
        doc += &comment("It needs the race detector: `go test -race`.");
    }
    if !values.assumed.is_empty() {
        doc += "//\n// It takes for granted:\n";
        for text in &values.assumed {
            doc += &comment(&format!("- {}", clean_line(text)));
        }
    }
    let package = sources.store.package(plan.source.pkg).name.get();
    let package = package.map_or("main", |p| p.as_str());
    let race_check = if needs_race {
        let debug = values.names.std("runtime/debug");
        format!(
            "\
\tif info, ok := {debug}.ReadBuildInfo(); ok && len(info.Settings) > 0 {{
\t\trace := false
\t\tfor _, setting := range info.Settings {{
\t\t\trace = race || setting.Key == \"-race\" && setting.Value == \"true\"
\t\t}}
\t\tif !race {{
\t\t\t{t}.Skip(\"only the race detector sees this race: go test -race\")
\t\t}}
\t}}
"
        )
    } else {
        String::new()
    };
    let text = format!(
        "{head}
package {package}

{imports}
{doc}func {name}({t} *{testing}.T) {{
\tconst child = \"{child}\"
\tif {os}.Getenv(child) != \"\" {{
\t\tconcurrent_{mark}({t})
\t\treturn
\t}}
{race_check}\tprogram, err := {os}.Executable()
\tif err != nil {{
\t\t{t}.Fatal(err)
\t}}
\tcommand := {exec}.Command(program, \"-test.run=^{name}$\", \"-test.count=1\", \"-test.timeout=60s\")
\tcommand.Env = append({os}.Environ(), child+\"=1\", \"GORACE=halt_on_error=1\")
\toutput, err := command.CombinedOutput()
\ttext := string(output)
\tfor _, sign := range []string{{\"fatal error: concurrent map\", \"WARNING: DATA RACE\"}} {{
\t\tif at := {strings}.Index(text, sign); at >= 0 {{
\t\t\tif text = text[at:]; len(text) > 4000 {{
\t\t\t\ttext = text[:4000] + \"…\"
\t\t\t}}
\t\t\t{t}.Fatalf(\"goroutines that run at once use one object without order:\\n%s\", text)
\t\t}}
\t}}
\tif err != nil {{
\t\t{t}.Fatalf(\"the calls did not come to their end: %v\\n%s\", err, text)
\t}}
}}

func concurrent_{mark}({t} *{testing}.T) {{
{body}{looping}}}
",
        imports = values.names.imports(),
    );
    Written {
        file: format!("concurrent_{mark}_test.go"),
        name,
        child,
        text,
        calls: names.clone(),
        assumed: values.assumed,
    }
}

/// A function that makes the request of a call.
fn requests(
    sources: &Sources<'_>,
    plan: &Plan<'_>,
    values: &mut Values<'_>,
    paths: &[(String, String)],
    request: &str,
    n: &str,
) -> String {
    let (http, httptest) = (values.names.std("net/http"), values.names.std("net/http/httptest"));
    let mut text = format!("\t{request} := func({n} int) *{http}.Request {{\n");
    let asked = asked(sources, plan);
    let form: Vec<String> =
        asked.iter().filter(|(kind, _)| *kind == "form").map(|(_, f)| format!("{f}=a")).collect();
    let query = if form.is_empty() {
        String::new()
    } else {
        format!("+{}", quote(&format!("?{}", form.join("&"))))
    };
    match paths {
        [(method, path)] => {
            text +=
                &format!("\t\tr := {httptest}.NewRequest({}, {path}{query}, nil)\n", quote(method));
        }
        _ => {
            let count = paths.len();
            text += &format!("\t\tvar r *{http}.Request\n\t\tswitch {n} % {count} {{\n");
            for (index, (method, path)) in paths.iter().enumerate() {
                text += &format!(
                    "\t\tcase {index}:\n\t\t\tr = {httptest}.NewRequest({}, {path}{query}, nil)\n",
                    quote(method)
                );
            }
            text += "\t\t}\n";
        }
    }
    for (kind, name) in &asked {
        match *kind {
            "cookie" => {
                text += &format!(
                    "\t\tr.AddCookie(&{http}.Cookie{{Name: {}, Value: \"a\"}})\n",
                    quote(name)
                );
            }
            "header" => text += &format!("\t\tr.Header.Set({}, \"a\")\n", quote(name)),
            _ => {}
        }
    }
    if !asked.is_empty() {
        let list: Vec<String> = asked.iter().map(|(kind, name)| format!("{kind} {name}")).collect();
        values.assume(format!("each request carries {}, with the value a", list.join(", ")));
    }
    text + "\t\treturn r\n\t}\n"
}
