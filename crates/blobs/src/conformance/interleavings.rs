//! Uploads, references, deletions, sweeps, garbage collection and crashes in seeded orders.
//!
//! Each seed is one schedule of five to eight tasks, up to four at a time, over two contents, so that they meet.
//! Between any two steps the clock may move, past a lease or a grace period too, and a task or
//! all of them may be killed. After every deletion, and at the end, each blob that is referred to must be there
//! and be right. Two passes beyond the grace period later there must be nothing else: no blob, no
//! staged upload, no lease.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use runstone_model::{BlobDigest, BlobLeaseId, Timestamp};
use tokio::runtime::Runtime;

use super::schedule::{Random, Schedule};
use super::{Bench, CatalogueUnderTest, TEST_PIECE_BYTES, TEST_TIMES, bytes_of, digest_of};
use crate::gate::Hook;
use crate::{Begun, BlobError, Blobs, UploadRequest};

const TASKS_MAX: usize = 4;
const TASKS_IN_ALL_MAX: u64 = 8;
const CONTENTS: u64 = 2;

/// How often what happened, so that a test can see that it happens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Steps of tasks.
    pub steps: u64,
    /// Tasks that were killed.
    pub kills: u64,
    /// References that were added.
    pub references: u64,
    /// Uploads that found their blob there.
    pub found: u64,
    /// Uploads that met the deletion of their blob.
    pub met_deletion: u64,
    /// Uploads that were slower than their lease.
    pub late: u64,
    /// Blobs that were deleted while the schedule ran.
    pub deleted: u64,
    /// Deletions that were taken over.
    pub taken_over: u64,
}

impl Tally {
    /// Adds another one.
    pub fn add(&mut self, other: Self) {
        self.steps += other.steps;
        self.kills += other.kills;
        self.references += other.references;
        self.found += other.found;
        self.met_deletion += other.met_deletion;
        self.late += other.late;
        self.deleted += other.deleted;
        self.taken_over += other.taken_over;
    }
}

/// How many seeds run, for each place; RUNSTONE_BLOB_SEEDS chooses another number.
pub fn seeds() -> u64 {
    let chosen = std::env::var("RUNSTONE_BLOB_SEEDS");
    chosen.map_or(1000, |text| text.parse().expect("a number of seeds"))
}

/// Runs seeds on two threads; `make` gives each an empty place and an empty catalogue.
pub fn run_seeds<C: CatalogueUnderTest>(
    seeds: u64,
    make: impl Fn(u64) -> Bench<C> + Sync,
) -> Tally {
    let run = |odd: u64| {
        let (runtime, mut tally) = (runtime(), Tally::default());
        for seed in (0..seeds).filter(|seed| seed % 2 == odd) {
            let ran = run_interleaving(&runtime, seed, make(seed));
            tally.add(ran.unwrap_or_else(|failure| panic!("{failure}")));
        }
        tally
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(|| run(1));
        let mut tally = run(0);
        tally.add(other.join().unwrap());
        tally
    })
}

/// A runtime of one thread.
pub fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

/// Seeds that never meet prove nothing.
pub fn check_tally(tally: Tally) {
    let least = seeds() / 100;
    for met in [
        tally.kills,
        tally.references,
        tally.found,
        tally.met_deletion,
        tally.late,
        tally.deleted,
        tally.taken_over,
    ] {
        assert!(met >= least, "{tally:?}");
    }
}

/// What the tasks of one seed share.
struct Shared<C> {
    bench: Bench<C>,
    /// Ready references, written in the same step as the catalogue's.
    references: Mutex<BTreeMap<String, BlobDigest>>,
    tally: Mutex<Tally>,
}

/// Runs one seed on a bench of an empty place with an empty catalogue.
///
/// `runtime` runs nothing else and has one thread.
///
/// # Errors
/// What was lost or left, and the steps that led there.
pub fn run_interleaving<C: CatalogueUnderTest>(
    runtime: &Runtime,
    seed: u64,
    bench: Bench<C>,
) -> Result<Tally, String> {
    let shared = Arc::new(Shared {
        bench,
        references: Mutex::default(),
        tally: Mutex::default(),
    });
    let mut schedule = Schedule::default();
    let found = runtime.block_on(async {
        run(seed, &shared, &mut schedule).await?;
        settle(&shared).await
    });
    match found {
        Ok(()) => Ok(*shared.tally.lock().unwrap()),
        Err(failure) => Err(format!(
            "seed {seed}: {failure}\n{}",
            schedule.trace.join("\n")
        )),
    }
}

async fn run<C: CatalogueUnderTest>(
    seed: u64,
    shared: &Arc<Shared<C>>,
    schedule: &mut Schedule,
) -> Result<(), String> {
    let mut random = Random::new(seed);
    if random.percent(70) {
        leave_marked(shared, schedule).await;
    }
    let mut unborn = 5 + random.below(4);
    loop {
        let living = schedule.settled().await;
        if unborn > 0 && living.len() < TASKS_MAX && (living.is_empty() || random.percent(30)) {
            unborn -= 1;
            spawn(unborn, shared, schedule, &mut random);
            continue;
        }
        if living.is_empty() {
            return Ok(());
        }
        let chosen = living[random.below(living.len() as u64) as usize];
        match random.below(100) {
            0..5 => {
                let lengths = [10, 40, 70, 130];
                let seconds = lengths[random.below(lengths.len() as u64) as usize];
                schedule.note(format!("{seconds} s pass"));
                shared.bench.clock.advance(Duration::from_secs(seconds));
            }
            5..8 => {
                schedule.kill(chosen).await;
                shared.tally.lock().unwrap().kills += 1;
            }
            8 if random.percent(30) => {
                for task in living {
                    schedule.kill(task).await;
                    shared.tally.lock().unwrap().kills += 1;
                }
            }
            9 if random.percent(30) => {
                schedule.note("all stand still, others sweep and collect twice");
                sweep_and_collect(&shared.bench).await?;
                check_references(shared).await?;
            }
            _ => {
                shared.tally.lock().unwrap().steps += 1;
                if schedule.step(chosen) == "delete the blobs" {
                    schedule.settled().await;
                    check_references(shared).await?;
                }
            }
        }
    }
}

/// The contents are there, nobody wants them, and the next pass will find that they were marked long enough.
async fn leave_marked<C: CatalogueUnderTest>(shared: &Shared<C>, schedule: &mut Schedule) {
    let bench = &shared.bench;
    for number in 0..CONTENTS {
        let bytes = content(number);
        let request = UploadRequest {
            digest: Some(digest_of(&bytes)),
            ..UploadRequest::default()
        };
        let stream = futures_util::stream::iter([Ok::<_, BlobError>(bytes)]);
        let stored = bench.blobs.put(request, stream).await.unwrap();
        bench.catalogue.forget_leases(&[stored.lease]).unwrap();
        let now = bench.clock.now();
        bench.catalogue.mark(&[stored.digest], now, now).unwrap();
    }
    bench.clock.advance(TEST_TIMES.grace);
    schedule.note("both contents are there, marked a grace period ago");
}

/// Each blob that is referred to is there.
async fn check_references<C: CatalogueUnderTest>(shared: &Shared<C>) -> Result<(), String> {
    // One owner of each is enough to name.
    let references = shared.references.lock().unwrap().clone();
    let wanted: BTreeMap<BlobDigest, String> = references
        .into_iter()
        .map(|(owner, digest)| (digest, owner))
        .collect();
    for (digest, owner) in wanted {
        match shared.bench.blobs.head(digest).await {
            Ok(Some(_)) => {}
            Ok(None) => return Err(format!("blob {digest} of {owner} is lost")),
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(())
}

/// Two passes, each a grace period later.
async fn sweep_and_collect<C: CatalogueUnderTest>(bench: &Bench<C>) -> Result<(), String> {
    for _ in 0..2 {
        bench.clock.advance(TEST_TIMES.grace);
        let swept = bench.blobs.sweep_uploads().await;
        let swept = swept.map_err(|error| error.to_string())?;
        let collected = bench.blobs.collect().await;
        let collected = collected.map_err(|error| error.to_string())?;
        if let Some(failure) = swept.failure.or(collected.failure) {
            return Err(failure);
        }
    }
    Ok(())
}

/// What must hold once everybody has ended and two passes beyond the grace period have run.
async fn settle<C: CatalogueUnderTest>(shared: &Shared<C>) -> Result<(), String> {
    let (bench, blobs) = (&shared.bench, &shared.bench.blobs);
    let text = |error: BlobError| error.to_string();
    check_references(shared).await?;
    // A pending reference that an upload has made ready outlives the task that would have removed it.
    for number in 0..TASKS_IN_ALL_MAX {
        let owner = format!("pending owner {number}");
        bench.catalogue.remove_reference(&owner);
    }
    sweep_and_collect(bench).await?;
    let references = shared.references.lock().unwrap().clone();
    let mut wanted: Vec<BlobDigest> = references.values().copied().collect();
    wanted.sort();
    wanted.dedup();
    for digest in &wanted {
        blobs.verify(*digest).await.map_err(text)?;
    }
    let (left, staged) = bench.everything().await;
    if left != wanted {
        return Err(format!("{left:?} are there, {wanted:?} are referred to"));
    }
    let leases: Vec<_> = (1..1000).map(BlobLeaseId).collect();
    let leases = bench
        .catalogue
        .known_leases(&leases)
        .map_err(|error| error.to_string())?;
    if !staged.is_empty() || !leases.is_empty() {
        return Err(format!("uploads {staged:?} and leases {leases:?} are left"));
    }
    Ok(())
}

fn spawn<C: CatalogueUnderTest>(
    number: u64,
    shared: &Arc<Shared<C>>,
    schedule: &mut Schedule,
    random: &mut Random,
) {
    let hook = schedule.next_hook();
    let blobs = shared.bench.through(hook.clone());
    let shared = shared.clone();
    let owner = format!("owner {number}");
    match random.below(10) {
        0..6 => {
            let upload = UploadTask {
                owner,
                content: random.below(CONTENTS),
                announced: random.percent(50),
                dereferences: random.percent(70),
            };
            schedule.note(format!("spawn {upload:?}"));
            schedule.spawn(upload.run(shared, blobs, hook));
        }
        6..9 => {
            schedule.note("spawn a pass");
            schedule.spawn(collect(shared, blobs));
        }
        _ if random.percent(60) => {
            schedule.note("spawn a sweep");
            schedule.spawn(sweep(blobs));
        }
        _ => {
            let digest = digest_of(&content(random.below(CONTENTS)));
            schedule.note("spawn a pending reference");
            schedule.spawn(pend(shared, hook, owner, digest));
        }
    }
}

/// What a sweep can't do the next one does.
async fn sweep(blobs: Blobs) {
    blobs.sweep_uploads().await.ok();
}

async fn collect<C: CatalogueUnderTest>(shared: Arc<Shared<C>>, blobs: Blobs) {
    if let Ok(report) = blobs.collect().await {
        let mut tally = shared.tally.lock().unwrap();
        tally.deleted += report.deleted;
        tally.taken_over += report.taken_over;
    }
}

async fn pend<C: CatalogueUnderTest>(
    shared: Arc<Shared<C>>,
    hook: Hook,
    owner: String,
    digest: BlobDigest,
) {
    let owner = format!("pending {owner}");
    hook("pend").await;
    let until = Timestamp::from_micros(shared.bench.clock.now().as_micros() + 100_000_000);
    let catalogue = &shared.bench.catalogue;
    catalogue.add_pending_reference(&owner, digest, until);
    hook("remove the pending reference").await;
    catalogue.remove_reference(&owner);
}

/// Content 0 fits one piece, 1 takes two.
fn content(number: u64) -> Bytes {
    let bytes = match number {
        0 => TEST_PIECE_BYTES - 1,
        _ => TEST_PIECE_BYTES + 7,
    };
    bytes_of(number, bytes)
}

/// An upload, its reference, and perhaps the end of that.
#[derive(Debug)]
struct UploadTask {
    owner: String,
    content: u64,
    announced: bool,
    dereferences: bool,
}

impl UploadTask {
    async fn run<C: CatalogueUnderTest>(self, shared: Arc<Shared<C>>, blobs: Blobs, hook: Hook) {
        hook("start").await;
        for _ in 0..3 {
            let outcome = self.upload(&shared, &blobs, &hook).await;
            let mut tally = shared.tally.lock().unwrap();
            match outcome {
                Ok(()) => break,
                Err(BlobError::Unavailable { .. }) => tally.met_deletion += 1,
                Err(_) => tally.late += 1,
            }
        }
        if self.dereferences {
            hook("remove the reference").await;
            shared.bench.catalogue.remove_reference(&self.owner);
            shared.references.lock().unwrap().remove(&self.owner);
        }
    }

    async fn upload<C: CatalogueUnderTest>(
        &self,
        shared: &Shared<C>,
        blobs: &Blobs,
        hook: &Hook,
    ) -> Result<(), BlobError> {
        let mut bytes = content(self.content);
        let request = UploadRequest {
            digest: self.announced.then(|| digest_of(&bytes)),
            ..UploadRequest::default()
        };
        let stored = match blobs.begin(request).await? {
            Begun::AlreadyThere(stored) => stored,
            Begun::Upload(mut upload) => {
                while !bytes.is_empty() {
                    upload.write(bytes.split_to(bytes.len().min(600))).await?;
                }
                finish(&mut upload, hook).boxed().await?
            }
        };
        hook("add the reference").await;
        shared
            .bench
            .catalogue
            .add_reference(&self.owner, stored.digest, stored.lease)?;
        let mut references = shared.references.lock().unwrap();
        references.insert(self.owner.clone(), stored.digest);
        let mut tally = shared.tally.lock().unwrap();
        tally.references += 1;
        tally.found += u64::from(stored.already_there);
        Ok(())
    }
}

/// Finishes, and asks again a few times while the blob is being deleted.
async fn finish(upload: &mut crate::Upload, hook: &Hook) -> Result<crate::StoredBlob, BlobError> {
    for _ in 0..3 {
        match upload.finish().await {
            Err(BlobError::Unavailable { .. }) => hook("wait for the deletion").await,
            answer => return answer,
        }
    }
    upload.finish().await
}
