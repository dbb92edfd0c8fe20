//! Texts that are nearly addresses or subnets.

use std::net::IpAddr;

use crate::diagnostic::{AddressForm, Expected, Help};
use crate::inventory::foreign;
use crate::inventory::form::Form;
use crate::inventory::location::{MapType, any_address, find, first_address, has_role, scalar};
use crate::inventory::scalar::{addresses, endpoint, listed, netmask};

use super::Cursor;
use super::hint::beside;

pub(super) fn of_address(cursor: Cursor<'_>, expected: &Expected, text: &str) -> Option<Help> {
    use AddressForm::{Alone, MayHavePort, MayHavePrefix, OfInterface, OrHost};
    let form = match expected {
        Expected::Address(form @ (Alone | MayHavePort | MayHavePrefix | OfInterface | OrHost)) => {
            Some(*form)
        }
        Expected::Subnet { .. } => None,
        _ => return None,
    };
    let site = &cursor.site;
    let named = form.is_some_and(|form| form != OrHost);
    if let Some(help) = of_name(cursor, text).filter(|_| named) {
        return Some(help);
    }
    if let Some(net) = netmask(text) {
        let address = net.split('/').next().unwrap_or(&net);
        let bare = matches!(form, Some(MayHavePort | Alone));
        return Some(format!("write `{}`", if bare { address } else { &net }).into());
    }
    if let Some((address, port)) = endpoint(text) {
        let Some(port) = port else {
            return Some(format!("write `{address}`, without brackets").into());
        };
        return Some(with_port(cursor, form, address, port));
    }
    if let Some(all) = addresses(text) {
        let list = Form::words(&all);
        return Some(format!("there are no ranges of addresses: write `{list}`").into());
    }
    let is_address = |part: &str| {
        let bare = part.split('/').next().unwrap_or_default();
        bare.parse::<IpAddr>().is_ok()
    };
    let parts = listed(text)?;
    if parts.iter().all(|part| is_address(part)) && !cursor.in_list {
        return Some(format!("write `{}`", Form::words(parts)).into());
    }
    // `192.168.100.200/24 dev eth0`.
    let first = *parts.first().filter(|first| is_address(first))?;
    let own = (site.of() == MapType::Vrrp).then(|| foreign::vip_in_services(first, site));
    let first = own.flatten().unwrap_or(first);
    Some(format!("write `{first}`; the interface in its network holds it").into())
}

fn with_port(cursor: Cursor<'_>, form: Option<AddressForm>, address: IpAddr, port: u16) -> Help {
    let site = &cursor.site;
    let write = format!("write `{address}`");
    match (site.of(), cursor.key) {
        _ if form == Some(AddressForm::MayHavePort) && address.is_ipv6() => {
            format!("write `'[{address}]:{port}'`").into()
        }
        _ if form == Some(AddressForm::MayHavePort) => format!("write `{address}:{port}`").into(),
        (MapType::Service, "vip") if site.given("port").is_some() => {
            format!("{write}: the port stands in `port`").into()
        }
        (MapType::Service, "vip") => Help::from(write).and(beside(site, &[("port", Form::word(port))])),
        (MapType::Host, "address") => format!(
            "{write}; where NAT maps ports, a service says which one its real servers listen on: `real_port: {port}`"
        )
        .into(),
        (MapType::LongSorryServer, "address") => format!("{write}; a port stands in `port`").into(),
        _ => format!("{write}: no port stands here").into(),
    }
}

/// The name of a host in the place of its address.
fn of_name(cursor: Cursor<'_>, text: &str) -> Option<Help> {
    let (name, port) = match text.split_once(':') {
        Some((name, port)) if cursor.key == "sorry_server" => (name, format!(":{port}")),
        _ => (text, String::new()),
    };
    let good = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if !name.contains(|c: char| c.is_ascii_alphabetic()) || !name.chars().all(good) {
        return None;
    }
    let host = find(cursor.site.all("hosts"), name);
    let Some(address) = host.and_then(|host| any_address(&host.value)) else {
        return Some("host names are not looked up here: write the address itself".into());
    };
    if let Some(help) = of_director(cursor, name) {
        return Some(help.into());
    }
    let port = if address.contains(':') { "" } else { &port };
    Some(format!("write `{address}{port}`, the address of `{name}`").into())
}

/// With several directors, the sorry server is the director that serves at the moment, not a named one.
fn of_director(cursor: Cursor<'_>, name: &str) -> Option<String> {
    let site = &cursor.site;
    let service = match (site.of(), cursor.key) {
        (MapType::Service, "sorry_server") => site.map(),
        (MapType::LongSorryServer, "address") => site.map_at(1),
        _ => return None,
    };
    let directs = |host: &&_| {
        ["director", "backup"]
            .iter()
            .any(|role| has_role(host, role))
    };
    let hosts = || site.all("hosts").iter();
    let is_director = find(site.all("hosts"), name).is_some_and(|host| directs(&&host.value));
    if !is_director || hosts().filter(|host| directs(&&host.value)).take(2).count() < 2 {
        return None;
    }
    let given = |key: &str| find(service, key).map(|entry| &entry.value);
    if given("mode").and_then(scalar) == Some("nat") {
        return Some(format!(
            "with `nat` and several directors none of them, as `{name}` is, can be it: write the address of a host beside the real servers that is no director"
        ));
    }
    let v6 = given("vip")
        .and_then(first_address)
        .is_some_and(|vip| vip.contains(':'));
    let own = if v6 { "'::1'" } else { "127.0.0.1" };
    Some(format!("write `{own}`: it is the director that serves"))
}
