//! Numbers, ordinals and widening of the series of one writer.

use super::*;

#[test]
fn positions_are_dense_and_in_bounds() {
    let mut expected = (0, 0);
    for number in 1..200_000 {
        assert_eq!(position(number), expected);
        expected.1 += 1;
        if expected.1 == (FIRST_CHUNK as usize) << expected.0 {
            expected = (expected.0 + 1, 0);
        }
    }
    assert!(position(SERIES_NUMBER_MAX).0 < CHUNKS);
}

#[test]
fn a_series_is_declared_once_and_a_second_type_has_a_number_of_its_own() {
    let table = SeriesTable::new();
    let context = Context::empty();
    let mut declared = Vec::new();
    for (value_type, auto_step) in [
        (ValueType::I64, false),
        (ValueType::F64, true),
        (ValueType::F64, false),
        (ValueType::I64, false),
    ] {
        table
            .intern("loss", &context, value_type, auto_step, |define| {
                declared.push(define.number);
                Ok(())
            })
            .unwrap();
    }
    assert_eq!(declared, [1, 2, 3]);
    assert_eq!(table.next_ordinal(2), Some((2, 0)));
    assert_eq!(table.next_ordinal(2), Some((2, 1)));
    assert_eq!(table.next_ordinal(9), None);
}

#[test]
fn a_second_type_opens_a_wide_number_that_takes_all_values() {
    let context = Context::empty();
    let types = [ValueType::I64, ValueType::F32, ValueType::F64];
    for first in types {
        for second in types {
            let table = SeriesTable::new();
            let handle = |value_type| {
                let handle = table.intern("n", &context, value_type, false, |_| Ok(()));
                handle.unwrap()
            };
            let written = |handle: SeriesHandle, bits| match handle.is_narrow() {
                true => table.widen(handle, bits),
                false => (handle.number(), bits),
            };
            let bits = |value_type| match value_type {
                ValueType::I64 => (-3_i64).cast_unsigned(),
                _ => (-3.0_f64).to_bits(),
            };
            let before = handle(first);
            assert_eq!(written(before, bits(first)), (1, bits(first)));
            let behind = handle(second);
            if first == second {
                assert_eq!(before, behind);
                continue;
            }
            let wide = u32::from(first != ValueType::F64) + 1;
            for (handle, given) in [(before, first), (behind, second), (handle(first), first)] {
                let expected = (wide, (-3.0_f64).to_bits());
                assert_eq!(written(handle, bits(given)), expected, "{first} {second}");
            }
            assert_eq!(table.definitions().count(), wide as usize);
        }
    }
}

#[test]
fn the_child_of_a_fork_knows_the_wide_numbers() {
    let parent = SeriesTable::new();
    let context = Context::empty();
    let handle = |name, value_type| {
        let handle = parent.intern(name, &context, value_type, true, |_| Ok(()));
        handle.unwrap()
    };
    let before = handle("n", ValueType::I64);
    handle("n", ValueType::F64);
    handle("m", ValueType::F64);
    let behind = handle("m", ValueType::I64);
    let child = SeriesTable::new();
    child.adopt(&parent);
    assert_eq!(child.widen(before, 7), (2, 7.0_f64.to_bits()));
    assert_eq!(child.widen(behind, 7), (3, 7.0_f64.to_bits()));
}

#[test]
fn automatic_numbers_of_all_types_share_one_count() {
    let table = SeriesTable::new();
    let context = Context::empty();
    let number = |name: &str, value_type| {
        let handle = table.intern(name, &context, value_type, true, |_| Ok(()));
        handle.unwrap().number()
    };
    let integers = number("n", ValueType::I64);
    let floats = number("n", ValueType::F64);
    let other = number("m", ValueType::F64);
    assert_eq!(table.next_ordinal(integers), Some((integers, 0)));
    assert_eq!(table.next_ordinal(floats), Some((floats, 1)));
    assert_eq!(table.next_ordinal(integers), Some((integers, 2)));
    assert_eq!(table.next_ordinal(other), Some((other, 0)));
}

#[test]
fn a_series_that_could_not_be_declared_is_tried_again() {
    let table = SeriesTable::new();
    let context = Context::empty();
    let full = |_: &DefineSeries| Err(ClientError::Unavailable("full".to_owned()));
    assert!(
        table
            .intern("a", &context, ValueType::F64, false, full)
            .is_err()
    );
    let handle = table
        .intern("b", &context, ValueType::F64, false, |_| Ok(()))
        .unwrap();
    assert_eq!(handle.number(), 1);
}

#[test]
fn a_fork_keeps_the_numbers_and_begins_the_ordinals_anew() {
    let parent = SeriesTable::new();
    let context = Context::empty();
    for name in ["a", "b", "c"] {
        parent
            .intern(name, &context, ValueType::F64, true, |_| Ok(()))
            .unwrap();
    }
    parent.next_ordinal(2);
    let child = SeriesTable::new();
    child.adopt(&parent);
    assert_eq!(child.definitions().count(), 3);
    assert_eq!(child.next_ordinal(2), Some((2, 0)));
    let known = child
        .intern("b", &context, ValueType::F64, true, |_| unreachable!())
        .unwrap();
    assert_eq!(known.number(), 2);
}

#[test]
fn after_a_rewind_old_handles_count_anew_under_new_numbers() {
    let table = SeriesTable::new();
    let intern = |value_type, auto_step| {
        table
            .intern("loss", &Context::default(), value_type, auto_step, |_| {
                Ok(())
            })
            .unwrap()
    };
    let integers = intern(ValueType::I64, true);
    let explicit = intern(ValueType::F64, false);
    assert_eq!(table.next_ordinal(integers.number()), Some((1, 0)));
    let mut declared = Vec::new();
    for _ in 0..2 {
        table
            .count_anew(|define| {
                declared.push((define.number, define.value_type, define.auto_step));
                Ok(())
            })
            .unwrap();
    }
    assert_eq!(
        declared,
        [(3, ValueType::I64, true), (4, ValueType::I64, true)]
    );
    assert_eq!(table.next_ordinal(integers.number()), Some((4, 0)));
    assert_eq!(table.next_ordinal(3), Some((4, 1)));
    // A float has the count of the integers, and those become floats too.
    let floats = intern(ValueType::F64, true);
    assert_eq!(floats.number(), 5);
    assert_eq!(table.next_ordinal(floats.number()), Some((5, 2)));
    let (number, bits) = table.widen(integers, 7);
    assert_eq!((number, f64::from_bits(bits)), (5, 7.0));
    assert_eq!(intern(ValueType::F64, false), explicit);
}

#[test]
fn object_series_have_numbers_among_the_others_and_the_child_of_a_fork_knows_them() {
    let parent = SeriesTable::new();
    let context = Context::empty();
    let metric = parent.intern("a", &context, ValueType::F64, false, |_| Ok(()));
    let objects = |table: &SeriesTable, kind, auto_step| {
        let number = table.intern_objects("a", &context, kind, auto_step, |_| Ok(()));
        number.unwrap()
    };
    assert_eq!(metric.unwrap().number(), 1);
    assert_eq!(objects(&parent, SeriesKind::Image, false), 2);
    assert_eq!(objects(&parent, SeriesKind::Text, true), 3);
    assert_eq!(objects(&parent, SeriesKind::Image, true), 4);
    assert_eq!(objects(&parent, SeriesKind::Image, false), 2);
    assert_eq!(parent.next_ordinal(3), Some((3, 0)));
    let child = SeriesTable::new();
    child.adopt(&parent);
    assert_eq!(objects(&child, SeriesKind::Text, true), 3);
    assert_eq!(child.definitions().count(), 4);
    let refused = child.intern_objects("a", &context, SeriesKind::Metric, false, |_| Ok(()));
    assert!(refused.is_err());
    // After a rewind they count under new numbers.
    child.count_anew(|_| Ok(())).unwrap();
    assert_eq!(objects(&child, SeriesKind::Image, false), 2);
    assert_eq!(objects(&child, SeriesKind::Text, true), 5);
    assert_eq!(child.next_ordinal(5), Some((5, 0)));
}
