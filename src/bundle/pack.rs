//! Reading one file and compressing it: in one piece with libdeflate, or, if it is large, in chunks
//! that are compressed in parallel and make up one stream.
//!
//! What comes out depends on the content and the name alone, so that the bundle does too.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use libdeflater::{CompressionLvl, Compressor};
use rayon::prelude::*;
use tempfile::SpooledTempFile;

use super::archive::Method;
use super::selection::{Entry, Stamp};
use super::splice;
use crate::error::{Error, Kind, Result, reason};

/// Files above this are packed in chunks.
pub(super) const WHOLE: u64 = 8 << 20;
const CHUNK: usize = 2 << 20;
/// How many chunks are in memory at a time.
const CHUNKS: usize = 8;
/// How much of a large file's packed data stays in memory.
const SPOOL: usize = 8 << 20;
/// How much of a file is tried to see whether it is compressed already.
const TRIAL: usize = 64 << 10;
/// Buffers that grew beyond this are not kept.
const BUFFER: usize = 1 << 20;

/// libdeflate's levels: 5 is a tenth faster than 6 and, over a tree, comes to the size of zlib's 6;
/// large files gain most from 6, and with it there the whole is smaller than zlib's.
const LEVEL: i32 = 5;
const LEVEL_LARGE: i32 = 6;
const LARGE: usize = 512 << 10;

/// Extensions of formats that are compressed already.
const COMPRESSED: [&str; 36] = [
    "7z", "aac", "apk", "avif", "br", "bz2", "docx", "ear", "flac", "gif", "gz", "heic", "jar",
    "jpeg", "jpg", "lz4", "m4a", "mkv", "mov", "mp3", "mp4", "ogg", "png", "pptx", "rar", "tbz2",
    "tgz", "txz", "war", "webm", "webp", "whl", "woff", "woff2", "xlsx", "zip",
];
const ALSO_COMPRESSED: [&str; 3] = ["xz", "zst", "nupkg"];

/// A file as the bundle holds it.
pub(super) struct Packed {
    pub(super) method: Method,
    pub(super) crc: u32,
    pub(super) bytes: u64,
    pub(super) packed_bytes: u64,
    pub(super) data: Data,
}

/// Where packed data waits until it is written.
pub(super) enum Data {
    Memory(Vec<u8>),
    /// A large file's, on disk beyond [`SPOOL`].
    Spool(SpooledTempFile),
}

impl Packed {
    fn in_memory(method: Method, crc: u32, bytes: u64, data: Vec<u8>) -> Self {
        let packed_bytes = data.len() as u64;
        Self {
            method,
            crc,
            bytes,
            packed_bytes,
            data: Data::Memory(data),
        }
    }

    /// What is not worth a thought: a link's target, or nothing.
    pub(super) fn stored(data: &[u8]) -> Self {
        let (crc, bytes) = (crc32fast::hash(data), data.len() as u64);
        Self::in_memory(Method::Stored, crc, bytes, data.to_vec())
    }
}

/// Packs files from any number of threads, with as many encoders as work at the same time.
#[derive(Default)]
pub(super) struct Packers {
    idle: Mutex<Vec<Packer>>,
}

impl Packers {
    /// Reads and packs a file of at most [`WHOLE`] bytes.
    pub(super) fn file(&self, entry: &Entry, place: &Path) -> Result<Packed> {
        self.with(|packer| packer.file(entry, place))
    }

    /// Packs what was made here.
    pub(super) fn content(&self, name: &str, content: &[u8]) -> Packed {
        self.with(|packer| {
            packer.input.clear();
            packer.input.extend_from_slice(content);
            packer.pack(name)
        })
    }

    /// Reads and packs a file of any size, chunk by chunk; `progress` hears how many bytes have been
    /// read.
    pub(super) fn large(
        &self,
        entry: &Entry,
        place: &Path,
        progress: &dyn Fn(u64),
    ) -> Result<Packed> {
        let mut reader = Reader::open(entry, place)?;
        let mut spool = tempfile::spooled_tempfile(SPOOL);
        let mut crc = crc32fast::Hasher::new();
        let mut method = None;
        let mut packed_bytes = 0;
        let mut input = Vec::with_capacity(CHUNK * CHUNKS);
        while reader.left() > 0 {
            input.clear();
            let wanted = reader.left().min((CHUNK * CHUNKS) as u64) as usize;
            reader.fill(&mut input, wanted)?;
            crc.update(&input);
            let method = *method.get_or_insert_with(|| method_of(&input));
            let written = match method {
                Method::Stored => spool.write_all(&input).map(|()| input.len()),
                Method::Deflated => deflate(self, &input, reader.left() == 0).and_then(|chunks| {
                    chunks.iter().try_for_each(|chunk| spool.write_all(chunk))?;
                    Ok(chunks.iter().map(Vec::len).sum())
                }),
            };
            packed_bytes += written.map_err(|error| unspoolable(&error))? as u64;
            progress(entry.bytes - reader.left());
        }
        reader.finish()?;
        spool.rewind().map_err(|error| unspoolable(&error))?;
        Ok(Packed {
            method: method.unwrap_or(Method::Stored),
            crc: crc.finalize(),
            bytes: entry.bytes,
            packed_bytes,
            data: Data::Spool(spool),
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Packer) -> T) -> T {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let mut packer = idle().pop().unwrap_or_else(Packer::new);
        let result = work(&mut packer);
        packer.shrink();
        idle().push(packer);
        result
    }
}

/// The encoders and buffers of one thread.
struct Packer {
    encoder: Compressor,
    encoder_large: Compressor,
    input: Vec<u8>,
    output: Vec<u8>,
}

impl Packer {
    fn new() -> Self {
        let encoder = |level| Compressor::new(CompressionLvl::new(level).unwrap_or_default());
        Self {
            encoder: encoder(LEVEL),
            encoder_large: encoder(LEVEL_LARGE),
            input: Vec::new(),
            output: Vec::new(),
        }
    }

    fn file(&mut self, entry: &Entry, place: &Path) -> Result<Packed> {
        self.input.clear();
        let mut reader = Reader::open(entry, place)?;
        reader.fill(&mut self.input, entry.bytes as usize)?;
        reader.finish()?;
        Ok(self.pack(entry.name()))
    }

    /// Gives back what a large file took.
    fn shrink(&mut self) {
        for buffer in [&mut self.input, &mut self.output] {
            if buffer.capacity() > BUFFER {
                *buffer = Vec::new();
            }
        }
    }

    fn pack(&mut self, name: &str) -> Packed {
        let input = self.input.as_slice();
        let crc = crc32fast::hash(input);
        let bytes = input.len() as u64;
        let looks_compressed = has_compressed_extension(name) && input.len() > TRIAL && {
            let sample = compress(&mut self.encoder, &input[..TRIAL], &mut self.output);
            !is_worth_it(TRIAL, sample)
        };
        let encoder = if input.len() > LARGE {
            &mut self.encoder_large
        } else {
            &mut self.encoder
        };
        let packed = if looks_compressed {
            input.len()
        } else {
            compress(encoder, input, &mut self.output)
        };
        let (method, data) = if is_worth_it(input.len(), packed) {
            (Method::Deflated, hand_over(&mut self.output, packed))
        } else {
            let all = input.len();
            (Method::Stored, hand_over(&mut self.input, all))
        };
        Packed::in_memory(method, crc, bytes, data)
    }
}

/// The first bytes of a buffer: copied, so that the buffer serves the next file, unless it is a
/// large one, which is not kept and not copied.
fn hand_over(buffer: &mut Vec<u8>, bytes: usize) -> Vec<u8> {
    if bytes < BUFFER {
        return buffer[..bytes].to_vec();
    }
    let mut data = std::mem::take(buffer);
    data.truncate(bytes);
    data.shrink_to_fit();
    data
}

/// Compresses `input` to the front of `output` and returns how many bytes that takes.
fn compress(encoder: &mut Compressor, input: &[u8], output: &mut Vec<u8>) -> usize {
    let bound = encoder.deflate_compress_bound(input.len());
    if output.len() < bound {
        // Fresh zeroes take no memory until they are written to.
        *output = vec![0; bound];
    }
    // With room for the bound it cannot fail; if it did, storing is right.
    encoder
        .deflate_compress(input, output)
        .unwrap_or(input.len())
}

/// Whether compressing saves more than one part in a hundred.
fn is_worth_it(bytes: usize, packed: usize) -> bool {
    packed < bytes - bytes / 100
}

fn has_compressed_extension(name: &str) -> bool {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    COMPRESSED
        .iter()
        .chain(&ALSO_COMPRESSED)
        .any(|known| extension.eq_ignore_ascii_case(known))
}

fn unspoolable(error: &io::Error) -> Error {
    Error::new(
        Kind::Io,
        format!("cannot write a temporary file: {}", reason(error)),
    )
    .hint("free some space, or name another directory with `TMPDIR`")
}

fn method_of(start: &[u8]) -> Method {
    let sample = &start[..start.len().min(1 << 20)];
    let mut encoder = Compressor::new(CompressionLvl::new(1).unwrap_or_default());
    let packed = compress(&mut encoder, sample, &mut Vec::new());
    if is_worth_it(sample.len(), packed) {
        Method::Deflated
    } else {
        Method::Stored
    }
}

/// Compresses the chunks of `input`, so that their outputs, one after the other, are one stream;
/// the last chunk of the file ends it.
fn deflate(packers: &Packers, input: &[u8], last: bool) -> io::Result<Vec<Vec<u8>>> {
    let chunks: Vec<&[u8]> = input.chunks(CHUNK).collect();
    let ends = |index: usize| last && index == chunks.len() - 1;
    chunks
        .par_iter()
        .with_max_len(1)
        .enumerate()
        .map(|(index, chunk)| {
            let stream = packers.with(|packer| {
                let bytes = compress(&mut packer.encoder_large, chunk, &mut packer.output);
                hand_over(&mut packer.output, bytes)
            });
            let stream = if ends(index) {
                Some(stream)
            } else {
                splice::leave_open(stream, chunk)
            };
            stream.ok_or_else(|| io::Error::other("the encoder made a stream of something else"))
        })
        .collect()
}

/// A file that must not change between its selection and the end of reading it.
struct Reader<'a> {
    file: File,
    entry: &'a Entry,
    place: &'a Path,
    left: u64,
}

impl<'a> Reader<'a> {
    fn open(entry: &'a Entry, place: &'a Path) -> Result<Self> {
        let file = File::open(place).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => changed(place, "it is gone"),
            _ => Error::io("read", place, &error)
                .hint("make it readable, or leave it out with a pattern under `bundle.exclude`"),
        })?;
        let reader = Self {
            file,
            entry,
            place,
            left: entry.bytes,
        };
        reader.check()?;
        Ok(reader)
    }

    fn left(&self) -> u64 {
        self.left
    }

    /// Reads exactly `wanted` more bytes into `buffer`.
    fn fill(&mut self, buffer: &mut Vec<u8>, wanted: usize) -> Result<()> {
        buffer.reserve(wanted);
        let read = (&mut self.file)
            .take(wanted as u64)
            .read_to_end(buffer)
            .map_err(|error| Error::io("read", self.place, &error))?;
        if read < wanted {
            return Err(changed(self.place, "it is shorter than before"));
        }
        self.left -= wanted as u64;
        Ok(())
    }

    fn finish(self) -> Result<()> {
        self.check()
    }

    fn check(&self) -> Result<()> {
        let now = self
            .file
            .metadata()
            .map_err(|error| Error::io("read", self.place, &error))?;
        if !now.is_file() || Stamp::of(&now) != self.entry.stamp {
            return Err(changed(self.place, "something wrote to it"));
        }
        Ok(())
    }
}

/// Whether a file could be read now; for naming all that cannot once one could not.
pub(super) fn probe(entry: &Entry, place: &Path) -> Result<()> {
    Reader::open(entry, place).map(|_| ())
}

fn changed(place: &Path, how: &str) -> Error {
    Error::new(
        Kind::Bundle,
        format!("{} changed while it was bundled: {how}", place.display()),
    )
    .hint("run the command again once nothing writes to the directory")
}
