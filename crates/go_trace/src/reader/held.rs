//! The ways of the reader that are seldom gone: what happens when the earliest event has to wait, when a
//! generation is cut off, and when the trace is of an old Go.

use std::io::Read;

use super::{Reader, Salvage, State};
use crate::error::Error;
use crate::event::Event;
use crate::resume::Resumed;
use crate::v1;

impl<R: Read> Reader<R> {
    /// The first thread's event has to wait.
    #[inline(never)]
    pub(super) fn after_held(&mut self) -> Result<Option<Event>, Error> {
        match self.try_others() {
            Ok(Some(event)) => Ok(Some(self.timed(event))),
            Ok(None) => self.next_event(),
            Err(error) => Err(self.stop(error)),
        }
    }

    /// The next event of a trace of v1.
    #[cold]
    pub(super) fn next_old(&mut self) -> Result<Option<Event>, Error> {
        if self.old.is_none() {
            let trace = v1::Trace::read(&mut self.input, &mut self.tables, self.version)?;
            // Its times begin with 0, and its first mark stands before.
            self.last = -2;
            let empty = trace.is_empty();
            self.old = Some(Box::new(trace));
            if !empty {
                return Ok(Some(self.sync(-1, true)));
            }
        }
        let Some(old) = &mut self.old else { return Ok(None) };
        let next = old.next(&mut self.tables)?;
        if next.is_none() {
            self.state = State::Done;
            return Ok(Some(self.sync(self.last.max(-1).wrapping_add(1), false)));
        }
        Ok(next)
    }

    /// The earliest event is held: the first of the others that may pass, in the order of time.
    fn try_others(&mut self) -> Result<Option<Event>, Error> {
        loop {
            self.spend(self.heap.0.len() as u64)?;
            if self.heap.0.is_empty() {
                return Ok(None);
            }
            self.heap.0.sort_by_key(|&(time, _)| time);
            for i in 1..self.heap.0.len() {
                if let Some(event) = self.try_thread(i)? {
                    return Ok(Some(event));
                }
            }
            if !self.lenient {
                return Err(Error::Stuck { generation: self.generation.number });
            }
            match self.resume()? {
                Resumed::After(event) => return Ok(Some(event)),
                Resumed::Yes => {}
                Resumed::Not => {
                    self.saved().dropped += 1;
                    self.refresh(0)?;
                }
            }
            match self.heap.0.first() {
                // A sample may come before what is the earliest one now.
                Some(&(time, _)) if time <= self.sample_time => {
                    if let Some(event) = self.try_thread(0)? {
                        return Ok(Some(event));
                    }
                }
                _ => return Ok(None),
            }
        }
    }

    /// Of a generation that is cut off: makes the earliest event pass if what is missing can be supposed.
    fn resume(&mut self) -> Result<Resumed, Error> {
        let cursor = &mut self.cursors[self.heap.0[0].1 as usize];
        let Ok(cx) = self.order.context(cursor.thread, &mut cursor.place) else {
            return Ok(Resumed::Not);
        };
        let resumed = self.order.resume(&cursor.raw, cx);
        (self.order.len, self.given) = (0, 0);
        let work = std::mem::take(&mut self.order.work);
        if !matches!(resumed, Resumed::Not) {
            self.saved().gaps += 1;
        }
        self.spend(work)?;
        Ok(resumed)
    }

    /// What is told of a generation that is cut off.
    pub(super) fn saved(&mut self) -> &mut Salvage {
        let generation = self.generation.number;
        self.salvage.get_or_insert(Salvage { generation, dropped: 0, gaps: 0 })
    }

    pub(super) fn spend(&mut self, steps: u64) -> Result<(), Error> {
        match self.patience.checked_sub(steps) {
            Some(left) => {
                self.patience = left;
                Ok(())
            }
            None if self.lenient => {
                self.saved();
                self.skip_generation();
                Ok(())
            }
            None => Err(Error::Tangled { generation: self.generation.number }),
        }
    }
}
