//! Finds requests that say their length twice, by `Content-Length` and by `Transfer-Encoding`: the
//! stuff of request smuggling. hyper obeys the latter and drops the former, which is safe for the
//! service but leaves the connection open to whoever stands before the guard; RFC 9112, section 6.1
//! wants it closed. Since hyper does not tell, the bytes are looked at on their way to it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Longer lines cannot be what is looked for.
const MAX_LINE: usize = 256;

/// A stream whose incoming bytes are looked at.
pub(crate) struct Inspected<T> {
    inner: T,
    framing: Framing,
    ambiguous: Arc<AtomicBool>,
}

/// Follows HTTP/1.1 requests as far as needed to know which bytes are header sections.
#[derive(Debug, Default)]
pub(crate) struct Framing {
    state: State,
    line: Vec<u8>,
    /// The line is longer than what is kept of it.
    long: bool,
    seen: Head,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum State {
    #[default]
    Head,
    Body(u64),
    ChunkSize,
    Chunk(u64),
    Trailers,
    /// Not HTTP/1.1, or broken: hyper refuses it.
    Lost,
}

#[derive(Clone, Copy, Debug, Default)]
struct Head {
    started: bool,
    length: Option<u64>,
    encoded: bool,
}

impl Framing {
    /// Takes the next bytes; whether they complete a header section that is ambiguous.
    pub fn push(&mut self, mut bytes: &[u8]) -> bool {
        let mut found = false;
        while !bytes.is_empty() {
            match self.state {
                State::Lost => return found,
                State::Body(left) | State::Chunk(left) => {
                    let skip = left.min(bytes.len() as u64);
                    bytes = &bytes[skip as usize..];
                    let left = left - skip;
                    self.state = match self.state {
                        State::Body(_) if left == 0 => State::Head,
                        State::Body(_) => State::Body(left),
                        _ if left == 0 => State::ChunkSize,
                        _ => State::Chunk(left),
                    };
                }
                State::Head | State::ChunkSize | State::Trailers => {
                    let Some(end) = memchr::memchr(b'\n', bytes) else {
                        self.keep(bytes);
                        return found;
                    };
                    let (head, rest) = bytes.split_at(end + 1);
                    bytes = rest;
                    let head = &head[..end];
                    if self.line.is_empty() && !self.long {
                        found |= self.line(head, head.len() > MAX_LINE);
                    } else {
                        self.keep(head);
                        let line = std::mem::take(&mut self.line);
                        found |= self.line(&line, self.long);
                        self.line = line;
                        self.line.clear();
                        self.long = false;
                    }
                }
            }
        }
        found
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = MAX_LINE - self.line.len();
        self.long |= bytes.len() > room;
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn line(&mut self, line: &[u8], long: bool) -> bool {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match self.state {
            State::ChunkSize => {
                let digits = line.split(|&b| b == b';').next().unwrap_or(line).trim_ascii();
                let size = std::str::from_utf8(digits).ok();
                self.state = match size.and_then(|s| u64::from_str_radix(s, 16).ok()) {
                    _ if line.is_empty() => State::ChunkSize,
                    Some(0) => State::Trailers,
                    Some(size) => State::Chunk(size),
                    None => State::Lost,
                };
            }
            State::Trailers if line.is_empty() => self.state = State::Head,
            State::Head if line.is_empty() => return self.head_ends(),
            State::Head => self.header(line, long),
            _ => {}
        }
        false
    }

    fn head_ends(&mut self) -> bool {
        let head = std::mem::take(&mut self.seen);
        if !head.started {
            return false;
        }
        self.state = match head {
            Head { encoded: true, .. } => State::ChunkSize,
            Head { length: Some(length), .. } if length > 0 => State::Body(length),
            _ => State::Head,
        };
        head.encoded && head.length.is_some()
    }

    fn header(&mut self, line: &[u8], long: bool) {
        if !std::mem::replace(&mut self.seen.started, true) {
            if line.starts_with(b"PRI * HTTP/2") {
                self.state = State::Lost;
            }
            return;
        }
        let Some(colon) = memchr::memchr(b':', &line[..line.len().min(32)]) else { return };
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.seen.encoded = true;
        } else if name.eq_ignore_ascii_case(b"content-length") && !long {
            let digits = std::str::from_utf8(value.trim_ascii()).ok();
            match digits.and_then(|d| d.parse().ok()) {
                Some(length) => self.seen.length = Some(length),
                None => self.state = State::Lost,
            }
        }
    }
}

impl<T> Inspected<T> {
    /// Sets `ambiguous` when such a request has come.
    pub fn new(inner: T, ambiguous: Arc<AtomicBool>) -> Self {
        Self { inner, framing: Framing::default(), ambiguous }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Inspected<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buf))?;
        if self.framing.push(&buf.filled()[before..]) {
            self.ambiguous.store(true, Ordering::Release);
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Inspected<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }
    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ambiguous(text: &str) -> bool {
        let whole = Framing::default().push(text.as_bytes());
        let mut framing = Framing::default();
        let mut pieces = false;
        for byte in text.as_bytes() {
            pieces |= framing.push(std::slice::from_ref(byte));
        }
        assert_eq!(whole, pieces, "the pieces make no difference: {text:?}");
        whole
    }

    #[test]
    fn both_lengths_are_found_and_bodies_are_not_looked_into() {
        let both =
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert!(ambiguous(both));
        assert!(ambiguous(&both.replace("\r\n", "\n").to_uppercase()));
        assert!(ambiguous("POST / HTTP/1.1\r\nTRANSFER-encoding: x\r\ncontent-length: 1\r\n\r\n"));
        assert!(!ambiguous("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n\r\n"));
        // The same text as a body.
        let length = both.len();
        assert!(!ambiguous(&format!("POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{both}")));
        let chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert!(!ambiguous(&format!("{chunked}{length:x};a=b\r\n{both}\r\n0\r\n\r\n")));
        // Behind a body.
        assert!(ambiguous(&format!("{chunked}3\r\nabc\r\n0\r\nX: y\r\n\r\n{both}")));
        assert!(ambiguous(&format!("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nab{both}")));
    }
}
