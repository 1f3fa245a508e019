//! The cache alone: what it loads, what it hands on, what it keeps.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::*;

fn stand(key: u64, changed: u64) -> RunStand {
    RunStand {
        key: RunKey(key),
        changed: ChangeNumber(changed),
    }
}

impl Weigh for &'static str {
    fn bytes_beside(&self) -> usize {
        0
    }
}

/// A column of texts: what a run's text is, and which runs were loaded.
#[derive(Default)]
struct Texts {
    cache: Cache<&'static str, ParamValue>,
    loaded: RefCell<Vec<u64>>,
}

impl Texts {
    /// Texts by place, as they were handed on.
    fn visit(&self, column: &'static str, runs: &[RunStand]) -> BTreeMap<usize, String> {
        self.loaded.borrow_mut().clear();
        let mut found = BTreeMap::new();
        let load = |band: u64, runs: &[RunStand]| {
            assert!(runs.is_sorted_by_key(|run| run.key));
            assert!(runs.iter().all(|run| band_of(run.key) == band));
            self.loaded
                .borrow_mut()
                .extend(runs.iter().map(|run| run.key.0));
            // Every seventh run has none.
            let text = |run: &RunStand| format!("{column} {} {}", run.key.0, run.changed.0).into();
            Ok(runs
                .iter()
                .map(|run| (run.key.0 % 7 > 0).then(|| text(run)))
                .collect())
        };
        let mut each = |index: usize, value: &ParamValue| {
            let ParamValue::String(text) = value else {
                panic!("{value:?}")
            };
            assert!(
                found.insert(index, text.clone()).is_none(),
                "place {index} came twice"
            );
        };
        self.cache.visit(&column, runs, &mut each, load).unwrap();
        found
    }
}

fn wanted(column: &str, runs: &[RunStand]) -> BTreeMap<usize, String> {
    let with = runs.iter().enumerate().filter(|(_, run)| run.key.0 % 7 > 0);
    with.map(|(index, run)| (index, format!("{column} {} {}", run.key.0, run.changed.0)))
        .collect()
}

#[test]
fn what_has_not_changed_is_not_loaded_again() {
    let texts = Texts::default();
    let mut runs: Vec<RunStand> = (1_000..3_100).map(|key| stand(key, 5)).collect();
    assert_eq!(texts.visit("a", &runs), wanted("a", &runs));
    assert_eq!(texts.loaded.borrow().len(), 2_100);
    assert_eq!(texts.visit("a", &runs), wanted("a", &runs));
    assert!(texts.loaded.borrow().is_empty());
    runs[40].changed = ChangeNumber(6);
    runs[1_500].changed = ChangeNumber(7);
    runs.reverse();
    assert_eq!(texts.visit("a", &runs), wanted("a", &runs));
    assert_eq!(*texts.loaded.borrow(), [1_040, 2_500]);
    // A reader of an older snapshot reads for itself, and undoes nothing.
    let older = [stand(1_040, 5), stand(1_040, 5), stand(2_500, 5)];
    assert_eq!(texts.visit("a", &older), wanted("a", &older));
    assert_eq!(*texts.loaded.borrow(), [1_040, 1_040, 2_500]);
    assert_eq!(texts.visit("a", &runs), wanted("a", &runs));
    assert!(texts.loaded.borrow().is_empty());
    // Many changes of a band at once.
    runs.iter_mut()
        .step_by(3)
        .for_each(|run| run.changed = ChangeNumber(9));
    assert_eq!(texts.visit("a", &runs), wanted("a", &runs));
    assert_eq!(texts.loaded.borrow().len(), 700);
    assert_eq!(texts.visit("b", &runs[..3]), wanted("b", &runs[..3]));
}

#[test]
fn columns_that_were_not_asked_for_longest_go_first() {
    let texts = Texts::default();
    let runs: Vec<RunStand> = (1..100_000).map(|key| stand(key, 1)).collect();
    let bytes = |texts: &Texts, column: &str| {
        let kept = texts.cache.lock();
        kept.columns.get(column).map_or(0, |column| column.bytes)
    };
    let mut names: Vec<&'static str> = vec!["a", "b", "c", "d", "e", "f", "g", "h"];
    for name in &names {
        texts.visit("a", &runs);
        assert!(
            texts.loaded.borrow().is_empty() || *name == "a",
            "the hot column went"
        );
        texts.visit(name, &runs);
        let of_bands = |column: &KeptColumn<ParamValue>| -> usize {
            let bands = column.bands.values().map(|band| band.bytes());
            COLUMN_BYTES + bands.sum::<usize>()
        };
        let kept = texts.cache.lock();
        assert_eq!(
            kept.bytes,
            kept.columns.values().map(of_bands).sum::<usize>()
        );
        assert!(kept.bytes <= CACHE_BYTES_MAX);
    }
    names.retain(|name| bytes(&texts, name) > 0);
    assert!(
        names.contains(&"a") && names.contains(&"h") && names.len() < 8,
        "{names:?}"
    );
}
