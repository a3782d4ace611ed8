//! `unpanic gate init`: reads the source simply (calls that register a path, addresses that are listened
//! at) and writes a gate.toml to be corrected by whoever knows better.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use base::LocalInterner;
use diag::ExitClass;
use go_syntax::ParseMode;
use go_syntax::ast::{ExprId, ExprKind, File, LitKind};

use crate::app::App;
use crate::cli_gate::InitArgs;
use crate::fixes;

/// More files are not looked into: the routes of a service are not in the 20,001st.
const MAX_FILES: usize = 20_000;
/// Functions and methods that register a path, of net/http and the common routers.
const REGISTER: &[&str] = &[
    "HandleFunc",
    "Handle",
    "Get",
    "GET",
    "Post",
    "POST",
    "Put",
    "PUT",
    "Delete",
    "DELETE",
    "Patch",
    "PATCH",
    "Any",
    "Method",
    "Add",
];
/// Functions and fields that say where to listen.
const LISTEN: &[&str] = &["ListenAndServe", "ListenAndServeTLS", "Listen", "Run", "Start"];

/// What the source looks like.
#[derive(Default, PartialEq, Eq, Debug)]
struct Found {
    /// Method and path.
    routes: BTreeSet<(String, String)>,
    /// `:8080` and the like.
    addresses: BTreeSet<String>,
    /// Environment variables that are read and look like an address.
    variables: BTreeSet<String>,
}

/// Looks and writes.
pub fn run(app: &App, args: &InitArgs) -> anyhow::Result<ExitClass> {
    let output = app.dir.join(&args.output);
    if output.exists() && !args.force {
        eprintln!(
            "error: {} exists; --force writes over it, --output names another file",
            diag::clean_line(&args.output.display().to_string())
        );
        return Ok(ExitClass::Usage);
    }
    let dir = app.dir.join(&args.dir);
    let mut files = Vec::new();
    go_files(&dir, &mut files).with_context(|| format!("cannot read {}", dir.display()))?;
    let mut found = Found::default();
    let mut names = LocalInterner::default();
    for file in &files {
        let Ok(text) = std::fs::read(file) else { continue };
        let tree = go_syntax::parse(&text, &mut names, ParseMode::Full);
        look(&tree, &text, &mut found);
    }
    let text = found.text();
    fixes::write_file(&output, text.as_bytes())
        .with_context(|| format!("cannot write {}", output.display()))?;
    eprintln!(
        "{} files read, {} routes found; wrote {}: read it before you use it",
        files.len(),
        found.routes.len(),
        diag::clean_line(&args.output.display().to_string())
    );
    Ok(ExitClass::Clean)
}

fn go_files(dir: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries: Vec<_> = std::fs::read_dir(dir)?.filter_map(Result::ok).collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() && !name.starts_with(['.', '_']) && name != "vendor" && name != "testdata"
        {
            // A folder that may not be read has nothing to say.
            let _ = go_files(&entry.path(), files);
        } else if kind.is_file() && name.ends_with(".go") && !name.ends_with("_test.go") {
            files.push(entry.path());
        }
        if files.len() >= MAX_FILES {
            break;
        }
    }
    Ok(())
}

fn look(file: &File, text: &[u8], found: &mut Found) {
    let string = |id: ExprId| -> Option<String> {
        let expr = file.expr(file.unparen(id));
        if expr.kind != ExprKind::BasicLit(LitKind::String) {
            return None;
        }
        let literal = text.get(expr.span.range())?;
        go_syntax::literal::string_text(literal).map(std::borrow::Cow::into_owned)
    };
    for expr in file.exprs.iter() {
        let ExprKind::Call { fun, args, .. } = expr.kind else { continue };
        let name = match file.expr(file.unparen(fun)).kind {
            ExprKind::Selector { sel, .. } => sel.as_str(),
            ExprKind::Ident(name) => name.as_str(),
            _ => continue,
        };
        let Some(first) = file.expr_list(args).first().and_then(|id| string(*id)) else { continue };
        if REGISTER.contains(&name) {
            found.routes.extend(route(name, &first));
        } else if LISTEN.contains(&name) && is_address(&first) {
            found.addresses.insert(first);
        } else if matches!(name, "Getenv" | "LookupEnv")
            && ["ADDR", "PORT", "LISTEN"].iter().any(|part| first.to_uppercase().contains(part))
        {
            found.variables.insert(first);
        }
    }
    for expr in file.exprs.iter() {
        if let ExprKind::KeyValue { key, value } = expr.kind
            && let ExprKind::Ident(name) = file.expr(key).kind
            && name.as_str() == "Addr"
            && let Some(address) = string(value).filter(|text| is_address(text))
        {
            found.addresses.insert(address);
        }
    }
}

/// `GET /orders/{id}` (Go 1.22), or a path and the method that the function's name says.
fn route(function: &str, pattern: &str) -> Option<(String, String)> {
    let (method, path) = pattern.split_once(' ').unwrap_or(("", pattern));
    let path = &path[path.find('/')?..];
    let upper = function.to_uppercase();
    let method = match method {
        "" if ["GET", "POST", "PUT", "DELETE", "PATCH"].contains(&upper.as_str()) => upper,
        "" => "GET".to_owned(),
        method if method.bytes().all(|b| b.is_ascii_uppercase()) => method.to_owned(),
        _ => return None,
    };
    let plain = path.bytes().all(|b| b.is_ascii_graphic());
    (plain && path.len() < 200).then(|| (method, path.to_owned()))
}

fn is_address(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok())
}

impl Found {
    fn path(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| {
            self.routes.iter().map(|(_, path)| path.as_str()).find(|path| path == name)
        })
    }

    fn text(&self) -> String {
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let mut out = String::from(
            "# Written by `unpanic gate init` from what the source looks like. Run it with\n\
             #   unpanic gate --config gate.toml -- ./service\n\n",
        );
        let port = self.addresses.iter().find_map(|a| a.rsplit_once(':')).map(|(_, port)| port);
        match (port, self.variables.first()) {
            (_, Some(variable)) => {
                let value = if variable.to_uppercase().contains("PORT") {
                    "{{port}}"
                } else {
                    "127.0.0.1:{{port}}"
                };
                out += "url = \"http://127.0.0.1:{{port}}\"  # a free port\n\n[candidate]\n";
                out += &format!("env = {{ {} = {} }}\n", quoted_key(variable), quoted(value));
            }
            (Some(port), None) => {
                out += &format!(
                    "url = {}\n\n[candidate]\n",
                    quoted(&format!("http://127.0.0.1:{port}"))
                );
            }
            (None, None) => {
                out += "url = \"http://127.0.0.1:8080\"  # no address was found in the source\n\n[candidate]\n";
            }
        }
        out += "restart = true  # start it again when a drill ends it, as its supervisor in production would\n";
        out += "\n[checks]\n";
        let health = ["/healthz", "/health", "/livez", "/-/healthy", "/ping", "/status"];
        let health = self.path(&health);
        out += &match health {
            Some(path) => format!("health = {}\n", quoted(path)),
            None => "health = \"tcp\"  # no health check was found: the port alone is asked\n"
                .to_owned(),
        };
        let ready = self.path(&["/readyz", "/ready", "/readiness", "/-/ready"]);
        if let Some(path) = ready {
            out += &format!("readiness = {}\n", quoted(path));
        }
        let metrics = self.path(&["/metrics", "/debug/vars"]);
        if let Some(path) = metrics {
            out += &format!("metrics = {}\n", quoted(path));
        }
        out += "recovery = \"800ms\"\n\n[load]\nrate = 100\ntime = \"10s\"\nconnections = 20\n\n";
        out += "[slo]\np99 = \"250ms\"\nerror_rate = \"0.1%\"\n";
        let is_special = |path: &str| {
            [health, ready, metrics].contains(&Some(path)) || path.starts_with("/debug/")
        };
        let is_drill = |path: &str| path.to_lowercase().contains("panic");
        for (method, path) in self.routes.iter().filter(|(_, p)| !is_special(p) && !is_drill(p)) {
            let open = path.contains(['{', ':', '*', '$']);
            // What changes something, or has a hole in its path, is for a person to fill in.
            let sign = if method != "GET" || open { "# " } else { "" };
            out += &format!(
                "\n{sign}[[endpoint]]\n{sign}method = {}\n{sign}path = {}\n",
                quoted(method),
                quoted(path)
            );
        }
        let drills: Vec<_> = self.routes.iter().filter(|(_, p)| is_drill(p)).collect();
        for (method, path) in &drills {
            out += "\n[[drill]]\nkind = \"handler-panic\"\n";
            out +=
                &format!("request = {{ method = {}, path = {} }}\n", quoted(method), quoted(path));
        }
        if drills.is_empty() {
            out += "\n# No endpoint that panics was found; add one that is only there in tests of releases.\n\
                    # [[drill]]\n# kind = \"handler-panic\"\n# path = \"/debug/panic\"\n";
        }
        out + "\n[[drill]]\nkind = \"sigterm\"\n"
    }
}

/// A name of a variable as a key.
fn quoted_key(name: &str) -> String {
    toml::Value::String(name.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Found {
        let mut names = LocalInterner::default();
        let mut found = Found::default();
        look(
            &go_syntax::parse(text.as_bytes(), &mut names, ParseMode::Full),
            text.as_bytes(),
            &mut found,
        );
        found
    }

    #[test]
    fn routes_and_addresses_are_found_and_the_file_is_read_back() {
        let found = found(
            "package main\nfunc main() {\n\
             mux.HandleFunc(\"/healthz\", h)\nmux.HandleFunc(\"POST /orders\", h)\n\
             mux.Handle(`GET /items/{id}`, h)\nr.GET(\"/list\", h)\nmux.HandleFunc(\"/debug/panic\", h)\n\
             mux.Handle(\"/metrics\", h)\nx.Add(\"no path\")\nmux.HandleFunc(\"/a\\nb\", h)\n\
             s := http.Server{Addr: \":9090\"}\n_ = os.Getenv(\"LISTEN_ADDR\")\n}\n",
        );
        assert_eq!(found.routes.len(), 6, "{found:?}");
        let config = gate::config::parse(&found.text()).unwrap();
        assert_eq!(config.checks.health, "/healthz");
        assert_eq!(config.checks.metrics.as_deref(), Some("/metrics"));
        assert_eq!(config.endpoint.len(), 1);
        assert_eq!(config.drill.len(), 2);
        assert!(config.candidate.env.contains_key("LISTEN_ADDR"));
    }

    #[test]
    fn an_empty_folder_gives_a_file_that_can_be_read() {
        let config = gate::config::parse(&Found::default().text()).unwrap();
        assert_eq!(config.checks.health, "tcp");
    }
}
