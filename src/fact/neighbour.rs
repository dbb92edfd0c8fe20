//! Permanent entries of the neighbour tables.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Deserialize;

use super::{Fact, ParseError, Section};

/// Permanent entries alone: the kernel learned the others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Neighbours(BTreeMap<(IpAddr, String), String>);

impl Neighbours {
    /// The hardware address that an address has on an interface.
    pub fn get(&self, address: IpAddr, interface: &str) -> Option<&String> {
        self.0.get(&(address, interface.to_owned()))
    }
}

#[derive(Deserialize)]
struct RawNeighbour {
    dst: IpAddr,
    dev: Option<String>,
    lladdr: Option<String>,
    #[serde(default)]
    state: Vec<String>,
}

impl Fact for Neighbours {
    const NAME: &'static str = "neighbour";
    type Ask = ();

    fn command((): &()) -> String {
        "part json\nask ip -j neigh show nud permanent\n".to_owned()
    }

    fn parse(section: &Section) -> Result<Self, ParseError> {
        let json = section.part("json").trim();
        let raw: Vec<RawNeighbour> = match json {
            // Some versions print nothing for an empty table.
            "" => Vec::new(),
            json => serde_json::from_str(json)
                .map_err(|e| ParseError::new(Self::NAME, format!("`ip -j neigh show`: {e}")))?,
        };
        let permanent = raw
            .into_iter()
            .filter(|n| n.state.iter().any(|s| s == "PERMANENT"));
        Ok(Neighbours(
            permanent
                .filter_map(|n| Some(((n.dst, n.dev?), n.lladdr?.to_lowercase())))
                .collect(),
        ))
    }
}
