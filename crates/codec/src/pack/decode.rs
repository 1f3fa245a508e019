//! Decodes one series of a pack, once its place is known.

use super::read::{Group, SeriesEntry};
use super::{
    COLUMN_ABSENT, COLUMN_OF_GROUP, COLUMN_OWN, GROUP_EPOCHS, SHAPE_EPOCHS_SHIFT,
    SHAPE_ORDER_SHIFT, SHAPE_OWN_TIMES, kind_of_type,
};
use crate::column::{self, Kind};
use crate::cursor::{Cursor, Malformed};
use crate::{OrderVecs, SeriesColumns, packed};

/// Decodes a series from the bodies of its group and of itself.
pub(super) fn decode_series<'a>(
    entry: &SeriesEntry,
    group: &Group,
    base_time: i64,
    mut shared: Cursor<'a>,
    mut own: Cursor<'a>,
    columns: &mut SeriesColumns,
) -> Result<(), Malformed> {
    columns.steps.clear();
    columns.times.clear();
    columns.values.clear();
    let count = entry.count as usize;
    let SeriesColumns {
        steps,
        times,
        values,
        ..
    } = columns;
    column::read(
        &mut shared,
        group.step_mode,
        Kind::Float,
        count,
        steps,
        f64::from_bits,
    )?;
    column::read(
        &mut shared,
        group.time_mode,
        Kind::Integer,
        count,
        times,
        |word| base_time.wrapping_add(word as i64),
    )?;
    if entry.shape & SHAPE_OWN_TIMES != 0 {
        // The offsets go where the values will be, and are used up before.
        packed::read(&mut own, count, values, |offset| offset as u64)?;
        for (time, &offset) in times.iter_mut().zip(&*values) {
            *time = time.wrapping_add(offset as i64);
        }
        values.clear();
    }
    let kind = kind_of_type(entry.value_type);
    column::read(&mut own, entry.mode, kind, count, values, |word| word)?;
    decode_epochs(entry, group, &mut shared, &mut own, &mut columns.epochs)?;
    decode_order(entry, &mut shared, &mut own, &mut columns.order)?;
    if own.remaining().is_empty() {
        Ok(())
    } else {
        Err(Malformed("a series is longer than its columns"))
    }
}

fn decode_epochs(
    entry: &SeriesEntry,
    group: &Group,
    shared: &mut Cursor<'_>,
    own: &mut Cursor<'_>,
    epochs: &mut Option<Vec<f64>>,
) -> Result<(), Malformed> {
    let count = entry.count as usize;
    let source = entry.shape >> SHAPE_EPOCHS_SHIFT & 3;
    if source == COLUMN_ABSENT {
        *epochs = None;
    }
    if group.flags & GROUP_EPOCHS != 0 {
        if source == COLUMN_OF_GROUP {
            read_floats(shared, count, epochs)?;
        } else {
            let mode = shared.byte()?;
            column::skip(shared, mode, Kind::Float, count)?;
        }
    }
    if source == COLUMN_OWN {
        read_floats(own, count, epochs)?;
    }
    Ok(())
}

fn read_floats(
    cursor: &mut Cursor<'_>,
    count: usize,
    out: &mut Option<Vec<f64>>,
) -> Result<(), Malformed> {
    let out = out.get_or_insert_default();
    out.clear();
    let mode = cursor.byte()?;
    column::read(cursor, mode, Kind::Float, count, out, f64::from_bits)
}

fn decode_order<'a>(
    entry: &SeriesEntry,
    shared: &mut Cursor<'a>,
    own: &mut Cursor<'a>,
    order: &mut Option<OrderVecs>,
) -> Result<(), Malformed> {
    let source = match entry.shape >> SHAPE_ORDER_SHIFT & 3 {
        COLUMN_OF_GROUP => shared,
        COLUMN_OWN => own,
        _ => {
            *order = None;
            return Ok(());
        }
    };
    let order = order.get_or_insert_default();
    let count = entry.count as usize;
    read_u32s(source, count, &mut order.generations)?;
    order.appends.clear();
    let mode = source.byte()?;
    column::read(
        source,
        mode,
        Kind::Integer,
        count,
        &mut order.appends,
        |word| word,
    )?;
    read_u32s(source, count, &mut order.positions)
}

fn read_u32s(cursor: &mut Cursor<'_>, count: usize, out: &mut Vec<u32>) -> Result<(), Malformed> {
    out.clear();
    let mode = cursor.byte()?;
    let mut high = 0u64;
    column::read(cursor, mode, Kind::Integer, count, out, |word| {
        high |= word >> 32;
        word as u32
    })?;
    if high == 0 {
        Ok(())
    } else {
        Err(Malformed("a number exceeds 32 bits"))
    }
}
