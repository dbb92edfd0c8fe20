//! Tables without borders. The last column has a tone; it is painted here, for the table's own colours follow the
//! environment.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table as Inner, presets};

use super::clean;
use super::style::{Style, Tone};

pub struct Table {
    inner: Inner,
    /// The last cell of each line, the heading's first.
    last: Vec<(Option<Tone>, String)>,
}

/// Where a column's text stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Left,
    Right,
}

impl Table {
    /// A table with a line of headings.
    pub fn new(headings: &[&str], last: &str) -> Self {
        let mut table = Self::bare();
        table.inner.set_header(headings.iter().map(Cell::new));
        table.last.push((Some(Tone::Heading), last.to_owned()));
        table
    }

    pub fn bare() -> Self {
        let mut inner = Inner::new();
        // Nothing is wrapped: a line is a row, for grep and for the last column.
        inner
            .force_no_tty()
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Disabled);
        Self {
            inner,
            last: Vec::new(),
        }
    }

    pub fn row(&mut self, cells: &[String], tone: Option<Tone>, last: &str) {
        let cells = cells.iter().map(|cell| Cell::new(clean::line(cell)));
        self.inner.add_row(cells);
        self.last.push((tone, clean::line(last).into_owned()));
    }

    pub fn align(&mut self, sides: &[Side]) {
        for (index, side) in sides.iter().enumerate() {
            if let Some(column) = self.inner.column_mut(index) {
                column.set_padding((0, 2));
                column.set_cell_alignment(match side {
                    Side::Left => CellAlignment::Left,
                    Side::Right => CellAlignment::Right,
                });
            }
        }
    }

    /// The lines, each behind `indent`.
    pub fn render(&self, indent: &str, style: Style) -> String {
        let mut text = String::new();
        for (line, (tone, last)) in self.inner.lines().zip(&self.last) {
            text.push_str(indent);
            if last.is_empty() {
                text.push_str(line.trim_end());
            } else {
                text.push_str(&line);
                match tone {
                    Some(tone) => text.push_str(&style.paint(*tone, last).to_string()),
                    None => text.push_str(last),
                }
            }
            text.push('\n');
        }
        text
    }
}
