//! Ids of writers, and the name under which a spool is sent.
//!
//! Normally the name is the writer of the spool's folder and slots travel as they are. When a copy
//! of the folder or of the whole machine has written under the same name, the chains differ; then
//! what is not acknowledged is sent under a new name, whose slot 0 is the first of these slots and
//! whose chain there is 0. The new name is noted in the folder, so that whoever delivers it later
//! goes on with it. Used by `sender::session`.

use std::io::Write as _;
use std::path::Path;

use runstone_model::WriterId;

use crate::error::ClientError;
use crate::sender::slots::Place;

/// File in a spool folder that holds the names taken, one a line, the last one counts.
const FILE: &str = "names";

/// The name under which slots travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WireName {
    pub(crate) writer: WriterId,
    /// The place of the spool that is slot 0 and chain 0 on the wire.
    origin: Place,
}

impl WireName {
    /// The writer of the folder itself.
    pub(crate) fn of_folder(writer: WriterId) -> Self {
        Self {
            writer,
            origin: Place::default(),
        }
    }

    /// A new name for all from `origin` on.
    pub(crate) fn new(writer: WriterId, origin: Place) -> Self {
        Self { writer, origin }
    }

    /// First slot of the spool that this name covers.
    pub(crate) fn first_slot(&self) -> u64 {
        self.origin.slot
    }

    /// A place of the spool as it travels.
    pub(crate) fn wire_place(self, place: Place) -> Place {
        Place {
            slot: place.slot.saturating_sub(self.origin.slot),
            chain: place.chain ^ self.origin.chain,
        }
    }

    /// A place from the wire as the spool counts it.
    pub(crate) fn place_of_wire(self, place: Place) -> Place {
        Place {
            slot: place.slot.saturating_add(self.origin.slot),
            chain: place.chain ^ self.origin.chain,
        }
    }

    /// The name noted last in a folder, or the folder's own.
    pub(crate) fn read(folder: Option<&Path>, writer: WriterId) -> Self {
        let own = Self::of_folder(writer);
        let Some(folder) = folder else { return own };
        let Ok(text) = std::fs::read_to_string(folder.join(FILE)) else {
            return own;
        };
        text.lines().rev().find_map(Self::from_line).unwrap_or(own)
    }

    /// Notes the name in the folder, durably.
    pub(crate) fn note(&self, folder: &Path) -> std::io::Result<()> {
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.join(FILE))?;
        file.write_all(self.to_line().as_bytes())?;
        file.sync_all()
    }

    fn to_line(self) -> String {
        let body = format!(
            "{} {} {:016x}",
            self.writer, self.origin.slot, self.origin.chain
        );
        format!("{body} {:08x}\n", crc32c::crc32c(body.as_bytes()))
    }

    /// A line that was torn by a crash is skipped.
    fn from_line(line: &str) -> Option<Self> {
        let (body, check) = line.rsplit_once(' ')?;
        if u32::from_str_radix(check, 16).ok()? != crc32c::crc32c(body.as_bytes()) {
            return None;
        }
        let mut words = body.split(' ');
        let writer = words.next()?.parse().ok()?;
        let slot = words.next()?.parse().ok()?;
        let chain = u64::from_str_radix(words.next()?, 16).ok()?;
        Some(Self {
            writer,
            origin: Place { slot, chain },
        })
    }
}

/// Random bytes from the operating system, also after a fork and in a cloned machine.
pub(crate) fn random_bytes<const N: usize>() -> Result<[u8; N], ClientError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        ClientError::Internal(format!("no randomness from the system: {error}"))
    })?;
    Ok(bytes)
}

/// A new writer id.
pub(crate) fn new_writer_id() -> Result<WriterId, ClientError> {
    Ok(WriterId::new(random_bytes()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_back_and_a_torn_line_is_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let own = WriterId::new([1; 16]);
        assert_eq!(
            WireName::read(Some(folder.path()), own),
            WireName::of_folder(own)
        );
        let name = WireName::new(
            WriterId::new([2; 16]),
            Place {
                slot: 77,
                chain: 0xfeed,
            },
        );
        name.note(folder.path()).unwrap();
        assert_eq!(WireName::read(Some(folder.path()), own), name);
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .open(folder.path().join(FILE))
            .unwrap();
        file.write_all(&name.to_line().as_bytes()[..50]).unwrap();
        assert_eq!(WireName::read(Some(folder.path()), own), name);
    }

    #[test]
    fn places_go_to_the_wire_and_back() {
        let origin = Place {
            slot: 10,
            chain: 0xabc,
        };
        let name = WireName::new(WriterId::new([3; 16]), origin);
        assert_eq!(name.wire_place(origin), Place::default());
        let place = Place {
            slot: 25,
            chain: 0x123_4567,
        };
        assert_eq!(name.place_of_wire(name.wire_place(place)), place);
    }
}
