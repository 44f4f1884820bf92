//! Joining deflate streams that were made on their own, so that a large file can be compressed in
//! pieces and in parallel with an encoder that only makes whole streams.
//!
//! The last block of a stream is marked as such and ends in the middle of a byte. To go on after it,
//! the mark has to go and the rest of the byte has to be filled with an empty block. Where that last
//! block begins is only known by decoding, which at the same time proves that the piece decodes to
//! what it was made of. RFC 1951 3.2 is the format.

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{BlockBoundaryState, DecompressorOxide, decompress};

/// An empty stored block is three bits of header, the rest of the byte, and this.
const EMPTY_BLOCK: [u8; 4] = [0x00, 0x00, 0xff, 0xff];
const BLOCK_HEADER_BITS: u8 = 3;

/// Turns a whole deflate stream into the beginning of a longer one, which may go on at the next byte
/// with any stream that does not look back. `content` is what the stream was made of; `None` says
/// that it is not.
pub(super) fn leave_open(mut stream: Vec<u8>, content: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = vec![0; content.len()];
    let mut read = 0;
    let mut written = 0;
    let mut at = BlockBoundaryState::default();
    loop {
        let header = 8 * read - usize::from(at.num_bits);
        let mark = 1 << (header % 8);
        let is_last = *stream.get(header / 8)? & mark != 0;
        if is_last {
            stream[header / 8] &= !mark;
            if at.num_bits > 0 {
                at.bit_buf &= !1;
            }
        }
        let mut decoder = DecompressorOxide::from_block_boundary_state(&at);
        let flags = TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY | TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
        let (status, consumed, produced) =
            decompress(&mut decoder, &stream[read..], &mut decoded, written, flags);
        if status != TINFLStatus::BlockBoundary {
            return None;
        }
        at = decoder.block_boundary_state()?;
        read += consumed;
        written += produced;
        if is_last {
            break;
        }
    }
    if written != content.len() || decoded != content {
        return None;
    }
    stream.truncate(read);
    if at.num_bits < BLOCK_HEADER_BITS {
        stream.push(0);
    }
    stream.extend_from_slice(&EMPTY_BLOCK);
    Some(stream)
}

#[cfg(test)]
mod tests {
    use libdeflater::{CompressionLvl, Compressor, Decompressor};
    use proptest::prelude::*;

    use super::*;

    fn deflate(content: &[u8]) -> Vec<u8> {
        let mut compressor = Compressor::new(CompressionLvl::default());
        let mut stream = vec![0; compressor.deflate_compress_bound(content.len())];
        let bytes = compressor
            .deflate_compress(content, &mut stream)
            .expect("room for it");
        stream.truncate(bytes);
        stream
    }

    fn inflate(stream: &[u8], bytes: usize) -> Vec<u8> {
        let mut content = vec![0; bytes];
        let read = Decompressor::new()
            .deflate_decompress(stream, &mut content)
            .expect("a stream");
        content.truncate(read);
        content
    }

    #[test]
    fn a_stream_of_something_else_is_refused() {
        assert!(leave_open(deflate(b"one"), b"two").is_none());
        assert!(leave_open(deflate(b"one"), b"one and more").is_none());
        assert!(leave_open(Vec::new(), b"").is_none());
        assert!(leave_open(vec![0xff; 10], b"x").is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

        #[test]
        fn pieces_that_were_joined_decode_as_one(
            pieces in prop::collection::vec(
                prop_oneof![
                    prop::collection::vec(any::<u8>(), 0..8_000),
                    prop::collection::vec(b'a'..b'f', 0..40_000),
                    (any::<u8>(), 0..600_000usize).prop_map(|(byte, count)| vec![byte; count]),
                ],
                1..4,
            ),
            end in prop::collection::vec(any::<u8>(), 0..100),
        ) {
            let mut joined = Vec::new();
            for piece in &pieces {
                joined.extend(leave_open(deflate(piece), piece).expect("the piece's own stream"));
            }
            joined.extend(deflate(&end));
            let content: Vec<u8> = pieces.into_iter().flatten().chain(end).collect();
            prop_assert_eq!(inflate(&joined, content.len() + 1), content);
        }
    }
}
