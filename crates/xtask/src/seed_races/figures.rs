//! Counts of seeds and what was seen of them, and the page that shows them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::Seed;

/// What the command says about a seed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize)]
pub enum Verdict {
    /// The unbroken module has a finding at the variable: the seed does not count.
    Noisy,
    /// Nothing at the variable.
    Missed,
    /// A finding at the variable.
    Reported {
        /// One of a stable rule.
        stable: bool,
        /// One of confidence high.
        high: bool,
    },
}

impl Verdict {
    /// Both findings together.
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Reported { stable: a, high: b }, Self::Reported { stable: c, high: d }) => {
                Self::Reported { stable: a || c, high: b || d }
            }
            (Self::Reported { .. }, _) => self,
            _ => other,
        }
    }
}

#[derive(Clone, Copy, Default)]
struct Count {
    seeds: usize,
    noisy: usize,
    reported: usize,
    stable: usize,
    high: usize,
}

impl Count {
    fn add(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Noisy => self.noisy += 1,
            Verdict::Missed => self.seeds += 1,
            Verdict::Reported { stable, high } => {
                self.seeds += 1;
                self.reported += 1;
                self.stable += usize::from(stable);
                self.high += usize::from(high);
            }
        }
    }

    fn cells(self) -> String {
        let share = 100.0 * self.reported as f64 / self.seeds.max(1) as f64;
        let Self { seeds, noisy, reported, stable, high } = self;
        format!("{seeds} | {reported} | {share:.1}% | {high} | {stable} | {noisy}")
    }
}

/// All verdicts.
#[derive(Default)]
pub struct Figures {
    kinds: BTreeMap<&'static str, Count>,
    operators: BTreeMap<(String, bool), Count>,
    modules: BTreeMap<String, (Count, Count)>,
    misses: Vec<String>,
}

impl Figures {
    /// Counts a verdict.
    pub fn add(&mut self, module: &str, number: usize, seed: &Seed, verdict: Verdict) {
        self.kinds.entry("all").or_default().add(verdict);
        let kind = if seed.map { "map" } else { "other memory" };
        self.kinds.entry(kind).or_default().add(verdict);
        self.operators.entry((seed.operator.clone(), seed.map)).or_default().add(verdict);
        let own = self.modules.entry(module.to_owned()).or_default();
        own.0.add(verdict);
        if seed.map {
            own.1.add(verdict);
        }
        if verdict == Verdict::Missed {
            self.misses.push(format!(
                "{module} {number} {} {kind} {}",
                seed.operator,
                seed.shown()
            ));
        }
    }

    /// The missed seeds, a line each: module, number for `--apply`, operator, kind, where.
    pub fn misses(&self) -> &[String] {
        &self.misses
    }

    /// The page.
    pub fn page(&self, near: bool) -> String {
        let mut page = String::from(HEAD);
        if near {
            page += NEAR;
        }
        let heads =
            "seeds | reported | share | confidence high | by stable rules | not silent before";
        // Writing to a String cannot fail.
        let _ = writeln!(page, "\n| kind | {heads} |\n|---|---|---|---|---|---|---|");
        for (kind, count) in &self.kinds {
            let _ = writeln!(page, "| {kind} | {} |", count.cells());
        }
        let _ = writeln!(page, "\n| operator | of | {heads} |\n|---|---|---|---|---|---|---|---|");
        for ((operator, map), count) in &self.operators {
            let kind = if *map { "map" } else { "other memory" };
            let _ = writeln!(page, "| {operator} | {kind} | {} |", count.cells());
        }
        let _ = writeln!(
            page,
            "\n| module | {heads} | map seeds | reported | share |\n|---|---|---|---|---|---|---|---|---|---|"
        );
        for (module, (all, maps)) in &self.modules {
            let share = 100.0 * maps.reported as f64 / maps.seeds.max(1) as f64;
            let (cells, seeds, reported) = (all.cells(), maps.seeds, maps.reported);
            let _ = writeln!(page, "| {module} | {cells} | {seeds} | {reported} | {share:.1}% |");
        }
        page
    }
}

const NEAR: &str = "\nThese figures come from `--near`: after each edit, the package and those of its \
    module that import it were checked, not the whole module. The unbroken module was checked whole.\n";

const HEAD: &str = "# Races seeded into real code\n\n\
    `cargo xtask seed-races --module DIR …`: clean modules are broken in one place at a time, and `unpanic check \
    --preview` is run on each broken one. A seed is `reported` if a finding names the variable and has an access in \
    the function that was changed, or at another access to the variable in its package. A seed at whose variable (by \
    name, in its package) the unbroken module already has a finding does not count: `not silent before`. \
    Bars: 75% of the map seeds, 60% of all, at least 300 seeds over 8 modules.\n\n\
    | operator | what is done |\n|---|---|\n\
    | drop-lock | the Lock and Unlock of a method are removed |\n\
    | rlock | Lock becomes RLock around a write |\n\
    | other-mutex | another mutex of the struct is locked, or that of another instance |\n\
    | copy-struct | a method gets a value receiver: it locks a copy of the mutex, and uses the same map |\n\
    | drop-clone | a clone is left out before a map or slice is returned |\n\
    | return-map | the internal map or slice is returned instead of the copy that was filled from it |\n\
    | early-go | a goroutine starts before the last assignment to something that it uses |\n\
    | drop-wait | the Wait of a local WaitGroup or errgroup is removed before a result is used |\n\n\
    When a place is taken. For the locks (the first six): the field is accessed in its package through \
    variables only, and every access stands between the one Lock and the Unlocks of one mutex field of the same \
    variable, or in an unexported method that is only called there, or where the struct was made by the same function; \
    at least three functions access it under the lock, one of them writes, none writes under RLock. The function that \
    is changed and another one conflict (one of them writes); at least two others keep the lock; for rlock another \
    one reads under RLock. Functions that use sync.Cond, \
    generated files and tests are left out. A copy that is dropped was returned by a method that is exported or \
    called, and another function writes elements of the field. For early-go: pointer or captured variable, the \
    goroutine's closure or method (three calls deep, in the package) uses the field, the function takes no lock \
    before and does not wait in between. For drop-wait: a closure that the group waits for writes the variable, and it is \
    used after the only Wait and before anything that could wait too. Seeds are taken from each operator and kind \
    (map or not) in turn, spread evenly over the packages, once a function; each has been type-checked with its edit. \
    What this cannot see: a lock that every caller of the function holds as well, or callers that are never \
    concurrent.\n";
