//! The servers of the role `answer`, for ports that speak no HTTP.

use serde::Serialize;

use super::in_brackets;
use crate::model::topology::{Listens, Serves};
use crate::model::{Cluster, Protocol};
use crate::resource::Distribution;

/// A server on one port, and for UDP on one address.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    protocol: Protocol,
    port: u16,
    #[serde(flatten)]
    udp: Option<Udp>,
    /// The file that defines the unit.
    definition: String,
    unit: String,
}

#[derive(Debug, Serialize)]
struct Udp {
    /// 4 or 6.
    family: u8,
    bind: String,
}

/// One for each port of TCP; for UDP one for each address, since what answers must do so from the address that was
/// asked.
pub(super) fn answers(
    cluster: &Cluster,
    listens: &Listens,
    serves: &Serves,
    os: &Distribution,
) -> Vec<Answer> {
    let answer = |protocol, port, udp, unit: String| Answer {
        protocol,
        port,
        udp,
        definition: os.definition(&unit),
        unit,
    };
    let name = &cluster.name;
    let tcp = listens.tcp.iter().map(|port| {
        let unit = format!("lvsctl-{name}-tcp-{port}.service");
        answer(Protocol::Tcp, *port, None, unit)
    });
    let udp = serves.udp().into_iter().enumerate();
    let udp = udp.map(|(index, (address, port))| {
        let socket = Udp {
            family: if address.is_ipv4() { 4 } else { 6 },
            bind: in_brackets(address),
        };
        let unit = format!("lvsctl-{name}-udp-{port}-{index}.service");
        answer(Protocol::Udp, port, Some(socket), unit)
    });
    tcp.chain(udp).collect()
}
