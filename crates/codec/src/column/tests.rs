use super::keys::ordered_from_float32;
use super::*;
use proptest::prelude::*;

fn round_trip(words: &[u64], kind: Kind) -> (u8, usize) {
    let mut out = Vec::new();
    let mode = write(&mut out, words, kind, &mut ColumnScratch::default());
    let mut cursor = Cursor::new(&out);
    let mut back = Vec::new();
    read(&mut cursor, mode, kind, words.len(), &mut back, |word| word).unwrap();
    assert_eq!(back, words, "mode {mode}");
    assert!(cursor.remaining().is_empty());
    let mut cursor = Cursor::new(&out);
    skip(&mut cursor, mode, kind, words.len()).unwrap();
    assert!(cursor.remaining().is_empty());
    for index in [0, words.len() / 2, words.len() - 1] {
        let mut cursor = Cursor::new(&out);
        assert_eq!(
            nth(&mut cursor, mode, kind, words.len(), index),
            Ok(words[index])
        );
    }
    (mode, out.len())
}

fn floats(values: &[f64]) -> (u8, usize) {
    let words: Vec<u64> = values.iter().map(|value| value.to_bits()).collect();
    round_trip(&words, Kind::Float)
}

#[test]
fn each_shape_of_column_takes_its_mode() {
    let quarter = f64::from(0.1f32);
    assert_eq!(floats(&[quarter; 3]), (FLOAT32_CONSTANT, 4));
    assert_eq!(floats(&[std::f64::consts::PI; 3]), (WORD_CONSTANT, 8));
    assert_eq!(floats(&[0.0001; 3]), (DECIMAL_CONSTANT + 4, 1));
    assert_eq!(floats(&[5.0]), (DECIMAL_CONSTANT, 1));
    assert_eq!(floats(&[0.25, 0.5, 0.125]).0, DECIMAL + 3);
    assert_eq!(floats(&[0.0, 1.0, 2.0, 3.0, 4.0]), (DECIMAL_DELTA, 3));
    assert_eq!(floats(&[0.1, 0.2, 0.30000000000000004]).0, WORD);
    assert_eq!(floats(&[quarter, -quarter, f64::INFINITY]).0, FLOAT32);
    assert_eq!(round_trip(&[7; 9], Kind::Integer), (DECIMAL_CONSTANT, 1));
    assert_eq!(
        round_trip(&[u64::MAX >> 1; 9], Kind::Integer),
        (WORD_CONSTANT, 8)
    );
    assert_eq!(
        round_trip(&[200, 150, 100, 50, 0], Kind::Integer).0,
        DECIMAL_DELTA
    );
    assert_eq!(round_trip(&[3, 1, 2], Kind::Integer).0, DECIMAL);
}

#[test]
fn negative_zero_and_nan_payloads_are_never_decimals() {
    assert_eq!(floats(&[-0.0]), (FLOAT32_CONSTANT, 4));
    floats(&[-0.0, 0.0, 1.0]);
    for payload in [
        1u64,
        0x7_ffff_ffff_ffff,
        0x8_0000_0000_0000,
        0x8_0000_2000_0000,
    ] {
        for sign in [0, 1u64 << 63] {
            let nan = f64::from_bits(sign | 0x7ff0_0000_0000_0000 | payload);
            floats(&[nan]);
            floats(&[nan, 1.5, f64::NEG_INFINITY, 0.1]);
        }
    }
}

#[test]
fn every_exponent_of_float32_comes_back_from_its_bits() {
    for exponent in 0..=255u32 {
        for mantissa in [0u32, 1, 0x40_0000, 0x7f_ffff] {
            for sign in [0u32, 0x8000_0000] {
                let bits = sign | exponent << 23 | mantissa;
                let wide = bits_from_float32(bits);
                assert_eq!(float32_from_bits(wide), Some(bits), "{bits:08x}");
                assert_eq!(float32_from_ordered(ordered_from_float32(bits)), bits);
            }
        }
    }
}

#[test]
fn the_order_of_keys_is_that_of_the_floats() {
    let rising = [
        f64::NEG_INFINITY,
        -1e300,
        -1.0,
        -5e-324,
        -0.0,
        0.0,
        5e-324,
        1.0,
        f64::INFINITY,
    ];
    for pair in rising.windows(2) {
        assert!(ordered_from_bits(pair[0].to_bits()) < ordered_from_bits(pair[1].to_bits()));
    }
}

#[test]
fn large_integers_and_long_decimals_come_back() {
    floats(&[2_251_799_813_685_247.0, -2_251_799_813_685_247.0]);
    floats(&[2_251_799_813_685_248.0, 9_007_199_254_740_993.0, 1e300]);
    floats(&[2251799813.685247, 0.000001, -0.999999]);
    round_trip(&[i64::MIN as u64, i64::MAX as u64, 0, 1], Kind::Integer);
}

fn any_float() -> impl Strategy<Value = u64> {
    prop_oneof![
        any::<u64>(),
        any::<f64>().prop_map(f64::to_bits),
        any::<u32>().prop_map(bits_from_float32),
        (any::<i32>(), 0i32..8).prop_map(|(k, e)| (f64::from(k) / 10f64.powi(e)).to_bits()),
        (0u32..4).prop_map(|k| f64::from(k).to_bits()),
    ]
}

proptest! {
    #[test]
    fn any_floats_come_back(words in proptest::collection::vec(any_float(), 1..300)) {
        round_trip(&words, Kind::Float);
    }

    #[test]
    fn columns_of_one_nature_come_back(
        base in any_float(),
        e in 0i32..7,
        ks in proptest::collection::vec(-1_000_000i32..1_000_000, 1..300),
    ) {
        let decimals: Vec<u64> =
            ks.iter().map(|&k| (f64::from(k) / 10f64.powi(e)).to_bits()).collect();
        round_trip(&decimals, Kind::Float);
        let singles: Vec<u64> =
            ks.iter().map(|&k| bits_from_float32(f32::to_bits(k as f32 / 7.0))).collect();
        round_trip(&singles, Kind::Float);
        let near: Vec<u64> = ks.iter().map(|&k| base.wrapping_add(k as u64)).collect();
        round_trip(&near, Kind::Float);
        round_trip(&near, Kind::Integer);
    }

    #[test]
    fn any_bytes_are_read_or_refused(
        bytes in proptest::collection::vec(any::<u8>(), 0..100),
        mode in any::<u8>(),
        integer in any::<bool>(),
        count in 1usize..400,
    ) {
        let kind = if integer { Kind::Integer } else { Kind::Float };
        let mut back: Vec<u64> = Vec::new();
        let outcome = read(&mut Cursor::new(&bytes), mode, kind, count, &mut back, |word| word);
        let skipped = skip(&mut Cursor::new(&bytes), mode, kind, count);
        prop_assert_eq!(outcome.is_ok(), skipped.is_ok());
        if outcome.is_ok() {
            prop_assert_eq!(back.len(), count);
        }
    }
}
