//! The two phases of a package's check (declarations, then bodies), and what is put off in each.

use crate::checker::{Body, Checker, Delayed, Env};
use crate::info::PackageInfo;

impl<'a> Checker<'a> {
    /// Checks what importers need: all declarations, but neither function bodies nor initialisers
    /// of variables with a written type.
    pub(crate) fn check_declarations(&mut self) {
        self.collect_objects();
        self.direct_cycles();
        self.package_objects();
        self.process_delayed(0);
        self.env = Env::default();
    }

    /// Checks the rest.
    pub(crate) fn check_all_bodies(&mut self) {
        self.in_bodies = true;
        let scopes = self.scopes.len();
        let bodies = std::mem::take(&mut self.bodies);
        for body in bodies {
            self.check_body(body);
            self.scopes.as_mut_vec().truncate(scopes);
        }
        self.env = Env::default();
        self.init_order = self.init_order();
        self.instantiation_cycles();
        self.unused_imports();
    }

    /// What was found out.
    pub(crate) fn into_info(self) -> PackageInfo {
        PackageInfo {
            pkg: self.pkg,
            files: self.files,
            init_order: self.init_order,
            bodies: self.in_bodies,
        }
    }

    /// Puts `action` off: to the end of the current statement inside a function, else until all
    /// declarations have been checked.
    pub(crate) fn later(&mut self, action: impl FnOnce(&mut Self) + Send + 'a) {
        self.delayed.push(Some(Delayed { file: self.env.file, action: Box::new(action) }));
    }

    /// Puts the body of a function literal off: as [`Self::later`] inside a function; in an
    /// initialiser until bodies are checked.
    pub(crate) fn later_body(&mut self, action: impl FnOnce(&mut Self) + Send + 'a) {
        if self.in_bodies {
            self.later(action);
        } else {
            let file = self.env.file;
            self.bodies.push(Body::Literal(Delayed { file, action: Box::new(action) }));
        }
    }

    /// Does what was put off since `delayed` had `top` entries, and what that puts off.
    pub(crate) fn process_delayed(&mut self, top: usize) {
        let file = self.env.file;
        let mut next = top;
        while next < self.delayed.len() {
            if let Some(delayed) = self.delayed[next].take() {
                self.env.file = delayed.file;
                (delayed.action)(self);
            }
            next += 1;
        }
        self.delayed.truncate(top);
        self.env.file = file;
    }

    /// Does one thing that waited for the check of bodies.
    pub(crate) fn check_body(&mut self, body: Body<'a>) {
        match body {
            Body::Func { file, decl, sig, scope, body } => {
                self.func_body(file, Some(decl), sig, scope, body, None);
            }
            Body::Init { obj, init, env } => self.delayed_var_init(obj, init, env),
            Body::Literal(delayed) => {
                self.env.file = delayed.file;
                (delayed.action)(self);
            }
        }
        self.process_delayed(0);
    }
}
