//! Which points of a series show: the rule of generations, removals and repeated steps.
//!
//! Engines and the oracle use these functions, so that the rule is written once. A point is
//! *alive* when no later generation cuts it and no later removal names it; at each step the
//! greatest (generation, append number, position) among the living shows.

use runstone_model::{AppendNumber, Generation, SeriesKey, Step};

/// A rewind: points of generations before `generation`, at or past `to_step`, are cut,
/// whenever they arrive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cut {
    /// The generation that the rewind opened.
    pub generation: Generation,
    /// Where it cuts.
    pub to_step: Step,
}

/// A removal: points with a lower append number are hidden.
#[derive(Debug, Clone, PartialEq)]
pub struct Removal {
    /// Append number of its frame.
    pub append: AppendNumber,
    /// `None`: every series of the run.
    pub series: Option<SeriesKey>,
    /// Only the points at this step.
    pub step: Option<Step>,
}

/// The whole step after which counted steps go on, when `highest` was it before a cut: at least
/// -1 after a cut, so that what begins anew begins at 0.
pub fn counted_before(highest: f64, cut: f64) -> f64 {
    if highest >= cut {
        (cut.ceil() - 1.0).max(-1.0)
    } else {
        highest
    }
}

/// Cuts and removals of one series, ready to be asked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SeriesHiding {
    /// (generation, lowest cut of this and all later generations), generations falling.
    cuts: Vec<(u32, f64)>,
    /// Everything below this append number is removed.
    removed_below: u64,
    /// (step, append number), sorted by step: at this step everything below is removed.
    removed_steps: Vec<(f64, u64)>,
}

impl SeriesHiding {
    /// Picks what concerns `series` from the cuts and removals of its run, in any order.
    pub fn new<'a>(
        series: &SeriesKey,
        cuts: impl IntoIterator<Item = Cut>,
        removals: impl IntoIterator<Item = &'a Removal>,
    ) -> Self {
        let mut hiding = Self::default();
        let mut sorted: Vec<Cut> = cuts.into_iter().collect();
        sorted.sort_by_key(|cut| std::cmp::Reverse(cut.generation));
        let mut lowest = f64::INFINITY;
        for cut in sorted {
            lowest = lowest.min(cut.to_step.get());
            hiding.cuts.push((cut.generation.0, lowest));
        }
        for removal in removals {
            if removal.series.as_ref().is_some_and(|key| key != series) {
                continue;
            }
            match removal.step {
                None => hiding.removed_below = hiding.removed_below.max(removal.append.0),
                Some(step) => hiding.removed_steps.push((step.get(), removal.append.0)),
            }
        }
        // Steps are finite and -0.0 is 0, so total_cmp is their order.
        hiding
            .removed_steps
            .sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
        hiding
            .removed_steps
            .dedup_by(|later, first| later.0 == first.0);
        hiding
    }

    /// Whether a rewind cuts points.
    pub fn has_cuts(&self) -> bool {
        !self.cuts.is_empty()
    }

    /// The step of the one rewind, where nothing else ever hid a point but newer ones at its step.
    pub fn only_cut(&self) -> Option<f64> {
        match &self.cuts[..] {
            [(_, cut)] if self.removed_below == 0 && self.removed_steps.is_empty() => Some(*cut),
            _ => None,
        }
    }

    /// Whether nothing is ever hidden but by a newer point at the same step.
    pub fn is_empty(&self) -> bool {
        self.cuts.is_empty() && self.removed_below == 0 && self.removed_steps.is_empty()
    }

    /// Whether all points are alive whose steps lie from `first_step` to `last_step` and whose
    /// generation and append number are not below these. `false` may also mean: not known.
    pub fn spares(
        &self,
        (first_step, last_step): (f64, f64),
        generation: u32,
        append: u64,
    ) -> bool {
        let cut = self.lowest_cut(generation);
        let is_cut = cut.is_some_and(|cut| last_step >= cut);
        let from = self
            .removed_steps
            .partition_point(|(step, _)| *step < first_step);
        let mut removed = self.removed_steps[from..]
            .iter()
            .take_while(|(step, _)| *step <= last_step);
        append >= self.removed_below && !is_cut && removed.all(|(_, below)| append >= *below)
    }

    /// The lowest step at which points of a generation are cut.
    fn lowest_cut(&self, generation: u32) -> Option<f64> {
        // The last entry whose generation is still later holds the lowest cut of all later ones.
        let later = self
            .cuts
            .partition_point(|(opened, _)| *opened > generation);
        (later > 0).then(|| self.cuts[later - 1].1)
    }

    /// The whole step that a point of a generation counts as, where counted steps go on after the
    /// highest: its own rounded down, or the last one before what was cut, at least -1.
    pub fn counted_step(&self, step: f64, generation: u32) -> f64 {
        let cut = self.lowest_cut(generation);
        cut.map_or(step.floor(), |cut| counted_before(step.floor(), cut))
    }

    /// Whether a point is alive.
    pub fn is_alive(&self, step: f64, generation: u32, append: u64) -> bool {
        if append < self.removed_below {
            return false;
        }
        if self.lowest_cut(generation).is_some_and(|cut| step >= cut) {
            return false;
        }
        match self
            .removed_steps
            .binary_search_by(|(removed, _)| removed.total_cmp(&step))
        {
            Ok(index) => append >= self.removed_steps[index].1,
            Err(_) => true,
        }
    }
}
