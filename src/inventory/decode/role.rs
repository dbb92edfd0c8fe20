//! Values of roles: what a field takes, in words of ours, and how to repair what does not fit.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::inventory::form::Form;
use crate::inventory::node::{Node, Value};
use crate::inventory::scalar::{endpoint, listed};

pub(super) const NET: &str = "an address with its prefix length, such as 192.168.100.200/32";
pub(super) const SOCKET: &str = "an address with its port, such as 192.168.100.200:80";
const ADDRESS: &str = "one address, such as 192.168.100.14";
const V4: &str = "one IPv4 address, such as 192.168.100.14";
const V6: &str = "one IPv6 address, such as 2001:db8::14";

/// What a type of an address calls itself.
pub(super) fn address(expecting: &str) -> Option<&'static str> {
    Some(match expecting {
        "IPv4 or IPv6 network address" | "IP network" => NET,
        "IPv4 network address" | "IPv6 network address" => NET,
        "socket address" | "IPv4 socket address" | "IPv6 socket address" => SOCKET,
        "IP address" => ADDRESS,
        "IPv4 address" => V4,
        "IPv6 address" => V6,
        _ => return None,
    })
}

/// What was probably meant.
pub(super) fn hint(node: &Node, expected: &str) -> Option<String> {
    match (&node.value, expected) {
        (Value::Text(text), NET) => of_net(text.trim()),
        (Value::Text(text), SOCKET) => of_socket(text.trim()),
        (Value::Text(text), ADDRESS | V4 | V6) => of_address(text.trim()),
        (Value::Int(_, text) | Value::Float(_, text) | Value::Bool(_, text), "a text") => {
            Some(format!("put it in quotes: `\"{text}\"`"))
        }
        (Value::Text(text), "a list") => {
            let parts = listed(text)?.into_iter().map(Form::word).collect();
            Some(format!(
                "write `{}`: a list, with brackets",
                Form::List(parts)
            ))
        }
        _ => None,
    }
}

fn of_net(text: &str) -> Option<String> {
    if text == "default" {
        return Some("write `0.0.0.0/0`, or `::/0` for IPv6".to_owned());
    }
    let address: IpAddr = match endpoint(text) {
        Some((address, _)) => address,
        None => text.parse().ok()?,
    };
    let whole = if address.is_ipv6() { 128 } else { 32 };
    Some(format!(
        "write the prefix length behind it: `{address}/{whole}` is the address alone"
    ))
}

fn of_socket(text: &str) -> Option<String> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let address: IpAddr = match bare.parse::<IpNet>() {
        Ok(net) => net.addr(),
        Err(_) => bare.parse().ok()?,
    };
    Some(match address {
        IpAddr::V4(address) => format!("write the port behind it: `\"{address}:80\"`"),
        IpAddr::V6(address) => format!("write the port behind it: `\"[{address}]:80\"`"),
    })
}

fn of_address(text: &str) -> Option<String> {
    if let Ok(net) = text.parse::<IpNet>() {
        return Some(format!("write `{}`, without its prefix length", net.addr()));
    }
    let (address, _) = endpoint(text)?;
    Some(format!("write `{address}`, without a port"))
}
