//! Bodies of `binding` rows: what the series numbers of a writer stand for.
//!
//! One row holds all numbers that one frame defined or resolved; rows are only inserted, and a
//! later row wins. A body is sealed and holds, for each number: the signed varint of its
//! distance to the number before, the same for the series, a byte (value type, 8: auto step,
//! 16: the base follows, 32: a former number, 64: objects), and the base as 8 bytes. Dense numbers thus
//! cost 3 bytes each.

use std::collections::HashMap;

use runstone_model::ValueType;
use runstone_store::apply::{SeriesBinding, SeriesId};
use rusqlite::Connection;

use crate::error::{Result, sql_error, value_error};
use crate::keys::RowRange;
use crate::varint::{Malformed, read_byte, read_signed, read_word, write_signed};
use crate::{sealed, sql};

const VALUE_TYPE_BITS: u8 = 7;
const AUTO_STEP: u8 = 8;
const HAS_BASE: u8 = 16;
const IS_FORMER: u8 = 32;
const IS_OBJECT: u8 = 64;

/// What the numbers of one writer stand for.
pub(crate) type Bindings = HashMap<u32, SeriesBinding>;

pub(crate) fn encode_bindings(bindings: &[(u32, SeriesBinding)]) -> Vec<u8> {
    let mut out = sealed::begin();
    let (mut last_number, mut last_series) = (0, 0);
    for (number, binding) in bindings {
        write_signed(&mut out, i64::from(*number) - last_number);
        write_signed(&mut out, i64::from(binding.series.0) - last_series);
        last_number = i64::from(*number);
        last_series = i64::from(binding.series.0);
        let mut flags = binding.value_type.as_u8();
        if binding.auto_step {
            flags |= AUTO_STEP;
        }
        if binding.auto_base.is_some() {
            flags |= HAS_BASE;
        }
        if binding.is_former {
            flags |= IS_FORMER;
        }
        if binding.is_object {
            flags |= IS_OBJECT;
        }
        out.push(flags);
        if let Some(base) = binding.auto_base {
            out.extend_from_slice(&base.to_bits().to_le_bytes());
        }
    }
    sealed::seal(out)
}

/// Adds the bindings of a body to `bindings`; those of later bodies win.
fn decode_bindings(body: &[u8], bindings: &mut Bindings) -> Result<(), Malformed> {
    let mut rest = sealed::unseal(body)?;
    let (mut number, mut series) = (0i64, 0i64);
    while !rest.is_empty() {
        number = number
            .checked_add(read_signed(&mut rest)?)
            .ok_or(Malformed)?;
        series = series
            .checked_add(read_signed(&mut rest)?)
            .ok_or(Malformed)?;
        let flags = read_byte(&mut rest)?;
        let auto_base = if flags & HAS_BASE == 0 {
            None
        } else {
            Some(f64::from_bits(read_word(&mut rest)?))
        };
        let binding = SeriesBinding {
            series: SeriesId(u32::try_from(series).map_err(|_| Malformed)?),
            value_type: ValueType::from_u8(flags & VALUE_TYPE_BITS).ok_or(Malformed)?,
            auto_step: flags & AUTO_STEP != 0,
            is_object: flags & IS_OBJECT != 0,
            auto_base,
            is_former: flags & IS_FORMER != 0,
        };
        bindings.insert(u32::try_from(number).map_err(|_| Malformed)?, binding);
    }
    Ok(())
}

/// Whether a body of a row of `binding` can be read.
pub(crate) fn check_bindings(body: &[u8]) -> Result<()> {
    decode_bindings(body, &mut Bindings::new())
        .map_err(|error| value_error("a list of series numbers", error))
}

/// All bindings of a writer, and the number of its next row.
pub(crate) fn read_bindings(connection: &Connection, writer: i64) -> Result<(Bindings, i64)> {
    let range = RowRange::of(writer);
    let mut bindings = Bindings::new();
    let mut next = range.first;
    let mut statement = connection
        .prepare_cached(sql::SCAN_BINDINGS)
        .map_err(sql_error)?;
    let mut rows = statement
        .query((range.first, range.end))
        .map_err(sql_error)?;
    while let Some(row) = rows.next().map_err(sql_error)? {
        next = row.get::<_, i64>(0).map_err(sql_error)? + 1;
        let body = row.get_ref(1).map_err(sql_error)?;
        let body = body
            .as_blob()
            .map_err(|error| value_error("a binding", error))?;
        decode_bindings(body, &mut bindings).map_err(|error| value_error("a binding", error))?;
    }
    Ok((bindings, next))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binding(series: u32, auto_base: Option<f64>) -> SeriesBinding {
        SeriesBinding {
            series: SeriesId(series),
            value_type: ValueType::F32,
            is_object: series.is_multiple_of(3),
            auto_step: auto_base.is_some(),
            auto_base,
            is_former: false,
        }
    }

    #[test]
    fn bindings_come_back_and_later_rows_win() {
        let first: Vec<_> = (1..500)
            .map(|number| (number, binding(number + 7, None)))
            .collect();
        let body = encode_bindings(&first);
        assert!(body.len() < 500 * 3 + 10);
        let mut read = Bindings::new();
        decode_bindings(&body, &mut read).unwrap();
        assert_eq!(read.len(), 499);
        decode_bindings(&encode_bindings(&[(9, binding(16, Some(12.0)))]), &mut read).unwrap();
        assert_eq!(read[&9], binding(16, Some(12.0)));
        assert_eq!(read[&10], binding(17, None));
        let former = SeriesBinding {
            is_former: true,
            ..binding(16, Some(12.0))
        };
        decode_bindings(&encode_bindings(&[(9, former)]), &mut read).unwrap();
        assert_eq!(read[&9], former);
    }

    #[test]
    fn frozen_bindings_are_read_as_ever() {
        let bare = include_bytes!("../../../tests/compat/rows/v1-binding.bin");
        let sealed = include_bytes!("../../../tests/compat/rows/v2-binding.bin");
        for body in [&bare[..], sealed] {
            let mut read = Bindings::new();
            decode_bindings(body, &mut read).unwrap();
            assert_eq!(read.len(), 3);
            assert_eq!(read[&3], binding(4, Some(12.0)));
            assert_eq!(
                (read[&4].series.0, read[&4].value_type),
                (5, ValueType::F64)
            );
            assert_eq!(
                (read[&2].series.0, read[&2].value_type),
                (7, ValueType::I64)
            );
        }
        let mut read = Bindings::new();
        decode_bindings(sealed, &mut read).unwrap();
        let in_order = [3, 4, 2].map(|number| (number, read[&number]));
        assert_eq!(encode_bindings(&in_order), sealed);
    }

    #[test]
    fn cut_bytes_are_malformed() {
        let body = encode_bindings(&[(3, binding(4, Some(1.0)))]);
        for length in 2..body.len() {
            assert!(
                decode_bindings(&body[..length], &mut Bindings::new()).is_err(),
                "{length}"
            );
        }
    }
}
