//! The route that the kernel takes to an address, as `ip route get` prints it. No packet is sent.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::Deserialize;

use super::{Fact, ParseError, Section};
use crate::shell::heredoc;

/// The routes that were asked for, those that the kernel has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoutesTo(Vec<Chosen>);

/// The route that the kernel takes to an address.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Chosen {
    #[serde(rename = "dst")]
    pub to: IpAddr,
    #[serde(default)]
    pub from: Option<IpAddr>,
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    #[serde(default)]
    pub gateway: Option<IpAddr>,
    #[serde(default, rename = "dev")]
    pub interface: Option<String>,
    /// The address that packets leave from, where their sender does not say.
    #[serde(default, rename = "prefsrc")]
    pub source: Option<IpAddr>,
    /// One map of what `ip route` may set besides.
    #[serde(default)]
    pub metrics: Vec<serde_json::Value>,
}

impl Chosen {
    /// Whether packets go on: the kernel also shows routes that end at once.
    pub fn leads(&self) -> bool {
        let ends = ["unreachable", "blackhole", "prohibit"];
        !self
            .kind
            .as_deref()
            .is_some_and(|kind| ends.contains(&kind))
    }

    pub fn metric(&self, name: &str) -> Option<u32> {
        let mut all = self.metrics.iter();
        let value = all.find_map(|metrics| metrics.get(name)?.as_u64())?;
        value.try_into().ok()
    }
}

impl RoutesTo {
    pub fn get(&self, to: IpAddr, from: Option<IpAddr>) -> Option<&Chosen> {
        self.0
            .iter()
            .find(|route| route.to == to && route.from == from)
    }

    /// The routes by which answers of an address leave, as far as the kernel was asked.
    pub fn from(&self, address: IpAddr) -> impl Iterator<Item = &Chosen> {
        let routes = self.0.iter();
        routes.filter(move |route| route.from == Some(address) && route.leads())
    }
}

impl Fact for RoutesTo {
    const NAME: &'static str = "route-to";
    /// Destinations, and the source where packets have one already.
    type Ask = BTreeSet<(IpAddr, Option<IpAddr>)>;

    fn command(ask: &Self::Ask) -> String {
        let lines: String = ask
            .iter()
            .map(|(to, from)| match from {
                Some(from) => format!("route get {to} from {from}\n"),
                None => format!("route get {to}\n"),
            })
            .collect();
        // Without -force the first address that has no route ends the batch.
        let batch = heredoc("ip -j -force -batch - 2>/dev/null", &lines);
        format!("part routes\n{batch}")
    }

    fn parse(section: &Section) -> Result<Self, ParseError> {
        Ok(Self(routes(section.part("routes"))))
    }
}

/// The answers of a batch are JSON lists, one after the other.
fn routes(text: &str) -> Vec<Chosen> {
    let lists = serde_json::Deserializer::from_str(text).into_iter::<Vec<serde_json::Value>>();
    lists
        .map_while(Result::ok)
        .flatten()
        .filter_map(|value| serde_json::from_value::<Chosen>(value).ok())
        .map(|chosen| Chosen {
            // IPv6 shows a question without a source as one from `::`.
            from: chosen.from.filter(|from| !from.is_unspecified()),
            ..chosen
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_of_a_batch() {
        let text = r#"[{"type":"local","dst":"192.168.100.200","dev":"lo","prefsrc":"192.168.100.200","flags":[],"uid":0,"cache":["local"]}]
[{"dst":"192.0.2.1","from":"192.168.100.200","gateway":"192.168.100.1","dev":"eth0","flags":[],"uid":0,"cache":[]}]"#;
        let routes = routes(text);
        assert_eq!(routes.len(), 2);
        assert_eq!(routes[0].kind.as_deref(), Some("local"));
        assert_eq!(routes[1].gateway, "192.168.100.1".parse().ok());
    }
}
