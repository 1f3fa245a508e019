//! Columns under headings, as wide as what they hold, the last one as wide as is left.

use crate::output::{Output, clean, cut, width};
use std::io;

/// A table under construction.
pub(crate) struct Table {
    headings: Vec<&'static str>,
    right: Vec<bool>,
    width_max: Vec<usize>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Columns as (heading, aligned to the right, greatest width).
    pub(crate) fn new(columns: &[(&'static str, bool, usize)]) -> Self {
        Self {
            headings: columns.iter().map(|column| column.0).collect(),
            right: columns.iter().map(|column| column.1).collect(),
            width_max: columns.iter().map(|column| column.2).collect(),
            rows: Vec::new(),
        }
    }

    /// One more row, of as many cells as there are columns.
    pub(crate) fn push(&mut self, cells: Vec<String>) {
        debug_assert_eq!(cells.len(), self.headings.len());
        self.rows
            .push(cells.iter().map(|cell| clean(cell)).collect());
    }

    /// Prints headings and rows, each indented.
    pub(crate) fn print(&self, output: &mut Output, indent: usize) -> io::Result<()> {
        let widths = self.widths();
        let headings: Vec<String> = self
            .headings
            .iter()
            .map(|text| (*text).to_owned())
            .collect();
        for row in std::iter::once(&headings).chain(&self.rows) {
            output.line(&self.row_text(row, &widths, indent))?;
        }
        Ok(())
    }

    fn widths(&self) -> Vec<usize> {
        (0..self.headings.len())
            .map(|column| {
                let widest = self
                    .rows
                    .iter()
                    .map(|row| width(&row[column]))
                    .max()
                    .unwrap_or(0);
                widest
                    .min(self.width_max[column])
                    .max(width(self.headings[column]))
            })
            .collect()
    }

    fn row_text(&self, row: &[String], widths: &[usize], indent: usize) -> String {
        let mut text = " ".repeat(indent);
        for (column, cell) in row.iter().enumerate() {
            if column > 0 {
                text.push_str("  ");
            }
            let last = column + 1 == row.len();
            let cell = if last {
                cell.clone()
            } else {
                cut(cell, widths[column])
            };
            let padding = " ".repeat(widths[column].saturating_sub(width(&cell)));
            if self.right[column] {
                text.push_str(&padding);
                text.push_str(&cell);
            } else {
                text.push_str(&cell);
                if !last {
                    text.push_str(&padding);
                }
            }
        }
        text
    }
}
