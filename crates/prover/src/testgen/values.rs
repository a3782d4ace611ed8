//! Values for receivers and arguments, as Go expressions: what a reader would write to call a function
//! without knowing more of it.

use base::Symbol;
use go_types::{
    Basic, ObjId, ObjKind, PkgId, Signature, Store, Struct, Type, TypeId, identical, implements,
    type_string, unalias, under,
};

use super::generics::{instances_for, signature_of};
use super::names::{Names, is_exported};

/// Constructors of constructors are followed so far.
const MAX_DEPTH: usize = 4;

/// Why a value cannot be made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Refusal(pub String);

type Made = Result<String, Refusal>;

/// A function that gives a value.
struct Constructor<'a> {
    obj: ObjId,
    targs: Vec<TypeId>,
    signature: &'a Signature,
    /// Whether it returns an error too.
    fails: bool,
}

/// Makes values.
pub(crate) struct Values<'a> {
    /// All types and objects.
    pub store: &'a Store,
    /// The test's package.
    pub pkg: PkgId,
    /// Its names.
    pub names: Names<'a>,
    /// Statements of a round, before the goroutines start.
    pub setup: Vec<String>,
    /// What was taken for granted.
    pub assumed: Vec<String>,
    /// Names that are made once a round, with their types.
    shared: Vec<(TypeId, String)>,
    /// Types that are being made: a value of one does not hold another.
    open: Vec<TypeId>,
    /// The packages of the program's own.
    own: Vec<PkgId>,
    /// Whether constructors that return an error are called.
    fallible: bool,
    /// Whether requests are made.
    pub requests: bool,
}

impl<'a> Values<'a> {
    /// For a test in a package.
    pub fn new(store: &'a Store, pkg: PkgId, own: Vec<PkgId>, fallible: bool) -> Self {
        let names = Names::new(store, pkg);
        Self {
            store,
            pkg,
            names,
            setup: Vec::new(),
            assumed: Vec::new(),
            shared: Vec::new(),
            open: Vec::new(),
            own,
            fallible,
            requests: false,
        }
    }

    /// Tells what is taken for granted, once.
    pub fn assume(&mut self, text: String) {
        if !self.assumed.contains(&text) {
            self.assumed.push(text);
        }
    }

    /// A value that all goroutines of a round share.
    pub fn shared(&mut self, t: TypeId) -> Made {
        let (base, pointer) = self.base(t);
        // Maps and interfaces share what they refer to; all else is shared by its address.
        let refers = matches!(
            self.store.ty(under(self.store, base)),
            Type::Map { .. } | Type::Interface(_) | Type::Chan { .. } | Type::Signature(_)
        );
        let known = self.shared.iter().find(|(own, _)| identical(self.store, *own, base));
        if let Some((_, name)) = known {
            let plain = pointer || refers;
            return Ok(if plain { name.clone() } else { format!("(*{name})") });
        }
        if refers && !pointer {
            let value = self.value(t, 1)?;
            let name = self.names.variable();
            self.shared.push((base, name.clone()));
            self.setup.push(format!("{name} := {value}"));
            return Ok(name);
        }
        let value = self.pointer_to(base, 1)?;
        let name = self.names.variable();
        self.setup.push(format!("{name} := {value}"));
        self.shared.push((base, name.clone()));
        Ok(if pointer { name } else { format!("(*{name})") })
    }

    fn base(&self, t: TypeId) -> (TypeId, bool) {
        match self.store.ty(unalias(self.store, t)) {
            Type::Pointer(base) => (*base, true),
            _ => (t, false),
        }
    }

    /// A value of a type; basic ones depend on the number of the call.
    pub fn value(&mut self, t: TypeId, depth: usize) -> Made {
        if depth > MAX_DEPTH {
            return Err(Refusal("its values take too many others".to_owned()));
        }
        let store = self.store;
        let own = unalias(store, t);
        if let Some(text) = self.known(own, depth)? {
            return Ok(text);
        }
        match store.ty(under(store, own)) {
            Type::Basic(basic) => self.basic(own, *basic, depth),
            Type::Pointer(base) => self.pointer_to(*base, depth),
            Type::Map { .. } | Type::Slice(_) | Type::Array { .. } => {
                if let Ok(made) = self.constructed(own, depth) {
                    return Ok(made);
                }
                let element = self.element(own, depth)?;
                Ok(format!("{}{{{element}}}", self.names.type_text(own)?))
            }
            Type::Struct(_) => match self.constructed(own, depth) {
                Ok(value) => Ok(value),
                Err(_) => self.literal(own, depth),
            },
            Type::Signature(signature) => {
                let text = self.names.signature(signature, true)?;
                self.assume(format!(
                    "a function that does nothing stands for {}",
                    type_string(store, own)
                ));
                Ok(format!(
                    "func{text} {}",
                    if signature.results.is_empty() { "{}" } else { "{ return }" }
                ))
            }
            Type::Interface(_) => self.implementation(own, depth),
            _ => Err(Refusal(format!("no value of {} can be made", type_string(store, own)))),
        }
    }

    /// What an argument that is a map or a slice holds, lest a loop over it does nothing: one element, if
    /// that is basic.
    fn element(&mut self, t: TypeId, depth: usize) -> Made {
        let store = self.store;
        let is_basic = |t: TypeId| matches!(store.ty(under(store, t)), Type::Basic(_));
        match *store.ty(under(store, t)) {
            Type::Map { key, elem } if depth == 0 && is_basic(key) && is_basic(elem) => {
                Ok(format!("{}: {}", self.value(key, 0)?, self.value(elem, 0)?))
            }
            Type::Slice(elem) if depth == 0 && is_basic(elem) => self.value(elem, 0),
            _ => Ok(String::new()),
        }
    }

    /// In a round's setup they are fixed, in a call they depend on its number.
    fn basic(&mut self, t: TypeId, basic: Basic, depth: usize) -> Made {
        let n = self.names.local("n");
        let number = if depth == 0 { format!("{n}%64") } else { "16".to_owned() };
        let text = match basic {
            Basic::Bool => {
                let text = if depth == 0 { format!("{n}%2 == 0") } else { "false".to_owned() };
                return self.converted(t, Basic::Bool, text);
            }
            Basic::String => {
                let text = self.string(depth);
                return self.converted(t, Basic::String, text);
            }
            Basic::Int => return self.converted(t, Basic::Int, number),
            Basic::Complex64 => format!("complex(float32({number}), 0)"),
            Basic::Complex128 => format!("complex(float64({number}), 0)"),
            Basic::Invalid | Basic::UnsafePointer | Basic::UntypedNil => {
                let text = type_string(self.store, t);
                return Err(Refusal(format!("no value of {text} can be made")));
            }
            _ => number,
        };
        Ok(format!("{}({text})", self.names.type_text(t)?))
    }

    fn string(&mut self, depth: usize) -> String {
        if depth > 0 {
            return "\"a\"".to_owned();
        }
        format!("{}.Itoa({})", self.names.std("strconv"), self.names.local("n"))
    }

    /// An expression of a predeclared type, converted where another is wanted.
    fn converted(&mut self, t: TypeId, from: Basic, text: String) -> Made {
        if identical(self.store, t, self.store.basic(from)) {
            return Ok(text);
        }
        Ok(format!("{}({text})", self.names.type_text(t)?))
    }

    /// Types of the standard library that everybody knows how to make.
    fn known(&mut self, t: TypeId, depth: usize) -> Result<Option<String>, Refusal> {
        let (base, pointer) = self.base(t);
        let Type::Named(named) = self.store.ty(unalias(self.store, base)) else { return Ok(None) };
        let object = self.store.obj(named.obj);
        let Some(pkg) = object.pkg else {
            return Ok((object.name.as_str() == "error").then(|| "error(nil)".to_owned()));
        };
        let path = self.store.package(pkg).path.as_str();
        Ok(Some(match (path, object.name.as_str(), pointer) {
            ("context", "Context", false) => self.context(t)?,
            ("net/http", "ResponseWriter", false) => {
                format!("{}.NewRecorder()", self.names.std("net/http/httptest"))
            }
            ("net/http", "Request", true) => {
                let number = if depth == 0 { self.names.local("n") } else { "0".to_owned() };
                self.requests = true;
                format!("{}({number})", self.names.local("request"))
            }
            ("net/http", "Handler", false) => {
                self.assume("a handler that does nothing comes next".to_owned());
                let http = self.names.std("net/http");
                format!("{http}.HandlerFunc(func({http}.ResponseWriter, *{http}.Request) {{}})")
            }
            ("io", "Reader", false) => {
                let text = self.string(depth);
                format!("{}.NewReader({text})", self.names.std("strings"))
            }
            ("io", "Writer", false) => format!("{}.Discard", self.names.std("io")),
            ("time", "Time", false) => format!("{}.Now()", self.names.std("time")),
            ("time", "Duration", false) => format!("{}.Second", self.names.std("time")),
            ("testing", _, true) => {
                return Err(Refusal("it is a function for tests".to_owned()));
            }
            _ => return Ok(None),
        }))
    }

    /// `context.Background()` with what the package's own functions put into it.
    fn context(&mut self, t: TypeId) -> Made {
        let known = self.shared.iter().find(|(own, _)| identical(self.store, *own, t));
        if let Some((_, name)) = known {
            return Ok(name.clone());
        }
        let name = self.names.variable();
        let background = format!("{}.Background()", self.names.std("context"));
        // Whoever asks for a context while this one is made gets it as it is so far.
        self.shared.push((t, name.clone()));
        self.setup.push(format!("{name} := {background}"));
        for obj in self.functions(self.pkg) {
            let Some(signature) = self.function(obj) else { continue };
            let takes = signature.params.first().and_then(|&p| self.store.obj(p).typ.get());
            let gives: Vec<TypeId> =
                signature.results.iter().filter_map(|&r| self.store.obj(r).typ.get()).collect();
            let same = |other: TypeId| identical(self.store, unalias(self.store, other), t);
            if !takes.is_some_and(same) || !matches!(gives[..], [only] if same(only)) {
                continue;
            }
            let before = self.setup.len();
            match self.arguments(signature, 1, 1, &mut |values, _, t, depth| values.value(t, depth))
            {
                Ok(arguments) => {
                    let function = self.store.obj(obj).name;
                    let comma = if arguments.is_empty() { "" } else { ", " };
                    self.setup.push(format!("{name} = {function}({name}{comma}{arguments})"));
                    self.assume(format!("the context is what `{function}` gives"));
                }
                Err(_) => self.setup.truncate(before),
            }
        }
        Ok(name)
    }

    /// Arguments of a call from the `first` parameter on, separated by commas. Variadic ones are left
    /// out.
    pub fn arguments(
        &mut self,
        signature: &Signature,
        first: usize,
        depth: usize,
        make: &mut dyn FnMut(&mut Self, ObjId, TypeId, usize) -> Made,
    ) -> Made {
        let count = signature.params.len() - usize::from(signature.variadic);
        let mut arguments = Vec::new();
        for &param in signature.params[..count].iter().skip(first) {
            let t = self.names.type_of(param)?;
            let made = make(self, param, t, depth).map_err(|Refusal(reason)| {
                Refusal(format!(
                    "no argument `{}` can be made: {reason}",
                    self.store.obj(param).name
                ))
            })?;
            arguments.push(made);
        }
        Ok(arguments.join(", "))
    }

    /// A pointer to a new value.
    fn pointer_to(&mut self, base: TypeId, depth: usize) -> Made {
        let store = self.store;
        let own = unalias(store, base);
        if let Ok(value) = self.constructed_as(own, true, depth) {
            return Ok(value);
        }
        match store.ty(under(store, own)) {
            Type::Struct(_) => {
                if let Ok(value) = self.constructed_as(own, false, depth) {
                    return self.address(&value);
                }
                Ok(format!("&{}", self.literal(own, depth)?))
            }
            _ => {
                let value = self.value(own, depth + 1)?;
                self.address(&value)
            }
        }
    }

    /// The address of a value, which takes a variable.
    fn address(&mut self, value: &str) -> Made {
        let name = self.names.variable();
        self.setup.push(format!("{name} := {value}"));
        Ok(format!("&{name}"))
    }

    /// The functions of a package, by name.
    fn functions(&self, pkg: PkgId) -> Vec<ObjId> {
        let Some(scope) = self.store.package(pkg).scope.get() else { return Vec::new() };
        let is_function = |obj: &ObjId| matches!(self.store.obj(*obj).kind, ObjKind::Func { .. });
        let mut functions: Vec<ObjId> = scope.values().copied().filter(is_function).collect();
        functions.sort_by_key(|&obj| self.store.obj(obj).name.as_str());
        functions
    }

    fn function(&self, obj: ObjId) -> Option<&'a Signature> {
        match self.store.ty(self.store.obj(obj).typ.get()?) {
            Type::Signature(s) if s.tparams.is_empty() && s.recv.is_none() => Some(s),
            _ => None,
        }
    }

    fn constructed(&mut self, t: TypeId, depth: usize) -> Made {
        if let Ok(value) = self.constructed_as(t, false, depth) {
            return Ok(value);
        }
        self.constructed_as(t, true, depth).map(|value| format!("*{value}"))
    }

    /// What a constructor gives: a function of the type's package named New…, new… or make….
    fn constructed_as(&mut self, t: TypeId, pointer: bool, depth: usize) -> Made {
        let none = || Refusal("there is no constructor".to_owned());
        let Type::Named(named) = self.store.ty(t) else { return Err(none()) };
        let pkg = self.store.obj(named.obj).pkg.ok_or_else(none)?;
        if self.open.contains(&t) || depth > MAX_DEPTH {
            return Err(none());
        }
        let foreign = pkg != self.pkg;
        let mut candidates: Vec<Constructor<'_>> = Vec::new();
        for obj in self.functions(pkg) {
            let name = self.store.obj(obj).name.as_str();
            let starts = ["New", "new", "Make", "make", "Open", "open"];
            if !starts.iter().any(|s| name.starts_with(s)) || foreign && !is_exported(name) {
                continue;
            }
            for (targs, function) in instances_for(self.store, obj, &named.targs) {
                let Some(signature) = signature_of(self.store, function) else { continue };
                let gives: Vec<TypeId> =
                    signature.results.iter().filter_map(|&r| self.store.obj(r).typ.get()).collect();
                let is_error = |e: TypeId| type_string(self.store, e) == "error";
                let (first, fails) = match gives[..] {
                    [only] => (only, false),
                    [first, error] if self.fallible && is_error(error) => (first, true),
                    _ => continue,
                };
                let fits = match self.store.ty(unalias(self.store, first)) {
                    Type::Pointer(base) => pointer && identical(self.store, *base, t),
                    _ => !pointer && identical(self.store, first, t),
                };
                if fits {
                    candidates.push(Constructor { obj, targs, signature, fails });
                }
            }
        }
        candidates.sort_by_key(|candidate| candidate.signature.params.len());
        self.open.push(t);
        let made = candidates.iter().find_map(|candidate| self.call(candidate, depth).ok());
        self.open.pop();
        made.ok_or_else(none)
    }

    fn call(&mut self, constructor: &Constructor<'_>, depth: usize) -> Made {
        let &Constructor { obj, ref targs, signature, fails } = constructor;
        let (setup, assumed) = (self.setup.len(), self.assumed.len());
        let made = self
            .arguments(signature, 0, depth + 1, &mut |values, _, t, depth| values.value(t, depth));
        let made = made
            .and_then(|arguments| Ok(format!("{}({arguments})", self.names.instance(obj, targs)?)));
        let value = match made {
            Ok(value) => value,
            Err(refusal) => {
                self.setup.truncate(setup);
                self.assumed.truncate(assumed);
                return Err(refusal);
            }
        };
        let name = self.store.obj(obj).name;
        self.assume(format!("`{name}` makes a value that is fit for use"));
        if !fails {
            return Ok(value);
        }
        let variable = self.names.variable();
        let t = self.names.local("t");
        self.setup
            .push(format!("{variable}, err := {value}\nif err != nil {{\n\t{t}.Fatal(err)\n}}"));
        Ok(variable)
    }

    /// A composite literal with what a method could not do without: maps, functions, own structs.
    fn literal(&mut self, t: TypeId, depth: usize) -> Made {
        let store = self.store;
        let text = self.names.type_text(t)?;
        let Type::Struct(fields) = store.ty(under(store, t)) else {
            return Err(Refusal(format!("{text} is no struct")));
        };
        let pkg = match store.ty(t) {
            Type::Named(named) => store.obj(named.obj).pkg,
            _ => Some(self.pkg),
        };
        if self.open.contains(&t) {
            return Err(Refusal(format!("{text} holds itself")));
        }
        self.open.push(t);
        let parts = self.fields(fields, pkg == Some(self.pkg), depth);
        self.open.pop();
        if self.is_standard(t) {
            return Ok(format!("{text}{{}}"));
        }
        self.assume(format!("`{text}{{{}}}` is fit for use", parts.join(", ")));
        Ok(format!("{text}{{{}}}", parts.join(", ")))
    }

    fn fields(&mut self, fields: &Struct, own: bool, depth: usize) -> Vec<String> {
        let mut parts = Vec::new();
        for &field in &fields.fields {
            let object = self.store.obj(field);
            let name = object.name.as_str();
            if name == "_" || !own && !is_exported(name) {
                continue;
            }
            let Some(t) = object.typ.get() else { continue };
            let wanted = match self.store.ty(under(self.store, t)) {
                Type::Map { .. } | Type::Signature(_) => true,
                Type::Struct(_) | Type::Pointer(_) | Type::Interface(_) => {
                    own && !self.is_standard(self.base(t).0)
                }
                _ => false,
            };
            if !wanted {
                continue;
            }
            let (setup, assumed) = (self.setup.len(), self.assumed.len());
            match self.value(t, depth + 1) {
                Ok(value) => parts.push(format!("{name}: {value}")),
                Err(_) => {
                    self.setup.truncate(setup);
                    self.assumed.truncate(assumed);
                }
            }
        }
        parts
    }

    /// A type that is known to implement an interface: one that a constructor without parameters of the
    /// interface's package gives, or one of the test's package or of the interface's.
    fn implementation(&mut self, t: TypeId, depth: usize) -> Made {
        let store = self.store;
        let Type::Interface(interface) = store.ty(under(store, t)) else {
            return Err(Refusal("it is no interface".to_owned()));
        };
        if interface.methods.is_empty() && interface.embeddeds.is_empty() {
            return Ok(self.string(depth));
        }
        let unknown =
            || Refusal(format!("no implementation of {} is known", type_string(store, t)));
        let Type::Named(named) = store.ty(t) else { return Err(unknown()) };
        let pkg = store.obj(named.obj).pkg.ok_or_else(unknown)?;
        for obj in self.functions(pkg) {
            let name = store.obj(obj).name.as_str();
            let Some(signature) = self.function(obj) else { continue };
            if !signature.params.is_empty() || !name.starts_with("New") {
                continue;
            }
            let [result] = signature.results[..] else { continue };
            let gives = store.obj(result).typ.get();
            if gives.is_some_and(|gives| implements(store, gives, t))
                && let Ok(call) = self.names.object(obj)
            {
                self.assume(format!("`{call}()` stands for {}", type_string(store, t)));
                return Ok(format!("{call}()"));
            }
        }
        let mut types = self.plain_types(self.pkg);
        // Those of the standard library are nothing without what gives them: a connection, a file.
        if pkg != self.pkg && !self.is_standard(t) {
            types.extend(self.plain_types(pkg));
        }
        for (name, of) in types {
            let made = if implements(store, of, t) {
                self.value(of, depth + 1)
            } else if implements(store, store.new_type(Type::Pointer(of)), t) {
                self.pointer_to(of, depth + 1)
            } else {
                continue;
            };
            if let Ok(made) = made {
                self.assume(format!("`{name}` stands for {}", type_string(store, t)));
                return Ok(made);
            }
        }
        Err(unknown())
    }

    /// The types of a package that a value could have, by name: neither interfaces nor generic, and such as the
    /// test can name.
    fn plain_types(&self, pkg: PkgId) -> Vec<(Symbol, TypeId)> {
        let store = self.store;
        let Some(scope) = store.package(pkg).scope.get() else { return Vec::new() };
        let plain = |&obj: &ObjId| {
            let object = store.obj(obj);
            let ObjKind::TypeName = object.kind else { return None };
            let of = object.typ.get()?;
            let Type::Named(named) = store.ty(of) else { return None };
            let generic = named.tparams.get().is_some_and(|params| !params.is_empty());
            let interface = matches!(store.ty(under(store, of)), Type::Interface(_));
            let visible = pkg == self.pkg || is_exported(object.name.as_str());
            (visible && !generic && !interface).then_some((object.name, of))
        };
        let mut types: Vec<(Symbol, TypeId)> = scope.values().filter_map(plain).collect();
        types.sort_by_key(|(name, _)| name.as_str());
        types
    }

    /// Whether a type is one of the standard library, whose zero value is what its documentation says.
    fn is_standard(&self, t: TypeId) -> bool {
        let Type::Named(named) = self.store.ty(unalias(self.store, t)) else { return false };
        let Some(pkg) = self.store.obj(named.obj).pkg else { return true };
        let path = self.store.package(pkg).path.as_str();
        !self.own.contains(&pkg) && !path.split('/').next().unwrap_or("").contains('.')
    }
}
