//! The first 4096 bytes of a segment: whose it is, what it must not be mistaken for, and where it
//! stands.
//!
//! Three parts with a checksum each, because they are written at three moments: identity when the
//! file is made, place when the segment is put into use, chain when a reader comes by. The
//! surprising rule: a segment without a place was a spare and holds nothing.

use runstone_model::WriterId;

use super::checksum::crc_of_words;

/// Bytes before the first slot.
pub(crate) const HEADER_BYTES: usize = 4096;
/// Words before the first slot.
pub(crate) const HEADER_WORDS: usize = HEADER_BYTES / 8;

const MAGIC: &[u8; 8] = b"RSSPOOL1";
const VERSION: u32 = 1;
const CHECKSUM_CRC32C: u32 = 1;
const TEXTS_AT: usize = 64;
const IDENTITY_CRC_AT: usize = 4024;
const PLACE_AT: usize = 4032;
const CHAIN_AT: usize = 4056;
/// First word of the place: number, first slot, check.
pub(crate) const PLACE_WORD: usize = PLACE_AT / 8;
/// First word of the chain: chain, check.
pub(crate) const CHAIN_WORD: usize = CHAIN_AT / 8;

/// What all segments of a writer say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) writer: WriterId,
    pub(crate) pid: u32,
    pub(crate) boot_id: String,
    pub(crate) host: String,
    pub(crate) run: String,
    pub(crate) destination: String,
}

/// A header as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) identity: Identity,
    pub(crate) salt: u64,
    pub(crate) slots: u64,
    pub(crate) created_at_micros: i64,
    /// Number and first slot; `None`: never in use.
    pub(crate) place: Option<(u64, u64)>,
    /// Chain at the first slot; `None`: not known.
    pub(crate) chain: Option<u64>,
}

impl Identity {
    /// The header of a segment without a place. Texts are cut where they are too long for it.
    pub(crate) fn header(&self, salt: u64, slots: u64, created_at_micros: i64) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&CHECKSUM_CRC32C.to_le_bytes());
        bytes.extend_from_slice(self.writer.as_bytes());
        bytes.extend_from_slice(&salt.to_le_bytes());
        bytes.extend_from_slice(&slots.to_le_bytes());
        bytes.extend_from_slice(&created_at_micros.to_le_bytes());
        bytes.extend_from_slice(&self.pid.to_le_bytes());
        bytes.extend_from_slice(&(HEADER_BYTES as u32).to_le_bytes());
        let texts = [
            (&self.boot_id, 128),
            (&self.host, 512),
            (&self.run, 512),
            (&self.destination, 2048),
        ];
        for (text, bytes_max) in texts {
            let text = &text[..text.floor_char_boundary(bytes_max)];
            bytes.extend_from_slice(&(text.len() as u16).to_le_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes.resize(IDENTITY_CRC_AT, 0);
        let crc = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes.resize(HEADER_BYTES, 0);
        bytes
    }
}

impl Header {
    /// Reads a header; the text says why it is none.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        let bytes = bytes.get(..HEADER_BYTES).ok_or("shorter than a header")?;
        if &bytes[..8] != MAGIC {
            return Err("not a segment");
        }
        if u32_at(bytes, 8) != VERSION {
            return Err("a later format version");
        }
        if crc32c::crc32c(&bytes[..IDENTITY_CRC_AT]) != u32_at(bytes, IDENTITY_CRC_AT) {
            return Err("its header is damaged");
        }
        if u32_at(bytes, 12) != CHECKSUM_CRC32C || u32_at(bytes, 60) as usize != HEADER_BYTES {
            return Err("a checksum or header length of a later format");
        }
        let mut at = TEXTS_AT;
        let mut text = || -> Result<String, &'static str> {
            let length = bytes.get(at..at + 2).ok_or("its texts are cut")?;
            let length = usize::from(u16::from_le_bytes([length[0], length[1]]));
            let text = bytes
                .get(at + 2..at + 2 + length)
                .ok_or("its texts are cut")?;
            at += 2 + length;
            Ok(String::from_utf8_lossy(text).into_owned())
        };
        let (boot_id, host, run, destination) = (text()?, text()?, text()?, text()?);
        let mut writer = [0; 16];
        writer.copy_from_slice(&bytes[16..32]);
        let salt = u64_at(bytes, 32);
        let (number, first) = (u64_at(bytes, PLACE_AT), u64_at(bytes, PLACE_AT + 8));
        let chain = u64_at(bytes, CHAIN_AT);
        Ok(Self {
            identity: Identity {
                writer: WriterId::new(writer),
                pid: u32_at(bytes, 56),
                boot_id,
                host,
                run,
                destination,
            },
            salt,
            slots: u64_at(bytes, 40),
            created_at_micros: u64_at(bytes, 48).cast_signed(),
            place: (u64_at(bytes, PLACE_AT + 16) == place_check(salt, number, first))
                .then_some((number, first)),
            chain: (u64_at(bytes, CHAIN_AT + 8) == chain_check(salt, chain)).then_some(chain),
        })
    }
}

/// The word after number and first slot. Never 0.
pub(crate) fn place_check(salt: u64, number: u64, first_slot: u64) -> u64 {
    u64::from(crc_of_words([salt, number, first_slot])) | 1 << 32
}

/// The word after the chain. Never 0.
pub(crate) fn chain_check(salt: u64, chain: u64) -> u64 {
    u64::from(crc_of_words([salt, chain])) | 1 << 32
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word)
}

/// A little-endian word.
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity {
            writer: WriterId::new([7; 16]),
            pid: 42,
            boot_id: "b".repeat(36),
            host: "höst".into(),
            run: "run".into(),
            destination: "d".repeat(5000),
        }
    }

    #[test]
    fn a_header_comes_back_and_long_texts_are_cut() {
        let bytes = identity().header(9, 100, -5);
        let header = Header::decode(&bytes).unwrap();
        assert_eq!(header.identity.host, "höst");
        assert_eq!(header.identity.destination.len(), 2048);
        assert_eq!(
            (header.salt, header.slots, header.created_at_micros),
            (9, 100, -5)
        );
        assert_eq!((header.place, header.chain), (None, None));
    }

    #[test]
    fn every_flipped_bit_of_the_identity_is_noticed() {
        let bytes = identity().header(9, 100, 5);
        for bit in 0..IDENTITY_CRC_AT * 8 + 32 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Header::decode(&flipped).is_err(), "bit {bit}");
        }
    }
}
