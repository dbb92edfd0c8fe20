//! Rules of lvsctl that are lost because saved rules replace their table after lvsctl's unit has set them: those of fwmarks on
//! directors, and those of arptables on real servers. Pure.

use super::BOOT_FIREWALL;
use super::filter::{text, wrong_mark};
use super::harm::Harm;
use super::ours::Ours;
use super::sources::Source;
use crate::fact::boot_source::Line;
use crate::fact::boot_source::places::Reader;
use crate::fact::firewall::Rules;
use crate::model::topology;
use crate::plan::boot;
use crate::view;

/// The harm of saved rules that are loaded late.
pub(super) fn by(source: &Source, ours: &Ours) -> Option<(Line, Harm)> {
    let lines = source.lines;
    match source.reader {
        Reader::Iptables => of_marks(lines, false, ours),
        Reader::Ip6tables => of_marks(lines, true, ours),
        Reader::Nftables => of_ruleset(lines, ours),
        Reader::Arptables => of_arptables(lines, ours),
        _ => None,
    }
}

fn of_marks(lines: &[Line], v6: bool, ours: &Ours) -> Option<(Line, Harm)> {
    let table = of_table("*mangle", lines);
    let first = table.first()?.clone();
    let wrong = wrong_mark(&Rules::parse(&text(lines)), v6, ours)?;
    let does = format!(
        "replaces the mangle table after lvsctl has set it: packets of {} get {} in place of {:#x}",
        wrong.service,
        match wrong.found {
            0 => "no mark".to_owned(),
            found => format!("the mark {found:#x}"),
        },
        wrong.expected
    );
    let harm = Harm::new(&BOOT_FIREWALL, does);
    let is_rule = |line: &Line| line.text.contains("-A ") || line.text.contains("-I ");
    Some((
        first,
        if table.iter().any(is_rule) {
            harm.advised(earlier(ours))
        } else {
            harm.with_all(table)
        },
    ))
}

/// The lines of one table, from its name to `COMMIT`.
fn of_table<'l>(name: &str, lines: &'l [Line]) -> &'l [Line] {
    let start = lines.iter().position(|line| line.text.trim() == name);
    let rest = start.and_then(|at| lines.get(at..)).unwrap_or_default();
    let end = rest.iter().position(|line| line.text.trim() == "COMMIT");
    end.and_then(|end| rest.get(..=end)).unwrap_or(rest)
}

/// nft(8) removes rules that iptables has set only where they are rules of nf_tables too.
fn of_ruleset(lines: &[Line], ours: &Ours) -> Option<(Line, Harm)> {
    let marks = view::marks(ours.audit.cluster);
    let firewall = &ours.audit.facts().firewall;
    let mut live = [&firewall.nft, &firewall.nft_v6].into_iter();
    let has_ours = live.any(|rules| {
        let chain = rules.chain("mangle", "PREROUTING");
        chain.is_some_and(|chain| {
            let mut comments = chain.rules.iter().filter_map(|rule| rule.comment());
            comments.any(|comment| marks.iter().any(|mark| mark.comment == comment))
        })
    });
    let flushes = |line: &&Line| {
        let words: Vec<&str> = line
            .text
            .trim()
            .trim_end_matches(';')
            .split_whitespace()
            .collect();
        matches!(
            words.as_slice(),
            ["flush", "ruleset", ..] | ["flush" | "delete", "table", "ip" | "ip6", "mangle"]
        )
    };
    let line = lines.iter().find(flushes).filter(|_| has_ours)?;
    let does = "removes the rules of fwmarks after lvsctl has set them";
    Some((line.clone(), Harm::new(&BOOT_FIREWALL, does)))
}

fn of_arptables(lines: &[Line], ours: &Ours) -> Option<(Line, Harm)> {
    let audit = ours.audit;
    let drops = |line: &Line, vip: &str| {
        line.text.contains("DROP") && line.text.split_whitespace().any(|word| word == vip)
    };
    let mut vips = topology::arp_rules(audit.cluster, audit.host, &audit.serves)
        .into_iter()
        .map(|rule| rule.vip.to_string());
    let lost = vips.find(|vip| !lines.iter().any(|line| drops(line, vip)))?;
    let does = format!(
        "replaces the rules of arptables after lvsctl has set them: the host answers ARP for {lost}"
    );
    let harm = Harm::new(&BOOT_FIREWALL, does).advised(earlier(ours));
    Some((lines.first()?.clone(), harm))
}

fn earlier(ours: &Ours) -> String {
    let unit = boot::unit(&ours.audit.cluster.name);
    format!(
        "load these rules before {unit} (`Before={unit}` in the unit that loads them), or with `--noflush`"
    )
}
