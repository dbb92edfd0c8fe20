//! Tables without borders, which fit the width of a terminal: a cell that is too long goes on below itself. What stands in
//! them is the caller's part.

use super::sanitize;
use super::style::{Style, Tone};

/// Blanks between two columns.
const GAP: usize = 2;

/// No column is made narrower than this; a line may then be longer than the terminal.
const NARROWEST: usize = 12;

pub(super) struct Table {
    /// The headings first, where there are any. The last cell of a row has a tone.
    rows: Vec<(Vec<String>, Option<Tone>)>,
    sides: Vec<Side>,
}

/// Where a column's text stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

impl Table {
    /// A table with a line of headings.
    pub(super) fn new(headings: &[&str], last: &str) -> Self {
        let mut table = Self::bare();
        let headings: Vec<String> = headings.iter().map(|&heading| heading.to_owned()).collect();
        table.row(&headings, Some(Tone::Heading), last);
        table
    }

    pub(super) fn bare() -> Self {
        Self {
            rows: Vec::new(),
            sides: Vec::new(),
        }
    }

    pub(super) fn row(&mut self, cells: &[String], tone: Option<Tone>, last: &str) {
        let cells = cells.iter().map(String::as_str).chain([last]);
        let cells = cells
            .map(|cell| sanitize::line(cell).into_owned())
            .collect();
        self.rows.push((cells, tone));
    }

    /// The sides of the first columns; the others stand on the left.
    pub(super) fn align(&mut self, sides: &[Side]) {
        self.sides = sides.to_vec();
    }

    /// The columns that all of it takes, unless it is made narrower.
    pub(super) fn width(&self) -> usize {
        total(&self.widths())
    }

    fn widths(&self) -> Vec<usize> {
        self.longest(length)
    }

    /// The longest word of each column.
    fn words(&self) -> Vec<usize> {
        self.longest(|cell| cell.split(' ').map(length).max().unwrap_or(0))
    }

    fn longest(&self, of: impl Fn(&str) -> usize) -> Vec<usize> {
        let columns = self.rows.iter().map(|(cells, _)| cells.len()).max();
        let longest = |column: usize| {
            let cells = self.rows.iter().filter_map(|(cells, _)| cells.get(column));
            cells.map(|cell: &String| of(cell)).max().unwrap_or(0)
        };
        (0..columns.unwrap_or(0)).map(longest).collect()
    }

    /// The lines, each behind `indent`, and none wider than the style's width where that can be.
    pub(super) fn render(&self, indent: &str, style: Style) -> String {
        let mut widths = self.widths();
        if let Some(width) = style.width {
            narrow(
                &mut widths,
                &self.words(),
                width.saturating_sub(length(indent)),
            );
        }
        let mut text = String::new();
        for (cells, tone) in &self.rows {
            let folded: Vec<Vec<String>> = cells
                .iter()
                .zip(&widths)
                .map(|(cell, width)| fold(cell, *width))
                .collect();
            let lines = folded.iter().map(Vec::len).max().unwrap_or(0);
            for line in 0..lines {
                text.push_str(&self.line(&folded, &widths, line, indent, *tone, style));
                text.push('\n');
            }
        }
        text
    }

    fn line(
        &self,
        cells: &[Vec<String>],
        widths: &[usize],
        line: usize,
        indent: &str,
        tone: Option<Tone>,
        style: Style,
    ) -> String {
        let mut text = indent.to_owned();
        for (index, (cell, width)) in cells.iter().zip(widths).enumerate() {
            let piece = cell.get(line).map_or("", String::as_str);
            if index + 1 == cells.len() {
                if piece.is_empty() {
                    return text.trim_end().to_owned();
                }
                match tone {
                    Some(tone) => text.push_str(&style.paint(tone, piece).to_string()),
                    None => text.push_str(piece),
                }
                return text;
            }
            let blanks = " ".repeat(width.saturating_sub(length(piece)));
            match self.sides.get(index) {
                Some(Side::Right) => text.push_str(&format!("{blanks}{piece}")),
                _ => text.push_str(&format!("{piece}{blanks}")),
            }
            text.push_str(&" ".repeat(GAP));
        }
        text
    }
}

fn length(text: &str) -> usize {
    text.chars().count()
}

fn total(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
}

/// Takes from the widest column that can give, until all of them fit: first what leaves words whole, then what must be.
fn narrow(widths: &mut [usize], words: &[usize], limit: usize) {
    for least in [words, &vec![NARROWEST; words.len()]] {
        while total(widths) > limit {
            let columns = widths.iter_mut().zip(least);
            let giving = columns.filter(|(width, least)| **width > **least);
            let Some((widest, _)) = giving.max_by_key(|(width, _)| **width) else {
                break;
            };
            *widest -= 1;
        }
    }
}

/// The lines of a text that is at most so wide: broken at blanks, and within a word that is wider than all of it.
pub(super) fn fold(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.last_mut().map_or(0, |line| length(line));
        let begins = last == 0;
        if !begins && last + 1 + length(word) > width {
            lines.push(String::new());
        } else if !begins && let Some(line) = lines.last_mut() {
            line.push(' ');
        }
        for letter in word.chars() {
            if lines.last().is_some_and(|line| length(line) >= width) {
                lines.push(String::new());
            }
            if let Some(line) = lines.last_mut() {
                line.push(letter);
            }
        }
    }
    lines
}

/// A sentence in lines of the style's width; those after the first stand behind `indent`.
pub(super) fn paragraph(text: &str, indent: &str, style: Style) -> String {
    let Some(width) = style.width.filter(|width| length(text) > *width) else {
        return text.to_owned();
    };
    let rest = width.saturating_sub(length(indent)).max(NARROWEST);
    let mut lines = fold(text, rest).into_iter();
    let first = lines.next().unwrap_or_default();
    lines.fold(first, |text, line| format!("{text}\n{indent}{line}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_folded_at_blanks() {
        for (text, width, lines) in [
            ("", 5, vec![""]),
            ("one", 5, vec!["one"]),
            ("one two", 7, vec!["one two"]),
            ("one two", 6, vec!["one", "two"]),
            ("one two three", 9, vec!["one two", "three"]),
            ("abcdefgh", 3, vec!["abc", "def", "gh"]),
            ("a abcdefgh", 5, vec!["a", "abcde", "fgh"]),
            ("a  b", 9, vec!["a  b"]),
            ("\u{e4}\u{f6}\u{fc} x", 3, vec!["\u{e4}\u{f6}\u{fc}", "x"]),
        ] {
            assert_eq!(fold(text, width), lines, "{text:?} {width}");
        }
    }

    fn table() -> Table {
        let mut table = Table::new(&["name", "holds", "n"], "state");
        let row = |cells: [&str; 3]| cells.map(str::to_owned);
        table.row(
            &row(["a", "10.0.0.1, 10.0.0.2, 10.0.0.3", "7"]),
            Some(Tone::Good),
            "up",
        );
        table.row(
            &row(["b", "-", "12"]),
            None,
            "not reached: the host did not answer in time",
        );
        table.align(&[Side::Left, Side::Left, Side::Right]);
        table
    }

    #[test]
    fn a_table_is_as_wide_as_it_has_to_be() {
        let text = table().render("", Style::plain());
        assert_eq!(text.lines().count(), 3, "{text}");
        assert_eq!(text.lines().map(length).max(), Some(table().width()));
    }

    #[test]
    fn a_table_fits_the_terminal() {
        for (width, colour) in [
            (200, false),
            (80, false),
            (60, false),
            (48, false),
            (48, true),
        ] {
            let style = Style {
                width: Some(width),
                colour,
                ..Style::plain()
            };
            let text = table().render("  ", style);
            let plain = text
                .replace("\u{1b}[32m", "")
                .replace("\u{1b}[1m", "")
                .replace("\u{1b}[0m", "");
            assert!(
                plain.lines().all(|line| length(line) <= width),
                "{width}\n{plain}"
            );
            let words = |text: &str| {
                let mut words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
                words.sort();
                words
            };
            assert_eq!(
                words(&plain),
                words(&table().render("", Style::plain())),
                "{width}"
            );
        }
    }

    #[test]
    fn a_narrow_table_says_it_all() {
        let style = Style {
            width: Some(48),
            ..Style::plain()
        };
        insta::assert_snapshot!(table().render("", style), @r"
        name  holds                n  state
        a     10.0.0.1,            7  up
              10.0.0.2, 10.0.0.3
        b     -                   12  not reached: the
                                      host did not
                                      answer in time
        ");
    }
}
