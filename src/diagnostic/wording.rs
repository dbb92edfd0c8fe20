//! Wording that messages share: quoted values, lists and the nearest known word.

/// Text of the user's own as messages show it: quoted, short, without control characters.
pub(crate) fn shown(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut out: String = text
        .chars()
        .take(LONGEST)
        .map(|c| match c {
            // It marks an example.
            '‹' => '<',
            c if c.is_control() => '?',
            c => c,
        })
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        out.push('…');
    }
    format!("`{out}`")
}

/// Names as a sentence has them: `a`, `b` and `c`; of many the first.
pub(crate) fn listed<'n>(
    names: impl IntoIterator<Item = &'n (impl AsRef<str> + ?Sized + 'n)>,
) -> String {
    const NAMED: usize = 5;
    let mut all: Vec<String> = names.into_iter().map(|name| shown(name.as_ref())).collect();
    let more = all.len().saturating_sub(NAMED);
    all.truncate(NAMED);
    if more > 0 {
        all.push(format!("{more} more"));
    }
    match all.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
        None => String::new(),
    }
}

/// The known word that is meant, if one is near enough.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Bounded, as the distance costs the product of both lengths.
    if word.len() > 64 {
        return None;
    }
    let word = word.to_lowercase();
    let allowed = (word.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|k| (strsim::damerau_levenshtein(&word, k), k))
        .filter(|(distance, k)| {
            *distance <= allowed || (word.len() > 2 && k.starts_with(word.as_str()))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, k)| k)
}

/// "did you mean `x`? known: a, b, c".
pub(crate) fn choices(word: &str, known: &[&str]) -> String {
    const LISTED: usize = 20;
    let mut list = known
        .iter()
        .take(LISTED)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    if known.len() > LISTED {
        list.push_str(", ...");
    }
    match nearest(word, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`? known: {list}"),
        None => format!("known: {list}"),
    }
}
