//! What a request carries: a piece of the zip, read as it leaves. And how much of all pieces has left.

use std::fs::File;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::task::{JoinHandle, spawn_blocking};

use super::super::zip::read_at;
use crate::output::{Event, Out, Phase};

/// How much is read at a time. With eight pieces under way, that is what an upload holds in memory.
const CHUNK: u64 = 256 << 10;

/// Counts what leaves, piece by piece, over all attempts.
#[derive(Debug)]
pub(super) struct Meter {
    out: Out,
    total: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    pieces: Vec<Sent>,
    /// What was shown last. An attempt that begins anew must not take it back.
    shown: u64,
}

#[derive(Debug, Clone, Copy)]
struct Sent {
    bytes: u64,
    moved: Instant,
}

impl Meter {
    pub(super) fn new(out: Out, total: u64, pieces: usize) -> Self {
        let sent = Sent {
            bytes: 0,
            moved: Instant::now(),
        };
        let state = Mutex::new(State {
            pieces: vec![sent; pieces],
            shown: 0,
        });
        Self { out, total, state }
    }

    /// An attempt at a piece begins.
    pub(super) fn begins(&self, piece: usize) {
        self.note(piece, 0);
    }

    /// So much of a piece has left in this attempt.
    pub(super) fn sent(&self, piece: usize, bytes: u64) {
        let done = self.note(piece, bytes);
        self.out.event(&Event::Progress {
            phase: Phase::Upload,
            done,
            total: self.total,
        });
    }

    fn note(&self, piece: usize, bytes: u64) -> u64 {
        let mut state = self.state();
        state.pieces[piece] = Sent {
            bytes,
            moved: Instant::now(),
        };
        let sum = state.pieces.iter().map(|sent| sent.bytes).sum();
        state.shown = state.shown.max(sum).min(self.total);
        state.shown
    }

    /// How long nothing of a piece has moved.
    pub(super) fn idle(&self, piece: usize) -> Duration {
        self.state().pieces[piece].moved.elapsed()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a piece lies in the zip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) at: u64,
    pub(super) bytes: u64,
}

/// A piece of the zip as the body of a request.
pub(super) struct Piece {
    file: Arc<File>,
    meter: Arc<Meter>,
    number: usize,
    span: Span,
    /// How much has been handed over.
    done: u64,
    reading: Option<JoinHandle<io::Result<Bytes>>>,
}

impl Piece {
    /// All of it.
    pub(super) fn whole(file: &Arc<File>, bytes: u64, meter: &Arc<Meter>) -> ByteStream {
        Self::of(file, Span { at: 0, bytes }, 0, meter)
    }

    /// The piece with this number, from 0; every attempt reads it anew.
    pub(super) fn of(
        file: &Arc<File>,
        span: Span,
        number: usize,
        meter: &Arc<Meter>,
    ) -> ByteStream {
        let (file, meter) = (Arc::clone(file), Arc::clone(meter));
        ByteStream::new(SdkBody::retryable(move || {
            SdkBody::from_body_1_x(Self {
                file: Arc::clone(&file),
                meter: Arc::clone(&meter),
                number,
                span,
                done: 0,
                reading: None,
            })
        }))
    }

    fn read(&self) -> JoinHandle<io::Result<Bytes>> {
        let (file, at) = (Arc::clone(&self.file), self.span.at + self.done);
        let count = CHUNK.min(self.span.bytes - self.done) as usize;
        spawn_blocking(move || {
            let mut buffer = vec![0; count];
            read_at(&file, &mut buffer, at).map(|()| Bytes::from(buffer))
        })
    }
}

impl Body for Piece {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.done == self.span.bytes {
            return Poll::Ready(None);
        }
        let mut reading = self.reading.take().unwrap_or_else(|| self.read());
        let Poll::Ready(read) = Pin::new(&mut reading).poll(context) else {
            self.reading = Some(reading);
            return Poll::Pending;
        };
        let bytes = read.map_err(io::Error::other).flatten()?;
        self.done += bytes.len() as u64;
        self.meter.sent(self.number, self.done);
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.span.bytes - self.done)
    }

    fn is_end_stream(&self) -> bool {
        self.done == self.span.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Format;
    use crate::output::Level;

    #[test]
    fn what_was_shown_is_not_taken_back_by_a_new_attempt() {
        let meter = Meter::new(Out::new(Format::Human, Level::Quiet), 100, 2);
        assert_eq!(meter.note(0, 40), 40);
        assert_eq!(meter.note(1, 30), 70);
        meter.begins(1);
        assert_eq!(meter.note(1, 10), 70);
        assert_eq!(meter.note(0, 60), 70);
        assert_eq!(meter.note(1, 40), 100);
    }

    #[tokio::test]
    async fn every_attempt_reads_the_piece_anew() {
        use std::io::Write;
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(b"0123456789").expect("written");
        let out = Out::new(Format::Human, Level::Quiet);
        let (file, meter) = (Arc::new(file), Arc::new(Meter::new(out, 10, 2)));
        let span = Span { at: 4, bytes: 5 };
        let body = Piece::of(&file, span, 1, &meter).into_inner();
        assert_eq!(body.content_length(), Some(5));
        for _ in 0..2 {
            let again = body.try_clone().expect("it can be sent again");
            let read = ByteStream::new(again).collect().await.expect("read");
            assert_eq!(read.into_bytes().as_ref(), b"45678");
        }
    }
}
