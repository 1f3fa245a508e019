use super::*;
use proptest::prelude::*;

fn row() -> impl Strategy<Value = StripeRow> {
    let float = || prop_oneof![any::<f64>(), (-1e6f32..1e6).prop_map(f64::from), Just(0.25)];
    let floats = (float(), float(), float(), float(), float(), float());
    (any::<[u32; 4]>(), floats, 0..3_u8).prop_map(
        |(counts, (first, last, last_step, min, max, sum), code)| {
            let count = |at: usize| u64::from(counts[at]);
            StripeRow {
                run: 0,
                value_type: type_from_code(code).unwrap_or(ValueType::F64),
                count: count(0),
                nan_count: count(1),
                positive_infinity_count: count(2),
                negative_infinity_count: count(3),
                first,
                last,
                last_step,
                min,
                max,
                sum,
            }
        },
    )
}

type Owned = std::collections::BTreeMap<(String, String), Vec<StripeRow>>;

fn columns() -> impl Strategy<Value = Owned> {
    let rows = proptest::collection::btree_map(0..1_024_u16, row(), 1..20);
    let rows = rows.prop_map(|rows| {
        let numbered = rows.into_iter();
        numbered
            .map(|(run, row)| StripeRow { run, ..row })
            .collect::<Vec<_>>()
    });
    let key = ("[a-c]{1,3}", prop_oneof![Just("{}"), Just("{\"a\":1}")]);
    let key = key.prop_map(|(name, context)| (name, context.to_owned()));
    proptest::collection::btree_map(key, rows, 0..8)
}

fn borrowed(columns: &Owned) -> Vec<StripeColumn<'_>> {
    let columns = columns.iter();
    columns
        .map(|((name, context), rows)| StripeColumn {
            name,
            context,
            rows,
        })
        .collect()
}

/// As text, in which NaN equals itself.
fn shown(rows: &[StripeRow]) -> String {
    format!("{rows:?}")
}

proptest! {
    #[test]
    fn columns_come_back(columns in columns()) {
        let bytes = encode_stripe(&borrowed(&columns)).unwrap();
        let reader = StripeReader::parse(&bytes).unwrap();
        let rows = reader.rows().unwrap();
        let read = reader.columns().unwrap();
        prop_assert_eq!(read.len(), columns.len());
        for ((name, context, places), (key, wanted)) in read.into_iter().zip(&columns) {
            prop_assert_eq!(&(name, context), key);
            prop_assert_eq!(shown(&rows[places]), shown(wanted));
        }
    }

    #[test]
    fn a_flipped_bit_is_found(columns in columns(), at: prop::sample::Index, bit in 0..8_u8) {
        let mut bytes = encode_stripe(&borrowed(&columns)).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(StripeReader::parse(&bytes).is_err());
    }

    #[test]
    fn bytes_of_any_kind_are_refused_or_read(
        body in proptest::collection::vec(any::<u8>(), 0..200),
        is_roll: bool,
    ) {
        let magic = if is_roll { ROLL_MAGIC } else { MAGIC };
        let mut bytes = [&magic[..], &[VERSION], &body].concat();
        close(&mut bytes);
        if is_roll {
            let _ = decode_roll(&bytes);
        } else if let Ok(reader) = StripeReader::parse(&bytes) {
            let _ = (reader.columns(), reader.rows());
        }
    }

    #[test]
    fn rolls_come_back(runs in proptest::collection::btree_map(0..1_024_u16, any::<u64>(), 0..50)) {
        let runs: Vec<_> = runs.into_iter().collect();
        let mut bytes = encode_roll(&runs).unwrap();
        prop_assert_eq!(&decode_roll(&bytes).unwrap(), &runs);
        bytes[5] ^= 4;
        prop_assert!(decode_roll(&bytes).is_err());
    }
}

#[test]
fn what_is_not_sorted_is_refused() {
    let row = |run| StripeRow {
        run,
        value_type: ValueType::F64,
        count: 1,
        nan_count: 0,
        positive_infinity_count: 0,
        negative_infinity_count: 0,
        first: 1.0,
        last: 1.0,
        last_step: 0.0,
        min: 1.0,
        max: 1.0,
        sum: 1.0,
    };
    let rows: Vec<StripeRow> = (0..1_024).map(row).collect();
    let column = |name, rows| StripeColumn {
        name,
        context: "{}",
        rows,
    };
    let refused = |columns: &[StripeColumn<'_>]| encode_stripe(columns).unwrap_err().to_string();
    let (swapped, outside) = ([row(2), row(1)], [row(1_024)]);
    assert!(refused(&[column("b", &rows[..1]), column("a", &rows[..1])]).contains("sort by name"));
    assert!(refused(&[column("a", &swapped)]).contains("by ascending run"));
    assert!(refused(&[column("a", &[])]).contains("one row at least"));
    assert!(refused(&[column("a", &outside)]).contains("by ascending run"));
    assert!(refused(&[column("a", &rows), column("b", &rows[..1])]).contains("1025"));
    assert!(encode_stripe(&[column("a", &rows)]).is_ok());
    assert!(encode_roll(&[(1, 5), (1, 6)]).is_err());
    assert!(encode_roll(&[(1_024, 5)]).is_err());
}
