//! Names in the text of a test: imports, types, and local names that hide nothing of the package's.

use std::collections::BTreeMap;

use base::Symbol;
use go_syntax::ast::ChanDir;
use go_types::{ObjId, PkgId, Signature, Store, Type, TypeId};

use super::values::Refusal;

/// Names that the text declares.
const LOCALS: [&str; 9] =
    ["t", "n", "round", "until", "start", "done", "goroutine", "calls", "request"];

/// What is imported, and under which name.
pub(crate) struct Names<'a> {
    store: &'a Store,
    /// The package that the test is in.
    pkg: PkgId,
    imports: BTreeMap<String, String>,
    variables: usize,
}

impl<'a> Names<'a> {
    /// For a test in a package.
    pub fn new(store: &'a Store, pkg: PkgId) -> Self {
        Self { store, pkg, imports: BTreeMap::new(), variables: 0 }
    }

    /// Whether the package declares a name.
    fn is_declared(&self, name: &str) -> bool {
        self.store.lookup(self.pkg, Symbol::intern(name)).is_some()
    }

    /// One of [`LOCALS`], or a longer name where the package has that one.
    pub fn local(&self, name: &str) -> String {
        let mut name = name.to_owned();
        while self.is_declared(&name) {
            name.push('_');
        }
        name
    }

    /// A name for a value.
    pub fn variable(&mut self) -> String {
        self.variables += 1;
        self.local(&format!("v{}", self.variables))
    }

    /// The name under which a package is imported from now on.
    pub fn import(&mut self, path: &str, name: &str) -> String {
        if let Some(known) = self.imports.get(path) {
            return known.clone();
        }
        let mut alias = name.to_owned();
        while self.is_declared(&alias)
            || LOCALS.contains(&alias.as_str())
            || self.imports.values().any(|other| *other == alias)
        {
            alias.push('_');
        }
        self.imports.insert(path.to_owned(), alias.clone());
        alias
    }

    /// A package of the standard library.
    pub fn std(&mut self, path: &str) -> String {
        let name = path.rsplit('/').next().unwrap_or(path);
        self.import(path, name)
    }

    /// The import declaration.
    pub fn imports(&self) -> String {
        let line = |(path, alias): (&String, &String)| {
            if path.rsplit('/').next() == Some(alias) {
                format!("\t\"{path}\"\n")
            } else {
                format!("\t{alias} \"{path}\"\n")
            }
        };
        let std = |path: &str| !path.split('/').next().unwrap_or(path).contains('.');
        let of = |wanted: bool| -> String {
            self.imports.iter().filter(|(path, _)| std(path) == wanted).map(line).collect()
        };
        let (standard, others) = (of(true), of(false));
        let gap = if standard.is_empty() || others.is_empty() { "" } else { "\n" };
        format!("import (\n{standard}{gap}{others})\n")
    }

    /// A declared thing of package level, as the test writes it.
    pub fn object(&mut self, obj: ObjId) -> Result<String, Refusal> {
        let object = self.store.obj(obj);
        let name = object.name.as_str();
        let Some(pkg) = object.pkg else { return Ok(name.to_owned()) };
        if self.store.lookup(pkg, object.name) != Some(obj) {
            return Err(Refusal(format!("`{name}` is declared in a function")));
        }
        if pkg == self.pkg {
            return Ok(name.to_owned());
        }
        let package = self.store.package(pkg);
        let path = package.path.as_str();
        if !is_exported(name) {
            return Err(Refusal(format!("`{name}` of {path} is not exported")));
        }
        let own = package.name.get().map_or("", |n| n.as_str());
        let local = self.import(path, own);
        Ok(format!("{local}.{name}"))
    }

    /// A type, as the test writes it.
    pub fn type_text(&mut self, t: TypeId) -> Result<String, Refusal> {
        let store = self.store;
        Ok(match store.ty(t) {
            Type::Basic(_) => go_types::type_string(store, t),
            Type::Pointer(base) => format!("*{}", self.type_text(*base)?),
            Type::Slice(elem) => format!("[]{}", self.type_text(*elem)?),
            Type::Array { elem, len } => format!("[{len}]{}", self.type_text(*elem)?),
            Type::Map { key, elem } => {
                format!("map[{}]{}", self.type_text(*key)?, self.type_text(*elem)?)
            }
            Type::Chan { dir, elem } => {
                let elem = self.type_text(*elem)?;
                match dir {
                    ChanDir::Both => format!("chan ({elem})"),
                    ChanDir::Send => format!("chan<- ({elem})"),
                    ChanDir::Recv => format!("<-chan ({elem})"),
                }
            }
            Type::Named(named) => self.instance(named.obj, &named.targs)?,
            Type::Alias(alias) => self.instance(alias.obj, &alias.targs)?,
            Type::Signature(signature) => format!("func{}", self.signature(signature, false)?),
            Type::Interface(i) if i.methods.is_empty() && i.embeddeds.is_empty() => {
                "interface{}".to_owned()
            }
            Type::Struct(s) if s.fields.is_empty() => "struct{}".to_owned(),
            _ => {
                let text = go_types::type_string(store, t);
                return Err(Refusal(format!("the type {text} has no name")));
            }
        })
    }

    /// The same, with type arguments.
    pub fn instance(&mut self, obj: ObjId, targs: &[TypeId]) -> Result<String, Refusal> {
        let name = self.object(obj)?;
        if targs.is_empty() {
            return Ok(name);
        }
        let targs: Vec<String> =
            targs.iter().map(|&t| self.type_text(t)).collect::<Result<_, _>>()?;
        Ok(format!("{name}[{}]", targs.join(", ")))
    }

    /// Parameters and results; `named`: with blank names, for a literal whose body is `return`.
    pub fn signature(&mut self, signature: &Signature, named: bool) -> Result<String, Refusal> {
        let blank = if named { "_ " } else { "" };
        let mut params = Vec::new();
        for (index, &param) in signature.params.iter().enumerate() {
            let t = self.type_of(param)?;
            let last = index + 1 == signature.params.len();
            let text = match self.store.ty(t) {
                Type::Slice(elem) if signature.variadic && last => {
                    format!("...{}", self.type_text(*elem)?)
                }
                _ => self.type_text(t)?,
            };
            params.push(format!("{blank}{text}"));
        }
        let mut results = Vec::new();
        for &result in &signature.results {
            let t = self.type_of(result)?;
            results.push(format!("{blank}{}", self.type_text(t)?));
        }
        let results =
            if results.is_empty() { String::new() } else { format!(" ({})", results.join(", ")) };
        Ok(format!("({}){results}", params.join(", ")))
    }

    /// The type of a variable.
    pub fn type_of(&self, obj: ObjId) -> Result<TypeId, Refusal> {
        let object = self.store.obj(obj);
        object
            .typ
            .get()
            .ok_or_else(|| Refusal(format!("the type of `{}` is not known", object.name)))
    }
}

/// Whether a name can be used by other packages.
pub(crate) fn is_exported(name: &str) -> bool {
    name.chars().next().is_some_and(char::is_uppercase)
}

/// Names in a sentence, with a mark at both ends of each: a, b and c.
pub fn listed(names: &[String], mark: &str) -> String {
    let mut text = String::new();
    for (index, name) in names.iter().enumerate() {
        let before = match index {
            0 => "",
            _ if index + 1 == names.len() => " and ",
            _ => ", ",
        };
        text.extend([before, mark, name, mark]);
    }
    text
}
