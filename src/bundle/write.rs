//! Writing a selection as a zip: files are packed in parallel, batch by batch, while the batch
//! before is written and hashed, in the order of the selection whatever the number of threads.
//!
//! A batch bounds the memory: its files' content and what that packs to, and the same of the batch
//! before, are all that is held.

use std::cmp::Reverse;
use std::io::{self, BufWriter, Read, Write};

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::archive::{Archive, Member};
use super::pack::{self, Data, Packed, Packers, WHOLE};
use super::selection::{Entry, Selection, Sort};
use crate::error::{Error, Kind, Result, reason};

/// How much content, and how many members, are packed at a time.
const BATCH_BYTES: u64 = 2 * WHOLE;
const BATCH_MEMBERS: usize = 4096;
const BUFFER: usize = 128 << 10;

/// How far packing has come; of [`Selection::entries`] and [`Selection::total_bytes`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Members packed.
    pub members: usize,
    /// Their size before compression.
    pub bytes: u64,
}

/// A bundle that was written.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Written {
    /// The digest of the zip's bytes in lower-case hexadecimal.
    pub sha256: String,
    /// The size of the zip.
    pub bytes: u64,
    /// How many members it has that are no directories.
    pub files: usize,
}

/// Writes the bundle to `to`, front to back. `progress` is told about every batch, and about
/// every few megabytes of a large file.
///
/// # Errors
///
/// All files that cannot be read or that changed since they were selected, together; or why `to`
/// cannot be written. What was written until then is no bundle.
pub fn write(
    selection: &Selection,
    to: &mut (impl Write + Send),
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Written> {
    let sink = Sink {
        out: BufWriter::with_capacity(BUFFER, to),
        hash: Sha256::new(),
        bytes: 0,
    };
    let mut archive = Archive::new(sink);
    let packers = Packers::default();
    let mut done = Progress::default();
    let mut rest = selection.entries();
    let mut packed = Vec::new();
    while !rest.is_empty() {
        let (batch, later) = rest.split_at(batch_members(rest));
        let before = std::mem::take(&mut packed);
        let under_way = |bytes| {
            progress(Progress {
                bytes: done.bytes + bytes,
                ..done
            });
        };
        let (appended, outcome) = rayon::join(
            || append(&mut archive, before),
            || pack_batch(selection, &packers, batch, &under_way),
        );
        appended?;
        packed = outcome.map_err(|problems| with_later_problems(selection, problems, later))?;
        done.members += batch.len();
        done.bytes += batch.iter().map(Entry::bytes).sum::<u64>();
        progress(done);
        rest = later;
    }
    append(&mut archive, packed)?;
    let sink = archive.finish().map_err(|error| unwritable(&error))?;
    let files = selection
        .entries()
        .iter()
        .filter(|entry| entry.sort != Sort::Directory)
        .count();
    Ok(Written {
        sha256: hex(&sink.hash.finalize()),
        bytes: sink.bytes,
        files,
    })
}

/// How many of the members from here on make up the next batch: a large file is one of its own.
fn batch_members(rest: &[Entry]) -> usize {
    let mut bytes = 0;
    rest.iter()
        .take(BATCH_MEMBERS)
        .take_while(|entry| {
            bytes += entry.bytes;
            bytes <= BATCH_BYTES && entry.bytes <= WHOLE
        })
        .count()
        .max(1)
}

type PackedEntry<'a> = (&'a Entry, Packed);

fn pack_batch<'a>(
    selection: &Selection,
    packers: &Packers,
    batch: &'a [Entry],
    under_way: &(dyn Fn(u64) + Sync),
) -> std::result::Result<Vec<PackedEntry<'a>>, Vec<Error>> {
    if let [entry] = batch
        && entry.bytes > WHOLE
    {
        let packed = packers.large(entry, &entry.place(&selection.root), under_way);
        return packed
            .map(|packed| vec![(entry, packed)])
            .map_err(|problem| vec![problem]);
    }
    // The large ones first, so that no thread is left with one at the end.
    let mut order: Vec<usize> = (0..batch.len()).collect();
    order.sort_by_key(|&index| Reverse(batch[index].bytes >> 20));
    let mut results: Vec<(usize, Result<Packed>)> = order
        .into_par_iter()
        .with_max_len(4)
        .map(|index| (index, pack_entry(selection, packers, &batch[index])))
        .collect();
    results.sort_by_key(|(index, _)| *index);
    let mut members = Vec::with_capacity(batch.len());
    let mut problems = Vec::new();
    for (entry, (_, result)) in batch.iter().zip(results) {
        match result {
            Ok(packed) => members.push((entry, packed)),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        Ok(members)
    } else {
        Err(problems)
    }
}

fn pack_entry(selection: &Selection, packers: &Packers, entry: &Entry) -> Result<Packed> {
    match entry.sort() {
        Sort::File { .. } if entry.content.is_some() => {
            Ok(packers.content(entry.name(), entry.content.as_deref().unwrap_or_default()))
        }
        Sort::File { .. } => packers.file(entry, &entry.place(&selection.root)),
        Sort::Directory => Ok(Packed::stored(&[])),
        Sort::Symlink { target } => Ok(Packed::stored(target.as_bytes())),
    }
}

/// Once a file cannot be read there is no bundle; the others are only tried, so that the user hears
/// of all that cannot.
fn with_later_problems(selection: &Selection, mut problems: Vec<Error>, later: &[Entry]) -> Error {
    problems.extend(
        later
            .iter()
            .filter(|entry| matches!(entry.sort, Sort::File { .. }) && entry.content.is_none())
            .filter_map(|entry| pack::probe(entry, &entry.place(&selection.root)).err()),
    );
    Error::all(problems).unwrap_or_else(|| Error::new(Kind::Bundle, "cannot write the bundle"))
}

fn append<W: Write>(archive: &mut Archive<W>, members: Vec<PackedEntry<'_>>) -> Result<()> {
    for (entry, packed) in members {
        let member = Member {
            name: entry.name(),
            mode: entry.mode(),
            method: packed.method,
            crc: packed.crc,
            bytes: packed.bytes,
            packed_bytes: packed.packed_bytes,
        };
        archive
            .member(&member)
            .and_then(|()| match packed.data {
                Data::Memory(data) => archive.data(&data),
                Data::Spool(spool) => copy(spool, archive),
            })
            .map_err(|error| unwritable(&error))?;
    }
    Ok(())
}

fn copy<W: Write>(mut spool: impl Read, archive: &mut Archive<W>) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        match spool.read(&mut buffer)? {
            0 => return Ok(()),
            read => archive.data(&buffer[..read])?,
        }
    }
}

/// Counts and hashes what passes on its way to the output.
struct Sink<W: Write> {
    out: BufWriter<W>,
    hash: Sha256,
    bytes: u64,
}

impl<W: Write> Write for Sink<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let written = self.out.write(data)?;
        self.hash.update(&data[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn unwritable(error: &io::Error) -> Error {
    Error::new(
        Kind::Io,
        format!("cannot write the bundle: {}", reason(error)),
    )
}

pub(super) fn hex(digest: &[u8]) -> String {
    use std::fmt::Write as _;
    digest
        .iter()
        .fold(String::with_capacity(2 * digest.len()), |mut text, byte| {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}
