//! Values that are one of a list of words: schedulers, modes, protocols, ARP answers.

use schemars::{Schema, json_schema};

use crate::diagnostic::{Expected, choices, shown};
use crate::inventory::field::{Word, Wrong};
use crate::inventory::foreign;
use crate::model::{ArpAnswer, Mode, Protocol, Scheduler};

impl Word for ArpAnswer {
    const EXPECTED: Expected = Expected::words(
        "an answer to the ARP problem",
        "sysctl, arptables or neighbour",
    );

    fn read(text: &str) -> Result<Self, Wrong> {
        match text.to_lowercase().as_str() {
            "sysctl" => Ok(Self::Sysctl),
            "arptables" => Ok(Self::Arptables),
            "neighbour" => Ok(Self::Neighbour),
            _ => Err(Wrong::because(
                format!("unknown answer {}", shown(text)),
                choices(text, &["sysctl", "arptables", "neighbour"]),
            )),
        }
    }

    fn schema() -> Schema {
        one_of(&["sysctl", "arptables", "neighbour"])
    }
}

pub(in crate::inventory) fn one_of(words: &[&str]) -> Schema {
    json_schema!({ "type": "string", "enum": words })
}

impl Word for Mode {
    const EXPECTED: Expected = Expected::words("a forwarding mode", "dr, nat or tun");

    fn read(text: &str) -> Result<Self, Wrong> {
        if matches!(text.to_lowercase().as_str(), "tcp" | "http") {
            return Err(Wrong::because(
                format!("unknown mode {}", shown(text)),
                "write `dr`: LVS forwards packets, whatever they carry",
            ));
        }
        let instead = |word: &str, why: &str| {
            Err(Wrong::because(
                format!("unknown mode {}", shown(text)),
                format!("write `{word}`{why}"),
            ))
        };
        match text.to_lowercase().as_str() {
            "dr" => Ok(Self::Dr),
            "nat" => Ok(Self::Nat),
            "tun" => Ok(Self::Tun),
            "route" | "gatewaying" | "gateway" | "gate" | "direct" | "direct-routing"
            | "droute" | "g" | "-g" => instead("dr", " (direct routing, `ipvsadm -g`)"),
            "masq" | "masquerading" | "masquerade" | "m" | "-m" => {
                instead("nat", " (masquerading, `ipvsadm -m`)")
            }
            "ipip" | "tunnel" | "tunneling" | "tunnelling" | "i" | "-i" => {
                instead("tun", " (IP-in-IP tunnel, `ipvsadm -i`)")
            }
            "fullnat" | "full-nat" => Err(Wrong::because(
                "`fullnat` is not in the mainline Linux kernel, only in patched ones",
                "use `nat` with the director as the real servers' gateway, or `tun` across networks",
            )),
            _ => Err(Wrong::because(
                format!("unknown mode {}", shown(text)),
                choices(text, &["dr", "nat", "tun"]),
            )),
        }
    }

    fn schema() -> Schema {
        one_of(&["dr", "nat", "tun"])
    }
}

/// Every scheduler with the word that `ipvsadm -s` takes.
pub(in crate::inventory) const SCHEDULERS: &[(&str, Scheduler)] = &[
    ("rr", Scheduler::Rr),
    ("wrr", Scheduler::Wrr),
    ("lc", Scheduler::Lc),
    ("wlc", Scheduler::Wlc),
    ("lblc", Scheduler::Lblc),
    ("lblcr", Scheduler::Lblcr),
    ("dh", Scheduler::Dh),
    ("sh", Scheduler::Sh),
    ("sed", Scheduler::Sed),
    ("nq", Scheduler::Nq),
    ("fo", Scheduler::Fo),
    ("ovf", Scheduler::Ovf),
    ("mh", Scheduler::Mh),
    ("twos", Scheduler::Twos),
];

impl Word for Scheduler {
    const EXPECTED: Expected = Expected::like("a scheduler such as rr or wlc", "rr");

    fn read(text: &str) -> Result<Self, Wrong> {
        let same = |(word, _): &&(&str, _)| word.eq_ignore_ascii_case(text);
        let known = SCHEDULERS.iter().find(same);
        known.map(|(_, scheduler)| *scheduler).ok_or_else(|| {
            let words: Vec<&str> = SCHEDULERS.iter().map(|(word, _)| *word).collect();
            Wrong::because(
                format!("unknown scheduler {}", shown(text)),
                match foreign::scheduler(text) {
                    Some(ours) => format!("write `{ours}`; known: {}", words.join(", ")),
                    None => choices(text, &words),
                },
            )
        })
    }

    fn schema() -> Schema {
        let words: Vec<&str> = SCHEDULERS.iter().map(|(word, _)| *word).collect();
        one_of(&words)
    }
}

impl Word for Protocol {
    const EXPECTED: Expected = Expected::words("a protocol", "tcp or udp");

    fn read(text: &str) -> Result<Self, Wrong> {
        match text.to_lowercase().as_str() {
            "tcp" => Ok(Self::Tcp),
            "udp" => Ok(Self::Udp),
            _ => Err(Wrong::because(
                format!("unknown protocol {}", shown(text)),
                choices(text, &["tcp", "udp"]),
            )),
        }
    }

    fn schema() -> Schema {
        one_of(&["tcp", "udp"])
    }
}
