//! Signals and waits of one function by what they are on. Apart from [`crate::timing`] because this
//! is an index: whoever asks about one channel does not look through the signals of all.

use base::FxHashMap;
use go_ir::{Gate, Gates, ValueId};

use crate::function::FuncAnalysis;
use crate::path::Path;
use crate::summary::{Token, Via};

/// Signals and waits by channel, wait group and the like.
#[derive(Default)]
pub(crate) struct Index {
    /// The signals of goroutines: which goroutine, and the number of the signal.
    pub givers: FxHashMap<Path, Vec<(u32, u32)>>,
    /// How many values goroutines send.
    thread_sends: FxHashMap<Path, Vec<(u32, u32)>>,
    /// Where the function itself sends, and how often.
    pub sends: FxHashMap<Path, Vec<(ValueId, u32)>>,
    /// Where it receives.
    pub receives: FxHashMap<Path, Vec<Gate>>,
    /// Signals that are waited for in several places, with the number of the list of places.
    pub joint: Vec<(Token, u32)>,
    /// The lists of places.
    pub places: Vec<Gates>,
    /// Each place where something is waited for, by itself.
    pub single: FxHashMap<Gate, Gates>,
}

impl Index {
    /// The goroutines that send on a channel, and how many values each.
    pub fn thread_sends(&self, chan: &Path) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.thread_sends.get(chan).into_iter().flatten().copied()
    }
}

impl FuncAnalysis<'_, '_> {
    /// Indexes the signals and waits.
    pub fn find_index(&self) -> Index {
        let mut index = Index::default();
        for (t, thread) in self.threads.iter().enumerate() {
            for (n, signal) in thread.signals.iter().enumerate() {
                let Token { path, via, count } = signal.token;
                index.givers.entry(path).or_default().push((t as u32, n as u32));
                if via == Via::Send {
                    let list = index.thread_sends.entry(path).or_default();
                    match list.last_mut() {
                        Some((last, n)) if *last == t as u32 => *n = n.saturating_add(count),
                        _ => list.push((t as u32, count)),
                    }
                }
            }
        }
        for (at, token) in self.signals.iter().filter(|s| s.1.via == Via::Send) {
            index.sends.entry(token.path).or_default().push((*at, token.count));
        }
        for (gate, token) in self.all_waits().filter(|w| w.1.via == Via::Send) {
            index.receives.entry(token.path).or_default().push(gate);
        }
        for (gate, _) in &self.waits {
            index.single.entry(*gate).or_insert_with(|| self.order.gates(vec![*gate]));
        }
        self.find_joint_waits(&mut index);
        index
    }

    /// What is waited for, and what the arms of a `select` wait for.
    pub fn all_waits(&self) -> impl Iterator<Item = (Gate, &Token)> + '_ {
        let arms = self.arms.iter().map(|(select, _, t)| (Gate::After(*select), t));
        self.waits.iter().map(|w| (w.0, &w.1)).chain(arms)
    }

    /// Signals that are waited for in several places: on one way here, on another there.
    fn find_joint_waits(&self, index: &mut Index) {
        let mut all: Vec<(Token, Vec<Gate>)> = Vec::new();
        let mut known: FxHashMap<(Path, Via), usize> = FxHashMap::default();
        for (gate, token) in self.all_waits() {
            let next = all.len();
            let n = *known.entry((token.path, token.via)).or_insert(next);
            match all.get_mut(n) {
                Some((known, gates)) => {
                    known.count = known.count.min(token.count);
                    gates.push(gate);
                }
                None => all.push((*token, vec![gate])),
            }
        }
        all.retain(|(_, gates)| gates.len() > 1);
        // One call brings many signals: they are waited for at the same places.
        let mut lists: FxHashMap<Vec<(bool, u32)>, u32> = FxHashMap::default();
        for (token, mut gates) in all {
            let mut keys: Vec<(bool, u32)> = Vec::with_capacity(gates.len());
            gates.retain(|&gate| {
                let key = match gate {
                    Gate::After(v) => (true, v.to_raw()),
                    Gate::Entering(block) => (false, block.to_raw()),
                };
                let is_new = !keys.contains(&key);
                keys.push(key);
                is_new
            });
            keys.sort_unstable();
            keys.dedup();
            let n = *lists.entry(keys).or_insert_with(|| {
                index.places.push(self.order.gates(gates));
                index.places.len() as u32 - 1
            });
            index.joint.push((token, n));
        }
    }
}
