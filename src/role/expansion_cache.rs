//! A cache of expansions: the resources of one host are reused for another if all variables that were read have the same
//! values, as on most of many hosts.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{PoisonError, RwLock};

use serde_json::{Map, Value};

use crate::template::Reads;

/// Results by key; of each key several, with the values of the variables that were read.
#[derive(Debug)]
pub(super) struct ExpansionCache<K, T> {
    made: RwLock<HashMap<K, Vec<Made<T>>>>,
}

#[derive(Debug)]
struct Made<T> {
    looked_at: Vec<Seen>,
    value: T,
}

/// A variable that was read.
#[derive(Debug)]
struct Seen {
    path: Vec<String>,
    /// How many steps of the path exist.
    steps: usize,
    value: Value,
}

/// The most cached results of a key.
const MOST: usize = 32;

impl<K, T> Default for ExpansionCache<K, T> {
    fn default() -> Self {
        Self {
            made: RwLock::default(),
        }
    }
}

impl<K: Hash + Eq, T> ExpansionCache<K, T> {
    /// The first result of `take` among those that were made for a host with these variables.
    pub(super) fn find<R>(
        &self,
        key: &K,
        own: &Map<String, Value>,
        take: impl Fn(&T) -> Option<R>,
    ) -> Option<R> {
        let made = self.made.read().unwrap_or_else(PoisonError::into_inner);
        let same = |made: &&Made<T>| {
            let mut looked_at = made.looked_at.iter();
            looked_at.all(|seen| value_at(own, &seen.path) == Some((seen.steps, &seen.value)))
        };
        let mut alike = made.get(key)?.iter().filter(same);
        alike.find_map(|made| take(&made.value))
    }

    /// Whether no further result of a key is kept.
    pub(super) fn is_full(&self, key: &K) -> bool {
        let made = self.made.read().unwrap_or_else(PoisonError::into_inner);
        made.get(key).is_some_and(|all| all.len() >= MOST)
    }

    /// Keeps it. Variables that are the same for all hosts are not compared.
    pub(super) fn keep(&self, key: K, reads: &Reads, own: &Map<String, Value>, value: T) {
        let looked_at = reads.iter().filter_map(|path| {
            let (steps, value) = value_at(own, path)?;
            Some(Seen {
                path: path.clone(),
                steps,
                value: value.clone(),
            })
        });
        let looked_at = looked_at.collect();
        let mut made = self.made.write().unwrap_or_else(PoisonError::into_inner);
        let all = made.entry(key).or_default();
        if all.len() < MOST {
            all.push(Made { looked_at, value });
        }
    }
}

/// The value of a variable, and how many steps of its path exist. If a part is missing, the value of the last existing part.
/// None: it is not a variable of a single host.
fn value_at<'v>(own: &'v Map<String, Value>, path: &[String]) -> Option<(usize, &'v Value)> {
    let (root, parts) = path.split_first()?;
    let mut value = own.get(root)?;
    let mut steps = 1;
    for part in parts {
        match value.get(part.as_str()) {
            Some(inner) => value = inner,
            None => break,
        }
        steps += 1;
    }
    Some((steps, value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn own(host: Value) -> Map<String, Value> {
        Map::from_iter([("host".to_owned(), host)])
    }

    #[test]
    fn what_was_made_serves_hosts_that_are_alike_in_what_it_looks_at() {
        let paths = |all: &[&str]| -> Reads {
            let path = |text: &&str| text.split('.').map(str::to_owned).collect();
            all.iter().map(path).collect()
        };
        let first = json!({ "name": "a", "vars": { "n": 1, "m": {} }, "list": [1] });
        for (reads, other, same) in [
            (paths(&[]), json!({ "name": "b" }), true),
            (paths(&["services"]), json!({ "name": "b" }), true),
            (paths(&["host"]), first.clone(), true),
            (paths(&["host.name"]), json!({ "name": "b" }), false),
            (paths(&["host.vars.n"]), json!({ "vars": { "n": 1 } }), true),
            (
                paths(&["host.vars.n"]),
                json!({ "vars": { "n": 1.0 } }),
                false,
            ),
            (
                paths(&["host.vars.n"]),
                json!({ "vars": { "n": "1" } }),
                false,
            ),
            (paths(&["host.vars.n"]), json!({ "vars": {} }), false),
            // What is there is not taken for what lacks it.
            (paths(&["host.vars.m"]), json!({ "vars": {} }), false),
            (paths(&["host.list"]), json!({ "list": [1] }), true),
            (paths(&["host.list"]), json!({ "list": [1, 1] }), false),
            (paths(&["host.none"]), json!({ "name": "a" }), false),
        ] {
            let memo = ExpansionCache::default();
            memo.keep("entry", &reads, &own(first.clone()), 7);
            let found = memo.find(&"entry", &own(other.clone()), |made| Some(*made));
            assert_eq!(found, same.then_some(7), "{reads:?} {other}");
            let found = memo.find(&"other", &own(first.clone()), |made| Some(*made));
            assert_eq!(found, None);
        }
    }
}
