//! Which services each host serves, found once for all hosts: asking each service for each host would take as long as all
//! hosts times all real servers.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::model::{Cluster, RealServer, Service};

/// A service, and those of its real servers that are on one host.
pub(super) struct Part<'c> {
    pub service: &'c Service,
    pub servers: Vec<Cow<'c, RealServer>>,
}

/// By host, in the order of the inventory.
pub(super) struct Served<'c>(HashMap<String, Vec<Part<'c>>>);

impl<'c> Served<'c> {
    pub(super) fn new(cluster: &'c Cluster) -> Self {
        let mut all: HashMap<String, Vec<Part>> = HashMap::new();
        for service in &cluster.services {
            for rs in service.backends() {
                if !all.contains_key(&rs.host) {
                    all.insert(rs.host.clone(), Vec::new());
                }
                let Some(parts) = all.get_mut(&rs.host) else {
                    continue;
                };
                match parts.last_mut() {
                    Some(last) if std::ptr::eq(last.service, service) => last.servers.push(rs),
                    _ => parts.push(Part {
                        service,
                        servers: vec![rs],
                    }),
                }
            }
        }
        Self(all)
    }

    /// What a host serves.
    pub(super) fn by(&self, host: &str) -> &[Part<'c>] {
        self.0.get(host).map_or(&[], Vec::as_slice)
    }
}
