use super::*;
use proptest::prelude::*;

fn row(name: &str, context: &str) -> SummaryRow {
    let mark = |step: f64, value: f64| {
        Some(SummaryMark {
            step,
            time: 1_790_000_000_000_000 + step as i64,
            value,
        })
    };
    SummaryRow {
        name: name.to_owned(),
        context: context.to_owned(),
        kind: 0,
        value_type: ValueType::F64,
        number: 1,
        flags: SummaryRow::SORTED,
        place: 0,
        stored_count: 20,
        count: 20,
        nan_count: 0,
        positive_infinity_count: 0,
        negative_infinity_count: 0,
        first: mark(0.0, 0.75),
        last: mark(19.0, 0.25),
        min: mark(19.0, 0.25),
        max: mark(0.0, 0.75),
        sum: 9.5,
    }
}

/// Bits, because NaN equals nothing.
fn bits(rows: &[SummaryRow]) -> Vec<(String, String, Numbers)> {
    rows.iter()
        .map(|row| (row.name.clone(), row.context.clone(), numbers_from_row(row)))
        .collect()
}

fn round_trip(rows: &[SummaryRow]) -> Vec<u8> {
    let bytes = encode_run_summary(rows).unwrap();
    let reader = RunSummaryReader::parse(&bytes).unwrap();
    assert_eq!(reader.len(), rows.len());
    assert_eq!(bits(&reader.rows().unwrap()), bits(rows));
    for row in rows {
        let found = reader
            .find(&row.name, &row.context, row.kind)
            .unwrap()
            .unwrap();
        assert_eq!(bits(&[found]), bits(std::slice::from_ref(row)));
        assert_eq!(
            reader
                .find(&row.name, &row.context, row.kind ^ 0x80)
                .unwrap(),
            None
        );
    }
    assert_eq!(reader.find("no such name", "{}", 0).unwrap(), None);
    bytes
}

#[test]
fn rows_come_back_and_are_found_by_key() {
    round_trip(&[]);
    round_trip(&[row("loss", "{}")]);
    let mut odd = row("loss", r#"{"subset":"val"}"#);
    odd.value_type = ValueType::I64;
    odd.first = None;
    odd.min = None;
    odd.max = Some(SummaryMark {
        step: -1.5,
        time: i64::MIN,
        value: f64::NAN,
    });
    odd.sum = f64::NEG_INFINITY;
    (odd.number, odd.flags, odd.place) = (u32::MAX, u32::MAX, u64::MAX);
    let umlaut = row("lösung", "{}");
    round_trip(&[
        row("loss", r#"{"subset":"train"}"#),
        odd,
        umlaut,
        row("lüge", "{}"),
    ]);
}

#[test]
fn many_rows_of_one_make_stay_small() {
    let rows: Vec<SummaryRow> = (0..1500)
        .map(|number| {
            let name = format!(
                "layers.{:03}.{}",
                number / 3,
                ["bias", "norm", "weight"][number % 3]
            );
            let mut row = row(&name, "{}");
            row.number = number as u32 + 1;
            let value = f64::from(((number * 7919) % 1009) as f32 / 1009.0);
            row.last = Some(SummaryMark {
                step: 19.0,
                time: 1_790_000_000_000_500,
                value,
            });
            row
        })
        .collect();
    let bytes = round_trip(&rows);
    assert!(bytes.len() < 1500 * 16, "{} bytes", bytes.len());
}

#[test]
fn rows_out_of_order_are_refused() {
    let refused =
        |rows: &[SummaryRow]| matches!(encode_run_summary(rows), Err(CodecError::Invalid(_)));
    assert!(refused(&[row("b", "{}"), row("a", "{}")]));
    assert!(refused(&[row("a", "{}"), row("a", "{}")]));
}

#[test]
fn sections_of_a_later_writer_are_passed_over_and_missing_ones_are_zero() {
    let rows = [row("accuracy", "{}"), row("loss", "{}")];
    let bytes = encode_run_summary(&rows).unwrap();
    let reader = RunSummaryReader::parse(&bytes).unwrap();
    let rebuild = |sections: &[&[u8]]| {
        let mut out = MAGIC.to_vec();
        out.push(VERSION);
        write_varint(&mut out, rows.len() as u64);
        write_varint(&mut out, sections.len() as u64);
        let lengths: Vec<i64> = sections
            .iter()
            .map(|section| section.len() as i64)
            .collect();
        packed::write(&mut out, &lengths);
        out.extend(sections.concat());
        out.extend(crc32c::crc32c(&out).to_le_bytes());
        out
    };
    let mut sections = reader.sections.clone();
    assert_eq!(rebuild(&sections), bytes);
    sections.push(b"something new");
    let longer = rebuild(&sections);
    assert_eq!(
        RunSummaryReader::parse(&longer).unwrap().rows().unwrap(),
        rows
    );
    let shorter = rebuild(&sections[..TEXT_SECTIONS + 10]);
    let old = RunSummaryReader::parse(&shorter).unwrap();
    assert_eq!(old.rows().unwrap()[1].last, None);
    assert_eq!(old.find("loss", "{}", 0).unwrap().unwrap().sum, 0.0);
}

fn any_mark() -> impl Strategy<Value = Option<SummaryMark>> {
    let mark =
        (any::<f64>(), any::<i64>(), any::<f32>()).prop_map(|(step, time, value)| SummaryMark {
            step,
            time,
            value: f64::from(value),
        });
    proptest::option::of(mark)
}

fn any_row() -> impl Strategy<Value = SummaryRow> {
    let key = ("[a-cäß/]{0,6}", "[{}xy]{0,3}", 0u8..3);
    let numbers = (
        any::<u32>(),
        any::<u32>(),
        any::<u64>(),
        any::<u64>(),
        0u64..9,
        any::<f64>(),
    );
    let marks = (any_mark(), any_mark(), any_mark(), any_mark());
    (key, numbers, marks).prop_map(|(key, numbers, marks)| SummaryRow {
        name: key.0,
        context: key.1,
        kind: key.2,
        value_type: ValueType::F32,
        number: numbers.0,
        flags: numbers.1,
        place: numbers.2,
        stored_count: numbers.3,
        count: numbers.3 / 2,
        nan_count: numbers.4,
        positive_infinity_count: numbers.4 / 2,
        negative_infinity_count: numbers.4 / 3,
        first: marks.0,
        last: marks.1,
        min: marks.2,
        max: marks.3,
        sum: numbers.5,
    })
}

fn any_rows() -> impl Strategy<Value = Vec<SummaryRow>> {
    proptest::collection::vec(any_row(), 0..200).prop_map(|mut rows| {
        rows.sort_by(|a, b| a.key().cmp(&b.key()));
        rows.dedup_by(|a, b| a.key() == b.key());
        rows
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_rows_come_back(rows in any_rows()) {
        round_trip(&rows);
    }

    #[test]
    fn cut_and_flipped_summaries_are_refused(
        rows in any_rows(),
        cut in any::<proptest::sample::Index>(),
        flip in (any::<proptest::sample::Index>(), 0u8..8),
    ) {
        let mut bytes = encode_run_summary(&rows).unwrap();
        prop_assert!(RunSummaryReader::parse(&bytes[..cut.index(bytes.len())]).is_err());
        let at = flip.0.index(bytes.len());
        bytes[at] ^= 1 << flip.1;
        prop_assert!(RunSummaryReader::parse(&bytes).is_err());
    }

    #[test]
    fn rows_of_stripes_say_what_the_rows_say(rows in any_rows(), kind in 0..2_u8) {
        let bytes = encode_run_summary(&rows).unwrap();
        let mut found = Vec::new();
        let visited = RunSummaryReader::parse(&bytes).unwrap().visit_stripe_rows(
            kind,
            7,
            |name, context, row| {
                found.push(format!("{name:?} {context} {row:?}"));
                Ok::<_, CodecError>(())
            },
        );
        visited.unwrap();
        let value = |mark: Option<SummaryMark>| mark.map_or(0.0, |mark| mark.value);
        let wanted: Vec<String> = rows
            .iter()
            .filter(|row| row.kind == kind && row.count > 0)
            .map(|row| {
                let stripe_row = StripeRow {
                    run: 7,
                    value_type: row.value_type,
                    count: row.count,
                    nan_count: row.nan_count,
                    positive_infinity_count: row.positive_infinity_count,
                    negative_infinity_count: row.negative_infinity_count,
                    first: value(row.first),
                    last: value(row.last),
                    last_step: row.last.map_or(0.0, |mark| mark.step),
                    min: value(row.min),
                    max: value(row.max),
                    sum: row.sum,
                };
                format!("{:?} {} {stripe_row:?}", row.name, row.context)
            })
            .collect();
        prop_assert_eq!(found, wanted);
    }

    /// The checksum mended, so that the sections themselves are read.
    #[test]
    fn hostile_summaries_are_read_or_refused(
        rows in any_rows(),
        flips in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..5),
    ) {
        let mut bytes = encode_run_summary(&rows).unwrap();
        let end = bytes.len() - 4;
        for (at, byte) in flips {
            bytes[4 + at.index(end - 4)] = byte;
        }
        let checksum = crc32c::crc32c(&bytes[..end]);
        bytes[end..].copy_from_slice(&checksum.to_le_bytes());
        if let Ok(reader) = RunSummaryReader::parse(&bytes) {
            let _ = reader.rows();
            let _ = reader.find("a", "{}", 0);
        }
    }
}
