//! Explicit and counted steps in one series: frames end where the base of the counted ones is told.

use super::*;

const EXPLICIT: bool = false;
const COUNTED: bool = true;

/// A script that logs one series by calls with a step (`Some`) and without (`None`). A number is
/// declared at its first use.
fn script(calls: &[Option<u8>]) -> Script {
    let script = Script {
        disk: std::rc::Rc::default(),
        next_value: 0,
        salt: 1,
    };
    let mut numbers: Vec<bool> = Vec::new();
    let mut ordinal = 0.0;
    for (value, call) in calls.iter().enumerate() {
        let counted = call.is_none();
        let known = numbers.iter().position(|known| *known == counted);
        let index = known.unwrap_or_else(|| {
            numbers.push(counted);
            let number = numbers.len() as u32;
            script.operation(define(number, counted), true);
            numbers.len() - 1
        });
        let step = call.map_or(ordinal, f64::from);
        ordinal += f64::from(u8::from(counted));
        let point = Point {
            series: index as u32 + 1,
            step,
            time_micros: value as i64,
            value_bits: value as u64,
            epoch: None,
        };
        let head = mix(value as u64 + 7);
        script.disk.borrow_mut().push(Item::Point(point), head);
    }
    script
}

fn define(number: u32, auto_step: bool) -> OperationKind {
    OperationKind::DefineSeries(DefineSeries {
        number,
        key: SeriesKey::metric(MetricName::new("loss").unwrap(), Context::empty()),
        value_type: ValueType::F64,
        auto_step,
    })
}

/// The base as the store resolves it: one past the highest explicit step of all frames before the
/// first one with counted points.
#[derive(Default)]
struct Store {
    kinds: BTreeMap<u32, bool>,
    highest: Option<f64>,
    base: Option<f64>,
}

impl Store {
    fn apply(&mut self, frame: &Frame) {
        let before = self.highest;
        for operation in &frame.operations {
            match operation.decode().unwrap().kind {
                OperationKind::DefineSeries(define) => {
                    self.kinds.insert(define.number, define.auto_step);
                }
                OperationKind::Points(pack) => self.points(&pack, before),
                _ => {}
            }
        }
    }

    fn points(&mut self, pack: &Bytes, before: Option<f64>) {
        let reader = PackReader::parse(pack).unwrap();
        let mut columns = SeriesColumns::default();
        for index in 0..reader.series_count() {
            let number = reader.series().nth(index).unwrap().number;
            reader.decode(index, &mut columns).unwrap();
            match self.kinds[&number] {
                COUNTED => {
                    let base = before.map_or(0.0, |highest| highest + 1.0);
                    self.base.get_or_insert(base);
                }
                EXPLICIT => {
                    let highest = columns.steps.iter().copied().reduce(f64::max);
                    self.highest = self.highest.into_iter().chain(highest).reduce(f64::max);
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn the_base_of_counted_points_does_not_depend_on_the_frames(
        calls in proptest::collection::vec(proptest::option::weighted(0.8, 0u8..100), 1..40),
        caps in 1usize..60,
        silences in any::<u32>(),
    ) {
        let script = script(&calls);
        let mut server = ModelServer::default();
        let mut store = Store::default();
        let mut sender = session(&script, caps);
        let mut sorter = PointSorter::default();
        let mut attempt = 0;
        while let Some(packed) = sender.next_frame(&mut sorter, &Company::default()).unwrap() {
            attempt += 1;
            let silent = attempt < 32 && silences >> attempt & 1 == 1;
            let outcome = if silent {
                Outcome::Silence
            } else {
                store.apply(&packed.frame);
                Outcome::Answered(server.receive(&packed.frame))
            };
            sender.settle(&packed, outcome, no_name).unwrap();
            prop_assert!(attempt < 1000);
        }
        let first_counted = calls.iter().position(Option::is_none);
        let expected = first_counted.map(|at| {
            let before = calls[..at].iter().flatten().max();
            before.map_or(0.0, |step| f64::from(*step) + 1.0)
        });
        prop_assert_eq!(store.base, expected);
        prop_assert_eq!(sender.acknowledged().slot, script.disk.borrow().end());
    }
}

#[test]
fn only_the_first_counted_point_ends_a_frame() {
    let mixed: Vec<Option<u8>> = (0..40).map(|at| (at % 2 == 0).then_some(at)).collect();
    let mut server = ModelServer::default();
    let mut sender = session(&script(&mixed), 100);
    assert_eq!(send_all(&mut sender, &mut server).len(), 2);
    // Nothing to tell apart: one frame.
    let mut server = ModelServer::default();
    let mut sender = session(&script(&[None, None, Some(3), None]), 100);
    assert_eq!(send_all(&mut sender, &mut server).len(), 1);
}
