//! Routes of the main table.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Deserialize;

use super::{Fact, ParseError, Section};

/// Unicast routes, in the order of the table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Routes(Vec<Known>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub to: IpNet,
    pub interface: Option<String>,
    pub via: Option<IpAddr>,
}

/// Which families to ask for: IPv4 always.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ask {
    pub v6: bool,
    /// Those of IPv4 come with the addresses ([`super::address::Ask::with_routes`]).
    pub with_addresses: bool,
}

#[derive(Deserialize)]
struct RawRoute {
    dst: String,
    gateway: Option<IpAddr>,
    dev: Option<String>,
    #[serde(default)]
    r#type: Option<String>,
}

impl Routes {
    pub fn iter(&self) -> impl Iterator<Item = &Known> {
        self.0.iter()
    }
}

impl Fact for Routes {
    const NAME: &'static str = "route";
    type Ask = Ask;

    fn command(ask: &Ask) -> String {
        let mut text = String::new();
        if !ask.with_addresses {
            text.push_str("part v4\nask ip -j -4 route show table main\n");
        }
        if ask.v6 {
            text.push_str("part v6\nask ip -j -6 route show table main\n");
        }
        text
    }

    fn parse(section: &Section) -> Result<Self, ParseError> {
        let mut known = Vec::new();
        for (part, default) in [("v4", "0.0.0.0/0"), ("v6", "::/0")] {
            let json = section.part(part).trim();
            if json.is_empty() {
                continue;
            }
            let raw: Vec<RawRoute> = serde_json::from_str(json).map_err(|e| {
                ParseError::new(
                    Self::NAME,
                    format!("`ip -j route show` (iproute2 4.14 or later): {e}"),
                )
            })?;
            for route in raw
                .into_iter()
                .filter(|r| r.r#type.as_deref().is_none_or(|t| t == "unicast"))
            {
                let dst = if route.dst == "default" {
                    default
                } else {
                    route.dst.as_str()
                };
                let to = dst
                    .parse::<IpNet>()
                    .or_else(|_| dst.parse::<IpAddr>().map(IpNet::from))
                    .map_err(|_| ParseError::new(Self::NAME, format!("odd destination {dst:?}")))?;
                known.push(Known {
                    to,
                    interface: route.dev,
                    via: route.gateway,
                });
            }
        }
        Ok(Self(known))
    }
}
