//! What one thread of clients does to a store, from a seed: runs are made, written, rewound,
//! edited, deleted, taken back and purged. Threads share the store and no run, so that each
//! thread's runs are what its own script says, whatever the others do at that time.
//!
//! A script is the same each time it is made and does not look at answers: a process that was
//! killed goes on with a script that is made again and skipped to where it was.

use std::collections::BTreeMap;

use runstone_model::{ChangeNumber, StoreIdentity};
use runstone_model::{ExperimentKey, RunId, RunKey, SeriesKey, Timestamp, WorkspaceId};
use runstone_store::conformance::point_scan;
use runstone_store::conformance::testing::{FrameBuilder, TEST_EPOCH_MICROS, key};
use runstone_store::memory::MemoryStore;
use runstone_store::{
    AppendFrame, EditRequest, PointScan, RunAction, RunChanges, RunVisit, SeriesScan, Snapshot,
    Store, StoreError,
};

use crate::faults::disk::Random;

/// Runs of a script that are written at one time.
const RUNS_OPEN: usize = 4;
/// Runs that a script makes at most: writers of tests have one byte.
const RUNS_MAX: u8 = 50;
/// Scripts at one time at most.
pub(crate) const THREADS_MAX: u8 = 5;

/// One call.
#[derive(Debug, Clone)]
pub(crate) enum Call {
    Append(Box<AppendFrame>),
    Delete(EditRequest),
    Undelete(EditRequest),
    Purge(EditRequest),
    Change(EditRequest),
}

/// The calls of one thread, one after the other.
pub(crate) struct Script {
    thread: u8,
    random: Random,
    made: u8,
    open: Vec<FrameBuilder>,
    calls: u64,
    /// What follows from the call before.
    pending: Option<Call>,
}

impl Script {
    pub(crate) fn new(seed: u64, thread: u8) -> Self {
        assert!(thread < THREADS_MAX);
        Self {
            thread,
            random: Random(seed ^ (u64::from(thread) << 56)),
            made: 0,
            open: Vec::new(),
            calls: 0,
            pending: None,
        }
    }

    /// The script from this call on.
    pub(crate) fn skip_to(mut self, calls: u64) -> Self {
        while self.calls < calls {
            self.next();
        }
        self
    }

    /// Calls made so far.
    pub(crate) fn calls(&self) -> u64 {
        self.calls
    }

    /// The next call.
    pub(crate) fn next(&mut self) -> Call {
        self.calls += 1;
        if let Some(call) = self.pending.take() {
            return call;
        }
        let wants_more = self.open.len() < 2 || self.random.below(20) == 0;
        if wants_more && self.made < RUNS_MAX {
            return self.make_run();
        }
        let index = self.random.below(self.open.len() as u64) as usize;
        match self.random.below(40) {
            0..3 => Call::Delete(self.edit(index, RunAction::Delete)),
            3..6 => Call::Undelete(self.edit(index, RunAction::Undelete)),
            6..9 => {
                // As `delete --now` does.
                let purge = self.edit(index, RunAction::Purge);
                self.pending = Some(Call::Purge(purge));
                let delete = self.edit(index, RunAction::Delete);
                if self.made < RUNS_MAX {
                    self.open.swap_remove(index);
                }
                Call::Delete(delete)
            }
            9..12 => {
                let mut changes = RunChanges::default();
                let name = format!("name {}", self.calls);
                changes.set_name(&name).unwrap();
                Call::Change(self.edit(index, RunAction::Change(changes)))
            }
            _ => Call::Append(Box::new(self.write(index))),
        }
    }

    fn make_run(&mut self) -> Call {
        self.made += 1;
        let run = format!("t{}-{}", self.thread, self.made);
        let number = self.thread * RUNS_MAX + self.made;
        let mut builder = FrameBuilder::creator(&run, number);
        for index in 0..self.random.below(12) {
            builder.set_param(&format!("group.p{index}"), index as f64);
        }
        builder.change_tags(&["a", "b"], &[]);
        if self.open.len() >= RUNS_OPEN {
            let index = self.random.below(RUNS_OPEN as u64) as usize;
            self.open.swap_remove(index);
        }
        self.open.push(builder);
        let last = self.open.len() - 1;
        Call::Append(Box::new(self.write(last)))
    }

    /// A frame of a few short series and sometimes many points of a long one.
    fn write(&mut self, index: usize) -> AppendFrame {
        let random = &mut self.random;
        let builder = &mut self.open[index];
        match random.below(24) {
            0 => drop(builder.rewind(random.below(400) as f64)),
            1 => {
                let step = (random.below(2) == 0).then(|| random.below(200) as f64);
                builder.remove(Some(series(random.below(6))), step);
            }
            2 => drop(builder.set_param("lr", random.below(100) as f64)),
            3 => drop(builder.change_tags(&["c"], &["a"])),
            _ => {}
        }
        let first = builder.next_slot() as f64;
        let mut packs = BTreeMap::new();
        for _ in 0..1 + random.below(4) {
            let name = format!("short-{}", random.below(6));
            let number = builder.metric(&name);
            let value = random.below(1_000) as f64 / 8.0;
            packs.insert(number, vec![(first, value), (first + 1.0, value)]);
        }
        if random.below(4) == 0 {
            let number = builder.metric("loss");
            let points = (0..20 + random.below(150)).map(|step| {
                let step = first + step as f64;
                (step, (step * 0.618_034).sin())
            });
            packs.insert(number, points.collect());
        }
        for (number, points) in packs {
            builder.log(number, points);
        }
        builder.frame()
    }

    fn edit(&self, index: usize, action: RunAction) -> EditRequest {
        let micros = i64::try_from(self.calls).unwrap();
        EditRequest {
            workspace: WorkspaceId::default(),
            runs: vec![self.open[index].run().clone()],
            action,
            at: Timestamp::from_micros(TEST_EPOCH_MICROS + micros),
        }
    }
}

fn series(index: u64) -> SeriesKey {
    key(&format!("short-{index}"))
}

impl Call {
    /// Makes the call.
    pub(crate) fn make(self, store: &dyn Store) -> Result<(), StoreError> {
        match self {
            Self::Append(frame) => store.append(*frame).map(drop),
            Self::Delete(request)
            | Self::Undelete(request)
            | Self::Purge(request)
            | Self::Change(request) => store.edit(&request).map(drop),
        }
    }

    /// What it is called in the table of kills.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Append(_) => "append",
            Self::Delete(_) => "delete",
            Self::Undelete(_) => "undelete",
            Self::Purge(_) => "purge",
            Self::Change(_) => "edit",
        }
    }
}

/// What one thread has done, in the oracle.
pub(crate) struct Told {
    pub(crate) thread: u8,
    seed: u64,
    oracle: MemoryStore,
    /// Calls that the oracle knows to be acknowledged.
    pub(crate) done: u64,
}

impl Told {
    pub(crate) fn new(seed: u64, thread: u8) -> Self {
        let identity = StoreIdentity {
            store: [1; 16],
            incarnation: [1; 16],
        };
        Self {
            thread,
            seed,
            oracle: MemoryStore::new(identity),
            done: 0,
        }
    }

    /// Makes the calls up to `done` and holds the store to them. The call `under_way` after them
    /// may have been done; the oracle then has it too. What differs.
    pub(crate) fn compare(
        &mut self,
        store: &dyn Store,
        done: u64,
        is_under_way: bool,
    ) -> Result<(), String> {
        let mut script = Script::new(self.seed, self.thread).skip_to(self.done);
        while script.calls() < done {
            script.next().make(&self.oracle).unwrap();
        }
        self.done = done;
        let prefix = format!("t{}-", self.thread);
        let given = read_runs(store, &prefix).map_err(|error| error.to_string())?;
        let Err(without) = self.differs(&given, &prefix) else {
            return Ok(());
        };
        if !is_under_way {
            return Err(without);
        }
        let call = script.next();
        let name = call.name();
        call.make(&self.oracle).unwrap();
        self.differs(&given, &prefix)
            .map_err(|with| format!("without the {name} under way: {without}\nwith it: {with}"))
    }

    fn differs(&self, given: &BTreeMap<RunId, String>, prefix: &str) -> Result<(), String> {
        let wanted = read_runs(&self.oracle, prefix).map_err(|error| error.to_string())?;
        let ids = |runs: &BTreeMap<RunId, String>| -> Vec<String> {
            runs.keys().map(ToString::to_string).collect()
        };
        if ids(given) != ids(&wanted) {
            return Err(format!("runs {:?}, not {:?}", ids(given), ids(&wanted)));
        }
        for (id, wanted) in &wanted {
            let given = &given[id];
            if given != wanted {
                return Err(first_difference(id, given, wanted));
            }
        }
        Ok(())
    }
}

fn first_difference(id: &RunId, given: &str, wanted: &str) -> String {
    let at = given
        .bytes()
        .zip(wanted.bytes())
        .position(|(one, other)| one != other)
        .unwrap_or(given.len().min(wanted.len()));
    let near = |text: &str| -> String {
        let text: String = text
            .chars()
            .skip(at.saturating_sub(200))
            .take(400)
            .collect();
        text
    };
    format!("run {id} reads {}\nnot {}", near(given), near(wanted))
}

/// Everything that can be read of runs whose id begins so, as text, without what depends on other
/// threads: keys and change numbers.
pub(crate) fn read_runs(
    store: &dyn Store,
    prefix: &str,
) -> Result<BTreeMap<RunId, String>, StoreError> {
    let snapshot = store.snapshot()?;
    let mut records = Vec::new();
    for deleted in [false, true] {
        let visit = RunVisit {
            workspace: WorkspaceId::default(),
            deleted,
            ..RunVisit::default()
        };
        snapshot.visit_runs_unsorted(&visit, &mut |record| {
            if record.run.id.as_str().starts_with(prefix) {
                records.push(record);
            }
            Ok(())
        })?;
    }
    let mut runs = BTreeMap::new();
    for mut record in records {
        let run = record.key;
        record.key = RunKey(0);
        record.changed = ChangeNumber(0);
        record.run.experiment = ExperimentKey(0);
        let mut text = format!("{record:?}");
        read_run(snapshot.as_ref(), run, &mut text)?;
        runs.insert(record.run.id, text);
    }
    Ok(runs)
}

fn read_run(snapshot: &dyn Snapshot, run: RunKey, text: &mut String) -> Result<(), StoreError> {
    use std::fmt::Write as _;
    let mut events = snapshot.read_events(run)?;
    events
        .iter_mut()
        .for_each(|event| event.change = ChangeNumber(0));
    let scan = SeriesScan {
        limit: 1_000,
        ..SeriesScan::default()
    };
    let series = snapshot.scan_series(run, &scan)?.series;
    let mut add = |part: String| write!(text, "\n{part}").unwrap();
    add(format!("{:?}", snapshot.read_params(run)?));
    add(format!("{events:?}"));
    add(format!("{:?}", snapshot.read_writers(run)?));
    add(format!("{:?}", snapshot.read_scalars(run)?));
    add(format!("{:?}", snapshot.read_warnings(run)?));
    for mut record in series {
        // Added up in another order; the deep check compares it.
        record.summary.sum = 0.0;
        add(format!("{record:?}"));
        for history in [false, true] {
            let mut scan = PointScan {
                history,
                ..point_scan(&record.key, 500)
            };
            loop {
                let page = snapshot.scan_points(run, &scan)?;
                add(format!("{:?}", page.points));
                match page.next {
                    Some(next) => scan.after = Some(next),
                    None => break,
                }
            }
        }
    }
    Ok(())
}
