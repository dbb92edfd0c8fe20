//! Keys with a typing error: without the blank behind the colon, or with an odd one.

use super::advice::Advice;
use crate::inventory::form::Form;
use crate::inventory::scalar::{cleaned, is_odd_blank};
use crate::yaml::{Entry, Value};

/// A key that holds its value as well: `vip:10.0.0.100`, `port=80`.
pub(super) fn divided(word: &str) -> Option<(&str, &str)> {
    let word = word.trim_start_matches(is_odd_blank);
    let (key, value) = word.split_once([':', '='])?;
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let value = value.trim_matches(|c| is_odd_blank(c) || c == ' ');
    (!key.is_empty() && key.chars().all(good)).then_some((key, value))
}

pub(super) fn of_key(entry: &Entry, known: &[&str]) -> Option<Advice> {
    let is_known = |key: &str| known.contains(&key);
    if let Some((key, value)) = divided(&entry.key).filter(|(key, _)| is_known(key))
        && entry.value.value == Value::Null
        && !value.is_empty()
    {
        let odd = entry.key.contains(is_odd_blank);
        return Some(Advice::write(key, Form::word(value)).noting(if odd {
            PLAIN
        } else {
            BEHIND
        }));
    }
    let clean = cleaned(&entry.key).filter(|key| is_known(key))?;
    let form = Form::of(&entry.value)?;
    Some(Advice::write(clean, form).noting(PLAIN))
}

const BEHIND: &str = ", with a colon and a blank between key and value";
const PLAIN: &str = ", with plain blanks: what stands there only looks like one";
