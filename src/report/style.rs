//! Colour, width and level of detail: a value, decided by the caller. Defines what each colour means.

use std::fmt::{self, Display};

use anstyle::{AnsiColor, Effects};

/// How much is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Only what went wrong.
    Quiet,
    /// What was done.
    #[default]
    Normal,
    /// Also what begins, how long it took, and nothing cut short.
    Verbose,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Style {
    pub colour: bool,
    pub level: Level,
    /// The columns of the terminal. None: it is none, and lines are as long as they come.
    pub width: Option<usize>,
}

/// What a piece of text is, which decides its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Something is added, or well.
    Good,
    /// Something changes, or deserves a look.
    Notable,
    /// Something is removed, or wrong.
    Bad,
    /// Something that structures the text.
    Heading,
    /// A place within a diff.
    Place,
    /// Something of less weight.
    Faint,
}

impl Tone {
    fn ansi(self) -> anstyle::Style {
        match self {
            Self::Good => AnsiColor::Green.on_default(),
            Self::Notable => AnsiColor::Yellow.on_default(),
            Self::Bad => AnsiColor::Red.on_default(),
            Self::Heading => anstyle::Style::new().effects(Effects::BOLD),
            Self::Place => AnsiColor::Cyan.on_default(),
            Self::Faint => anstyle::Style::new().effects(Effects::DIMMED),
        }
    }
}

impl Style {
    /// No colour, the default level.
    pub fn plain() -> Self {
        Self::default()
    }

    /// Colour, the default level.
    pub fn coloured() -> Self {
        Self {
            colour: true,
            ..Self::default()
        }
    }

    #[must_use]
    pub fn at(self, level: Level) -> Self {
        Self { level, ..self }
    }

    pub fn verbose(self) -> bool {
        self.level == Level::Verbose
    }

    pub fn quiet(self) -> bool {
        self.level == Level::Quiet
    }

    /// A value in the colour of its tone, where colour is on.
    pub fn paint<T: Display>(self, tone: Tone, value: T) -> Painted<T> {
        let style = if self.colour {
            tone.ansi()
        } else {
            anstyle::Style::new()
        };
        Painted { style, value }
    }
}

pub struct Painted<T> {
    style: anstyle::Style,
    value: T,
}

impl<T: Display> Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{:#}", self.style, self.value, self.style)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_there_only_when_it_is_on() {
        assert_eq!(
            Style::plain().paint(Tone::Bad, "broken").to_string(),
            "broken"
        );
        assert_eq!(
            Style::coloured().paint(Tone::Bad, "broken").to_string(),
            "\u{1b}[31mbroken\u{1b}[0m"
        );
    }
}
