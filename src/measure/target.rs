//! The target of a request loop: one port of a service at one of its VIPs. Pure.

use std::net::IpAddr;

use crate::check::end_to_end;
use crate::check::end_to_end::right::Right;
use crate::model::{Cluster, Protocol, Service};
use crate::view;

/// One port of a service.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// With the path that is asked for.
    pub service: Service,
    pub vip: IpAddr,
    pub port: u16,
}

/// The options of the command line for the target.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wish<'a> {
    pub vip: Option<IpAddr>,
    pub port: Option<u16>,
    pub path: Option<&'a str>,
}

/// A service by its name.
pub(crate) fn service<'c>(cluster: &'c Cluster, name: &str) -> Result<&'c Service, String> {
    let mut all = cluster.services.iter();
    all.find(|service| service.name == name).ok_or_else(|| {
        let names: Vec<&str> = cluster.services.iter().map(|s| s.name.as_str()).collect();
        format!(
            "no service is named {name:?}; the services are {}",
            names.join(", ")
        )
    })
}

impl Target {
    /// The first VIP and the first port, where nothing else is wished.
    pub(crate) fn of(service: &Service, wish: Wish) -> Result<Self, String> {
        let name = &service.name;
        let vips: Vec<IpAddr> = service.vips.iter().map(|vip| vip.address).collect();
        let vip = match wish.vip {
            Some(vip) if vips.contains(&vip) => vip,
            None if !vips.is_empty() => vips[0],
            wished => {
                let shown: Vec<String> = vips.iter().map(IpAddr::to_string).collect();
                let wished = wished.map_or_else(|| "a VIP".to_owned(), |vip| vip.to_string());
                return Err(format!(
                    "{name} has no {wished}; its VIPs are {}",
                    shown.join(", ")
                ));
            }
        };
        let covers = |port: u16| {
            let mut all = service.all_ports().into_iter();
            service.is_every_port() || all.any(|range| (range.first..=range.last).contains(&port))
        };
        let port = match wish.port {
            Some(port) if covers(port) => port,
            Some(port) => return Err(format!("{name} is not on port {port}")),
            None => *service.known_ports().first().ok_or_else(|| {
                format!("{name} has no port that can be asked by itself; name one of its ports with --port")
            })?,
        };
        let mut service = service.clone();
        if let Some(path) = wish.path {
            if service.check.path != path {
                // Another page may have another status than that of the check.
                service.check.status = None;
            }
            path.clone_into(&mut service.check.path);
        }
        let target = Self { service, vip, port };
        if wish.path.is_some() && target.url().is_none() {
            return Err(format!(
                "port {port} of {} speaks no HTTP as far as the inventory says, and has no pages: omit --path, or set `check: {{ http: [{port}] }}`",
                target.service.name
            ));
        }
        Ok(target)
    }

    /// Whether a status is accepted. A connection or a datagram has none.
    pub(crate) fn accepts(&self, status: u16) -> bool {
        status == 1 || Right::of(&self.service, self.vip, self.port).accepts(status)
    }

    /// What is asked, for people.
    pub(crate) fn url(&self) -> Option<String> {
        end_to_end::url(&self.service, self.vip, self.port)
    }

    /// As a line of output names it.
    pub(crate) fn shown(&self) -> String {
        let protocol = match self.service.protocol {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
        };
        self.url()
            .unwrap_or_else(|| format!("{protocol} {}:{}", view::in_brackets(self.vip), self.port))
    }

    pub(super) fn is_https(&self) -> bool {
        self.url().is_some_and(|url| url.starts_with("https:"))
    }

    pub(super) fn kind(&self) -> &'static str {
        match self.service.protocol {
            Protocol::Udp => "udp",
            Protocol::Tcp if self.url().is_some() => "http",
            Protocol::Tcp => "tcp",
        }
    }

    /// The name in the request's Host field.
    pub(super) fn host(&self) -> String {
        let name = end_to_end::host(&self.service, self.vip, self.port);
        let name = name.map_or_else(|| view::in_brackets(self.vip), str::to_owned);
        if self.port == 80 {
            name
        } else {
            format!("{name}:{}", self.port)
        }
    }

    pub(super) fn path(&self) -> String {
        let path = &self.service.check.path;
        let slash = if path.starts_with('/') { "" } else { "/" };
        let clean: String = path
            .chars()
            .filter(|c| !c.is_control() && *c != ' ')
            .collect();
        format!("{slash}{clean}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{self, BUILT_IN_ROLES};

    fn asked(keys: &str, wish: Wish) -> Result<String, String> {
        let text = format!(
            "cluster: t\nnetworks: 10.0.0.0/24\nhosts:\n  lb1: {{ role: director, address: 10.0.0.1 }}\n  \
             rs1: {{ role: realserver, address: 10.0.0.3 }}\nservices: {{ web: {{ {keys} }} }}\n"
        );
        let loaded = inventory::parse("t.yaml", &text, BUILT_IN_ROLES)
            .unwrap_or_else(|e| panic!("{}", e.render(100, false)));
        let service = service(&loaded.cluster, "web")?;
        Ok(Target::of(service, wish)?.shown())
    }

    #[test]
    fn one_port_of_one_vip_is_asked() {
        let two = "vip: [10.0.0.8, 10.0.0.9], port: [80, 443], fwmark: 1";
        let none = Wish::default();
        let vip = |text: &str| Wish {
            vip: text.parse().ok(),
            ..none
        };
        let port = |port| Wish {
            port: Some(port),
            ..none
        };
        for (keys, wish, expected) in [
            ("vip: 10.0.0.9, port: 80", none, "http://10.0.0.9/"),
            (two, none, "http://10.0.0.8/"),
            (two, vip("10.0.0.9"), "http://10.0.0.9/"),
            (
                two,
                vip("10.0.0.7"),
                "web has no 10.0.0.7; its VIPs are 10.0.0.8, 10.0.0.9",
            ),
            (two, port(443), "https://10.0.0.8/"),
            (two, port(22), "web is not on port 22"),
            ("vip: 10.0.0.9, port: 22", none, "tcp 10.0.0.9:22"),
            (
                "vip: 10.0.0.9, port: 53, protocol: udp",
                none,
                "udp 10.0.0.9:53",
            ),
            (
                "vip: 10.0.0.9, port: 80",
                Wish {
                    path: Some("/up?x=1"),
                    ..none
                },
                "http://10.0.0.9/up?x=1",
            ),
        ] {
            let found = asked(keys, wish).unwrap_or_else(|e| e);
            assert_eq!(found, expected, "{keys} {wish:?}");
        }
        let no_pages = asked(
            "vip: 10.0.0.9, port: 22",
            Wish {
                path: Some("/"),
                ..none
            },
        );
        assert!(no_pages.unwrap_err().contains("speaks no HTTP"));
    }
}
