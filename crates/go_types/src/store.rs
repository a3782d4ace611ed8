//! The arenas that all packages of a run share. Types and objects are appended from many threads
//! and never move, so an id is good for the whole run and reading takes no lock.
//!
//! A package is written by one thread until its declarations are complete; importers start after
//! that. What is filled later still (underlying types and methods of instances) sits behind
//! atomics or `OnceLock`s and comes out the same whoever fills it first.

use std::sync::OnceLock;

use base::{FxHashMap, Id, Symbol, define_id};

use crate::instances::Instances;
use crate::object::Object;
use crate::types::{Basic, Type};
use crate::universe::{self, Universe};

define_id! {
    /// A type. Two ids may denote identical types: ask `identical`.
    pub struct TypeId;
}
define_id! {
    /// A declared thing: constant, type name, variable, field, function, package name, label.
    pub struct ObjId;
}
define_id! {
    /// A package as the type checker sees it.
    pub struct PkgId;
}

/// A package as importers see it.
#[derive(Debug)]
pub struct TypesPackage {
    /// Import path as `TypeString` prints it (no test-variant suffix).
    pub path: Symbol,
    /// The name in the package clause; set when the package is collected.
    pub name: OnceLock<Symbol>,
    /// The package scope; set when all its names are collected.
    pub scope: OnceLock<FxHashMap<Symbol, ObjId>>,
    /// Whether its source was not there: every selection from it is invalid without an error.
    pub fake: bool,
}

/// All types, objects and packages of a run.
#[derive(Debug)]
pub struct Store {
    types: boxcar::Vec<Type>,
    objects: boxcar::Vec<Object>,
    packages: boxcar::Vec<TypesPackage>,
    universe: OnceLock<Universe>,
    pub(crate) instances: Instances,
}

impl Default for Store {
    fn default() -> Self {
        Self::new()
    }
}

impl Store {
    /// A store with the universe and package unsafe in it.
    pub fn new() -> Self {
        let store = Self {
            types: boxcar::Vec::new(),
            objects: boxcar::Vec::new(),
            packages: boxcar::Vec::new(),
            universe: OnceLock::new(),
            instances: Instances::default(),
        };
        let universe = universe::build(&store);
        store.universe.get_or_init(|| universe);
        store
    }
    /// The predeclared things.
    #[inline]
    pub fn universe(&self) -> &Universe {
        self.universe.get().expect("a store is made with its universe")
    }
    /// A predeclared type.
    #[inline]
    pub fn basic(&self, basic: Basic) -> TypeId {
        universe::basic_id(basic)
    }
    /// The type of what could not be typed.
    #[inline]
    pub fn invalid(&self) -> TypeId {
        universe::basic_id(Basic::Invalid)
    }
    /// Adds a type.
    pub fn new_type(&self, t: Type) -> TypeId {
        TypeId::from_index(self.types.push(t))
    }
    /// The type of an id, aliases and names as they are.
    #[inline]
    pub fn ty(&self, id: TypeId) -> &Type {
        &self.types[id.index()]
    }
    /// Adds an object.
    pub fn new_obj(&self, o: Object) -> ObjId {
        ObjId::from_index(self.objects.push(o))
    }
    /// The object of an id.
    #[inline]
    pub fn obj(&self, id: ObjId) -> &Object {
        &self.objects[id.index()]
    }
    /// Adds a package.
    pub fn new_package(&self, path: Symbol, fake: bool) -> PkgId {
        let package = TypesPackage { path, name: OnceLock::new(), scope: OnceLock::new(), fake };
        PkgId::from_index(self.packages.push(package))
    }
    /// The package of an id.
    pub fn package(&self, id: PkgId) -> &TypesPackage {
        &self.packages[id.index()]
    }

    /// All packages of the run, imported ones included.
    pub fn packages(&self) -> impl Iterator<Item = &TypesPackage> {
        self.packages.iter().map(|(_, package)| package)
    }
    /// The package-level object of that name.
    pub fn lookup(&self, pkg: PkgId, name: Symbol) -> Option<ObjId> {
        self.package(pkg).scope.get()?.get(&name).copied()
    }
    /// How many types and objects there are, for ledgers.
    pub fn counts(&self) -> (usize, usize) {
        (self.types.count(), self.objects.count())
    }
}
