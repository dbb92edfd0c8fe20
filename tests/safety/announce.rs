//! Who announces the VIPs while a test runs: the client asks for each by ARP once a second, and all who answer are written
//! down. A real server must never answer, and two directors only for the moment of a handover.

use std::collections::{BTreeMap, BTreeSet};

use libtest_mimic::Trial;

use crate::pair::Pair;

/// All VIPs that an edit of these tests may make.
const VIPS: &[&str] = &["192.168.100.200", "192.168.100.201"];

/// So many questions in a row that two directors answer are no handover.
const TOO_MANY: usize = 2;

/// What begins a question in what the client writes down.
const QUESTION: &str = "question";

/// Runs on the client until [`Watch::end`].
pub(crate) struct Watch<'p> {
    pair: &'p Pair,
}

impl<'p> Watch<'p> {
    pub(crate) fn begin(pair: &'p Pair) -> Self {
        let vips = VIPS.join(" ");
        // More answers are awaited than there can be, so that each question takes its second.
        let script = format!(
            "rm -f /root/arp.stop /root/arp.192.*; for vip in {vips}; do setsid sh -c \
             'until [ -e /root/arp.stop ]; do echo {QUESTION}; arping -b -c 9 -w 1 -I eth0 '$vip'; done' \
             </dev/null >/root/arp.$vip 2>&1 & done"
        );
        pair.cluster.on("client", &script);
        Self { pair }
    }

    /// How many questions were asked. Err: who answered and must not. `directors` are all that the inventory has had meanwhile.
    pub(crate) fn end(self, directors: &[&str]) -> Result<usize, String> {
        let mut count = 0;
        for vip in VIPS {
            let said = self.pair.cluster.on(
                "client",
                &format!("touch /root/arp.stop; cat /root/arp.{vip}"),
            );
            let answers = answers(&said, &self.pair.macs);
            count += answers.len();
            verdict(&answers, directors).map_err(|error| format!("{vip} {error}"))?;
        }
        if count == 0 {
            return Err("the client asked no question for VIPs".to_owned());
        }
        Ok(count)
    }
}

/// Who answered each question, by what the client wrote down. A hardware address that no host has stays as it is.
fn answers(said: &str, macs: &BTreeMap<String, String>) -> Vec<BTreeSet<String>> {
    let mut all = Vec::new();
    for line in said.lines() {
        if line == QUESTION {
            all.push(BTreeSet::new());
        }
        let mac = line
            .split_once('[')
            .and_then(|(_, rest)| Some(rest.split_once(']')?.0.to_lowercase()));
        if let (Some(mac), Some(last)) = (mac, all.last_mut()) {
            last.insert(macs.get(&mac).cloned().unwrap_or(mac));
        }
    }
    all
}

fn verdict(answers: &[BTreeSet<String>], directors: &[&str]) -> Result<(), String> {
    let mut in_a_row = 0;
    for (number, who) in answers.iter().enumerate() {
        if let Some(wrong) = who.iter().find(|host| !directors.contains(&host.as_str())) {
            return Err(format!(
                "was announced by {wrong}, which is no director, at question {number} of {}",
                answers.len()
            ));
        }
        in_a_row = if who.len() > 1 { in_a_row + 1 } else { 0 };
        if in_a_row >= TOO_MANY {
            return Err(format!(
                "was announced by {who:?} together, at question {number} of {}",
                answers.len()
            ));
        }
    }
    Ok(())
}

/// What needs neither root nor a lab.
pub(crate) fn trials() -> Vec<Trial> {
    vec![Trial::test("announce::verdicts", || {
        let macs = [("52:54:00:00:00:0a", "lb1"), ("52:54:00:00:00:0b", "lb2")];
        let macs = macs.map(|(mac, host)| (mac.to_owned(), host.to_owned()));
        let macs = BTreeMap::from(macs);
        let line = |mac: &str| format!("Unicast reply from 192.168.100.200 [{mac}]  0.7ms\n");
        let ask = |macs: &[&str]| -> String {
            let lines: String = macs.iter().map(|mac| line(mac)).collect();
            format!("{QUESTION}\nARPING 192.168.100.200 from 192.168.100.20 eth0\n{lines}")
        };
        let (one, two, other) = (
            "52:54:00:00:00:0A",
            "52:54:00:00:00:0B",
            "52:54:00:00:00:0C",
        );
        for (about, said, expected) in [
            ("no host answers", ask(&[]), None),
            ("one answers", ask(&[one]) + &ask(&[one]), None),
            (
                "a handover",
                ask(&[one]) + &ask(&[one, two]) + &ask(&[two]),
                None,
            ),
            (
                "two for longer",
                ask(&[one, two]) + &ask(&[one, two]),
                Some("together"),
            ),
            ("a stranger", ask(&[other]), Some("no director")),
        ] {
            let found = verdict(&answers(&said, &macs), &["lb1", "lb2"]);
            let as_expected = match (&found, expected) {
                (Ok(()), None) => true,
                (Err(error), Some(part)) => error.contains(part),
                _ => false,
            };
            if !as_expected {
                return Err(format!("{about}: {found:?}").into());
            }
        }
        let found = verdict(&answers(&ask(&[two]), &macs), &["lb1"]);
        if found.is_ok() {
            return Err("a director that is none any more was accepted".into());
        }
        Ok(())
    })]
}
