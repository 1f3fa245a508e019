//! A spool in memory and a script that logs into it.

use super::*;

/// A spool in memory: what survives a restart of the client is in `Disk`.
#[derive(Debug, Clone, Default)]
pub(super) struct Disk {
    pub(super) records: Vec<(Item, u64)>,
    pub(super) acknowledged: Place,
    /// Records below this slot are gone.
    pub(super) first_kept: u64,
}

#[derive(Debug, Clone)]
pub(super) enum Item {
    Point(Point),
    Operation(Bytes, bool),
}

impl Item {
    fn slots(&self) -> u64 {
        match self {
            Self::Point(point) if point.epoch.is_none() => 1,
            Self::Point(_) => 2,
            Self::Operation(bytes, _) => 1 + bytes.len().div_ceil(32) as u64,
        }
    }
}

impl Disk {
    pub(super) fn push(&mut self, item: Item, head: u64) {
        self.records.push((item, head));
    }

    pub(super) fn end(&self) -> u64 {
        self.records.iter().map(|(item, _)| item.slots()).sum()
    }

    /// Slot and chain of each record, and of the end.
    pub(super) fn places(&self) -> Vec<Place> {
        let mut place = Place::default();
        let mut places = vec![place];
        for (item, head) in &self.records {
            place = Place {
                slot: place.slot + item.slots(),
                chain: mix(place.chain.rotate_left(5) ^ head),
            };
            places.push(place);
        }
        places
    }

    /// Releases what is acknowledged but `kept` slots.
    pub(super) fn release(&mut self, kept: u64) {
        let limit = self.acknowledged.slot.saturating_sub(kept);
        let places = self.places();
        let first = places.iter().rev().find(|place| place.slot <= limit);
        self.first_kept = self.first_kept.max(first.map_or(0, |place| place.slot));
    }
}

pub(super) fn mix(value: u64) -> u64 {
    (value ^ (value >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (value >> 7)
}

/// A reader over the disk; the disk is behind a cell so that tests push while a session reads.
#[derive(Clone)]
pub(super) struct MemorySlots {
    disk: std::rc::Rc<std::cell::RefCell<Disk>>,
    at: usize,
    current: Option<Item>,
}

impl MemorySlots {
    pub(super) fn new(disk: &std::rc::Rc<std::cell::RefCell<Disk>>) -> Self {
        Self {
            disk: std::rc::Rc::clone(disk),
            at: 0,
            current: None,
        }
    }

    fn index_of(&self, slot: u64) -> Result<usize, SpoolError> {
        let disk = self.disk.borrow();
        if slot < disk.first_kept {
            return Err(SpoolError::Released {
                slot,
                first: disk.first_kept,
            });
        }
        let found = disk.places().iter().position(|place| place.slot == slot);
        found.ok_or(SpoolError::Beyond {
            slot,
            end: disk.end(),
        })
    }
}

impl Slots for MemorySlots {
    fn next_record(&mut self) -> Result<Option<Record<'_>>, SpoolError> {
        let Some((item, _)) = self.disk.borrow().records.get(self.at).cloned() else {
            return Ok(None);
        };
        self.at += 1;
        Ok(Some(match self.current.insert(item) {
            Item::Point(point) => Record::Point(*point),
            Item::Operation(bytes, declaration) => Record::Operation {
                bytes,
                declaration: *declaration,
            },
        }))
    }

    fn place(&self) -> Place {
        self.disk.borrow().places()[self.at]
    }

    fn seek(&mut self, place: Place) -> Result<(), SpoolError> {
        self.at = self.index_of(place.slot)?;
        assert_eq!(self.place(), place, "sought with a chain that is not there");
        Ok(())
    }

    fn chain_at(&mut self, slot: u64) -> Result<u64, SpoolError> {
        let index = self.index_of(slot)?;
        Ok(self.disk.borrow().places()[index].chain)
    }

    fn first_slot_available(&self) -> u64 {
        self.disk.borrow().first_kept
    }

    fn has_more(&self) -> bool {
        self.at < self.disk.borrow().records.len()
    }

    fn acknowledged(&self) -> Place {
        self.disk.borrow().acknowledged
    }

    fn release(&mut self, place: Place) -> Result<(), SpoolError> {
        let mut disk = self.disk.borrow_mut();
        disk.acknowledged = place;
        Ok(())
    }

    fn declarations(&self) -> Result<Vec<Bytes>, SpoolError> {
        let disk = self.disk.borrow();
        Ok(disk
            .records
            .iter()
            .filter_map(|(item, _)| match item {
                Item::Operation(bytes, true) => Some(bytes.clone()),
                _ => None,
            })
            .collect())
    }
}

/// A script that logs numbered points into a disk.
pub(super) struct Script {
    pub(super) disk: std::rc::Rc<std::cell::RefCell<Disk>>,
    pub(super) next_value: u64,
    pub(super) salt: u64,
}

impl Script {
    pub(super) fn new() -> Self {
        let script = Self {
            disk: std::rc::Rc::default(),
            next_value: 0,
            salt: 1,
        };
        for number in 1..4 {
            script.operation(
                OperationKind::DefineSeries(DefineSeries {
                    number,
                    key: SeriesKey::metric(
                        MetricName::new(format!("m{number}")).unwrap(),
                        Context::empty(),
                    ),
                    value_type: ValueType::I64,
                    auto_step: false,
                }),
                true,
            );
        }
        script
    }

    pub(super) fn operation(&self, kind: OperationKind, declaration: bool) {
        let bytes = encoded(kind).as_bytes().clone();
        let head = mix(self.salt ^ bytes.len() as u64);
        self.disk
            .borrow_mut()
            .push(Item::Operation(bytes, declaration), head);
    }

    pub(super) fn points(&mut self, count: u64) {
        for _ in 0..count {
            let value = self.next_value;
            self.next_value += 1;
            let point = Point {
                series: 1 + (value % 3) as u32,
                step: value as f64,
                time_micros: value as i64,
                value_bits: value,
                epoch: value.is_multiple_of(11).then_some(0.5),
            };
            let head = mix(self.salt ^ (value << 8));
            self.disk.borrow_mut().push(Item::Point(point), head);
        }
    }

    pub(super) fn rewind(&self) {
        let to_step = Step::new(1.0).unwrap();
        self.operation(OperationKind::Rewind { to_step }, true);
    }

    /// First slot of each point, by value.
    pub(super) fn slots_by_value(&self) -> BTreeMap<u64, u64> {
        let disk = self.disk.borrow();
        disk.records
            .iter()
            .zip(disk.places())
            .filter_map(|((item, _), place)| match item {
                Item::Point(point) => Some((point.value_bits, place.slot)),
                Item::Operation(..) => None,
            })
            .collect()
    }
}
