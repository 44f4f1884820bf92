//! The zip's structure: local headers, central directory, ZIP64 records where a size, an offset or
//! the number of members needs them.
//!
//! Written here and not by a library because members arrive compressed: the `zip` crate takes only
//! what its own, slower encoder made, and `rawzip` puts a data descriptor behind every member, which
//! readers of streams refuse for stored ones. Every member has its sizes in front, one fixed time, and
//! nothing of the machine. APPNOTE 4.3 to 4.5 is the format.

use std::io::{self, Write};

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END_64: u32 = 0x0606_4b50;
const LOCATOR_64: u32 = 0x0706_4b50;
const EXTRA_64: u16 = 0x0001;

/// Names are UTF-8; set only where that says something.
const UTF_8: u16 = 1 << 11;
/// 1980-01-01, the first day the format knows; the time is midnight.
const DATE: u16 = (1 << 5) | 1;
const MADE_ON_UNIX: u16 = 3 << 8;
const DOS_DIRECTORY: u32 = 0x10;

/// How a member's data is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Stored = 0,
    Deflated = 8,
}

/// What the headers say about a member.
#[derive(Debug, Clone)]
pub(super) struct Member<'a> {
    pub(super) name: &'a str,
    /// As `stat` tells it, with the file type.
    pub(super) mode: u32,
    pub(super) method: Method,
    pub(super) crc: u32,
    pub(super) bytes: u64,
    pub(super) packed_bytes: u64,
}

/// A zip that is being written, front to back.
pub(super) struct Archive<W> {
    out: W,
    offset: u64,
    members: u64,
    directory: Vec<u8>,
}

impl<W: Write> Archive<W> {
    pub(super) fn new(out: W) -> Self {
        Self {
            out,
            offset: 0,
            members: 0,
            directory: Vec::new(),
        }
    }

    /// Starts a member; exactly `packed_bytes` bytes of [`Archive::data`] must follow.
    pub(super) fn member(&mut self, member: &Member<'_>) -> io::Result<()> {
        let common = Common::new(member, self.offset)?;
        let mut local = Vec::with_capacity(64 + member.name.len());
        put32(&mut local, LOCAL);
        common.put(&mut local, member);
        let mut extra = Vec::new();
        if member.sizes_need_64() {
            put16(&mut extra, EXTRA_64);
            put16(&mut extra, 16);
            put64(&mut extra, member.bytes);
            put64(&mut extra, member.packed_bytes);
        }
        let sizes_64 = member.sizes_need_64();
        put32(
            &mut local,
            if sizes_64 {
                u32::MAX
            } else {
                low(member.packed_bytes)
            },
        );
        put32(
            &mut local,
            if sizes_64 {
                u32::MAX
            } else {
                low(member.bytes)
            },
        );
        put16(&mut local, common.name_bytes);
        put16(&mut local, extra.len() as u16);
        local.extend_from_slice(member.name.as_bytes());
        local.append(&mut extra);
        self.list(&common, member);
        self.members += 1;
        self.data(&local)
    }

    /// Writes data of the member that was started last.
    pub(super) fn data(&mut self, data: &[u8]) -> io::Result<()> {
        self.offset += data.len() as u64;
        self.out.write_all(data)
    }

    /// Writes the directory and gives the output back.
    pub(super) fn finish(mut self) -> io::Result<W> {
        let start = self.offset;
        let directory = std::mem::take(&mut self.directory);
        self.data(&directory)?;
        let size = directory.len() as u64;
        let mut end = Vec::new();
        if self.members >= u64::from(u16::MAX) || start.max(size) >= u64::from(u32::MAX) {
            put_end_64(&mut end, self.members, size, start);
        }
        let members = self.members.min(u64::from(u16::MAX)) as u16;
        put32(&mut end, END);
        put32(&mut end, 0);
        put16(&mut end, members);
        put16(&mut end, members);
        put32(&mut end, low(size));
        put32(&mut end, low(start));
        put16(&mut end, 0);
        self.data(&end)?;
        self.out.flush()?;
        Ok(self.out)
    }

    /// Adds a member, whose local header stands at the current offset, to the directory.
    fn list(&mut self, common: &Common, member: &Member<'_>) {
        let mut extra = Vec::new();
        for value in [member.bytes, member.packed_bytes, self.offset] {
            if value >= u64::from(u32::MAX) {
                put64(&mut extra, value);
            }
        }
        let out = &mut self.directory;
        put32(out, CENTRAL);
        put16(out, MADE_ON_UNIX | common.version);
        common.put(out, member);
        put32(out, low(member.packed_bytes));
        put32(out, low(member.bytes));
        put16(out, common.name_bytes);
        put16(
            out,
            if extra.is_empty() {
                0
            } else {
                extra.len() as u16 + 4
            },
        );
        put16(out, 0); // no comment
        put16(out, 0); // the only disk
        put16(out, 0); // whether it is text is not said
        let dos = if member.name.ends_with('/') {
            DOS_DIRECTORY
        } else {
            0
        };
        put32(out, (member.mode << 16) | dos);
        put32(out, low(self.offset));
        out.extend_from_slice(member.name.as_bytes());
        if !extra.is_empty() {
            put16(out, EXTRA_64);
            put16(out, extra.len() as u16);
            out.append(&mut extra);
        }
    }
}

impl Member<'_> {
    fn sizes_need_64(&self) -> bool {
        self.bytes.max(self.packed_bytes) >= u64::from(u32::MAX)
    }
}

/// What a member's two headers have in common.
struct Common {
    version: u16,
    name_bytes: u16,
}

impl Common {
    fn new(member: &Member<'_>, offset: u64) -> io::Result<Self> {
        let name_bytes = u16::try_from(member.name.len()).map_err(|_| {
            io::Error::new(
                io::ErrorKind::InvalidFilename,
                "a path is longer than 65,535 bytes",
            )
        })?;
        let version = if member.sizes_need_64() || offset >= u64::from(u32::MAX) {
            45
        } else {
            20
        };
        Ok(Self {
            version,
            name_bytes,
        })
    }

    /// From the version needed to the checksum.
    fn put(&self, out: &mut Vec<u8>, member: &Member<'_>) {
        put16(out, self.version);
        put16(out, if member.name.is_ascii() { 0 } else { UTF_8 });
        put16(out, member.method as u16);
        put16(out, 0);
        put16(out, DATE);
        put32(out, member.crc);
    }
}

fn put_end_64(out: &mut Vec<u8>, members: u64, size: u64, start: u64) {
    put32(out, END_64);
    put64(out, 44);
    put16(out, MADE_ON_UNIX | 45);
    put16(out, 45);
    put64(out, 0); // this disk, and the one with the directory
    put64(out, members);
    put64(out, members);
    put64(out, size);
    put64(out, start);
    put32(out, LOCATOR_64);
    put32(out, 0);
    put64(out, start + size);
    put32(out, 1);
}

/// A 32-bit field, or the mark that the value stands in a ZIP64 record.
fn low(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

fn put16(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek, SeekFrom};

    use super::*;

    fn stored<'a>(name: &'a str, bytes: u64) -> Member<'a> {
        let mode = 0o100_644;
        Member {
            name,
            mode,
            method: Method::Stored,
            crc: 0,
            bytes,
            packed_bytes: bytes,
        }
    }

    /// An archive with a hole of zeroes in it that takes no memory.
    struct Holed {
        head: Vec<u8>,
        hole: u64,
        tail: Vec<u8>,
        at: u64,
    }

    impl Read for Holed {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let end = self.head.len() as u64 + self.hole;
            let read = if self.at < self.head.len() as u64 {
                (&self.head[self.at as usize..]).read(buffer)?
            } else if self.at < end {
                io::repeat(0).take(end - self.at).read(buffer)?
            } else {
                let from = ((self.at - end) as usize).min(self.tail.len());
                (&self.tail[from..]).read(buffer)?
            };
            self.at += read as u64;
            Ok(read)
        }
    }

    impl Seek for Holed {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            let end = self.head.len() as u64 + self.hole + self.tail.len() as u64;
            self.at = match to {
                SeekFrom::Start(at) => Some(at),
                SeekFrom::End(by) => end.checked_add_signed(by),
                SeekFrom::Current(by) => self.at.checked_add_signed(by),
            }
            .ok_or(io::ErrorKind::InvalidInput)?;
            Ok(self.at)
        }
    }

    #[test]
    fn sizes_and_offsets_beyond_four_gibibytes_are_read_back() {
        let hole = 5 << 30;
        let mut archive = Archive::new(Vec::new());
        archive.member(&stored("huge", hole)).expect("a member");
        let head = archive.out.len();
        archive.offset += hole;
        let crc = crc32fast::hash(b"text");
        archive
            .member(&Member {
                crc,
                ..stored("after", 4)
            })
            .expect("a member");
        archive.data(b"text").expect("data");
        let mut written = archive.finish().expect("an archive");
        let tail = written.split_off(head);

        let mut read = zip::ZipArchive::new(Holed {
            head: written,
            hole,
            tail,
            at: 0,
        })
        .expect("a zip");
        assert_eq!(read.by_name("huge").expect("the member").size(), hole);
        let mut text = String::new();
        read.by_name("after")
            .expect("the member")
            .read_to_string(&mut text)
            .expect("its data");
        assert_eq!(text, "text");
    }

    #[test]
    fn more_members_than_sixteen_bits_count_are_read_back() {
        let mut archive = Archive::new(Vec::new());
        for index in 0..70_000 {
            archive
                .member(&stored(&format!("f/{index}"), 0))
                .expect("a member");
        }
        let written = archive.finish().expect("an archive");
        let read = zip::ZipArchive::new(io::Cursor::new(written)).expect("a zip");
        assert_eq!(read.len(), 70_000);
    }

    #[test]
    fn a_path_that_the_format_cannot_hold_is_refused() {
        let mut archive = Archive::new(Vec::new());
        assert!(archive.member(&stored(&"x".repeat(70_000), 0)).is_err());
    }
}
