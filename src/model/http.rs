//! Which answers over HTTP are right, and by which version of HTTP one asks: values that the inventory, keepalived.conf,
//! our own checker and `verify` share. How they are asked for is not known here.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The lowest and the highest that keepalived takes.
const LOWEST: u16 = 100;
const HIGHEST: u16 = 599;

/// A set of HTTP status codes: sorted ranges that neither overlap nor touch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusCodes(Vec<(u16, u16)>);

impl StatusCodes {
    pub fn one(code: u16) -> Self {
        Self(vec![(code, code)])
    }

    /// Codes, ranges (`200-299`) and classes (`2xx`), with blanks or commas between them.
    pub fn parse(text: &str) -> Result<Self, WrongStatus> {
        let parts = text.split(|c: char| c.is_whitespace() || c == ',');
        let ranges: Result<Vec<_>, _> = parts.filter(|part| !part.is_empty()).map(range).collect();
        match ranges {
            Ok(ranges) if ranges.is_empty() => Err(WrongStatus::Shape(text.to_owned())),
            ranges => Ok(Self(ranges?).merged()),
        }
    }

    pub fn union(all: impl IntoIterator<Item = Self>) -> Option<Self> {
        let ranges: Vec<_> = all.into_iter().flat_map(|codes| codes.0).collect();
        (!ranges.is_empty()).then(|| Self(ranges).merged())
    }

    fn merged(mut self) -> Self {
        self.0.sort_unstable();
        let mut merged: Vec<(u16, u16)> = Vec::new();
        for (low, high) in self.0 {
            match merged.last_mut() {
                Some((_, end)) if low <= end.saturating_add(1) => *end = high.max(*end),
                _ => merged.push((low, high)),
            }
        }
        Self(merged)
    }

    pub fn contains(&self, code: u16) -> bool {
        self.0
            .iter()
            .any(|(low, high)| (*low..=*high).contains(&code))
    }

    /// Whether no answer with one of them has a body (RFC 9110, 6.4.1 and 15.3.6).
    pub fn has_no_body(&self) -> bool {
        let none = |code: u16| code < 200 || matches!(code, 204 | 205 | 304);
        self.0.iter().all(|(low, high)| (*low..=*high).all(none))
    }

    /// Whether it is one code alone, which every keepalived takes.
    pub fn is_one(&self) -> bool {
        matches!(self.0.as_slice(), [(low, high)] if low == high)
    }

    /// Shell text that succeeds when the variable of that name holds one of them.
    pub fn shell(&self, variable: &str) -> String {
        let tests: Vec<String> = self
            .0
            .iter()
            .map(|(low, high)| {
                if low == high {
                    format!("[ \"${variable}\" = {low} ]")
                } else {
                    format!("[ \"${variable}\" -ge {low} -a \"${variable}\" -le {high} ]")
                }
            })
            .collect();
        if let [one] = tests.as_slice() {
            return one.clone();
        }
        format!("{{ {}; }}", tests.join(" || "))
    }
}

/// As keepalived takes it.
impl fmt::Display for StatusCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (low, high)) in self.0.iter().enumerate() {
            let blank = if index == 0 { "" } else { " " };
            if low == high {
                write!(f, "{blank}{low}")?;
            } else {
                write!(f, "{blank}{low}-{high}")?;
            }
        }
        Ok(())
    }
}

/// Why a text names no status codes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrongStatus {
    #[error("`{0}` is no HTTP status")]
    Shape(String),
    #[error("the HTTP status {0} is outside of {LOWEST} to {HIGHEST}")]
    Outside(u32),
    #[error("the range {0}-{1} of HTTP status codes ends before it begins")]
    Reversed(u16, u16),
}

fn range(text: &str) -> Result<(u16, u16), WrongStatus> {
    if let Some(class) = text
        .strip_suffix("xx")
        .or_else(|| text.strip_suffix("XX"))
        .and_then(|class| class.parse::<u16>().ok())
        .filter(|class| (1..=5).contains(class) && text.len() == 3)
    {
        return Ok((class * 100, class * 100 + 99));
    }
    let code = |word: &str| {
        let digits = !word.is_empty() && word.chars().all(|c| c.is_ascii_digit());
        let number = word.parse::<u32>().ok().filter(|_| digits);
        let number = number.ok_or_else(|| WrongStatus::Shape(text.to_owned()))?;
        let code = u16::try_from(number).ok();
        code.filter(|code| (LOWEST..=HIGHEST).contains(code))
            .ok_or(WrongStatus::Outside(number))
    };
    let Some((low, high)) = text.split_once('-') else {
        let only = code(text)?;
        return Ok((only, only));
    };
    let (low, high) = (code(low)?, code(high)?);
    if low > high {
        return Err(WrongStatus::Reversed(low, high));
    }
    Ok((low, high))
}

/// One code is a number, as in manifests of earlier releases.
impl Serialize for StatusCodes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [(low, high)] if low == high => serializer.serialize_u16(*low),
            _ => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for StatusCodes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CodesVisitor)
    }
}

struct CodesVisitor;

impl Visitor<'_> for CodesVisitor {
    type Value = StatusCodes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HTTP status codes")
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<StatusCodes, E> {
        StatusCodes::parse(&value.to_string()).map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<StatusCodes, E> {
        StatusCodes::parse(&value.to_string()).map_err(E::custom)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<StatusCodes, E> {
        StatusCodes::parse(value).map_err(E::custom)
    }
}

/// By which version of HTTP a health check asks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum HttpVersion {
    /// What keepalived asks by unless it is set.
    #[default]
    #[serde(rename = "1.0")]
    V1_0,
    #[serde(rename = "1.1")]
    V1_1,
}

impl HttpVersion {
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_codes_are_read_as_keepalived_reads_them() {
        for (text, shown, inside, outside) in [
            ("200", "200", vec![200], vec![199, 201, 401]),
            ("401", "401", vec![401], vec![200, 400, 402]),
            ("200-299", "200-299", vec![200, 250, 299], vec![199, 300]),
            ("200-299 302", "200-299 302", vec![204, 302], vec![301, 303]),
            ("302,200-299", "200-299 302", vec![204, 302], vec![301]),
            ("2xx 3XX", "200-399", vec![200, 399], vec![199, 400]),
            ("200-250 240-299", "200-299", vec![299], vec![300]),
            ("200 201 202", "200-202", vec![201], vec![203]),
            (" 100 , 599 ", "100 599", vec![100, 599], vec![101, 598]),
        ] {
            let codes = StatusCodes::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(codes.to_string(), shown, "{text}");
            assert!(inside.iter().all(|code| codes.contains(*code)), "{text}");
            assert!(!outside.iter().any(|code| codes.contains(*code)), "{text}");
        }
    }

    #[test]
    fn some_answers_have_no_body() {
        for (text, none) in [
            ("204", true),
            ("304", true),
            ("205", true),
            ("1xx", true),
            ("100-199 204 304", true),
            ("200", false),
            ("204-206", false),
            ("204 200", false),
            ("404", false),
        ] {
            let codes = StatusCodes::parse(text).expect("codes");
            assert_eq!(codes.has_no_body(), none, "{text}");
        }
    }

    #[test]
    fn what_names_no_status_codes() {
        let shape = |text: &str| WrongStatus::Shape(text.to_owned());
        for (text, wrong) in [
            ("", shape("")),
            (" , ", shape(" , ")),
            ("ok", shape("ok")),
            ("200-", shape("200-")),
            ("-200", shape("-200")),
            ("200-300-400", shape("200-300-400")),
            ("+200", shape("+200")),
            ("9xx", shape("9xx")),
            ("xx", shape("xx")),
            ("12xx", shape("12xx")),
            ("99", WrongStatus::Outside(99)),
            ("600", WrongStatus::Outside(600)),
            ("70000", WrongStatus::Outside(70000)),
            ("200 299-600", WrongStatus::Outside(600)),
            ("299-200", WrongStatus::Reversed(299, 200)),
        ] {
            assert_eq!(StatusCodes::parse(text), Err(wrong), "{text}");
        }
    }

    #[test]
    fn one_code_is_written_as_earlier_releases_wrote_it() {
        for (text, json) in [
            ("401", "401"),
            ("200-299 302", "\"200-299 302\""),
            ("200,302", "\"200 302\""),
        ] {
            let codes = StatusCodes::parse(text).expect("codes");
            assert_eq!(serde_json::to_string(&codes).expect("JSON"), json);
            let read: StatusCodes = serde_json::from_str(json).expect("codes");
            assert_eq!(read, codes, "{text}");
        }
    }
}
