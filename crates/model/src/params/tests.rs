use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::PARAM_KEY_BYTES_MAX;

fn path(text: &str) -> ParamPath {
    if text.is_empty() {
        ParamPath::root()
    } else {
        ParamPath::parse_dotted(text).unwrap()
    }
}

fn set(params: &mut Params, at: &str, value: Value) -> Vec<String> {
    let report = params
        .set(&path(at), &ParamValue::from_json(&value), false)
        .unwrap();
    report.conflicts.iter().map(ToString::to_string).collect()
}

#[test]
fn a_dict_merges_and_a_leaf_replaces() {
    let mut params = Params::default();
    assert!(
        set(
            &mut params,
            "",
            json!({"opt": {"lr": 0.1, "beta": [1, 2]}, "seed": 1})
        )
        .is_empty()
    );
    assert!(set(&mut params, "opt", json!({"lr": 0.2, "name": "sgd"})).is_empty());
    assert!(set(&mut params, "opt.beta", json!([3])).is_empty());
    assert_eq!(
        params.to_json(),
        json!({"opt": {"beta": [3], "lr": 0.2, "name": "sgd"}, "seed": 1})
    );
    assert_eq!(params.leaf_count(), 4);
}

#[test]
fn an_integer_and_an_equal_float_stay_distinct() {
    let mut params = Params::default();
    set(&mut params, "a", json!(1));
    set(&mut params, "b", json!(1.0));
    assert_ne!(params.get(&path("a")), params.get(&path("b")));
    assert_eq!(params.to_json().to_string(), r#"{"a":1,"b":1.0}"#);
}

#[test]
fn of_a_leaf_and_a_child_below_it_the_newer_wins_and_the_older_is_reported() {
    let mut params = Params::default();
    set(&mut params, "a", json!(1));
    assert_eq!(set(&mut params, "a.b.c", json!(2)), ["a"]);
    assert_eq!(params.to_json(), json!({"a": {"b": {"c": 2}}}));
    assert_eq!(set(&mut params, "a", json!({"b": 3, "d": 4})), ["a.b"]);
    assert_eq!(params.to_json(), json!({"a": {"b": 3, "d": 4}}));
    assert_eq!(set(&mut params, "a", json!([])), ["a"]);
    assert_eq!(params.leaf_count(), 1);
}

#[test]
fn replace_takes_the_place_of_a_dict_and_reports_only_what_lies_above() {
    let mut params = Params::default();
    set(&mut params, "", json!({"a": {"x": 1, "y": 2}, "s": 5}));
    let new = ParamValue::from([("z", 3_i64)]);
    let report = params.set(&path("a"), &new, true).unwrap();
    assert_eq!(report, SetReport::default());
    assert_eq!(params.to_json(), json!({"a": {"z": 3}, "s": 5}));
    assert_eq!(
        params.set(&path("s.t"), &new, true).unwrap().conflicts,
        [path("s")]
    );
    params.set(&ParamPath::root(), &new, true).unwrap();
    assert_eq!(params.to_json(), json!({"z": 3}));
    assert_eq!(params.leaf_count(), 1);
}

#[test]
fn the_root_takes_dicts_only() {
    let mut params = Params::default();
    let error = params
        .set(&ParamPath::root(), &ParamValue::I64(1), true)
        .unwrap_err();
    assert!(error.to_string().contains("must be a dict"), "{error}");
    assert!(params.is_empty());
}

#[test]
fn an_empty_dict_is_a_leaf_until_something_stands_in_it() {
    let mut params = Params::default();
    assert!(set(&mut params, "a", json!({})).is_empty());
    assert_eq!(
        (params.to_json(), params.leaf_count()),
        (json!({"a": {}}), 1)
    );
    assert!(set(&mut params, "a.b", json!(1)).is_empty());
    assert!(set(&mut params, "a", json!({})).is_empty());
    assert_eq!(
        (params.to_json(), params.leaf_count()),
        (json!({"a": {"b": 1}}), 1)
    );
    assert!(
        set(&mut params, "a.b", json!({})).is_empty(),
        "no child stands below it"
    );
    assert_eq!(params.to_json(), json!({"a": {"b": {}}}));
}

#[test]
fn removal_takes_all_below_and_leaves_the_parent() {
    let mut params = Params::default();
    set(
        &mut params,
        "",
        json!({"a": {"b": {"c": 1, "d": 2}}, "e": 3}),
    );
    assert!(!params.remove(&path("a.x")));
    assert!(!params.remove(&path("e.x")));
    assert!(params.remove(&path("a.b")));
    assert_eq!(
        (params.to_json(), params.leaf_count()),
        (json!({"a": {}, "e": 3}), 2)
    );
    assert!(params.remove(&ParamPath::root()));
    assert!(!params.remove(&ParamPath::root()));
    assert_eq!(params, Params::default());
}

#[test]
fn non_finite_floats_are_texts_in_json() {
    let mut params = Params::default();
    for (key, value) in [
        ("n", f64::NAN),
        ("p", f64::INFINITY),
        ("m", f64::NEG_INFINITY),
    ] {
        params
            .set(&path(key), &ParamValue::F64(value), false)
            .unwrap();
    }
    let expected = json!({"m": "-Infinity", "n": "NaN", "p": "Infinity"});
    assert_eq!(params.to_json(), expected);
    assert_eq!(serde_json::to_value(&params).unwrap(), expected);
    assert_eq!(params.get(&path("n")), Some(&ParamValue::F64(f64::NAN)));
}

#[test]
fn limits_name_the_path_and_change_nothing() {
    let mut params = Params::default();
    set(&mut params, "keep", json!(1));
    let before = params.clone();

    let deep = (0..40).fold(json!(1), |value, _| json!({"k": value}));
    let long_key = "k".repeat(PARAM_KEY_BYTES_MAX + 1);
    let many: serde_json::Map<_, _> = (0..PARAM_LEAVES_MAX)
        .map(|index| (index.to_string(), json!(index)))
        .collect();
    for (value, in_message, too_large) in [
        (deep, "is nested deeper than 32 levels", true),
        (
            json!({"x": {long_key: 1}}),
            "has 513 bytes, the limit is 512",
            true,
        ),
        (
            json!({"x": {"": 1}}),
            "param key at \"here.x.\" is empty",
            false,
        ),
        (json!({"x": [{"\u{0}": 1}]}), "holds a NUL", false),
        (Value::Object(many), "100001 leaves", true),
        (
            json!("y".repeat(PARAM_BYTES_MAX)),
            "the limits are 100000 and 16777216",
            true,
        ),
    ] {
        let error = params
            .set(&path("here"), &ParamValue::from_json(&value), false)
            .unwrap_err();
        assert!(error.to_string().contains(in_message), "{error}");
        assert!(error.to_string().contains("here"), "{error}");
        assert_eq!(error.is_too_large(), too_large, "{error}");
        assert_eq!(params, before);
    }
}

#[test]
fn a_full_tree_still_takes_changes_that_do_not_grow_it() {
    let many: serde_json::Map<_, _> = (0..PARAM_LEAVES_MAX)
        .map(|index| (format!("k{index}"), json!(index)))
        .collect();
    let mut params = Params::from_json(&Value::Object(many)).unwrap();
    assert_eq!(params.leaf_count(), PARAM_LEAVES_MAX);
    params.set(&path("k7"), &ParamValue::Null, false).unwrap();
    assert!(params.set(&path("new"), &ParamValue::Null, false).is_err());
    assert!(params.remove(&path("k7")));
    params.set(&path("new"), &ParamValue::Null, false).unwrap();
}

#[test]
fn depth_counts_keys_and_positions_in_lists() {
    let nested = |levels: usize| {
        (0..levels).fold(ParamValue::Null, |value, _| ParamValue::List(vec![value]))
    };
    let mut params = Params::default();
    params.set(&path("a.b"), &nested(30), false).unwrap();
    assert!(
        params
            .set(&path("a.b"), &nested(31), false)
            .unwrap_err()
            .is_too_large()
    );
    assert!(
        ParamPath::from_keys(vec!["k"; 33])
            .unwrap_err()
            .is_too_large()
    );
}

#[test]
fn cleaning_replaces_nul_in_keys_and_texts() {
    let mut value = ParamValue::from_json(&json!({"a\u{0}": ["x\u{0}\u{0}", 1], "b": "y"}));
    assert_eq!(value.clean(), 3);
    assert_eq!(
        value,
        ParamValue::from_json(&json!({"a\u{fffd}": ["x\u{fffd}\u{fffd}", 1], "b": "y"}))
    );
    assert_eq!(value.clean(), 0);
}

/// The oracle: params as a flat list of leaves, with the rules said once more on paths.
#[derive(Default)]
struct Flat(BTreeMap<Vec<String>, ParamValue>);

impl Flat {
    fn is_empty_dict(value: &ParamValue) -> bool {
        matches!(value, ParamValue::Dict(entries) if entries.is_empty())
    }

    fn has_children(&self, at: &[String]) -> bool {
        self.0
            .keys()
            .any(|key| key.len() > at.len() && key.starts_with(at))
    }

    fn set(&mut self, at: &[String], value: &ParamValue, replace: bool) -> Vec<Vec<String>> {
        let mut conflicts = Vec::new();
        if replace {
            self.0.retain(|key, _| !key.starts_with(at));
        }
        self.set_below(at, value, &mut conflicts);
        conflicts.sort();
        conflicts.dedup();
        conflicts
    }

    fn set_below(&mut self, at: &[String], value: &ParamValue, lost: &mut Vec<Vec<String>>) {
        match value {
            ParamValue::Dict(entries) if !entries.is_empty() => {
                for (key, value) in entries {
                    self.set_below(&[at, std::slice::from_ref(key)].concat(), value, lost);
                }
            }
            ParamValue::Dict(_) if at.is_empty() || self.has_children(at) => {}
            leaf => {
                for end in 1..at.len() {
                    if let Some(above) = self.0.remove(&at[..end])
                        && !Self::is_empty_dict(&above)
                    {
                        lost.push(at[..end].to_vec());
                    }
                }
                if self.has_children(at) {
                    lost.push(at.to_vec());
                    self.0.retain(|key, _| !key.starts_with(at));
                }
                self.0.insert(at.to_vec(), leaf.clone());
            }
        }
    }

    fn remove(&mut self, at: &[String]) -> bool {
        let before = self.0.len();
        self.0.retain(|key, _| !key.starts_with(at));
        let removed = self.0.len() < before;
        if removed && at.len() > 1 && !self.has_children(&at[..at.len() - 1]) {
            self.0.insert(
                at[..at.len() - 1].to_vec(),
                ParamValue::Dict(BTreeMap::new()),
            );
        }
        removed
    }
}

#[derive(Debug, Clone)]
enum Action {
    Set(Vec<String>, ParamValue, bool),
    Remove(Vec<String>),
}

fn any_path() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec("[ab.]", 0..4)
}

fn any_param() -> impl Strategy<Value = ParamValue> {
    let leaf = prop_oneof![
        Just(ParamValue::Null),
        any::<i8>().prop_map(|integer| ParamValue::I64(integer.into())),
        any::<f64>().prop_map(ParamValue::F64),
        "[a-z]{0,12}".prop_map(ParamValue::String),
        proptest::collection::vec(any::<bool>().prop_map(ParamValue::Bool), 0..3)
            .prop_map(ParamValue::List),
        Just(ParamValue::Dict(BTreeMap::new())),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        proptest::collection::btree_map("[ab.]", inner, 0..3).prop_map(ParamValue::Dict)
    })
}

fn any_action() -> impl Strategy<Value = Action> {
    prop_oneof![
        4 => (any_path(), any_param(), proptest::bool::weighted(0.2))
            .prop_map(|(path, value, replace)| Action::Set(path, value, replace)),
        1 => any_path().prop_map(Action::Remove),
    ]
}

proptest! {
    #[test]
    fn any_history_equals_the_flat_oracle(
        actions in proptest::collection::vec(any_action(), 0..12),
    ) {
        let (mut params, mut flat) = (Params::default(), Flat::default());
        for action in actions {
            match action {
                Action::Set(keys, value, replace) => {
                    let path = ParamPath::from_keys(keys.clone()).unwrap();
                    let Ok(report) = params.set(&path, &value, replace) else {
                        prop_assert!(keys.is_empty() && !matches!(value, ParamValue::Dict(_)));
                        continue;
                    };
                    let lost: Vec<_> =
                        report.conflicts.iter().map(|path| path.keys().to_vec()).collect();
                    prop_assert_eq!(lost, flat.set(&keys, &value, replace));
                }
                Action::Remove(keys) => {
                    let path = ParamPath::from_keys(keys.clone()).unwrap();
                    prop_assert_eq!(params.remove(&path), flat.remove(&keys));
                }
            }
            let leaves: Vec<_> = params
                .leaves()
                .map(|(path, value)| (path.keys().to_vec(), value.clone()))
                .collect();
            prop_assert_eq!(&leaves, &flat.0.clone().into_iter().collect::<Vec<_>>());
            prop_assert_eq!(params.leaf_count(), leaves.len());
            prop_assert_eq!(params.size, measure_entries(&params.root));
            for (path, value) in params.leaves() {
                prop_assert_eq!(params.get(&path), Some(value));
            }
        }
    }

    #[test]
    fn leaves_rebuild_the_tree(value in any_param()) {
        let Ok(params) = Params::from_value(&value) else { return Ok(()) };
        let mut rebuilt = Params::default();
        for (path, leaf) in params.leaves() {
            let report = rebuilt.set(&path, leaf, false).unwrap();
            prop_assert!(report.conflicts.is_empty());
        }
        prop_assert_eq!(rebuilt, params);
    }

    #[test]
    fn json_gives_back_every_finite_tree(value in any_param()) {
        let Ok(params) = Params::from_value(&value) else { return Ok(()) };
        let finite = params
            .leaves()
            .all(|(_, leaf)| !matches!(leaf, ParamValue::F64(float) if !float.is_finite()));
        if finite {
            let text = serde_json::to_string(&params).unwrap();
            prop_assert_eq!(serde_json::from_str::<Params>(&text).unwrap(), params.clone());
            prop_assert_eq!(Params::from_json(&params.to_json()).unwrap(), params);
        }
    }
}
