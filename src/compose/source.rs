//! A text with its name: lines and columns of its bytes, and the line shown with a caret.
//!
//! What stands at a hidden place (a password) is never shown.

use std::ops::Range;

/// The widest excerpt; of a longer line only what is around the place is shown.
const WIDTH: usize = 100;

/// What stands instead of a hidden text.
const HIDDEN: &str = "********";

/// The text of a file.
#[derive(Debug)]
pub struct Source {
    /// The name that messages use.
    pub name: String,
    /// What the file holds.
    pub text: String,
    lines: Vec<usize>,
    hidden: Vec<Range<usize>>,
}

/// A place that people and machines find again: both count from 1, columns are characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

impl Source {
    /// A text under a name.
    #[must_use]
    pub fn new(name: impl Into<String>, text: String) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines = std::iter::once(0)
            .chain(breaks.map(|(at, _)| at + 1))
            .collect();
        Self {
            name: name.into(),
            text,
            lines,
            hidden: Vec::new(),
        }
    }

    /// Keeps a text out of every excerpt.
    pub fn hide(&mut self, range: Range<usize>) {
        self.hidden.push(range);
    }

    /// Where a byte stands.
    #[must_use]
    pub fn place(&self, byte: usize) -> Place {
        let line = self.line_of(byte);
        let before = self.text.get(self.lines[line]..byte).unwrap_or_default();
        Place {
            line: line + 1,
            column: before.chars().count() + 1,
        }
    }

    /// The bytes of the line that holds this byte, with its line break.
    #[must_use]
    pub fn whole_line(&self, byte: usize) -> Range<usize> {
        let line = self.line_of(byte);
        let end = self.lines.get(line + 1).copied();
        self.lines[line]..end.unwrap_or(self.text.len())
    }

    /// The text of the line that holds this byte, without its line break.
    #[must_use]
    pub fn line(&self, byte: usize) -> &str {
        self.text[self.whole_line(byte)].trim_end_matches(['\r', '\n'])
    }

    fn line_of(&self, byte: usize) -> usize {
        self.lines
            .partition_point(|start| *start <= byte)
            .saturating_sub(1)
    }

    /// The line with a caret under the byte.
    #[must_use]
    pub fn excerpt(&self, byte: usize) -> String {
        let range = self.whole_line(byte);
        let (shown, column) = self.visible(range, byte);
        let number = (self.line_of(byte) + 1).to_string();
        let gutter = " ".repeat(number.len());
        let (shown, column) = window(&shown, column);
        let indent = " ".repeat(column);
        format!("{gutter} |\n{number} | {shown}\n{gutter} | {indent}^")
    }

    /// A line without what is hidden, and the character under which the caret goes.
    fn visible(&self, line: Range<usize>, byte: usize) -> (String, usize) {
        let mut shown = String::new();
        let mut at = line.start;
        let mut column = None;
        let mut take = |from: usize, to: usize, with: Option<&str>, shown: &mut String| {
            if column.is_none() && byte < to {
                let before = self.text.get(from..byte).unwrap_or_default();
                let inside = if with.is_some() {
                    0
                } else {
                    before.chars().count()
                };
                column = Some(shown.chars().count() + inside);
            }
            shown.push_str(with.unwrap_or_else(|| self.text.get(from..to).unwrap_or_default()));
        };
        let mut hidden: Vec<_> = self.hidden.iter().collect();
        hidden.sort_by_key(|range| range.start);
        for range in hidden {
            if range.end <= at || range.start >= line.end {
                continue;
            }
            take(at, range.start.max(at), None, &mut shown);
            take(
                range.start.max(at),
                range.end.min(line.end),
                Some(HIDDEN),
                &mut shown,
            );
            at = range.end.min(line.end);
        }
        take(at, line.end, None, &mut shown);
        let shown: String = shown
            .trim_end_matches(['\r', '\n'])
            .chars()
            .map(|char| if char.is_control() { ' ' } else { char })
            .collect();
        let column = column.unwrap_or_else(|| shown.chars().count());
        (shown, column)
    }
}

/// The part of a line around a column.
fn window(line: &str, column: usize) -> (String, usize) {
    if line.chars().nth(WIDTH).is_none() {
        return (line.to_owned(), column);
    }
    let from = column.saturating_sub(WIDTH / 2);
    let part: String = line.chars().skip(from).take(WIDTH).collect();
    if from == 0 {
        (format!("{part}..."), column)
    } else {
        (format!("...{part}"), column - from + 3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_characters_from_one() {
        let source = Source::new("a.yml", "é: 1\r\nb: 2".into());
        assert_eq!(source.place(0), Place { line: 1, column: 1 });
        assert_eq!(source.place(4), Place { line: 1, column: 4 });
        assert_eq!(source.place(10), Place { line: 2, column: 4 });
        assert_eq!(source.line(8), "b: 2");
        assert_eq!(source.whole_line(0), 0..7);
    }

    #[test]
    fn an_excerpt_never_shows_what_is_hidden() {
        let mut source = Source::new("a.yml", "a: 1\nPASSWORD: hunter2 # x\n".into());
        source.hide(15..22);
        assert_eq!(
            source.excerpt(15),
            "  |\n2 | PASSWORD: ******** # x\n  |           ^"
        );
    }

    #[test]
    fn of_a_long_line_a_part_is_shown() {
        let source = Source::new("a.yml", format!("{}x: 1", " ".repeat(5000)));
        let shown = source.excerpt(5000);
        assert!(shown.contains("x: 1"), "{shown}");
        assert!(shown.len() < 400, "{shown}");
    }
}
