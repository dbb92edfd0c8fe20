//! What traffic control does with packets of an interface: its queueing disciplines and filters, from tc(8).

use std::collections::BTreeMap;

use super::{Fact, ParseError, Section};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrafficControl {
    /// In the order of the list.
    pub disciplines: Vec<Discipline>,
    /// Lines of the filters, by interface.
    pub filters: BTreeMap<String, Vec<String>>,
    /// Whether the host has no tc(8).
    pub missing: bool,
}

/// A queueing discipline.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Discipline {
    pub kind: String,
    pub interface: String,
    /// `root`, or `parent ID`.
    pub place: String,
    /// What follows.
    pub options: Vec<String>,
}

impl Discipline {
    pub fn value(&self, option: &str) -> Option<&str> {
        let at = self.options.iter().position(|word| word == option)?;
        self.options.get(at + 1).map(String::as_str)
    }
}

const SCRIPT: &str = include_str!("scripts/traffic-control.sh");

impl Fact for TrafficControl {
    const NAME: &'static str = "traffic-control";
    type Ask = ();

    fn command((): &()) -> String {
        SCRIPT.to_owned()
    }

    fn parse(section: &Section) -> Result<Self, ParseError> {
        let lines = section.part("qdisc").lines();
        let filters = section.parts_of("filter").map(|(interface, text)| {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            (interface.to_owned(), lines.map(str::to_owned).collect())
        });
        Ok(Self {
            disciplines: lines.filter_map(discipline).collect(),
            filters: filters.collect(),
            missing: section.has("missing"),
        })
    }
}

/// `qdisc netem 8001: dev eth0 root refcnt 2 limit 1000 loss 10%`.
fn discipline(line: &str) -> Option<Discipline> {
    let mut words = line.split_whitespace();
    if words.next()? != "qdisc" {
        return None;
    }
    let kind = words.next()?.to_owned();
    let mut words = words.skip_while(|word| *word != "dev").skip(1);
    let interface = words.next()?.to_owned();
    let place = match words.next() {
        Some("parent") => format!("parent {}", words.next()?),
        _ => "root".to_owned(),
    };
    Some(Discipline {
        kind,
        interface,
        place,
        options: words.map(str::to_owned).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disciplines_and_filters() {
        let list = "qdisc noqueue 0: dev lo root refcnt 2 \nqdisc netem 8001: dev eth0 root refcnt 2 limit 1000 delay 10ms loss 10%\n\
                    qdisc clsact ffff: dev eth0 parent ffff:fff1 \nodd\n";
        let filter =
            "filter protocol ip pref 1 u32 chain 0 \n\t action order 1: gact action drop\n";
        let section = Section::from_parts([("qdisc", list), ("filter eth0", filter)]);
        let all = TrafficControl::parse(&section).unwrap();
        let shown: Vec<String> = all
            .disciplines
            .iter()
            .map(|d| format!("{} {} {}", d.interface, d.kind, d.place))
            .collect();
        assert_eq!(
            shown,
            [
                "lo noqueue root",
                "eth0 netem root",
                "eth0 clsact parent ffff:fff1"
            ]
        );
        assert_eq!(all.disciplines[1].value("loss"), Some("10%"));
        assert_eq!(all.filters["eth0"].len(), 2);
        assert!(!all.missing);
    }
}
