//! Which packs a pass merges: neighbours of one tier, once there are enough of them.
//!
//! The packs that one pass made are a *generation*. Generations stand in the order of their packs,
//! tiers never rise from one to the next, and fewer than the fan-in stand beside each other in one
//! tier. So a run has few packs for each series, and a point is written again once a tier.

use runstone_model::RunKey;
use rusqlite::Connection;

use crate::error::{Result, sql_error};
use crate::keys::{RowRange, run_column};
use crate::rows::collect;
use crate::sql;

/// What a pass does to the generations of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Merge {
    /// Packs from this number on are merged with what is new; past the last one if none are.
    pub(super) from: i64,
    /// Tier of what comes out.
    pub(super) tier: i64,
}

/// Reads the generations of a run as (number of the first pack, tier).
pub(super) fn read_tiers(connection: &Connection, run: RunKey) -> Result<Vec<(i64, i64)>> {
    let range = RowRange::of(run_column(run));
    collect(
        connection,
        sql::SCAN_PACK_TIERS,
        (range.first, range.end),
        |row| {
            let id: i64 = row.get(0).map_err(sql_error)?;
            Ok((range.number(id), row.get(1).map_err(sql_error)?))
        },
    )
}

/// What is merged when a generation of tier 0 comes after `tiers`.
pub(super) fn plan(tiers: &[(i64, i64)], packs_next: i64, fan_in: usize) -> Merge {
    let fan_in = fan_in.max(2);
    let mut merge = Merge {
        from: packs_next,
        tier: 0,
    };
    let mut rest = tiers;
    loop {
        // Neighbours of this tier, what comes out so far counted as one of them.
        let same = rest
            .iter()
            .rev()
            .take_while(|(_, tier)| *tier <= merge.tier)
            .count();
        if same + 1 < fan_in {
            return merge;
        }
        rest = &rest[..rest.len() - same];
        merge.from = tiers[rest.len()].0;
        merge.tier += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_written_again_once_a_tier() {
        let fan_in = 4;
        let mut tiers: Vec<(i64, i64)> = Vec::new();
        let mut written = 0;
        for number in 0..1_000 {
            let merge = plan(&tiers, number, fan_in);
            // Each pass brings one pack's worth, and merged generations are one pack each here.
            let merged = tiers.iter().filter(|(first, _)| *first >= merge.from);
            written += 1 + merged
                .map(|(_, tier)| (fan_in as i64).pow(*tier as u32))
                .sum::<i64>();
            tiers.retain(|(first, _)| *first < merge.from);
            tiers.push((number, merge.tier));
            assert!(tiers.windows(2).all(|pair| pair[0].1 >= pair[1].1));
            for tier in 0..8 {
                let same = tiers.iter().filter(|(_, of)| *of == tier).count();
                assert!(same < fan_in, "{tiers:?}");
            }
        }
        // 1,000 passes reach tier 4.
        assert!(written <= 1_000 * 6, "{written}");
    }

    #[test]
    fn an_empty_run_merges_nothing() {
        assert_eq!(plan(&[], 7, 8), Merge { from: 7, tier: 0 });
    }
}
