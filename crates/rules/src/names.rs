//! Paths, locks and functions as the code writes them, for messages.

use base::Id;
use flow::{Elem, Held, LockMode, Path, Root};
use go_ir::{Func, FuncId, Op};
use go_types::{ObjId, Store, Type};

use crate::RuleContext;

impl RuleContext<'_> {
    /// A path of the function `scope` as its code writes it: `s.clients`, `registry`, `m[…]`.
    pub(crate) fn path_name(&self, scope: FuncId, path: &Path) -> String {
        let mut text = self.root_name(scope, &path.root);
        for elem in path.elems.to_vec() {
            match elem {
                Elem::Field(field) => {
                    text.push('.');
                    text.push_str(self.store().obj(field).name.as_str());
                }
                Elem::Item => text.push_str("[…]"),
                Elem::Part(_) => {}
            }
        }
        text
    }

    fn root_name(&self, scope: FuncId, root: &Root) -> String {
        let func = self.func(scope);
        let store = self.store();
        let name = |obj: ObjId| store.obj(obj).name.as_str().to_owned();
        match root {
            Root::Param(n) => param(store, func, *n).map_or_else(|| format!("argument {n}"), name),
            Root::Free(n) => func
                .free_vars
                .get(*n as usize)
                .map_or_else(|| "captured variable".into(), |&v| name(v)),
            Root::Global(obj) => {
                let object = store.obj(*obj);
                match object.pkg {
                    Some(pkg) if pkg != func.pkg => {
                        format!(
                            "{}.{}",
                            store.package(pkg).name.get().map_or("", |n| n.as_str()),
                            object.name
                        )
                    }
                    _ => name(*obj),
                }
            }
            Root::Fresh(v) => match func.values.get(*v).map(|i| &i.op) {
                Some(Op::Alloc { var: Some(var) }) => name(*var),
                Some(_) => local_name(store, func, *v).unwrap_or_else(|| self.excerpt(func, *v)),
                None => "value".into(),
            },
            Root::Ret(_) => "result".into(),
            Root::Context(key) => match key.obj {
                Some(obj) if key.text.as_str().is_empty() => format!("context value {}", name(obj)),
                _ => format!("context value {}", key.text),
            },
        }
    }

    /// A short piece of the source that made a value.
    fn excerpt(&self, func: &Func, v: go_ir::ValueId) -> String {
        let at = func.instr(v).span;
        let text = self.sources.file(at.file).slice(at.span);
        let line = text.lines().next().unwrap_or_default().trim();
        let short: String = line.chars().take(40).collect();
        if short.len() < text.len() { format!("{short}…") } else { short }
    }

    /// The map or channel of an access as the code at that place writes it: the text before the `[`, or the
    /// argument of `delete`, `clear`, `len`, `close`, `range`.
    pub(crate) fn written_name(&self, at: source::FileSpan) -> Option<String> {
        let text = self.sources.file(at.file).slice(at.span).into_owned();
        let head = text.split('\n').next()?;
        let inside =
            ["delete(", "clear(", "len(", "close("].iter().find_map(|p| head.strip_prefix(p));
        let name = match inside {
            Some(rest) => rest.split([',', ')']).next()?,
            None => &head[..bracket_before_last_index(head)?],
        };
        let name = name.trim();
        let plain = |c: char| c.is_alphanumeric() || "_.[]()*\"".contains(c);
        (!name.is_empty() && name.len() <= 60 && name.chars().all(plain)).then(|| name.to_owned())
    }

    /// Locks as the code of `scope` writes them.
    pub(crate) fn lock_names(&self, scope: FuncId, locks: &[Held]) -> Vec<String> {
        let mut names: Vec<String> = locks
            .iter()
            .map(|held| {
                let name = self.path_name(scope, &held.path);
                if held.mode == LockMode::Read { format!("{name} (read)") } else { name }
            })
            .collect();
        names.sort();
        names.dedup();
        names
    }
}

/// Where the `[` of the last index expression of `m[k] = v` starts on the left side.
fn bracket_before_last_index(text: &str) -> Option<usize> {
    let left = text.split(" = ").next().unwrap_or(text);
    let left =
        left.split(" += ").next().unwrap_or(left).trim_end_matches("++").trim_end_matches("--");
    let left = left.trim_end();
    if !left.ends_with(']') {
        return left.find('[');
    }
    let mut depth = 0;
    for (i, c) in left.char_indices().rev() {
        match c {
            ']' => depth += 1,
            '[' => {
                depth -= 1;
                if depth == 0 {
                    return Some(i);
                }
            }
            _ => {}
        }
    }
    None
}

/// The `n`th parameter, the receiver first.
fn param(store: &Store, func: &Func, n: u32) -> Option<ObjId> {
    let Type::Signature(sig) = store.ty(func.sig) else { return None };
    let mut all = sig.recv.iter().chain(&sig.params);
    let obj = all.nth(n as usize).copied()?;
    (!store.obj(obj).name.is_blank() && !store.obj(obj).name.as_str().is_empty()).then_some(obj)
}

/// The variable that a value is kept in.
fn local_name(store: &Store, func: &Func, v: go_ir::ValueId) -> Option<String> {
    let mut wanted = vec![v];
    for (i, instr) in func.values.iter().enumerate() {
        let id = go_ir::ValueId::from_index(i);
        match &instr.op {
            Op::Store { addr, value } if wanted.contains(value) => {
                if let Op::Alloc { var: Some(var) } = func.instr(*addr).op {
                    return Some(store.obj(var).name.as_str().to_owned());
                }
            }
            Op::Extract { tuple, index: 0 } if *tuple == v => wanted.push(id),
            Op::TypeAssert { x, .. } | Op::Convert(x) if wanted.contains(x) => wanted.push(id),
            _ => {}
        }
    }
    None
}
