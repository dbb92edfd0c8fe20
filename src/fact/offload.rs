//! Large receive offload of interfaces, from ethtool(8), or from the kernel itself where that is not installed.

use std::collections::{BTreeMap, BTreeSet};

use super::{Fact, ParseError, Section};
use crate::shell::quote;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offloads {
    /// By interface; None where it could not be read.
    pub lro: BTreeMap<String, Option<bool>>,
    /// Interfaces whose driver does not let it be changed.
    pub fixed: BTreeSet<String>,
}

/// ETHTOOL_GFLAGS (0x25) by SIOCETHTOOL (0x8946), and its flag ETH_FLAG_LRO (0x8000): linux/ethtool.h, linux/sockios.h.
const BY_IOCTL: &str = include_str!("scripts/lro.pl");

impl Fact for Offloads {
    const NAME: &'static str = "offload";
    /// Interfaces.
    type Ask = BTreeSet<String>;

    fn command(ask: &Self::Ask) -> String {
        let of = |interface: &String| {
            let name = quote(interface);
            format!(
                "part lro {name}\nif have ethtool; then ethtool -k {name} 2>/dev/null | grep '^large-receive-offload'\n\
                 elif have perl; then perl -MSocket -e {} {name} 2>/dev/null; fi\n",
                quote(BY_IOCTL)
            )
        };
        ask.iter().map(of).collect()
    }

    fn parse(section: &Section) -> Result<Self, ParseError> {
        let all = || section.parts_of("lro");
        let fixed = all().filter(|(_, text)| text.contains("[fixed]"));
        Ok(Self {
            lro: all()
                .map(|(interface, text)| (interface.to_owned(), offload(text)))
                .collect(),
            fixed: fixed.map(|(interface, _)| interface.to_owned()).collect(),
        })
    }
}

/// A line of `ethtool -k`, or the flags that the kernel reported.
fn offload(text: &str) -> Option<bool> {
    let mut lines = text.lines().map(str::trim);
    let line = lines.find(|line| line.starts_with("large-receive-offload:"))?;
    line.split_once(':')
        .map(|(_, value)| value.trim().starts_with("on"))
}
