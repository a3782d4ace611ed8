//! Traces of Go 1.11 to 1.21 (v1), given as the events of today's format. They have no generations: what is
//! needed to understand them stands at their end, and the events of a processor anywhere in between,
//! so that all of it has to be in memory before the first event can be given: the file, and 24 bytes
//! an event (half as much again while they are sorted). Hence the limits.
//!
//! `index` reads the bytes, `merge` puts the events in order, `check` corrects times and looks for
//! contradictions, `convert` says it in today's events.

mod check;
mod convert;
mod index;
mod merge;
mod wire;

use std::io::Read;

use crate::error::Error;
use crate::input::Input;
use crate::tables::Tables;
use convert::Converter;
use index::{Index, Record};

/// Largest file, in bytes.
const MAX_FILE: usize = 1 << 30;
/// Most events.
const MAX_EVENTS: usize = 1 << 26;

/// A whole trace, of which the next event can be had.
pub struct Trace {
    version: u32,
    events: std::vec::IntoIter<Record>,
    converter: Converter,
}

impl Trace {
    /// Reads all of it; what its events refer to comes into `tables`.
    pub fn read<R: Read>(
        input: &mut Input<R>,
        tables: &mut Tables,
        version: u32,
    ) -> Result<Self, Error> {
        if input.want(&mut tables.data, MAX_FILE + 1)? {
            return Err(Error::TooLarge(MAX_FILE as u64));
        }
        let mut index = Index::read(tables, input.pos, version, MAX_EVENTS)?;
        let end = tables.data.len() as u64;
        let malformed = |what| Error::Malformed { at: end, what };
        let mut events = merge::merge(&tables.data, &mut index, version)?;
        check::set_times(&mut events, &tables.data, &index, version).map_err(malformed)?;
        check::check(&mut events, &tables.data, &index, version)
            .map_err(|(at, what)| Error::Malformed { at: at as u64, what })?;
        let converter = Converter::new(tables, index).map_err(malformed)?;
        Ok(Self { version, events: events.into_iter(), converter })
    }

    /// Whether there are no events at all.
    pub fn is_empty(&self) -> bool {
        self.events.len() == 0
    }

    /// The next event, none at the end.
    pub fn next(&mut self, tables: &mut Tables) -> Result<Option<crate::Event>, Error> {
        loop {
            if let Some(event) = self.converter.waiting() {
                return Ok(Some(event));
            }
            let Some(record) = self.events.next() else { return Ok(None) };
            let event = self.converter.convert(&record, tables, self.version);
            let at = u64::from(record.at);
            if let Some(event) = event.map_err(|what| Error::Malformed { at, what })? {
                return Ok(Some(event));
            }
        }
    }
}
