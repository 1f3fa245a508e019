//! Standard output, buffered, with the width of the terminal.
//!
//! Everything a command prints goes through here: lines never pass the terminal's width, and
//! control characters of what users logged never reach the terminal.

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Where a command writes.
pub(crate) struct Output {
    writer: BufWriter<Stdout>,
    columns: Option<usize>,
    terminal: bool,
}

impl Output {
    /// Standard output; as wide as the terminal, or without bound when it is none. `COLUMNS`
    /// overrides.
    pub(crate) fn stdout() -> Self {
        let stdout = io::stdout();
        let terminal = stdout.is_terminal();
        let asked = std::env::var("COLUMNS")
            .ok()
            .and_then(|text| text.parse::<usize>().ok())
            .filter(|columns| *columns >= 20);
        let measured = || {
            terminal
                .then(|| rustix::termios::tcgetwinsize(&stdout).ok())
                .flatten()
                .map(|size| usize::from(size.ws_col))
                .filter(|columns| *columns > 0)
        };
        Self {
            columns: asked.or_else(measured),
            terminal,
            writer: BufWriter::new(stdout),
        }
    }

    /// A person looks at it.
    pub(crate) fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// One line, cut at the terminal's width.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        let text = clean(text);
        match self.columns {
            Some(columns) => writeln!(self.writer, "{}", cut(&text, columns).trim_end()),
            None => writeln!(self.writer, "{}", text.trim_end()),
        }
    }

    /// Text as it is: JSON, or what is meant for a file.
    pub(crate) fn verbatim(&mut self, text: &str) -> io::Result<()> {
        self.writer.write_all(text.as_bytes())
    }

    /// Bytes as they are, for a file or a pipe.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writer.write_all(bytes)
    }

    /// One JSON value, with a line end.
    pub(crate) fn json<T: serde::Serialize>(&mut self, value: &T) -> io::Result<()> {
        serde_json::to_writer(&mut self.writer, value)?;
        self.writer.write_all(b"\n")
    }

    /// Empties the terminal, to draw anew.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        self.writer.write_all(b"\x1b[H\x1b[2J\x1b[3J")
    }

    /// Hands everything to the system.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Text with its control characters made visible.
pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\n' | '\t' => ' ',
            character if character.is_control() => '\u{FFFD}',
            // Marks that turn the direction of what follows on the line.
            '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => '\u{FFFD}',
            character => character,
        })
        .collect()
}

/// Columns that a text takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// The start of a text that fits, with an ellipsis where something is left out.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 0;
    for character in text.chars() {
        let wide = character.width().unwrap_or(0);
        if used + wide + 1 > columns {
            break;
        }
        used += wide;
        kept.push(character);
    }
    if columns > 0 {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_users_logged_cannot_command_the_terminal() {
        assert_eq!(clean("a\x1b[2Jb\nc\u{202E}"), "a\u{FFFD}[2Jb c\u{FFFD}");
    }

    #[test]
    fn cut_text_fits_also_when_letters_are_wide() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("訓練訓練", 5), "訓練…");
        assert_eq!(cut("abc", 0), "");
    }
}
