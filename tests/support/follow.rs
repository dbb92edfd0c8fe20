//! Follows the hints of `lvsctl check`: what a message says to write, to delete and to add is done in the text.

#![allow(dead_code)] // Each test program uses a part of this.

use std::ops::Range;

use lvsctl::inventory::{self, BUILT_IN_ROLES, Problem};

/// Each `<Type>` is a place for a key of that type's map.
pub(crate) const BASE: &str = "\
cluster: web
networks: { lan: 192.168.100.0/24 }
<Inventory>
defaults:
  interface: eth0
  <Defaults>
hosts:
  lb1:
    role: director
    address: 192.168.100.14
    <Host>
  lb2: { role: backup, address: 192.168.100.15 }
  rs1:
    role: realserver
    address: 192.168.100.12
    interfaces:
      eth1:
        address: 192.168.100.112
        <LongNic>
  rs2:
    role: realserver
    address: 192.168.100.13
    ssh:
      command_timeout: 60
      <SshOptions>
vrrp:
  virtual_router_id: 51
  <Vrrp>
  members:
    lb1:
      priority: 100
      <Member>
    lb2: {}
  track_script:
    up:
      script: /usr/local/bin/up
      <TrackScript>
services:
  web:
    vip: 192.168.100.200
    port: 80
    <Service>
    real_servers:
      rs1:
        weight: 1
        <RealServer>
      rs2: {}
    health_check:
      retry: 3
      <LongHealthCheck>
      http:
        path: /
        <HttpCheck>
  third:
    vip: 192.168.100.200
    port: 82
    persistence:
      granularity: 24
      <LongPersistence>
    check:
      http: 82
      path: /
      <EndToEnd>
    health_check:
      tcp:
        <TcpCheck>
  other:
    vip: 192.168.100.200
    port: 81
    sorry_server:
      address: 192.168.100.17
      <LongSorryServer>
    health_check:
      script:
        path: /usr/local/bin/check
        <ScriptCheck>
waive:
  check: lro
  reason: the driver
  <Waiver>
";

/// The inventory with a line in the map of a type, which has none of the keys that are left out. And the line's number.
pub(crate) fn with(within: &str, line: &str, left_out: &[&str]) -> (String, usize) {
    let marker = format!("<{within}>");
    let all: Vec<&str> = BASE.lines().collect();
    let at = all
        .iter()
        .position(|l| l.trim() == marker)
        .unwrap_or_else(|| panic!("no place for a key of {within}"));
    let level = indent(all[at]);
    let outside = |l: &&str| indent(l) < level;
    let first = all[..at].iter().rposition(outside).map_or(0, |n| n + 1);
    let last = all[at..]
        .iter()
        .position(outside)
        .map_or(all.len(), |n| at + n);
    let (mut text, mut number, mut dropping) = (String::new(), 0, false);
    for (index, written) in all.iter().enumerate() {
        let own = (first..last).contains(&index) && indent(written) <= level;
        if own {
            let key = written.trim().split(':').next().unwrap_or_default();
            dropping = left_out.contains(&key);
        } else if !(first..last).contains(&index) {
            dropping = false;
        }
        if index == at {
            number = text.lines().count() + 1;
            text += &format!("{}{line}\n", " ".repeat(level));
        } else if !written.trim().starts_with('<') && !dropping {
            text += written;
            text += "\n";
        }
    }
    (text, number)
}

pub(crate) fn problems(text: &str) -> Vec<Problem> {
    match inventory::parse("t.yaml", text, BUILT_IN_ROLES) {
        Ok(_) => Vec::new(),
        Err(error) => error.problems().to_vec(),
    }
}

/// A range of the text and what comes there.
type Edit = (Range<usize>, String);

/// Where a problem is, in bytes.
pub(crate) fn offset(text: &str, problem: &Problem) -> Option<usize> {
    let (line, column) = problem.position()?;
    let before: usize = text
        .split_inclusive('\n')
        .take(line - 1)
        .map(str::len)
        .sum();
    let row = text[before..].chars().take(column - 1);
    Some(before + row.map(char::len_utf8).sum::<usize>())
}

/// The inventory as the hint would have it, with the ranges that it changed; none where it proposes no text.
pub(crate) fn followed(text: &str, problem: &Problem) -> Option<(String, Vec<Range<usize>>)> {
    edits(text, problem).map(|edits| applied(text, edits))
}

fn edits(text: &str, problem: &Problem) -> Option<Vec<Edit>> {
    let start = offset(text, problem)?;
    let (help, label) = (
        problem.fix().unwrap_or_default(),
        problem.label().unwrap_or_default(),
    );
    // A form to fill in is none to follow.
    if help.contains("...") {
        return None;
    }
    let key = problem.message().starts_with("unknown key")
        || (!problem.message().starts_with("expected") && help.contains("in its place"));
    let mut edits: Vec<Edit> = Vec::new();
    let after = |word: &str| help.split_once(word).map(|(_, rest)| rest);
    if let Some(near) = quoted(label, "did you mean") {
        edits.push((start..start + text[start..].find(':')?, near.to_owned()));
    } else if key && help.starts_with("delete it") {
        edits.push(deleted(text, start));
        if let Some(rest) = after("delete it, and add ") {
            let (pairs, place) = rest.split_once(" to ")?;
            for map in places(text, start, place) {
                edits.extend(added(text, map, &all_quoted(pairs)));
            }
        }
        if let Some(rest) = after("delete it, and write ") {
            let pair = all_quoted(rest).into_iter().next()?;
            let own = after("in the place of ").and_then(|old| all_quoted(old).into_iter().next());
            let name = own.unwrap_or(pair).split(':').next()?;
            let old = nearest(text, start, name)?;
            edits.push((old..entry_end(text, old), pair.to_owned()));
        }
    } else if help.starts_with("indent it") {
        let end = entry_end(text, start);
        let lines = text[start..end].replace('\n', "\n  ");
        edits.push((start..end, format!("  {lines}")));
    } else if let Some(near) = quoted(help, "did you mean").filter(|_| !key) {
        edits.push((start..value_end(text, start), near.to_owned()));
    } else if help.contains("take the quotes away") {
        let end = value_end(text, start);
        edits.push((
            start..end,
            text[start..end].trim_matches(['"', '\'']).to_owned(),
        ));
    } else {
        let rest = after("write ")?;
        if !rest.starts_with('`') || help.contains("` or `") || rest.contains("lines") {
            return None;
        }
        let parts = all_quoted(rest.split_once(", and ").map_or(rest, |(first, _)| first));
        let parts: Vec<&str> = parts.into_iter().take(leading(rest)).collect();
        let own = rest.split_once(", and `").map_or(rest, |(own, _)| own);
        let in_place_of = own[own.find("` in the place of `").unwrap_or(own.len())..].to_owned();
        if key && in_place_of.is_empty() || help.contains("in its place") {
            edits.push((start..entry_end(text, start), joined(text, start, &parts)));
        } else if key {
            edits.push((start..start + text[start..].find(':')?, parts.concat()));
        } else if parts.iter().any(|part| is_pair(part)) && in_place_of.is_empty() {
            return None;
        } else if !in_place_of.is_empty() && parts.iter().any(|part| is_pair(part)) {
            let own = key_of(text, start)?;
            edits.push((own..entry_end(text, own), parts.concat()));
        } else {
            edits.push((start..value_end(text, start), parts.concat()));
        }
        if let Some(more) = rest.split_once(", and add ").map(|(_, more)| more) {
            let own = key_of(text, start)?;
            let pairs = all_quoted(more.split(" beside it").next()?);
            let end = entry_end(text, own);
            let glue = glue(text, own);
            edits.push((
                end..end,
                pairs.iter().map(|pair| format!("{glue}{pair}")).collect(),
            ));
        }
        if let Some((_, more)) = rest.split_once(", and `")
            && let Some((new, old)) = more.split_once("` in the place of `")
        {
            let old = old.split('`').next()?;
            let at = text
                .match_indices(old)
                .map(|(at, _)| at)
                .min_by_key(|at| at.abs_diff(start))?;
            edits.push((at..at + old.len(), new.to_owned()));
        }
    }
    Some(edits)
}

/// What is new within the ranges that a hint changed, once it is followed.
pub(crate) fn next_error(text: &str, problem: &Problem) -> Option<String> {
    let (changed, ranges) = followed(text, problem)?;
    let before = problems(text);
    let there = |found: &Problem| {
        let at = offset(&changed, found).unwrap_or(0);
        ranges
            .iter()
            .any(|range| (range.start..=range.end).contains(&at))
    };
    let new = |found: &Problem| {
        let same = before
            .iter()
            .filter(|p| p.message() == found.message())
            .count();
        same == 0 && (before.len() == 1 || there(found))
    };
    let found = problems(&changed);
    let stays = |p: &&Problem| there(p) && p.message() == problem.message();
    let next = found.iter().find(|p| new(p)).or(found.iter().find(stays))?;
    Some(format!(
        "{problem} (help: {:?}) leads to {next}, by {:?}",
        problem.fix().unwrap_or_default(),
        ranges
            .iter()
            .map(|range| &changed[range.clone()])
            .collect::<Vec<_>>()
    ))
}

/// The inventory once all hints are followed, again and again; else what cannot be followed.
pub(crate) fn repaired(text: &str) -> Result<String, String> {
    let mut text = text.to_owned();
    for _ in 0..4 {
        let found = problems(&text);
        if found.is_empty() {
            return Ok(text);
        }
        let mut all = Vec::new();
        for problem in &found {
            let help = problem.fix().unwrap_or_default();
            let edits = edits(&text, problem);
            all.extend(
                edits.ok_or_else(|| format!("{problem} (help: {help:?}) proposes nothing"))?,
            );
        }
        text = applied(&text, all).0;
    }
    Err(format!("{:#?}\n{text}", problems(&text)))
}

/// The text between backquotes behind some words.
fn quoted<'t>(text: &'t str, before: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(&format!("{before} `"))?;
    rest.split_once('`').map(|(inner, _)| inner)
}

fn all_quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// How many quoted texts belong together at the beginning: `a`, `b` and `c`.
fn leading(text: &str) -> usize {
    let between = text.split('`').skip(2).step_by(2);
    1 + between
        .take_while(|words| [", ", " and "].contains(words))
        .count()
}

fn is_pair(text: &str) -> bool {
    let first = text.split(": ").next().unwrap_or_default();
    text.contains(": ") && first.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Where a value that begins here ends, on its line.
fn end_of(text: &str) -> usize {
    let (mut depth, mut quote) = (0, None);
    for (at, c) in text.char_indices() {
        match (c, quote) {
            ('\n', _) if depth == 0 => return text[..at].trim_end().len(),
            (c, Some(q)) if c == q => quote = None,
            (_, Some(_)) => {}
            ('"' | '\'', None) => quote = Some(c),
            ('[' | '{', None) => depth += 1,
            (']' | '}' | ',', None) if depth == 0 => return text[..at].trim_end().len(),
            (']' | '}', None) => depth -= 1,
            _ => {}
        }
    }
    text.trim_end().len()
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |n| n + 1)
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Whether this place is within brackets that were opened on its line.
fn in_flow(text: &str, at: usize) -> bool {
    let before = &text[line_start(text, at)..at];
    let open = before.matches(['{', '[']).count();
    open > before.matches(['}', ']']).count()
}

fn entry_end(text: &str, start: usize) -> usize {
    let end = start + end_of(&text[start..]);
    let entry = &text[start..end];
    let column = start - line_start(text, start);
    if in_flow(text, start) || !entry.trim_end().ends_with(':') {
        return end;
    }
    block_after(text, start, column + 1)
}

/// The end of the lines below that are indented by this much or more.
fn block_after(text: &str, start: usize, level: usize) -> usize {
    let mut end = start + text[start..].find('\n').unwrap_or(text.len() - start);
    loop {
        let Some(rest) = text.get(end + 1..) else {
            return end;
        };
        let line = rest.split('\n').next().unwrap_or_default();
        let item = indent(line) + 1 == level && line.trim_start().starts_with("- ");
        if rest.is_empty() || line.trim().is_empty() || (indent(line) < level && !item) {
            return end;
        }
        end += 1 + line.len();
    }
}

fn value_end(text: &str, start: usize) -> usize {
    let line = line_start(text, start);
    let alone = text[line..start].trim().is_empty();
    let item = text[start..].starts_with("- ");
    if alone
        && (item
            || text[start..]
                .lines()
                .next()
                .is_some_and(|l| l.contains(": ") || l.ends_with(':')))
    {
        return block_after(text, start, start - line + usize::from(item));
    }
    if !in_flow(text, start) && !text[start..].starts_with(['"', '\'', '{', '[']) {
        // A comma ends no plain text of a block.
        return start
            + text[start..]
                .lines()
                .next()
                .map_or(0, |line| line.trim_end().len());
    }
    start + end_of(&text[start..])
}

/// The key whose value begins here.
fn key_of(text: &str, value: usize) -> Option<usize> {
    let before = text[..value].trim_end();
    let before = before.strip_suffix(':').or_else(|| {
        // One of a list.
        let open = before.rfind(": [")?;
        before.get(..open)
    })?;
    let first = |c: char| !(c.is_ascii_alphanumeric() || "_-.".contains(c));
    Some(before.rfind(first).map_or(0, |at| at + 1))
}

/// What divides entries at this place.
fn glue(text: &str, at: usize) -> String {
    if in_flow(text, at) {
        return ", ".to_owned();
    }
    format!("\n{}", " ".repeat(at - line_start(text, at)))
}

fn joined(text: &str, at: usize, parts: &[&str]) -> String {
    parts.join(&glue(text, at))
}

fn deleted(text: &str, start: usize) -> Edit {
    let end = entry_end(text, start);
    if in_flow(text, start) {
        let rest = &text[end..];
        if rest.trim_start().starts_with(',') {
            let comma = rest.find(',').unwrap_or(0) + 1;
            let blanks = rest[comma..].len() - rest[comma..].trim_start_matches(' ').len();
            return (start..end + comma + blanks, String::new());
        }
        let before = text[..start].trim_end().trim_end_matches(',');
        let from = if text[..start].trim_end().ends_with(',') {
            before.len()
        } else {
            start
        };
        return (from..end, String::new());
    }
    (
        line_start(text, start)..(end + 1).min(text.len()),
        String::new(),
    )
}

/// The maps that a place names: offsets of their keys.
fn places(text: &str, from: usize, place: &str) -> Vec<usize> {
    let name = all_quoted(place).into_iter().next();
    let section = |key: &str| {
        text.lines()
            .scan(0, |at, line| {
                let start = *at;
                *at += line.len() + 1;
                Some((start, line))
            })
            .find(|(_, line)| line.starts_with(&format!("{key}:")))
            .map(|(start, _)| start)
    };
    let within = |key: &str, name: &str| {
        let start = section(key)?;
        let end = entry_end(text, start).max(start + key.len());
        let found = text[start + key.len()..end].find(&format!(" {name}:"))?;
        Some(start + key.len() + found + 1)
    };
    if place.starts_with("the service ") {
        return within("services", name.unwrap_or_default())
            .into_iter()
            .collect();
    }
    if place.starts_with("the host ") {
        return within("hosts", name.unwrap_or_default())
            .into_iter()
            .collect();
    }
    if place.starts_with("each service") {
        return ["web", "other"]
            .iter()
            .filter_map(|name| within("services", name))
            .collect();
    }
    name.and_then(|name| nearest(text, from, name))
        .into_iter()
        .collect()
}

/// The nearest entry of this key.
fn nearest(text: &str, from: usize, key: &str) -> Option<usize> {
    let pattern = format!("{key}:");
    let all = text.match_indices(&pattern).map(|(at, _)| at);
    let whole = all.filter(|at| {
        let before = text[..*at].chars().next_back().unwrap_or('\n');
        !before.is_ascii_alphanumeric() && before != '_'
    });
    whole
        .filter(|at| *at != from)
        .min_by_key(|at| at.abs_diff(from))
}

/// Entries in the map behind a key.
fn added(text: &str, key: usize, pairs: &[&str]) -> Option<Edit> {
    let colon = key + text[key..].find(':')? + 1;
    let rest = &text[colon..];
    let line = rest.split('\n').next().unwrap_or_default();
    if let Some(open) = line
        .find('{')
        .filter(|open| line[..*open].trim().is_empty())
    {
        let at = colon + open + 1;
        let empty = text[at..].trim_start().starts_with('}');
        let more = if empty { String::new() } else { ",".to_owned() };
        return Some((at..at, format!(" {}{more}", pairs.join(", "))));
    }
    let next = rest.get(line.len() + 1..).unwrap_or_default();
    let column = key - line_start(text, key);
    let level = next
        .lines()
        .find(|line| !line.trim().is_empty())
        .map_or(0, indent);
    if line.trim().is_empty() && level > column && !in_flow(text, key) {
        let at = colon + line.len() + 1;
        let lines: Vec<String> = pairs
            .iter()
            .map(|p| format!("{}{p}\n", " ".repeat(level)))
            .collect();
        return Some((at..at, lines.concat()));
    }
    Some((colon..colon, format!(" {{ {} }}", pairs.join(", "))))
}

fn applied(text: &str, mut edits: Vec<Edit>) -> (String, Vec<Range<usize>>) {
    edits.sort_by_key(|(range, _)| range.start);
    let (mut out, mut at, mut ranges) = (String::new(), 0, Vec::new());
    for (range, new) in edits {
        let start = range.start.max(at);
        out += &text[at..start];
        ranges.push(out.len()..out.len() + new.len());
        out += &new;
        at = range.end.max(start);
    }
    out += &text[at..];
    (out, ranges)
}
