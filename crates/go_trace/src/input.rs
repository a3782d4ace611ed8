//! The bytes of one generation, read in large pieces into one buffer that batches, strings and
//! events then point into: nothing is copied out.

use std::io::Read;

use crate::error::Error;

/// How much is read at a time.
const PIECE: usize = 1 << 20;

/// Fills a buffer that reaches from the start of the current generation to what has been read. The
/// buffer itself belongs to the generation's tables.
pub struct Input<R> {
    read: R,
    /// The next byte to be looked at.
    pub pos: usize,
    /// Offset into the file of the buffer's first byte.
    base: u64,
    ended: bool,
}

impl<R: Read> Input<R> {
    /// An empty window at the start.
    pub fn new(read: R) -> Self {
        Self { read, pos: 0, base: 0, ended: false }
    }

    /// Makes `n` bytes from `pos` on available if the file has them; whether it does.
    pub fn want(&mut self, data: &mut Vec<u8>, n: usize) -> Result<bool, Error> {
        while data.len() - self.pos < n && !self.ended {
            let room = data.capacity() - data.len();
            if room < PIECE {
                // A quarter more rather than twice as much: peak memory is what is promised.
                data.reserve_exact(PIECE.max(data.len() / 4));
            }
            let got = self.read.by_ref().take(PIECE as u64).read_to_end(data)?;
            self.ended = got < PIECE;
        }
        Ok(data.len() - self.pos >= n)
    }

    /// Forgets what lies before `pos`.
    pub fn forget(&mut self, data: &mut Vec<u8>) {
        data.drain(..self.pos);
        self.base += self.pos as u64;
        self.pos = 0;
    }

    /// The offset of `pos` into the file.
    pub fn offset(&self) -> u64 {
        self.base + self.pos as u64
    }
}
