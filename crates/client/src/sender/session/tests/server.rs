//! A model of the server.

use super::*;

/// The rules of `docs/formats/frame.md`.
#[derive(Debug, Clone, Default)]
pub(super) struct ModelServer {
    pub(super) writers: HashMap<WriterId, ServerWriter>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct ServerWriter {
    pub(super) mark: Place,
    /// Value bits of each point applied, in order.
    pub(super) points: Vec<u64>,
    pub(super) lost: Vec<(u64, u64)>,
    pub(super) declared: BTreeMap<u32, ValueType>,
    pub(super) generations: Vec<u32>,
}

impl ModelServer {
    pub(super) fn receive(&mut self, frame: &Frame) -> FrameAnswer {
        let unknown = !self.writers.contains_key(&frame.writer);
        let mut writer = self.writers.get(&frame.writer).cloned().unwrap_or_default();
        let first = Place {
            slot: frame.first_slot,
            chain: frame.chain_first,
        };
        let (status, lost) = if frame.is_empty_range() {
            let known = frame.first_slot == writer.mark.slot && !unknown;
            (
                if known {
                    FrameStatus::Applied
                } else {
                    FrameStatus::Mismatch
                },
                0,
            )
        } else if frame.next_slot <= writer.mark.slot {
            (FrameStatus::Duplicate, 0)
        } else if first == writer.mark {
            (FrameStatus::Applied, 0)
        } else if frame.base && frame.first_slot > writer.mark.slot {
            writer.lost.push((writer.mark.slot, frame.first_slot));
            (FrameStatus::Applied, frame.first_slot - writer.mark.slot)
        } else {
            (FrameStatus::Mismatch, 0)
        };
        if status == FrameStatus::Applied && !frame.is_empty_range() {
            writer.apply(frame);
            writer.mark = Place {
                slot: frame.next_slot,
                chain: frame.chain_next,
            };
            self.writers.insert(frame.writer, writer.clone());
        }
        FrameAnswer {
            mark: writer.mark.slot,
            chain: writer.mark.chain,
            status,
            refusals: Vec::new(),
            run_state: None,
            stop_requested: false,
            change: ChangeNumber(0),
            lost_slots: lost,
        }
    }
}

impl ServerWriter {
    fn apply(&mut self, frame: &Frame) {
        for (index, operation) in frame.operations.iter().enumerate() {
            match operation.decode().unwrap().kind {
                OperationKind::DefineSeries(define) => {
                    self.declared.insert(define.number, define.value_type);
                }
                OperationKind::Rewind { .. } => {
                    assert_eq!(index, 0, "a barrier stands first");
                    self.generations.push(frame.generation);
                }
                OperationKind::Points(pack) => {
                    let reader = PackReader::parse(&pack).unwrap();
                    let mut columns = SeriesColumns::default();
                    for at in 0..reader.series_count() {
                        let entry = reader.series().nth(at).unwrap();
                        assert_eq!(
                            self.declared.get(&entry.number),
                            Some(&entry.value_type),
                            "points of an undeclared series"
                        );
                        reader.decode(at, &mut columns).unwrap();
                        self.points.extend(&columns.values);
                    }
                }
                _ => {}
            }
        }
    }
}
