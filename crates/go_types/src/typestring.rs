//! Types as text, exactly as go/types' `TypeString` writes them with a nil qualifier: names with
//! the full path of their package.

use std::fmt::Write;

use go_syntax::ast::ChanDir;

use crate::constant::quote;
use crate::predicates::tag;
use crate::store::{ObjId, PkgId, Store, TypeId};
use crate::types::{Basic, Interface, Signature, Type};

/// Text longer than this is cut: nested instances can double in length at each level.
const MAX_LEN: usize = 1 << 20;
/// Types nested deeper than this are cut.
const MAX_DEPTH: u32 = 2_000;

/// The type as go/types prints it, package names in full.
pub fn type_string(store: &Store, t: TypeId) -> String {
    let mut out = String::new();
    write_type(&mut out, store, t);
    out
}

/// Appends what [`type_string`] gives.
pub fn write_type(out: &mut String, store: &Store, t: TypeId) {
    Writer { out, store, local: None, depth: 0 }.typ(t);
}

/// The type for a message about package `pkg`: its own names bare, others with the last element
/// of their path.
pub fn type_string_in(store: &Store, t: TypeId, pkg: PkgId) -> String {
    let mut out = String::new();
    Writer { out: &mut out, store, local: Some(pkg), depth: 0 }.typ(t);
    out
}

/// The signature without the leading `func`.
pub fn signature_string(store: &Store, sig: &Signature) -> String {
    let mut out = String::new();
    Writer { out: &mut out, store, local: None, depth: 0 }.signature(sig);
    out
}

struct Writer<'w> {
    out: &'w mut String,
    store: &'w Store,
    /// Names of this package are written bare, and others short.
    local: Option<PkgId>,
    depth: u32,
}

impl Writer<'_> {
    fn typ(&mut self, t: TypeId) {
        if self.out.len() > MAX_LEN || self.depth > MAX_DEPTH {
            self.out.push('…');
            return;
        }
        self.depth += 1;
        self.typ_inner(t);
        self.depth -= 1;
    }

    fn typ_inner(&mut self, t: TypeId) {
        let store = self.store;
        match store.ty(t) {
            Type::Basic(b) => self.out.push_str(basic_name(*b)),
            Type::Array { elem, len } => {
                let _ = write!(self.out, "[{len}]");
                self.typ(*elem);
            }
            Type::Slice(elem) => {
                self.out.push_str("[]");
                self.typ(*elem);
            }
            Type::Struct(s) => {
                self.out.push_str("struct{");
                for (i, &f) in s.fields.iter().enumerate() {
                    if i > 0 {
                        self.out.push_str("; ");
                    }
                    let field = store.obj(f);
                    if !field.is_embedded() {
                        self.out.push_str(field.name.as_str());
                        self.out.push(' ');
                    }
                    self.opt_typ(field.typ.get());
                    let tag = tag(s, i);
                    if !tag.is_empty() {
                        self.out.push(' ');
                        self.out.push_str(&quote(tag.as_bytes()));
                    }
                }
                self.out.push('}');
            }
            Type::Pointer(base) => {
                self.out.push('*');
                self.typ(*base);
            }
            Type::Tuple(vars) => self.tuple(vars, false),
            Type::Signature(sig) => {
                self.out.push_str("func");
                self.signature(sig);
            }
            Type::Union(terms) => {
                for (i, term) in terms.iter().enumerate() {
                    if i > 0 {
                        self.out.push_str(" | ");
                    }
                    if term.tilde {
                        self.out.push('~');
                    }
                    self.typ(term.ty);
                }
            }
            Type::Interface(i) => self.interface(t, i),
            Type::Map { key, elem } => {
                self.out.push_str("map[");
                self.typ(*key);
                self.out.push(']');
                self.typ(*elem);
            }
            Type::Chan { dir, elem } => self.chan(*dir, *elem),
            Type::Named(named) => {
                self.type_name(named.obj);
                self.arguments(&named.targs, named.tparams.get().map(|t| &**t));
            }
            Type::Alias(alias) => {
                self.type_name(alias.obj);
                self.arguments(&alias.targs, alias.tparams.get().map(|t| &**t));
            }
            Type::TypeParam(p) => {
                let name = store.obj(p.obj).name;
                self.out.push_str(name.as_str());
                if store.universe().lookup(name).is_some() {
                    self.out.push_str("/* type parameter */");
                }
            }
        }
    }

    fn opt_typ(&mut self, t: Option<TypeId>) {
        match t {
            Some(t) => self.typ(t),
            None => self.out.push_str("<nil>"),
        }
    }

    fn interface(&mut self, t: TypeId, i: &Interface) {
        let universe = self.store.universe();
        if let Type::Named(comparable) = self.store.ty(universe.comparable_type)
            && comparable.rhs.get() == Some(t)
        {
            self.out.push_str("interface{comparable}");
            return;
        }
        if i.implicit {
            if let ([], [only]) = (&*i.methods, &*i.embeddeds) {
                self.typ(*only);
                return;
            }
            self.out.push_str("/* implicit */ ");
        }
        self.out.push_str("interface{");
        let mut first = true;
        let mut separate = |out: &mut String| {
            if !std::mem::take(&mut first) {
                out.push_str("; ");
            }
        };
        for &m in &i.methods {
            separate(self.out);
            let method = self.store.obj(m);
            self.out.push_str(method.name.as_str());
            match method.typ.get().map(|t| self.store.ty(t)) {
                Some(Type::Signature(sig)) => self.signature(sig),
                _ => self.out.push_str("<nil>"),
            }
        }
        for &e in &i.embeddeds {
            separate(self.out);
            self.typ(e);
        }
        self.out.push('}');
    }

    fn chan(&mut self, dir: ChanDir, elem: TypeId) {
        self.out.push_str(match dir {
            ChanDir::Both => "chan ",
            ChanDir::Send => "chan<- ",
            ChanDir::Recv => "<-chan ",
        });
        let parens = dir == ChanDir::Both
            && matches!(self.store.ty(elem), Type::Chan { dir: ChanDir::Recv, .. });
        if parens {
            self.out.push('(');
        }
        self.typ(elem);
        if parens {
            self.out.push(')');
        }
    }

    fn type_name(&mut self, obj: ObjId) {
        let o = self.store.obj(obj);
        if let Some(pkg) = o.pkg {
            let path = self.store.package(pkg).path;
            match self.local {
                None => {
                    self.out.push_str(path.as_str());
                    self.out.push('.');
                }
                Some(local) if self.store.package(local).path == path => {}
                Some(_) => {
                    let name = self.store.package(pkg).name.get().copied().unwrap_or(path);
                    self.out.push_str(name.as_str());
                    self.out.push('.');
                }
            }
        }
        self.out.push_str(o.name.as_str());
    }

    /// The type arguments of an instance, or the type parameters of a generic type.
    fn arguments(&mut self, targs: &[TypeId], tparams: Option<&[TypeId]>) {
        if targs.is_empty() {
            if let Some(tparams) = tparams.filter(|p| !p.is_empty()) {
                self.tparam_list(tparams);
            }
            return;
        }
        self.out.push('[');
        for (i, &t) in targs.iter().enumerate() {
            if i > 0 {
                self.out.push_str(", ");
            }
            self.typ(t);
        }
        self.out.push(']');
    }

    /// `[K, V any, P ~int]`: neighbours that share a constraint are written together.
    fn tparam_list(&mut self, tparams: &[TypeId]) {
        let bound = |t: TypeId| match self.store.ty(t) {
            Type::TypeParam(p) => p.bound.get(),
            _ => None,
        };
        let bounds: Vec<Option<TypeId>> = tparams.iter().map(|&t| bound(t)).collect();
        self.out.push('[');
        for (i, &t) in tparams.iter().enumerate() {
            if i > 0 {
                if bounds[i] != bounds[i - 1] {
                    self.out.push(' ');
                    self.opt_typ(bounds[i - 1]);
                }
                self.out.push_str(", ");
            }
            self.typ(t);
        }
        if let Some(Some(last)) = bounds.last() {
            self.out.push(' ');
            self.typ(*last);
        }
        self.out.push(']');
    }

    fn tuple(&mut self, vars: &[ObjId], variadic: bool) {
        self.out.push('(');
        for (i, &v) in vars.iter().enumerate() {
            if i > 0 {
                self.out.push_str(", ");
            }
            let var = self.store.obj(v);
            if !var.name.as_str().is_empty() {
                self.out.push_str(var.name.as_str());
                self.out.push(' ');
            }
            let Some(t) = var.typ.get() else {
                self.out.push_str("<nil>");
                continue;
            };
            if !variadic || i + 1 < vars.len() {
                self.typ(t);
            } else if let Type::Slice(elem) = self.store.ty(t) {
                self.out.push_str("...");
                self.typ(*elem);
            } else {
                // append([]byte, string...) and the like.
                self.typ(t);
                self.out.push_str("...");
            }
        }
        self.out.push(')');
    }

    fn signature(&mut self, sig: &Signature) {
        if !sig.tparams.is_empty() {
            self.tparam_list(&sig.tparams);
        }
        self.tuple(&sig.params, sig.variadic);
        match &*sig.results {
            [] => {}
            [only] if self.store.obj(*only).name.as_str().is_empty() => {
                self.out.push(' ');
                self.opt_typ(self.store.obj(*only).typ.get());
            }
            results => {
                self.out.push(' ');
                self.tuple(results, false);
            }
        }
    }
}

fn basic_name(b: Basic) -> &'static str {
    match b {
        Basic::Invalid => "invalid type",
        Basic::Bool => "bool",
        Basic::Int => "int",
        Basic::Int8 => "int8",
        Basic::Int16 => "int16",
        Basic::Int32 => "int32",
        Basic::Int64 => "int64",
        Basic::Uint => "uint",
        Basic::Uint8 => "uint8",
        Basic::Uint16 => "uint16",
        Basic::Uint32 => "uint32",
        Basic::Uint64 => "uint64",
        Basic::Uintptr => "uintptr",
        Basic::Float32 => "float32",
        Basic::Float64 => "float64",
        Basic::Complex64 => "complex64",
        Basic::Complex128 => "complex128",
        Basic::String => "string",
        Basic::UnsafePointer => "unsafe.Pointer",
        Basic::UntypedBool => "untyped bool",
        Basic::UntypedInt => "untyped int",
        Basic::UntypedRune => "untyped rune",
        Basic::UntypedFloat => "untyped float",
        Basic::UntypedComplex => "untyped complex",
        Basic::UntypedString => "untyped string",
        Basic::UntypedNil => "untyped nil",
        Basic::Byte => "byte",
        Basic::Rune => "rune",
    }
}
