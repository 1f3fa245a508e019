//! A clone that diverged: a machine's snapshot, or a copied folder, that went on under the same
//! writer. Made here by changing values in a copy of a spool, by its published format.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use runstone_client::ApiClient;
use runstone_e2e::child::{series_of, value_at};
use runstone_e2e::server::sync;
use runstone_e2e::verify::read_points;

use crate::scene::{Home, NOWHERE, Scene, copy_folder};

const POINTS: u64 = 4_000;
const COMMON: u64 = 3_000;
/// Added to the values that only the clone has.
const SHIFT: f64 = 0.125;

pub(crate) const HEADER_BYTES: usize = 4096;
pub(crate) const SLOT_BYTES: usize = 32;
const SALT_AT: usize = 32;
pub(crate) const FIRST_SLOT_AT: usize = 4040;
pub(crate) const KIND_POINT: u64 = 1;

pub(crate) fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

pub(crate) fn segments(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(segments(&path));
        } else if path.extension().is_some_and(|extension| extension == "seg") {
            found.push(path);
        }
    }
    found
}

/// Changes the value of each point at or past the common part, with a sound checksum.
fn diverge(segment: &Path) -> u64 {
    let mut bytes = std::fs::read(segment).unwrap();
    let (salt, first) = (word(&bytes, SALT_AT), word(&bytes, FIRST_SLOT_AT));
    let mut changed = 0;
    for (index, slot) in bytes[HEADER_BYTES..]
        .chunks_exact_mut(SLOT_BYTES)
        .enumerate()
    {
        let (head, step) = (word(slot, 0), f64::from_bits(word(slot, 8)));
        if head >> 56 != KIND_POINT || step < COMMON as f64 {
            continue;
        }
        let value = f64::from_bits(word(slot, 24)) + SHIFT;
        slot[24..].copy_from_slice(&value.to_bits().to_le_bytes());
        let mut covered = Vec::with_capacity(40);
        covered.extend_from_slice(&(salt ^ (first + index as u64)).to_le_bytes());
        covered.extend_from_slice(&(head >> 32).to_le_bytes());
        covered.extend_from_slice(&slot[8..]);
        let head = (head >> 32 << 32) | u64::from(crc32c::crc32c(&covered));
        slot[..8].copy_from_slice(&head.to_le_bytes());
        changed += 1;
    }
    std::fs::write(segment, bytes).unwrap();
    changed
}

#[test]
fn a_clone_that_diverged_keeps_its_points_beside_the_originals() {
    let home = Home::start();
    let scene = Scene::new("diverged");
    let mut plan = scene.plan(NOWHERE);
    plan.points = POINTS;
    assert!(scene.spawn(&plan).wait().unwrap().success());
    let copy = scene.path().join("copy");
    copy_folder(&scene.spool(), &copy);
    let changed: u64 = segments(&copy).iter().map(|segment| diverge(segment)).sum();
    assert_eq!(changed, POINTS - COMMON);

    scene.deliver(home.url());
    assert_eq!(scene.verify(&home.server, [0]), POINTS);
    sync(&copy, &scene.home(), home.url(), 65_536).unwrap();

    let api = ApiClient::from_environment(Some(home.url())).unwrap();
    let shown = read_points(&api, "diverged", &series_of(0), false)
        .unwrap()
        .unwrap();
    let history = read_points(&api, "diverged", &series_of(0), true)
        .unwrap()
        .unwrap();
    assert_eq!(shown.len() as u64, POINTS);
    let mut values: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for (step, value) in history {
        values.entry(step as u64).or_default().push(value);
    }
    for step in 0..POINTS {
        let original = value_at(0, step);
        let kept = &values[&step];
        assert!(
            kept.contains(&original),
            "the original's point at step {step} is gone"
        );
        let of_clone = if step < COMMON {
            original
        } else {
            original + SHIFT
        };
        assert!(
            kept.contains(&of_clone),
            "the clone's point at step {step} is gone"
        );
        assert!(kept.len() <= 2, "step {step} is there {} times", kept.len());
    }
    // And once more from both: now everything is known.
    let before: usize = values.values().map(Vec::len).sum();
    scene.deliver(home.url());
    sync(&copy, &scene.home(), home.url(), 1_000).unwrap();
    let again = read_points(&api, "diverged", &series_of(0), true)
        .unwrap()
        .unwrap();
    assert_eq!(again.len(), before);
}
